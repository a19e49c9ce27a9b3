"""A frame of the universal protocol byte by byte: which bytes say what.

For people who look a value up to its bytes. The reference readers do the reading; here only every
piece they take is noted, so an explanation never disagrees with what is stored. Names of pieces are
those of the readers and plain English; pages give them words of their own.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from . import universal_up
from .errors import DecodeError
from .reader import Reader
from .universal_fields import UpKind
from .universal_frame import DEVICE_ID_BYTES, HEADER_BYTES, TAG_BYTES, Header, read_header
from .universal_messages import Message

__all__ = ["HEADER", "REST", "SEALED", "TAG", "Bits", "Part", "Section", "explain"]

# Kinds of the sections that are no message.
HEADER, SEALED, TAG, REST = "header", "sealed", "tag", "rest"
# Pieces of several numbers: width in bits and name of each, highest bit first.
_SPLIT: dict[str, tuple[tuple[int, str], ...]] = {
    "the first byte": (
        (3, "the version"),
        (1, "the direction"),
        (2, "the key selector"),
        (2, "the reserved bits"),
    ),
    "the kind": ((4, "the flags"), (4, "the message kind")),
    "port and register": ((3, "the port"), (5, "the register number")),
    "interval and width": ((11, "the interval"), (5, "the width of an increment")),
}
_SIGNED = {"the signal", "the detail of an event"}
_STATUS = struct.Struct(">IHBbb")
_STATUS_PARTS = (
    (4, "the time"),
    (2, "the battery voltage"),
    (1, "the battery level"),
    (1, "the signal"),
    (1, "the temperature"),
)


@dataclass(frozen=True, slots=True)
class Bits:
    """A number inside a piece: bits `high` to `low`, 0 being the lowest."""

    name: str
    high: int
    low: int
    value: int


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes `start` to `end` (not included) of the frame. value: a number, or the bytes as such."""

    name: str
    start: int
    end: int
    value: int | bytes
    bits: tuple[Bits, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """Header, one message, or tag. error: why the message could not be read any further."""

    kind: str
    start: int
    end: int
    parts: tuple[Part, ...]
    message: Message | None = None
    error: str = ""


class _Noting(Reader):
    """A reader that notes every piece it hands out."""

    __slots__ = ("parts",)

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.parts: list[Part] = []

    def take(self, size: int, what: str) -> bytes:
        start = self.offset
        taken = super().take(size, what)
        if what == "the status" and size == _STATUS.size:
            self._note_status(start, taken)
        elif size:
            self.parts.append(_part(what, HEADER_BYTES + start, taken))
        return taken

    def _note_status(self, start: int, taken: bytes) -> None:
        # The reader takes it as one record.
        at = 0
        for (size, name), value in zip(_STATUS_PARTS, _STATUS.unpack(taken), strict=True):
            first = HEADER_BYTES + start + at
            self.parts.append(Part(name, first, first + size, value))
            at += size


def explain(frame: bytes, plaintext: bytes | None) -> list[Section]:
    """Sections that cover the frame from its first byte to its last.

    plaintext: of the frame, sent by a module; None where it could not be opened. DecodeError when
    the header is none.
    """
    header = read_header(frame)
    sections = [_header(frame, header)]
    end = len(frame) - TAG_BYTES
    if plaintext is None:
        sealed = _part("the sealed bytes", HEADER_BYTES, frame[HEADER_BYTES:end])
        sections.append(Section(SEALED, HEADER_BYTES, end, (sealed,)))
    else:
        sections += _messages(plaintext)
    tag = Part("the tag", end, len(frame), frame[end:])
    return [*sections, Section(TAG, end, len(frame), (tag,))]


def _header(frame: bytes, header: Header) -> Section:
    device_at = 1 + DEVICE_ID_BYTES
    parts = (
        _part("the first byte", 0, frame[:1]),
        Part("the device id", 1, device_at, header.device),
        Part("the frame counter", device_at, HEADER_BYTES, header.counter),
    )
    return Section(HEADER, 0, HEADER_BYTES, parts)


def _messages(plaintext: bytes) -> Iterator[Section]:
    reader = _Noting(plaintext)
    while reader.left:
        start, reader.parts = reader.offset, []
        try:
            yield _message(reader, start)
        except DecodeError as error:
            yield from _unread(reader, start, error)
            return


def _message(reader: _Noting, start: int) -> Section:
    first = reader.unsigned(1, "the kind")
    read = universal_up.READERS.get(first & 0x0F)
    if read is None:
        raise DecodeError(start, f"message kind {first & 0x0F} is unknown")
    message = read(reader, first >> 4)
    kind = UpKind(first & 0x0F).name.lower()
    return _section(kind, reader, start, message)


def _section(
    kind: str, reader: _Noting, start: int, message: Message | None, error: str = ""
) -> Section:
    first, end = HEADER_BYTES + start, HEADER_BYTES + reader.offset
    return Section(kind, first, end, tuple(reader.parts), message, error)


def _unread(reader: _Noting, start: int, error: DecodeError) -> Iterator[Section]:
    """What was read of a message that breaks a rule, and all that stands behind it."""
    rest = reader.data[reader.offset :]
    if reader.offset > start:
        first = reader.data[start] & 0x0F
        known = first in universal_up.READERS
        kind = UpKind(first).name.lower() if known else REST
        yield _section(kind, reader, start, None, str(error))
    if rest:
        at = HEADER_BYTES + reader.offset
        part = Part("the rest", at, at + len(rest), rest)
        yield Section(REST, at, at + len(rest), (part,), None, str(error))


# Pieces that are bytes, not a number.
_BYTES = {
    "the missing bitmap",
    "the increments",
    "the sealed bytes",
    "the payload",
    "the extension",
    "the claim nonce",
    "the firmware version",
}


def _part(name: str, start: int, taken: bytes) -> Part:
    end = start + len(taken)
    if name in _BYTES:
        return Part(name, start, end, taken)
    value = int.from_bytes(taken, "big", signed=name in _SIGNED or len(taken) == 8)
    return Part(name, start, end, value, _bits(name, value, len(taken) * 8))


def _bits(name: str, value: int, size: int) -> tuple[Bits, ...]:
    found, high = [], size
    for width, piece in _SPLIT.get(name, ()):
        low = high - width
        found.append(Bits(piece, high - 1, low, value >> low & (1 << width) - 1))
        high = low
    return tuple(found)
