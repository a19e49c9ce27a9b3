"""What every request passes: headers, the reader's language, the audit context, second factor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pghistory
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone, translation

from .addresses import client_address
from .second_factor import second_factor_settled
from .selectors import zone_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse


__all__ = [
    "AddressLengthMiddleware",
    "AuditMiddleware",
    "PreferencesMiddleware",
    "SecondFactorMiddleware",
    "SecurityHeadersMiddleware",
]

# The pages on which a second factor is set up, and those that show nothing of a company.
_WITHOUT_SECOND_FACTOR = ("/account/", "/static/", "/healthz", "/i18n/")
# Characters; addresses of the longest list of the admin stay far below.
_QUERY_LIMIT = 8_192
_READ_ONLY = {"GET", "HEAD", "OPTIONS", "TRACE"}


class SecurityHeadersMiddleware:
    """Headers that Django has no setting for; on every answer, errors included."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault(
            "Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
        )
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault("X-Frame-Options", settings.X_FRAME_OPTIONS)
        if not request.path.startswith(settings.STATIC_URL):
            response.headers.setdefault("Cache-Control", "no-store, private")
        return response


class AddressLengthMiddleware:
    """Refuses what no page asks for: an address so long that a list's links would repeat it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if len(request.META.get("QUERY_STRING", "")) > _QUERY_LIMIT:
            raise RequestDataTooBig("The query string is too long.")
        return self.get_response(request)


class PreferencesMiddleware:
    """Pages speak the language the user chose, and forms take times as the user's company counts them.

    Whoever belongs to companies of several zones, or to none, has the server's zone.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated:
            return self.get_response(request)
        translation.activate(request.user.language)
        request.LANGUAGE_CODE = translation.get_language()
        with timezone.override(zone_of(request.user)):
            return self.get_response(request)


class AuditMiddleware:
    """Every change a request makes carries who made it, from where, and why."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method in _READ_ONLY:
            return self.get_response(request)
        context: dict[str, Any] = {
            "user": request.user.pk,
            "ip": client_address(request) or None,
            "url": request.path[:200],
        }
        # The reason is asked for in the forms that change something that was measured.
        if reason := request.POST.get("audit_reason", "").strip():
            context["reason"] = reason[:500]
        with pghistory.context(**context):
            return self.get_response(request)


class SecondFactorMiddleware:
    """Members of a company that asks for a second factor set one up before anything else."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(_WITHOUT_SECOND_FACTOR) and not second_factor_settled(
            request
        ):
            return redirect(reverse("mfa_index"))
        return self.get_response(request)
