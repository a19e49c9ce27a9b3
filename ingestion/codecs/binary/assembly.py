"""A series that a device spreads over several messages, put together again.

`assembly: {part: $frame_index, base: [index_a, index_b], lists: [deltas_a, deltas_b], total: 24}`:
the message whose part is 0 (`first` where it is another number) begins a series and holds the base
counters; every part holds a stretch of the lists. Parts may come twice or out of order, but none
can be taken before the one that begins the series. Nothing is kept here: what is known so far goes
in and comes out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..telegram import NOTHING
from .conditions import Condition, compile_condition
from .errors import SchemaError
from .limits import MAX_ITEMS
from .state import State

__all__ = ["Assembly", "AssemblyPlan", "compile_assembly"]

_MOST_PARTS = 256


@dataclass(frozen=True, slots=True)
class Assembly:
    """What has come of a series so far.

    `parts` maps the number of a part to its stretches by the name of the list.
    """

    base: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    parts: Mapping[int, Mapping[str, tuple[Any, ...]]] = field(default_factory=dict)
    complete: bool = False

    @property
    def missing(self) -> tuple[int, ...]:
        """Parts between those that came."""
        return tuple(
            part
            for part in range(min(self.parts, default=0), max(self.parts, default=-1))
            if part not in self.parts
        )

    def joined(self) -> dict[str, Any]:
        """The base and the lists as far as they are without a gap."""
        lists: dict[str, list[Any]] = {}
        for part in sorted(self.parts):
            if self.missing and part > self.missing[0]:
                break
            for name, stretch in self.parts[part].items():
                lists.setdefault(name, []).extend(stretch)
        return {**self.base, **lists}


@dataclass(frozen=True, slots=True)
class AssemblyPlan:
    """How the messages of one definition are put together."""

    part: str
    base: tuple[str, ...]
    lists: tuple[str, ...]
    total: int
    first: int
    when: Condition | None
    # What the time is called when the first part came; "" where nobody asks.
    began: str = ""

    def concerns(self, tree: Mapping[str, Any]) -> bool:
        if self.part not in tree:
            return False
        if self.when is None:
            return True
        return self.when(State(b"", None, tree, traced=False))

    def begins(self, tree: Mapping[str, Any]) -> bool:
        """Whether a message is the first part of a series."""
        return self.concerns(tree) and tree[self.part] == self.first

    def take(self, before: Assembly | None, tree: Mapping[str, Any]) -> Assembly | None:
        """The series with one more message; None while its beginning has not come."""
        number = tree[self.part]
        if not isinstance(number, int) or not self.first <= number < self.first + _MOST_PARTS:
            return before
        stretches = {name: tuple(tree.get(name) or ()) for name in self.lists}
        if number == self.first:
            base = {name: tree[name] for name in self.base if name in tree}
            if before is not None and not before.complete and before.base == base:
                return self._judged(Assembly(base, {**before.parts, number: stretches}))
            return self._judged(Assembly(base, {number: stretches}))
        if before is None or before.complete:
            return before if before is not None and number in before.parts else None
        return self._judged(Assembly(before.base, {**before.parts, number: stretches}))

    def _judged(self, assembly: Assembly) -> Assembly:
        joined = assembly.joined()
        whole = all(len(joined.get(name, ())) >= self.total for name in self.lists)
        return Assembly(assembly.base, assembly.parts, complete=bool(self.total) and whole)


def compile_assembly(spec: Any) -> AssemblyPlan | None:
    if spec is None:
        return None
    place = ("assembly",)
    if not isinstance(spec, Mapping) or "part" not in spec:
        raise SchemaError(place, "expected {part, base, lists, total}")
    total, first = spec.get("total", 0), spec.get("first", 0)
    if not isinstance(total, int) or not isinstance(first, int) or not 0 <= total <= MAX_ITEMS:
        raise SchemaError((*place, "total"), "how many values a list has when whole")
    when = spec.get("when")
    return AssemblyPlan(
        _name(spec["part"]),
        tuple(_names(spec.get("base", []))),
        tuple(_names(spec.get("lists", []))),
        total,
        first,
        None if when is None else compile_condition(when, (*place, "when")),
        _name(spec.get("began", "")),
    )


def _names(spec: Any) -> list[str]:
    if not isinstance(spec, list):
        raise SchemaError(("assembly",), "base and lists are lists of names")
    return [_name(name) for name in spec]


def _name(spec: Any) -> str:
    if not isinstance(spec, str):
        raise SchemaError(("assembly",), "names of decoded values are expected")
    return spec.removeprefix("$")
