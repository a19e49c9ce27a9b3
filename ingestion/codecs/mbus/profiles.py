"""Load profiles: many values in one record, EN 13757-3:2018, Annex F.

The data are a control byte, a spacing byte and elements of one size:

    control   increment mode (2 bits) · unit of the spacing (2) · data field code of an element (4)
    spacing   1–250 units between elements; 253 half a month, 254 a month (unit: days)

The profile hangs on a base value (same storage number, tariff, subunit and VIF) and a base time
(same storage number). Elements follow it in time (VIFE 1Fh, and 1Eh with register numbers) or go
back from it (13h); their storage numbers count on by one. Values of an increment mode are
differences: younger minus older.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Context, Decimal

from .header import Header
from .record import Record
from .values import element_size, read_data

__all__ = ["Point", "Profile", "read_profile"]

_ABSOLUTE, _UP, _DOWN, _SIGNED = range(4)
_STEPS = (timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1))
_STEP_WORDS = ("s", "min", "h", "d")
_HALF_MONTH, _MONTH, _LONGEST = 253, 254, 250
_DAYS = 3
_EXACT = Context(prec=400)  # more digits than any sum here has

Moment = date | datetime
Number = int | Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One value of a profile; `time` is wall-clock time, None without a base time."""

    value: Number | None
    storage: int
    time: Moment | None
    time_quantity: str
    start: int
    end: int
    raw: str
    formula: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """All values, in the order of the bytes. `step` is the spacing for people, "" for none."""

    points: tuple[Point, ...]
    step: str
    formula: str


@dataclass(frozen=True, slots=True)
class _Control:
    """What the first two bytes say."""

    mode: int
    unit: int
    coding: int
    spacing: int

    @property
    def size(self) -> int:
        return element_size(self.coding)

    @property
    def step(self) -> str:
        if self.unit == _DAYS and self.spacing in (_HALF_MONTH, _MONTH):
            return "1 month" if self.spacing == _MONTH else "half a month"
        if 0 < self.spacing <= _LONGEST:
            return f"{self.spacing} {_STEP_WORDS[self.unit]}"
        return ""


def read_profile(record: Record, among: Sequence[Record]) -> Profile | None:
    """The values of a profile record; None if its data are no profile."""
    data = record.value
    if not isinstance(data, bytes) or len(data) < 2:
        return None
    head = data[0]
    control = _Control(head >> 6, head >> 4 & 3, head & 0x0F, data[1])
    if not control.size or (len(data) - 2) % control.size:
        return None
    points = tuple(_points(record, control, data[2:], among))
    modes = ("absolute", "increments", "decrements", "differences")
    return Profile(points=points, step=control.step, formula=f"profile of {modes[control.mode]}")


def _points(
    record: Record, control: _Control, data: bytes, among: Sequence[Record]
) -> Iterator[Point]:
    header = _element_header(record.header, control)
    backwards = record.header.profile == "inverse"
    base, clock = _base_value(record, among), _base_time(record, among)
    value = base.value if base is not None else None
    total = value if isinstance(value, int | Decimal) else None
    first = record.end - len(data)
    for index in range(len(data) // control.size):
        start = first + index * control.size
        at = index * control.size
        reading = read_data(header, data[at : at + control.size], start)
        number = reading.value if isinstance(reading.value, int | Decimal) else None
        number = None if _all_ones(control, data[at : at + control.size]) else number
        total = _next(control, total, number, backwards=backwards)
        yield Point(
            value=total,
            storage=record.storage + index + 1,
            time=_moved(clock, control, -(index + 1) if backwards else index + 1),
            time_quantity=clock.quantity if clock is not None else "",
            start=start,
            end=start + control.size,
            raw=reading.raw,
            formula=f"{reading.coding} {header.formula}".rstrip(),
        )


def _element_header(header: Header, control: _Control) -> Header:
    """Elements are read as data of their own; differences that only grow have no sign."""
    kind = "unsigned" if control.mode in (_UP, _DOWN) else "number"
    return replace(header, coding=control.coding, kind=kind, profile="")


def _all_ones(control: _Control, raw: bytes) -> bool:
    """The invalid value of type C, where elements have no sign."""
    binary = control.coding < 9
    return binary and control.mode in (_UP, _DOWN) and raw == b"\xff" * len(raw)


def _next(
    control: _Control, total: Number | None, number: Number | None, *, backwards: bool
) -> Number | None:
    """The value of an element from the one before it. A lost one loses all that hang on it."""
    if control.mode == _ABSOLUTE or number is None:
        return number
    if total is None:
        return None
    step = -number if (control.mode == _DOWN) != backwards else number
    if isinstance(total, int) and isinstance(step, int):
        return total + step
    return _EXACT.add(Decimal(total), Decimal(step))


def _base_value(record: Record, among: Sequence[Record]) -> Record | None:
    """The record that a profile counts from."""
    wanted = replace(record.header, octets=b"", vib_start=0, vif="", coding=0, profile="")
    return next((other for other in among if _plain(other) == wanted), None)


def _plain(record: Record) -> Header | None:
    if record.header.profile:
        return None
    return replace(record.header, octets=b"", vib_start=0, vif="", coding=0)


def _base_time(record: Record, among: Sequence[Record]) -> Record | None:
    times = (
        other
        for other in among
        if other.storage == record.storage
        and other.quantity in ("date", "date_time")
        and not other.modifiers
        and isinstance(other.value, date)
    )
    return next(times, None)


def _moved(clock: Record | None, control: _Control, count: int) -> Moment | None:
    """The base time `count` steps later; None where there is no base or no step.

    A profile has at most 189 elements of 250 days: no calendar ends on the way.
    """
    if clock is None or not isinstance(clock.value, date) or not control.step:
        return None
    base = clock.value
    if control.unit == _DAYS and control.spacing == _MONTH:
        return _months_later(base, count)
    if control.unit == _DAYS and control.spacing == _HALF_MONTH:
        return _halves_later(base, count)
    if control.unit != _DAYS and not isinstance(base, datetime):
        base = datetime(base.year, base.month, base.day)  # noqa: DTZ001
    return base + _STEPS[control.unit] * (control.spacing * count)


def _months_later(base: Moment, count: int) -> Moment:
    """The same day of another month, or its last day."""
    year, month = divmod(base.year * 12 + base.month - 1 + count, 12)
    day = min(base.day, monthrange(year, month + 1)[1])
    return base.replace(year=year, month=month + 1, day=day)


def _halves_later(base: Moment, count: int) -> Moment:
    """A month has two halves, of which the second begins on the 16th."""
    half = base.day > 15
    months, second = divmod(count + half, 2)
    start = _months_later(base.replace(day=base.day - 15 * half), months)
    last = monthrange(start.year, start.month)[1]
    return start.replace(day=min(start.day + 15 * second, last))
