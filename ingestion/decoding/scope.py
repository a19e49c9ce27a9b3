"""One telegram being read by a compiled type: its items by name, and what is around it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.telegram import Item, Telegram

from .decoded import Arrival
from .weights import ELEMENT

__all__ = ["Found", "Scope", "zone_of"]

_GROUPED = re.compile(r"\[(\d{1,4})\]")
_EARLIEST, _LATEST = 0, 253_402_300_799
MOST_WARNINGS = 50
# What the rules of a type may cost on a telegram, in microseconds or so (`decoding.weights`): for
# any telegram, and more for one that itself brings many values.
MOST_WORK = 300_000
WORK_AN_ITEM, WORK_A_VALUE = 30, 8
_TOO_MUCH = (
    "the rules of the type take too much work on this telegram: fewer rules on long lists, shorter"
    " formulas and shorter matches help"
)


class Found(NamedTuple):
    """A value and where it comes from. `place` is that in a list, from 0."""

    value: Any
    unit: str = ""
    item: Item | None = None
    place: int | None = None

    @property
    def offset(self) -> int:
        return max(self.item.start, 0) if self.item else 0


def zone_of(name: object) -> ZoneInfo | None:
    """The zone of an IANA name; None for anything else."""
    if isinstance(name, ZoneInfo):
        return name
    if not isinstance(name, str) or not name:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


@dataclass(slots=True)
class Scope:
    """`prefix` is the element of a repeated group that `$.x` means, such as "log[3]."."""

    telegram: Telegram
    arrival: Arrival
    topic: Mapping[str, str]
    zone: ZoneInfo | None
    resource: str
    clock: datetime | None = None
    prefix: str = ""
    _named: dict[str, Item] | None = None
    warnings: list[str] = field(default_factory=list)
    work: int = MOST_WORK
    _granted: bool = False
    _counts: dict[str, int] | None = None
    _quantities: dict[str, list[Item]] | None = None

    @property
    def items(self) -> dict[str, Item]:
        """By name; the first of a name counts. Many telegrams are only asked by facts."""
        if self._named is None:
            self._named = {item.name: item for item in reversed(self.telegram.items)}
        return self._named

    def warn(self, message: str) -> None:
        if len(self.warnings) < MOST_WARNINGS and message not in self.warnings:
            self.warnings.append(message)

    def charge(self, weight: int) -> None:
        """Pays for one look at the telegram; DecodeError when a type looks too often."""
        self.work -= weight
        if self.work < 0 and not self._granted:
            self._granted = True
            self.work += _brought(self.telegram)
        if self.work < 0:
            raise DecodeError(0, _TOO_MUCH)

    def one(self, name: str) -> Found | None:
        """The item of a name, else the value at that path of the tree."""
        item = self.items.get(name)
        if item is not None:
            return Found(item.value, item.unit, item)
        value = _at_path(self.telegram.tree, name)
        return None if value is None else Found(value)

    def several(self, name: str) -> list[Found]:
        """What a list says, element by element: one item's list, or items name[0], name[1] …"""
        listed = self.one(name)
        if listed is None or not isinstance(listed.value, list | tuple):
            return list(self._elements(name, "")) or ([listed] if listed else [])
        if listed.item is None:
            return list(self._elements(name, ""))
        self.charge(len(listed.value))
        return [Found(one, listed.unit, listed.item, at) for at, one in enumerate(listed.value)]

    def column(self, group: str, name: str) -> list[Found]:
        """`name` of every element of a repeated group; elements without it are left out."""
        return list(self._elements(group, f".{name}"))

    def _elements(self, group: str, rest: str) -> Iterator[Found]:
        count = self.count(group)
        self.charge(count * ELEMENT)
        for index in range(count):
            found = self.one(f"{group}[{index}]{rest}")
            if found is not None:
                yield found._replace(place=index)

    def count(self, group: str) -> int:
        """How many elements a repeated group has."""
        if self._counts is None:
            self._counts = _counted(self.telegram.items)
        if group in self._counts:
            return self._counts[group]
        value = _at_path(self.telegram.tree, group)
        return len(value) if isinstance(value, list | tuple) else 0

    def of_quantity(self, quantity: str) -> list[Item]:
        """The items with this fact, in the order of the telegram."""
        if self._quantities is None:
            self._quantities = {}
            for item in self.telegram.items:
                fact = item.facts.get("quantity")
                if isinstance(fact, str):
                    self._quantities.setdefault(fact, []).append(item)
        return self._quantities.get(quantity, [])

    def config(self, name: str, port: int | None = None) -> Any:
        """What the installation says, of a port of the module if it says more of that."""
        ports = self.arrival.config.get("ports")
        own = ports.get(port) if isinstance(ports, Mapping) and port is not None else None
        if isinstance(own, Mapping) and name in own:
            return own[name]
        return self.arrival.config.get(name)

    def instant(self, found: Found | None) -> datetime | None:
        """A value as an instant: aware, or the wall clock of the device's zone, or Unix seconds.

        A date is its first moment. None where it is no time, or no zone is known.
        """
        if found is None:
            return None
        value = found.value
        if isinstance(value, int) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC) if _EARLIEST <= value <= _LATEST else None
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime.combine(value, time())
        if not isinstance(value, datetime):
            return None
        return self._localised(value, found.item)

    def _localised(self, value: datetime, item: Item | None) -> datetime | None:
        if value.tzinfo is None:
            if self.zone is None:
                self.warn("the zone of the device's clock is not known: its times are left out")
                return None
            value = value.replace(tzinfo=self.zone, fold=_fold(item))
        try:
            return value.astimezone(UTC)
        except (OverflowError, ValueError):
            raise DecodeError(max(item.start, 0) if item else 0, "no such time") from None


def _brought(telegram: Telegram) -> int:
    """Work for the items of a telegram and the values of their lists."""
    listed = sum(len(one.value) for one in telegram.items if isinstance(one.value, list))
    return WORK_AN_ITEM * len(telegram.items) + WORK_A_VALUE * listed


def _fold(item: Item | None) -> int:
    """Which of the two hours at the end of summer time is meant; the first if nothing says so."""
    facts = item.facts if item else {}
    summer = facts.get("dst", facts.get("summer_time"))
    return 1 if summer is False else 0


def _counted(items: tuple[Item, ...]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for item in items:
        for match in _GROUPED.finditer(item.name):
            group = item.name[: match.start()]
            counts[group] = max(counts.get(group, 0), int(match.group(1)) + 1)
    return counts


_STEP = re.compile(r"([^.\[\]]+)|\[(\d{1,4})\]")


def _at_path(tree: Any, path: str) -> Any:
    """The value at a.b[2].c of nested mappings and lists; None where there is none."""
    value = tree
    for match in _STEP.finditer(path):
        key, index = match.groups()
        if key is not None and isinstance(value, Mapping):
            value = value.get(key)
        elif index is not None and isinstance(value, list | tuple) and int(index) < len(value):
            value = value[int(index)]
        else:
            return None
    return value
