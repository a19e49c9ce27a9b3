"""Frames of the link layer, EN 13757-2 (FT 1.2 of EN 60870-5):

    E5                                             acknowledgement
    10 C A checksum 16                             short frame
    68 L L 68 C A CI … checksum 16                 long frame; a control frame has nothing after CI

L counts C, A, CI and what follows; the checksum is the sum of the same bytes, modulo 256.
"""

from __future__ import annotations

from typing import NamedTuple

from ..errors import DecodeError
from ..telegram import Item

__all__ = ["Frame", "read_frame"]

_ACKNOWLEDGE, _SHORT, _LONG, _STOP = 0xE5, 0x10, 0x68, 0x16
_LEAST_LENGTH = 3
_FROM_MASTER = 0x40  # bit PRM of the control field
_FUNCTION = 0x0F
_SEND_DATA = 0x03
_CONTROLS = {
    0x40: "SND-NKE",
    0x53: "SND-UD",
    0x5A: "REQ-UD1",
    0x5B: "REQ-UD2",
    0x08: "RSP-UD",
    0x00: "ACK",
}


class Frame(NamedTuple):
    """A frame: its bytes are [start, end), what it carries [body, body_end), from CI on.

    Both are equal in a frame that carries nothing. `control` and `address` are None in an
    acknowledgement.
    """

    start: int
    end: int
    body: int
    body_end: int
    control: int | None
    address: int | None
    layers: tuple[Item, ...]

    @property
    def sent_by_master(self) -> bool:
        """User data that a master sends to a meter (SND-UD)."""
        control = self.control or 0
        return bool(control & _FROM_MASTER) and control & _FUNCTION == _SEND_DATA


def read_frame(octets: bytes, start: int) -> Frame:
    """The frame that begins at `start`; raises DecodeError where it breaks the form."""
    first = octets[start]
    if first == _ACKNOWLEDGE:
        layer = Item(name="acknowledgement", value=first, start=start, end=start + 1, raw="e5")
        return Frame(start, start + 1, start + 1, start + 1, None, None, (layer,))
    if first == _SHORT:
        return _short(octets, start)
    if first == _LONG:
        return _long(octets, start)
    raise DecodeError(start, f"{first:02X}h begins no frame: 68h, 10h or E5h does")


def _short(octets: bytes, start: int) -> Frame:
    end = start + 5
    _present(octets, start, end)
    _check(octets, start + 1, end - 2)
    layers = (
        _byte(octets, "start", start),
        *_who(octets, start + 1),
        _byte(octets, "checksum", end - 2),
        _byte(octets, "stop", end - 1),
    )
    return Frame(start, end, end, end, octets[start + 1], octets[start + 2], layers)


def _long(octets: bytes, start: int) -> Frame:
    _present(octets, start, start + 4)
    length = octets[start + 1]
    if octets[start + 2] != length:
        reason = f"the length is {length} once and {octets[start + 2]} the other time"
        raise DecodeError(start + 2, reason)
    if octets[start + 3] != _LONG:
        raise DecodeError(start + 3, "the second 68h is missing")
    if length < _LEAST_LENGTH:
        raise DecodeError(start + 1, f"the length {length} leaves no room for C, A and CI")
    end = start + length + 6
    _present(octets, start, end)
    _check(octets, start + 4, end - 2)
    opening = octets[start : start + 4]
    layers = (
        Item(name="start", value=length, start=start, end=start + 4, raw=opening.hex()),
        *_who(octets, start + 4),
        _byte(octets, "checksum", end - 2),
        _byte(octets, "stop", end - 1),
    )
    control, address = octets[start + 4], octets[start + 5]
    return Frame(start, end, start + 6, end - 2, control, address, layers)


def _present(octets: bytes, start: int, end: int) -> None:
    if len(octets) < end:
        reason = f"the frame has {end - start} bytes, {len(octets) - start} are there"
        raise DecodeError(len(octets), reason)


def _check(octets: bytes, start: int, end: int) -> None:
    """Checksum at `end`, stop byte behind it."""
    checksum = sum(octets[start:end]) & 0xFF
    if octets[end] != checksum:
        raise DecodeError(end, f"the checksum is {octets[end]:02X}h, not {checksum:02X}h")
    if octets[end + 1] != _STOP:
        raise DecodeError(end + 1, f"the frame ends with {octets[end + 1]:02X}h, not 16h")


def _who(octets: bytes, start: int) -> tuple[Item, Item]:
    """Control and address field."""
    control = octets[start]
    known = _CONTROLS.get(control & 0x4F) or _CONTROLS.get(control & 0x5F, "")
    return (
        Item(
            name="control", value=control, start=start, end=start + 1, raw=f"{control:02x}",
            formula=known,
        ),
        _byte(octets, "address", start + 1),
    )  # fmt: skip


def _byte(octets: bytes, name: str, at: int) -> Item:
    return Item(name=name, value=octets[at], start=at, end=at + 1, raw=f"{octets[at]:02x}")
