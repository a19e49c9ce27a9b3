"""S1, S3: who may write here and only look there writes nothing there.

A reader of the other company who is an engineer in the own one sees both in every list of choices.
So does a reader of the whole company who keeps one street of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib import admin
from django.db import models
from django.urls import reverse

from accounts.models import Role
from accounts.services.memberships import membership_grant
from meters.models import TelemetryModule, UsagePoint
from tests.access.examples import example, examples_of, reference_path
from tests.access.forms import form_values
from tests.access.walk import Walker, fingerprint, last_events, undone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.people import Tenant, World

FORMS = sorted(
    (model for model in admin.site._registry if reference_path(model) is not None),
    key=lambda model: model._meta.label,
)


def give(world: World, tenant: Tenant, role: str, node: Any = None) -> None:
    """Another role for the engineer, or the keeper, of City Utilities."""
    person = world.city.people["engineer" if tenant is world.hill else "keeper"]
    membership_grant(
        actor=None,
        user=person,
        company=tenant.company,
        role=Role.objects.get(code=role, company=None),
        node=node,
        accepted=True,
    )


def forms_of(walker: Walker, model: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Address and untouched values of each form that the person is shown."""
    label, name = model._meta.label, f"{model._meta.app_label}_{model._meta.model_name}"
    row = example(label, walker.world.city)
    for url in (reverse(f"admin:{name}_add"), reverse(f"admin:{name}_change", args=[row.pk])):
        answer = walker.ask("GET", url)
        if answer.status == 200:
            yield url, form_values(answer.text)


@pytest.mark.parametrize("model", FORMS, ids=lambda model: model._meta.label)
def test_a_reader_of_the_other_company_writes_nothing_of_it(world: World, model: Any) -> None:
    give(world, world.hill, "auditor")
    examples_of(world.hill)
    walker = Walker(world, "engineer")
    walker.forbidden = []
    before = fingerprint(world.hill)
    fields = [
        field
        for field in model._meta.concrete_fields
        if isinstance(field, models.ForeignKey) and reference_path(field.related_model) is not None
    ]
    for url, form in forms_of(walker, model):
        for chosen in [[field] for field in fields] + [fields]:
            theirs = {
                field.name: example(field.related_model._meta.label, world.hill).pk
                for field in chosen
            }
            with undone():
                walker.ask("POST", url, {**form, **theirs})
                walker.expect(fingerprint(world.hill) == before, f"{url} with {sorted(theirs)}")
    assert walker.faults == []


def test_an_input_is_not_given_to_a_module_one_only_looks_at(world: World) -> None:
    give(world, world.hill, "auditor")
    walker = Walker(world, "engineer")
    walker.forbidden = []
    url = "/admin/ingestion/moduleinput/add/"
    asked = {"port": 3, "pulse_weight": "10", "pulse_unit": "L", "sampling_period": ""}
    before = last_events()
    for tenant, stored in ((world.hill, False), (world.city, True)):
        walker.ask("POST", url, {**asked, "module": tenant.module.pk})
        assert (last_events() != before) == stored
    assert walker.faults == []


@pytest.mark.parametrize("model", [TelemetryModule, UsagePoint])
def test_a_keeper_who_sees_everything_writes_on_the_own_street(world: World, model: Any) -> None:
    give(world, world.city, "auditor")
    walker = Walker(world, "keeper")
    walker.forbidden = []
    name = f"{model._meta.app_label}_{model._meta.model_name}"
    row = example(model._meta.label, world.city)
    pages = (reverse(f"admin:{name}_add"), reverse(f"admin:{name}_change", args=[row.pk]))
    for word, page in zip(("NEW", "OLD"), pages, strict=True):
        form = form_values(walker.ask("GET", page).text)
        form |= {"serial": word, "code": word, "device_type": world.city.device_type.pk}
        form |= {} if form.get("resource") else {"resource": "cold_water"}
        before = last_events()
        for place, stored in ((world.city.far_building, False), (world.city.building, True)):
            answer = walker.ask("POST", page, {**form, "place": place.pk})
            walker.expect((last_events() != before) == stored, f"{page} into {place}: {answer}")
    assert walker.faults == []
