"""Who is who in the body of a push: which value belongs to which OBIS code, scaler and unit.

Seen in the field, and told apart by shape alone:
  1. a structure of code, value and maybe [scaler, unit], in an array of such (Aidon and others);
  2. code, value, maybe [scaler, unit], code, value … in one structure, perhaps behind a text or a
     time without code (Kamstrup, Kaifa in Sweden and Austria, Landis+Gyr);
  3. first an array of [class, code, attribute, index], then the values in that order (IDIS push);
  4. values alone, known by their number (Kaifa in Norway).
Anything else is walked through and named by its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .clock import looks_like_time
from .data import Node, Tag
from .lists import positions
from .obis import Code, code_from_octets, looks_like_code

__all__ = ["DESCRIBED", "PAIRS", "POSITIONAL", "SEQUENCE", "WALKED", "Reading", "readings"]

PAIRS = "pairs"
SEQUENCE = "sequence"
DESCRIBED = "described"
POSITIONAL = "positional"
WALKED = "walked"
_MOST_PAIR = 3
_LIST_VERSION: Code = (1, 0, 0, 2, 129, 255)
_CLOCK: Code = (0, 0, 1, 0, 0, 255)
_TEXT_TAGS = (Tag.OCTET_STRING, Tag.VISIBLE_STRING, Tag.UTF8_STRING)


@dataclass(frozen=True, slots=True)
class Reading:
    """A value and what is known of it. Places are those of everything that belongs to it."""

    node: Node
    layout: str
    start: int
    end: int
    code: Code | None = None
    exponent: int | None = None
    unit: int | None = None
    path: str = "value"


def readings(node: Node, path: str = "value", code: Code | None = None) -> Iterator[Reading]:
    """All plain values under a node. `code` is that of the whole, where the APDU tells it."""
    if not node.is_container:
        yield Reading(node, WALKED, node.start, node.end, code, path=path)
        return
    children = [child for child in node.children if child.tag is not Tag.NULL]
    if _is_pair(children):
        yield from _pair(node, children, path)
    elif codes := _described(node.children):
        yield from _by_description(node.children, codes)
    elif any(_is_code(child) for child in children):
        yield from _sequence(node.children, path)
    elif row := _positions(children):
        for child, each in zip(children, row, strict=True):
            yield Reading(child, POSITIONAL, child.start, child.end, each)
    else:
        for index, child in enumerate(node.children):
            yield from readings(child, f"{path}_{index}", code)


def _is_code(node: Node) -> bool:
    is_octets = node.tag is Tag.OCTET_STRING and isinstance(node.value, bytes)
    return is_octets and isinstance(node.value, bytes) and looks_like_code(node.value)


def _code_of(node: Node) -> Code | None:
    return code_from_octets(node.value) if isinstance(node.value, bytes) else None


def _is_scale(node: Node) -> bool:
    if node.tag is not Tag.STRUCTURE or len(node.children) != 2:
        return False
    exponent, unit = node.children
    return exponent.tag is Tag.INTEGER and unit.tag is Tag.ENUM


def _is_pair(children: Sequence[Node]) -> bool:
    """Code and value, with a scale as third."""
    if not 2 <= len(children) <= _MOST_PAIR or not _is_code(children[0]):
        return False
    return len(children) == 2 or _is_scale(children[2])


def _pair(node: Node, children: Sequence[Node], path: str) -> Iterator[Reading]:
    scale = children[2] if len(children) == _MOST_PAIR else None
    yield from _coded(children[0], children[1], scale, PAIRS, path, (node.start, node.end))


def _coded(
    code: Node, value: Node, scale: Node | None, layout: str, path: str, span: tuple[int, int]
) -> Iterator[Reading]:
    """A value with its code; of a container each value inside, under the code of the whole."""
    number = _code_of(code)
    if value.is_container:
        yield from readings(value, path, number)
        return
    exponent, unit = (_whole(part) for part in scale.children) if scale else (None, None)
    yield Reading(value, layout, *span, number, exponent, unit, path)


def _whole(node: Node) -> int | None:
    return node.value if isinstance(node.value, int) else None


def _sequence(children: Sequence[Node], path: str) -> Iterator[Reading]:
    index = 0
    while index < len(children):
        child = children[index]
        if _is_code(child) and index + 1 < len(children):
            value = children[index + 1]
            follower = children[index + 2] if index + 2 < len(children) else None
            scale = follower if follower and _is_scale(follower) else None
            span = (child.start, (scale or value).end)
            yield from _coded(child, value, scale, SEQUENCE, f"{path}_{index}", span)
            index += 3 if scale else 2
        else:
            # Null data without a code only fills up.
            if child.tag is not Tag.NULL:
                yield from _uncoded(child, index, path)
            index += 1


def _uncoded(node: Node, index: int, path: str) -> Iterator[Reading]:
    """At the front a time or the version of the list may stand without a code."""
    where = f"{path}_{index}"
    if index or node.is_container:
        yield from readings(node, where)
        return
    code = None
    if node.tag in _TEXT_TAGS:
        is_time = isinstance(node.value, bytes) and looks_like_time(node.value)
        code = _CLOCK if is_time else _LIST_VERSION
    yield Reading(node, SEQUENCE, node.start, node.end, code, path=where)


def _described(children: Sequence[Node]) -> list[Code | None]:
    """Codes of the values behind a list of captured objects, or nothing."""
    if len(children) < 2 or not children[0].is_container or not children[0].children:
        return []
    rows = children[0].children
    if not all(_is_object(row) for row in rows) or len(rows) not in (
        len(children),
        len(children) - 1,
    ):
        return []
    # The list may count itself as the first of the captured objects.
    return [_code_of(row.children[1]) for row in rows[-(len(children) - 1) :]]


def _is_object(row: Node) -> bool:
    parts = row.children
    return len(parts) >= 3 and parts[0].tag is Tag.LONG_UNSIGNED and _is_code(parts[1])


def _by_description(children: Sequence[Node], codes: list[Code | None]) -> Iterator[Reading]:
    for child, code in zip(children[1:], codes, strict=True):
        if child.is_container:
            yield from readings(child, "value", code)
        else:
            yield Reading(child, DESCRIBED, child.start, child.end, code)


def _positions(children: Sequence[Node]) -> tuple[Code, ...]:
    if any(child.is_container for child in children):
        return ()
    return positions(tuple(child.tag in _TEXT_TAGS for child in children))
