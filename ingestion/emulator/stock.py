"""The fleet of a database: modules that have keys, their registers, and where the archive ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from django.db import connection

from ingestion.emulator.fleet import Modules
from ingestion.emulator.meters import Meters
from ingestion.loader.calendar import midnights
from ingestion.registry import Flag, devices_read
from ingestion.replay_windows import windows_recover
from ingestion.routing import OPEN_END, routes_read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ingestion.registry import Devices
    from ingestion.routing import Routes

    Ints = NDArray[np.int64]

__all__ = ["Stock", "stock_read"]

# A fleet that was silent for longer does not go on where it ended.
_DAYS_BACK = 60
_LAST_BLOCKS = """
SELECT DISTINCT ON (b.channel_id) b.channel_id, b.day - '1970-01-01', b.interval_minutes,
    meters_block_values(b.small, b."values", b.wide)
FROM meters_interval_block b
WHERE b.day >= %s AND b.channel_id = ANY(%s) ORDER BY b.channel_id, b.day DESC
"""
_LAST_REGISTERS = """
SELECT DISTINCT ON (r.channel_id) r.channel_id, extract(epoch FROM r.at)::bigint, r.value
FROM meters_register_reading r
WHERE r.at >= %s AND r.channel_id = ANY(%s) ORDER BY r.channel_id, r.at DESC
"""
_KINDS = """
SELECT c.id, p.resource, p.role, o.time_zone FROM meters_channel c
JOIN meters_usagepoint p ON p.id = c.usage_point_id JOIN accounts_company o ON o.id = c.company_id
WHERE c.id = ANY(%s)
"""


class Stock(NamedTuple):
    """modules and meters hang together by row; the rest has an entry a register.

    channel: of the archive; kind: name of a load profile; bulk: many consumers stand behind it;
    factor: archive units for one count.
    """

    modules: Modules
    meters: Meters
    module_id: Ints
    channel: Ints
    kind: list[str]
    bulk: NDArray[np.bool_]
    factor: NDArray[np.float64]


def stock_read(companies: Sequence[int] = (), *, start: int | None = None) -> Stock:
    """Active modules with a key of these companies (or all). They go on where the archive ends, or
    at `start` (Unix seconds; local midnight when left out) where it is empty. MASTER_KEY is
    needed."""
    devices = devices_read()
    windows_recover(devices)
    keyed = _chosen(devices, companies)
    routes = routes_read()
    route = _open_routes(routes, devices.module[keyed])
    row_of = {module: row for row, module in enumerate(devices.module[keyed].tolist())}
    module = routes.key[route] >> 24
    row = np.array([row_of[one] for one in module.tolist()], np.int64)
    kinds = _kinds(routes.channel[route].tolist())
    factor = np.array([float(routes.amount(one)) for one in route.tolist()])
    next_start, opening = _positions(routes, route, [one[2] for one in kinds], factor, start)
    meters = Meters.of(
        row,
        port=routes.key[route] >> 8 & 0xFFFF,
        register=routes.key[route] & 0xFF,
        interval=routes.interval[route].astype(np.int64),
        opening=opening,
        next_start=next_start,
        modulus=10 ** routes.digits[route].astype(np.int64),
    )
    return Stock(
        _modules(devices, keyed),
        meters,
        devices.module[keyed],
        routes.channel[route],
        [_kind(resource, role) for resource, role, _zone in kinds],
        np.array([role != "consumption" for _resource, role, _zone in kinds], np.bool_),
        factor,
    )


def _chosen(devices: Devices, companies: Sequence[int]) -> Ints:
    usable = (devices.flags & Flag.ACTIVE != 0) & (devices.flags & Flag.SHARED_ID == 0)
    # Those that speak another protocol send nothing of ours.
    usable &= devices.device >= 0
    usable &= devices.flags & (Flag.KEY | Flag.KEY << 1) != 0
    if companies:
        usable &= np.isin(devices.company, list(companies))
    return np.flatnonzero(usable)


def _modules(devices: Devices, rows: Ints) -> Modules:
    # Key A, unless it is only offered yet or absent.
    flags = devices.flags[rows]
    has_a = (flags & Flag.KEY != 0) & (flags & Flag.OFFERED == 0)
    selector = np.where(has_a, 0, 1).astype(np.uint8)
    keys = [
        devices.key(row, int(one)) or bytes(16)
        for row, one in zip(rows.tolist(), selector.tolist(), strict=True)
    ]
    return Modules.of(
        devices.device[rows].astype(np.uint64),
        keys,
        selector=selector,
        highest=devices.highest[rows, selector].astype(np.int64),
    )


def _open_routes(routes: Routes, modules: Ints) -> Ints:
    """Registers of meters installed now that count amounts in intervals."""
    good = (routes.end == OPEN_END) & (routes.channel != 0) & ~routes.instant
    return np.flatnonzero(good & np.isin(routes.key >> 24, modules))


def _kinds(channels: list[int]) -> list[tuple[str, str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(_KINDS, [channels])
        found = {row[0]: (row[1], row[2], row[3]) for row in cursor.fetchall()}
    return [found[channel] for channel in channels]


def _kind(resource: str, role: str) -> str:
    if resource == "electricity":
        return "electricity.household" if role == "consumption" else "electricity.business"
    return resource


def _positions(
    routes: Routes,
    route: Ints,
    zones: list[str],
    factor: NDArray[np.float64],
    start: int | None,
) -> tuple[Ints, Ints]:
    """Where each register's next interval begins, and what it shows there."""
    since = datetime.now(UTC) - timedelta(days=_DAYS_BACK)
    blocks = _last_blocks(routes.channel[route].tolist(), since)
    readings = _last_readings(routes.register[route].tolist(), since)
    next_start, opening = np.zeros(len(route), np.int64), np.zeros(len(route), np.int64)
    for place, number in enumerate(route.tolist()):
        channel, register = int(routes.channel[number]), int(routes.register[number])
        at, shown = readings.get(register, (0, 0))
        first = _midnight(zones[place], None) if start is None else start
        end, used = _after(blocks.get(channel), zones[place], at)
        next_start[place] = max(end, first) if start is not None else end or first
        opening[place] = round(shown / float(routes.shown(number))) + round(used / factor[place])
    return next_start, opening


def _last_blocks(channels: list[int], since: datetime) -> dict[int, tuple[int, int, list[int]]]:
    with connection.cursor() as cursor:
        cursor.execute(_LAST_BLOCKS, [since.date(), channels])
        return {row[0]: (row[1], row[2], row[3]) for row in cursor.fetchall()}


def _last_readings(channels: list[int], since: datetime) -> dict[int, tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(_LAST_REGISTERS, [since, channels])
        return {row[0]: (row[1], row[2]) for row in cursor.fetchall()}


def _after(block: tuple[int, int, list[int]] | None, zone: str, since: int) -> tuple[int, int]:
    """End of the last value of a block, and what was used in it from an instant on."""
    if block is None:
        return 0, 0
    day, interval, values = block
    begin, step = _midnight(zone, day), interval * 60
    present = [place for place, value in enumerate(values) if value is not None]
    used = sum(values[place] for place in present if begin + place * step >= since)
    return begin + (present[-1] + 1) * step if present else begin, used


def _midnight(zone: str, day: int | None) -> int:
    """Local midnight of a day (since 1970), or of today."""
    table = midnights((zone,))
    at = int(datetime.now(UTC).timestamp()) if day is None else day * 86_400
    found, begins, length = table.place(np.zeros(1, np.int64), np.array([at]))
    if day is None or found[0] == day:
        return int(begins[0])
    return int(begins[0] + length[0])
