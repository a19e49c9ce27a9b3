"""What every value of a data stream has in common, and what is told while a file is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import DecodeError
from ..telegram import Item
from .fields import direction_of, number_of, uom_of
from .records import Record

__all__ = ["Reading", "drop_empty", "stream_facts"]

MAX_ITEMS = 50_000
_MOST_WARNINGS = 50
_NMI_LENGTH = 10
# Market's word → the customer's.
_DIRECTIONS = {"E": "import", "I": "export"}


@dataclass(slots=True)
class Reading:
    """A file being read: its items and layers, the NMIs and meters seen, what was odd."""

    items: list[Item] = field(default_factory=list)
    layers: list[Item] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    nmis: dict[str, None] = field(default_factory=dict)
    meters: dict[str, None] = field(default_factory=dict)

    def warn(self, record: Record, message: str) -> None:
        if len(self.warnings) < _MOST_WARNINGS:
            self.warnings.append(f"Line {record.number}: {message}.")

    def add(self, item: Item) -> None:
        if len(self.items) >= MAX_ITEMS:
            raise DecodeError(item.start, f"more than {MAX_ITEMS} stretches of values")
        self.items.append(item)

    def layer(self, record: Record, name: str) -> None:
        """A record that holds no values itself."""
        self.layers.append(
            Item(name=name, value=None, start=record.start, end=record.end, raw=record.text[:200])
        )

    def met(self, record: Record, nmi: str, meter: str) -> None:
        """Notes whose values come; DecodeError for what is no NMI."""
        if not nmi or not nmi.isalnum() or not nmi.isascii() or len(nmi) > 11:
            raise record.refused(f"“{nmi[:20]}” is no NMI", 1)
        if len(nmi) < _NMI_LENGTH and nmi not in self.nmis:
            self.warn(record, f"the NMI {nmi} has less than {_NMI_LENGTH} characters")
        self.nmis[nmi] = None
        if meter:
            self.meters[meter] = None


def stream_facts(
    reading: Reading, record: Record, *, uom: int, market_direction: str = ""
) -> tuple[str, dict[str, Any]]:
    """Unit and facts of a data stream by its record; `uom` is where that has the unit."""
    nmi, configuration, register, suffix, stream, meter = record.fields[1:7]
    reading.met(record, nmi, meter)
    if not suffix.isalnum() or len(suffix) > 2:
        raise record.refused(f"“{suffix[:20]}” is no suffix of a data stream", 4)
    if suffix not in configuration:
        reading.warn(record, f"the configuration {configuration[:40]} does not name {suffix}")
    written = record.field(uom)
    known = uom_of(written)
    if known is None:
        reading.warn(record, f"the unit “{written[:20]}” is not one of the format")
    facts = {
        "nmi": nmi,
        "suffix": suffix,
        "quantity": known.quantity if known else "",
        "direction": _DIRECTIONS.get(market_direction) or direction_of(suffix),
        "number": number_of(suffix),
        "register": register,
        "stream": stream,
        "meter": meter,
    }
    return known.unit if known else written, drop_empty(facts)


def drop_empty(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts that say something."""
    return {name: fact for name, fact in facts.items() if fact not in ("", None)}
