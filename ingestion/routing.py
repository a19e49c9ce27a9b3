"""(module, port, register) at a time → channels, as arrays.

A port belongs to the meter that hangs on it now, and through its installations to usage points. For
the time before that meter came, the port belonged to whatever was installed at its usage point
then: an exchange leaves the module, and the channel, in place. Each installation is a period of its
own.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from django.db import connection

from ingestion.foreign.sql import FOREIGN_TYPES
from ingestion.register_numbers import (
    Numbered,
    foreign_number,
    registers_of_definition,
    standard_number,
)
from ingestion.rows import fetch_records
from meters.quantities import Accumulation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

__all__ = [
    "MODULE_CHANNELS",
    "MULTIPLIER",
    "OPEN_END",
    "ModuleChannels",
    "Routes",
    "channels_at",
    "module_channels_read",
    "modules_at",
    "route_key",
    "routes_read",
]

logger = logging.getLogger(__name__)

# Where an installation that lasts ends, in Unix seconds.
OPEN_END = 1 << 40
# What modules tell of themselves, by reading type; each has a channel for what its type names.
MODULE_CHANNELS = (
    "device.battery.voltage",
    "device.battery.level",
    "device.signal",
    "device.temperature",
    "device.humidity",
)
# The installation's multiplier has four decimals.
MULTIPLIER = 10_000


def route_key(module: Any, port: Any, register: Any) -> Any:
    """One number; module ids stay below 2³⁹."""
    return module << 24 | port << 8 | register


@dataclass(slots=True, eq=False)
class Routes:
    """Rows by (key, start), ascending. 0 stands for "no such channel".

    channel takes what a profile says (amounts, or values at an instant where `instant`), register
    what the counter shows. amount is register units × multiplier for one count as a fraction
    up/down; shown the same without the multiplier. digits: of the counter, in its own units.
    """

    key: Ints
    start: Ints
    end: Ints
    channel: Ints
    register: Ints
    interval: NDArray[np.int16]
    instant: NDArray[np.bool_]
    digits: NDArray[np.int8]
    company: NDArray[np.int32]
    multiplier: Ints
    scale: NDArray[np.int16]
    scales: tuple[Fraction, ...] = (Fraction(1),)

    def __len__(self) -> int:
        return len(self.key)

    @classmethod
    def empty(cls) -> Routes:
        kinds: dict[str, Any] = {"interval": np.int16, "instant": np.bool_, "digits": np.int8}
        kinds |= {"company": np.int32, "scale": np.int16}
        columns: dict[str, Any] = {name: np.zeros(0, kinds.get(name, np.int64)) for name in _ARRAYS}
        return cls(**columns)

    @property
    def nbytes(self) -> int:
        return sum(getattr(self, name).nbytes for name in _ARRAYS)

    def channels(self) -> tuple[Ints, Ints]:
        """Every channel that a route leads to, and the company of each."""
        channel = np.concatenate([self.channel, self.register])
        company = np.concatenate([self.company, self.company]).astype(np.int64)
        return channel[channel != 0], company[channel != 0]

    def take(self, rows: NDArray[Any]) -> Routes:
        return Routes(
            **{name: getattr(self, name)[rows] for name in _ARRAYS},
            scales=self.scales,
        )

    def find(self, key: Ints, time: Ints) -> Ints:
        """Row of each key in force at a time (Unix seconds); −1: no route at all; −2: not then."""
        if not len(self.key):
            return np.full(len(key), -1)
        last = np.searchsorted(self.key, key, side="right") - 1
        row = np.maximum(last, 0)
        known = self.key[row] == key
        late = known & (time < self.start[row])
        while bool(late.any()):
            # Back by one period of the same key; the first one stays, and is found too early below.
            late &= (row > 0) & (self.key[row - 1] == key)
            row = row - late
            late &= time < self.start[row]
        inside = (time >= self.start[row]) & (time < self.end[row])
        return np.where(known, np.where(inside, row, -2), -1)

    def has_port(self, key: Ints) -> NDArray[np.bool_]:
        """Whether the port of each key has any register."""
        if not len(self.key):
            return np.zeros(len(key), np.bool_)
        port = key >> 8
        row = np.minimum(np.searchsorted(self.key, port << 8), len(self.key) - 1)
        return np.asarray(self.key[row] >> 8 == port)

    def amount(self, row: int) -> Fraction:
        """Archive units for one count of the register, multiplier included."""
        return self.shown(row) * Fraction(int(self.multiplier[row]), MULTIPLIER)

    def shown(self, row: int) -> Fraction:
        """Archive units of the register's own channel for one count."""
        return self.scales[int(self.scale[row])]

    def replaced(self, modules: Ints, fresh: Routes) -> Routes:
        """Without the routes of these modules, and with the fresh ones."""
        scales = tuple(dict.fromkeys((*self.scales, *fresh.scales)))
        moved = np.array([scales.index(scale) for scale in fresh.scales], np.int16)
        fresh.scale = moved[fresh.scale]
        kept = self.take(~np.isin(self.key >> 24, modules))
        parts = [np.concatenate([getattr(kept, n), getattr(fresh, n)]) for n in _ARRAYS]
        order = np.lexsort((parts[1], parts[0]))
        columns = {name: part[order] for name, part in zip(_ARRAYS, parts, strict=True)}
        return Routes(**columns, scales=scales)


_ARRAYS = tuple(field.name for field in fields(Routes) if field.name != "scales")


@dataclass(slots=True, eq=False)
class ModuleChannels:
    """Channels of modules themselves: module ids ascending, and a column for each of
    `MODULE_CHANNELS` with the channel (0: none) and its interval in minutes."""

    module: Ints
    channel: Ints
    interval: NDArray[np.int16]

    def find(self, module: Ints) -> Ints:
        """Row of each module, −1 where it has no channel."""
        if not len(self.module):
            return np.full(len(module), -1)
        row = np.minimum(np.searchsorted(self.module, module), len(self.module) - 1)
        return np.where(self.module[row] == module, row, -1)


class _Template(NamedTuple):
    """What a device type tells of one reading type, in arrays for the query below."""

    device_type: int
    reading_type: int
    register: Numbered
    cumulative: bool
    instant: bool
    # Whether the module speaks a foreign protocol: other numbers, and units of the archive.
    foreign: bool = False


# Periods of each port: the installations of its meter, and before the first of them those of the
# meters that stood at the same usage point. Then the channels of the usage point for each register.
_ROUTES = f"""
WITH ports AS (
    SELECT m.module_id, m.port, m.id AS meter_id, m.company_id,
        o.device_type_id IN ({FOREIGN_TYPES}) AS "foreign"
    FROM meters_meter m JOIN meters_telemetrymodule o ON o.id = m.module_id WHERE {{where}}
), own AS (
    SELECT p.module_id, p.port, p.company_id, p.foreign, i.usage_point_id, i.meter_id, i.installed_at,
        i.removed_at, i.multiplier
    FROM ports p JOIN meters_installation i ON i.meter_id = p.meter_id
), first AS (
    SELECT DISTINCT ON (module_id, port) * FROM own ORDER BY module_id, port, installed_at
), periods AS (
    SELECT * FROM own UNION ALL
    SELECT f.module_id, f.port, f.company_id, f.foreign, i.usage_point_id, i.meter_id, i.installed_at,
        i.removed_at, i.multiplier
    FROM first f JOIN meters_installation i ON i.usage_point_id = f.usage_point_id
        AND i.installed_at < f.installed_at AND i.meter_id <> f.meter_id
)
SELECT (p.module_id << 24) + (p.port::bigint << 8) + t.number,
    ceil(extract(epoch FROM p.installed_at))::bigint,
    coalesce(ceil(extract(epoch FROM p.removed_at))::bigint, {{open}}),
    coalesce(max(c.id) FILTER (WHERE NOT t.cumulative), 0),
    coalesce(max(c.id) FILTER (WHERE t.cumulative), 0),
    coalesce(max(c.interval_minutes) FILTER (WHERE NOT t.cumulative), 0)::int,
    bool_or(t.instant)::int, max(m.digits)::int, p.company_id,
    (max(p.multiplier) * {{multiplier}})::bigint, max(t.scale)::int
FROM periods p
JOIN meters_meter m ON m.id = p.meter_id
JOIN unnest(%s::bigint[], %s::bigint[], %s::int[], %s::bool[], %s::bool[], %s::int[],
        %s::bool[]) t(device_type_id, reading_type_id, number, cumulative, instant, scale, "foreign")
    ON t.device_type_id = m.device_type_id AND t.foreign = p.foreign
LEFT JOIN meters_channel c ON c.usage_point_id = p.usage_point_id
    AND c.reading_type_id = t.reading_type_id AND c.is_active
GROUP BY p.module_id, p.port, t.number, p.installed_at, p.removed_at, p.company_id,
    p.usage_point_id
ORDER BY 1, 2
"""
_ROUTE_COLUMNS = {
    "key": ">i8",
    "start": ">i8",
    "end": ">i8",
    "channel": ">i8",
    "register": ">i8",
    "interval": ">i4",
    "instant": ">i4",
    "digits": ">i4",
    "company": ">i8",
    "multiplier": ">i8",
    "scale": ">i4",
}
# With the amounts of a register where they are a reading type too: what foreign devices tell as
# registers has intervals wherever there is a channel for them.
_TEMPLATES = """
SELECT v.device_type_id, v.definition, t.register, r.id, r.code, r.accumulation, d.id
FROM meters_registertemplate t
JOIN meters_devicetypeversion v ON v.id = t.version_id AND v.status = 'published'
JOIN meters_readingtype r ON r.id = t.reading_type_id
LEFT JOIN meters_readingtype d ON r.accumulation = 'cumulative' AND d.accumulation = 'delta'
    AND d.code = replace(r.code, '.register', '')
"""
_MODULES = """
SELECT c.module_id, c.id, c.interval_minutes::int, array_position(%s::text[], r.code)
FROM meters_channel c JOIN meters_readingtype r ON r.id = c.reading_type_id
WHERE c.module_id IS NOT NULL AND c.is_active AND r.code = ANY(%s) AND {where}
"""


def routes_read(modules: Sequence[int] | None = None) -> Routes:
    """Routes of these modules, or of all."""
    templates = _templates()
    scales = tuple(dict.fromkeys([Fraction(1), *(row.register.scale for row in templates)]))
    columns = [
        [row.device_type for row in templates],
        [row.reading_type for row in templates],
        [row.register.number for row in templates],
        [row.cumulative for row in templates],
        [row.instant for row in templates],
        [scales.index(row.register.scale) for row in templates],
        [row.foreign for row in templates],
    ]
    where = "true" if modules is None else "m.module_id = ANY(%s)"
    query = _ROUTES.format(where=where, open=OPEN_END, multiplier=MULTIPLIER)
    chosen = [] if modules is None else [list(modules)]
    rows = fetch_records(query, [*chosen, *columns], _ROUTE_COLUMNS)
    made = Routes.empty()
    for name in _ARRAYS:
        setattr(made, name, rows[name].astype(getattr(made, name).dtype))
    made.scales = scales
    return made


def _templates() -> list[_Template]:
    with connection.cursor() as cursor:
        cursor.execute(_TEMPLATES)
        rows = cursor.fetchall()
    definitions = {device_type: _of_definition(device_type, text) for device_type, text, *_ in rows}
    found = []
    for device_type, _, name, reading_type, code, accumulation, amounts in rows:
        register = definitions[device_type].get(code) or _by_name(name, code)
        cumulative = accumulation == Accumulation.CUMULATIVE
        instant = accumulation == Accumulation.INSTANTANEOUS
        if register is not None:
            found.append(_Template(device_type, reading_type, register, cumulative, instant))
        told = Numbered(foreign_number(code))
        found.append(_Template(device_type, reading_type, told, cumulative, instant, foreign=True))
        if amounts is not None:
            found.append(_Template(device_type, amounts, told, False, False, foreign=True))
    return found


def _of_definition(device_type: int, text: str) -> dict[str, Numbered]:
    # Definitions of foreign devices have no such table.
    if "universal" not in text:
        return {}
    try:
        return registers_of_definition(text)
    except ValueError as error:
        logger.warning("device type %d: %s; the standard numbers are used", device_type, error)
        return {}


def _by_name(name: str, code: str) -> Numbered | None:
    if name.isdecimal() and int(name) <= 255:
        return Numbered(int(name))
    number = standard_number(code)
    return None if number is None else Numbered(number)


def module_channels_read(modules: Sequence[int] | None = None) -> ModuleChannels:
    """Channels of these modules themselves, or of all."""
    where = "true" if modules is None else "c.module_id = ANY(%s)"
    codes = list(MODULE_CHANNELS)
    chosen = [] if modules is None else [list(modules)]
    rows = fetch_records(
        _MODULES.format(where=where),
        [codes, codes, *chosen],
        {"module": ">i8", "channel": ">i8", "interval": ">i4", "place": ">i4"},
    )
    module, row = np.unique(rows["module"], return_inverse=True)
    made = ModuleChannels(
        module,
        np.zeros((len(module), len(codes)), np.int64),
        np.zeros((len(module), len(codes)), np.int16),
    )
    made.channel[row, rows["place"] - 1] = rows["channel"]
    made.interval[row, rows["place"] - 1] = rows["interval"]
    return made


def channels_at(point: int) -> list[int]:
    """Channels of a usage point, by which its routes are known."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM meters_channel WHERE usage_point_id = %s", [point])
        return [row[0] for row in cursor.fetchall()]


def modules_at(points: Sequence[int]) -> list[int]:
    """Modules whose meters are, or were, at these usage points."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT m.module_id FROM meters_installation i JOIN meters_meter m"
            " ON m.id = i.meter_id WHERE i.usage_point_id = ANY(%s) AND m.module_id IS NOT NULL",
            [list(points)],
        )
        return [row[0] for row in cursor.fetchall()]
