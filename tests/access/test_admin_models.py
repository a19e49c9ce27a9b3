"""Every page of every registered model, asked by everybody, for own, foreign and absent rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.urls import reverse

from tests.access.examples import example, reference_path
from tests.access.table import ACTIONS, ENTER, MODELS, OUTSIDE_THE_DOOR, PEOPLE, Rights
from tests.access.walk import ABSENT, Walker, fingerprint, last_events, undone

if TYPE_CHECKING:
    from tests.people import World

REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)
# What has no row fails one test, not all of them.
LISTED = [model for model in REGISTERED if model._meta.label in MODELS]


def _rights(label: str) -> Rights:
    return MODELS[label]


def _refusal(person: str) -> int:
    return 403 if person in ENTER else 302


def _address(model: Any, page: str, *, key: bool = False) -> str:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}"
    return reverse(name, args=["KEY"]).replace("KEY", "{key}") if key else reverse(name)


def _is_companys(model: Any) -> bool:
    return reference_path(model) is not None


def test_every_registered_model_has_a_row() -> None:
    missing = [model._meta.label for model in REGISTERED if model not in LISTED]
    assert missing == [], (
        "registered in the admin: say in MODELS of tests/access/table.py who may view, change, add"
        " and delete these, or unregister them"
    )


def test_no_row_is_left_over() -> None:
    registered = {model._meta.label for model in REGISTERED}
    assert set(MODELS) - registered == set(), "remove the rows of models that are gone"


def test_models_outside_the_door_have_a_reason() -> None:
    without = {model._meta.label for model in REGISTERED if not hasattr(model, "access")}
    assert without == set(OUTSIDE_THE_DOOR), (
        "a model without `access` is not filtered by company: unregister it, or say in"
        " OUTSIDE_THE_DOOR of tests/access/table.py why it may be shown"
    )


@pytest.mark.parametrize("person", PEOPLE)
def test_pages(world: World, person: str) -> None:
    walker = Walker(world, person)
    for model in LISTED:
        for tenant in (world.city, world.hill):
            example(model._meta.label, tenant)
    before = fingerprint(world.hill)
    for model in LISTED:
        _visit_lists(walker, model)
        _visit_rows(walker, model)
    assert walker.faults == []
    assert fingerprint(world.hill) == before


def _visit_lists(walker: Walker, model: Any) -> None:
    rights, person = _rights(model._meta.label), walker.person
    listing, adding = _address(model, "changelist"), _address(model, "add")
    for method in ("GET", "POST", "DELETE", "OPTIONS") if person == "administrator" else ("GET",):
        answer = walker.ask(method, listing)
        wanted = {200} if person in rights.view else {_refusal(person)}
        walker.expect(answer.status in wanted, f"{method} {listing} → {answer.status} ≠ {wanted}")
        if method == "GET" and answer.status == 200 and _is_companys(model):
            canary = walker.world.city.canary
            walker.expect(canary in answer.text, f"{listing} does not show the own rows")
    for method in ("GET",) if person in rights.add else ("GET", "POST"):
        answer = walker.ask(method, adding)
        wanted = {200} if person in rights.add else {_refusal(person)}
        walker.expect(answer.status in wanted, f"{method} {adding} → {answer.status} ≠ {wanted}")


def _visit_rows(walker: Walker, model: Any) -> None:
    rights, world = _rights(model._meta.label), walker.world
    own = quote(example(model._meta.label, world.city).pk)
    foreign = example(model._meta.label, world.hill).pk
    pages = {
        "change": (rights.view, rights.change),
        "delete": (rights.delete, rights.delete),
        "history": (rights.view, rights.view),
    }
    for page, (may_get, may_post) in pages.items():
        address = _address(model, page, key=True)
        for method in _methods(walker.person, page):
            allowed = walker.person in (may_post if method == "POST" else may_get)
            _visit_own(walker, method, address.format(key=own), page, allowed=allowed)
            if walker.person != "operator" and _is_companys(model) and method != "PUT":
                walker.same_as_absent(method, address, foreign)


def _methods(person: str, page: str) -> tuple[str, ...]:
    """Django's admin tells POST from everything else, so one other method is enough."""
    if page == "history" or person not in ENTER:
        return ("GET",)
    whole = page == "change" and person == "administrator"
    return ("GET", "POST", "PUT") if whole else ("GET", "POST")


def _visit_own(walker: Walker, method: str, url: str, page: str, *, allowed: bool) -> None:
    with undone():
        answer = walker.ask(method, url)
    if not allowed:
        # The history of what somebody may not see is not there, as that of what never was.
        wanted = {_refusal(walker.person), *([302] if page == "history" else ())}
    elif page == "history":
        wanted = {200, 302}
    else:
        wanted = {200} if method != "POST" else {200, 302}
    walker.expect(answer.status in wanted, f"{method} {url} → {answer.status} ≠ {wanted}")
    if answer.status == 302:
        turned_away = answer.location.startswith(("/admin/login/", "/account/login/"))
        turned_away |= answer.location == "/admin/" and page == "history"
        # The audit keeps no history of its own entries.
        allowed &= "/auditentry/" not in url
        walker.expect(turned_away != allowed, f"{method} {url} leads to {answer.location}")
    if page == "change" and answer.status == 200:
        walker.expect("<form" in answer.text, f"{method} {url} shows no form")


@pytest.mark.parametrize("person", PEOPLE)
def test_actions(world: World, person: str) -> None:
    walker = Walker(world, person)
    for model in LISTED:
        for action in _actions(model):
            _run_action(walker, model, action)
    assert walker.faults == []


def _actions(model: Any) -> list[str]:
    model_admin = admin.site._registry[model]
    return [name for _function, name, _text in model_admin._get_base_actions()]


def _allowed_to_run(model: Any, action: str) -> frozenset[str]:
    label = model._meta.label
    if action == "delete_selected":
        return _rights(label).delete
    assert (label, action) in ACTIONS, (
        f"the list of {label} has the action {action}: say in ACTIONS of tests/access/table.py who"
        " may run it"
    )
    return ACTIONS[label, action]


def _run_action(walker: Walker, model: Any, action: str) -> None:
    label, world = model._meta.label, walker.world
    listing = _address(model, "changelist")
    own, foreign = (example(label, tenant).pk for tenant in (world.city, world.hill))
    allowed = _allowed_to_run(model, action)
    hill, before = fingerprint(world.hill), last_events()
    for keys, across in (([own], "0"), ([foreign], "0"), ([own, foreign, ABSENT], "1")):
        data = {"action": action, "_selected_action": keys, "select_across": across, "post": "yes"}
        with undone():
            walker.ask("POST", listing, data)
            if last_events() == before:
                continue
            text = f"{action} on {label} {'own' if own in keys else 'foreign'}"
            walker.expect(walker.person in allowed, f"{text} wrote something")
            if walker.person != "operator":
                same = fingerprint(world.hill) == hill
                walker.expect(same, f"{text} changed the other company")
