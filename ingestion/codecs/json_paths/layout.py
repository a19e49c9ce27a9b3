"""The kind `json`: a layout of paths, compiled once, and documents decoded by it.

A layout is a mapping of these keys::

    zone: meter                 # times without an offset: meter (wall clock), utc, +03:00
    decimal_mark: ","           # of numbers that are written as text
    identity: {device: sys.mac} # what tells who speaks, all as text
    each: meters                # several meters in one document: the path to their list or object
    meter: serial               # which meter an element is, from within it; "@key" for its key
    document:                   # fields beside the list, read once
      - {name: sent_at, path: time, time: unix}
    fields:                     # of the document or, with `each`, of every element
      - {name: volume, path: '"total:0".value', unit: L, div: 10}

A field that holds `each` and `fields` itself is a list below (`$log[].value` for a reading). A
field has `name`, `path` and, as needed, `type`, `unit`, `time`, `zone`, `decimal_mark`, `mul`,
`div`, `add`, `lookup`, `invalid`, `required`, `spread` and `facts`.

Items carry the place of their text in bytes. An element's items are named `meters[0].volume` and
have the facts `field` (the name alone), `index` and `meter`. A value that is `spread: phase` and
came as a list gives `total[0]`, `total[1]` … with the fact `phase` 1, 2 …; the tree keeps the list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal, localcontext
from types import MappingProxyType
from typing import Any

from ..errors import DecodeError
from ..mapping import Section
from ..telegram import NOTHING, Item, Telegram, Value
from .fields import Field, Settings, ValueFault, check_names, compile_field, find_path, width_of
from .query import Find
from .text import Document, Node, read_json

__all__ = ["MAX_ITEMS", "JsonLayout", "compile_layout"]

MAX_ITEMS = 4096
# Values that all paths together may go through, and fields looked for, in one document.
_MOST_VISITED = 2_000_000
_MOST_LOOKUPS = 200_000
_LAYOUT_KEYS = ["kind", "zone", "decimal_mark", "identity", "each", "meter", "document", "fields"]
_GROUP_KEYS = ["name", "each", "meter", "fields"]
_BY_KEY = "@key"
_DEEPEST_GROUP = 3
_LONGEST_RAW = 80
# Wide enough for every number that the text may hold, scaled: nothing is ever rounded.
_EXACT = Context(prec=200)
_MARKS = {".": ".", ",": ","}


@dataclass(frozen=True, slots=True)
class _Group:
    """Fields of one level and the lists below it."""

    name: str
    fields: tuple[Field, ...]
    groups: tuple[_Group, ...]
    each: Find | None = None
    meter: Find | None = None
    by_key: bool = False
    # Of the paths to the list and to the meter; elements are parts of the document.
    own_width: int = 0

    @property
    def width(self) -> int:
        """How often all paths together may go through the document."""
        below = sum(group.width for group in self.groups)
        return self.own_width + below + sum(field.width for field in self.fields)


@dataclass(frozen=True, slots=True)
class JsonLayout:
    """A compiled layout."""

    root: _Group
    identity: tuple[tuple[str, Find], ...]
    width: int

    def decode(self, octets: bytes) -> Telegram:
        """The items of a document; DecodeError when it is not JSON or a value does not fit."""
        with localcontext(_EXACT):
            document = read_json(octets)
            if self.width * document.size > _MOST_VISITED:
                raise DecodeError(0, f"{document.size} values are too many for these paths")
            reading = _Reading(document)
            tree = reading.level(self.root, document.root, "", NOTHING)
        if not reading.items:
            raise DecodeError(0, "none of the values of this type stands in the document")
        return Telegram(
            kind="json",
            octets=octets,
            items=tuple(reading.items),
            identity=MappingProxyType(dict(self._identity(document.root))),
            tree=tree,
        )

    def _identity(self, root: Node) -> Iterator[tuple[str, str]]:
        for name, find in self.identity:
            value = find(root).value
            if isinstance(value, str | int | Decimal) and not isinstance(value, bool):
                yield name, str(value)


def compile_layout(mapping: Mapping[str, Any]) -> JsonLayout:
    """The layout of a mapping as in the module's text; MappingError where it is wrong."""
    section = Section(mapping)
    section.only(_LAYOUT_KEYS)
    zone, mark = section.text("zone", "meter"), section.choice("decimal_mark", _MARKS, ".")
    settings = Settings(zone, mark)
    with localcontext(_EXACT):
        root, named = _root(section, settings), section.section("identity")
        identity = tuple(_identity(named))
    width = root.width + sum(width_of(named, key) for key in named.values)
    return JsonLayout(root, identity, width)


def _identity(section: Section) -> Iterator[tuple[str, Find]]:
    for key in section.values:
        yield key, find_path(section, key)


def _root(section: Section, settings: Settings) -> _Group:
    if "each" not in section.values:
        for key in ("meter", "document"):
            if key in section.values:
                raise section.error(key, "this goes with each, the list of meters")
        return _level(section, "fields", settings, 1)
    outer = _level(section, "document", settings, 1)
    return _Group("", outer.fields, (*outer.groups, _list(section, "meters", settings, 2)))


def _list(section: Section, name: str, settings: Settings, depth: int) -> _Group:
    inner = _level(section, "fields", settings, depth)
    by_key = section.values.get("meter") == _BY_KEY
    meter = find_path(section, "meter") if "meter" in section.values and not by_key else None
    each = find_path(section, "each")
    width = width_of(section, "each") + (width_of(section, "meter") if meter else 0)
    return _Group(name, inner.fields, inner.groups, each, meter, by_key, width)


def _level(section: Section, key: str, settings: Settings, depth: int) -> _Group:
    sections = section.sections(key)
    if key == "fields" and not sections:
        raise section.error(key, "at least one field is needed")
    if depth > _DEEPEST_GROUP:
        raise section.error(key, f"lists nest at most {_DEEPEST_GROUP} deep")
    check_names(sections)
    fields, groups = [], []
    for one in sections:
        if "each" in one.values:
            one.only(_GROUP_KEYS)
            groups.append(_list(one, one.text("name"), settings, depth + 1))
        else:
            fields.append(compile_field(one, settings))
    return _Group("", tuple(fields), tuple(groups))


@dataclass(slots=True)
class _Reading:
    """One document being decoded: the items so far."""

    document: Document
    items: list[Item] = field(default_factory=list)
    lookups: int = 0

    def level(
        self, group: _Group, node: Node, prefix: str, facts: Mapping[str, Any]
    ) -> dict[str, Any]:
        self.lookups += len(group.fields) + len(group.groups)
        if self.lookups > _MOST_LOOKUPS:
            raise DecodeError(0, "the lists of the document are too long for these fields")
        tree: dict[str, Any] = {}
        for one in group.fields:
            found = one.find(node)
            if found.value is not None:
                tree[one.name] = self.field(one, found, prefix, facts)
            elif one.required:
                place = self.document.place(max(node.start, 0))
                raise DecodeError(place, f"{prefix}{one.name} is missing: nothing at {one.path}")
        for below in group.groups:
            tree[below.name] = self.list(below, node, prefix)
        return tree

    def list(self, group: _Group, node: Node, prefix: str) -> list[dict[str, Any]]:
        assert group.each is not None
        value = group.each(node).value
        if isinstance(value, dict):
            members: Sequence[tuple[object, Node]] = list(value.items())
        else:
            members = list(enumerate(value)) if isinstance(value, list) else []
        return [self.element(group, at, *member, prefix) for at, member in enumerate(members)]

    def element(
        self, group: _Group, at: int, key: object, node: Node, prefix: str
    ) -> dict[str, Any]:
        facts: dict[str, Any] = {"index": at}
        meter = key if group.by_key else group.meter and group.meter(node).value
        if isinstance(meter, str | int | Decimal):
            facts["meter"] = str(meter)
        tree = self.level(group, node, f"{prefix}{group.name}[{at}].", facts)
        return {**facts, **tree}

    def field(self, one: Field, found: Node, prefix: str, facts: Mapping[str, Any]) -> Value:
        spread = one.spread and isinstance(found.value, list)
        if not spread:
            return self.item(one, found, f"{prefix}{one.name}", facts)
        assert isinstance(found.value, list)
        return [
            self.item(
                one,
                node,
                f"{prefix}{one.name}[{at}]",
                {**facts, one.spread: at + _FIRST[one.spread]},
            )
            for at, node in enumerate(found.value)
        ]

    def item(self, one: Field, node: Node, name: str, facts: Mapping[str, Any]) -> Value:
        start, end = node.start, node.end
        placed = start >= 0
        if placed:
            start, end = self.document.place(start), self.document.place(end)
        value = _converted(one, node, name, max(start, 0))
        if len(self.items) == MAX_ITEMS:
            raise DecodeError(max(start, 0), f"more than {MAX_ITEMS} values")
        named = {"field": one.name, **facts, **one.facts} if facts or one.facts else NOTHING
        raw = self.document.text[node.start : min(node.end, node.start + _LONGEST_RAW)]
        self.items.append(
            Item(
                name=name,
                value=value,
                unit=one.unit,
                start=start,
                end=end,
                raw=raw if placed else "",
                formula=one.formula,
                facts=named,
            )
        )
        return value


# What the first element of a spread list is called: phases are L1, L2, L3.
_FIRST = {"phase": 1, "index": 0}


def _converted(one: Field, node: Node, name: str, place: int) -> Value:
    try:
        return None if node.value is None else one.convert(node.value)
    except ValueFault as error:
        raise DecodeError(place, f"{name}: {error}") from error
