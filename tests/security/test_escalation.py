"""S3: nobody gains anything by sending more, or other, than a form shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.db import models
from django.urls import reverse
from guardian.models import UserObjectPermission

from accounts.models import Membership, Role, User
from tests.access.examples import example, examples_of, reference_path
from tests.access.forms import form_values
from tests.access.table import MODELS
from tests.access.walk import Walker, fingerprint, last_events, undone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.people import World

TRIED_BY = ("administrator", "engineer")
# The platform's own tables are not open to them at all: tests/access shows it.
FORMS = sorted(
    (model for model in admin.site._registry if reference_path(model) is not None),
    key=lambda model: model._meta.label,
)


@pytest.mark.parametrize("person", TRIED_BY)
@pytest.mark.parametrize("model", FORMS, ids=lambda model: model._meta.label)
def test_forms_take_nothing_they_do_not_show(world: World, model: Any, person: str) -> None:
    walker = Walker(world, person)
    examples_of(world.hill)
    hill, before, powers = fingerprint(world.hill), last_events(), _powers()
    tried = 0
    for url, form in _forms(walker, model):
        attacks = _attacks(world, model)
        # The engineer's forms are the same; everything at once is enough to see it.
        for attack in attacks if person == "administrator" else attacks[-1:]:
            with undone():
                walker.ask("POST", url, {**form, **attack})
                tried += 1
                if last_events() == before:
                    continue
                name = f"{url} with {sorted(attack)}"
                walker.expect(fingerprint(world.hill) == hill, f"{name} changed the other company")
                walker.expect(not _gained(world, powers), f"{name}: {_gained(world, powers)}")
                walker.expect(not _crossing(world), f"{name}: {_crossing(world)}")
    assert walker.faults == []
    if person in MODELS[model._meta.label].add | MODELS[model._meta.label].change:
        assert tried


def _forms(walker: Walker, model: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Address and untouched values of each form that the person is shown."""
    label, name = model._meta.label, f"{model._meta.app_label}_{model._meta.model_name}"
    pages = [reverse(f"admin:{name}_add")]
    key = quote(example(label, walker.world.city).pk)
    pages.append(reverse(f"admin:{name}_change", args=[key]))
    for url in pages:
        answer = walker.ask("GET", url)
        if answer.status == 200:
            yield url, form_values(answer.text)


def _attacks(world: World, model: Any) -> list[dict[str, Any]]:
    """Each column by itself, those that no form shows too, then all at once."""
    single = [{field.name: _hostile(world, field)} for field in model._meta.concrete_fields]
    single += [{"company": world.hill.company.pk}, {"company_id": world.hill.company.pk}]
    single += [{"permissions": _all_permissions(), "capabilities": ["manage_platform"]}]
    single += [{"memberships-0-company": world.hill.company.pk}]
    single += [{"memberships-TOTAL_FORMS": 1, **_membership_row(world)}]
    together: dict[str, Any] = {}
    for attack in single:
        together |= attack
    return [*single, together]


def _membership_row(world: World) -> dict[str, Any]:
    platform = Role.objects.get(code="platform_operator", company=None)
    return {
        "memberships-INITIAL_FORMS": 0,
        "memberships-0-company": "",
        "memberships-0-role": platform.pk,
        "memberships-0-node": "",
    }


def _all_permissions() -> list[int]:
    from django.contrib.auth.models import Permission

    return list(Permission.objects.values_list("pk", flat=True))


def _hostile(world: World, field: Any) -> Any:
    """A value of the other company, or of more power."""
    if isinstance(field, models.ForeignKey):
        target = field.related_model
        if target is Role:
            return Role.objects.get(code="platform_operator").pk
        return example(target._meta.label, world.hill).pk
    if field.primary_key:
        return example(field.model._meta.label, world.hill).pk
    if isinstance(field, models.BooleanField):
        return "on"
    if isinstance(field, models.IntegerField):
        return "1"
    if isinstance(field, models.DateTimeField):
        return "2020-01-01 00:00:00"
    if field.choices:
        return field.choices[-1][0]
    return f"hostile-{field.name}"


def _powers() -> set[tuple[Any, ...]]:
    rows = UserObjectPermission.objects.values_list("user", "permission__codename", "object_pk")
    platform = Membership.objects.filter(company=None).values_list("user", "role__code", "pk")
    return {*rows, *platform}


def _gained(world: World, before: set[tuple[Any, ...]]) -> str:
    """What somebody can do now and could not before; empty when nothing."""
    if gained := _powers() - before:
        return f"new grants {sorted(map(str, gained))[:3]}"
    if Role.objects.filter(is_platform=True).count() != 1:
        return "a platform role"
    own = Role.objects.exclude(company=None)
    if own.filter(permissions__codename="manage_platform").exists():
        return "a role that runs the platform"
    outsiders = User.objects.filter(pk__in=[world.operator.pk, world.stranger.pk])
    return "" if outsiders.filter(is_active=True).count() == 2 else "an outsider was locked out"


def _crossing(world: World) -> str:
    """A row of one company that refers to a row of the other; empty when none does."""
    for model in admin.site._registry:
        path = reference_path(model)
        if path is None or not model._meta.managed:
            continue
        for field in model._meta.concrete_fields:
            target: Any = field.related_model
            if not isinstance(field, models.ForeignKey) or reference_path(target) is None:
                continue
            if target._meta.label in {"accounts.Company", "accounts.User"}:
                continue
            theirs = f"{field.name}__{reference_path(target)}"
            rows = model._base_manager.filter(**{path: world.city.company.pk})
            if rows.filter(**{theirs: world.hill.company.pk}).exists():
                return f"{model._meta.label}.{field.name}"
    return ""


def test_crossing_is_noticed(world: World) -> None:
    with undone():
        meter = world.city.meter
        type(meter).objects.filter(pk=meter.pk).update(device_type=world.hill.device_type)
        assert _crossing(world) == "meters.Meter.device_type"


def test_gains_are_noticed(world: World) -> None:
    before = _powers()
    with undone():
        platform = Role.objects.get(code="platform_operator")
        Membership.objects.create(user=world.stranger, company=None, role=platform)
        assert "new grants" in _gained(world, before)
    assert _gained(world, before) == ""
