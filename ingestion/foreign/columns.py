"""What decoded messages mean → the columns that frames of the universal protocol are decoded to.

So values, intervals, installations and reasons to refuse are worked out in one place for all
protocols (`ingestion.values`). Values are in units of the archive already. What has no time of its
own is of the moment it was received. Amounts of intervals that do not lie on the grid of the local
day become registers where the register is known: the archive works their intervals out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate, takewhile
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from ingestion.codecs.columns import NONE, Batch, Columns, Events, Intervals, Registers, Statuses
from ingestion.codecs.universal_messages import (
    BATTERY_PERCENT_UNKNOWN,
    MODULE_PORT,
    SIGNAL_UNKNOWN,
    TEMPERATURE_UNKNOWN,
)
from ingestion.codecs.universal_messages import Quality as Told
from ingestion.register_numbers import foreign_number
from ingestion.regridding import day_of
from ingestion.routing import MODULE_CHANNELS
from ingestion.values import QUESTIONABLE
from meters.catalogue import CATALOGUE
from meters.quantities import Accumulation

from .lane_columns import add_spoken

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ingestion.decoding import Decoded, Reading, Series
    from ingestion.routing import Routes

    from .lane_columns import Spoke

__all__ = [
    "QUALITIES",
    "Instant",
    "Rows",
    "Said",
    "Spoken",
    "columns_of",
    "columns_same",
    "numbered",
    "only_port",
    "where_of",
]

QUALITIES = {"valid": 0, "estimated": int(Told.ESTIMATED), "questionable": QUESTIONABLE}
_DAY = 86_400
_MOST_DETAIL = 2**31 - 1
_FIRST_PORT = 1
_DELTAS = frozenset(one.code for one in CATALOGUE if one.accumulation == Accumulation.DELTA)
_DEVICE = "device."
_Columns = TypeVar("_Columns", bound=Columns)


class Said(NamedTuple):
    """A decoded message. frame: its place among those stored; at: of receipt, Unix seconds."""

    frame: int
    decoded: Decoded
    module: int
    company: int
    at: int


class Instant(NamedTuple):
    """A diagnostic of the module itself: place in `MODULE_CHANNELS`."""

    frame: int
    place: int
    value: int
    at: int


@dataclass(slots=True)
class Spoken:
    """Columns, diagnostics of modules, names of the numbers, and what has no column: why."""

    batch: Batch
    instants: list[Instant]
    names: dict[int, str]
    left_out: dict[int, str]


@dataclass(slots=True)
class Rows:
    """Rows as `Columns.of` takes them; intervals by their number of values."""

    registers: list[tuple[Any, ...]] = field(default_factory=list)
    intervals: dict[int, list[tuple[Any, ...]]] = field(default_factory=lambda: defaultdict(list))
    events: list[tuple[Any, ...]] = field(default_factory=list)
    instants: list[Instant] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)
    left_out: dict[int, str] = field(default_factory=dict)
    # The same of messages that were read together.
    register_parts: list[Registers] = field(default_factory=list)
    interval_parts: dict[int, list[Intervals]] = field(default_factory=lambda: defaultdict(list))
    event_parts: list[Events] = field(default_factory=list)


def columns_of(
    said: list[Said], routes: Routes, zones: dict[int, str], spoken: Sequence[Spoke] = ()
) -> Spoken:
    """All messages of a batch together, in the order of their frames.

    spoken: of messages that were read together.
    """
    rows = Rows()
    add_spoken(rows, spoken, routes, zones)
    for one in said:
        port = only_port(one.module, routes)
        for reading in one.decoded.readings:
            _add_reading(rows, one, reading, port)
        for series in one.decoded.series:
            _add_series(rows, one, series, port, zones)
        for event in one.decoded.events:
            where = MODULE_PORT if event.port is None else event.port
            detail = min(max(event.detail, 0), _MOST_DETAIL)
            rows.events.append((one.frame, 0, _seconds(event.at), where, event.code, detail))
    rows.instants.sort(key=lambda one: one.frame)
    counts = sorted(rows.intervals.keys() | rows.interval_parts.keys())
    batch = Batch(
        frames=len(said) + sum(one.messages for one in spoken),
        intervals=tuple(
            _ordered(Intervals, rows.intervals.get(count, []), rows.interval_parts.get(count, []))
            for count in counts
        ),
        registers=_ordered(Registers, rows.registers, rows.register_parts),
        events=_ordered(Events, rows.events, rows.event_parts),
        statuses=_statuses(rows.instants),
        messages=(),
        errors=(),
    )
    return Spoken(batch, rows.instants, rows.names, rows.left_out)


def _ordered(kind: type[_Columns], rows: list[Any], parts: list[_Columns]) -> _Columns:
    """Rows of single messages, and those of others, in the order of their frames."""
    if not parts:
        return kind.of(rows)
    return kind.concatenate([kind.of(rows), *parts] if rows else parts).in_order()


def columns_same(one: Spoken, other: Spoken) -> bool:
    """Whether both say the same."""
    pairs = [(one.batch.registers, other.batch.registers), (one.batch.events, other.batch.events)]
    if len(one.batch.intervals) != len(other.batch.intervals):
        return False
    pairs += zip(one.batch.intervals, other.batch.intervals, strict=True)
    rest = one.instants == other.instants and one.left_out == other.left_out
    return rest and all(
        np.array_equal(mine, its)
        for first, second in pairs
        for mine, its in zip(first.arrays(), second.arrays(), strict=True)
    )


def only_port(module: int, routes: Routes) -> int:
    """The first port of a module that has a meter: what a message without ports speaks of."""
    row = int(np.searchsorted(routes.key, module << 24))
    if row < len(routes) and int(routes.key[row]) >> 24 == module:
        return int(routes.key[row]) >> 8 & 0xFF
    return _FIRST_PORT


def _seconds(at: datetime | None) -> int:
    return 0 if at is None else int(at.timestamp())


def where_of(reading_type: str) -> str:
    """What becomes of a value at an instant: a diagnostic of the module, a register, or neither."""
    if reading_type in MODULE_CHANNELS:
        return "module"
    if reading_type in _DELTAS:
        return "amount"
    return "" if reading_type.startswith(_DEVICE) else "register"


def _add_reading(rows: Rows, one: Said, reading: Reading, port: int) -> None:
    at = _seconds(reading.at) or one.at
    kind = where_of(reading.reading_type)
    if kind == "module":
        place = MODULE_CHANNELS.index(reading.reading_type)
        rows.instants.append(Instant(one.frame, place, reading.value, at))
    elif kind == "amount":
        rows.left_out[one.frame] = f"{reading.register}: an amount without its interval"
    elif kind == "register":
        number = numbered(rows, reading.reading_type, reading.register)
        where = port if reading.port is None else reading.port
        quality = QUALITIES[reading.quality]
        rows.registers.append((one.frame, 0, at, where, number, reading.value, quality))


def numbered(rows: Rows, reading_type: str, register: str) -> int:
    number = foreign_number(reading_type)
    name = f"{register}, {reading_type}"
    # Types may call it differently; which name is told must not depend on their order.
    rows.names[number] = min(rows.names.get(number, name), name)
    return number


def _add_series(rows: Rows, one: Said, series: Series, port: int, zones: dict[int, str]) -> None:
    if series.reading_type.startswith(_DEVICE):
        return
    number = numbered(rows, series.reading_type, series.register)
    where = port if series.port is None else series.port
    quality, base = QUALITIES[series.quality], _seconds(series.base_time)
    if series.kind == "deltas" and _on_grid(base, series.step, one.company, zones):
        missing = tuple(value is None for value in series.values)
        values = tuple(value or 0 for value in series.values)
        opening = NONE if series.base is None else series.base
        row = (one.frame, 0, where, number, base, series.step // 60, opening, quality, NONE)
        rows.intervals[len(values)].append((*row, values, missing))
        return
    if series.kind == "deltas" and series.base is None:
        rows.left_out[one.frame] = (
            f"{series.register}: intervals of {series.step} s that begin at {series.base_time},"
            " and no register to work others out from"
        )
        return
    for at, value in _registers(series, base):
        rows.registers.append((one.frame, 0, at, where, number, value, quality))


def _on_grid(base: int, step: int, company: int, zones: dict[int, str]) -> bool:
    """Whether such intervals are those of the local day."""
    if step % 60 or _DAY % step:
        return False
    begins, _length = day_of(np.array([base]), np.array([company], np.int32), zones)
    return (base - int(begins[0])) % step == 0


def _registers(series: Series, base: int) -> Iterator[tuple[int, int]]:
    """Registers or samples at their times; of amounts the register after each, up to a gap."""
    if series.kind != "deltas":
        for place, value in enumerate(series.values):
            if value is not None:
                yield base + place * series.step, value
        return
    known = takewhile(lambda value: value is not None, series.values)
    amounts = [value for value in known if value is not None]
    for place, register in enumerate(accumulate(amounts, initial=series.base or 0)):
        yield base + place * series.step, register


def _statuses(instants: list[Instant]) -> Statuses:
    """What is noted of the module itself: the level of its battery, its signal."""
    rows = []
    for one in instants:
        code = MODULE_CHANNELS[one.place]
        percent = one.value if code == "device.battery.level" else BATTERY_PERCENT_UNKNOWN
        signal = one.value if code == "device.signal" else SIGNAL_UNKNOWN
        if code in ("device.battery.level", "device.signal"):
            rows.append((one.frame, 0, one.at, 0, percent, signal, TEMPERATURE_UNKNOWN))
    return Statuses.of(rows)
