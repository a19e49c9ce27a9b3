"""Storing interval values: new blocks by COPY, changed ones merged, the earlier state kept.

Two processes may load the same block. Neither locks it beforehand: a new block that meets one that
another process has just made breaks the primary key; a changed one is written only if it is still
the version that was read (its xmin). Either way the batch is loaded again from its start, and sees
the other's work. Rows are written in the order of their key, so that writers do not wait in
circles.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from meters.blocks import (
    MISSING,
    POSTGRES_EPOCH,
    Blocks,
    Extra,
    cells_of,
    copy_rows,
    read_arrays,
    starts_of,
)
from meters.wire import bigints, columns, copy, dates, fixed

from .batch import Refusal
from .errors import Raced
from .merge import Precedence, merge
from .placing import Keys, Placed, group, in_turns, is_crowded

if TYPE_CHECKING:
    import psycopg
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]
    Cursor = psycopg.Cursor[tuple[Any, ...]]

__all__ = ["ArchiveChange", "Origin", "store_readings"]

_COLUMNS = 'channel_id, total, day, interval_minutes, small, "values", wide, quality'
_READ = 'b.channel_id, b.day, b.xmin, b.interval_minutes, b.small, b."values", b.wide, b.quality'
# Few days: one walk along the index of a day. Many (history): one look-up a block.
_FETCH_DAY = f"""
SELECT {_READ} FROM meters_interval_block b WHERE b.day = ANY(%s) AND b.channel_id = ANY(%s)
"""
_FETCH_EACH = f"""
SELECT {_READ} FROM unnest(%s, %s) k(day, channel_id)
JOIN meters_interval_block b ON b.day = k.day AND b.channel_id = k.channel_id
WHERE b.day >= %s AND b.day <= %s
"""
_DAYS_AT_ONCE = 8
_EPOCH = date(1970, 1, 1)
_STAGE = f"""
CREATE TEMPORARY TABLE IF NOT EXISTS readout_block_stage ON COMMIT DELETE ROWS AS
SELECT {_COLUMNS}, '0'::xid AS version, 0::smallint AS reason, 0::bigint AS frame_id
FROM meters_interval_block WHERE false
"""
# Nested loops from the staged rows, in their order, into one partition's primary key each; the
# bounds leave the other partitions out. The planner may not turn the loops round, which it would on
# a day that is too new for its statistics: it expects no blocks of such a day, and would then read
# all that was staged for each of a million. A lateral subquery has one order only; an update has no
# such form, so it is not told the bounds before it runs.
_REVISE = f"""
INSERT INTO meters_block_revision ({_COLUMNS}, replaced_at, reason, frame_id, user_id, note)
SELECT b.channel_id, b.total, b.day, b.interval_minutes, b.small, b."values", b.wide, b.quality,
    clock_timestamp(), s.reason, nullif(s.frame_id, -1), %s, %s
FROM readout_block_stage s
CROSS JOIN LATERAL (SELECT * FROM meters_interval_block b WHERE b.day = s.day
    AND b.channel_id = s.channel_id AND b.day >= %s AND b.day <= %s OFFSET 0) b
WHERE s.reason <> 0
"""
_UPDATE = """
UPDATE meters_interval_block b SET total = s.total, small = s.small, "values" = s."values",
    wide = s.wide, quality = s.quality
FROM readout_block_stage s
WHERE b.day = s.day AND b.channel_id = s.channel_id AND b.xmin = s.version
    AND b.day >= (SELECT %s::date) AND b.day <= (SELECT %s::date)
"""


class Origin(NamedTuple):
    """Where the values of a batch come from: id of the frame of each row of it (−1: none)."""

    frame_id: Ints
    user_id: int | None
    note: str
    precedence: Precedence = Precedence.LATER


@dataclass(slots=True)
class ArchiveChange:
    """What storing did; days and channels: of the blocks that changed, turn by turn.

    told_days, told_channels: of those in which the rest of a stretch is another (`Merged.told`).
    """

    refused: NDArray[np.uint8]
    stored: int = 0
    repeated: int = 0
    new_blocks: int = 0
    changed_blocks: int = 0
    revisions: int = 0
    days: list[Ints] = field(default_factory=list)
    channels: list[Ints] = field(default_factory=list)
    told_days: list[Ints] = field(default_factory=list)
    told_channels: list[Ints] = field(default_factory=list)


class _Source(NamedTuple):
    """Where arriving values come from, a row each: its cell, its block, its frame's id, whether it
    was derived from registers."""

    cell: Ints
    block: Ints
    frame: Ints
    derived: Mask

    def derived_cells(self, cells: int) -> Mask:
        found = np.zeros(cells, np.bool_)
        found[self.cell] = self.derived
        return found

    def frames(self, taken: Mask, blocks: int) -> Ints:
        """The last frame with a value that was taken, of each block; −1 for none."""
        found = np.full(blocks, -1, np.int64)
        rows = taken[self.cell]
        found[self.block[rows]] = self.frame[rows]
        return found


class _Stored(NamedTuple):
    """Blocks as they stand; key: place of each among the keys asked for; version: its xmin."""

    blocks: Blocks
    key: Ints
    version: Ints


def store_readings(
    run: Cursor, placed: Placed, origin: Origin, refused: NDArray[np.uint8]
) -> ArchiveChange:
    """Store placed rows; `refused` gets the reason of those whose block has another interval."""
    change = ArchiveChange(refused)
    if not len(placed):
        return change
    placed, keys, stored = _matching(run, placed, change)
    if not len(placed):
        return change
    cell, slots = _cells(placed, keys)
    if not is_crowded(cell, int(slots.sum())):
        _store(run, placed, keys, stored, origin, change)
        return change
    rows = placed.rows
    turns, repeats = in_turns(cell, placed.value[rows], placed.quality[rows], int(slots.sum()))
    change.repeated += repeats
    placed = placed.single()
    for chosen in turns:
        part = placed.take(chosen)
        keys = group(part.channel, part.day)
        _store(run, part, keys, _fetch(run, keys), origin, change)
    return change


def _matching(run: Cursor, placed: Placed, change: ArchiveChange) -> tuple[Placed, Keys, _Stored]:
    """Leave out rows whose interval is not their block's; the first run makes a new block's."""
    while True:
        keys = group(placed.channel, placed.day)
        stored = _fetch(run, keys)
        interval, slots = placed.interval[keys.first], placed.slots[keys.first]
        interval[stored.key] = stored.blocks.interval
        slots[stored.key] = stored.blocks.slots
        good = (placed.interval == interval[keys.block]) & (placed.slots == slots[keys.block])
        if bool(good.all()):
            return placed, keys, stored
        change.refused[placed.take(~good).rows] = Refusal.OTHER_INTERVAL
        placed = placed.take(good)


def _cells(placed: Placed, keys: Keys) -> tuple[Ints, Ints]:
    """Cell of every row, run by run, and slots of every block."""
    slots = placed.slots[keys.first]
    return cells_of(starts_of(slots)[keys.block] + placed.slot, placed.count), slots


def _fetch(run: Cursor, keys: Keys) -> _Stored:
    starts = np.flatnonzero(np.diff(keys.day, prepend=-1))
    days = keys.day[starts]
    found: list[list[tuple[bytes | None, ...]]] = []
    if len(days) <= _DAYS_AT_ONCE:
        for day, channels in zip(days, np.split(keys.channel, starts[1:]), strict=True):
            one = dates(np.array([day - POSTGRES_EPOCH]))
            found.append(columns(run, _FETCH_DAY, one, bigints(channels)))
    else:
        each = (dates(keys.day - POSTGRES_EPOCH), bigints(keys.channel))
        found.append(columns(run, _FETCH_EACH, *each, *_bounds(keys.day)))
    return _read([tuple(chain.from_iterable(parts)) for parts in zip(*found, strict=True)], keys)


def _bounds(day: Ints) -> tuple[date, date]:
    first, last = int(day.min()), int(day.max())
    return _EPOCH + timedelta(days=first), _EPOCH + timedelta(days=last)


def _read(found: list[tuple[bytes | None, ...]], keys: Keys) -> _Stored:
    """found: the columns of _READ, each in binary form."""
    channel = fixed(found[0], ">i8").astype(np.int64)
    day = fixed(found[1], ">i4").astype(np.int64) + POSTGRES_EPOCH
    version = fixed(found[2], ">u4").astype(np.int64)
    interval = fixed(found[3], ">i2").astype(np.int64)
    arrays = [small or middle or wide for small, middle, wide in zip(*found[4:7], strict=True)]
    slots, value, present = read_arrays(cast("list[bytes]", arrays))
    quality = np.where(present, 0, MISSING).astype(np.uint8)
    marked = [row for row, given in enumerate(found[7]) if given is not None]
    if marked:
        cells = cells_of(starts_of(slots)[marked], slots[marked])
        quality[cells] = fixed([found[7][row] for row in marked], "u1")
    blocks = Blocks(channel, day, interval, slots, value, quality)
    return _Stored(blocks, _position(keys, channel, day), version)


def _position(keys: Keys, channel: Ints, day: Ints) -> Ints:
    """Where each (day, channel) stands among the keys; all of them do."""
    merged = np.lexsort((np.concatenate([keys.channel, channel]), np.concatenate([keys.day, day])))
    # Stable: a key comes right before the row that was found for it.
    place = np.empty(len(merged), np.int64)
    place[merged] = np.cumsum(merged < len(keys)) - 1
    return place[len(keys) :]


def _store(
    run: Cursor, placed: Placed, keys: Keys, stored: _Stored, origin: Origin, change: ArchiveChange
) -> None:
    cell, slots = _cells(placed, keys)
    arriving = Blocks.empty(
        channel=keys.channel, day=keys.day, interval=placed.interval[keys.first], slots=slots
    )
    rows = placed.rows
    arriving.value[cell] = placed.value[rows]
    arriving.quality[cell] = placed.quality[rows]
    is_new = np.ones(len(keys), np.bool_)
    is_new[stored.key] = False
    if bool(is_new.any()):
        fresh = arriving.take(is_new)
        copy(run, f"meters_interval_block ({_COLUMNS})", copy_rows(fresh))
        change.new_blocks += len(fresh)
        change.stored += int(fresh.present.sum())
        change.days.append(fresh.day)
        change.channels.append(fresh.channel)
    if len(stored.key):
        frame = origin.frame_id[rows]
        block = np.repeat(keys.block, placed.count)
        source = _Source(cell, block, frame, placed.derived[rows])
        _merge(run, stored, arriving, source, origin, change)


def _merge(
    run: Cursor,
    stored: _Stored,
    arriving: Blocks,
    source: _Source,
    origin: Origin,
    change: ArchiveChange,
) -> None:
    old = stored.blocks
    cells = cells_of(arriving.starts[stored.key], old.slots)
    merged = merge(
        old.value,
        old.quality,
        arriving.value[cells],
        arriving.quality[cells],
        origin.precedence,
        derived=source.derived_cells(len(arriving.value))[cells],
    )
    stored_now = int(merged.taken.sum())
    change.stored += stored_now
    change.repeated += int((arriving.quality[cells] != MISSING).sum()) - stored_now
    touched = old.any(merged.altered)
    if not bool(touched.any()):
        return
    taken = np.zeros(len(arriving.value), np.bool_)
    taken[cells] = merged.taken
    frame = source.frames(taken, len(arriving))[stored.key]
    reason = np.maximum.reduceat(merged.reason, old.starts)
    new = Blocks(old.channel, old.day, old.interval, old.slots, merged.value, merged.quality)
    order = np.lexsort((old.channel, old.day))
    order = order[touched[order]]
    _write(run, new.take(order), stored.version[order], reason[order], frame[order], origin)
    change.changed_blocks += len(order)
    change.revisions += int((reason[order] != 0).sum())
    change.days.append(old.day[order])
    change.channels.append(old.channel[order])
    if bool(merged.told.any()):
        told = old.any(merged.told)
        change.told_days.append(old.day[told])
        change.told_channels.append(old.channel[told])


def _write(
    run: Cursor, blocks: Blocks, version: Ints, reason: Ints, frame_id: Ints, origin: Origin
) -> None:
    bounds = _bounds(blocks.day)
    run.execute(_STAGE)
    run.execute("DELETE FROM readout_block_stage")
    extras = {
        "version": Extra(">u4", version),
        "reason": Extra(">i2", reason),
        "frame": Extra(">i8", frame_id),
    }
    copy(run, "readout_block_stage", copy_rows(blocks, extras))
    if bool((reason != 0).any()):
        run.execute(_REVISE, (origin.user_id, origin.note, *bounds))
    run.execute(_UPDATE, bounds)
    if run.rowcount != len(blocks):
        raise Raced("a block changed while values were merged into it")
