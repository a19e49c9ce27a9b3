"""What one roll-up has to do: which nodes of which company on which days, and for which keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from meters.partitions import NODE_BLOCKS, oldest_kept
from meters.wire import bigints, integers

from .dirty import DirtyMembers, DirtyRow, dirty_members_leave
from .layout import flow_sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import psycopg

    Cursor = psycopg.Cursor[tuple[Any, ...]]

__all__ = ["DayWork", "Work"]

Ints = NDArray[np.int64]

_NONE: Ints = np.zeros(0, np.int64)
# Days on which nothing arrived are summed too, as long as they are not older than this.
_LOOK_BACK = 60
# From this share of a company's channels on, all of it is summed anew: one walk is cheaper than
# looking up nearly everything.
_MANY, _SHARE = 2_000, 4
_CHANNELS = f"""
SELECT c.id, p.company_id, c.reading_type_id * 3 + {flow_sql("p.role")}, p.place_id, p.id
FROM meters_channel c JOIN meters_usagepoint p ON p.id = c.usage_point_id
JOIN meters_readingtype t ON t.id = c.reading_type_id AND t.accumulation = 'delta'
WHERE c.id = ANY(%s) ORDER BY c.id
"""
_CONNECTED = """
SELECT k.usage_point_id, (k.valid_from - date '1970-01-01')::bigint,
    coalesce(k.valid_to - date '1970-01-01', 4611686018427387904)::bigint, k.node_id
FROM meters_connection k WHERE k.usage_point_id = ANY(%s)
"""
# The first day that was ever summed, or today, and every day since that was not.
_UNOPENED = """
SELECT o.id, d::date
FROM accounts_company o
CROSS JOIN LATERAL (SELECT (%(now)s AT TIME ZONE o.time_zone)::date AS today) clock
CROSS JOIN LATERAL generate_series(greatest(today - %(back)s, coalesce(
    (SELECT min(r.day) FROM meters_rolled_day r WHERE r.company_id = o.id), today)),
    today, interval '1 day') d
WHERE o.is_active AND NOT EXISTS (
    SELECT 1 FROM meters_rolled_day r WHERE r.company_id = o.id AND r.day = d::date)
ORDER BY d DESC LIMIT %(limit)s
"""
_EPOCH = date(1970, 1, 1)


@dataclass(slots=True)
class DayWork:
    """One day of one company. nodes: ids whose own sums may have changed; keys: reading types and
    flows that may have (`layout`); None is everything. channels: those with changed blocks.
    """

    nodes: Ints | None = field(default_factory=lambda: _NONE)
    keys: Ints | None = field(default_factory=lambda: _NONE)
    channels: Ints = field(default_factory=lambda: _NONE)

    def add(self, nodes: Ints | None, keys: Ints | None, channels: Ints = _NONE) -> None:
        self.nodes = _union(self.nodes, nodes)
        self.keys = _union(self.keys, keys)
        self.channels = np.union1d(self.channels, channels)


@dataclass(slots=True)
class Work:
    """Days by company; newest days first when they are worked through."""

    companies: dict[int, dict[date, DayWork]] = field(default_factory=dict)

    def day(self, company: int, day: date) -> DayWork:
        return self.companies.setdefault(company, {}).setdefault(day, DayWork())

    def add_blocks(self, run: Cursor, rows: Iterable[DirtyRow]) -> None:
        """Nodes at which channels with changed blocks stood that day."""
        by_day: dict[date, list[Ints]] = {}
        for row in rows:
            by_day.setdefault(row.day, []).append(np.array(row.channels, np.int64))
        if not by_day:
            return
        dirty = {day: np.unique(np.concatenate(parts)) for day, parts in by_day.items()}
        every = np.unique(np.concatenate(list(dirty.values())))
        found = integers(run, _CHANNELS, [bigints(every)], width=5)
        points = bigints(np.unique(found[4]))
        connected = integers(run, _CONNECTED, [points], width=4)
        sizes = _sizes(np.unique(found[1]).tolist())
        for day, channels in dirty.items():
            here = [column[np.isin(found[0], channels)] for column in found]
            for company in np.unique(here[1]).tolist():
                rows_of = [column[here[1] == company] for column in here]
                self._add_channels(company, day, rows_of, connected, sizes[company])

    def _add_channels(
        self, company: int, day: date, rows: list[Ints], connected: list[Ints], size: int
    ) -> None:
        channel, _company, key, place, point = rows
        if len(channel) > _MANY and len(channel) * _SHARE > size:
            self.day(company, day).add(None, None, channel)
            return
        number = (day - _EPOCH).days
        used, begins, ends, node = connected
        on = (begins <= number) & (ends > number) & np.isin(used, point)
        nodes = np.unique(np.concatenate([place, node[on]]))
        self.day(company, day).add(nodes, np.unique(key), channel)

    def add_members(self, rows: Sequence[DirtyMembers], *, days: int) -> None:
        """Nodes whose members changed, on the newest days concerned; the rest is left for later."""
        for company in {row.company_id for row in rows}:
            of_company = [row for row in rows if row.company_id == company]
            rolled = _rolled_days(company)
            wanted = [day for day in rolled if any(_covers(row, day) for row in of_company)]
            for day in wanted[:days]:
                nodes = [row.node_id for row in of_company if _covers(row, day)]
                self.day(company, day).add(np.unique(np.array(nodes, np.int64)), None)
            if later := wanted[days:]:
                left = [row._replace(last=later[0]) for row in of_company]
                dirty_members_leave(
                    [row for row in left if any(_covers(row, day) for day in later)]
                )

    def add_unopened(self, now: datetime, *, days: int) -> None:
        """Today, and days on which nothing arrived: what was expected of them is known."""
        parameters: dict[str, Any] = {"now": now, "back": _LOOK_BACK, "limit": days}
        with connection.cursor() as cursor:
            cursor.execute(_UNOPENED, parameters)
            for company, day in cursor.fetchall():
                self.day(company, day).add(None, None)

    def open_days(self) -> None:
        """A day that is touched for the first time is summed as a whole."""
        for company, days in self.companies.items():
            for day in set(days) - set(_rolled_days(company)):
                days[day].add(None, None)


def _covers(row: DirtyMembers, day: date) -> bool:
    return (row.first is None or row.first <= day) and (row.last is None or day <= row.last)


def _union(one: Ints | None, other: Ints | None) -> Ints | None:
    return None if one is None or other is None else np.union1d(one, other)


def _rolled_days(company: int) -> list[date]:
    """Newest first, as far back as blocks are kept."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT day FROM meters_rolled_day WHERE company_id = %s AND day >= %s"
            " ORDER BY day DESC",
            [company, oldest_kept(NODE_BLOCKS)],
        )
        return [day for (day,) in cursor.fetchall()]


def _sizes(companies: list[int]) -> dict[int, int]:
    """Channels of each company."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT company_id, count(*) FROM meters_channel WHERE company_id = ANY(%s) GROUP BY 1",
            [companies],
        )
        return dict(cursor.fetchall())
