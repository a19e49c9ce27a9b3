"""Plain xDLMS APDUs that carry values.

Source: Green Book, ASN.1 of the xDLMS APDUs, encoded in A-XDR. In a data-notification the time may
be absent (00), an octet string without its tag (0C, twelve bytes) or, by some makers, with it
(09 0C).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..errors import DecodeError
from .data import DataReader, Node

__all__ = ["TIME_PART", "Apdu", "Attribute", "Part", "read_apdu"]

_TIME_SIZE = 12
TIME_PART = "time of the message"

_WITHOUT_VALUES = {
    0x0E: "confirmed-service-error",
    0x60: "association request",
    0x61: "association response",
    0x62: "release request",
    0x63: "release response",
    0xC0: "get-request",
    0xC1: "set-request",
    0xC3: "action-request",
    0xC5: "set-response",
    0xC7: "action-response",
    0xD8: "exception-response",
}

_ACCESS_RESULTS = {
    1: "hardware fault",
    2: "temporary failure",
    3: "read-write denied",
    4: "object undefined",
    9: "object class inconsistent",
    11: "object unavailable",
    12: "type unmatched",
    13: "scope of access violated",
    14: "data block unavailable",
    15: "long get aborted",
    16: "no long get in progress",
    250: "other reason",
}


@dataclass(frozen=True, slots=True)
class Part:
    """A named piece of the header."""

    name: str
    start: int
    end: int
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Attribute:
    """A value; `obis` and `attribute` where the APDU itself says whose it is."""

    node: Node
    obis: bytes = b""
    class_id: int = 0
    attribute: int = 0


@dataclass(frozen=True, slots=True)
class Apdu:
    """`time` is twelve octets of date-time or empty; `end` is behind the last byte read."""

    kind: str
    values: tuple[Attribute, ...]
    parts: tuple[Part, ...]
    end: int
    time: bytes = b""


class _Header:
    """Reads the header and notes what stood where."""

    def __init__(self, octets: bytes) -> None:
        self.reader = DataReader(octets, 1)
        self.parts = [Part("APDU tag", 0, 1, f"{octets[0]:02x}")]
        self.time = b""

    def number(self, size: int, name: str) -> int:
        start = self.reader.offset
        value = self.reader.unsigned(size, name)
        self.note(name, start, str(value))
        return value

    def note(self, name: str, start: int, raw: str = "") -> None:
        self.parts.append(Part(name, start, self.reader.offset, raw))

    def take_time(self, size: int, start: int) -> None:
        if size not in (0, _TIME_SIZE):
            raise DecodeError(start, f"a date-time of {size} bytes, not {_TIME_SIZE}")
        self.time = self.reader.take(size, "the date-time")
        self.note(TIME_PART, start, self.time.hex())

    def apdu(self, kind: str, *values: Attribute) -> Apdu:
        return Apdu(kind, values, tuple(self.parts), self.reader.offset, self.time)


def _data_notification(octets: bytes) -> Apdu:
    header = _Header(octets)
    reader = header.reader
    header.number(4, "invoke id and priority")
    start = reader.offset
    size = reader.unsigned(1, "the date-time")
    tagged = size == 9 and octets[reader.offset : reader.offset + 1] == b"\x0c"
    header.take_time(reader.unsigned(1, "the date-time") if tagged else size, start)
    return header.apdu("data-notification", Attribute(reader.data_value()))


def _event_notification(octets: bytes) -> Apdu:
    header = _Header(octets)
    reader, start = header.reader, header.reader.offset
    if reader.within(1, 0, 1, "the presence of a time"):
        header.take_time(reader.count("the time"), start)
    start = reader.offset
    class_id = reader.unsigned(2, "the class id")
    obis = reader.take(6, "the instance id")
    attribute = reader.signed(1, "the attribute id")
    header.note("attribute descriptor", start, octets[start : reader.offset].hex())
    value = Attribute(reader.data_value(), obis, class_id, attribute)
    return header.apdu("event-notification", value)


def _get_response(octets: bytes) -> Apdu:
    header = _Header(octets)
    choice = header.number(1, "kind of response")
    if choice not in _RESPONSES:
        raise DecodeError(1, f"get-response of kind {choice}, not 1..3")
    header.number(1, "invoke id and priority")
    return header.apdu("get-response", *_RESPONSES[choice](header))


def _result(header: _Header) -> Attribute:
    start = header.reader.offset
    if header.reader.within(1, 0, 1, "the result"):
        code = header.reader.unsigned(1, "the access result")
        reason = _ACCESS_RESULTS.get(code, f"code {code}")
        raise DecodeError(start, f"the meter answers without data: {reason}")
    header.note("result", start, "0")
    return Attribute(header.reader.data_value())


def _one(header: _Header) -> list[Attribute]:
    return [_result(header)]


def _block(header: _Header) -> list[Attribute]:
    """A block that is the whole: of a series, only the joined blocks can be read."""
    reader, start = header.reader, header.reader.offset
    last = reader.unsigned(1, "the last-block mark")
    number = reader.unsigned(4, "the block number")
    if not last or number != 1:
        raise DecodeError(start, f"block {number} of a longer answer")
    if reader.within(1, 0, 1, "the result"):
        raise DecodeError(start, "the meter answers without data")
    size = reader.count("the raw data")
    header.note("block header", start)
    if size != reader.left:
        raise DecodeError(reader.offset, f"raw data of {size} bytes, {reader.left} are left")
    return [Attribute(reader.data_value())]


def _list(header: _Header) -> list[Attribute]:
    number = header.number(1, "number of results")
    if number > header.reader.left:
        raise DecodeError(header.reader.offset, f"{number} results do not fit")
    return [_result(header) for _ in range(number)]


_RESPONSES: dict[int, Callable[[_Header], list[Attribute]]] = {1: _one, 2: _block, 3: _list}
_WITH_VALUES: dict[int, Callable[[bytes], Apdu]] = {
    0x0F: _data_notification,
    0xC2: _event_notification,
    0xC4: _get_response,
}


def _is_apdu(octets: bytes) -> bool:
    """Whether the first byte announces an APDU; an integer (0F) of two bytes is a bare value."""
    return len(octets) > 2 and (octets[0] in _WITH_VALUES or octets[0] in _WITHOUT_VALUES)


def read_apdu(octets: bytes) -> Apdu:
    """Read an APDU, or a bare body. DecodeError counts from its first byte."""
    if not _is_apdu(octets):
        reader = DataReader(octets)
        return Apdu("body", (Attribute(reader.data_value()),), (), reader.offset)
    if octets[0] in _WITHOUT_VALUES:
        raise DecodeError(0, f"a {_WITHOUT_VALUES[octets[0]]} carries no values")
    return _WITH_VALUES[octets[0]](octets)
