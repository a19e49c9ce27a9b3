"""Pages of the web UI: start, search, one usage point."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from django.views.i18n import set_language

from accounts.services.users import user_update
from config.lib.paging import BoundedPaginator
from hierarchy.models import Node
from meters.models import Meter, UsagePoint

from .selectors import (
    HITS,
    SHORTEST_QUERY,
    companies_of,
    company_numbers,
    found,
    usage_point_page,
    usage_points_below,
)

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

_COMPANIES_A_PAGE = 4
_POINTS_A_PAGE = 50
_LONGEST_QUERY = 100
# The largest key PostgreSQL can hold; a longer number in an address is nobody's.
_LARGEST_KEY = 2**63 - 1


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Number cards of each company the reader sees."""
    page = Paginator(companies_of(request.user), _COMPANIES_A_PAGE).get_page(
        request.GET.get("page")
    )
    context = {
        "section": "home",
        "page": page,
        "companies": [company_numbers(request.user, company) for company in page],
    }
    return render(request, "reports/home.html", context)


@require_safe
@login_required
def search(request: HttpRequest) -> HttpResponse:
    """Hits for `q`, or with `place` the usage points below that node."""
    if "place" in request.GET:
        return _place(request, request.GET["place"])
    query = request.GET.get("q", "").replace("\x00", "").strip()[:_LONGEST_QUERY]
    context: dict[str, Any] = {"query": query, "shortest": SHORTEST_QUERY, "limit": HITS}
    if any(len(word) >= SHORTEST_QUERY for word in query.split()):
        context["found"] = found(request.user, query)
    return render(request, "reports/search.html", context)


def _place(request: HttpRequest, key: str) -> HttpResponse:
    node = None
    if key.isascii() and key.isdigit() and int(key) <= _LARGEST_KEY:
        node = Node.objects.visible_to(request.user).filter(pk=int(key)).first()
    if node is None:
        raise Http404
    rows = usage_points_below(request.user, node)
    page = BoundedPaginator(rows, _POINTS_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "reports/place.html", {"node": node, "page": page})


@require_safe
@login_required
def usage_point(request: HttpRequest, pk: int) -> HttpResponse:
    """One usage point: where it is, what measures it, what did before."""
    point = usage_point_page(request.user, pk) if pk <= _LARGEST_KEY else None
    if point is None:
        raise Http404
    installations = list(point.installations.all())
    current = next((row for row in installations if row.removed_at is None), None)
    context = {
        "point": point,
        "installations": installations,
        "connections": list(point.connections.all()),
        "current": current,
        "today": timezone.localdate(),
        "change_url": _change_url(request, point),
        "meter_url": _change_url(request, current.meter) if current else None,
    }
    return render(request, "reports/usage_point.html", context)


def _change_url(request: HttpRequest, row: UsagePoint | Meter) -> str | None:
    """Address of the row in the administration, for readers who may change it there."""
    if not getattr(request.user, "is_staff", False):
        return None
    if not type(row).objects.visible_to(request.user, "change").filter(pk=row.pk).exists():
        return None
    return reverse(f"admin:meters_{row._meta.model_name}_change", args=[row.pk])


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Remember the language: with the account, and in a cookie for the pages before sign-in."""
    if request.user.is_authenticated and request.POST.get("language") in _languages():
        user_update(actor=request.user, user=request.user, language=request.POST["language"])
    return set_language(request)  # type: ignore[no-any-return]


def _languages() -> set[str]:
    return {code for code, _name in settings.LANGUAGES}
