"""What the start page, the search and the page of a usage point read, through the one door."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from django.db.models import Prefetch, Q
from django.utils import timezone

from accounts.grants import grants_of
from accounts.models import Company
from hierarchy.models import Node
from meters.models import (
    Connection,
    Installation,
    InstallationReading,
    Meter,
    TelemetryModule,
    UsagePoint,
)
from meters.quantities import RESOURCE_SYSTEMS

if TYPE_CHECKING:
    from django.db.models import Model, QuerySet

__all__ = [
    "COUNT_LIMIT",
    "HITS",
    "SHORTEST_QUERY",
    "SILENT_AFTER",
    "Bounded",
    "CompanyNumbers",
    "Found",
    "bounded_count",
    "companies_of",
    "company_numbers",
    "found",
    "usage_point_page",
    "usage_points_below",
]

COUNT_LIMIT = 100_000
HITS = 20
# Trigram indexes answer from three characters on; anything shorter would read whole tables.
SHORTEST_QUERY = 3
SILENT_AFTER = timedelta(days=2)
_VERIFICATION_AHEAD = timedelta(days=30)

M = TypeVar("M", bound="Model")


@dataclass(frozen=True, slots=True)
class Bounded:
    """A count that stops at COUNT_LIMIT; `more` says that there are more rows than that."""

    value: int
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyNumbers:
    """One company's figures on the start page, within what the reader may see."""

    company: Company
    usage_points: list[tuple[str, str, Bounded]]
    meters: Bounded
    modules: Bounded
    silent: Bounded
    due: Bounded


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Hits of a search, at most HITS of each kind; `cut` names the kinds that had more."""

    usage_points: list[UsagePoint]
    meters: list[Meter]
    modules: list[TelemetryModule]
    places: list[Node]
    cut: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.usage_points or self.meters or self.modules or self.places)


def companies_of(user: Any) -> QuerySet[Company]:
    """Companies in which `user` may see meters somewhere, by name.

    Their settings are another matter (`view_company`); here only the name and time zone show.
    """
    grants = grants_of(user)
    rows = Company.objects.filter(is_active=True).order_by("name")
    if "view_meters" in grants.platform:
        return rows
    return rows.filter(pk__in=grants.company_ids("view_meters"))


def company_numbers(user: Any, company: Company) -> CompanyNumbers:
    """Counts for one company; nine bounded queries, whatever the company's size."""
    points = UsagePoint.objects.visible_to(user).filter(company=company, is_active=True)
    installed = Meter.objects.visible_to(user).filter(
        company=company, status=Meter.Status.INSTALLED
    )
    active = TelemetryModule.objects.visible_to(user).filter(
        company=company, status=TelemetryModule.Status.ACTIVE
    )
    now = timezone.now()
    # A module that was never heard is not yet in use; one that fell silent is news.
    silent = Q(state__last_seen_at__lt=now - SILENT_AFTER)
    labels = dict(UsagePoint._meta.get_field("resource").flatchoices)
    return CompanyNumbers(
        company=company,
        usage_points=[
            (resource, str(labels[resource]), bounded_count(points.filter(resource=resource)))
            for resource in RESOURCE_SYSTEMS
        ],
        meters=bounded_count(installed),
        modules=bounded_count(active),
        silent=bounded_count(active.filter(silent)),
        due=bounded_count(
            installed.filter(verification_due_on__lte=now.date() + _VERIFICATION_AHEAD)
        ),
    )


def bounded_count(rows: QuerySet[Any]) -> Bounded:
    number = rows.order_by()[: COUNT_LIMIT + 1].count()
    return Bounded(min(number, COUNT_LIMIT), number > COUNT_LIMIT)


def found(user: Any, text: str) -> Found:
    """Rows whose code, serial number or address contains every word of `text`."""
    words = text.split()[:6]
    points = UsagePoint.objects.visible_to(user).select_related("place")
    by_code = _cut(points.filter(_all(words, "code")).order_by("code", "pk"))
    by_place = _cut(points.filter(_all(words, "place__path")).order_by("code", "pk"))
    meters = (
        Meter.objects.visible_to(user)
        .select_related("device_type", "usage_point__place")
        .filter(_all(words, "serial"))
    )
    modules = (
        TelemetryModule.objects.visible_to(user)
        .select_related("device_type", "place")
        .filter(_all(words, "serial") | _all(words, "address"))
    )
    places = Node.objects.visible_to(user).filter(_all(words, "path")).order_by("level", "pk")
    return _found(
        list({row.pk: row for row in [*by_code, *by_place]}.values()),
        _cut(meters),
        _cut(modules),
        _cut(places),
    )


def _found(
    points: list[UsagePoint],
    meters: list[Meter],
    modules: list[TelemetryModule],
    places: list[Node],
) -> Found:
    kinds: dict[str, list[Any]] = {
        "usage_points": points,
        "meters": meters,
        "modules": modules,
        "places": places,
    }
    return Found(
        usage_points=points[:HITS],
        meters=meters[:HITS],
        modules=modules[:HITS],
        places=places[:HITS],
        cut=frozenset(kind for kind, rows in kinds.items() if len(rows) > HITS),
    )


def _all(words: list[str], path: str) -> Q:
    condition = Q()
    for word in words:
        condition &= Q(**{f"{path}__icontains": word})
    return condition


def _cut(rows: QuerySet[M]) -> list[M]:
    return list(rows[: HITS + 1])


def usage_points_below(user: Any, node: Node) -> QuerySet[UsagePoint]:
    """Usage points at the node or anywhere below it: by place, or by connection in a network."""
    path = "place" if node.system == "territory" else "network_node"
    below = {
        f"{path}__tree_id": node.tree_id,
        f"{path}__lft__gte": node.lft,
        f"{path}__rght__lte": node.rght,
    }
    return (
        UsagePoint.objects.visible_to(user)
        .filter(**below)
        .select_related("place")
        .order_by(f"{path}__lft", "code", "pk")
    )


def usage_point_page(user: Any, pk: int) -> UsagePoint | None:
    """A usage point with its connections, installations and their readings; None if unseen."""
    connections: QuerySet[Any] = Connection.objects.visible_to(user).select_related("node")
    readings = InstallationReading.objects.visible_to(user).select_related("reading_type")
    installations: QuerySet[Any] = (
        Installation.objects.visible_to(user)
        .select_related("meter__device_type", "meter__module__state")
        .prefetch_related(Prefetch("readings", readings))
    )
    return (
        UsagePoint.objects.visible_to(user)
        .select_related("company", "place", "network_node")
        .prefetch_related(
            Prefetch("installations", installations),
            Prefetch("connections", connections),
        )
        .filter(pk=pk)
        .first()
    )
