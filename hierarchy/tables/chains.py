"""Places spelled out in columns, from the region down to the apartment; missing ones are made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from django.utils.translation import gettext as _

from hierarchy.kinds import Kind, System

from .lookup import AMBIGUOUS
from .plan import BROKEN, Entry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from config.lib.tables.lines import Line
    from hierarchy.models import Node

    from .nodes import NodeStage

__all__ = ["Chains"]


class _Chain(NamedTuple):
    entry: Entry
    steps: tuple[tuple[str, str], ...]  # (kind, name), from the top


class Chains:
    """The deepest place of each row. Rows with the same places share one node."""

    def __init__(self, stage: NodeStage) -> None:
        self._stage = stage
        self._chains: dict[tuple[tuple[str, str], ...], list[_Chain]] = {}
        self._of_line: dict[int, tuple[tuple[str, str], ...]] = {}
        self._places: dict[tuple[tuple[str, str], ...], Any] = {}

    def add(self, line: Line, columns: Mapping[str, str]) -> None:
        """columns: kind of node → column, from the top down."""
        steps = tuple(
            (kind, line.values[column]) for kind, column in columns.items() if column in line.values
        )
        if steps:
            entry = Entry(line, columns, merges=True)
            self._chains.setdefault(steps, []).append(_Chain(entry, steps))
            self._of_line[id(line)] = steps

    def place(self, line: Line) -> Any:
        """Node of the row's places; None when it spells none; BROKEN when it was reported."""
        steps = self._of_line.get(id(line))
        return None if steps is None else self._places[steps]

    def load(self) -> None:
        """Chains are looked up level by level while they are resolved."""

    def resolve(self) -> None:
        nodes: dict[tuple[tuple[str, str], ...], Any] = {}
        depth = max((len(steps) for steps in self._chains), default=0)
        for level in range(1, depth + 1):
            prefixes: dict[tuple[tuple[str, str], ...], _Chain] = {}
            for steps, chains in self._chains.items():
                if len(steps) >= level and not chains[0].entry.is_bad(*chains[0].entry.columns):
                    prefixes.setdefault(steps[:level], chains[0])
            self._load(prefixes, nodes)
            for prefix, chain in prefixes.items():
                nodes[prefix] = self._node(prefix, chain.entry, nodes)
        for steps in self._chains:
            self._places[steps] = nodes.get(steps, BROKEN)

    def _load(self, prefixes: Mapping[Any, _Chain], nodes: Mapping[Any, Any]) -> None:
        names = [prefix[-1][1] for prefix in prefixes]
        if prefixes and len(next(iter(prefixes))) == 1:
            self._stage.lookup.load_tops(System.TERRITORY, names)
            return
        above = [nodes[prefix[:-1]] for prefix in prefixes]
        self._stage.lookup.load_children([node.pk for node in above if node.pk], names)

    def _node(self, prefix: tuple[tuple[str, str], ...], entry: Entry, nodes: Any) -> Any:
        kind, name = prefix[-1]
        parent: Node | None = nodes[prefix[:-1]] if len(prefix) > 1 else None
        if parent is BROKEN:
            return BROKEN
        found = self._stored(parent, kind, name)
        if found is AMBIGUOUS:
            text = _("There are several of the kind “%(kind)s” called “%(name)s” there.")
            self._fail(prefix, kind, text % {"kind": Kind(kind).label, "name": name})
            return BROKEN
        if found is not None:
            return found
        where = {"system": System.TERRITORY.value, "column": entry.columns[kind]}
        return self._stage.make(entry, parent=parent, kind=kind, name=name, **where)

    def _stored(self, parent: Node | None, kind: str, name: str) -> Any:
        lookup = self._stage.lookup
        if parent is None:
            return lookup.top(System.TERRITORY, kind, name)
        return lookup.child(parent, kind, name) if parent.pk else None

    def _fail(self, prefix: tuple[tuple[str, str], ...], kind: str, message: str) -> None:
        for steps, chains in self._chains.items():
            if steps[: len(prefix)] == prefix:
                for chain in chains:
                    chain.entry.fail(kind, message)
