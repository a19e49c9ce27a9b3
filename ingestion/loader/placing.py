"""Rows of a batch → blocks and slots, or a reason to refuse them. No query but for new channels."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from django.utils import timezone

from ingestion.blocks import MISSING, cells_of
from meters.models import Quality
from meters.partitions import Partitioned, existing, oldest_kept, upkeep

from .batch import Readings, Refusal, Registers
from .calendar import DAY, ChannelCalendar, midnights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]

__all__ = ["Keys", "Placed", "Windows", "group", "in_turns", "place", "place_registers"]

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
    """Good rows of a batch: row is its index there, day counts from 1970-01-01."""

    row: Ints
    channel: Ints
    day: Ints
    slot: Ints
    slots: Ints
    interval: Ints
    value: Ints
    quality: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.row)

    def take(self, rows: NDArray[Any]) -> Placed:
        return Placed(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


class Keys(NamedTuple):
    """Distinct blocks by (day, channel), ascending; the block and the first row of each."""

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
            upkeep([self.table])
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
    """Good rows, the `Refusal` of every row, and how many rows are marked missing."""
    refused = _refuse_values(readings.value, readings.quality)
    interval = readings.interval_minutes.astype(np.int64)
    whole = (interval > 0) & (interval <= 1440)
    whole &= _ALLOWED_INTERVALS[np.where(whole, interval, 0)]
    _mark(refused, ~whole, Refusal.BAD_INTERVAL)
    zone, table = _zones(readings.channel, calendar)
    _mark(refused, zone < 0, Refusal.UNKNOWN_CHANNEL)
    day, begins, length = table.place(np.maximum(zone, 0), readings.start)
    outside = windows.refuse(day)
    refused = np.where(refused == 0, outside, refused)
    step = _step(np.where(whole, interval, 1))
    since = readings.start - begins
    slot = since // step
    _mark(refused, (slot * step != since) | (slot > 0) & (interval == 1440), Refusal.OFF_GRID)
    slots = np.where(interval == 1440, 1, -(-length // step))
    missing = (readings.quality & 0x07) == MISSING
    good = np.flatnonzero((refused == 0) & ~missing)
    placed = Placed(
        good, readings.channel, day, slot, slots, interval, readings.value, readings.quality
    )
    if len(good) < len(refused):
        placed = placed.take(good)
        placed.row = good
    return placed, refused, int(((refused == 0) & missing).sum())


def place_registers(
    registers: Registers, calendar: ChannelCalendar, windows: Windows
) -> NDArray[np.uint8]:
    """The `Refusal` of every register reading; a missing one counts as of no known quality."""
    refused = _refuse_values(registers.value, registers.quality)
    _mark(refused, (registers.quality & 0x07) == MISSING, Refusal.UNKNOWN_QUALITY)
    zone, _table = _zones(registers.channel, calendar)
    _mark(refused, zone < 0, Refusal.UNKNOWN_CHANNEL)
    return np.where(refused == 0, windows.refuse(registers.at // DAY), refused)


def group(channel: Ints, day: Ints) -> Keys:
    """Distinct (day, channel) of rows. Rows of one block mostly stand together, so runs of them
    are sorted, not rows."""
    starts = np.ones(len(channel), np.bool_)
    np.not_equal(channel[1:], channel[:-1], out=starts[1:])
    starts[1:] |= day[1:] != day[:-1]
    first = np.flatnonzero(starts)
    order = np.lexsort((channel[first], day[first]))
    channels, days = channel[first][order], day[first][order]
    new = np.ones(len(order), np.bool_)
    new[1:] = (channels[1:] != channels[:-1]) | (days[1:] != days[:-1])
    block = np.empty(len(order), np.int64)
    block[order] = np.cumsum(new) - 1
    lengths = np.diff(first, append=len(channel))
    return Keys(channels[new], days[new], first[order][new], np.repeat(block, lengths))


def in_turns(
    cell: Ints, value: Ints, quality: NDArray[np.uint8], cells: int
) -> tuple[list[NDArray[Any]], int]:
    """Rows that may be stored together, oldest first, and how many only repeat one before.

    Each turn has at most one row a cell, so that a later value meets the earlier one as stored.
    """
    rows = np.arange(len(cell))
    last = np.empty(cells, np.int64)
    last[cell] = rows
    again = last[cell] != rows
    if not bool(again.any()):
        return [rows], 0
    crowded = np.zeros(cells, np.bool_)
    crowded[cell[again]] = True
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


def _refuse_values(value: Ints, quality: NDArray[np.uint8]) -> NDArray[np.uint8]:
    refused = np.zeros(len(value), np.uint8)
    _mark(refused, (value >= LARGEST) | (value <= -LARGEST), Refusal.TOO_LARGE)
    _mark(refused, ~_KNOWN_QUALITY[quality & 0x07], Refusal.UNKNOWN_QUALITY)
    return refused


def _mark(refused: NDArray[np.uint8], rows: Mask, code: Refusal) -> None:
    """The first reason found stays."""
    if bool(rows.any()):
        refused[rows & (refused == 0)] = code


def _step(interval: Ints) -> Any:
    """Seconds of each interval; one number when all are alike, which divides several times faster."""
    if len(interval) and bool((interval == interval[0]).all()):
        return int(interval[0]) * 60
    return interval * 60


def _zones(channel: Ints, calendar: ChannelCalendar) -> tuple[NDArray[np.int64], Any]:
    starts = np.ones(len(channel), np.bool_)
    np.not_equal(channel[1:], channel[:-1], out=starts[1:])
    first = np.flatnonzero(starts)
    zone, names = calendar.zones(channel[first])
    table = midnights(names or ("UTC",))
    return np.repeat(zone, np.diff(first, append=len(channel))), table
