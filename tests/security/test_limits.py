"""S25: whatever is asked for, the answer is bounded, and a filter reaches no hidden column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from meters.models import Meter, UsagePoint
from tests.access.table import MODELS

if TYPE_CHECKING:
    from tests.people import World

_LONG = "x" * 100_000


def _listings() -> list[str]:
    return [
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for model in admin.site._registry
        if "administrator" in MODELS[model._meta.label].view
    ]


@pytest.fixture
def client_of(world: World) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(world.city.administrator)
    return client


# What is asked → statuses that are fine: shown, sent back to a clean list, or refused.
STRANGE: tuple[dict[str, str], ...] = (
    {"p": "999999999999999999999999"},
    {"p": "-1"},
    {"p": "x"},
    {"all": ""},
    {"o": "999"},
    {"o": "-999.1.x.."},
    {"o": ".".join(["1"] * 5000)},
    {"q": _LONG},
    {"q": "a " * 5000},
    {"q": "\x00"},
    {"q": "%" * 200},
    {"q": "(((((((((((((" * 100},
    {"e": "1"},
    {"_popup": "1"},
    {"_to_field": "id"},
    {"_to_field": "password"},
    {"_to_field": "company"},
    {"company": "1' OR 1=1"},
    {"company": "9" * 400},
    {"status": _LONG},
    {"x" * 5000: "1"},
)


@pytest.mark.parametrize(
    "asked", STRANGE, ids=lambda asked: "&".join(f"{k}={v}" for k, v in asked.items())[:40]
)
def test_strange_lists_are_bounded(client_of: Client, asked: dict[str, str]) -> None:
    faults = []
    for url in _listings():
        with CaptureQueriesContext(connection) as queries:
            response = client_of.get(url, asked)
        if response.status_code not in {200, 302, 400, 403, 404}:
            faults.append(f"{url} → {response.status_code}")
        if len(queries) > 60:
            faults.append(f"{url}: {len(queries)} queries")
        if len(response.content) > 2_000_000:
            faults.append(f"{url}: {len(response.content)} bytes")
    assert faults == []


DEEP = (
    "password__startswith",
    "user__password__startswith",
    "memberships__user__password__startswith",
    "company__memberships__user__password__startswith",
    "company__users__password",
    "published_by__password__startswith",
    "device_type__company__memberships__user__password__startswith",
    "usage_point__company__name__startswith",
    "company__name__startswith",
    "company__second_factor_required",
    "usage_point__place__company__memberships__user__email",
    "module__meters__company__name",
    "role__permissions__codename",
    "authenticator__data__icontains",
    "user__authenticator__data__icontains",
    "pk__regex",
    "id__in",
    "serial__regex",
    "definition__regex",
)


@pytest.mark.parametrize("lookup", DEEP)
def test_hidden_columns_can_not_be_filtered_by(client_of: Client, lookup: str) -> None:
    """A filter that answers yes or no would read a hash letter by letter."""
    faults = []
    for url in _listings():
        answers = {
            (response.status_code, _rows(response))
            for value in ("argon2", "1")
            for response in [client_of.get(url, {lookup: value})]
        }
        if len(answers) > 1:
            faults.append(f"{url}?{lookup}: {answers}")
        if any(status >= 500 for status, _rows_shown in answers):
            faults.append(f"{url}?{lookup}: {answers}")
    assert faults == []


def _rows(response: Any) -> int | None:
    changelist = (response.context or {}).get("cl") if response.status_code == 200 else None
    return None if changelist is None else len(changelist.result_list)


@pytest.mark.parametrize(
    "to_field", ["password", "company", "email", "serial", "id__in", "nothing"]
)
def test_popups_hand_out_keys_only(client_of: Client, world: World, to_field: str) -> None:
    for url in _listings():
        response = client_of.get(url, {"_popup": "1", "_to_field": to_field})
        assert response.status_code in {200, 302, 400, 403}, url
        assert world.hill.canary not in response.content.decode("utf-8", "replace")


def test_autocomplete_pages_are_bounded(client_of: Client, world: World) -> None:
    city = world.city
    Meter.objects.bulk_create(
        Meter(company=city.company, serial=f"BULK-{number:04}", device_type=city.device_type)
        for number in range(150)
    )
    url = "/admin/autocomplete/?app_label=meters&model_name=installation&field_name=meter"
    for extra in (
        "",
        "&term=BULK",
        "&page=2",
        "&page=99999999999",
        "&page=x",
        f"&term={_LONG[:8000]}",
    ):
        response = client_of.get(url + extra)
        assert response.status_code in {200, 404}, extra
        if response.status_code == 200:
            assert len(response.json()["results"]) <= 50


def test_lists_show_pages_not_tables(client_of: Client, world: World) -> None:
    city = world.city
    UsagePoint.objects.bulk_create(
        UsagePoint(
            company=city.company,
            code=f"BULK-{number:04}",
            resource="cold_water",
            place=city.far_building,
        )
        for number in range(450)
    )
    url = reverse("admin:meters_usagepoint_changelist")
    for asked in ({}, {"all": ""}, {"list_per_page": "100000"}, {"q": "BULK"}):
        response = client_of.get(url, asked)
        if response.status_code == 200:
            assert _rows(response) is not None
            assert 0 < (_rows(response) or 0) <= 200, asked


def test_searches_of_the_tree_are_bounded(client_of: Client, world: World) -> None:
    company = world.city.company.pk
    for query in (_LONG, "a " * 500, "\x00", "%", ""):
        response = client_of.get(
            "/admin/hierarchy/node/tree/search/",
            {"company": company, "system": "territory", "q": query},
        )
        assert response.status_code in {200, 400}, query[:10]
        if response.status_code == 200:
            assert len(response.json()["nodes"]) <= 50


def test_an_address_that_no_page_asks_for_is_refused(client_of: Client) -> None:
    for url in _listings():
        assert client_of.get(url, {"q": _LONG}).status_code == 400, url


def test_a_form_of_too_many_fields_is_refused(client_of: Client) -> None:
    fields = {f"f{number}": "1" for number in range(6_000)}
    response = client_of.post(reverse("admin:meters_meter_add"), fields)
    assert response.status_code == 400


def test_a_body_that_is_too_large_is_refused(client_of: Client) -> None:
    response = client_of.post(
        reverse("admin:meters_meter_add"), {"serial": "x" * (6 * 1024 * 1024)}
    )
    assert response.status_code in {200, 400, 413}
    body = b"serial=" + b"x" * (6 * 1024 * 1024)
    form = "application/x-www-form-urlencoded"
    response = client_of.post(reverse("admin:meters_meter_add"), body, content_type=form)
    assert response.status_code in {400, 413}
