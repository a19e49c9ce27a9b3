"""The start page's figures of one company, within what the reader may see.

Everything comes from sums that are kept anyway: days of the topmost places, counts of modules, and
the quarantine's own counters. A page costs a dozen indexed queries however large the company is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Q, Sum
from django.utils import timezone

from accounts.grants import grants_of
from hierarchy.models import Node
from ingestion.health import health_read
from ingestion.models import Quarantine, Reason
from meters.models import ReadingType, TelemetryModule
from meters.quantities import Resource
from meters.selectors.completeness import Counts, company_completeness
from meters.selectors.nodes import CONSUMPTION, MAIN_TYPES, NodeDay, node_days
from reports.selectors import SILENT_AFTER, Bounded, bounded_count

from .amounts import Scale, scale_of
from .series import slot_start

if TYPE_CHECKING:
    from datetime import date

    from accounts.models import Company

__all__ = [
    "Live",
    "Overview",
    "ResourceToday",
    "Spark",
    "live_read",
    "overview_read",
    "percent_of",
    "top_places",
]

_TOPS = 50
_WEEK = timedelta(days=7)
_DAY = timedelta(days=1)
# An hour counts as whole when no more than this part of its values is missing besides the usual.
_NEARLY = Decimal("0.15")
# Size of the little chart in units of its own coordinate system.
_WIDTH, _HEIGHT = 240, 44


class Spark(NamedTuple):
    """A column of the little chart: today's hour, and the same of a week ago as a mark.

    awaited: values of the hour are still on their way, so it is not compared.
    """

    x: float
    width: float
    y: float
    height: float
    mark: float | None
    awaited: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceToday:
    """One resource: what was used today so far, and until the same hour a week ago.

    until: local time of the end of the last hour that is compared; channels, reporting: who should
    report today and who has.
    """

    resource: str
    label: str
    scale: Scale
    amount: int | None
    before: int | None
    until: str
    channels: int
    reporting: int
    sparks: list[Spark]

    @property
    def change(self) -> int | None:
        if self.amount is None or not self.before:
            return None
        return round((self.amount - self.before) / self.before * 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What changes by the second: collection as the engine tells it, and what was refused."""

    health: dict[str, Any] | None
    quarantine: list[tuple[str, str, int]]
    silent: Bounded
    active: Bounded
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """One company on the start page. counts: of yesterday's values."""

    company: Company
    today: date
    yesterday: date
    resources: list[ResourceToday]
    counts: Counts
    live: Live


def top_places(user: Any, company: Company) -> list[Node]:
    """Topmost places whose readings the user may see: roots, or the granted places."""
    rows = Node.objects.filter(company=company, system="territory")
    grants = grants_of(user)
    if grants.may("view_meters", company.pk):
        return list(rows.filter(parent=None).order_by("pk")[:_TOPS])
    starts = Q(pk__in=[])
    for reach in grants.nodes.get("view_meters", ()):
        if reach.company_id == company.pk:
            starts |= Q(tree_id=reach.tree_id, lft=reach.left)
    found: list[Node] = []
    for node in rows.filter(starts).order_by("tree_id", "lft")[:_TOPS]:
        # A grant inside of another one would count its usage points twice.
        if not any(top.tree_id == node.tree_id and node.rght < top.rght for top in found):
            found.append(node)
    return found


def overview_read(user: Any, company: Company) -> Overview:
    zone = ZoneInfo(company.time_zone)
    today = timezone.now().astimezone(zone).date()
    tops = top_places(user, company)
    resources = []
    types = {row.code: row for row in ReadingType.objects.filter(code__in=MAIN_TYPES.values())}
    for resource, code in MAIN_TYPES.items():
        kind = types.get(code)
        if kind is None:
            continue
        days = _days(user, tops, kind, today)
        if any(days.values()):
            resources.append(_resource(resource, kind, days, today, zone))
    return Overview(
        company=company,
        today=today,
        yesterday=today - _DAY,
        resources=resources,
        counts=company_completeness(
            user=user, company=company, first=today - _DAY, last=today - _DAY
        ),
        live=live_read(user, company),
    )


def _days(user: Any, tops: list[Node], kind: ReadingType, today: date) -> dict[date, list[NodeDay]]:
    wanted = (today - _WEEK, today - _DAY, today)
    found: dict[date, list[NodeDay]] = {day: [] for day in wanted}
    for node in tops:
        for day in node_days(
            user=user, node=node, reading_type=kind, first=wanted[0], last=today, flow=CONSUMPTION
        ):
            if day.day in found:
                found[day.day].append(day)
    return found


def _resource(
    resource: str,
    kind: ReadingType,
    days: dict[date, list[NodeDay]],
    today: date,
    zone: ZoneInfo,
) -> ResourceToday:
    now = _hours(days[today])
    before = _hours(days[today - _WEEK])
    until = _compared(now, days[today], days[today - _DAY])
    used = [value for value in now[:until] if value is not None]
    earlier = [value for value in before[:until] if value is not None]
    reporting = days[today] or days[today - _DAY]
    return ResourceToday(
        resource=resource,
        label=str(Resource(resource).label),
        scale=scale_of(kind),
        amount=sum(used) if used else None,
        before=sum(earlier) if earlier else None,
        until=_clock(today, until, zone) if until else "",
        channels=sum(day.channels for day in reporting),
        reporting=sum(day.reporting for day in days[today]),
        sparks=_sparks(now, before, until),
    )


def _compared(now: list[int | None], today: list[NodeDay], yesterday: list[NodeDay]) -> int:
    """How many hours are compared: not the last ones while their values are still arriving.

    Sums know how many values of the day are there, not of which hour: those of whole hours are as
    many as yesterday, when as many meters were silent.
    """
    known = [number + 1 for number, value in enumerate(now) if value is not None]
    due = Decimal(sum(day.expected for day in today))
    if not known or not due:
        return known[-1] if known else 0
    usual = sum(day.expected for day in yesterday)
    share = Decimal(sum(day.received for day in yesterday)) / usual if usual else Decimal(1)
    hours = sum(day.received for day in today) * len(now) / (due * (share or 1))
    return min(known[-1], int(hours + _NEARLY))


def _clock(day: date, hours: int, zone: ZoneInfo) -> str:
    """Local time so many hours after midnight; not the number of hours when the clock changed."""
    return f"{slot_start(day, hours, 60, zone).astimezone(zone):%H:%M}"


def _hours(days: list[NodeDay]) -> list[int | None]:
    """Hour by hour over several places; None where none of them knows anything."""
    found: list[int | None] = [None] * max((len(day.hours) for day in days), default=0)
    for day in days:
        for number, value in enumerate(day.hours):
            if value is not None:
                found[number] = (found[number] or 0) + value
    return found


def _sparks(now: list[int | None], before: list[int | None], until: int) -> list[Spark]:
    count = max(len(now), len(before))
    top = max((value for value in [*now, *before] if value is not None), default=0)
    if not count or top <= 0:
        return []
    step, found = _WIDTH / count, []
    for number in range(count):
        value = now[number] if number < len(now) else None
        mark = before[number] if number < len(before) else None
        height = max(0.0, (value or 0) / top * (_HEIGHT - 4))
        found.append(
            Spark(
                round(number * step + 1, 1),
                round(step - 2, 1),
                round(_HEIGHT - height, 1),
                round(height, 1),
                None if mark is None else round(_HEIGHT - max(0, mark) / top * (_HEIGHT - 4), 1),
                number >= until,
            )
        )
    return found


def live_read(user: Any, company: Company) -> Live:
    """The part of the page that is asked for again every few seconds."""
    now = timezone.now()
    active = TelemetryModule.objects.visible_to(user).filter(
        company=company, status=TelemetryModule.Status.ACTIVE
    )
    return Live(
        health=health_read(),
        quarantine=quarantine_by_reason(user, company),
        silent=bounded_count(active.filter(state__last_seen_at__lt=now - SILENT_AFTER)),
        active=bounded_count(active),
        at=now,
    )


def quarantine_by_reason(user: Any, company: Company) -> list[tuple[str, str, int]]:
    """Reason, its words and how many frames of the last week wait, the most first."""
    rows = (
        Quarantine.objects.visible_to(user)
        .filter(company=company, resolved_at=None, last_at__gte=timezone.now() - _WEEK)
        .order_by()
        .values_list("reason")
        .annotate(frames=Sum("count"))
    )
    labels = dict(Reason.choices)
    found = [(reason, str(labels.get(reason, reason)), int(count)) for reason, count in rows]
    return sorted(found, key=lambda row: -row[2])


def percent_of(share: Decimal | None) -> Decimal | None:
    """A share in percent with one decimal, rounded down so that 100 means that nothing is missing."""
    return None if share is None else Decimal(int(share * 1000)) / 10
