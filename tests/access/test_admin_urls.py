"""Every address of the site has a row, and answers each person as the row says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib import admin

from tests.access.examples import example
from tests.access.routes import Address, addresses, filled
from tests.access.table import ADMIN_URLS, ENTER, MODELS, PEOPLE, ROUTES, Route
from tests.access.walk import ABSENT, Walker, fingerprint, undone

if TYPE_CHECKING:
    from tests.people import World

ALL = addresses()
IN_ADMIN = [address for address in ALL if address.in_admin]
OUTSIDE = [address for address in ALL if not address.in_admin]
# Pages that each registered model has; MODELS says who may see them.
_PAGES = ("changelist", "add", "change", "delete", "history")
# And those of the models that travel as tables; see test_admin_tables.py.
_TABLES = ("export", "import", "process_import", "import_template", "import_errors")


def _page_of_model(name: str) -> bool:
    return any(
        name == f"{model._meta.app_label}_{model._meta.model_name}_{page}"
        for model in admin.site._registry
        for page in (*_PAGES, *_TABLES)
    )


def _special(entries: list[Address]) -> list[Address]:
    """Those that are no page of a model; the nameless ones only lead to one or to nothing."""
    return [entry for entry in entries if entry.name and not _page_of_model(entry.name)]


def test_every_admin_address_has_a_row() -> None:
    missing = {entry.name for entry in _special(IN_ADMIN)} - set(ADMIN_URLS)
    assert missing == set(), "say in ADMIN_URLS of tests/access/table.py who may ask these"


def test_every_address_with_a_key_has_a_row() -> None:
    keyed = {
        entry.name
        for entry in OUTSIDE
        if entry.holes and not entry.name.startswith(("account_", "mfa_"))
    }
    missing = keyed - set(ROUTES)
    assert missing == set(), (
        "an address with a key shows one thing: say in ROUTES of tests/access/table.py which"
        " model's, and who may see it"
    )


def test_no_row_is_left_over() -> None:
    assert set(ADMIN_URLS) - {entry.name for entry in IN_ADMIN} == set()
    assert set(ROUTES) - {entry.name for entry in OUTSIDE} == set()


@pytest.mark.parametrize("person", PEOPLE)
def test_admin_addresses(world: World, person: str) -> None:
    walker = Walker(world, person)
    for route in ADMIN_URLS.values():
        if route.model:
            example(route.model, world.hill)
    before = fingerprint(world.hill)
    # Signing out comes last: it would make everything after it anonymous.
    for entry in sorted(_special(IN_ADMIN), key=lambda entry: entry.name == "logout"):
        if (route := ADMIN_URLS.get(entry.name)) is not None:
            _visit_admin(walker, entry, route)
    assert walker.faults == []
    assert fingerprint(world.hill) == before


@pytest.mark.parametrize("person", PEOPLE)
def test_unknown_addresses(world: World, person: str) -> None:
    walker = Walker(world, person)
    answer = walker.ask("GET", "/admin/no/such/thing/")
    assert answer.status == (404 if person in ENTER else 302)
    assert walker.ask("GET", "/no/such/thing/").status == 404
    assert walker.faults == []


def _visit_admin(walker: Walker, entry: Address, route: Route) -> None:
    for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS"):
        url = _url(walker, entry, route, "city")
        with undone():
            answer = walker.ask(method, url)
        if entry.name == "logout" and method != "GET":
            continue
        if method == route.method:
            sent_off = _turned_away(answer.location) or answer.location == "/admin/"
            passed = answer.status != 403 and not sent_off
            expected = walker.person in route.allowed
            walker.expect(passed == expected, f"{method} {url} → {answer.status} {answer.location}")
            if passed and route.own_canary:
                seen = walker.world.city.canary in answer.text
                walker.expect(seen, f"{url} does not show the own things")
    if route.model and walker.person != "operator":
        template = _url(walker, entry, route, "{key}")
        foreign = example(route.model, walker.world.hill).pk
        walker.same_as_absent(route.method, template, foreign)


def _url(walker: Walker, entry: Address, route: Route, whose: str) -> str:
    key: Any = "{key}"
    if whose != "{key}" and route.model:
        key = example(route.model, getattr(walker.world, whose)).pk
    path = filled(entry, **{hole: key for hole in entry.holes if route.model})
    return f"/{path}{route.query.replace('OWN', str(key))}"


def _turned_away(location: str) -> bool:
    return location.startswith(("/admin/login/", "/account/login/"))


@pytest.mark.parametrize("person", PEOPLE)
def test_addresses_outside_the_administration(world: World, person: str) -> None:
    walker = Walker(world, person)
    before = fingerprint(world.hill)
    for entry in sorted(OUTSIDE, key=lambda entry: "logout" in entry.name):
        route = ROUTES.get(entry.name, Route(frozenset()))
        for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS"):
            with undone():
                answer = walker.ask(method, _url(walker, entry, route, "city"))
            if method == route.method and entry.name in ROUTES:
                _judge(walker, entry.name, route, answer)
        if route.model and person != "operator":
            foreign = example(route.model, world.hill).pk
            walker.same_as_absent(route.method, _url(walker, entry, route, "{key}"), foreign)
    assert walker.faults == []
    assert fingerprint(world.hill) == before


def _judge(walker: Walker, name: str, route: Route, answer: Any) -> None:
    passed = answer.status == 200
    expected = walker.person in route.allowed
    walker.expect(passed == expected, f"{name} → {answer.status} {answer.location}")
    if passed and route.own_canary:
        seen = walker.world.city.canary in answer.text
        walker.expect(seen, f"{name} does not show the own things")


@pytest.mark.parametrize("person", PEOPLE)
def test_autocompletes(world: World, person: str) -> None:
    walker = Walker(world, person)
    asked = 0
    for field in autocomplete_fields():
        target = field.remote_field.model
        for term in ("", "CANARY", world.hill.canary[:-1], "x"):
            url = (
                f"/admin/autocomplete/?app_label={field.model._meta.app_label}"
                f"&model_name={field.model._meta.model_name}&field_name={field.name}&term={term}"
            )
            answer = walker.ask("GET", url)
            rights = MODELS.get(target._meta.label)
            allowed = rights is not None and person in rights.view
            expected = 200 if allowed else 403 if person in ENTER else 302
            walker.expect(answer.status == expected, f"{url} → {answer.status} ≠ {expected}")
            asked += 1
            # The operator's list of everything is tested by its being longer elsewhere.
            if allowed and term == "CANARY" and field.name in {"place", "meter", "usage_point"}:
                walker.expect(world.city.canary in answer.text, f"{url} finds nothing of one's own")
    assert walker.faults == []
    assert asked


def autocomplete_fields() -> list[Any]:
    """Every field that a page of the administration completes."""
    found = {}
    for model, model_admin in admin.site._registry.items():
        for owner in (model_admin, *(inline(model, admin.site) for inline in model_admin.inlines)):
            for name in owner.autocomplete_fields:
                field = owner.model._meta.get_field(name)
                found[field.model._meta.label, name] = field
    return list(found.values())


@pytest.mark.parametrize("key", [str(ABSENT), "0", "-1", "x", "9" * 40, "%00", "1'--", "💧"])
def test_strange_keys_are_nobodys(world: World, key: str) -> None:
    walker = Walker(world, "administrator")
    for model in admin.site._registry:
        name = f"{model._meta.app_label}/{model._meta.model_name}"
        for page in ("change", "delete", "history"):
            answer = walker.ask("GET", f"/admin/{name}/{key}/{page}/")
            walker.expect(answer.status in {302, 403, 404}, f"{name} {key} → {answer.status}")
    assert walker.faults == []
