"""What registers that were read on time tell, of all channels at once.

Nearly every reading of nearly every meter comes one interval after the one before and is not lower:
then the difference is all there is to say. Whatever is otherwise in a channel — a gap, a drop, a
reading off the grid, a multiplier, an exchange — is left to `ingestion.derivation`, which says the
same of these, one channel after the other.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ingestion.loader import Readings
from ingestion.loader.calendar import midnights
from ingestion.routing import MULTIPLIER
from meters.models import Quality

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ingestion.routing import Routes
    from ingestion.values import Context

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

__all__ = ["Known", "Prompt", "prompt_told"]

# No counter of the archive reaches it.
_ENDLESS = 1 << 62


class Known(NamedTuple):
    """Time → value of a channel; what is derived anew lies behind `since` and before `until`."""

    values: dict[int, int]
    since: float
    until: float


class Prompt(NamedTuple):
    """Intervals of the channels that were read on time, and these channels."""

    readings: Readings
    channels: frozenset[int]


class _Series(NamedTuple):
    """Readings by channel and time; owner: number of the channel, first, last: its rows."""

    time: Ints
    value: Ints
    owner: Ints
    first: Ints
    last: Ints


def prompt_told(
    known: Mapping[int, Known],
    channels: Mapping[int, int],
    context: Context,
    frames: Mapping[int, int],
) -> Prompt:
    """Differences of the channels of which nothing else is to be said.

    channels: register channel → its route; frames: → the frame that told, -1 where it is missing.
    """
    keys = [key for key, one in known.items() if len(one.values) > 1]
    if not keys:
        return Prompt(Readings(), frozenset())
    routes, series = context.routes, _series([known[key].values for key in keys])
    row, alone = _periods(routes, np.array([channels[key] for key in keys], np.int64))
    step = routes.interval[row].astype(np.int64) * 60
    prompt = alone & (routes.channel[row] != 0) & (routes.multiplier[row] == MULTIPLIER)
    prompt &= _inside(series, row, routes)
    prompt &= (series.time[series.first] - _origin(series, row, context)) % step == 0
    same = series.owner[1:] == series.owner[:-1]
    owner = series.owner[1:]
    amount = np.diff(series.value)
    odd = same & ((np.diff(series.time) != step[owner]) | (amount < 0))
    prompt[owner[odd]] = False
    since = np.array([known[key].since for key in keys])
    until = np.array([known[key].until for key in keys])
    start = series.time[:-1]
    kept = same & prompt[owner] & (start + step[owner] > since[owner]) & (start < until[owner])
    owner = owner[kept]
    frame = np.array([frames.get(key, -1) for key in keys], np.int32)
    made = Readings(
        channel=routes.channel[row][owner],
        start=start[kept],
        interval_minutes=routes.interval[row][owner],
        value=amount[kept],
        quality=np.full(len(owner), Quality.DERIVED, np.uint8),
        frame=frame[owner],
        derived=np.ones(len(owner), np.bool_),
    )
    return Prompt(made, frozenset(keys[number] for number in np.flatnonzero(prompt).tolist()))


def _series(values: list[dict[int, int]]) -> _Series:
    count = np.array([len(one) for one in values], np.int64)
    total = int(count.sum())
    time = np.fromiter(chain.from_iterable(values), np.int64, total)
    value = np.fromiter(chain.from_iterable(one.values() for one in values), np.int64, total)
    owner = np.repeat(np.arange(len(values)), count)
    order = np.lexsort((time, owner))
    ends = np.cumsum(count)
    return _Series(time[order], value[order], owner, ends - count, ends - 1)


def _periods(routes: Routes, row: Ints) -> tuple[Ints, Flags]:
    """First route of each one's port and register, and whether it is the only one."""
    key = routes.key[row]
    first = np.searchsorted(routes.key, key, side="left")
    return first, np.searchsorted(routes.key, key, side="right") - first == 1


def _inside(series: _Series, row: Ints, routes: Routes) -> Flags:
    """Whether first and last reading lie in the installation and within the counter's digits."""
    first, last = series.time[series.first], series.time[series.last]
    # A reading in the last second of an installation closes it.
    lasting = (first >= routes.start[row]) & (last < routes.end[row] - 1)
    kinds, kind = np.unique(
        np.stack([routes.digits[row].astype(np.int64), routes.scale[row].astype(np.int64)]),
        axis=1,
        return_inverse=True,
    )
    modulus = [
        min(max(int(10**digits * routes.scales[scale]), 1), _ENDLESS)
        for digits, scale in kinds.T.tolist()
    ]
    most = np.array(modulus, np.int64)[kind.reshape(-1)]
    lowest, highest = series.value[series.first], series.value[series.last]
    return np.asarray(lasting & (lowest >= 0) & (highest < most))


def _origin(series: _Series, row: Ints, context: Context) -> Ints:
    """Local midnight before the first reading of each."""
    companies, number = np.unique(context.routes.company[row], return_inverse=True)
    names = [context.zones.get(company, "UTC") for company in companies.tolist()]
    zones = sorted(set(names))
    zone = np.array([zones.index(name) for name in names], np.int64)[number]
    _day, begins, _length = midnights(tuple(zones)).place(zone, series.time[series.first])
    return begins
