"""YAML text → nodes that know their line and column, within limits.

Only the events of ruamel.yaml are used: the depth is checked as they come, so nothing recurses on
hostile text, and an alias is counted with all that it stands for. Refused: tags, directives,
several documents, keys that are no scalars, and keys that stand twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from ruamel.yaml import YAML
from ruamel.yaml import events as yaml
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from .errors import DefinitionError, Mark, Path, Problem, dotted
from .scalars import LONGEST_TEXT, Plain, ScalarError, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "MOST_BYTES",
    "MOST_DEPTH",
    "MOST_LETTERS",
    "MOST_NODES",
    "Listing",
    "Mapping",
    "Node",
    "Scalar",
    "locate",
    "plain",
    "read_nodes",
    "text_of",
]

# What the parser says where a bare text has letters in it that mean something else to YAML.
_BARE = re.compile(r"but got '[\[{:]'|mapping values are not allowed|cannot start any token")
MOST_BYTES = 262_144
MOST_DEPTH = 24
MOST_NODES = 20_000
# Characters of all texts, each as often as an alias repeats it.
MOST_LETTERS = 1_048_576


@dataclass(slots=True, kw_only=True)
class Node:
    """`size` and `letters` count the node and all below it, `height` the levels below it."""

    mark: Mark
    size: int = 1
    letters: int = 0
    height: int = 0


@dataclass(slots=True, kw_only=True)
class Scalar(Node):
    """`text` is what was written: 0102 as bytes in hex is not the number 102."""

    value: Plain
    text: str


@dataclass(slots=True, kw_only=True)
class Listing(Node):
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Mapping(Node):
    """`entries`: key → (place of the key, value)."""

    entries: dict[Plain, tuple[Mark, Node]] = field(default_factory=dict)


def plain(node: Node) -> Any:
    """The node as dicts, lists and scalars of Python; decimals are Decimal."""
    if isinstance(node, Mapping):
        return {key: plain(value) for key, (_mark, value) in node.entries.items()}
    if isinstance(node, Listing):
        return [plain(item) for item in node.items]
    return node.value if isinstance(node, Scalar) else None


def text_of(node: Node) -> Any:
    """A scalar as it was written, or a list of such texts."""
    if isinstance(node, Listing):
        return [text_of(item) for item in node.items]
    return node.text if isinstance(node, Scalar) else ""


def locate(root: Node, path: Path) -> Mark:
    """Where a path ends; as near as the text goes when it does not."""
    mark, node = root.mark, root
    for step in path:
        if isinstance(node, Mapping) and step in node.entries:
            mark, node = node.entries[step]
        elif isinstance(node, Listing) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            mark = node.mark
        else:
            break
    return mark


def read_nodes(text: str, *, name: str) -> Node:
    """The one document of a text. DefinitionError for what is no YAML or beyond the limits."""
    if len(text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        message = _("The file is larger than %(limit)d bytes.") % {"limit": MOST_BYTES}
        raise DefinitionError(name, [Problem(Mark(1, 1), "", message)])
    try:
        return _Reading(name).read(text)
    except MarkedYAMLError as error:
        place = error.problem_mark or error.context_mark
        mark = Mark(place.line + 1, place.column + 1) if place else Mark(1, 1)
        raise DefinitionError(name, [Problem(mark, "", _not_yaml(error.problem))]) from None
    except (YAMLError, ValueError) as error:
        raise DefinitionError(name, [Problem(Mark(1, 1), "", _not_yaml(str(error)))]) from None


def _not_yaml(why: str | None) -> str:
    first = (why or "").partition("\n")[0]
    text = _("This is no YAML: %(why)s.") % {"why": first}
    return f"{text} {_bare()}" if _BARE.search(first) else text


def _bare() -> str:
    return _('A text with [ ] { } , : or # in it stands in quotes: "u8[0:3]".')


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come; `key` waits for its value."""

    node: Listing | Mapping
    anchor: str | None
    key: tuple[Plain, Mark] | None = None


class _Reading:
    """One pass over the events of a text."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.open: list[_Open] = []
        self.anchors: dict[str, Node] = {}
        self.root: Node | None = None

    def read(self, text: str) -> Node:
        parser = YAML(typ="safe", pure=True)
        for event in parser.parse(text):
            step = _STEPS.get(type(event))
            if step:
                step(self, event)
        if self.root is None:
            raise self.refusal(Mark(1, 1), _("The file is empty."))
        return self.root

    def refusal(self, mark: Mark, message: str) -> DefinitionError:
        return DefinitionError(self.name, [Problem(mark, dotted(self.path()), message)])

    def path(self) -> Path:
        return tuple(self._steps())

    def _steps(self) -> Iterator[Plain]:
        for level in self.open:
            if isinstance(level.node, Listing):
                yield len(level.node.items)
            elif level.key is not None:
                yield level.key[0] if not isinstance(level.key[0], int) else str(level.key[0])

    def document(self, event: Any) -> None:
        mark = _mark(event)
        if self.root is not None:
            raise self.refusal(mark, _("Only one document may stand in a file."))
        if event.version or event.tags:
            raise self.refusal(mark, _("Directives (lines with a percent sign) are not allowed."))

    def begin(self, event: Any) -> None:
        kind = Mapping if isinstance(event, yaml.MappingStartEvent) else Listing
        if self._wants_key():
            raise self.refusal(_mark(event), _("A key must be a word or a number."))
        self._refuse_tag(event)
        if len(self.open) >= MOST_DEPTH:
            raise self.refusal(_mark(event), _too_deep())
        self.open.append(_Open(kind(mark=_mark(event)), event.anchor))

    def end(self, event: Any) -> None:
        closed = self.open.pop()
        self._place(closed.node, closed.anchor)

    def scalar(self, event: Any) -> None:
        mark = _mark(event)
        self._refuse_tag(event)
        if len(event.value) > LONGEST_TEXT:
            raise self.refusal(mark, _("The text is longer than %(n)d.") % {"n": LONGEST_TEXT})
        try:
            value = resolve(event.value) if event.implicit[0] else event.value
        except ScalarError as error:
            raise self.refusal(mark, str(error)) from None
        if self._wants_key():
            self._take_key(value, mark)
            return
        node = Scalar(mark=mark, letters=len(event.value), value=value, text=event.value)
        self._place(node, event.anchor)

    def alias(self, event: Any) -> None:
        mark, node = _mark(event), self.anchors.get(event.anchor)
        if self._wants_key():
            raise self.refusal(mark, _("A key must be a word or a number."))
        if node is None:
            raise self.refusal(mark, _("Nothing is called “&%(name)s”.") % {"name": event.anchor})
        if len(self.open) + node.height > MOST_DEPTH:
            raise self.refusal(mark, _too_deep())
        self._place(node, None)

    def _wants_key(self) -> bool:
        return bool(
            self.open and isinstance(self.open[-1].node, Mapping) and self.open[-1].key is None
        )

    def _take_key(self, value: Plain, mark: Mark) -> None:
        level = self.open[-1]
        assert isinstance(level.node, Mapping)
        if value in level.node.entries:
            raise self.refusal(mark, _("The key “%(key)s” stands twice.") % {"key": value})
        level.key = (value, mark)

    def _place(self, node: Node, anchor: str | None) -> None:
        self._count(node)
        if anchor:
            self.anchors[anchor] = node
        if not self.open:
            self.root = node
            return
        level = self.open[-1]
        level.node.size += node.size
        level.node.letters += node.letters
        level.node.height = max(level.node.height, node.height + 1)
        if isinstance(level.node, Listing):
            level.node.items.append(node)
        elif level.key is not None:
            key, mark = level.key
            level.node.entries[key] = (mark, node)
            level.key = None

    def _count(self, node: Node) -> None:
        if node.size > MOST_NODES or sum(level.node.size for level in self.open) > MOST_NODES:
            message = _("There are more than %(limit)d values.") % {"limit": MOST_NODES}
            raise self.refusal(node.mark, message)
        if sum(level.node.letters for level in self.open) + node.letters > MOST_LETTERS:
            message = _("The texts are longer than %(limit)d together.") % {"limit": MOST_LETTERS}
            raise self.refusal(node.mark, message)

    def _refuse_tag(self, event: Any) -> None:
        if event.tag is not None:
            raise self.refusal(_mark(event), _("Tags (!…) are not allowed."))


def _too_deep() -> str:
    return _("Lists and mappings nest deeper than %(limit)d.") % {"limit": MOST_DEPTH}


def _mark(event: Any) -> Mark:
    place = event.start_mark
    return Mark(place.line + 1, place.column + 1)


_STEPS: dict[type, Callable[[_Reading, Any], None]] = {
    yaml.DocumentStartEvent: _Reading.document,
    yaml.MappingStartEvent: _Reading.begin,
    yaml.SequenceStartEvent: _Reading.begin,
    yaml.MappingEndEvent: _Reading.end,
    yaml.SequenceEndEvent: _Reading.end,
    yaml.ScalarEvent: _Reading.scalar,
    yaml.AliasEvent: _Reading.alias,
}
