"""COSEM data in A-XDR: every value behind the tag of its type.

Source: DLMS UA Blue Book, clause "Common data types"; IEC 61334-6 (A-XDR); Green Book, ASN.1 of
`Data`. A compact-array gives its type once and then the bare values.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum
from typing import NoReturn

import numpy as np

from ..errors import DecodeError
from ..reader import Reader

__all__ = ["DataReader", "Node", "Tag", "Type"]

MAX_DEPTH = 24
MAX_NODES = 20_000


class Tag(IntEnum):
    """Types of data, by their tag."""

    NULL = 0
    ARRAY = 1
    STRUCTURE = 2
    BOOLEAN = 3
    BIT_STRING = 4
    DOUBLE_LONG = 5
    DOUBLE_LONG_UNSIGNED = 6
    OCTET_STRING = 9
    VISIBLE_STRING = 10
    UTF8_STRING = 12
    BCD = 13
    INTEGER = 15
    LONG = 16
    UNSIGNED = 17
    LONG_UNSIGNED = 18
    COMPACT_ARRAY = 19
    LONG64 = 20
    LONG64_UNSIGNED = 21
    ENUM = 22
    FLOAT32 = 23
    FLOAT64 = 24
    DATE_TIME = 25
    DATE = 26
    TIME = 27
    DELTA_INTEGER = 28
    DELTA_LONG = 29
    DELTA_DOUBLE_LONG = 30
    DELTA_UNSIGNED = 31
    DELTA_LONG_UNSIGNED = 32
    DELTA_DOUBLE_LONG_UNSIGNED = 33
    DONT_CARE = 255


_TAGS: dict[int, Tag] = {tag.value: tag for tag in Tag}
# Size in bytes and whether a sign is in it.
_INTEGERS = {
    Tag.DOUBLE_LONG: (4, True),
    Tag.DOUBLE_LONG_UNSIGNED: (4, False),
    Tag.INTEGER: (1, True),
    Tag.LONG: (2, True),
    Tag.UNSIGNED: (1, False),
    Tag.LONG_UNSIGNED: (2, False),
    Tag.LONG64: (8, True),
    Tag.LONG64_UNSIGNED: (8, False),
    Tag.ENUM: (1, False),
    Tag.DELTA_INTEGER: (1, True),
    Tag.DELTA_LONG: (2, True),
    Tag.DELTA_DOUBLE_LONG: (4, True),
    Tag.DELTA_UNSIGNED: (1, False),
    Tag.DELTA_LONG_UNSIGNED: (2, False),
    Tag.DELTA_DOUBLE_LONG_UNSIGNED: (4, False),
}
_FIXED = {Tag.DATE_TIME: 12, Tag.DATE: 5, Tag.TIME: 4}

Plain = int | Decimal | str | bytes | bool | None


@dataclass(frozen=True, slots=True)
class Node:
    """One value. Containers have children and no value; dates and strings keep their bytes."""

    tag: Tag
    start: int
    end: int
    value: Plain = None
    children: tuple[Node, ...] = ()

    @property
    def is_container(self) -> bool:
        return self.tag in (Tag.ARRAY, Tag.STRUCTURE, Tag.COMPACT_ARRAY)

    @property
    def is_number(self) -> bool:
        return isinstance(self.value, int | Decimal) and not isinstance(self.value, bool)


@dataclass(frozen=True, slots=True)
class Type:
    """The description of a type in a compact-array; `count` is that of an array."""

    tag: Tag
    count: int = 0
    parts: tuple[Type, ...] = ()


class DataReader(Reader):
    """Reads data one after the other; counts what it made, so that no telegram exhausts it."""

    __slots__ = ("_made",)

    def __init__(self, data: bytes, offset: int = 0) -> None:
        super().__init__(data, offset)
        self._made = 0

    def data_value(self, depth: int = 0) -> Node:
        """A tag and what it announces."""
        start = self.offset
        tag = self._tag("the type of a value")
        if tag in (Tag.ARRAY, Tag.STRUCTURE):
            return self._sequence(tag, start, depth)
        if tag is Tag.COMPACT_ARRAY:
            return self._compact(start, depth)
        return self._node(tag, start, self._plain(tag))

    def count(self, what: str) -> int:
        """An A-XDR length: one byte below 128, else the number of bytes that follow with it."""
        start = self.offset
        first = self.unsigned(1, f"the length of {what}")
        if first < 0x80:
            return first
        if not 1 <= first & 0x7F <= 4:
            raise DecodeError(start, f"the length of {what} has {first & 0x7F} bytes, not 1..4")
        return self.unsigned(first & 0x7F, f"the length of {what}")

    def octet_string(self, what: str) -> bytes:
        return self.take(self.count(what), what)

    def _tag(self, what: str) -> Tag:
        start = self.offset
        number = self.unsigned(1, what)
        tag = _TAGS.get(number)
        if tag is None:
            raise DecodeError(start, f"{what} is {number}, which is no COSEM type")
        return tag

    def _node(self, tag: Tag, start: int, value: Plain, children: tuple[Node, ...] = ()) -> Node:
        self._made += 1
        if self._made > MAX_NODES:
            raise DecodeError(start, f"more than {MAX_NODES} values in one message")
        return Node(tag, start, self.offset, value, children)

    def _deeper(self, start: int, depth: int) -> int:
        if depth >= MAX_DEPTH:
            raise DecodeError(start, f"values nested deeper than {MAX_DEPTH}")
        return depth + 1

    def _sequence(self, tag: Tag, start: int, depth: int) -> Node:
        below = self._deeper(start, depth)
        number = self.count("a sequence")
        if number > self.left:
            raise DecodeError(start, f"a sequence of {number} values in {self.left} bytes")
        children = tuple(self.data_value(below) for _ in range(number))
        return self._node(tag, start, None, children)

    def _compact(self, start: int, depth: int) -> Node:
        kind = self._type(self._deeper(start, depth))
        size = self.count("the contents of a compact array")
        if size > self.left:
            raise DecodeError(start, f"a compact array of {size} bytes, {self.left} are left")
        end, children = self.offset + size, []
        while self.offset < end:
            before = self.offset
            children.append(self._bare(kind, depth + 1))
            if self.offset == before:
                raise DecodeError(start, "a compact array of values that take no bytes")
        if self.offset > end:
            raise DecodeError(end, "the last value of a compact array runs over its end")
        return self._node(Tag.COMPACT_ARRAY, start, None, tuple(children))

    def _type(self, depth: int) -> Type:
        start = self.offset
        tag = self._tag("the type of a compact array")
        if tag is Tag.ARRAY:
            number = self.unsigned(2, "the size of an array")
            return Type(tag, number, (self._type(self._deeper(start, depth)),))
        if tag is Tag.STRUCTURE:
            number = self.count("a structure")
            below = self._deeper(start, depth)
            return Type(tag, number, tuple(self._type(below) for _ in range(number)))
        if tag is Tag.COMPACT_ARRAY:
            raise DecodeError(start, "a compact array of compact arrays")
        return Type(tag)

    def _bare(self, kind: Type, depth: int) -> Node:
        """A value without its tag."""
        start = self.offset
        if kind.tag is Tag.ARRAY:
            children = tuple(self._bare(kind.parts[0], depth + 1) for _ in range(kind.count))
            return self._node(kind.tag, start, None, children)
        if kind.tag is Tag.STRUCTURE:
            children = tuple(self._bare(part, depth + 1) for part in kind.parts)
            return self._node(kind.tag, start, None, children)
        return self._node(kind.tag, start, self._plain(kind.tag))

    def _plain(self, tag: Tag) -> Plain:
        if tag in _INTEGERS:
            size, signed = _INTEGERS[tag]
            return int.from_bytes(self.take(size, _words(tag)), "big", signed=signed)
        if tag in _FIXED:
            return self.take(_FIXED[tag], _words(tag))
        return _READERS[tag](self)


def _words(tag: Tag) -> str:
    return tag.name.lower().replace("_", "-")


def _bit_string(reader: DataReader) -> str:
    """Bits as digits; the last byte is filled up with bits that do not count."""
    size = reader.count("a bit string")
    octets = reader.take((size + 7) // 8, "bit-string")
    return "".join(f"{octet:08b}" for octet in octets)[:size]


def _text(encoding: str) -> Callable[[DataReader], str]:
    def read(reader: DataReader) -> str:
        return reader.octet_string("a string").decode(encoding, "backslashreplace")

    return read


def _bcd(reader: DataReader) -> int:
    start = reader.offset
    octet = reader.unsigned(1, "bcd")
    high, low = octet >> 4, octet & 15
    if high > 9 or low > 9:
        raise DecodeError(start, f"bcd 0x{octet:02x} has a digit above 9")
    return high * 10 + low


def _float(size: int) -> Callable[[DataReader], Decimal | None]:
    """The shortest decimal that reads back as the same number; None when it is no number."""
    single = size == 4

    def read(reader: DataReader) -> Decimal | None:
        (number,) = struct.unpack(">f" if single else ">d", reader.take(size, f"float{size * 8}"))
        exact = Decimal(str(np.float32(number)) if single else repr(number))
        return exact if exact.is_finite() else None

    return read


def _no_containers(reader: DataReader) -> NoReturn:
    raise DecodeError(reader.offset, "a container where a plain value must stand")


_READERS: dict[Tag, Callable[[DataReader], Plain]] = {
    Tag.NULL: lambda reader: None,
    Tag.DONT_CARE: lambda reader: None,
    Tag.BOOLEAN: lambda reader: reader.unsigned(1, "boolean") != 0,
    Tag.BIT_STRING: _bit_string,
    Tag.OCTET_STRING: lambda reader: reader.octet_string("an octet string"),
    Tag.VISIBLE_STRING: _text("ascii"),
    Tag.UTF8_STRING: _text("utf-8"),
    Tag.BCD: _bcd,
    Tag.FLOAT32: _float(4),
    Tag.FLOAT64: _float(8),
    Tag.ARRAY: _no_containers,
    Tag.STRUCTURE: _no_containers,
    Tag.COMPACT_ARRAY: _no_containers,
}
