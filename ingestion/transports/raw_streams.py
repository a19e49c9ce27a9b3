"""Streams without lengths in front: gateways that pass on what is on their wire.

How a connection begins tells it: a length of ours begins with a byte below 05, an M-Bus frame with
10, 68 or E5 (EN 13757-2, 5.2), a P1 or IEC 62056-21 telegram with a slash. P1 ends with the line
behind the exclamation mark (DSMR 5.0.2, 6.2).
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["begins_raw", "cut_raw"]

_SHORT, _LONG, _ACK, _SLASH = 0x10, 0x68, 0xE5, 0x2F
_SHORT_BYTES, _AROUND = 5, 6
_LONGEST_TEXT = 8_192
_BETWEEN = frozenset(b"\r\n")


def begins_raw(first: int) -> bool:
    """Whether a connection that begins with this byte has no lengths."""
    return first in _LENGTHS


def cut_raw(buffer: bytes) -> tuple[list[bytes], int] | None:
    """Whole messages, and how many bytes they took; None where the stream is none of these."""
    found: list[bytes] = []
    at = 0
    while at < len(buffer):
        if buffer[at] in _BETWEEN:
            at += 1
            continue
        length = _LENGTHS.get(buffer[at], _impossible)(buffer, at)
        if length is None:
            return None
        if not length or at + length > len(buffer):
            break
        found.append(buffer[at : at + length])
        at += length
    return found, at


def _impossible(buffer: bytes, at: int) -> int | None:
    return None


def _long(buffer: bytes, at: int) -> int | None:
    """68 L L 68, L bytes, sum, 16; 0: more is needed to tell."""
    head = buffer[at : at + 4]
    if len(head) < 4:
        return 0
    return head[1] + _AROUND if head[1] == head[2] and head[3] == _LONG else None


def _text(buffer: bytes, at: int) -> int | None:
    mark = buffer.find(b"!", at, at + _LONGEST_TEXT)
    end = buffer.find(b"\n", mark, at + _LONGEST_TEXT) if mark >= 0 else -1
    if end < 0:
        return None if len(buffer) - at >= _LONGEST_TEXT else 0
    return end + 1 - at


_LENGTHS: dict[int, Callable[[bytes, int], int | None]] = {
    _SHORT: lambda buffer, at: _SHORT_BYTES,
    _LONG: _long,
    _ACK: lambda buffer, at: 1,
    _SLASH: _text,
}
