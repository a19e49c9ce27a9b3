"""Decoded columns → values of channels: routes, units, multipliers, time, quality.

Increments are amounts of the register; an amount in the archive is the difference of the absolute
register on both ends, each turned into archive units and rounded down. So whatever the unit and the
multiplier are, the values of a day add up to what the register moved, to the last unit.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ingestion.codecs.columns import NONE
from ingestion.codecs.universal_messages import (
    BATTERY_PERCENT_UNKNOWN,
    SIGNAL_UNKNOWN,
    TEMPERATURE_UNKNOWN,
)
from ingestion.codecs.universal_messages import Quality as Told
from ingestion.loader import Readings, Registers
from ingestion.loader.calendar import BEYOND, midnights
from ingestion.models import Reason
from ingestion.regridding import Parts, Target, day_of, fits, regrid, summed, too_many
from ingestion.routing import MODULE_CHANNELS, route_key
from meters.models import DeviceFlag, Quality, RegisterKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ingestion.codecs.columns import Batch, Intervals, Statuses
    from ingestion.codecs.columns import Registers as Snapshots
    from ingestion.routing import ModuleChannels, Routes

    Ints = NDArray[np.int64]
    Bytes = NDArray[np.uint8]

__all__ = [
    "QUALITIES",
    "QUESTIONABLE",
    "Collected",
    "Context",
    "profiles",
    "scaled_down",
    "snapshots",
    "statuses",
]

_DAY = 1440
# Products of a register of 12 digits and a number below this stay within 63 bits.
_PLAIN = 9_000_000
_FLAGS = {
    Told.CLOCK_INVALID: DeviceFlag.CLOCK,
    Told.CLOCK_ADJUSTED: DeviceFlag.CLOCK,
    Told.POWER_FAIL: DeviceFlag.POWER_FAIL,
    Told.TAMPER: DeviceFlag.TAMPER,
    Told.RECOVERED: DeviceFlag.RECOVERED,
    Told.METER_FAULT: DeviceFlag.FAULT,
}


def _quality(told: int) -> int:
    flags = 0
    for bit, flag in _FLAGS.items():
        flags |= flag if told & bit else 0
    if told & Told.ESTIMATED:
        return flags | Quality.ESTIMATED
    return flags | (Quality.QUESTIONABLE if told & Told.CLOCK_INVALID else Quality.VALID)


# Quality byte of the archive for each quality byte of the protocol; and for one more that only
# definitions of foreign devices tell.
QUESTIONABLE = 128
QUALITIES = np.array([*map(_quality, range(QUESTIONABLE)), Quality.QUESTIONABLE], np.uint8)


class Context(NamedTuple):
    """What a batch is resolved with. module, company: of each decoded frame; zones: by company."""

    routes: Routes
    modules: ModuleChannels
    module: Ints
    company: NDArray[np.int32]
    zones: dict[int, str]


@dataclass(slots=True)
class Collected:
    """Columns for the loader in pieces, and what could not be resolved: frame → reasons.

    derive: register channels whose new readings say something about intervals, with their route.
    parts: of intervals of channels that are not all known yet (`ingestion.regridding`).
    """

    readings: list[Readings] = field(default_factory=list)
    registers: list[Registers] = field(default_factory=list)
    parts: list[Parts] = field(default_factory=list)
    refused: dict[int, dict[Reason, str]] = field(default_factory=lambda: defaultdict(dict))
    derive: dict[int, int] = field(default_factory=dict)

    def refuse(self, frames: NDArray[Any], reason: Reason, details: list[str]) -> None:
        """Note why something in these frames is not stored; a reason once a frame."""
        for frame, detail in zip(frames.tolist(), details, strict=True):
            self.refused[frame].setdefault(reason, detail)

    def together(self) -> tuple[Readings, Registers]:
        return _joined(Readings, self.readings), _joined(Registers, self.registers)


def _joined(kind: Any, parts: list[Any]) -> Any:
    if len(parts) == 1:
        return parts[0]
    names = kind.__dataclass_fields__
    empty = kind()
    return kind(
        **{name: np.concatenate([getattr(row, name) for row in (empty, *parts)]) for name in names}
    )


def profiles(batch: Batch, context: Context, collected: Collected) -> None:
    """Interval profiles: amounts (or instants) of their channels, and their opening registers."""
    for part in batch.intervals:
        kept, route = _routed(part, part.base_time, context, collected)
        rows, route = _split_periods(part.take(kept), route, context, collected)
        if not len(rows):
            continue
        rows, route = _on_interval(rows, route, context, collected)
        if len(rows):
            _add_profiles(rows, route, context, collected)
    if collected.parts:
        made, rest = summed(Parts.joined(collected.parts))
        collected.readings += [made] if len(made) else []
        collected.parts = [rest] if len(rest) else []


def _routed(
    part: Any, time: Ints, context: Context, collected: Collected
) -> tuple[NDArray[np.int64], Ints]:
    """Rows of a part that have a route, and the route; the others are refused with the reason."""
    module = context.module[part.frame]
    key = route_key(module, part.port.astype(np.int64), part.register.astype(np.int64))
    route = context.routes.find(key, time)
    good = route >= 0
    if not bool(good.all()):
        no_port = ~good & (route == -1) & ~context.routes.has_port(key)
        reasons = (
            (no_port, Reason.NO_METER),
            ((route == -1) & ~no_port, Reason.NO_REGISTER),
            (route == -2, Reason.NOT_INSTALLED),
        )
        for chosen, reason in reasons:
            _refuse(part, chosen, reason, collected)
    return np.flatnonzero(good), route[good]


def _refuse(part: Any, chosen: NDArray[np.bool_], reason: Reason, collected: Collected) -> None:
    rows = np.flatnonzero(chosen)
    if len(rows):
        details = [
            f"port {port}, register {register}"
            for port, register in zip(
                part.port[rows].tolist(), part.register[rows].tolist(), strict=True
            )
        ]
        collected.refuse(part.frame[rows], reason, details)


def _split_periods(
    rows: Intervals, route: Ints, context: Context, collected: Collected
) -> tuple[Intervals, Ints]:
    """Rows that reach over the end of an installation become one row a period, the rest missing."""
    last = rows.base_time + (rows.count - 1) * rows.interval.astype(np.int64) * 60
    across = last >= context.routes.end[route]
    if not bool(across.any()):
        return rows, route
    for row in np.flatnonzero(across).tolist():
        _add_across(rows.take(np.array([row])), context, collected)
    kept = np.flatnonzero(~across)
    return rows.take(kept), route[kept]


def _add_across(row: Intervals, context: Context, collected: Collected) -> None:
    times = _starts(row, np.zeros(1, np.int64), None)[0]
    key = route_key(
        context.module[row.frame], row.port.astype(np.int64), row.register.astype(np.int64)
    )
    routes = context.routes.find(np.repeat(key, len(times)), times)
    nowhere = (routes < 0) & ~row.missing[0]
    if bool(nowhere.any()):
        _refuse(row, np.ones(1, np.bool_), Reason.NOT_INSTALLED, collected)
    for number in np.unique(routes[routes >= 0]).tolist():
        part = row.take(np.zeros(1, np.int64))
        outside = (routes != number)[None, :]
        part.missing[:] |= outside
        first = int(np.argmax(routes == number)) == 0
        kept, route = _on_interval(part, np.array([number]), context, collected, opening=first)
        if len(kept):
            _add_profiles(kept, route, context, collected, opening=first)


def _on_interval(
    rows: Intervals, route: Ints, context: Context, collected: Collected, *, opening: bool = True
) -> tuple[Intervals, Ints]:
    """Rows whose channel exists and has the interval of the profile; others are put onto its grid."""
    routes = context.routes
    no_channel = routes.channel[route] == 0
    other = ~no_channel & (routes.interval[route] != rows.interval)
    if not bool(no_channel.any() | other.any()):
        return rows, route
    _refuse(rows, no_channel, Reason.NO_CHANNEL, collected)
    chosen = np.flatnonzero(other)
    if len(chosen):
        _add_regridded(rows.take(chosen), route[chosen], context, collected, opening=opening)
    good = np.flatnonzero(~no_channel & ~other)
    return rows.take(good), route[good]


def _add_regridded(
    rows: Intervals, route: Ints, context: Context, collected: Collected, *, opening: bool
) -> None:
    """Rows in another interval than their channel's."""
    routes = context.routes
    good = fits(rows.interval, routes.interval[route])
    _refuse(rows, ~good, Reason.OFF_GRID, collected)
    chosen = np.flatnonzero(good)
    if not len(chosen):
        return
    rows, route = rows.take(chosen), route[chosen]
    told = _readings(rows, route, context)
    each = np.repeat(route, rows.count)[~rows.missing.reshape(-1)]
    days = day_of(told.start, routes.company[each], context.zones)
    target = Target(routes.interval[each].astype(np.int64), routes.instant[each], *days)
    beyond, many = days.length == BEYOND, too_many(told, target)
    if bool((beyond | many).any()):
        _refuse_values(told, beyond, Reason.OUT_OF_TIME, "no calendar reaches there", collected)
        _refuse_values(told, many, Reason.NOT_STORABLE, "shared out too finely", collected)
        kept = np.flatnonzero(~beyond & ~many)
        told, target = told.take(kept), target.take(kept)
    made, parts, off = regrid(told, target)
    collected.readings += [made] if len(made) else []
    collected.parts += [parts] if len(parts) else []
    _refuse_off_grid(told, off, collected)
    if opening:
        _add_openings(rows, route, routes, collected)


def _refuse_values(
    told: Readings, chosen: NDArray[np.bool_], reason: Reason, why: str, collected: Collected
) -> None:
    frames = np.unique(told.frame[chosen])
    collected.refuse(frames, reason, [why] * len(frames))


def _refuse_off_grid(told: Readings, off: Ints, collected: Collected) -> None:
    frames, first = np.unique(told.frame[off], return_index=True)
    minutes = told.interval_minutes[off[first]].tolist()
    details = [f"{one} minutes, not counted from local midnight" for one in minutes]
    collected.refuse(frames, Reason.OFF_GRID, details)


def _add_profiles(
    rows: Intervals, route: Ints, context: Context, collected: Collected, *, opening: bool = True
) -> None:
    collected.readings.append(_readings(rows, route, context))
    if opening:
        _add_openings(rows, route, context.routes, collected)


def _readings(rows: Intervals, route: Ints, context: Context) -> Readings:
    """What the profiles say, in their own interval."""
    count = rows.count
    readings = Readings(
        channel=np.repeat(context.routes.channel[route], count),
        start=_starts(rows, route, context).reshape(-1),
        interval_minutes=np.repeat(rows.interval.astype(np.int16), count),
        value=_amounts(rows, route, context.routes).reshape(-1),
        quality=np.repeat(QUALITIES[rows.quality], count),
        frame=np.repeat(rows.frame, count),
    )
    if bool(rows.missing.any()):
        readings = readings.take(~rows.missing.reshape(-1))
    return readings


def _add_openings(rows: Intervals, route: Ints, routes: Routes, collected: Collected) -> None:
    told = (rows.opening != NONE) & (routes.register[route] != 0) & ~routes.instant[route]
    if not bool(told.any()):
        return
    chosen = np.flatnonzero(told)
    collected.registers.append(
        Registers(
            channel=routes.register[route[chosen]],
            at=rows.base_time[chosen],
            value=_shown(rows.opening[chosen], route[chosen], routes),
            quality=QUALITIES[rows.quality[chosen]],
            kind=np.full(len(chosen), RegisterKind.SELF_READ, np.uint8),
            frame=rows.frame[chosen],
        )
    )


def _starts(rows: Intervals, route: Ints, context: Context | None) -> Ints:
    """Start of every interval; those of days lie at local midnights, which are not equally far."""
    step = rows.interval.astype(np.int64) * 60
    starts = rows.base_time[:, None] + step[:, None] * np.arange(rows.count)
    daily = np.flatnonzero(rows.interval == _DAY)
    if context is None or rows.count == 1 or not len(daily):
        return np.asarray(starts)
    company = context.routes.company[route[daily]]
    for number in np.unique(company).tolist():
        chosen = daily[company == number]
        table = midnights((context.zones.get(number, "UTC"),))
        # An hour forward or back never leaves the noon of a day.
        noon = starts[chosen] + 43_200
        _day, begins, _length = table.place(np.zeros(noon.size, np.int64), noon.reshape(-1))
        begins = begins.reshape(noon.shape)
        # A first day that does not begin at midnight is refused by the loader as it is.
        starts[chosen] = np.where(begins[:, :1] == starts[chosen][:, :1], begins, starts[chosen])
    return np.asarray(starts)


def _amounts(rows: Intervals, route: Ints, routes: Routes) -> Ints:
    """Values in archive units, rows × count."""
    values = rows.values
    kinds = routes.multiplier[route] * 4096 + routes.scale[route] * 2 + routes.instant[route]
    if bool((kinds == kinds[0]).all()):
        return _scaled(values, rows.opening, _factor(routes, int(route[0])), routes, int(route[0]))
    made = np.empty_like(values)
    for kind in np.unique(kinds).tolist():
        chosen = np.flatnonzero(kinds == kind)
        first = int(route[chosen[0]])
        made[chosen] = _scaled(
            values[chosen], rows.opening[chosen], _factor(routes, first), routes, first
        )
    return made


def _factor(routes: Routes, row: int) -> Fraction:
    # A voltage or a temperature is not multiplied by a transformer's ratio of energy.
    return routes.shown(row) if routes.instant[row] else routes.amount(row)


def _scaled(values: Ints, opening: Ints, factor: Fraction, routes: Routes, row: int) -> Ints:
    if factor.denominator == 1:
        if factor.numerator == 1:
            return values
        return scaled_down(values, factor)
    if routes.instant[row]:
        return scaled_down(values, factor)
    register = np.empty((len(values), values.shape[1] + 1), np.int64)
    register[:, 0] = np.where(opening == NONE, 0, opening)
    np.cumsum(values, axis=1, out=register[:, 1:])
    register[:, 1:] += register[:, :1]
    return np.diff(scaled_down(register, factor), axis=1)


def scaled_down(values: Ints, factor: Fraction) -> Ints:
    """Rounded down; exact however large the numbers are, up to what the archive takes."""
    up, down = factor.numerator, factor.denominator
    if up < _PLAIN and int(np.abs(values).max(initial=0)) < 10**12:
        return values * up // down
    limit = 2**62
    wide = [max(-limit, min(limit, value * up // down)) for value in values.reshape(-1).tolist()]
    return np.array(wide, np.int64).reshape(values.shape)


def _shown(values: Ints, route: Ints, routes: Routes) -> Ints:
    """Registers in units of their channel: what is shown, without the multiplier."""
    scale = routes.scale[route]
    made = np.empty_like(values)
    for number in np.unique(scale).tolist():
        chosen = scale == number
        made[chosen] = scaled_down(values[chosen], routes.scales[number])
    return made


def snapshots(batch: Batch, context: Context, collected: Collected) -> None:
    """Registers as they stood: of counters as register readings, of the rest as values."""
    part = batch.registers
    if not len(part):
        return
    without = part.time == 0
    if bool(without.any()):
        _refuse(part, without, Reason.NO_CLOCK, collected)
        part = part.take(np.flatnonzero(~without))
    kept, route = _routed(part, part.time, context, collected)
    rows = part.take(kept)
    instant = context.routes.instant[route]
    _add_instants(rows.take(np.flatnonzero(instant)), route[instant], context, collected)
    _add_counters(rows.take(np.flatnonzero(~instant)), route[~instant], context, collected)


def _add_counters(rows: Snapshots, route: Ints, context: Context, collected: Collected) -> None:
    routes = context.routes
    without = routes.register[route] == 0
    _refuse(rows, without, Reason.NO_CHANNEL, collected)
    chosen = np.flatnonzero(~without)
    if not len(chosen):
        return
    rows, route = rows.take(chosen), route[chosen]
    collected.registers.append(
        Registers(
            channel=routes.register[route],
            at=rows.time,
            value=_shown(rows.value, route, routes),
            quality=QUALITIES[rows.quality],
            kind=np.full(len(rows), RegisterKind.SELF_READ, np.uint8),
            frame=rows.frame,
        )
    )
    for number in route[routes.channel[route] != 0].tolist():
        collected.derive[int(routes.register[number])] = number


def _add_instants(rows: Snapshots, route: Ints, context: Context, collected: Collected) -> None:
    routes = context.routes
    without = routes.channel[route] == 0
    _refuse(rows, without, Reason.NO_CHANNEL, collected)
    chosen = np.flatnonzero(~without)
    if not len(chosen):
        return
    rows, route = rows.take(chosen), route[chosen]
    value = np.empty(len(rows), np.int64)
    for scale in np.unique(routes.scale[route]).tolist():
        same = routes.scale[route] == scale
        value[same] = scaled_down(rows.value[same], routes.scales[scale])
    collected.readings.append(
        Readings(
            channel=routes.channel[route],
            start=_slot(rows.time, routes.interval[route], routes.company[route], context.zones),
            interval_minutes=routes.interval[route],
            value=value,
            quality=QUALITIES[rows.quality],
            frame=rows.frame,
        )
    )


def _slot(
    time: Ints, interval: NDArray[np.int16], company: NDArray[np.int32], zones: dict[int, str]
) -> Ints:
    """Start of the interval that holds each instant, counted from local midnight."""
    step = interval.astype(np.int64) * 60
    begins, _length = day_of(time, company, zones)
    return begins + (time - begins) // step * step


# Column of a status message, factor to the unit of its reading type, value that says "unknown".
_STATUS = {
    "device.battery.voltage": ("battery_mv", 1, 0),
    "device.battery.level": ("battery_percent", 1, BATTERY_PERCENT_UNKNOWN),
    "device.signal": ("signal", 1, SIGNAL_UNKNOWN),
    "device.temperature": ("temperature", 100, TEMPERATURE_UNKNOWN),
}


def statuses(batch: Batch, context: Context, collected: Collected) -> None:
    """Diagnostics of modules: values at an instant of the channels that their type names."""
    part = batch.statuses
    if not len(part):
        return
    row = context.modules.find(context.module[part.frame])
    for code, (name, factor, unknown) in _STATUS.items():
        place = MODULE_CHANNELS.index(code)
        value = getattr(part, name)
        told = (row >= 0) & (value != unknown) & (part.time > 0)
        told &= context.modules.channel[row, place] != 0 if len(context.modules.module) else False
        _add_status(part, np.flatnonzero(told), row, place, value * factor, context, collected)


def _add_status(
    part: Statuses,
    told: Ints,
    row: Ints,
    place: int,
    value: NDArray[np.int32],
    context: Context,
    collected: Collected,
) -> None:
    if not len(told):
        return
    interval = context.modules.interval[row[told], place]
    company = context.company[part.frame[told]]
    collected.readings.append(
        Readings(
            channel=context.modules.channel[row[told], place],
            start=_slot(part.time[told], interval, company, context.zones),
            interval_minutes=interval,
            value=value[told].astype(np.int64),
            quality=np.full(len(told), Quality.VALID, np.uint8),
            frame=part.frame[told],
        )
    )
