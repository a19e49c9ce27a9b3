"""CRC-16 of EN 13757: of radio blocks, of ELL payloads, of compact frames and their formats."""

from __future__ import annotations

__all__ = ["crc16"]

_POLYNOMIAL = 0x3D65


def _entry(octet: int) -> int:
    value = octet << 8
    for _ in range(8):
        value = (value << 1) ^ (_POLYNOMIAL if value & 0x8000 else 0)
    return value & 0xFFFF


_TABLE = tuple(_entry(octet) for octet in range(256))


def crc16(octets: bytes | bytearray) -> int:
    """Starts at 0, highest bit first, complemented (EN 13757-4, clause on the CRC field)."""
    value = 0
    for octet in octets:
        value = (value << 8 & 0xFFFF) ^ _TABLE[value >> 8 ^ octet]
    return value ^ 0xFFFF
