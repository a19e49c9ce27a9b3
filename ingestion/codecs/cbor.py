"""CBOR (RFC 8949) as the same tree of placed values that JSON gives.

Own reading, because numbers must come out exact for their width and every value must know its
bytes. Taken is what measurements need: integers, floats of three widths, decimal fractions (tag 4),
texts, byte strings, arrays and maps of definite and indefinite length. Other tags are refused.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from .errors import DecodeError
from .floats import float_decimal
from .json_paths.text import MAX_DEPTH, MAX_OCTETS, MAX_VALUES, Node
from .reader import Reader

__all__ = ["read_cbor"]

_INDEFINITE = 31
_BREAK = 0xFF
_DECIMAL_FRACTION = 4
_SIMPLE: dict[int, bool | None] = {20: False, 21: True, 22: None}
_FLOATS = {25: 2, 26: 4, 27: 8}
_ARGUMENT_SIZES = {24: 1, 25: 2, 26: 4, 27: 8}
_HIGHEST_EXPONENT = 40


def read_cbor(octets: bytes) -> Node:
    """One value over all bytes; DecodeError otherwise. Keys of maps become text: -2 is "-2"."""
    if len(octets) > MAX_OCTETS:
        raise DecodeError(MAX_OCTETS, f"{len(octets)} bytes, a document may have {MAX_OCTETS}")
    reading = _Reading(octets)
    root = reading.value(1)
    if reading.reader.left:
        raise DecodeError(reading.reader.offset, "the document has ended, but more follows")
    return root


class _Reading:
    __slots__ = ("count", "reader")

    def __init__(self, octets: bytes) -> None:
        self.reader = Reader(octets)
        self.count = 0

    def value(self, depth: int) -> Node:
        start = self.reader.offset
        self.count += 1
        if self.count > MAX_VALUES:
            raise DecodeError(start, f"more than {MAX_VALUES} values")
        if depth > MAX_DEPTH:
            raise DecodeError(start, f"nested deeper than {MAX_DEPTH}")
        first = self.reader.unsigned(1, "a value")
        held = _MAJORS[first >> 5](self, start, first & 0x1F, depth)
        return Node(held, start, self.reader.offset)  # type: ignore[arg-type]

    def argument(self, start: int, info: int) -> int:
        if info < 24:
            return info
        if info not in _ARGUMENT_SIZES:
            raise DecodeError(start, "a length that CBOR does not have")
        return self.reader.unsigned(_ARGUMENT_SIZES[info], "a length or number")

    def unsigned(self, start: int, info: int, depth: int) -> int:
        return self.argument(start, info)

    def negative(self, start: int, info: int, depth: int) -> int:
        return -1 - self.argument(start, info)

    def octets(self, start: int, info: int, depth: int) -> bytes:
        if info != _INDEFINITE:
            return self.reader.take(self.argument(start, info), "a string")
        return b"".join(self.chunks(start, depth))

    def chunks(self, start: int, depth: int) -> list[bytes]:
        """The parts of a string of indefinite length: strings of its own kind."""
        major, parts = self.reader.data[start] >> 5, []
        while not self.broken():
            at = self.reader.offset
            first = self.reader.unsigned(1, "a part of a string")
            if first >> 5 != major or first & 0x1F == _INDEFINITE:
                raise DecodeError(at, "not a part of the string that was begun")
            parts.append(self.octets(at, first & 0x1F, depth))
        return parts

    def text(self, start: int, info: int, depth: int) -> str:
        try:
            return self.octets(start, info, depth).decode("utf-8")
        except UnicodeDecodeError as error:
            raise DecodeError(start, "a text that is not UTF-8") from error

    def array(self, start: int, info: int, depth: int) -> list[Node]:
        if info != _INDEFINITE:
            count = self.fitting(start, self.argument(start, info), 1)
            return [self.value(depth + 1) for _ in range(count)]
        members = []
        while not self.broken():
            members.append(self.value(depth + 1))
        return members

    def map(self, start: int, info: int, depth: int) -> dict[str, Node]:
        found: dict[str, Node] = {}
        if info != _INDEFINITE:
            for _ in range(self.fitting(start, self.argument(start, info), 2)):
                self.pair(found, depth)
            return found
        while not self.broken():
            self.pair(found, depth)
        return found

    def pair(self, found: dict[str, Node], depth: int) -> None:
        key = self.value(depth + 1)
        if isinstance(key.value, bool) or not isinstance(key.value, str | int):
            raise DecodeError(key.start, "a key is a text or a whole number")
        name = str(key.value)
        if name in found:
            raise DecodeError(key.start, f"the key {name[:40]!r} stands twice")
        found[name] = self.value(depth + 1)

    def tagged(self, start: int, info: int, depth: int) -> Decimal:
        tag = self.argument(start, info)
        if tag != _DECIMAL_FRACTION:
            raise DecodeError(start, f"tag {tag} is not for measurements")
        inner = self.value(depth + 1).value
        parts = [node.value for node in inner] if isinstance(inner, list) else []
        if len(parts) != 2 or any(isinstance(part, bool) for part in parts):
            raise DecodeError(start, "a decimal fraction has an exponent and a mantissa")
        exponent, mantissa = parts
        if not isinstance(exponent, int) or not isinstance(mantissa, int):
            raise DecodeError(start, "a decimal fraction has two whole numbers")
        if abs(exponent) > _HIGHEST_EXPONENT:
            raise DecodeError(start, "a number out of every range")
        return Decimal((int(mantissa < 0), tuple(map(int, str(abs(mantissa)))), exponent))

    def simple(self, start: int, info: int, depth: int) -> Decimal | bool | None:
        if info in _SIMPLE:
            return _SIMPLE[info]
        if info not in _FLOATS:
            raise DecodeError(start, f"the simple value {info} is not for measurements")
        number = float_decimal(self.reader.take(_FLOATS[info], "a float"))
        if number is None:
            raise DecodeError(start, "not a number, or infinite")
        if number and abs(number.adjusted()) > _HIGHEST_EXPONENT:
            raise DecodeError(start, "a number out of every range")
        return number

    def broken(self) -> bool:
        """Whether the end mark of an indefinite length stands here; it is taken then."""
        if self.reader.left and self.reader.data[self.reader.offset] == _BREAK:
            self.reader.offset += 1
            return True
        return False

    def fitting(self, start: int, count: int, least: int) -> int:
        """A count that the rest of the bytes has room for: no list of a billion from 9 bytes."""
        if count * least > self.reader.left:
            raise DecodeError(start, f"{count} members, but {self.reader.left} bytes are left")
        return count


_MAJORS: tuple[Callable[[_Reading, int, int, int], object], ...] = (
    _Reading.unsigned,
    _Reading.negative,
    _Reading.octets,
    _Reading.text,
    _Reading.array,
    _Reading.map,
    _Reading.tagged,
    _Reading.simple,
)
