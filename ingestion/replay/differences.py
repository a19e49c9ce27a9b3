"""What values worked out anew would change in the archive; nothing is written here."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ingestion.loader import ChannelCalendar, Precedence
from ingestion.loader.merge import RANK, merge
from ingestion.loader.placing import Windows, group, place
from ingestion.stored_blocks import Cells, blocks_stored
from meters.blocks import MISSING, Blocks, cells_of, starts_of
from meters.partitions import BLOCKS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestion.loader import Readings
    from ingestion.loader.placing import Keys

__all__ = ["BlockChange", "Differences", "differences"]

_EPOCH = date(1970, 1, 1)


class BlockChange(NamedTuple):
    """A day of a channel; quality: a byte a slot of `after`."""

    channel: int
    day: date
    interval_minutes: int
    before: list[int | None]
    after: list[int | None]
    quality: bytes
    changed: int


class Differences(NamedTuple):
    """Days in which something differs; refused: values that the loader would not take."""

    blocks: list[BlockChange]
    refused: int


def differences(readings: Readings) -> Differences:
    """readings: in the order of receipt; of several for one slot the better, then the later counts."""
    placed, refused, _missing = place(readings, ChannelCalendar(), Windows(BLOCKS))
    count = int(np.count_nonzero(refused))
    if not len(placed):
        return Differences([], count)
    keys = group(placed.channel, placed.day)
    slots = placed.slots[keys.first]
    arriving = Blocks.empty(
        channel=keys.channel, day=keys.day, interval=placed.interval[keys.first], slots=slots
    )
    cell = cells_of(starts_of(slots)[keys.block] + placed.slot, placed.count)
    rows = placed.rows
    order = np.argsort(RANK[placed.quality[rows] & 0x07], kind="stable")
    arriving.value[cell[order]] = placed.value[rows[order]]
    arriving.quality[cell[order]] = placed.quality[rows[order]]
    return Differences(list(_changes(arriving, keys)), count)


def _changes(arriving: Blocks, keys: Keys) -> Iterator[BlockChange]:
    days = [_EPOCH + timedelta(days=day) for day in keys.day.tolist()]
    stored = blocks_stored(set(days), set(keys.channel.tolist()))
    rows = zip(keys.channel.tolist(), days, arriving.starts.tolist(), strict=True)
    for block, (channel, day, start) in enumerate(rows):
        cells = slice(start, start + int(arriving.slots[block]))
        new = Cells(arriving.value[cells], arriving.quality[cells])
        old = stored.get((channel, day), _empty(len(new.value)))
        if len(old.value) != len(new.value):
            # Stored with another interval: a day keeps the one it began with.
            continue
        merged = merge(*old, *new, Precedence.RECALCULATED)
        if bool(merged.taken.any()):
            after = Cells(merged.value, merged.quality)
            interval = int(arriving.interval[block])
            quality, changed = merged.quality.tobytes(), int(merged.taken.sum())
            yield BlockChange(
                channel, day, interval, old.listed(), after.listed(), quality, changed
            )


def _empty(slots: int) -> Cells:
    return Cells(np.zeros(slots, np.int64), np.full(slots, MISSING, np.uint8))
