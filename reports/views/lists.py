"""The lists behind the numbers of the start page: modules, and what waits in quarantine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from config.lib.paging import BoundedPaginator
from ingestion.models import Quarantine, Reason
from meters.models import TelemetryModule
from reports.panel.refusals import ADVICE
from reports.selectors import SILENT_AFTER, companies_of

from .asked import choice, one_or_404

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from accounts.models import Company

__all__ = ["modules", "quarantine"]

_A_PAGE = 50


@require_safe
@login_required
def modules(request: HttpRequest) -> HttpResponse:
    """Active modules; with `state=silent` those that were heard once and are no more."""
    company = _company(request)
    rows = TelemetryModule.objects.visible_to(request.user).filter(
        status=TelemetryModule.Status.ACTIVE
    )
    if company is not None:
        rows = rows.filter(company=company)
    state = choice(request, "state", ["silent"], "")
    if state:
        rows = rows.filter(state__last_seen_at__lt=timezone.now() - SILENT_AFTER)
    rows = rows.select_related("device_type", "place", "company", "state").order_by("serial", "pk")
    page = BoundedPaginator(rows, _A_PAGE).get_page(request.GET.get("page"))
    context = {"company": company, "state": state, "page": page, "silent_days": SILENT_AFTER.days}
    return render(request, "reports/modules.html", context)


@require_safe
@login_required
def quarantine(request: HttpRequest) -> HttpResponse:
    """Frames that did not become data, by reason and device, and what to do about each reason."""
    company = _company(request)
    rows = Quarantine.objects.visible_to(request.user).filter(resolved_at=None)
    if company is not None:
        rows = rows.filter(company=company)
    reason = choice(request, "reason", Reason.values, "")
    if reason:
        rows = rows.filter(reason=reason)
    rows = rows.select_related("module", "company").order_by("-last_at", "pk")
    page = BoundedPaginator(rows, _A_PAGE).get_page(request.GET.get("page"))
    context: dict[str, Any] = {
        "company": company,
        "reason": reason,
        "reasons": Reason.choices,
        "page": page,
        "advice": ADVICE.get(reason, ""),
    }
    return render(request, "reports/quarantine.html", context)


def _company(request: HttpRequest) -> Company | None:
    if "company" not in request.GET:
        return None
    return one_or_404(companies_of(request.user), request.GET["company"])
