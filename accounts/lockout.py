"""Guessing passwords: what is counted, and what a locked-out visitor reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

__all__ = ["guessed_address", "locked_out"]


def guessed_address(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """The e-mail address a sign-in is tried for, as counted: by its lower case."""
    given = credentials or {}
    value = given.get("email") or given.get("username") or request.POST.get("login") or ""
    return str(value).strip().lower()


def locked_out(
    request: HttpRequest, response: HttpResponse | None, credentials: dict[str, Any] | None
) -> HttpResponse:
    """The answer while guesses from this source at this address are refused (429)."""
    minutes = int(settings.AXES_COOLOFF_TIME.total_seconds() // 60)
    text = ngettext(
        "Wait %(minutes)d minute, then try again or set a new password by mail.",
        "Wait %(minutes)d minutes, then try again or set a new password by mail.",
        minutes,
    ) % {"minutes": minutes}
    words = {"title": _("Too many wrong passwords"), "text": text}
    answer = render(request, "error.html", words, status=settings.AXES_HTTP_RESPONSE_CODE)
    answer.headers["Retry-After"] = str(minutes * 60)
    return answer
