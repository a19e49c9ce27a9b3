"""NEM13: registers read on two days, and what was used between.

A 250 record has both reads as the dial showed them, before any multiplier, and the quantity in its
unit; what was sent into the network counts below zero. A 550 record tells why the meter was read.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from ..cosem.decode import Names
from ..telegram import Item
from .fields import Quality, amount, moment, quality
from .records import Record
from .streams import Reading, drop_empty, stream_facts

__all__ = ["Accumulated"]

_PREVIOUS, _CURRENT, _QUANTITY = 8, 13, 18
_UOM, _NEXT, _UPDATED, _LOADED = 19, 20, 21, 22
_TRANSACTIONS = frozenset("ACDEGNORS")
_SHOWN = 20


class _Read(NamedTuple):
    """A register as it was read; `digits` before the point."""

    value: int | Decimal
    digits: int
    at: datetime
    quality: Quality
    place: int


class Accumulated:
    """Takes the records of a file in their order."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.names = Names()
        self.seen: set[tuple[Any, ...]] = set()

    def take(self, record: Record) -> None:
        _TAKERS[record.code](self, record)

    def finish(self) -> None:
        """Every record is complete by itself."""

    def take_reads(self, record: Record) -> None:
        """250: two reads and the quantity between them."""
        direction = record.field(7)
        if direction not in ("E", "I"):
            raise record.refused(f"“{direction[:_SHOWN]}” is no direction", 7)
        unit, facts = stream_facts(self.reading, record, uom=_UOM, market_direction=direction)
        previous, current = (_read(record, index) for index in (_PREVIOUS, _CURRENT))
        if current.at <= previous.at:
            raise record.refused("the current read is not later than the previous one", 14)
        self._once(record, facts, previous)
        quantity = amount(record.field(_QUANTITY), signed=True)
        if quantity is None:
            told = record.field(_QUANTITY)[:_SHOWN]
            raise record.refused(f"“{told}” is no quantity", _QUANTITY)
        stamps = _stamps(record)
        told = self._unit(record, previous, current, quantity, unit)
        for storage, read in ((1, previous), (0, current)):
            self._add_read(record, facts | stamps, read, told, storage)
        span = {"time": previous.at, "end": current.at, "function": "interval"}
        own = facts | stamps | _said(current.quality) | span
        self._add(record, "", quantity, unit, _QUANTITY, own)

    def _once(self, record: Record, facts: dict[str, Any], previous: _Read) -> None:
        key = (facts["nmi"], facts["suffix"], facts.get("meter"), previous.at)
        if key in self.seen:
            told = f"{facts['suffix']} of {facts['nmi']} from {previous.at:%Y-%m-%d}"
            raise record.refused(f"{told} stands there a second time", 9)
        self.seen.add(key)

    def _unit(
        self,
        record: Record,
        previous: _Read,
        current: _Read,
        quantity: int | Decimal,
        unit: str,
    ) -> str:
        """The unit of the reads: the quantity's, where their difference is the quantity.

        A dial of so many digits starts anew at zero; what was sent into the network may be told
        below zero, or by a register that falls. With a multiplier the unit is not known.
        """
        used = current.value - previous.value
        if abs(quantity) in (abs(used), used + 10**previous.digits):
            return unit
        self.reading.warn(record, "the quantity is not the difference of the reads")
        return ""

    def _add_read(
        self, record: Record, facts: dict[str, Any], read: _Read, unit: str, storage: int
    ) -> None:
        own = {"function": "cumulative", "storage": storage, "time": read.at}
        word = "_previous" if storage else "_current"
        self._add(record, word, read.value, unit, read.place, facts | _said(read.quality) | own)

    def _add(
        self,
        record: Record,
        word: str,
        value: int | Decimal,
        unit: str,
        index: int,
        facts: dict[str, Any],
    ) -> None:
        start = record.place(index)
        raw = record.field(index)
        name = self.names.free(f"register_{facts['suffix'].lower()}{word or '_quantity'}")
        self.reading.add(
            Item(
                name=name,
                value=value,
                unit=unit,
                start=start,
                end=record.place(index + 1) - 1,
                raw=raw,
                facts=facts,
            )
        )

    def take_transaction(self, record: Record) -> None:
        """550: why the meter was read, then and now."""
        for index in (1, 3):
            code = record.field(index)
            if code and code not in _TRANSACTIONS:
                raise record.refused(f"“{code[:_SHOWN]}” is no transaction code", index)
        self.reading.layer(record, "transaction")


def _read(record: Record, index: int) -> _Read:
    text = record.field(index)
    value = amount(text)
    if value is None:
        raise record.refused(f"“{text[:_SHOWN]}” is no register read", index)
    told = quality(record, index + 2)
    if told.method == "V":
        raise record.refused("a read can't have a varying quality (V)", index + 2)
    digits = len(text.partition(".")[0])
    return _Read(value, digits, moment(record, index + 1, "time"), told, index)


def _said(told: Quality) -> dict[str, Any]:
    return drop_empty(
        {
            "quality": told.word,
            "method": told.method,
            "reason": told.reason,
            "reason_text": told.text,
        }
    )


def _stamps(record: Record) -> dict[str, Any]:
    """When the data were made and loaded; the next scheduled read must be a date."""
    if record.field(_NEXT):
        moment(record, _NEXT, "date", is_date=True)
    return {
        name: moment(record, at, "time")
        for name, at in (("updated", _UPDATED), ("loaded", _LOADED))
        if record.field(at)
    }


_TAKERS: dict[str, Callable[[Accumulated, Record], None]] = {
    "250": Accumulated.take_reads,
    "550": Accumulated.take_transaction,
}
