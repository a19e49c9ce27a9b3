"""S6: every page that changes something refuses a form that was not its own.

Generated over the addresses of the site: a new page is in it by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.people import World

# Answers that no session makes, so that a foreign page could gain nothing by asking.
EXEMPT: frozenset[str] = frozenset()


def routes(resolver: URLResolver | None = None, prefix: str = "/") -> Iterator[tuple[str, Any]]:
    """Every address with something in place of its variables, and its view."""
    for item in (resolver or get_resolver()).url_patterns:
        pattern: Any = item.pattern
        path = prefix + fill(pattern)
        if isinstance(item, URLPattern):
            yield path, item.callback
        else:
            yield from routes(item, path)


def fill(pattern: Any) -> str:
    if hasattr(pattern, "_route"):
        text = str(pattern._route)
        for name in pattern.converters:
            for kind in ("int", "str", "slug", "path", "uuid"):
                text = text.replace(f"<{kind}:{name}>", "1")
            text = text.replace(f"<{name}>", "1")
        return text
    import re

    from django.contrib.admindocs.views import simplify_regex

    return re.sub(r"<\w+>", "1", simplify_regex(pattern._regex)).lstrip("/")


def test_every_post_needs_the_token(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.operator)
    seen = 0
    for path, view in routes():
        if path in EXEMPT:
            continue
        assert not getattr(view, "csrf_exempt", False), path
        seen += 1
    assert seen > 60


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_answer_without_the_token_is_403(world: World, method: str) -> None:
    """405 and redirects to sign-in or to the slash are no change either."""
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(world.operator)
    found = {}
    for path, _view in routes():
        if path in EXEMPT:
            continue
        found[path] = getattr(client, method)(path).status_code
    assert {status for status in found.values()} <= {403, 404}, {
        path: status for path, status in found.items() if status not in {403, 404}
    }
    assert list(found.values()).count(403) > 60


def test_signed_in_person_gets_a_page_about_it(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.city.administrator)
    answer = client.post("/account/invitations/", {"membership": 1, "answer": "accept"})
    assert answer.status_code == 403
    assert "too old" in answer.content.decode()
