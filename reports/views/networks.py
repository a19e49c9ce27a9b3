"""Trees with balances, a level at a time, and the page of one node."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.models import Company
from hierarchy.kinds import System
from hierarchy.models import Node
from hierarchy.selectors import node_ancestors
from meters.quantities import RESOURCE_SYSTEMS, Resource
from meters.selectors.nodes import main_type
from reports.panel.amounts import scale_of
from reports.panel.charts import chart_of, words_of
from reports.panel.networks import (
    Asked,
    Branches,
    branches_read,
    node_branch,
    node_series,
    resource_of,
    resources_at,
    span_of,
    today_of,
)
from reports.panel.node_rows import node_rows
from reports.panel.periods import Period, PeriodKind, day_of
from reports.selectors import companies_of

from .asked import choice, key_of, one_or_404

if TYPE_CHECKING:
    from datetime import date

    from django.http import HttpRequest, HttpResponse

__all__ = ["network_rows", "networks", "node"]

_SORTS = ("name", "worst")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """What the address asks for."""

    company: Company
    system: str
    resource: str
    period: Period
    sort: str
    today: date


@require_safe
@login_required
def networks(request: HttpRequest) -> HttpResponse:
    """A company's network of one resource, or its places: topmost nodes, opened on demand."""
    companies = companies_of(request.user)
    key = key_of(request.GET.get("company", ""))
    if "company" in request.GET:
        company: Company | None = one_or_404(companies, request.GET["company"])
    else:
        company = companies.first()
    if company is None:
        return render(request, "reports/networks.html", {"section": "networks", "company": None})
    asked = _asked(request, company)
    context = {
        "section": "networks",
        "companies": companies[:20] if key is None else [],
        "systems": _systems(request, company),
        "level": _level(request, asked, None),
        "depth": 0,
        **_context(asked),
    }
    return render(request, "reports/networks.html", context)


@require_safe
@login_required
def network_rows(request: HttpRequest) -> HttpResponse:
    """Children of `parent` as a table whose rows the page above takes into its own."""
    parent = one_or_404(
        Node.objects.visible_to(request.user).select_related("company"),
        request.GET.get("parent", ""),
    )
    asked = _asked(request, parent.company, system=parent.system)
    depth = min(key_of(request.GET.get("depth", "1")) or 1, 12)
    context = {"level": _level(request, asked, parent, depth), "depth": depth, **_context(asked)}
    return render(request, "reports/network_answer.html", context | {"parent": parent})


@require_safe
@login_required
def node(request: HttpRequest, pk: int) -> HttpResponse:
    """One node: what enters and leaves it, hour by hour or day by day, and what is below it."""
    found = one_or_404(Node.objects.visible_to(request.user).select_related("company"), pk)
    asked = _asked(request, found.company, system=found.system)
    span = span_of(asked.period, found.company)
    kind = main_type(asked.resource)
    scale = scale_of(kind)
    parts, fed_by = node_series(request.user, found, kind, asked.period)
    rows = node_rows(found, parts, asked.period, scale)
    chart = chart_of(rows, instant=False, resource=asked.resource, unit=scale.unit)
    if fed_by:
        chart["before"] = _("supply") if fed_by == "supply" else _("inlet meters below")
    states = {row.state for row in rows}
    context = {
        "node": found,
        "ancestors": Node.objects.visible_to(request.user)
        .filter(pk__in=node_ancestors([found])[found.pk])
        .order_by("lft"),
        "branch": node_branch(request.user, found, asked.resource, span),
        "level": _level(request, asked, found),
        "resources": [(row, Resource(row).label) for row in resources_at(found)],
        "rows": rows,
        "chart": chart,
        "fed_by": fed_by,
        "legend": [(state, text) for state, text in words_of().items() if state in states],
        "is_known": any(row.number is not None or row.before is not None for row in rows),
        "depth": 0,
        **_context(asked),
    }
    return render(request, "reports/node.html", context)


def _asked(request: HttpRequest, company: Company, *, system: str = "") -> Address:
    systems = [row.value for row in System]
    known = _systems(request, company) if not system else []
    default = known[0][0] if known else System.TERRITORY.value
    system = system or choice(request, "system", systems, default)
    resource = system
    if system not in RESOURCE_SYSTEMS:
        resource = choice(request, "resource", list(RESOURCE_SYSTEMS), "")
        resource = resource or resource_of(request.user, company)
    kind = PeriodKind(choice(request, "period", PeriodKind.values, PeriodKind.DAY))
    today = today_of(company)
    day = day_of(request.GET.get("date", ""), today - timedelta(days=1))
    return Address(
        company=company,
        system=system,
        resource=resource,
        period=Period.around(kind, day),
        sort=choice(request, "sort", _SORTS, "name"),
        today=today,
    )


def _systems(request: HttpRequest, company: Company) -> list[tuple[str, Any]]:
    """Systems in which the reader sees any node, networks before places."""
    rows = Node.objects.visible_to(request.user).filter(company=company)
    found = set(rows.order_by().values_list("system", flat=True).distinct())
    ordered = sorted(System, key=lambda row: row == System.TERRITORY)
    return [(row.value, row.label) for row in ordered if row.value in found]


def _level(request: HttpRequest, address: Address, parent: Node | None, depth: int = 0) -> Branches:
    asked = Asked(
        system=address.system,
        resource=address.resource,
        span=span_of(address.period, address.company),
        worst_first=address.sort == "worst",
        after=request.GET.get("after", "")[:300].replace("\x00", ""),
    )
    return branches_read(request.user, address.company, asked, parent=parent, depth=depth)


def _context(asked: Address) -> dict[str, Any]:
    kind = main_type(asked.resource)
    _first, last = span_of(asked.period, asked.company)
    address = {
        "company": asked.company.pk,
        "system": asked.system,
        "resource": asked.resource,
        "period": str(asked.period.kind),
        "sort": asked.sort,
    }
    return {
        "company": asked.company,
        "system": asked.system,
        "resource": asked.resource,
        "is_network": asked.system in RESOURCE_SYSTEMS,
        "period": asked.period,
        "period_kinds": PeriodKind.choices,
        "sort": asked.sort,
        "today_local": asked.today,
        "scale": scale_of(kind),
        "label": kind.label,
        "span_last": last if last != asked.period.last else None,
        "is_going_on": last >= asked.today,
        "address": address,
        "day": asked.period.first.isoformat(),
        "all_resources": [(row, Resource(row).label) for row in RESOURCE_SYSTEMS],
    }
