"""Connections of usage points in an import: as `usage_point_connect` makes them, in bulk."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from config.lib.statistics import analyze_after_bulk
from meters.models import Connection
from meters.services.usage_points import company_today

from .devices import batches

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from hierarchy.models import Node
    from hierarchy.tables.plan import Entry, Plan
    from meters.models import UsagePoint

__all__ = ["Connections"]

_BATCH = 2_000
Told = list[tuple[str, Any, Any]]


class Connections:
    """Collects new connections and changes of stored ones."""

    def __init__(self, plan: Plan) -> None:
        self._today = company_today(plan.company)
        self._stored: dict[int, list[Connection]] = defaultdict(list)
        self._new: list[Connection] = []
        self._changed: dict[int, Connection] = {}

    def load(self, points: Iterable[UsagePoint]) -> None:
        for keys in batches(point.pk for point in points):
            rows = Connection.objects.filter(usage_point__in=keys).select_related("node")
            for row in rows.order_by("usage_point", "valid_from"):
                self._stored[row.usage_point_id].append(row)

    def connect(self, entry: Entry, point: UsagePoint, node: Node) -> Told | None:
        """Connect from the row's day on; without a day only what holds already is accepted."""
        since = entry.get("connected_from")
        stored = self._stored.get(point.pk, []) if point.pk else []
        current = _in_force(stored, since or self._today)
        if current is not None and current.node_id == node.pk:
            return []
        if since is None:
            entry.fail("connected_from", _("Say since which day it is connected there."))
            return None
        return self._insert(point, node, since, stored, current)

    def _insert(
        self,
        point: UsagePoint,
        node: Node,
        since: date,
        stored: list[Connection],
        current: Connection | None,
    ) -> Told:
        before = current.node if current else None
        if current is not None and current.valid_from == since:
            current.node = node
            self._changed[current.pk] = current
            return [("network_node", before, node)]
        if current is not None:
            current.valid_to = since
            self._changed[current.pk] = current
        if point.pk is None and since <= self._today:
            # What settling would find anyway; a new row need not be written twice.
            point.network_node = node
        later = [row.valid_from for row in stored if row.valid_from > since]
        self._new.append(
            Connection(
                company=point.company,
                usage_point=point,
                node=node,
                valid_from=since,
                valid_to=min(later, default=None),
            )
        )
        return [("network_node", before, node), ("connected_from", None, since)]

    def write(self) -> list[int]:
        """Store everything; returns the keys of the usage points touched."""
        changed = list(self._changed.values())
        # Those that end earlier first, so that no two ever hold at the same time.
        Connection.objects.bulk_update(changed, ["node", "valid_to"], batch_size=_BATCH)
        Connection.objects.bulk_create(self._new, batch_size=_BATCH)
        analyze_after_bulk(Connection, len(self._new))
        return [row.usage_point_id for row in (*changed, *self._new)]


def _in_force(stored: list[Connection], day: date) -> Connection | None:
    for row in stored:
        if row.valid_from <= day and (row.valid_to is None or row.valid_to > day):
            return row
    return None
