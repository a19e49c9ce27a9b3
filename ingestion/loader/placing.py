"""Rows of a batch → blocks and slots, or a reason to refuse them. No query but for new channels."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from django.utils import timezone

from meters.blocks import MISSING, cells_of
from meters.models import Quality
from meters.partitions import Partitioned, ahead_ensure, existing, oldest_kept

from .batch import Readings, Refusal, Registers
from .calendar import BEYOND, DAY, ChannelCalendar, Midnights, midnights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

__all__ = [
    "Keys",
    "Placed",
    "Windows",
    "group",
    "in_turns",
    "is_crowded",
    "place",
    "place_registers",
]

# So large that no register of 12 digits with a multiplier reaches it, and small enough that the sum
# of a day of minutes fits 64 bits.
LARGEST = 2**52
DAYS_AHEAD = 2
_EPOCH = date(1970, 1, 1).toordinal()
_RECHECK_SECONDS = 60.0
_RETRY_SECONDS = 1.0
_ALLOWED_INTERVALS = np.zeros(1441, np.bool_)
_ALLOWED_INTERVALS[[m for m in range(1, 1441) if 1440 % m == 0]] = True
_KNOWN_QUALITY = np.zeros(8, np.bool_)
_KNOWN_QUALITY[list(Quality.values)] = True


@dataclass(slots=True)
class Placed:
    """Good rows of a batch as runs: rows of one channel and day whose intervals follow each other.

    Run k is rows first[k] … first[k] + count[k] − 1 of the batch, in slots slot[k] and following;
    day counts from 1970-01-01; slots is the number of them in the day. value, quality and derived
    are the columns of the whole batch. Devices send profiles, so there are far fewer runs than
    rows.
    """

    first: Ints
    count: Ints
    channel: Ints
    day: Ints
    slot: Ints
    slots: Ints
    interval: Ints
    value: Ints
    quality: NDArray[np.uint8]
    derived: Mask

    def __len__(self) -> int:
        return len(self.first)

    def take(self, runs: NDArray[Any]) -> Placed:
        """Some runs, by index or mask."""
        names = ("first", "count", "channel", "day", "slot", "slots", "interval")
        columns = {name: getattr(self, name)[runs] for name in names}
        whole = {name: getattr(self, name) for name in ("value", "quality", "derived")}
        return Placed(**columns, **whole)

    @property
    def rows(self) -> Ints:
        """Index in the batch of every row, run by run."""
        return cells_of(self.first, self.count)

    def single(self) -> Placed:
        """The same rows as runs of one row each."""
        run = np.repeat(np.arange(len(self)), self.count)
        found = self.take(run)
        found.first, found.count = self.rows, np.ones(len(run), np.int64)
        found.slot = cells_of(self.slot, self.count)
        return found


class Keys(NamedTuple):
    """Distinct blocks by (day, channel), ascending; the first run of each, the block of each run."""

    channel: Ints
    day: Ints
    first: Ints
    block: Ints

    def __len__(self) -> int:
        return len(self.channel)


class Windows:
    """Which days a table takes now: kept by retention, prepared, at most two days ahead.

    The answer is an array over all days kept; it is read anew every minute, on a new day, and after
    a partition turned out to be gone. What is due by the server's own clock is made then.
    """

    def __init__(self, table: Partitioned) -> None:
        self.table = table
        self._today = -1
        self._read_at = 0.0
        self._oldest = 0
        self._ready = np.zeros(0, np.bool_)

    def forget(self) -> None:
        self._today = -1

    def refuse(self, day: Ints) -> NDArray[np.uint8]:
        """The `Refusal` of each day, 0 where it is taken."""
        self._refresh(_RECHECK_SECONDS)
        codes = self._codes(day)
        if bool((codes == Refusal.NO_PARTITION).any()):
            # Perhaps it was made a moment ago.
            self._refresh(_RETRY_SECONDS)
            codes = self._codes(day)
        return codes

    def _codes(self, day: Ints) -> NDArray[np.uint8]:
        place = np.clip(day - self._oldest, 0, len(self._ready) - 1)
        codes = np.where(self._ready[place], 0, Refusal.NO_PARTITION).astype(np.uint8)
        codes[day < self._oldest] = Refusal.TOO_OLD
        codes[day > self._today + DAYS_AHEAD] = Refusal.IN_FUTURE
        return codes

    def _refresh(self, seconds: float) -> None:
        today = _number(timezone.now().date())
        if today == self._today and time.monotonic() - self._read_at < seconds:
            return
        starts = existing(self.table)
        if self.table.start_of(_date(today + DAYS_AHEAD)) not in starts:
            ahead_ensure(self.table)
            starts = existing(self.table)
        self._oldest = _number(oldest_kept(self.table))
        ready = np.zeros(today + DAYS_AHEAD + 1 - self._oldest, np.bool_)
        for start in starts:
            first = _number(start) - self._oldest
            ready[max(first, 0) : max(_number(self.table.following(start)) - self._oldest, 0)] = (
                True
            )
        self._ready, self._today, self._read_at = ready, today, time.monotonic()


def _number(day: date) -> int:
    return day.toordinal() - _EPOCH


def _date(number: int) -> date:
    return date.fromordinal(_EPOCH) + timedelta(days=number)


def place(
    readings: Readings, calendar: ChannelCalendar, windows: Windows
) -> tuple[Placed, NDArray[np.uint8], int]:
    """Runs of good rows, the `Refusal` of every row, and how many rows are marked missing."""
    refused = _refuse_values(readings.value, readings.quality)
    left_out = (readings.quality & 0x07) == MISSING
    missing = int((left_out & (refused == 0)).sum())
    left_out |= refused != 0
    first = _run_starts(readings, left_out)
    count = np.diff(first, append=len(readings))
    good = ~left_out[first]
    placed, codes = _place_runs(readings, first[good], count[good], calendar, windows)
    bad = codes != 0
    if bool(bad.any()):
        refused[placed.take(bad).rows] = np.repeat(codes[bad], placed.count[bad])
        placed = placed.take(~bad)
    return placed, refused, missing


def _run_starts(readings: Readings, left_out: Mask) -> Ints:
    """Rows that do not simply continue the row before."""
    channel, start, interval = readings.channel, readings.start, readings.interval_minutes
    starts = np.ones(len(channel), np.bool_)
    np.not_equal(channel[1:], channel[:-1], out=starts[1:])
    starts[1:] |= interval[1:] != interval[:-1]
    starts[1:] |= left_out[1:] != left_out[:-1]
    step = int(interval[0]) * 60 if _alike(interval) else interval[1:].astype(np.int64) * 60
    starts[1:] |= start[1:] - start[:-1] != step
    return np.flatnonzero(starts)


def _place_runs(
    readings: Readings, first: Ints, count: Ints, calendar: ChannelCalendar, windows: Windows
) -> tuple[Placed, NDArray[np.uint8]]:
    """Runs cut at midnights, with a `Refusal` each."""
    interval = readings.interval_minutes[first].astype(np.int64)
    whole = (interval > 0) & (interval <= 1440)
    whole &= _ALLOWED_INTERVALS[np.where(whole, interval, 0)]
    step = np.where(whole, interval, 1) * 60
    zone, names = calendar.zones(readings.channel[first])
    table = midnights(names or ("UTC",))
    pieces = _cut(first, count, readings.start[first], step, np.maximum(zone, 0), table)
    run, first, count, day, since, length = pieces
    codes = np.zeros(len(run), np.uint8)
    _mark(codes, ~whole[run], Refusal.BAD_INTERVAL)
    _mark(codes, zone[run] < 0, Refusal.UNKNOWN_CHANNEL)
    codes = np.where(codes == 0, windows.refuse(day), codes)
    _mark(codes, length == BEYOND, Refusal.TOO_OLD)
    interval, step = interval[run], step[run]
    slot = since // step
    daily = interval == 1440
    _mark(codes, (slot * step != since) | daily & (slot + count > 1), Refusal.OFF_GRID)
    slots = np.where(daily, 1, -(-length // step))
    channel = readings.channel[first]
    columns = (readings.value, readings.quality, readings.derived)
    placed = Placed(first, count, channel, day, slot, slots, interval, *columns)
    return placed, codes


def _cut(  # noqa: PLR0913
    first: Ints, count: Ints, start: Ints, step: Ints, zone: Ints, table: Midnights
) -> tuple[Ints, Ints, Ints, Ints, Ints, Ints]:
    """Cut runs at local midnights: the run each piece is of, its first row, its rows, its day,
    seconds from midnight to its start, length of the day."""
    run = np.arange(len(first))
    pieces: list[tuple[Ints, ...]] = []
    while len(run) or not pieces:
        day, begins, length = table.place(zone[run], start)
        here = np.minimum(count, -(-(begins + length - start) // step[run]))
        # A day of 25 hours holds two daily values' beginnings; only midnight's is its own.
        here[step[run] == DAY] = 1
        pieces.append((run, first, here, day, start - begins, length))
        rest = count > here
        run, first, count, start, here = (
            column[rest] for column in (run, first, count, start, here)
        )
        first, count, start = first + here, count - here, start + here * step[run]
    run, first, here, day, since, length = (
        pieces[0] if len(pieces) == 1 else map(np.concatenate, zip(*pieces, strict=True))
    )
    order = np.argsort(first, kind="stable")
    return run[order], first[order], here[order], day[order], since[order], length[order]


def place_registers(
    registers: Registers, calendar: ChannelCalendar, windows: Windows
) -> NDArray[np.uint8]:
    """The `Refusal` of every register reading; a missing one counts as of no known quality."""
    refused = _refuse_values(registers.value, registers.quality)
    _mark(refused, (registers.quality & 0x07) == MISSING, Refusal.UNKNOWN_QUALITY)
    zone, _names = calendar.zones(registers.channel)
    _mark(refused, zone < 0, Refusal.UNKNOWN_CHANNEL)
    return np.where(refused == 0, windows.refuse(registers.at // DAY), refused)


def group(channel: Ints, day: Ints) -> Keys:
    """Distinct (day, channel) of runs."""
    order = np.lexsort((channel, day))
    channels, days = channel[order], day[order]
    new = np.ones(len(order), np.bool_)
    new[1:] = (channels[1:] != channels[:-1]) | (days[1:] != days[:-1])
    block = np.empty(len(order), np.int64)
    block[order] = np.cumsum(new) - 1
    # lexsort is stable, so the first of a block is the one received first.
    return Keys(channels[new], days[new], order[new], block)


def in_turns(
    cell: Ints, value: Ints, quality: NDArray[np.uint8], cells: int
) -> tuple[list[NDArray[Any]], int]:
    """Rows that may be stored together, oldest first, and how many only repeat one before.

    Each turn has at most one row a cell, so that a later value meets the earlier one as stored.
    """
    if not is_crowded(cell, cells):
        return [np.arange(len(cell))], 0
    crowded = np.bincount(cell, minlength=cells) > 1
    several = np.flatnonzero(crowded[cell])
    several = several[np.argsort(cell[several], kind="stable")]
    repeats = np.zeros(len(several), np.bool_)
    before, after = several[:-1], several[1:]
    repeats[1:] = (cell[before] == cell[after]) & (value[before] == value[after])
    repeats[1:] &= quality[before] == quality[after]
    kept = several[~repeats]
    begins = np.flatnonzero(np.diff(cell[kept], prepend=-1))
    lengths = np.diff(begins, append=len(kept))
    turn = cells_of(np.zeros(len(lengths), np.int64), lengths)
    turns = [kept[turn == number] for number in range(int(turn.max()) + 1)]
    turns[0] = np.concatenate([np.flatnonzero(~crowded[cell]), turns[0]])
    return [np.sort(rows) for rows in turns], int(repeats.sum())


def is_crowded(cell: Ints, cells: int) -> bool:
    """Whether two rows have one cell."""
    used = np.zeros(cells, np.bool_)
    used[cell] = True
    return int(np.count_nonzero(used)) < len(cell)


def _refuse_values(value: Ints, quality: NDArray[np.uint8]) -> NDArray[np.uint8]:
    refused = np.zeros(len(value), np.uint8)
    if len(value) and max(int(value.max()), -int(value.min())) >= LARGEST:
        _mark(refused, (value >= LARGEST) | (value <= -LARGEST), Refusal.TOO_LARGE)
    if bool(quality.any()):
        _mark(refused, ~_KNOWN_QUALITY[quality & 0x07], Refusal.UNKNOWN_QUALITY)
    return refused


def _mark(refused: NDArray[np.uint8], rows: Mask, code: Refusal) -> None:
    """The first reason found stays."""
    if bool(rows.any()):
        refused[rows & (refused == 0)] = code


def _alike(column: NDArray[Any]) -> bool:
    return len(column) > 0 and bool((column == column[0]).all())
