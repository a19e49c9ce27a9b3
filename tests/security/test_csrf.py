"""S6: whoever is signed in is made to do nothing by another site's form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from tests.access.examples import example, examples_of
from tests.access.walk import fingerprint
from tests.security.pages import admin_pages, every_path

if TYPE_CHECKING:
    from tests.people import World

# Addresses that answer before any session is read.
_WITHOUT_SESSION = ("/static/", "/healthz")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_unsafe_methods_without_a_token_are_refused(world: World, method: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.operator)
    examples_of(world.city)
    before = fingerprint(world.city)
    allowed = []
    for path in dict.fromkeys([*every_path(), *admin_pages(world.city)]):
        if path.startswith(_WITHOUT_SESSION):
            continue
        status = client.generic(method, path, HTTP_ORIGIN="https://evil.example").status_code
        # 404 and 405: nothing is there that a form could reach.
        if status not in {403, 404, 405}:
            allowed.append(f"{method} {path} → {status}")
    assert allowed == []
    assert fingerprint(world.city) == before


def test_a_token_of_another_session_is_refused(world: World) -> None:
    client, thief = Client(enforce_csrf_checks=True), Client()
    client.force_login(world.city.administrator)
    thief.force_login(world.city.clerk)
    page = thief.get("/account/password/change/")
    token = str(page.context["csrf_token"])
    meter = world.city.meter
    url = reverse("admin:meters_meter_delete", args=[meter.pk])
    assert client.post(url, {"post": "yes", "csrfmiddlewaretoken": token}).status_code == 403


def test_reading_changes_nothing(world: World) -> None:
    """A link, a picture or a prefetch must not act."""
    client = Client()
    client.force_login(world.operator)
    examples_of(world.city)
    before = fingerprint(world.city)
    for path in admin_pages(world.city):
        client.get(path)
    for model in admin.site._registry:
        row = example(model._meta.label, world.city)
        url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        client.get(url, {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"})
    assert fingerprint(world.city) == before
