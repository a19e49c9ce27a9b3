"""Comparing the archive with what was acknowledged: nothing lost, nothing changed, nothing doubled."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from django.db import connection

from ingestion.codecs.universal_frame import device_id
from ingestion.loader.calendar import midnights
from ingestion.registry import devices_read
from ingestion.routing import Routes, route_key, routes_read

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from ingestion.emulator.ledger import Entry, Told

    Ints = NDArray[np.int64]

__all__ = ["Findings", "Values", "archive_values", "expected_values", "ledger_check"]

# Instants stay below 2³⁴, channels below 2²⁹: both fit one number.
_TIME_BITS = 34
_BLOCKS = """
SELECT b.channel_id, o.time_zone, b.day - '1970-01-01', b.interval_minutes,
    meters_block_values(b.small, b."values", b.wide)
FROM meters_interval_block b
JOIN meters_channel c ON c.id = b.channel_id JOIN accounts_company o ON o.id = c.company_id
WHERE b.channel_id = ANY(%s)
"""


class Values(NamedTuple):
    """Values of slots, a row each: (channel << 34 | start in Unix seconds), ascending; units of the
    archive."""

    slot: Ints
    value: Ints

    def __len__(self) -> int:
        return len(self.slot)


class Findings(NamedTuple):
    """acknowledged: slots; lost, changed: those of them that the archive has not, or otherwise;
    more: slots of the archive of which no acknowledgement arrived."""

    acknowledged: int
    lost: int
    changed: int
    more: int

    @property
    def good(self) -> bool:
        return not self.lost and not self.changed


def ledger_check(entries: Iterable[Entry]) -> Findings:
    """Everything acknowledged against the blocks of the channels that it belongs to."""
    expected = expected_values(entries)
    channels = np.unique(expected.slot >> _TIME_BITS)
    stored = archive_values(channels.tolist())
    place = np.minimum(np.searchsorted(stored.slot, expected.slot), max(len(stored) - 1, 0))
    found = stored.slot[place] == expected.slot if len(stored) else np.zeros(len(expected), bool)
    same = found & (stored.value[place] == expected.value) if len(stored) else found
    return Findings(
        len(expected),
        int((~found).sum()),
        int((found & ~same).sum()),
        len(stored) - int(found.sum()),
    )


def expected_values(entries: Iterable[Entry]) -> Values:
    """What the archive ought to hold; of a slot told twice the later line counts."""
    known = devices_read()
    by_device = dict(zip(known.device.tolist(), known.module.tolist(), strict=True))
    routes = routes_read()
    slots, values = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for entry in entries:
        module = by_device.get(int.from_bytes(device_id(entry.device), "big"))
        if entry.told is not None and module is not None:
            slot, value = _of_told(entry.told, module, routes)
            slots.append(slot)
            values.append(value)
    return _last(np.concatenate(slots), np.concatenate(values))


def _of_told(told: Told, module: int, routes: Routes) -> tuple[Ints, Ints]:
    present = np.array([value is not None for value in told.values])
    starts = told.base_time + np.arange(len(told.values)) * told.interval * 60
    increments = np.array([value or 0 for value in told.values], np.int64)
    key = route_key(module, told.port, told.register)
    route = routes.find(np.full(len(starts), key), starts)
    amounts = np.zeros(len(starts), np.int64)
    for number in np.unique(route[route >= 0]).tolist():
        chosen = route == number
        amounts[chosen] = _amounts(increments, told.opening or 0, routes.amount(number))[chosen]
    channel = np.where(route >= 0, routes.channel[np.maximum(route, 0)], 0)
    kept = present & (channel > 0)
    return (channel[kept] << _TIME_BITS | starts[kept]), amounts[kept]


def _amounts(increments: Ints, opening: int, factor: Fraction) -> Ints:
    """Differences of the register in units of the archive, on both ends rounded down."""
    if factor == 1:
        return increments
    edges = opening + np.concatenate([np.zeros(1, np.int64), np.cumsum(increments)])
    scaled = [value * factor.numerator // factor.denominator for value in edges.tolist()]
    return np.asarray(np.diff(np.array(scaled, np.int64)), np.int64)


def archive_values(channels: Sequence[int]) -> Values:
    """Every value that the archive has of these channels."""
    slots, values = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    with connection.cursor() as cursor:
        cursor.execute(_BLOCKS, [list(channels)])
        for channel, zone, day, interval, row in cursor.fetchall():
            present = np.flatnonzero([value is not None for value in row])
            starts = _midnight(zone, day) + present * interval * 60
            slots.append(channel << _TIME_BITS | starts)
            values.append(np.array([row[at] for at in present.tolist()], np.int64))
    return _last(np.concatenate(slots), np.concatenate(values))


def _midnight(zone: str, day: int) -> int:
    table = midnights((zone,))
    noon = np.array([day * 86_400 + 43_200])
    found, begins, _length = table.place(np.zeros(1, np.int64), noon)
    # Noon UTC is the day before or after in zones that are 12 hours away and more.
    if found[0] != day:
        shift = 86_400 // 2 * int(np.sign(day - found[0]))
        _found, begins, _length = table.place(np.zeros(1, np.int64), noon + shift)
    return int(begins[0])


def _last(slot: Ints, value: Ints) -> Values:
    """Sorted, the last of those with the same slot."""
    order = np.argsort(slot, kind="stable")
    slot, value = slot[order], value[order]
    last = np.append(slot[1:] != slot[:-1], np.ones(min(len(slot), 1), np.bool_))
    return Values(slot[last], value[last])
