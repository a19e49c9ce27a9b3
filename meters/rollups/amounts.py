"""Blocks of channels as amounts: an hour's shape and counts, a column for each thing summed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from meters.blocks import read_joined, starts_of
from meters.models import Quality
from meters.models.archives import QUALITY_CLASS
from meters.wire import array_values, bigints, columns

from .layout import EPOCH, flow_sql

if TYPE_CHECKING:
    import psycopg

    Cursor = psycopg.Cursor[tuple[Any, ...]]

__all__ = ["COUNTS", "Amounts", "amounts_of_channels", "amounts_of_nodes"]

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

COUNTS = ("total", "expected", "received", "estimated", "channels", "reporting")
_TOTAL, _EXPECTED, _RECEIVED, _ESTIMATED, _CHANNELS, _REPORTING = range(len(COUNTS))
_AT_ONCE = 20_000
# One walk along the index of a day. The server gathers what is to be read into a few long values:
# an object for each block would cost more than its numbers.
_BLOCKS = """
SELECT array_agg(channel_id), array_agg(interval_minutes::bigint), string_agg(cells, ''::bytea),
    array_agg(length(cells)::bigint), string_agg(quality, ''::bytea),
    array_agg(coalesce(length(quality), 0)::bigint)
FROM (SELECT channel_id, interval_minutes, quality,
        coalesce(array_send(small), array_send("values"), array_send(wide)) AS cells
    FROM meters_interval_block WHERE day = %s AND channel_id = ANY(%s)) b
"""
_NODES = f"""
SELECT array_agg(node_id), array_agg(reading_type_id * 3 + {flow_sql("flow")}),
    string_agg(array_send(hours), ''::bytea), array_agg(length(array_send(hours))::bigint),
    array_agg(total), array_agg(expected), array_agg(received), array_agg(estimated),
    array_agg(channels::bigint), array_agg(reporting::bigint)
FROM meters_node_block WHERE day = %s AND node_id = ANY(%s)
"""


@dataclass(slots=True)
class Amounts:
    """hours: (hour, thing), 0 where `known` is false; counts: (COUNTS, thing)."""

    hours: Ints
    known: Mask
    counts: Ints

    @classmethod
    def empty(cls, things: int, hours: int) -> Amounts:
        return cls(
            np.zeros((hours, things), np.int64),
            np.zeros((hours, things), np.bool_),
            np.zeros((len(COUNTS), things), np.int64),
        )

    def beside(self, other: Amounts) -> Amounts:
        """These and, behind them, the other's."""
        if not other.counts.shape[1]:
            return self
        pairs = zip(
            (self.hours, self.known, self.counts),
            (other.hours, other.known, other.counts),
            strict=True,
        )
        return Amounts(*(np.concatenate(pair, axis=1) for pair in pairs))


def amounts_of_channels(
    run: Cursor, day: date, channels: Ints, expected: Ints, hours: int
) -> Amounts:
    """What channels (ascending) have on that day, in their order; without a block all is unknown.

    expected: values that should be there. A value that is there counts as expected in any case.
    """
    found = Amounts.empty(len(channels), hours)
    for start in range(0, len(channels), _AT_ONCE):
        part = channels[start : start + _AT_ONCE]
        (read,) = zip(*columns(run, _BLOCKS, day, bigints(part)), strict=True)
        if read[0] is not None:
            _put_blocks(found, start + np.searchsorted(part, array_values(read[0])), read)
    counts = found.counts
    counts[_EXPECTED] = np.maximum(expected, counts[_RECEIVED])
    counts[_CHANNELS] = counts[_EXPECTED] > 0
    counts[_REPORTING] = counts[_RECEIVED] > 0
    return found


def amounts_of_nodes(run: Cursor, day: date, nodes: Ints, hours: int) -> tuple[Ints, Ints, Amounts]:
    """What has been summed for nodes on that day: node and key of each, and the amounts."""
    if not len(nodes):
        return nodes, nodes, Amounts.empty(0, hours)
    (read,) = zip(*columns(run, _NODES, day, bigints(nodes)), strict=True)
    node, key = array_values(read[0]), array_values(read[1])
    found = Amounts.empty(len(node), hours)
    if len(node):
        lengths, value, present = read_joined(read[2] or b"", array_values(read[3]))
        _put(found, np.arange(len(node)), lengths, value, present, np.full(len(node), 60))
        found.counts[:] = [array_values(column) for column in read[4:]]
    return node, key, found


def _put_blocks(found: Amounts, at: Ints, read: tuple[bytes | None, ...]) -> None:
    lengths, value, present = read_joined(read[2] or b"", array_values(read[3]))
    _put(found, at, lengths, value, present, array_values(read[1]))
    starts = starts_of(lengths)
    found.counts[_TOTAL, at] = np.add.reduceat(value, starts)
    found.counts[_RECEIVED, at] = np.add.reduceat(present.astype(np.int64), starts)
    marked = np.flatnonzero(array_values(read[5]))
    if len(marked):
        quality = np.frombuffer(read[4] or b"", np.uint8)
        estimated = (quality & QUALITY_CLASS) == Quality.ESTIMATED
        within = starts_of(lengths[marked])
        found.counts[_ESTIMATED, at[marked]] = np.add.reduceat(estimated.astype(np.int64), within)


def _put(
    found: Amounts, at: Ints, lengths: Ints, value: Ints, present: Mask, interval: Ints
) -> None:
    """Blocks of one interval and length are folded into hours together."""
    starts = starts_of(lengths)
    shape = interval * 2**32 + lengths
    for one in np.unique(shape).tolist():
        minutes, length = divmod(one, 2**32)
        if minutes > 60:
            continue
        rows = np.flatnonzero(shape == one)
        cells = starts[rows][:, None] + np.arange(length)
        hours, known = _hourly(value[cells], present[cells], minutes)
        # A day of another length was kept in a time zone that the company has left.
        kept = min(len(found.hours), hours.shape[1])
        found.hours[:kept, at[rows]] = hours[:, :kept].T
        found.known[:kept, at[rows]] = known[:, :kept].T


def _hourly(value: Ints, present: Mask, minutes: int) -> tuple[Ints, Mask]:
    """Slots (row, slot) → hours (row, hour); a slot belongs to the hour that it begins in."""
    if minutes == 60:
        return value, present
    hour = np.arange(value.shape[1]) * minutes // 60
    begins = np.flatnonzero(np.diff(hour, prepend=-1))
    return (
        np.add.reduceat(value, begins, axis=1),
        np.logical_or.reduceat(present, begins, axis=1),
    )


def day_of(number: int) -> date:
    """A day from its number since 1970."""
    return EPOCH + timedelta(days=number)
