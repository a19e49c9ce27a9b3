"""Profiles told in another interval than their channel's, put onto the channel's slots.

A finer interval that divides the channel's is summed: a slot has a value once all of its parts are
known, and the value is their sum, as good as the worst of them. A coarser one that is a multiple is
shared out by time; the shares are marked estimated and add up to what was told. Of quantities at an
instant (a temperature) the part that begins with the slot counts, and a coarser value stands,
estimated, in each slot that it covers. Slots and parts lie on the grid of the local day, whose last
one is cut short where the interval does not divide a day of 23 or 25 hours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ingestion.loader import Readings
from ingestion.loader.batch import Columns
from ingestion.loader.calendar import midnights
from ingestion.loader.merge import RANK
from meters.blocks import cells_of
from meters.models import Quality

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Bytes = NDArray[np.uint8]
    Mask = NDArray[np.bool_]

__all__ = ["Days", "Parts", "Target", "day_of", "fits", "regrid", "summed", "too_many"]

_CLASS, _FLAGS = 0x07, 0xF8
_DAY = 1440
# Slots that values are shared out over: 40 days of minutes, and as much as memory is there for.
_MOST_OF_FRAME = 60_000
_MOST_OF_BATCH = 4_000_000
# Quality class by rank, the other way round than RANK.
_OF_RANK = np.zeros(8, np.uint8)
for _quality in Quality.values:
    _OF_RANK[RANK[_quality]] = _quality


def _ints() -> Ints:
    return np.zeros(0, np.int64)


def _bytes() -> Bytes:
    return np.zeros(0, np.uint8)


@dataclass(slots=True, kw_only=True)
class Parts(Columns):
    """Values of intervals finer than their channel's, one a row.

    start: Unix seconds; minutes: of the part; slot, end, slot_minutes: the interval of the channel
    that it lies in, which the end of the day may cut short. value, quality, frame as in `Readings`.
    """

    channel: Ints = field(default_factory=_ints)
    start: Ints = field(default_factory=_ints)
    minutes: Ints = field(default_factory=_ints)
    slot: Ints = field(default_factory=_ints)
    slot_minutes: Ints = field(default_factory=_ints)
    end: Ints = field(default_factory=_ints)
    value: Ints = field(default_factory=_ints)
    quality: Bytes = field(default_factory=_bytes)
    frame: Ints = field(default_factory=_ints)

    @classmethod
    def joined(cls, parts: list[Parts]) -> Parts:
        """All of them, in this order."""
        if len(parts) == 1:
            return parts[0]
        names = cls.__dataclass_fields__
        return cls(**{n: np.concatenate([getattr(part, n) for part in parts]) for n in names})


class Target(NamedTuple):
    """Where readings belong, one a row: minutes of the channel's interval, whether it holds values
    at an instant, first second and length in seconds of the local day."""

    minutes: Ints
    instant: Mask
    begins: Ints
    length: Ints

    def take(self, rows: NDArray[np.int64]) -> Target:
        return Target(self.minutes[rows], self.instant[rows], self.begins[rows], self.length[rows])


def fits(told: NDArray[Any], wanted: NDArray[Any]) -> Mask:
    """Whether profiles of `told` minutes can be put onto channels of `wanted` minutes."""
    told, wanted = told.astype(np.int64), wanted.astype(np.int64)
    whole = (wanted % told == 0) | (told % wanted == 0)
    return np.asarray(whole & (_DAY % told == 0))


class Days(NamedTuple):
    """Local days: first second and length in seconds; BEYOND where no calendar reaches."""

    begins: Ints
    length: Ints


def day_of(time: Ints, company: NDArray[np.int32], zones: dict[int, str]) -> Days:
    """The local day of each instant."""
    begins, length = np.empty(len(time), np.int64), np.empty(len(time), np.int64)
    for number in np.unique(company).tolist():
        rows = company == number
        table = midnights((zones.get(number, "UTC"),))
        nobody = np.zeros(int(rows.sum()), np.int64)
        _day, begins[rows], length[rows] = table.place(nobody, time[rows])
    return Days(begins, length)


def too_many(told: Readings, target: Target) -> Mask:
    """Values in frames that would be shared out over more slots than there is reason, or room, for.

    Where it is the batch that is too large, the frames that ask for most are left out first.
    """
    slots = np.maximum(told.interval_minutes // target.minutes, 1)
    if int(slots.sum()) <= _MOST_OF_FRAME:
        return np.zeros(len(told), np.bool_)
    _frames, place = np.unique(told.frame, return_inverse=True)
    asked = np.bincount(place, slots)
    order = np.argsort(asked, kind="stable")
    many = asked > _MOST_OF_FRAME
    many[order] |= np.cumsum(asked[order]) > _MOST_OF_BATCH
    return np.asarray(many[place])


def regrid(told: Readings, target: Target) -> tuple[Readings, Parts, NDArray[np.int64]]:
    """Shares and instants of the channels' slots; parts to be summed; rows off the grid.

    told: in the device's interval (`interval_minutes`), which `fits` the target's, on days that
    a calendar knows.
    """
    step = _seconds(told.interval_minutes.astype(np.int64), target)
    on_grid = (told.start - target.begins) % step == 0
    off = np.flatnonzero(~on_grid)
    finer = told.interval_minutes < target.minutes
    coarse = np.flatnonzero(on_grid & ~finer)
    first = on_grid & finer & target.instant & (_slot_of(told.start, target) == told.start)
    fine = np.flatnonzero(on_grid & finer & ~target.instant)
    shares = _shared_out(told.take(coarse), target.take(coarse))
    picked = told.take(np.flatnonzero(first))
    picked.interval_minutes = target.minutes[first].astype(np.int16)
    return _together(shares, picked), _parts(told.take(fine), target.take(fine)), off


def _seconds(minutes: Ints, target: Target) -> Ints:
    """Of an interval; one of a day has 23 to 25 hours."""
    return np.where(minutes == _DAY, target.length, minutes * 60)


def _slot_of(start: Ints, target: Target) -> Ints:
    step = _seconds(target.minutes, target)
    return target.begins + (start - target.begins) // step * step


def _together(one: Readings, other: Readings) -> Readings:
    names = Readings.__dataclass_fields__
    return Readings(**{n: np.concatenate([getattr(one, n), getattr(other, n)]) for n in names})


def _parts(told: Readings, target: Target) -> Parts:
    slot = _slot_of(told.start, target)
    return Parts(
        channel=told.channel,
        start=told.start,
        minutes=told.interval_minutes.astype(np.int64),
        slot=slot,
        end=np.minimum(slot + _seconds(target.minutes, target), target.begins + target.length),
        slot_minutes=target.minutes,
        value=told.value,
        quality=told.quality,
        frame=told.frame.astype(np.int64),
    )


def _shared_out(told: Readings, target: Target) -> Readings:
    """Each value over the slots that it covers; what is multiplied here stays within 64 bits."""
    step = target.minutes * 60
    length = np.minimum(
        _seconds(told.interval_minutes.astype(np.int64), target),
        target.begins + target.length - told.start,
    )
    count = -(-length // step)
    row = np.repeat(np.arange(len(told)), count)
    since = cells_of(np.zeros(len(told), np.int64), count) * step[row]
    until = np.minimum(since + step[row], length[row])
    whole, rest = told.value[row] // length[row], told.value[row] % length[row]
    share = whole * (until - since) + rest * until // length[row] - rest * since // length[row]
    return Readings(
        channel=told.channel[row],
        start=told.start[row] + since,
        interval_minutes=target.minutes[row].astype(np.int16),
        value=np.where(target.instant[row], told.value[row], share),
        quality=told.quality[row] & np.uint8(_FLAGS) | np.uint8(Quality.ESTIMATED),
        frame=told.frame[row],
    )


def summed(parts: Parts) -> tuple[Readings, Parts]:
    """Values of slots all of whose parts are there; and the parts of all other slots, once each.

    Of two that tell the same part the better one counts, then the later one in `parts`.
    """
    if not len(parts):
        return Readings(), parts
    parts = _once(parts)
    keys = (parts.channel, parts.minutes, parts.slot)
    new = np.ones(len(parts), np.bool_)
    new[1:] = np.any([key[1:] != key[:-1] for key in keys], axis=0)
    first = np.flatnonzero(new)
    count = np.diff(first, append=len(parts))
    length, minutes = (parts.end - parts.slot)[first], parts.minutes[first]
    full = count == -(-length // (minutes * 60))
    rest = parts.take(np.flatnonzero(np.repeat(~full, count)))
    return _sums(parts, first, full), rest


def _once(parts: Parts) -> Parts:
    """Sorted by channel, slot and start."""
    worth = RANK[parts.quality & _CLASS]
    order = np.lexsort(
        (np.arange(len(parts)), worth, parts.start, parts.slot, parts.minutes, parts.channel)
    )
    parts = parts.take(order)
    keys = (parts.channel, parts.minutes, parts.start)
    last = np.ones(len(parts), np.bool_)
    last[:-1] = np.any([key[1:] != key[:-1] for key in keys], axis=0)
    return parts.take(np.flatnonzero(last))


def _sums(parts: Parts, first: Ints, full: Mask) -> Readings:
    worst = np.minimum.reduceat(RANK[parts.quality & _CLASS], first)
    flags = np.bitwise_or.reduceat(parts.quality & np.uint8(_FLAGS), first)
    made = Readings(
        channel=parts.channel[first],
        start=parts.slot[first],
        interval_minutes=parts.slot_minutes[first].astype(np.int16),
        value=np.add.reduceat(parts.value, first),
        quality=_OF_RANK[worst] | flags,
        frame=np.maximum.reduceat(parts.frame, first).astype(np.int32),
    )
    return made.take(np.flatnonzero(full))
