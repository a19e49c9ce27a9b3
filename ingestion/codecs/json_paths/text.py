"""A JSON text (RFC 8259) as a tree in which every value knows where it stands.

Stricter than the standard library: numbers are exact, a key may stand once in an object, NaN and
Infinity do not exist, and size, depth and the number of values are bounded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import NamedTuple, TypeAlias

import numpy as np

from ..errors import DecodeError

__all__ = [
    "MAX_DEPTH",
    "MAX_OCTETS",
    "MAX_VALUES",
    "NULL",
    "Document",
    "Node",
    "plain",
    "read_json",
]

MAX_OCTETS = 256 * 1024
MAX_DEPTH = 32
MAX_VALUES = 20_000
# A longer number is no measurement, and 1e999999999 would fill the memory when written out.
_LONGEST_NUMBER = 40
_HIGHEST_EXPONENT = 40

# One match takes a key with the beginning of its value; scalars are taken whole.
_KEY = r'"([^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*)"'
_VALUE = rf"""[ \t\n\r]*(?:
    {_KEY}
  | (-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
  | ([{{\[])
  | (true|false|null)
)"""
_TEXT, _NUMBER, _OPENING = 2, 3, 4
_ELEMENT = re.compile(f"(){_VALUE}", re.VERBOSE)
_MEMBER = re.compile(rf"[ \t\n\r]*{_KEY}[ \t\n\r]*:{_VALUE}", re.VERBOSE)
_MARK = re.compile(r"[ \t\n\r]*([,\]}])")
_SPACE = re.compile(r"[ \t\n\r]*")
_KEY_AND_COLON = re.compile(rf"{_KEY}[ \t\n\r]*:?[ \t\n\r]*")
_NOT_A_NUMBER = re.compile(r"[ \t\n\r]*-?(?:NaN|Infinity)")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}


class Node(NamedTuple):
    """A value and its characters [start, end); -1 for a value that was computed."""

    value: Held
    start: int = -1
    end: int = -1


Held: TypeAlias = "dict[str, Node] | list[Node] | Decimal | int | str | bool | None"
NULL = Node(None)


class Document(NamedTuple):
    """A read text of `size` values.

    `place` turns a character's index into a byte's offset in what was received.
    """

    text: str
    root: Node
    size: int
    place: Callable[[int], int]


def plain(node: Node) -> object:
    """The value without places."""
    value = node.value
    if isinstance(value, dict):
        return {key: plain(member) for key, member in value.items()}
    if isinstance(value, list):
        return [plain(member) for member in value]
    return value


def read_json(octets: bytes) -> Document:
    """The whole text as one value; DecodeError with the byte where it stops being JSON."""
    if len(octets) > MAX_OCTETS:
        raise DecodeError(MAX_OCTETS, f"{len(octets)} bytes, a document may have {MAX_OCTETS}")
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DecodeError(error.start, "not UTF-8") from error
    place = _places(octets, text)
    reading = _Reading(text)
    try:
        root = reading.whole()
    except DecodeError as error:
        raise DecodeError(place(error.offset), error.reason) from None
    return Document(text, root, reading.count, place)


def _places(octets: bytes, text: str) -> Callable[[int], int]:
    if len(octets) == len(text):
        return int
    starts = np.flatnonzero((np.frombuffer(octets, np.uint8) & 0xC0) != 0x80)
    return lambda index: int(starts[index]) if index < len(starts) else len(octets)


class _Reading:
    """One pass over a text. Offsets of its DecodeErrors count characters."""

    __slots__ = ("at", "count", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        # Some devices put a byte order mark in front; it says nothing.
        self.at = 1 if text.startswith("\ufeff") else 0
        self.count = 0

    def whole(self) -> Node:
        root = self.value(self.began(_ELEMENT), 1)
        end = _space_end(self.text, self.at)
        if end != len(self.text):
            raise DecodeError(end, "the document has ended, but more follows")
        return root

    def began(self, what: re.Pattern[str]) -> re.Match[str]:
        """The beginning of an element or of a member, with its key."""
        found = what.match(self.text, self.at)
        if found is None:
            raise self.stopped(what)
        self.at = found.end()
        return found

    def stopped(self, what: re.Pattern[str]) -> DecodeError:
        start = _space_end(self.text, self.at)
        if what is _MEMBER and (key := _KEY_AND_COLON.match(self.text, start)):
            start = key.end()
        if start == len(self.text):
            return DecodeError(start, "the document ends too early")
        if _NOT_A_NUMBER.match(self.text, start):
            return DecodeError(start, "JSON has no NaN and no Infinity")
        return DecodeError(start, f"this is not JSON: {self.text[start : start + 12]!r}")

    def value(self, found: re.Match[str], depth: int) -> Node:
        self.count += 1
        kind = found.lastindex or 0
        start, end = found.span(kind)
        if self.count > MAX_VALUES:
            raise DecodeError(start, f"more than {MAX_VALUES} values")
        if kind == _TEXT:
            return Node(_text(found[kind], start), start - 1, end + 1)
        if kind == _NUMBER:
            return Node(_number(found[kind], start), start, end)
        if kind != _OPENING:
            return Node(_WORDS[found[kind]], start, end)
        if depth > MAX_DEPTH:
            raise DecodeError(start, f"nested deeper than {MAX_DEPTH}")
        is_object = found[kind] == "{"
        held: Held = self.members(depth) if is_object else self.elements(depth)
        return Node(held, start, self.at)

    def members(self, depth: int) -> dict[str, Node]:
        found: dict[str, Node] = {}
        mark = self.closed("}")
        while mark != "}":
            member = self.began(_MEMBER)
            key = _text(member[1], member.start(1))
            if key in found:
                raise DecodeError(member.start(1) - 1, f"the key {key[:40]!r} stands twice")
            found[key] = self.value(member, depth + 1)
            mark = self.mark("}")
        return found

    def elements(self, depth: int) -> list[Node]:
        found: list[Node] = []
        mark = self.closed("]")
        while mark != "]":
            found.append(self.value(self.began(_ELEMENT), depth + 1))
            mark = self.mark("]")
        return found

    def closed(self, end: str) -> str:
        """The end mark of an empty container, or nothing."""
        found = _MARK.match(self.text, self.at)
        if found is None or found[1] != end:
            return ""
        self.at = found.end()
        return end

    def mark(self, end: str) -> str:
        """The comma or the end mark behind a value."""
        found = _MARK.match(self.text, self.at)
        if found is None or found[1] not in ("," + end):
            raise DecodeError(_space_end(self.text, self.at), f"a comma or {end} is needed here")
        self.at = found.end()
        return found[1]


def _space_end(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _text(inner: str, start: int) -> str:
    if "\\" not in inner:
        return inner
    try:
        text = json.loads(f'"{inner}"')
    except json.JSONDecodeError as error:
        raise DecodeError(start + error.pos - 1, "an unknown escape in a text") from error
    if not isinstance(text, str) or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise DecodeError(start, "half of a character in a text")
    return text


def _number(digits: str, start: int) -> Decimal | int:
    if len(digits) > _LONGEST_NUMBER:
        raise DecodeError(start, f"a number of {len(digits)} characters")
    if digits.lstrip("-").isdecimal():
        return int(digits)
    try:
        number = Decimal(digits)
    except InvalidOperation:  # an exponent that no decimal can have
        raise DecodeError(start, "a number out of every range") from None
    if abs(number.adjusted()) > _HIGHEST_EXPONENT:
        raise DecodeError(start, "a number out of every range")
    return number
