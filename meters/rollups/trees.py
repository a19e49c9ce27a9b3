"""Sums of subtrees: in the order of a tree, what is below a node stands behind it, in one run.

So the sum of a node is the difference of two running sums, whatever the depth of the tree. Integers
wrap around, and the difference is exact as long as it fits itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .amounts import Amounts, amounts_of_channels, amounts_of_nodes, day_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .amounts import Cursor
    from .layout import Layout, LocalDay

__all__ = ["KeySums", "day_sums"]

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class KeySums:
    """Sums of nodes (ids, ascending) for one reading type and flow."""

    key: int
    node: Ints
    amounts: Amounts


@dataclass(frozen=True, slots=True)
class _Parts:
    """What is summed: a column of `amounts` at a place in the tree, for a key."""

    key: Ints
    place: Ints
    column: Ints
    amounts: Amounts

    def of_key(self) -> Iterator[tuple[int, Ints, Ints]]:
        """Key, places ascending, columns."""
        order = np.lexsort((self.place, self.key))
        key = self.key[order]
        bounds = [*np.flatnonzero(np.diff(key, prepend=-1)).tolist(), len(key)]
        for begin, end in pairwise(bounds):
            rows = order[begin:end]
            yield int(key[begin]), self.place[rows], self.column[rows]


def day_sums(
    run: Cursor, layout: Layout, day: LocalDay, chosen: Mask, keys: Ints | None
) -> Iterator[KeySums]:
    """Sums of the chosen nodes (mask over `layout.node`) on that day, key by key.

    Chosen nodes come with all nodes above them. keys: None for all.
    """
    parts = _parts(run, layout, day, chosen, keys)
    places = np.flatnonzero(chosen)
    for key, place, column in parts.of_key():
        low = np.searchsorted(place, places)
        high = np.searchsorted(place, layout.ends[places])
        some = high > low
        node = layout.node[places[some]]
        yield KeySums(key, node, _summed(parts.amounts, column, low[some], high[some]))


def _parts(run: Cursor, layout: Layout, day: LocalDay, chosen: Mask, keys: Ints | None) -> _Parts:
    connected = layout.connections.on(day, layout.point)
    standing = [_chosen(layout.place, chosen), _chosen(connected, chosen)]
    here = (standing[0] >= 0) | (standing[1] >= 0)
    if keys is not None:
        here &= np.isin(layout.key, keys)
    rows = np.flatnonzero(here)
    expected = layout.installations.slots(day, layout.point[rows], layout.interval[rows])
    expected *= layout.active[rows]
    amounts = amounts_of_channels(
        run, day_of(day.number), layout.channel[rows], expected, day.hours
    )
    # A channel without a meter and without a value counts for nothing.
    some = np.flatnonzero(amounts.counts[1] > 0)
    key, place, column = [], [], []
    for at in standing:
        stands = some[at[rows[some]] >= 0]
        key.append(layout.key[rows[stands]])
        place.append(at[rows[stands]])
        column.append(stands)
    below = _children(run, layout, day, chosen, keys)
    return _Parts(
        np.concatenate([*key, below.key]),
        np.concatenate([*place, below.place]),
        np.concatenate([*column, below.column + len(rows)]),
        amounts.beside(below.amounts),
    )


def _children(
    run: Cursor, layout: Layout, day: LocalDay, chosen: Mask, keys: Ints | None
) -> _Parts:
    """The children of chosen nodes that are not chosen, as they have been summed."""
    places = np.flatnonzero(~chosen & _chosen_parent(layout.parent, chosen))
    ids = np.sort(layout.node[places])
    node, key, amounts = amounts_of_nodes(run, day_of(day.number), ids, day.hours)
    by_id = places[np.argsort(layout.node[places])]
    kept = np.ones(len(key), np.bool_) if keys is None else np.isin(key, keys)
    place = by_id[np.searchsorted(ids, node)]
    return _Parts(key[kept], place[kept], np.flatnonzero(kept), amounts)


def _chosen(place: Ints, chosen: Mask) -> Ints:
    """−1 for places that are not chosen."""
    if not len(chosen):
        return np.full(len(place), -1)
    return np.where((place >= 0) & chosen[place], place, -1)


def _chosen_parent(parent: Ints, chosen: Mask) -> Mask:
    return _chosen(parent, chosen) >= 0


def _summed(amounts: Amounts, column: Ints, low: Ints, high: Ints) -> Amounts:
    """Sums of columns[low:high] for each pair."""
    found = Amounts.empty(len(low), len(amounts.hours))
    running = np.zeros(len(column) + 1, np.int64)
    for hour in range(len(amounts.hours)):
        np.cumsum(amounts.hours[hour][column], out=running[1:])
        found.hours[hour] = running[high] - running[low]
        np.cumsum(amounts.known[hour][column], out=running[1:])
        found.known[hour] = running[high] > running[low]
    for count in range(len(amounts.counts)):
        np.cumsum(amounts.counts[count][column], out=running[1:])
        found.counts[count] = running[high] - running[low]
    return found
