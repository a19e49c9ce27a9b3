"""Days and sums of nodes, as the roll-ups left them (`meters.models.rollups`).

Every function takes `user` and answers as if nothing were there when that user may not see the
measured data of the node; None is the system itself. Amounts are integers of the reading type's
unit × 10^exponent. Days are local days of the company, both ends included.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from django.db.models import Sum
from numpy.typing import NDArray

from accounts.grants import grants_of
from hierarchy.models import Node
from meters.models import NodeBlock, NodeMonth, ReadingType, UsagePoint
from meters.partitions import month_add, month_start
from meters.quantities import Resource
from meters.rollups.layout import FLOWS, flow_sql
from meters.wire import cursor, integers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from accounts.models import Company

__all__ = [
    "CONSUMPTION",
    "MAIN_TYPES",
    "NodeColumns",
    "NodeDay",
    "NodeKey",
    "NodeSum",
    "main_type",
    "may_read",
    "node_days",
    "node_months",
    "node_sums",
]

Ints = NDArray[np.int64]

_DAY = timedelta(days=1)
# The month's part of the primary key, beside the company's nodes.
_MONTH = f"""
SELECT m.node_id, m.reading_type_id * 3 + {flow_sql("m.flow")}, m.total::bigint, m.expected,
    m.received, m.estimated
FROM meters_node_month m JOIN hierarchy_node n ON n.id = m.node_id AND n.company_id = %s
WHERE m.month = %s
"""
CONSUMPTION = UsagePoint.Role.CONSUMPTION.value
# The reading type that stands for a resource where one figure is shown.
MAIN_TYPES: dict[str, str] = {
    Resource.ELECTRICITY: "electricity.active.import",
    Resource.COLD_WATER: "cold_water.volume",
    Resource.HOT_WATER: "hot_water.volume",
    Resource.GAS: "gas.volume",
    Resource.HEAT: "heat.energy",
}


class NodeKey(NamedTuple):
    """What a sum is of; flow is a `UsagePoint.Role`."""

    node_id: int
    reading_type_id: int
    flow: str


@dataclass(frozen=True, slots=True)
class NodeSum:
    """An amount, and how many of its values are there."""

    total: int = 0
    expected: int = 0
    received: int = 0
    estimated: int = 0

    def __add__(self, other: NodeSum) -> NodeSum:
        return NodeSum(
            self.total + other.total,
            self.expected + other.expected,
            self.received + other.received,
            self.estimated + other.estimated,
        )

    @property
    def is_complete(self) -> bool:
        return self.received >= self.expected

    @property
    def completeness(self) -> Decimal | None:
        """Received ÷ expected, 0 to 1; None when nothing is expected."""
        if not self.expected:
            return None
        return min(Decimal(1), Decimal(self.received) / self.expected)


@dataclass(frozen=True, slots=True)
class NodeDay(NodeSum):
    """One day of a node. hours: an amount for each hour of the local day, None where nothing is
    known; `total` also holds values longer than an hour. channels: should report; reporting: do.
    """

    day: date | None = None
    hours: tuple[int | None, ...] = ()
    channels: int = 0
    reporting: int = 0


class NodeColumns(NamedTuple):
    """Sums of many nodes, a row a node, reading type and flow."""

    node: Ints
    reading_type: Ints
    flow: NDArray[np.str_]
    total: Ints
    expected: Ints
    received: Ints
    estimated: Ints


def main_type(resource: str) -> ReadingType:
    """The reading type that stands for `resource` (`MAIN_TYPES`)."""
    return ReadingType.objects.get(code=MAIN_TYPES[resource])


def may_read(user: Any, node: Node) -> bool:
    """Whether `user` (None: the system) may see what was measured at the node and below it."""
    return user is None or grants_of(user).covers(
        "view_meters", company_id=node.company_id, node=node
    )


def node_days(
    *,
    user: Any,
    node: Node,
    reading_type: ReadingType,
    first: date,
    last: date,
    flow: str = CONSUMPTION,
) -> list[NodeDay]:
    """Days that have been rolled up, in order; `expected` is that of the whole day."""
    if not may_read(user, node):
        return []
    rows = NodeBlock.objects.filter(
        node=node, reading_type=reading_type, flow=flow, day__range=(first, last)
    )
    return [
        NodeDay(
            total=row.total,
            expected=row.expected,
            received=row.received,
            estimated=row.estimated,
            day=row.day,
            hours=tuple(row.hours),
            channels=row.channels,
            reporting=row.reporting,
        )
        for row in rows.order_by("day")
    ]


def node_sums(
    *,
    user: Any,
    nodes: Iterable[Node],
    reading_types: Sequence[ReadingType],
    first: date,
    last: date,
) -> dict[NodeKey, NodeSum]:
    """Sums over the days; nodes without any are left out. Whole months come from month totals,
    which follow within a minute. `expected` is that of whole days, today's as well.
    """
    keys = [node.pk for node in nodes if may_read(user, node)]
    of = {"node__in": keys, "reading_type__in": [row.pk for row in reading_types]}
    found: dict[NodeKey, NodeSum] = {}
    months, pieces = _split(first, last)
    _add(found, NodeMonth.objects.filter(month__in=months, **of))
    for begin, end in pieces:
        _add(found, NodeBlock.objects.filter(day__range=(begin, end), **of))
    return found


def node_months(*, user: Any, company: Company, month: date) -> NodeColumns:
    """A calendar month (its first day) of all nodes of a company that the user may read."""
    with cursor() as run:
        columns = integers(run, _MONTH, [company.pk, month], width=6)
    kept = _readable(user, company, columns[0])
    node, key, *measures = (column if kept is None else column[kept] for column in columns)
    reading_type, flow = np.divmod(key, len(FLOWS))
    return NodeColumns(node, reading_type, np.array(FLOWS)[flow], *measures)


def _readable(user: Any, company: Company, nodes: Ints) -> NDArray[np.bool_] | None:
    """Which of the nodes the user may read; None: all."""
    if user is None or grants_of(user).may("view_meters", company.pk):
        return None
    kept = np.zeros(len(nodes), np.bool_)
    for reach in grants_of(user).nodes.get("view_meters", ()):
        below = Node.objects.filter(
            company=company.pk, tree_id=reach.tree_id, lft__range=(reach.left, reach.right)
        )
        kept |= np.isin(nodes, np.array(below.values_list("pk", flat=True), np.int64))
    return kept


def _add(found: dict[NodeKey, NodeSum], rows: Any) -> None:
    measures = ("total", "expected", "received", "estimated")
    sums = {f"sum_{name}": Sum(name) for name in measures}
    for row in rows.order_by().values_list("node", "reading_type", "flow").annotate(**sums):
        key = NodeKey(*row[:3])
        found[key] = found.get(key, NodeSum()) + NodeSum(*(int(value) for value in row[3:]))


def _split(first: date, last: date) -> tuple[list[date], list[tuple[date, date]]]:
    """Whole calendar months, and the stretches of days around them."""
    months = [
        month
        for month in _months(first, last)
        if first <= month and month_add(month, 1) - _DAY <= last
    ]
    if not months:
        return [], [(first, last)]
    pieces = [(first, months[0] - _DAY), (month_add(months[-1], 1), last)]
    return months, [piece for piece in pieces if piece[0] <= piece[1]]


def _months(first: date, last: date) -> Iterator[date]:
    month = month_start(first)
    while month <= last:
        yield month
        month = month_add(month, 1)
