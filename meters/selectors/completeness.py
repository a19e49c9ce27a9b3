"""Received ÷ expected values of a period: of a channel, of a node with all below it, of a company.

Expected is every slot that is over by `now` and began while a meter was installed, of channels in
use. A channel or usage point that was put out of use is no longer waited for; what it has delivered
counts as expected. Of nodes and companies, amounts are counted (what adds up), over the days that
the roll-up knows: from the first day with data on. See `meters.selectors.nodes` for `user`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
from django.db import connection
from django.utils import timezone

from accounts.grants import grants_of
from hierarchy.kinds import System
from hierarchy.models import Node
from meters.models import Channel, Installation, ReadingType
from meters.quantities import Accumulation
from meters.rollups.layout import Installations, LocalDay

from .nodes import NodeSum, may_read, node_sums

if TYPE_CHECKING:
    from collections.abc import Iterable

    from accounts.models import Company

__all__ = ["Counts", "channel_completeness", "company_completeness", "node_completeness"]

_DAY = timedelta(days=1)
_FOREVER = 2**62
# Slots of today that are over: of the usage points in the territory below a node, or connected to
# its part of a network today.
_ELAPSED = """
SELECT coalesce(sum(greatest(0, least(
        ceil(least(%(length)s, coalesce(extract(epoch FROM i.removed_at) - %(begins)s, %(length)s))
            / step),
        floor(least(%(length)s, %(now)s - %(begins)s) / step)
    ) - ceil(greatest(0, extract(epoch FROM i.installed_at) - %(begins)s) / step))), 0)::bigint
FROM meters_usagepoint p
JOIN meters_channel c ON c.usage_point_id = p.id AND c.is_active
    AND c.reading_type_id = ANY(%(types)s)
JOIN meters_installation i ON i.usage_point_id = p.id
    AND i.installed_at < to_timestamp(%(now)s)
    AND (i.removed_at IS NULL OR i.removed_at > to_timestamp(%(begins)s))
CROSS JOIN LATERAL (SELECT CASE WHEN c.interval_minutes = 1440 THEN %(length)s
    ELSE c.interval_minutes * 60 END::numeric AS step) s
WHERE p.is_active AND p.id = ANY(ARRAY({points}))
"""
_BELOW = (
    "SELECT id FROM hierarchy_node WHERE tree_id = %(tree)s AND lft BETWEEN %(left)s AND %(right)s"
)
_PLACED = f"SELECT u.id FROM meters_usagepoint u WHERE u.place_id = ANY(ARRAY({_BELOW}))"
_CONNECTED = f"""
SELECT k.usage_point_id FROM meters_connection k WHERE k.node_id = ANY(ARRAY({_BELOW}))
    AND k.valid_from <= %(day)s AND (k.valid_to IS NULL OR k.valid_to > %(day)s)
"""
_RECEIVED = """
SELECT coalesce(sum(coalesce(cardinality(array_remove(b.small, NULL)),
        cardinality(array_remove(b."values", NULL)),
        cardinality(array_remove(b.wide, NULL)))), 0)::bigint,
    coalesce(sum(CASE WHEN b.quality IS NULL THEN 0 ELSE (
        SELECT count(*) FROM generate_series(0, length(b.quality) - 1) slot
        WHERE get_byte(b.quality, slot) & 7 = 3) END), 0)::bigint
FROM meters_interval_block b WHERE b.day = ANY(%(days)s) AND b.channel_id = %(channel)s
"""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many values should be there, are there, and are there but were not measured."""

    expected: int = 0
    received: int = 0
    estimated: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.expected + other.expected,
            self.received + other.received,
            self.estimated + other.estimated,
        )

    @property
    def share(self) -> Decimal | None:
        """Received ÷ expected, 0 to 1; None when nothing was expected."""
        if not self.expected:
            return None
        return min(Decimal(1), Decimal(self.received) / self.expected)


def node_completeness(
    *,
    user: Any,
    node: Node,
    first: date,
    last: date,
    now: datetime | None = None,
    resource: str | None = None,
) -> Counts:
    """Of everything at the node and below it; resource: only of what measures it."""
    if not may_read(user, node):
        return Counts()
    return _nodes([node], first, last, now or timezone.now(), resource)


def company_completeness(
    *,
    user: Any,
    company: Company,
    first: date,
    last: date,
    now: datetime | None = None,
    resource: str | None = None,
) -> Counts:
    """Of all that the user may see of the company's places."""
    nodes = _topmost(user, company)
    return _nodes(nodes, first, last, now or timezone.now(), resource)


def channel_completeness(
    *, user: Any, channel: Channel, first: date, last: date, now: datetime | None = None
) -> Counts:
    """Of one channel. A module's own channel is expected from the day after it was made."""
    visible = Channel.objects.all() if user is None else Channel.objects.visible_to(user)
    if not visible.filter(pk=channel.pk).exists():
        return Counts()
    last = min(last, _today(channel.company, now or timezone.now()))
    days = [first + number * _DAY for number in range((last - first).days + 1)]
    with connection.cursor() as cursor:
        cursor.execute(_RECEIVED, {"days": days, "channel": channel.pk})
        received, estimated = cursor.fetchone()
    expected = _expected(channel, days, now or timezone.now())
    return Counts(max(expected, received), received, estimated)


def _nodes(
    nodes: list[Node], first: date, last: date, now: datetime, resource: str | None
) -> Counts:
    if not nodes:
        return Counts()
    types = ReadingType.objects.filter(accumulation=Accumulation.DELTA)
    if resource:
        types = types.filter(resource=resource)
    reading_types = list(types)
    today = _today(nodes[0].company, now)
    past = node_sums(
        user=None,
        nodes=nodes,
        reading_types=reading_types,
        first=first,
        last=min(last, today - _DAY),
    )
    found = _counts(past.values())
    if not first <= today <= last:
        return found
    so_far = node_sums(user=None, nodes=nodes, reading_types=reading_types, first=today, last=today)
    current = _counts(so_far.values())
    ids = [row.pk for row in reading_types]
    elapsed = sum(_elapsed(node, ids, today, now) for node in nodes)
    return found + Counts(elapsed, current.received, current.estimated)


def _counts(sums: Iterable[NodeSum]) -> Counts:
    return sum((Counts(one.expected, one.received, one.estimated) for one in sums), Counts())


def _elapsed(node: Node, reading_types: list[int], today: date, now: datetime) -> int:
    day = LocalDay.of(today, node.company.time_zone)
    points = _PLACED if node.system == System.TERRITORY else _CONNECTED
    with connection.cursor() as cursor:
        cursor.execute(
            _ELAPSED.format(points=points),
            {
                "types": reading_types,
                "begins": day.begins,
                "length": day.length,
                "now": int(now.timestamp()),
                "day": today,
                "tree": node.tree_id,
                "left": node.lft,
                "right": node.rght,
            },
        )
        return int(cursor.fetchone()[0])


def _topmost(user: Any, company: Company) -> list[Node]:
    """Places that together hold everything the user may read, none below another."""
    places = Node.objects.filter(company=company, system=System.TERRITORY).select_related("company")
    grants = None if user is None else grants_of(user)
    if grants is None or grants.may("view_meters", company.pk):
        return list(places.filter(parent=None))
    granted = [
        reach for reach in grants.nodes.get("view_meters", ()) if reach.company_id == company.pk
    ]
    found: list[Node] = []
    for reach in sorted(granted, key=lambda reach: (reach.tree_id, reach.left)):
        inside = any(
            node.tree_id == reach.tree_id and node.lft <= reach.left <= node.rght for node in found
        )
        if not inside:
            found += places.filter(tree_id=reach.tree_id, lft=reach.left)
    return found


def _expected(channel: Channel, days: list[date], now: datetime) -> int:
    """Slots that are over and began while a meter was installed."""
    usage_point = channel.usage_point
    if not channel.is_active or (usage_point is not None and not usage_point.is_active):
        return 0
    stays: Any = [(channel.created_at, None)]
    if usage_point is not None:
        rows = Installation.objects.filter(usage_point=usage_point)
        stays = rows.values_list("installed_at", "removed_at")
    interval = np.array([channel.interval_minutes])
    owner = np.zeros(1, np.int64)
    total = 0
    for one in days:
        day = LocalDay.of(one, channel.company.time_zone)
        step = day.length if channel.interval_minutes == 1440 else channel.interval_minutes * 60
        # A slot is over when it began at least its own length ago.
        over = int(now.timestamp()) - step + 1
        spans = [
            (int(begin.timestamp()), min(over, int(end.timestamp()) if end else _FOREVER))
            for begin, end in stays
        ]
        columns = np.array([(0, *span) for span in spans], np.int64).reshape(-1, 3).T
        total += int(Installations(*columns).slots(day, owner, interval).sum())
    return total


def _today(company: Company, now: datetime) -> date:
    return now.astimezone(ZoneInfo(company.time_zone)).date()
