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
    """One wrapped APDU; `rest` is what stands behind it, the next of a stream."""

    source: int
    destination: int
    apdu: Octets
    rest: Octets


def is_wrapped(octets: bytes) -> bool:
    return len(octets) > WRAPPER_SIZE and octets[:2] == _VERSION


def unwrap(octets: Octets) -> Wrapped:
    """Take the wrapper off; DecodeError, in its bytes, where fewer follow than it says."""
    source, destination, length = (
        int.from_bytes(octets.data[start : start + 2], "big") for start in (2, 4, 6)
    )
    left = len(octets) - WRAPPER_SIZE
    if not 0 < length <= left:
        raise DecodeError(6, f"the wrapper says {length} bytes, {left} follow")
    end = WRAPPER_SIZE + length
    return Wrapped(source, destination, octets.cut(WRAPPER_SIZE, end), octets.cut(end))
