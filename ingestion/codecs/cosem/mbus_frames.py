"""DLMS in long frames of wired M-Bus, as some customer interfaces send it.

Source: EN 13757-2 (68 L L 68 C A CI data sum 16, sum over C to data modulo 256) and the transport
layer of IEC 62056-7-3 / EN 13757-1: CI 00..1F, its low four bits count the segments, bit 4 marks
the last; then the two service access points (one byte each).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import DecodeError
from .octets import Octets

__all__ = ["MbusFrame", "is_mbus", "mbus_frames"]

_START, _STOP = 0x68, 0x16
# Start, length twice, start; C, A, CI and the two access points stand before the data.
_HEAD = 4
_TRANSPORT = 5
_LAST_SEGMENT = 0x10
_HIGHEST_CI = 0x1F


@dataclass(frozen=True, slots=True)
class MbusFrame:
    """One frame; the numbers are places in the received message."""

    start: int
    data: Octets
    end: int
    is_last: bool


def is_mbus(octets: bytes) -> bool:
    return len(octets) > _HEAD + _TRANSPORT and octets[0] == octets[3] == _START


def mbus_frames(octets: bytes) -> Iterator[MbusFrame]:
    """Frames back to back from the first byte; DecodeError at the first that is wrong."""
    whole, start = Octets.received(octets), 0
    while start < len(octets):
        end = _end(octets, start)
        ci = octets[start + _HEAD + 2]
        if ci > _HIGHEST_CI:
            raise DecodeError(start + _HEAD + 2, f"CI {ci:02x} announces no DLMS data")
        data = whole.cut(start + _HEAD + _TRANSPORT, end - 2)
        yield MbusFrame(start, data, end, bool(ci & _LAST_SEGMENT))
        start = end


def _end(octets: bytes, start: int) -> int:
    """Where a frame ends, its lengths and its checksum being right."""
    head = octets[start : start + _HEAD]
    if len(head) < _HEAD or head[0] != _START or head[3] != _START or head[1] != head[2]:
        raise DecodeError(start, "no M-Bus long frame starts here")
    end = start + _HEAD + head[1] + 2
    if head[1] < _TRANSPORT or end > len(octets) or octets[end - 1] != _STOP:
        raise DecodeError(start + 1, f"an M-Bus frame of {head[1]} bytes does not fit")
    computed = sum(octets[start + _HEAD : end - 2]) & 0xFF
    if computed != octets[end - 2]:
        reason = f"M-Bus checksum: computed {computed:02x}, given {octets[end - 2]:02x}"
        raise DecodeError(end - 2, reason)
    return end
