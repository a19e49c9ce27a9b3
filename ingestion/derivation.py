"""Register readings → interval values, also around readings that arrive late.

Devices that tell only registers get their intervals from the differences. What a new reading says
depends on its neighbours, and what its neighbours said may change with it (a gap is divided, a lower
reading turns out to be transient), so the stretch around it is derived anew from all readings that
are stored or arriving. The archive's own rules then decide: a difference between two readings on the
grid is `derived`, a share of a longer stretch `estimated`, and neither replaces what the device
itself sent as an interval. Each installation is read on its own, from its opening to its closing.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from django.db import connection

from ingestion.loader import Readings
from ingestion.loader.calendar import midnights
from ingestion.registers import Intervals, register_steps, snap, spread
from ingestion.values import scaled_down
from meters.models import Quality

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ingestion.loader import Registers
    from ingestion.routing import Routes
    from ingestion.values import Context

__all__ = ["derive"]

# Readings taken along on either side: one bounds the stretch, the others tell transients apart.
_BEFORE, _AFTER = 3, 8
# A stretch longer than this is not spread: it would be a guess over more than a year.
_LONGEST = 400 * 86_400
_STORED = f"""
SELECT k.channel, r.at, r.value FROM unnest(%s::bigint[], %s::float8[], %s::float8[])
    k(channel, first, last)
CROSS JOIN LATERAL (
    (SELECT at, value FROM meters_register_reading WHERE channel_id = k.channel
        AND at < to_timestamp(k.first) AND (quality & 7) IN (0, 4, 5)
        ORDER BY at DESC LIMIT {_BEFORE})
    UNION ALL
    (SELECT at, value FROM meters_register_reading WHERE channel_id = k.channel
        AND at BETWEEN to_timestamp(k.first) AND to_timestamp(k.last)
        AND (quality & 7) IN (0, 4, 5))
    UNION ALL
    (SELECT at, value FROM meters_register_reading WHERE channel_id = k.channel
        AND at > to_timestamp(k.last) AND (quality & 7) IN (0, 4, 5) ORDER BY at LIMIT {_AFTER})
) r
"""
# What a meter showed when it came and went, in displayed units.
_INSTALLED = """
SELECT c.id, extract(epoch FROM i.installed_at)::bigint, r.opening,
    extract(epoch FROM i.removed_at)::bigint, r.closing, t.unit, t.display_unit, t.exponent
FROM meters_channel c
JOIN meters_installation i ON i.usage_point_id = c.usage_point_id
JOIN meters_installationreading r ON r.installation_id = i.id
    AND r.reading_type_id = c.reading_type_id
JOIN meters_readingtype t ON t.id = c.reading_type_id
WHERE c.id = ANY(%s)
"""


def derive(registers: Registers, channels: dict[int, int], context: Context) -> Readings | None:
    """Interval values that new register readings tell, for channels → their route.

    registers: everything that arrives, of other channels too. None when there is nothing to tell.
    """
    wanted = np.isin(registers.channel, np.fromiter(channels, np.int64, len(channels)))
    good = wanted & np.isin(registers.quality & 7, (Quality.VALID, Quality.DERIVED, Quality.EDITED))
    arriving = registers.take(np.flatnonzero(good))
    if not len(arriving):
        return None
    readings = _around(arriving)
    frames = dict(zip(arriving.channel.tolist(), arriving.frame.tolist(), strict=True))
    parts = []
    for channel, known in readings.items():
        for route in _periods(channels[channel], context.routes):
            part = _of_period(known, route, context, frames[channel])
            parts += [] if part is None else [part]
    if not parts:
        return None
    names = Readings.__dataclass_fields__
    return Readings(**{n: np.concatenate([getattr(part, n) for part in parts]) for n in names})


class _Known(NamedTuple):
    """Time → value of a channel; cut: where readings before were left out, 0 where none were."""

    values: dict[int, int]
    cut: int


def _around(arriving: Registers) -> dict[int, _Known]:
    """By channel: what arrives, and what is stored before, between and after."""
    found: dict[int, dict[int, int]] = {}
    spans: dict[int, list[int]] = {}
    rows = zip(
        arriving.channel.tolist(), arriving.at.tolist(), arriving.value.tolist(), strict=True
    )
    for channel, at, value in rows:
        found.setdefault(channel, {})[at] = value
        spans.setdefault(channel, []).append(at)
    keys = sorted(spans)
    with connection.cursor() as cursor:
        cursor.execute(
            _STORED,
            [
                keys,
                [float(min(spans[key])) for key in keys],
                [float(max(spans[key])) for key in keys],
            ],
        )
        for channel, when, value in cursor.fetchall():
            found[channel].setdefault(int(when.timestamp()), value)
        cursor.execute(_INSTALLED, [keys])
        before = {
            key: sorted(t for t in times if t < min(spans[key])) for key, times in found.items()
        }
        _add_installed(found, cursor.fetchall())
    return {
        key: _Known(times, before[key][0] if len(before[key]) == _BEFORE else 0)
        for key, times in found.items()
    }


def _add_installed(found: dict[int, dict[int, int]], rows: list[tuple[Any, ...]]) -> None:
    """Opening and closing readings that lie next to the stretch bound it like any other."""
    for channel, opened, opening, closed, closing, unit, display, exponent in rows:
        factor = _archive_units(unit, display, exponent)
        times = found[channel]
        low, high = min(times), max(times)
        if low - _LONGEST <= opened <= high:
            times.setdefault(opened, int(opening * factor))
        if closed is not None and closing is not None and low <= closed - 1 <= high + _LONGEST:
            # The instant itself belongs to the meter that came.
            times.setdefault(closed - 1, int(closing * factor))


def _archive_units(unit: str, display: str, exponent: int) -> Decimal:
    """Integers of the archive in one displayed unit: 1000 Wh in a kWh, 1000 litres in a m³."""
    thousand = display.startswith("k") and not unit.startswith("k")
    return Decimal(1000 if thousand else 1).scaleb(-exponent)


def _periods(route: int, routes: Routes) -> range:
    """Routes of all installations of the port that the route belongs to."""
    key = routes.key[route]
    first = int(np.searchsorted(routes.key, key, side="left"))
    return range(first, int(np.searchsorted(routes.key, key, side="right")))


def _of_period(known: _Known, route: int, context: Context, frame: int) -> Readings | None:
    routes = context.routes
    start, end = int(routes.start[route]), int(routes.end[route])
    times = np.array(sorted(t for t in known.values if start <= t < end), np.int64)
    if len(times) < 2 or not routes.channel[route]:
        return None
    interval = int(routes.interval[route]) * 60
    origin = _origin(int(times[0]), int(routes.company[route]), context)
    values = np.array([known.values[t] for t in times.tolist()], np.int64)
    shown = routes.shown(route)
    modulus = max(int(10 ** int(routes.digits[route]) * shown), 1)
    inside = (values >= 0) & (values < modulus)
    times, values = snap(times[inside], interval=interval, origin=origin), values[inside]
    if len(times) < 2:
        return None
    segments = register_steps(times, values, modulus=modulus).segments
    made = spread(
        [one for one in segments if one.end - one.start <= _LONGEST],
        interval=interval,
        origin=origin,
    )
    if known.cut == int(times[0]) and len(made.starts) and made.starts[0] < times[0]:
        # More was used in this interval before the stretch begins: it stays as it is.
        made = Intervals(made.starts[1:], made.amounts[1:], made.estimated[1:])
    quality = np.where(made.estimated, Quality.ESTIMATED, Quality.DERIVED).astype(np.uint8)
    count = len(made.starts)
    return Readings(
        channel=np.full(count, routes.channel[route]),
        start=made.starts,
        interval_minutes=np.full(count, routes.interval[route]),
        value=_multiplied(made.amounts, int(values[0]), routes, route),
        quality=quality,
        frame=np.full(count, frame, np.int32),
    )


def _multiplied(amounts: NDArray[np.int64], opening: int, routes: Routes, route: int) -> Any:
    """Amounts of the register × the installation's multiplier, anchored on the register."""
    factor = routes.amount(route) / routes.shown(route)
    register = opening + np.concatenate([np.zeros(1, np.int64), np.cumsum(amounts)])
    return np.diff(scaled_down(register, factor))


def _origin(time: int, company: int, context: Context) -> int:
    """Local midnight before an instant."""
    table = midnights((context.zones.get(company, "UTC"),))
    _day, begins, _length = table.place(np.zeros(1, np.int64), np.array([time], np.int64))
    return int(begins[0])
