"""Search, and the usage points of a place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.views.decorators.http import require_safe

from config.lib.paging import BoundedPaginator
from hierarchy.models import Node
from reports.selectors import HITS, SHORTEST_QUERY, found, usage_points_below

from .asked import one_or_404

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

__all__ = ["search"]

_POINTS_A_PAGE = 50
_LONGEST_QUERY = 100


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
    node = one_or_404(Node.objects.visible_to(request.user), key)
    rows = usage_points_below(request.user, node)
    page = BoundedPaginator(rows, _POINTS_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "reports/place.html", {"node": node, "page": page})
