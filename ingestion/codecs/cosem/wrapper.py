"""The wrapper of DLMS over TCP and UDP.

Source: IEC 62056-47, Green Book "COSEM transport layers for IP networks": version 0001, source
port, destination port and length, two bytes each, highest first; then so many bytes of an APDU.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import DecodeError
from .octets import Octets

__all__ = ["WRAPPER_SIZE", "Wrapped", "is_wrapped", "unwrap"]

WRAPPER_SIZE = 8
_VERSION = b"\x00\x01"


@dataclass(frozen=True, slots=True)
class Wrapped:
    """One wrapped APDU; `end` is the place behind it, where the next of a stream may start."""

    source: int
    destination: int
    apdu: Octets
    end: int


def is_wrapped(octets: bytes, start: int = 0) -> bool:
    return len(octets) - start > WRAPPER_SIZE and octets[start : start + 2] == _VERSION


def unwrap(octets: Octets, start: int) -> Wrapped:
    """Take a wrapper off; DecodeError, in its bytes, where fewer follow than it says."""
    source, destination, length = (
        int.from_bytes(octets.data[place : place + 2], "big")
        for place in (start + 2, start + 4, start + 6)
    )
    first = start + WRAPPER_SIZE
    left = len(octets) - first
    if not 0 < length <= left:
        raise DecodeError(start + 6, f"the wrapper says {length} bytes, {left} follow")
    return Wrapped(source, destination, octets.cut(first, first + length), first + length)
