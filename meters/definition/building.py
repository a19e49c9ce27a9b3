"""Checked plain values → the dataclasses of a definition."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as PlainMapping
from typing import Any

from .errors import Path
from .model import (
    Clock,
    Command,
    Decode,
    Definition,
    Event,
    Identify,
    Reading,
    Rejection,
    Series,
    Test,
)
from .nodes import Listing, Mapping, Node, plain, text_of
from .vocabulary import Vocabulary

__all__ = ["built"]

# Key → the class each entry of the list becomes.
_LISTS: dict[str, type] = {
    "readings": Reading,
    "series": Series,
    "events": Event,
    "commands": Command,
    "reject": Rejection,
    "tests": Test,
}
# Keys of a test that are bytes in hex.
_WRITTEN = {"payload", "key", "authentication_key"}
# Class → its keys that may be one value or a list, and are always a tuple here.
_TUPLES: dict[type, set[str]] = {
    Definition: {"resource"},
    Identify: {"transport", "ports"},
    Series: {"missing"},
    Test: {"payload"},
}


def built(root: Node, *, name: str, text: str, vocabulary: Vocabulary) -> Definition:
    """The definition of a root that `checking.problems_of` found nothing wrong with."""
    given = plain(root)
    values: dict[str, Any] = {key: _tupled(Definition, key, given[key]) for key in given}
    for key, kind in _LISTS.items():
        if key in given:
            rows = enumerate(_as_written(root, key, given[key]))
            values[key] = tuple(_part(kind, row, (key, index)) for index, row in rows)
    values["decode"] = _decode(given["decode"])
    if "identify" in given:
        values["identify"] = _part(Identify, _identify(given["identify"]), ("identify",))
    if "clock" in given:
        clock = given["clock"]
        values["clock"] = _part(
            Clock, {"at": clock} if isinstance(clock, str) else clock, ("clock",)
        )
    return Definition(name=name, text=text, root=root, vocabulary=vocabulary, **values)


def _as_written(root: Node, key: str, rows: list[Any]) -> list[Any]:
    """Rows in which bytes in hex are the text that was written, not the number it looks like."""
    if key != "tests":
        return rows
    nodes = _entry(root, key)
    assert isinstance(nodes, Listing)
    pairs = zip(rows, nodes.items, strict=True)
    return [{**row, **_texts(node, row.keys() & _WRITTEN)} for row, node in pairs]


def _texts(node: Node, keys: Iterable[str]) -> dict[str, Any]:
    return {key: text_of(_entry(node, key)) for key in keys}


def _entry(node: Node, key: str) -> Node:
    assert isinstance(node, Mapping)
    return node.entries[key][1]


def _part(kind: type, row: PlainMapping[str, Any], path: Path) -> Any:
    return kind(path=path, **{key: _tupled(kind, key, value) for key, value in row.items()})


def _tupled(kind: type, key: str, value: Any) -> Any:
    """Lists that are fields of their own become tuples; what is plain inside stays as it is."""
    if key in _TUPLES.get(kind, ()) and not isinstance(value, list):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


def _decode(given: PlainMapping[str, Any]) -> Decode:
    layout = {key: value for key, value in given.items() if key != "kind"}
    return Decode(path=("decode",), kind=given["kind"], layout=layout)


def _identify(given: PlainMapping[str, Any]) -> dict[str, Any]:
    detect = [{key: _tupled_always(row[key]) for key in row} for row in given.get("detect", ())]
    return {**given, "detect": detect}


def _tupled_always(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list) else (value,)
