"""What flows through the meters of a demo company: the same numbers for a day, however often asked.

Apartments use water, gas, heat and electricity by load profiles; a building's inlet measures what
its apartments use and what is lost behind it; the source measures all inlets and what the network
loses. A day's numbers come from the company's seed and the date alone, so that history, the frames
of the last days and the fleet that goes on sending tell one story.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from zlib import crc32
from zoneinfo import ZoneInfo

import numpy as np
from django.db import connection

from ingestion.emulator.profiles import SHAPES, amounts, calendar

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from accounts.models import Company

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

__all__ = ["Town", "town_read"]

_CONSUMPTION, _BALANCE, _SUPPLY = range(3)
_ROLES = {"consumption": _CONSUMPTION, "balance": _BALANCE, "supply": _SUPPLY}
_LOSSES = (0.03, 0.10)
_NETWORK_LOSSES = (0.02, 0.04)
# Consumers that are no households, in smallest units a year.
_SITES = {"electricity": 64_000_000, "cold_water": 2_900_000, "gas": 8_400_000}
_MAIN = {
    "electricity": "electricity.active.import",
    "cold_water": "cold_water.volume",
    "hot_water": "hot_water.volume",
    "gas": "gas.volume",
    "heat": "heat.energy",
}
_REACTIVE = "electricity.reactive.import"
# Share of an inlet's mean hour that a leak behind it grows by each day, and at most.
_LEAK_A_DAY, _LEAK_MOST = 0.012, 0.35
_LEAK_SINCE = timedelta(days=46)
_STUCK_SINCE = timedelta(days=33)
_POINTS = """
SELECT p.id, p.resource, p.role, p.network_node_id, p.code,
    n.kind IN ('apartment', 'building'), m.module_id, i.multiplier::bigint, m.digits,
    max(c.id) FILTER (WHERE t.code = ANY(%(main)s)),
    max(c.id) FILTER (WHERE t.code = ANY(%(registers)s)),
    max(c.interval_minutes) FILTER (WHERE t.code = ANY(%(main)s)),
    coalesce(max(c.id) FILTER (WHERE t.code = %(reactive)s), 0)
FROM meters_usagepoint p
JOIN hierarchy_node n ON n.id = p.place_id
JOIN meters_installation i ON i.usage_point_id = p.id AND i.removed_at IS NULL
JOIN meters_meter m ON m.id = i.meter_id
JOIN meters_channel c ON c.usage_point_id = p.id
JOIN meters_readingtype t ON t.id = c.reading_type_id
WHERE p.company_id = %(company)s
GROUP BY p.id, n.kind, m.id, i.id ORDER BY p.code
"""


@dataclass(frozen=True, eq=False)
class Town:
    """Usage points by row, in the order of their codes. inlet: row of the balance meter behind which a
    consumer lies, −1 for none; source: row of the supply meter; loss: share lost behind an inlet or
    a source. leaking, stuck: the rows of an inlet with a leak and of a meter that stands still.
    reactive: channel of reactive energy, 0 for none."""

    zone: str
    seed: int
    today: date
    point: Ints
    role: Ints
    kind: list[str]
    yearly: Floats
    module: list[int | None]
    multiplier: Ints
    digits: Ints
    channel: Ints
    register: Ints
    interval: Ints
    reactive: Ints
    inlet: Ints
    source: Ints
    loss: Floats
    leaking: int
    stuck: int

    def __len__(self) -> int:
        return len(self.point)

    def begins(self, day: date) -> int:
        """Local midnight in Unix seconds."""
        return int(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(self.zone)).timestamp())

    def day_of(self, at: int) -> date:
        return datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(self.zone)).date()

    def starts(self, day: date) -> Ints:
        """Beginnings of the hours of a local day: 23, 24 or 25."""
        return np.arange(self.begins(day), self.begins(day + timedelta(days=1)), 3_600)

    def increments(self, day: date) -> Ints:
        """What each register counts in each hour of a local day, rows × hours."""
        return _increments(self, day)


# A batch of the history asks for its days twice.
@lru_cache(maxsize=32)
def _increments(town: Town, day: date) -> Ints:
    chance = np.random.default_rng([town.seed, day.toordinal()])
    when = calendar(town.starts(day), town.zone)
    used = np.zeros((len(town), len(when.hour)))
    kinds = np.array(town.kind)
    for kind in sorted(set(town.kind)):
        rows = np.flatnonzero((kinds == kind) & (town.role == _CONSUMPTION))
        used[rows] = amounts(SHAPES[kind], town.yearly[rows], when, 60, chance)
    _add_flows(town, day, used)
    # What a pulse is too coarse for is rounded by chance, so that the mean stays.
    counts = np.floor(used / town.multiplier[:, None] + chance.random(used.shape) * (1 - 1e-6))
    if town.stuck >= 0 and day >= town.today - _STUCK_SINCE:
        counts[town.stuck] = 0
    made = counts.astype(np.int64)
    made.flags.writeable = False
    return made


def _add_flows(town: Town, day: date, used: Floats) -> None:
    """Inlets from their consumers, then sources from inlets and from consumers without one."""
    behind = np.flatnonzero((town.role == _CONSUMPTION) & (town.inlet >= 0))
    np.add.at(used, town.inlet[behind], used[behind])
    inlets = town.role == _BALANCE
    used[inlets] *= 1 + town.loss[inlets][:, None]
    leak = (day - (town.today - _LEAK_SINCE)).days
    if town.leaking >= 0 and leak > 0:
        used[town.leaking] += min(leak * _LEAK_A_DAY, _LEAK_MOST) * used[town.leaking].mean()
    fed = (inlets | ((town.role == _CONSUMPTION) & (town.inlet < 0))) & (town.source >= 0)
    rows = np.flatnonzero(fed)
    np.add.at(used, town.source[rows], used[rows])
    sources = town.role == _SUPPLY
    used[sources] *= 1 + town.loss[sources][:, None]


def town_read(company: Company, *, today: date) -> Town:
    """The company's usage points as they are; today: day on which its story ended at the load."""
    values: dict[str, Any] = {
        "company": company.pk,
        "reactive": _REACTIVE,
        "main": list(_MAIN.values()),
        "registers": [f"{code}.register" for code in _MAIN.values()],
    }
    with connection.cursor() as cursor:
        cursor.execute(_POINTS, values)
        rows = cursor.fetchall()
    return _town(company, today, rows)


def _town(company: Company, today: date, rows: list[tuple[Any, ...]]) -> Town:
    columns = [list(column) for column in zip(*rows, strict=True)]
    point, resource, role, node, code, is_home, module, multiplier, digits = columns[:9]
    channel, register, interval, reactive = columns[9:]
    number = np.array([_ROLES[one] for one in role])
    inlet = _inlets(number, resource, node)
    kind = [
        _kind(used, one, dwelling=home)
        for used, one, home in zip(resource, role, is_home, strict=True)
    ]
    draws = np.array([_share(company.code, one) for one in code])
    yearly = np.array(
        [
            _yearly(shape, used, dwelling=home, draw=draw)
            for shape, used, home, draw in zip(kind, resource, is_home, draws, strict=True)
        ]
    )
    low = np.where(number == _SUPPLY, _NETWORK_LOSSES[0], _LOSSES[0])
    high = np.where(number == _SUPPLY, _NETWORK_LOSSES[1], _LOSSES[1])
    return Town(
        zone=company.time_zone,
        seed=crc32(company.code.encode()),
        today=today,
        point=np.array(point),
        role=number,
        kind=kind,
        yearly=yearly,
        module=module,
        multiplier=np.array(multiplier),
        digits=np.array(digits),
        channel=np.array(channel),
        register=np.array(register),
        interval=np.array(interval),
        reactive=np.array(reactive),
        inlet=inlet,
        source=_sources(number, resource),
        loss=low + (high - low) * draws,
        leaking=_leaking(number, resource, inlet),
        stuck=_stuck(number, resource, is_home, module),
    )


def _inlets(role: Ints, resource: list[str], node: list[int]) -> Ints:
    balances = {
        (resource[row], node[row]): row for row in np.flatnonzero(role == _BALANCE).tolist()
    }
    found = [
        balances.get(key, -1) if number == _CONSUMPTION else -1
        for key, number in zip(zip(resource, node, strict=True), role.tolist(), strict=True)
    ]
    return np.array(found)


def _sources(role: Ints, resource: list[str]) -> Ints:
    supplies = {resource[row]: row for row in np.flatnonzero(role == _SUPPLY).tolist()}
    found = [
        supplies.get(one, -1) if number != _SUPPLY else -1
        for one, number in zip(resource, role.tolist(), strict=True)
    ]
    return np.array(found)


def _leaking(role: Ints, resource: list[str], inlet: Ints) -> int:
    """The cold water inlet with the most apartments behind it; none where water is all there is."""
    if len(set(resource)) == 1:
        return -1
    rows = [
        row for row in np.flatnonzero(role == _BALANCE).tolist() if resource[row] == "cold_water"
    ]
    return max(rows, key=lambda row: int((inlet == row).sum()), default=-1)


def _stuck(role: Ints, resource: list[str], is_home: list[bool], module: list[int | None]) -> int:
    """The eleventh hot water meter of an apartment; companies without hot water have none."""
    homes = [
        row
        for row in np.flatnonzero(role == _CONSUMPTION).tolist()
        if resource[row] == "hot_water" and is_home[row] and module[row] is not None
    ]
    return homes[10] if len(homes) > 10 else -1


def _kind(resource: str, role: str, *, dwelling: bool) -> str:
    if resource != "electricity":
        return resource
    return f"{resource}.{'household' if dwelling or role != 'consumption' else 'business'}"


def _share(company: str, code: str) -> float:
    """A number from 0 to 1 that belongs to a usage point."""
    return crc32(f"{company}/{code}".encode()) / 2**32


def _yearly(kind: str, resource: str, *, dwelling: bool, draw: float) -> float:
    low, high = SHAPES[kind].yearly
    return low + (high - low) * draw if dwelling else float(_SITES.get(resource, high))
