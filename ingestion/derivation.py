"""Register readings → interval values, also around readings that arrive late.

Devices that tell only registers get their intervals from the differences. What a new reading says
depends on its neighbours, and what its neighbours said may change with it (a gap is divided, a
lower reading turns out to be transient), so the stretch around it is derived anew from all readings
that are stored or arriving. The archive's own rules then decide: a difference between two readings
on the grid is `derived`, a share of a longer stretch `estimated`, and neither replaces what the
device itself sent as an interval: that is taken off before the rest is divided
(`ingestion.remainders`), and divided anew when the device tells more of it. Each installation is
read on its own, from its opening to its closing. Channels of which the difference says everything
are worked out all together (`ingestion.prompt_registers`), with the same result.
"""

from __future__ import annotations

from decimal import Decimal
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from django.db import connection

from ingestion.loader import Readings
from ingestion.loader.calendar import midnights
from ingestion.prompt_registers import Known, prompt_told
from ingestion.registers import register_steps, snap, spread
from ingestion.remainders import Stretch, leave_the_rest, rest_anew
from ingestion.values import scaled_down
from meters.models import Quality

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ingestion.loader import Registers
    from ingestion.registers import Segment
    from ingestion.routing import Routes
    from ingestion.values import Context

    Ints = NDArray[np.int64]

__all__ = ["derive", "derive_rest"]

# Readings taken along on either side, besides those within two intervals. What they tell of each
# other was told when they came; they are here to judge the ones that arrive. All may be transient
# zeros, so the nearest ones beyond them that are not zero come along too, from among so many.
_ALONG, _ZEROS, _BEYOND = 8, 1_000, 3
# The stretch derived anew ends behind so many readings on either side: a lower one is told from a
# reset by what follows.
_ANEW = 3
# A stretch longer than this is not spread: it would be a guess over more than a year.
_LONGEST = 400 * 86_400
_STORED = f"""
SELECT k.channel, floor(extract(epoch FROM r.at))::bigint, r.value FROM unnest(%s::bigint[], %s::float8[], %s::float8[])
    k(channel, first, last)
CROSS JOIN LATERAL (
    (SELECT at, value FROM meters_register_reading WHERE channel_id = k.channel
        AND at < to_timestamp(k.first) AND (quality & 7) IN (0, 4, 5)
        ORDER BY at DESC LIMIT {_ALONG})
    UNION
    (SELECT at, value FROM (SELECT at, value FROM meters_register_reading
        WHERE channel_id = k.channel AND at < to_timestamp(k.first) AND (quality & 7) IN (0, 4, 5)
        ORDER BY at DESC LIMIT {_ZEROS} OFFSET {_ALONG}) older WHERE value > 0
        ORDER BY at DESC LIMIT {_BEYOND})
    UNION
    (SELECT at, value FROM meters_register_reading WHERE channel_id = k.channel
        AND at BETWEEN to_timestamp(k.first) AND to_timestamp(k.last)
        AND (quality & 7) IN (0, 4, 5))
    UNION
    (SELECT at, value FROM meters_register_reading WHERE channel_id = k.channel
        AND at > to_timestamp(k.last) AND (quality & 7) IN (0, 4, 5) ORDER BY at LIMIT {_ALONG})
    UNION
    (SELECT at, value FROM (SELECT at, value FROM meters_register_reading
        WHERE channel_id = k.channel AND at > to_timestamp(k.last) AND (quality & 7) IN (0, 4, 5)
        ORDER BY at LIMIT {_ZEROS} OFFSET {_ALONG}) newer WHERE value > 0 ORDER BY at LIMIT {_BEYOND})
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


def derive(
    registers: Registers,
    channels: dict[int, int],
    context: Context,
    *,
    arriving: Readings | None = None,
) -> Readings | None:
    """Interval values that new register readings tell, for channels → their route.

    registers, arriving: registers and intervals that arrive, of other channels too. None when there
    is nothing to tell.
    """
    wanted = np.isin(registers.channel, np.fromiter(channels, np.int64, len(channels)))
    good = wanted & np.isin(registers.quality & 7, (Quality.VALID, Quality.DERIVED, Quality.EDITED))
    new = registers.take(np.flatnonzero(good))
    if not len(new):
        return None
    arrived: dict[int, dict[int, int]] = {}
    columns = (new.channel, new.at, new.value)
    for channel, at, value in zip(*(column.tolist() for column in columns), strict=True):
        arrived.setdefault(channel, {})[at] = value
    spans = {key: (min(found), max(found)) for key, found in arrived.items()}
    readings = _around(arrived, spans, _seconds(channels, context))
    frames = dict(zip(new.channel.tolist(), new.frame.tolist(), strict=True))
    found = _of_channels(readings, channels, context, frames)
    if found is None:
        return None
    return leave_the_rest(found.readings, found.divided, arriving or Readings())


def derive_rest(channels: Ints, days: Ints, context: Context) -> Readings:
    """What registers leave for the other intervals around values that were told (`LoadBatch.rest`).

    channels, days: interval channels, and the local day since 1970 of each, that are stored with
    what was told.
    """
    routes = context.routes
    rows = np.flatnonzero(
        np.isin(routes.channel, channels) & (routes.register > 0) & ~routes.instant
    )
    by_interval = dict(zip(routes.channel[rows].tolist(), rows.tolist(), strict=True))
    if not by_interval:
        return Readings()
    registers = {int(routes.register[row]): row for row in by_interval.values()}
    spans: dict[int, tuple[int, int]] = {}
    for channel, day in zip(channels.tolist(), days.tolist(), strict=True):
        if channel in by_interval:
            row = by_interval[channel]
            first, end = midnights((_zone(row, context),)).span(day)
            before = spans.setdefault(int(routes.register[row]), (first, end))
            spans[int(routes.register[row])] = min(first, before[0]), max(end, before[1])
    readings = _around({}, spans, _seconds(registers, context))
    readings = {key: _between(known, *spans[key]) for key, known in readings.items()}
    found = _of_channels(readings, registers, context, {})
    return Readings() if found is None else rest_anew(found.readings, found.divided)


def _seconds(channels: dict[int, int], context: Context) -> dict[int, int]:
    return {key: int(context.routes.interval[row]) * 60 for key, row in channels.items()}


def _between(known: Known, first: int, end: int) -> Known:
    """Only stretches that share time with it, or end or begin at a reading that came with a value."""
    before = max((at for at in known.values if at < first), default=-inf)
    after = min((at for at in known.values if at > end), default=inf)
    return known._replace(since=before, until=after)


def _of_channels(
    readings: dict[int, Known], channels: dict[int, int], context: Context, frames: dict[int, int]
) -> _Told | None:
    """What the registers of all these channels tell; None for nothing."""
    prompt = prompt_told(readings, channels, context, frames)
    parts = [_Told(prompt.readings, [])] if len(prompt.readings) else []
    for channel, known in readings.items():
        if channel in prompt.channels:
            continue
        for route in _periods(channels[channel], context.routes):
            part = _of_period(known, route, context, frames.get(channel, -1))
            parts += [] if part is None else [part]
    if not parts:
        return None
    names, told = Readings.__dataclass_fields__, [part.readings for part in parts]
    made = Readings(**{n: np.concatenate([getattr(part, n) for part in told]) for n in names})
    return _Told(_summed(made), [one for part in parts for one in part.divided])


def _summed(made: Readings) -> Readings:
    """An interval in which the meter was exchanged has what both counted."""
    made = made.take(np.lexsort((made.start, made.channel)))
    again = (made.channel[1:] == made.channel[:-1]) & (made.start[1:] == made.start[:-1])
    if not bool(again.any()):
        return made
    first = np.flatnonzero(np.concatenate([np.ones(1, np.bool_), ~again]))
    value, several = np.add.reduceat(made.value, first), np.diff(first, append=len(made)) > 1
    made = made.take(first)
    made.value = value
    made.quality = np.where(several, Quality.ESTIMATED, made.quality).astype(np.uint8)
    return made


class _Told(NamedTuple):
    """Intervals that registers tell; divided: stretches of several of them between two readings."""

    readings: Readings
    divided: list[Stretch]


def _around(
    arrived: dict[int, dict[int, int]], spans: dict[int, tuple[int, int]], seconds: dict[int, int]
) -> dict[int, Known]:
    """By channel: what arrives, and what is stored before its span of time, in it and after it."""
    keys = sorted(spans)
    first = [float(spans[key][0] - 2 * seconds[key]) for key in keys]
    last = [float(spans[key][1] + 2 * seconds[key]) for key in keys]
    stored: dict[int, dict[int, int]] = {key: {} for key in keys}
    with connection.cursor() as cursor:
        cursor.execute(_STORED, [keys, first, last])
        for channel, at, value in cursor.fetchall():
            stored[channel][at] = value
        cursor.execute(_INSTALLED, [keys])
        installed = cursor.fetchall()
    bounds = zip(keys, first, last, strict=True)
    found = {
        key: _known(arrived.get(key, {}), stored[key], spans[key], low, high)
        for key, low, high in bounds
    }
    _add_installed(found, installed)
    return found


def _known(
    arrived: dict[int, int],
    stored: dict[int, int],
    span: tuple[int, int],
    low: float,
    high: float,
) -> Known:
    """low, high: bounds of the times between which everything stored is known."""
    before = sorted(at for at in stored if at < span[0])
    after = sorted(at for at in stored if at > span[1])
    more_before = sum(at < low for at in before) >= _ALONG
    more_after = sum(at > high for at in after) >= _ALONG
    return Known(
        stored | arrived,
        min(low, before[-_ANEW]) if more_before else -inf,
        max(high, after[_ANEW - 1]) if more_after else inf,
    )


def _add_installed(found: dict[int, Known], rows: list[tuple[Any, ...]]) -> None:
    """Opening and closing readings that lie next to the stretch bound it like any other."""
    for channel, opened, opening, closed, closing, unit, display, exponent in rows:
        factor = _archive_units(unit, display, exponent)
        times, since, until = found[channel]
        if not times:
            continue
        low, high = min(times), max(times)
        # Beyond a stretch that is cut off lie readings which are nearer.
        earliest = low - _LONGEST if since == -inf else low
        latest = high + _LONGEST if until == inf else high
        if earliest <= opened <= high:
            times.setdefault(opened, int(opening * factor))
        if closed is not None and closing is not None and low <= closed - 1 <= latest:
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


def _of_period(known: Known, route: int, context: Context, frame: int) -> _Told | None:
    routes = context.routes
    start, end = int(routes.start[route]), int(routes.end[route])
    times = np.array(sorted(t for t in known.values if start <= t < end), np.int64)
    if len(times) < 2 or not routes.channel[route]:
        return None
    interval = int(routes.interval[route]) * 60
    origin = _origin(int(times[0]), _zone(route, context))
    values = np.array([known.values[t] for t in times.tolist()], np.int64)
    shown = routes.shown(route)
    modulus = max(int(10 ** int(routes.digits[route]) * shown), 1)
    inside = (values >= 0) & (values < modulus)
    times, values = snap(times[inside], interval=interval, origin=origin), values[inside]
    if len(times) < 2:
        return None
    segments = register_steps(times, values, modulus=modulus).segments
    made = spread(
        [one for one in _multiplied(segments, route, routes) if one.end - one.start <= _LONGEST],
        interval=interval,
        origin=origin,
        closed=end - 1 in known.values,
    )
    quality = np.where(made.estimated, Quality.ESTIMATED, Quality.DERIVED).astype(np.uint8)
    told = _anew(made.starts, segments, known, interval)
    count = len(told)
    zone = _zone(route, context)
    channel = int(routes.channel[route])
    divided = [
        Stretch(channel, one.start, one.end, interval, zone)
        for one in segments
        if one.known and _is_divided(one, interval, origin)
    ]
    made_anew = Readings(
        channel=np.full(count, routes.channel[route]),
        start=made.starts[told],
        interval_minutes=np.full(count, routes.interval[route]),
        value=made.amounts[told],
        quality=quality[told],
        frame=np.full(count, frame, np.int32),
        derived=np.ones(count, np.bool_),
    )
    return _Told(made_anew, divided)


def _is_divided(segment: Segment, interval: int, origin: int) -> bool:
    """Whether several whole intervals, and nothing else, lie between its readings."""
    begins, length = segment.start - origin, segment.end - segment.start
    return interval < length <= _LONGEST and not begins % interval and not length % interval


def _anew(starts: Ints, segments: list[Segment], known: Known, interval: int) -> Ints:
    """Intervals that share time with what is derived anew; beyond it they stay as they were told.

    So does one that begins before the first reading that is known.
    """
    inside = [one for one in segments if one.end > known.since and one.start < known.until]
    if not inside:
        return np.zeros(0, np.int64)
    kept = np.ones(len(starts), np.bool_)
    if known.since != -inf:
        kept &= (starts + interval > inside[0].start) & (starts >= segments[0].start)
    if known.until != inf:
        kept &= starts < inside[-1].end
    return np.flatnonzero(kept)


def _multiplied(segments: list[Segment], route: int, routes: Routes) -> list[Segment]:
    """Amounts × the installation's multiplier: differences of what the register is worth.

    So they do not depend on how many readings around are looked at.
    """
    factor = routes.amount(route) / routes.shown(route)
    if factor == 1 or not segments:
        return segments
    opening = np.array([one.opening for one in segments], np.int64)
    closing = opening + np.array([one.amount for one in segments], np.int64)
    amounts = scaled_down(closing, factor) - scaled_down(opening, factor)
    rows = zip(segments, amounts.tolist(), strict=True)
    return [one._replace(amount=amount) for one, amount in rows]


def _zone(route: int, context: Context) -> str:
    return context.zones.get(int(context.routes.company[route]), "UTC")


def _origin(time: int, zone: str) -> int:
    """Local midnight before an instant."""
    table = midnights((zone,))
    _day, begins, _length = table.place(np.zeros(1, np.int64), np.array([time], np.int64))
    return int(begins[0])
