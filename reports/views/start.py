"""The start page, the part of it that renews itself, and the language switch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe
from django.views.i18n import set_language

from accounts.services.users import user_update
from reports.panel.overview import live_read, overview_read
from reports.selectors import companies_of, company_numbers

from .asked import one_or_404

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

__all__ = ["company_live", "home", "language"]

_COMPANIES_A_PAGE = 4


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Where each company that the reader sees stands now."""
    page = Paginator(companies_of(request.user), _COMPANIES_A_PAGE).get_page(
        request.GET.get("page")
    )
    context = {
        "section": "home",
        "page": page,
        "companies": [
            (overview_read(request.user, company), company_numbers(request.user, company))
            for company in page
        ],
    }
    return render(request, "reports/home.html", context)


@require_safe
@login_required
def company_live(request: HttpRequest, pk: int) -> HttpResponse:
    """State of collection, silent modules and quarantine of one company: asked for by the page."""
    company = one_or_404(companies_of(request.user), pk)
    context = {"company": company, "live": live_read(request.user, company)}
    return render(request, "reports/live.html", context)


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Remember the language: with the account, and in a cookie for the pages before sign-in."""
    if request.user.is_authenticated and request.POST.get("language") in _languages():
        user_update(actor=request.user, user=request.user, language=request.POST["language"])
    return set_language(request)  # type: ignore[no-any-return]


def _languages() -> set[str]:
    return {code for code, _name in settings.LANGUAGES}
