"""Who counts where: the part of a company's trees, usage points and channels that is rolled up.

Everything stands in NumPy columns. `Layout.read` takes whole companies, or only what is needed to
sum some nodes anew: their ancestors, the channels that stand at any of these themselves, and their
children, whose sums are taken as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from meters.models import UsagePoint
from meters.wire import bigints, integers

if TYPE_CHECKING:
    import psycopg

    Cursor = psycopg.Cursor[tuple[Any, ...]]

__all__ = ["EPOCH", "FLOWS", "Connections", "Installations", "Layout", "LocalDay", "flow_sql"]

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

EPOCH = date(1970, 1, 1)
# A key is reading type × len(FLOWS) + place of the flow.
FLOWS = tuple(role.value for role in UsagePoint.Role)
_TREE = 2**32

_NODES = "SELECT id, coalesce(parent_id, 0), tree_id::bigint, lft::bigint, rght::bigint FROM"
_CHANNELS = """
SELECT c.id, c.usage_point_id, c.reading_type_id * 3 + {flow}, c.interval_minutes::bigint,
    (c.is_active AND p.is_active)::int::bigint, p.place_id
FROM meters_channel c JOIN meters_usagepoint p ON p.id = c.usage_point_id
JOIN meters_readingtype t ON t.id = c.reading_type_id AND t.accumulation = 'delta'
WHERE p.company_id = %(company)s AND {points} ORDER BY c.id
"""
_CONNECTIONS = """
SELECT k.usage_point_id, k.valid_from - date '1970-01-01' + 0::bigint,
    coalesce(k.valid_to - date '1970-01-01', 4611686018427387904)::bigint, k.node_id
FROM meters_connection k
WHERE k.company_id = %(company)s AND k.valid_from <= %(last)s
    AND (k.valid_to IS NULL OR k.valid_to > %(first)s) AND {points}
"""
_INSTALLATIONS = """
SELECT i.usage_point_id, floor(extract(epoch FROM i.installed_at))::bigint,
    coalesce(ceil(extract(epoch FROM i.removed_at))::bigint, 4611686018427387904)
FROM meters_installation i WHERE i.company_id = %(company)s AND {points}
"""
# Usage points that stand at one of the nodes themselves, in the territory or in a network.
_POINTS = """
{column} IN (
    SELECT id FROM meters_usagepoint WHERE place_id = ANY(%(nodes)s)
    UNION SELECT usage_point_id FROM meters_connection WHERE node_id = ANY(%(nodes)s)
        AND valid_from <= %(last)s AND (valid_to IS NULL OR valid_to > %(first)s)
)"""
_ABOVE = """
WITH RECURSIVE up AS (
    SELECT id, parent_id FROM hierarchy_node WHERE id = ANY(%s)
    UNION SELECT n.id, n.parent_id FROM hierarchy_node n JOIN up ON n.id = up.parent_id
) SELECT id FROM up
"""


def flow_sql(column: str) -> str:
    """The place of a flow in FLOWS, as SQL."""
    listed = ", ".join(f"'{flow}'" for flow in FLOWS)
    return f"array_position(ARRAY[{listed}]::text[], {column}::text)::bigint - 1"


class LocalDay(NamedTuple):
    """A day of a company: days since 1970, the Unix second it begins, its length in seconds."""

    number: int
    begins: int
    length: int

    @classmethod
    def of(cls, day: date, zone: str) -> LocalDay:
        begins, ends = (
            int(datetime(one.year, one.month, one.day, tzinfo=ZoneInfo(zone)).timestamp())
            for one in (day, day + timedelta(days=1))
        )
        return cls((day - EPOCH).days, begins, ends - begins)

    @property
    def hours(self) -> int:
        return -(-self.length // 3600)


class Connections(NamedTuple):
    """Dated connections: usage point, first day, first day after, place of the node (−1: none)."""

    point: Ints
    begins: Ints
    ends: Ints
    node: Ints

    def on(self, day: LocalDay, points: Ints) -> Ints:
        """Place of the node that each of the usage points hangs on that day, or −1."""
        now = (self.begins <= day.number) & (self.ends > day.number)
        return _look_up(self.point[now], self.node[now], points)


class Installations(NamedTuple):
    """A meter at a usage point between two Unix seconds."""

    point: Ints
    begins: Ints
    ends: Ints

    def slots(self, day: LocalDay, points: Ints, interval: Ints) -> Ints:
        """How many slots of the day begin while a meter is installed, for rows of usage points
        (ascending or not) and intervals in minutes."""
        count, step = day_slots(day, interval)
        expected = np.zeros(len(points), np.int64)
        here = (self.begins < day.begins + day.length) & (self.ends > day.begins)
        begins, ends = self.begins[here] - day.begins, self.ends[here] - day.begins
        order = np.argsort(self.point[here], kind="stable")
        point, begins, ends = self.point[here][order], begins[order], ends[order]
        first = np.searchsorted(point, points)
        several = np.searchsorted(point, points, side="right") - first
        # Rarely more than one: an exchange in the middle of the day.
        for number in range(int(several.max(initial=0))):
            rows = np.flatnonzero(several > number)
            which = first[rows] + number
            low = np.clip(-(-begins[which] // step[rows]), 0, count[rows])
            high = np.clip(-(-ends[which] // step[rows]), 0, count[rows])
            expected[rows] += high - low
        return expected


def day_slots(day: LocalDay, interval: Ints) -> tuple[Ints, Ints]:
    """Slots of the day at each interval (minutes), and the seconds from one to the next."""
    daily = interval == 1440
    step = np.where(daily, day.length, interval * 60)
    return np.where(daily, 1, -(-day.length // step)), step


@dataclass(frozen=True, slots=True)
class Layout:
    """Nodes in tree order, channels in the order of their ids, and what ties them together.

    order: tree and left number of each node; ends: place behind its last descendant here.
    inside: nodes that can be summed; the others are only their children. place: place of each
    channel's territory node, −1 where that is not inside.
    """

    zone: str
    node: Ints
    parent: Ints
    ends: Ints
    inside: Mask
    channel: Ints
    point: Ints
    key: Ints
    interval: Ints
    active: Mask
    place: Ints
    connections: Connections
    installations: Installations

    @classmethod
    def read(
        cls, run: Cursor, company: int, *, days: tuple[date, date], nodes: Ints | None
    ) -> Layout:
        """Of a company; nodes: ids to sum anew (their ancestors follow), None for all."""
        with run.connection.cursor() as plain:
            plain.execute("SELECT time_zone FROM accounts_company WHERE id = %s", [company])
            zone = str((plain.fetchone() or ("UTC",))[0])
        inside = (
            None if nodes is None else np.sort(integers(run, _ABOVE, [bigints(nodes)], width=1)[0])
        )
        parameters = {
            "company": company,
            "first": days[0],
            "last": days[1],
            "nodes": None if inside is None else bigints(inside),
        }
        node, above, tree, left, right = _nodes(run, company, inside)
        order = tree * _TREE + left
        by_id = np.argsort(node)
        found = node[by_id]

        def place(ids: Ints) -> Ints:
            return _look_up(found, by_id, ids)

        is_inside = np.ones(len(node), np.bool_)
        if inside is not None:
            is_inside = np.isin(node, inside)
        channel, point, key, interval, active, at = integers(
            run, _within(_CHANNELS, "c.usage_point_id", inside), parameters, width=6
        )
        connected = integers(
            run, _within(_CONNECTIONS, "k.usage_point_id", inside), parameters, width=4
        )
        installed = integers(
            run, _within(_INSTALLATIONS, "i.usage_point_id", inside), parameters, width=3
        )
        return cls(
            zone=zone,
            node=node,
            parent=place(above),
            ends=np.searchsorted(order, tree * _TREE + right),
            inside=is_inside,
            channel=channel,
            point=point,
            key=key,
            interval=interval,
            active=active > 0,
            place=_only(place(at), is_inside),
            connections=Connections(
                connected[0], connected[1], connected[2], _only(place(connected[3]), is_inside)
            ),
            installations=Installations(*installed),
        )

    def with_ancestors(self, ids: Ints) -> Mask:
        """The nodes of these ids that are here, and everything above them."""
        chosen = np.isin(self.node, ids)
        step = self.parent[chosen]
        while len(step := np.unique(step[step >= 0])):
            step = step[~chosen[step]]
            chosen[step] = True
            step = self.parent[step]
        return chosen


def _nodes(run: Cursor, company: int, inside: Ints | None) -> list[Ints]:
    """Id, parent, tree, left and right number, in tree order."""
    if inside is None:
        where: str = " hierarchy_node WHERE company_id = %s"
        found = integers(run, _NODES + where, [company], width=5)
    else:
        # By either index; one condition with OR would read the whole table.
        where = (
            " (SELECT * FROM hierarchy_node WHERE id = ANY(%s) UNION ALL SELECT * FROM"
            " hierarchy_node WHERE parent_id = ANY(%s) AND id <> ALL(%s)) n"
        )
        ids = bigints(inside)
        found = integers(run, _NODES + where, [ids, ids, ids], width=5)
    order = np.lexsort((found[3], found[2]))
    return [column[order] for column in found]


def _within(statement: str, column: str, inside: Ints | None) -> str:
    points = "true" if inside is None else _POINTS.format(column=column)
    return statement.format(flow=flow_sql("p.role"), points=points)


def _only(place: Ints, inside: Mask) -> Ints:
    """−1 for nodes that are not summed here: their own sums stand for all below them."""
    if not len(inside):
        return place
    return np.where(inside[place] & (place >= 0), place, -1)


def _look_up(keys: Ints, values: Ints, wanted: Ints) -> Ints:
    """The value of each wanted key (keys are unique), or −1."""
    if not len(keys):
        return np.full(len(wanted), -1)
    order = np.argsort(keys)
    keys, values = keys[order], values[order]
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, values[place], -1)
