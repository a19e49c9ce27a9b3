"""Trees with balances, and what one node used: days and months as the roll-ups left them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from django.utils import timezone

from hierarchy.models import Node
from hierarchy.selectors import node_children
from meters.models import ReadingType, UsagePoint
from meters.quantities import RESOURCE_SYSTEMS, Resource
from meters.selectors.balance import Balance, balances
from meters.selectors.nodes import (
    CONSUMPTION,
    NodeKey,
    NodeSum,
    main_type,
    may_read,
    node_days,
    node_sums,
)

from .overview import percent_of
from .periods import Period, PeriodKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from accounts.models import Company

__all__ = [
    "Asked",
    "Branch",
    "Branches",
    "Line",
    "NodePart",
    "branches_read",
    "node_branch",
    "node_series",
    "resource_of",
    "resources_at",
    "span_of",
    "today_of",
]

_DAY = timedelta(days=1)
_OPENED_AT_ONCE = 5
_WORST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A node as a row: what its part of the network balances to, and what is used below it."""

    node: Node
    children: int
    balance: Balance | None
    used: NodeSum
    is_over: bool

    @property
    def figures(self) -> NodeSum:
        """The values that the row's figures rest on."""
        if self.balance is not None and self.balance.is_measured:
            return self.balance.values
        return self.used

    @property
    def completeness(self) -> Decimal | None:
        """In percent; None also while the last day goes on, whose values can't all be here yet."""
        return percent_of(self.figures.completeness) if self.is_over else None

    @property
    def worst(self) -> tuple[int, Decimal]:
        """For sorting: the largest relative difference first, then the least complete."""
        percent = self.balance.percent if self.balance and self.balance.is_measured else None
        if percent is not None:
            return 0, -abs(percent)
        return 1, self.completeness if self.completeness is not None else Decimal(101)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What of a tree is looked at. resource: differs from the system for places only."""

    system: str
    resource: str
    span: tuple[date, date]
    worst_first: bool = False
    after: str = ""


class Line(NamedTuple):
    """A branch in the table; is_open: its children follow."""

    branch: Branch
    depth: int
    is_open: bool


@dataclass(frozen=True, slots=True)
class Branches:
    """Lines of a tree; more: where the next page of the last level begins, "" when that was all."""

    lines: list[Line]
    more: str = ""


def today_of(company: Company) -> date:
    """The company's calendar day."""
    return timezone.now().astimezone(ZoneInfo(company.time_zone)).date()


def span_of(period: Period, company: Company) -> tuple[date, date]:
    """Days that are over: today counts only when it was asked for by itself."""
    if period.kind == PeriodKind.DAY:
        return period.first, period.last
    return period.first, max(period.first, min(period.last, today_of(company) - _DAY))


def branches_read(
    user: Any, company: Company, asked: Asked, *, parent: Node | None, depth: int = 0
) -> Branches:
    """Children of `parent`, or the topmost nodes, with their figures.

    An only child is opened at once: a chain of single nodes would show nothing to choose from.
    """
    if asked.worst_first and parent is None and asked.system in RESOURCE_SYSTEMS:
        return _worst(user, company, asked)
    lines: list[Line] = []
    while True:
        level = node_children(
            user=user,
            company_id=company.pk,
            system=asked.system,
            parent_id=parent.pk if parent else None,
            after="" if lines else asked.after,
        )
        found = _balances(user, level.nodes, parent, asked.system, asked.span)
        rows = _branches(user, level.nodes, asked.resource, found, asked.span)
        if asked.worst_first:
            rows.sort(key=lambda row: row.worst)
        single = len(rows) == 1 and rows[0].children > 0 and len(lines) < _OPENED_AT_ONCE
        lines += [Line(row, depth, single) for row in rows]
        if not single:
            return Branches(lines, level.more or "")
        parent, depth = rows[0].node, depth + 1


def _worst(user: Any, company: Company, asked: Asked) -> Branches:
    """Metered parts of the whole network, the largest relative difference first."""
    tops = node_children(user=user, company_id=company.pk, system=asked.system, parent_id=None)
    found = _balances(user, tops.nodes, None, asked.system, asked.span)
    shares = {key: row.percent for key, row in found.items() if row.is_measured}
    measured = [(abs(share), key) for key, share in shares.items() if share is not None]
    keys = [key for _, key in sorted(measured, reverse=True)[:_WORST]]
    nodes = list(Node.objects.visible_to(user).filter(pk__in=keys))
    rows = _branches(user, nodes, asked.resource, found, asked.span)
    return Branches([Line(row, 0, False) for row in sorted(rows, key=lambda row: row.worst)])


def node_branch(user: Any, node: Node, resource: str, span: tuple[date, date]) -> Branch:
    """The node itself as a row."""
    found = _balances(user, [node], None, node.system, span)
    return _branches(user, [node], resource, found, span)[0]


def _balances(
    user: Any, nodes: Sequence[Node], parent: Node | None, system: str, span: tuple[date, date]
) -> dict[int, Balance]:
    if system not in RESOURCE_SYSTEMS.values():
        return {}
    first, last = span
    if parent is not None and may_read(user, parent):
        return balances(user=user, node=parent, first=first, last=last)
    found: dict[int, Balance] = {}
    for node in nodes:
        found |= balances(user=user, node=node, first=first, last=last)
    return found


def _branches(
    user: Any,
    nodes: Sequence[Any],
    resource: str,
    found: dict[int, Balance],
    span: tuple[date, date],
) -> list[Branch]:
    kind = main_type(resource)
    is_over = bool(nodes) and span[1] < today_of(nodes[0].company)
    sums = node_sums(user=user, nodes=nodes, reading_types=[kind], first=span[0], last=span[1])
    return [
        Branch(
            node=node,
            children=getattr(node, "child_count", 0),
            balance=found.get(node.pk),
            used=sums.get(NodeKey(node.pk, kind.pk, CONSUMPTION), NodeSum()),
            is_over=is_over,
        )
        for node in nodes
    ]


def resource_of(user: Any, company: Company) -> str:
    """The resource to begin with at places: the first that the user sees measured anywhere."""
    points = UsagePoint.objects.visible_to(user).filter(company=company)
    measured = (row for row in RESOURCE_SYSTEMS if points.filter(resource=row).exists())
    return next(measured, Resource.ELECTRICITY.value)


def resources_at(node: Node) -> list[str]:
    """Resources that can be asked for at a node: its own, or every one at a place."""
    return [node.system] if node.system in RESOURCE_SYSTEMS else list(RESOURCE_SYSTEMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePart:
    """A bar of a node's chart: an hour, a day or a month.

    number: of the hour in its day; entered: what the meters that feed the node measured.
    """

    day: date
    number: int
    used: int | None
    entered: int | None
    expected: int
    received: int


def node_series(
    user: Any, node: Node, kind: ReadingType, period: Period
) -> tuple[list[NodePart], str]:
    """Bars of the period, and which meters `entered` is of ("" where there are none)."""
    flow, fed = "", {}
    for role in (UsagePoint.Role.SUPPLY.value, UsagePoint.Role.BALANCE.value):
        fed = _by_day(user, node, kind, period, role)
        if fed:
            flow = role
            break
    used = _by_day(user, node, kind, period, CONSUMPTION)
    if period.kind in (PeriodKind.DAY, PeriodKind.WEEK):
        return _hours(period, used, fed), flow
    return _days(period, used, fed), flow


def _by_day(user: Any, node: Node, kind: ReadingType, period: Period, flow: str) -> dict[Any, Any]:
    rows = node_days(
        user=user, node=node, reading_type=kind, first=period.first, last=period.last, flow=flow
    )
    return {row.day: row for row in rows}


def _hours(period: Period, used: dict[Any, Any], fed: dict[Any, Any]) -> list[NodePart]:
    parts = []
    for day in period.days:
        mine, theirs = used.get(day), fed.get(day)
        count = max(len(row.hours) if row else 0 for row in (mine, theirs)) or 24
        for number in range(count):
            parts.append(
                NodePart(
                    day=day,
                    number=number,
                    used=_at(mine, number),
                    entered=_at(theirs, number),
                    expected=mine.channels if mine else 0,
                    received=mine.reporting if mine else 0,
                )
            )
    return parts


def _at(row: Any, number: int) -> int | None:
    if row is None or number >= len(row.hours):
        return None
    value: int | None = row.hours[number]
    return value


def _days(period: Period, used: dict[Any, Any], fed: dict[Any, Any]) -> list[NodePart]:
    """A bar a day or, for a year, a month."""
    grouped: dict[Any, list[Any]] = {}
    for day in period.days:
        key = day.replace(day=1) if period.kind == PeriodKind.YEAR else day
        grouped.setdefault(key, []).append(day)
    return [
        NodePart(
            day=key,
            number=0,
            used=_sum(used, days),
            entered=_sum(fed, days),
            expected=sum(used[day].expected for day in days if day in used),
            received=sum(used[day].received for day in days if day in used),
        )
        for key, days in grouped.items()
    ]


def _sum(rows: dict[Any, Any], days: list[Any]) -> int | None:
    known = [rows[day].total for day in days if day in rows and rows[day].received]
    return sum(known) if known else None
