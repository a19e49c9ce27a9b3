"""What a device told of a stretch itself is taken off before the rest of it is divided.

Between two register readings lie intervals that the device has sent and others that were lost. What
the registers tell is what all of them add up to, so the lost ones have what is left: by itself the
difference where one is missing, shares of it where several are.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ingestion.loader.calendar import midnights
from ingestion.loader.merge import RANK
from ingestion.stored_blocks import blocks_stored
from meters.models import Quality

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ingestion.loader import Readings

__all__ = ["Stretch", "leave_the_rest", "rest_anew"]

_EPOCH = date(1970, 1, 1)
# Values that no share of a stretch replaces, and those that the server worked out itself.
_TOLD = frozenset({Quality.QUESTIONABLE, Quality.VALID, Quality.EDITED})
_WORKED_OUT = frozenset({Quality.ESTIMATED, Quality.DERIVED})

# (channel, Unix second of the start) → value, and quality class.
_Key = tuple[int, int]
_Values = dict[_Key, tuple[int, int]]


class Stretch(NamedTuple):
    """Intervals that were divided: from `start` to `end`, Unix seconds on the grid of the channel.

    step: seconds of an interval; zone: name of the time zone whose days the archive keeps.
    """

    channel: int
    start: int
    end: int
    step: int
    zone: str

    @property
    def starts(self) -> range:
        return range(self.start, self.end, self.step)


def leave_the_rest(made: Readings, stretches: Sequence[Stretch], arriving: Readings) -> Readings:
    """Values of stretches such that, with what the device told, they add up to what they did.

    made: worked out from registers; arriving: what devices tell now, of whatever channels. Left as
    it is: a stretch that is not in `made` as a whole, one of which nothing was told or everything,
    and one of which more was told than the registers allow.
    """
    if not stretches:
        return made
    channels = np.array(sorted({one.channel for one in stretches}), np.int64)
    own = np.isin(arriving.channel, channels) & ~arriving.derived
    rows = arriving.take(np.flatnonzero(own))
    cells = dict(_stored(stretches))
    worth = zip(rows.value.tolist(), (rows.quality & 7).tolist(), strict=True)
    for key, found in zip(_keys(rows), worth, strict=True):
        if RANK[found[1]] >= RANK[_class_of(cells.get(key))]:
            cells[key] = found
    return _left(made, stretches, _told(cells))


def rest_anew(made: Readings, stretches: Sequence[Stretch]) -> Readings:
    """The same for stretches whose told values are stored and have changed.

    Only what takes the place of values that were worked out before: a gap stays a gap.
    """
    stored = dict(_stored(stretches))
    made = _left(made, stretches, _told(stored))
    old = [row for row, key in enumerate(_keys(made)) if _class_of(stored.get(key)) in _WORKED_OUT]
    return made.take(np.array(old, np.int64))


def _keys(readings: Readings) -> list[_Key]:
    return list(zip(readings.channel.tolist(), readings.start.tolist(), strict=True))


def _class_of(found: tuple[int, int] | None) -> int:
    return Quality.MISSING if found is None else found[1]


def _told(cells: _Values) -> dict[_Key, int]:
    return {key: value for key, (value, worth) in cells.items() if worth in _TOLD}


def _left(made: Readings, stretches: Sequence[Stretch], told: dict[_Key, int]) -> Readings:
    if not told:
        return made
    rows = {key: row for row, key in enumerate(_keys(made))}
    made.value, made.quality = made.value.copy(), made.quality.copy()
    for one in stretches:
        cells = [(one.channel, at) for at in one.starts]
        if all(cell in rows for cell in cells):
            places = [rows[cell] for cell in cells]
            _leave(made, places, [told.get(cell) for cell in cells])
    return made


def _leave(made: Readings, rows: list[int], told: list[int | None]) -> None:
    lost = [row for row, value in zip(rows, told, strict=True) if value is None]
    rest = int(made.value[rows].sum()) - sum(value for value in told if value is not None)
    if not lost or len(lost) == len(rows) or rest < 0:
        return
    # Cumulated and rounded down, so that the shares add up to the rest to the last unit.
    due = [rest * place // len(lost) for place in range(len(lost) + 1)]
    made.value[lost] = np.diff(due)
    made.quality[lost] = Quality.ESTIMATED if len(lost) > 1 else Quality.DERIVED


def _stored(stretches: Sequence[Stretch]) -> Iterator[tuple[_Key, tuple[int, int]]]:
    """The intervals of these stretches as the archive holds them."""
    placed = [(one, *_placed(one)) for one in stretches]
    days = {day for _one, whole, *_slots in placed for day in whole}
    blocks = blocks_stored(days, {one.channel for one in stretches})
    for one, whole, slots, counts in placed:
        for at, day, slot, count in zip(one.starts, whole, slots, counts, strict=True):
            block = blocks.get((one.channel, day))
            # A day that is stored with other intervals tells nothing of these.
            if block is not None and len(block.value) == count:
                yield (one.channel, at), (int(block.value[slot]), int(block.quality[slot]) & 7)


def _placed(one: Stretch) -> tuple[list[date], list[int], list[int]]:
    """Local day and slot of each interval, and how many slots the day has."""
    starts = np.arange(one.start, one.end, one.step)
    day, begins, length = midnights((one.zone,)).place(np.zeros(len(starts), np.int64), starts)
    whole = [_EPOCH + timedelta(days=number) for number in day.tolist()]
    return whole, ((starts - begins) // one.step).tolist(), (length // one.step).tolist()
