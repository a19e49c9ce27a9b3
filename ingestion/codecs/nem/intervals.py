"""NEM12: days of interval values.

A 200 record begins a data stream, each 300 record behind it holds one day, with as many values as
intervals fit. Where the quality of a day varies (method V), 400 records behind it tell that of each
stretch, without gaps. A 500 record tells why the meter was read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from ..cosem.decode import Names
from ..telegram import Item
from .fields import Quality, amount, moment, quality
from .records import Record
from .streams import Reading, drop_empty, stream_facts

__all__ = ["Intervals"]

_DAY = 1_440
_USUAL_LENGTHS = frozenset({5, 15, 30})
_LONGEST = 60
# Fields behind the values: method, reason code, reason, updated, loaded.
_BEHIND = 5
_TRANSACTIONS = frozenset("ACDEGNORS")
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class _Stream:
    """A data stream: `minutes` are the length of an interval."""

    unit: str
    minutes: int
    facts: dict[str, Any]

    @property
    def count(self) -> int:
        return _DAY // self.minutes


@dataclass(slots=True)
class _Day:
    """A day being read. `parts`: first and last interval, counted from 1, with their quality."""

    record: Record
    date: datetime
    values: list[int | Decimal]
    quality: Quality
    stamps: dict[str, Any]
    parts: list[tuple[int, int, Quality]] = field(default_factory=list)

    @property
    def reached(self) -> int:
        return self.parts[-1][1] if self.parts else 0


class Intervals:
    """Takes the records of a file in their order; `finish` is to be called behind the last."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.names = Names()
        self.stream: _Stream | None = None
        self.latest: datetime | None = None
        self.day: _Day | None = None
        self.seen: set[tuple[str, str, datetime]] = set()

    def take(self, record: Record) -> None:
        _TAKERS[record.code](self, record)

    def begin(self, record: Record) -> None:
        """200: the data stream of what follows."""
        self.finish()
        minutes = self._minutes(record)
        unit, facts = stream_facts(self.reading, record, uom=7)
        if record.field(9):
            moment(record, 9, "date", is_date=True)
        self.stream, self.latest = _Stream(unit, minutes, facts), None
        self.reading.layer(record, "data stream")

    def _minutes(self, record: Record) -> int:
        text = record.field(8)
        minutes = int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else 0
        if not 0 < minutes <= _LONGEST or _DAY % minutes:
            raise record.refused(f"“{text[:_SHOWN]}” minutes do not divide a day", 8)
        if minutes not in _USUAL_LENGTHS:
            self.reading.warn(record, f"intervals of {minutes} minutes are not of the format")
        return minutes

    def take_day(self, record: Record) -> None:
        """300: the values of a day."""
        self.finish()
        stream = self.stream
        assert stream is not None
        date = self._date(record, stream)
        behind = _behind(record, stream)
        values = [_value(record, at) for at in range(2, behind)]
        stamps = {
            name: moment(record, at, "time")
            for name, at in (("updated", behind + 3), ("loaded", behind + 4))
            if record.field(at)
        }
        self.day = _Day(record, date, values, quality(record, behind), stamps)

    def _date(self, record: Record, stream: _Stream) -> datetime:
        """The day, later than the one before, and told once."""
        date = moment(record, 1, "date", is_date=True)
        if self.latest is not None and date <= self.latest:
            raise record.refused(f"{date:%Y-%m-%d} is not later than the day before it", 1)
        key = (stream.facts["nmi"], stream.facts["suffix"], date)
        if key in self.seen:
            told = f"{key[1]} of {key[0]} on {date:%Y-%m-%d}"
            raise record.refused(f"{told} stands there a second time", 1)
        self.seen.add(key)
        self.latest = date
        return date

    def take_part(self, record: Record) -> None:
        """400: the quality of some intervals of the day."""
        day = self.day
        if day is None or day.quality.method != "V":
            raise record.refused("the day before has no varying quality (V)")
        first, last = (_ordinal(record, at, len(day.values)) for at in (1, 2))
        if first != day.reached + 1 or last < first:
            raise record.refused(
                f"intervals {first} to {last}, where {day.reached + 1} comes next", 1
            )
        told = quality(record, 3)
        if told.method == "V":
            raise record.refused("a part of a day can't have a varying quality (V)", 3)
        day.parts.append((first, last, told))
        self.reading.layer(record, "quality of intervals")

    def take_transaction(self, record: Record) -> None:
        """500: why the meter was read, and what its register showed."""
        code = record.field(1)
        if code not in _TRANSACTIONS:
            raise record.refused(f"“{code[:_SHOWN]}” is no transaction code", 1)
        if record.field(3):
            moment(record, 3, "time")
        self.reading.layer(record, "transaction")

    def finish(self) -> None:
        """The items of the day that is complete now."""
        day, stream = self.day, self.stream
        self.day = None
        if day is None or stream is None:
            return
        if day.quality.method != "V":
            record = day.record
            part = (1, len(day.values), day.quality)
            self._add(stream, day, part, (record.start, record.end))
            return
        if day.reached != len(day.values):
            told = f"the quality of interval {day.reached + 1} is told by no record 400"
            raise day.record.refused(told)
        places = day.record.places()
        for part in day.parts:
            self._add(stream, day, part, (places[part[0] + 1], places[part[1] + 2] - 1))

    def _add(
        self,
        stream: _Stream,
        day: _Day,
        part: tuple[int, int, Quality],
        span: tuple[int, int],
    ) -> None:
        """A stretch of one quality and the bytes it stands in; null intervals have no value."""
        first, last, told = part
        step = timedelta(minutes=stream.minutes)
        values: list[Any] = day.values[first - 1 : last]
        if told.method == "N":
            if any(values):
                self.reading.warn(day.record, f"null intervals {first} to {last} have values")
            values = [None] * len(values)
        own = {
            "function": "interval",
            "quality": told.word,
            "method": told.method,
            "reason": told.reason,
            "reason_text": told.text,
            "step": stream.minutes * 60,
            "time": day.date + (first - 1) * step,
            "end": day.date + last * step,
        }
        self.reading.add(
            Item(
                name=self.names.free(f"{stream.facts['suffix'].lower()}_{day.date:%Y%m%d}"),
                value=values,
                unit=stream.unit,
                start=span[0],
                end=span[1],
                raw=f"{len(values)} × {stream.minutes} min, {told.method}",
                facts={**stream.facts, **drop_empty(own), **day.stamps},
            )
        )


def _behind(record: Record, stream: _Stream) -> int:
    """Where the quality method stands; DecodeError where the values before it are not as many."""
    behind = 2 + stream.count
    found = next((at for at, text in enumerate(record.fields) if text[:1].isalpha()), None)
    if found != behind:
        count = (len(record.fields) if found is None else found) - 2
        raise record.refused(
            f"{count} values, and a day has {stream.count} of {stream.minutes} minutes", 2
        )
    if len(record.fields) > behind + _BEHIND:
        raise record.refused("fields behind the last of a record 300", behind + _BEHIND)
    return behind


def _value(record: Record, at: int) -> int | Decimal:
    value = amount(record.fields[at])
    if value is None:
        told = f"“{record.fields[at][:_SHOWN]}”, value {at - 1}, is no amount"
        raise record.refused(told, at)
    return value


def _ordinal(record: Record, at: int, most: int) -> int:
    text = record.field(at)
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 5 else 0
    if not 0 < number <= most:
        raise record.refused(f"“{text[:_SHOWN]}” is no interval of a day of {most}", at)
    return number


_TAKERS: dict[str, Callable[[Intervals, Record], None]] = {
    "200": Intervals.begin,
    "300": Intervals.take_day,
    "400": Intervals.take_part,
    "500": Intervals.take_transaction,
}
