"""The outer form of a frame of the universal protocol (docs/protocol.md, "The frame").

    13 bytes of header (also the authenticated data) ‖ ciphertext ‖ 12 bytes of tag

    byte 0       version (3 bits, 1) | direction (1 bit, 1 = to the module) |
                 key selector (2 bits) | reserved (2 bits, 0)
    bytes 1–8    device id: three capital letters of the maker, five bytes of number
    bytes 9–12   frame counter, highest byte first; its highest bit repeats the direction

Bytes 1–12 are the nonce. The direction bit in it keeps the two ends of one key apart.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import NamedTuple

from .errors import DecodeError

__all__ = [
    "DEVICE_ID_BYTES",
    "HEADER_BYTES",
    "MAX_COUNTER",
    "MAX_FRAME_BYTES",
    "MIN_FRAME_BYTES",
    "TAG_BYTES",
    "VERSION",
    "Direction",
    "Header",
    "Key",
    "device_id",
    "device_label",
    "pack_header",
    "read_header",
]

VERSION = 1
HEADER_BYTES = 13
TAG_BYTES = 12
DEVICE_ID_BYTES = 8
MIN_FRAME_BYTES = HEADER_BYTES + 1 + TAG_BYTES
MAX_FRAME_BYTES = 1200
MAX_COUNTER = 0x7FFF_FFFF

_HEADER = struct.Struct(">B8sI")
_DIRECTION_BIT = 0x8000_0000


class Direction(IntEnum):
    """Who sent the frame."""

    UP = 0
    DOWN = 1


class Key(IntEnum):
    """Which key seals the frame."""

    A = 0
    B = 1
    CLAIM = 2

    @property
    def other(self) -> Key:
        """The selector that a new operating key is given under."""
        return Key.B if self is Key.A else Key.A


class Header(NamedTuple):
    """The first 13 bytes. `counter` is without the direction bit: 1 to 2³¹ − 1."""

    direction: Direction
    key: Key
    device: bytes
    counter: int


def read_header(frame: bytes) -> Header:
    """The header of a whole frame, whose length is checked too."""
    _check_length(len(frame))
    first, device, counter = _HEADER.unpack_from(frame)
    if first >> 5 != VERSION:
        raise DecodeError(0, f"protocol version {first >> 5}, only {VERSION} is known")
    if first & 0x03:
        raise DecodeError(0, "a reserved bit of the header is set")
    selector = first >> 2 & 0x03
    if selector > Key.CLAIM:
        raise DecodeError(0, f"key selector {selector} is reserved")
    _check_device(device)
    direction = Direction(first >> 4 & 1)
    if counter >> 31 != direction:
        raise DecodeError(9, "the direction bits of header and counter differ")
    if not counter & MAX_COUNTER:
        raise DecodeError(9, "the frame counter is 0")
    return Header(direction, Key(selector), device, counter & MAX_COUNTER)


def _check_length(length: int) -> None:
    if length < MIN_FRAME_BYTES:
        raise DecodeError(length, f"{length} bytes, a frame has at least {MIN_FRAME_BYTES}")
    if length > MAX_FRAME_BYTES:
        raise DecodeError(MAX_FRAME_BYTES, f"{length} bytes, a frame has at most {MAX_FRAME_BYTES}")


def _check_device(device: bytes) -> None:
    for place in range(3):
        if not 0x41 <= device[place] <= 0x5A:
            raise DecodeError(1 + place, "the maker is not three capital letters")


def pack_header(header: Header) -> bytes:
    """Thirteen bytes; ValueError when a field does not fit."""
    if not 0 < header.counter <= MAX_COUNTER:
        raise ValueError(f"frame counter {header.counter} is not within 1..{MAX_COUNTER}")
    if len(header.device) != DEVICE_ID_BYTES:
        raise ValueError(f"a device id has {DEVICE_ID_BYTES} bytes, not {len(header.device)}")
    _check_device(header.device)
    first = VERSION << 5 | header.direction << 4 | header.key << 2
    counter = header.counter | (_DIRECTION_BIT if header.direction else 0)
    return _HEADER.pack(first, header.device, counter)


def device_id(label: str) -> bytes:
    """The eight bytes of a label such as "RDO-0000001234" (maker, number in decimal)."""
    maker, _, number = label.strip().upper().partition("-")
    if len(maker) != 3 or not maker.isascii() or not maker.isalpha():
        raise ValueError(f"{label!r} does not start with three letters and a hyphen")
    if not number.isascii() or not number.isdigit() or int(number) >= 1 << 40:
        raise ValueError(f"{label!r} has no number below {1 << 40} behind the hyphen")
    return maker.encode("ascii") + int(number).to_bytes(5, "big")


def device_label(device: bytes) -> str:
    """How a device id is printed and shown."""
    return f"{device[:3].decode('ascii')}-{int.from_bytes(device[3:], 'big'):010d}"
