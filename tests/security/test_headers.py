"""S22: every answer of every route carries the headers, whatever went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404
from django.test import Client, override_settings
from django.urls import path

from config import urls as site
from tests.access.walk import person_of
from tests.security.pages import admin_pages, every_path, outside_pages

if TYPE_CHECKING:
    from tests.people import World

_WANTED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_CSP = (
    "default-src 'none'",
    "object-src 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "form-action 'self'",
    "style-src 'self'",
)
_FORBIDDEN = ("*", "http:", "https:", "data: 'self'")


def missing(response: Any) -> list[str]:
    """What an answer lacks; empty for a good one."""
    headers = response.headers
    faults = [
        f"{name}: {headers.get(name)}"
        for name, value in _WANTED.items()
        if headers.get(name) != value
    ]
    policy = headers.get("Content-Security-Policy", "")
    faults += [f"CSP lacks {part}" for part in _CSP if part not in policy]
    faults += [
        f"CSP allows {part}"
        for part in _FORBIDDEN
        if f" {part}" in policy.replace("img-src 'self' data:", "")
    ]
    if "unsafe" in policy:
        faults.append("CSP allows what is unsafe")
    allowed = headers.get("Permissions-Policy", "")
    if "camera=()" not in allowed or "geolocation=()" not in allowed:
        faults.append("Permissions-Policy")
    if "Server" in headers or "X-Powered-By" in headers:
        faults.append("tells its software")
    if "no-store" not in headers.get("Cache-Control", ""):
        faults.append(f"Cache-Control: {headers.get('Cache-Control')}")
    return faults + _cookie_faults(response)


def _cookie_faults(response: Any) -> list[str]:
    return [
        f"cookie {name}"
        for name, cookie in response.cookies.items()
        if cookie.value and not (cookie["httponly"] and cookie["samesite"] == "Lax")
    ]


@pytest.mark.parametrize("person", ["operator", "clerk", "anonymous"])
def test_every_route(world: World, person: str) -> None:
    client = Client(raise_request_exception=False)
    if user := person_of(world, person):
        client.force_login(user)
    bare = every_path()
    paths = [*bare, *outside_pages(world.city)]
    if person == "operator":
        paths += admin_pages(world.city)
    faults = []
    for url in dict.fromkeys(paths):
        for method in ("GET", "POST") if url in bare else ("GET",):
            response = client.generic(method, url)
            lacking = missing(response)
            if url.startswith("/static/"):
                lacking = [fault for fault in lacking if not fault.startswith("Cache-Control")]
            faults += [f"{method} {url} {response.status_code}: {fault}" for fault in lacking]
            if "logout" in url and user is not None:
                client.force_login(user)
    assert faults == []


def _raises(error: Exception) -> Any:
    def view(request: Any) -> Any:
        raise error

    return view


handler400, handler403 = site.handler400, site.handler403
handler404, handler500 = site.handler404, site.handler500
urlpatterns = [
    *site.urlpatterns,
    path("broken/", _raises(ZeroDivisionError("CANARYSECRET"))),
    path("refused/", _raises(PermissionDenied("CANARYSECRET"))),
    path("gone/", _raises(Http404("CANARYSECRET"))),
    path("odd/", _raises(SuspiciousOperation("CANARYSECRET"))),
]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("url", "status"), [("/broken/", 500), ("/refused/", 403), ("/gone/", 404), ("/odd/", 400)]
)
@override_settings(ROOT_URLCONF="tests.security.test_headers")
def test_errors_carry_them_and_tell_nothing(url: str, status: int) -> None:
    response = Client(raise_request_exception=False).get(url)
    assert response.status_code == status
    assert missing(response) == []
    assert b"CANARYSECRET" not in response.content
    assert b"Traceback" not in response.content


@pytest.mark.django_db
def test_a_foreign_host_is_refused_with_headers() -> None:
    response = Client().get("/healthz", headers={"host": "evil.example"})
    assert response.status_code == 400
    assert missing(response) == []


@pytest.mark.django_db
def test_a_missing_header_is_noticed() -> None:
    response = Client().get("/healthz")
    assert missing(response) == []
    del response.headers["X-Frame-Options"]
    assert missing(response) == ["X-Frame-Options: None"]
