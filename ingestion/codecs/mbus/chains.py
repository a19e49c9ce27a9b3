"""Chains of bytes, each of which tells by its highest bit that another one follows.

DIF with its DIFE and VIF with its VIFE: at most ten extensions, EN 13757-3:2018, 6.3.5 and 6.4.6.
"""

from __future__ import annotations

from ..errors import DecodeError

__all__ = ["EXTENSION", "chain_end"]

EXTENSION = 0x80
_MOST_EXTENSIONS = 10


def chain_end(octets: bytes, start: int, end: int, what: str) -> int:
    """After the byte at `start` and its extensions; `what` is "DIFE" or "VIFE".

    A final DIFE of 00h, which makes the storage number a register number, is not counted. Raises
    DecodeError if the bytes end at `end` before the chain does, or it is too long.
    """
    position = start
    while octets[position] & EXTENSION:
        position += 1
        if position >= end:
            raise DecodeError(position, f"the data end within the chain of {what}")
        if position - start > _MOST_EXTENSIONS + (what == "DIFE" and not octets[position]):
            raise DecodeError(position, f"more than {_MOST_EXTENSIONS} {what}")
    return position + 1
