"""Every model stands behind the door, is audited, and its references can't cross companies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib import admin
from django.db import IntegrityError, connection, models, transaction

from accounts.audit_tables import audit_table
from accounts.grants import Access, ScopedQuerySet
from accounts.models import Company
from config.lib.orm import SameScope
from tests.access.examples import EXAMPLES, example, own_models, reference_path
from tests.access.walk import person_of

if TYPE_CHECKING:
    from tests.people import World

# Models without `access` → why nobody needs the door to their rows.
WITHOUT_ACCESS = {
    "ingestion.EngineShare": "addresses of the engines, shown to nobody",
    "ingestion.IntervalPart": "values the engine is still putting together, shown to nobody",
    "ingestion.LateChange": "a queue of a task, shown to nobody",
    "ingestion.RegistryChange": "a queue of the engine, shown to nobody",
    "ingestion.ReplayRequest": "a queue of the engine, shown to nobody",
    "ingestion.ReplayWindow": "counters of the engine, shown to nobody",
    "meters.DirtyDay": "a queue of the roll-ups, shown to nobody",
    "meters.DirtyMonth": "a queue of the roll-ups, shown to nobody",
    "meters.DirtyNode": "a queue of the roll-ups, shown to nobody",
    "meters.ModuleState": "shown with the module that it belongs to",
    "meters.RolledDay": "says what the roll-ups have done, shown to nobody",
}
# Models without audit triggers → why.
_ARCHIVE = "an archive: changed values are kept as revisions"
_SUMS = "made from the archive, and made again whenever it changes"
_ENGINE = "work in progress of the server, not of a person"
NOT_AUDITED = {
    "ingestion.Quarantine": "counts what devices did",
    "ingestion.RawFrame": "immutable: what came is what is kept",
    "ingestion.EngineShare": _ENGINE,
    "ingestion.IntervalPart": _ENGINE,
    "ingestion.LateChange": _ENGINE,
    "ingestion.RegistryChange": _ENGINE,
    "ingestion.ReplayRequest": _ENGINE,
    "ingestion.ReplayWindow": _ENGINE,
    "meters.BlockRevision": _ARCHIVE,
    "ingestion.RedecodedBlock": "worked out by the server; its decision is audited",
    "meters.DeviceEvent": "what devices told",
    "meters.DirtyDay": _ENGINE,
    "meters.DirtyMonth": _ENGINE,
    "meters.DirtyNode": _ENGINE,
    "meters.IntervalBlock": _ARCHIVE,
    "meters.ModuleState": "changes with every frame: what devices told of themselves",
    "meters.MonthTotal": _ARCHIVE,
    "meters.NodeBlock": _SUMS,
    "meters.NodeMonth": _SUMS,
    "meters.RolledDay": _ENGINE,
    "meters.RegisterReading": _ARCHIVE,
    "meters.RegisterRevision": _ARCHIVE,
    "accounts.Activity": "is a part of the audit itself",
    "accounts.AuditEntry": "a view over the audit",
    "accounts.AuditSeal": "seals the audit",
}
# Models without a page in the administration → where people see them.
_COMPOSITE = "the admin takes no composite keys; archives have pages of their own"
NOT_IN_ADMIN = {
    "ingestion.RawFrame": _COMPOSITE,
    "ingestion.EngineShare": _ENGINE,
    "ingestion.IntervalPart": _ENGINE,
    "ingestion.LateChange": _ENGINE,
    "ingestion.RegistryChange": _ENGINE,
    "ingestion.RedecodedBlock": "on the page of the second decoding",
    "ingestion.ReplayRequest": _ENGINE,
    "ingestion.ReplayWindow": _ENGINE,
    "meters.BlockRevision": _COMPOSITE,
    "meters.DirtyDay": _ENGINE,
    "meters.DirtyMonth": _ENGINE,
    "meters.DirtyNode": _ENGINE,
    "meters.IntervalBlock": _COMPOSITE,
    "meters.ModuleState": "on the page of the module",
    "meters.MonthTotal": _COMPOSITE,
    "meters.NodeBlock": _COMPOSITE,
    "meters.NodeMonth": _COMPOSITE,
    "meters.RolledDay": _ENGINE,
    "meters.RegisterReading": _COMPOSITE,
    "meters.RegisterRevision": _COMPOSITE,
    "accounts.Activity": "shown as audit entries",
    "accounts.AuditSeal": "checked by a command",
    "accounts.RolePermission": "on the page of the role",
    "meters.Channel": "on the page of the usage point",
    "meters.Connection": "on the page of the usage point",
    "meters.InstallationReading": "on the page of the installation",
    "meters.RegisterTemplate": "on the page of the version",
}
_SHARED = "also refers to rows that ship with the product, which no foreign key can express"
# (model, field) between rows of companies without a SameScope → why.
_OWNERS = "has no company of its own: it has that of what it refers to"
CROSSING = {
    ("ingestion.Claim", "module"): _OWNERS,
    ("ingestion.ModuleInput", "module"): _OWNERS,
    ("ingestion.ModuleKey", "module"): _OWNERS,
    ("ingestion.MqttLogin", "module"): _OWNERS,
    ("ingestion.RawFrame", "module"): _OWNERS,
    ("ingestion.Redecoding", "device_type"): _SHARED,
    ("ingestion.Redecoding", "requested_by"): "users belong to no company",
    ("ingestion.Redecoding", "applied_by"): "users belong to no company",
    ("ingestion.RedecodedBlock", "redecoding"): _OWNERS,
    ("ingestion.RedecodedBlock", "channel"): _OWNERS,
    ("meters.BlockRevision", "channel"): _OWNERS,
    ("meters.IntervalBlock", "channel"): _OWNERS,
    ("meters.MonthTotal", "channel"): _OWNERS,
    ("meters.NodeBlock", "node"): _OWNERS,
    ("meters.NodeMonth", "node"): _OWNERS,
    ("meters.RegisterReading", "channel"): _OWNERS,
    ("meters.RegisterRevision", "channel"): _OWNERS,
    ("accounts.Activity", "user"): "users belong to no company",
    ("accounts.AuditEntry", "user"): "users belong to no company",
    ("accounts.Membership", "user"): "the membership is what brings a user into a company",
    ("accounts.Membership", "role"): _SHARED,
    ("accounts.RolePermission", "role"): _OWNERS,
    ("meters.Command", "requested_by"): "users belong to no company",
    ("meters.DeviceTypeVersion", "device_type"): _OWNERS,
    ("meters.DeviceTypeVersion", "published_by"): "users belong to no company",
    ("meters.RegisterTemplate", "version"): _OWNERS,
    ("meters.Meter", "device_type"): _SHARED,
    ("meters.TelemetryModule", "device_type"): _SHARED,
}

OWN = own_models()
BEHIND_THE_DOOR = [model for model in OWN if model._meta.label not in WITHOUT_ACCESS]
BY_LABEL = {model._meta.label: model for model in OWN}


def _labels(found: list[type[models.Model]]) -> set[str]:
    return {model._meta.label for model in found}


def test_every_model_declares_access() -> None:
    without = [model for model in OWN if not isinstance(getattr(model, "access", None), Access)]
    assert _labels(without) == set(WITHOUT_ACCESS)


def test_every_model_is_asked_through_the_door() -> None:
    wrong = [
        model
        for model in OWN
        if reference_path(model) is not None
        and not isinstance(model._default_manager.all(), ScopedQuerySet)
    ]
    assert _labels(wrong) == set(), "use ScopedQuerySet.as_manager()"


def test_declared_paths_lead_to_company_and_node() -> None:
    for model in BEHIND_THE_DOOR:
        access: Access = model.access  # type: ignore[attr-defined]
        if access.company:
            assert _end_of(model, access.company) is Company, model
        for path in access.nodes:
            assert not path or _end_of(model, path)._meta.label == "hierarchy.Node", model


def test_companys_models_say_so() -> None:
    """A company column that `access` does not name would be a door left open."""
    for model in OWN:
        names = {field.name for field in model._meta.fields if field.related_model is Company}
        if names and reference_path(model) is None:
            pytest.fail(f"{model._meta.label} has a company, and its access says it has none")


def test_every_model_is_audited() -> None:
    without = [model for model in OWN if audit_table(model._meta.label_lower) is None]
    assert _labels(without) | {"accounts.Activity"} == set(NOT_AUDITED)


def test_every_model_is_in_the_administration() -> None:
    missing = [model for model in OWN if model not in admin.site._registry]
    assert _labels(missing) == set(NOT_IN_ADMIN), "register it, or say where people see it"


def test_every_model_has_an_example() -> None:
    assert _labels(BEHIND_THE_DOOR) - set(EXAMPLES) == set(), (
        "add a row to tests/access/examples.py"
    )
    left_over = {label for label in EXAMPLES if label not in _labels([*OWN, *admin.site._registry])}
    assert left_over == set()


def _end_of(model: Any, path: str) -> Any:
    for name in path.split("__"):
        model = model._meta.get_field(name).related_model
    return model


def companys_references() -> list[tuple[type[models.Model], models.ForeignKey[Any, Any]]]:
    """Foreign keys from a row of a company to another row of a company."""
    return [
        (model, field)
        for model in OWN
        for field in model._meta.concrete_fields
        if isinstance(field, models.ForeignKey)
        and reference_path(model) is not None
        and field.related_model is not Company
        and reference_path(field.related_model) is not None  # type: ignore[arg-type]
    ]


def _same_scope(model: type[models.Model], field: models.ForeignKey[Any, Any]) -> bool:
    return any(
        isinstance(constraint, SameScope) and constraint.field == field.name
        for constraint in model._meta.constraints
    )


def test_every_reference_is_bound_to_the_company() -> None:
    loose = {
        (model._meta.label, field.name)
        for model, field in companys_references()
        if not _same_scope(model, field)
    }
    assert loose == set(CROSSING), (
        "add SameScope(field=…) to the model, or say in CROSSING why the reference may cross"
    )


BOUND = [
    (model._meta.label, field.name)
    for model, field in companys_references()
    if _same_scope(model, field)
]


@pytest.mark.parametrize(("label", "name"), BOUND)
def test_database_refuses_references_across_companies(world: World, label: str, name: str) -> None:
    model = BY_LABEL[label]
    field: Any = model._meta.get_field(name)
    own, foreign = example(label, world.city), example(field.related_model._meta.label, world.hill)
    _make_room(model, foreign, name)
    assert getattr(foreign, "company_id", world.hill.company.pk) == world.hill.company.pk
    values = {field.attname: foreign.pk, **_companions(label, name)}
    with pytest.raises(IntegrityError, match="same_|_company"):
        _run_update(model, own.pk, values)
    with pytest.raises(IntegrityError), transaction.atomic():
        model._base_manager.filter(pk=own.pk).update(**values)
        _check_now()
    # The same by a bulk statement.
    copy = model._base_manager.get(pk=own.pk)
    for attribute, value in values.items():
        setattr(copy, attribute, value)
    with pytest.raises(IntegrityError), transaction.atomic():
        model._base_manager.bulk_update([copy], [field.name])
        _check_now()


def _make_room(model: type[models.Model], foreign: Any, name: str) -> None:
    """What the other company's own row takes (a port, a period) must not be the reason."""
    if (model._meta.label, name) in _ALONE_THERE:
        rows = model._base_manager.filter(**{name: foreign})
        if model._meta.label == "meters.Meter":
            rows.update(port=9)
        else:
            rows.delete()


_ALONE_THERE = {
    ("meters.Channel", "usage_point"),
    ("meters.Connection", "usage_point"),
    ("meters.Installation", "meter"),
    ("meters.Installation", "usage_point"),
    ("meters.InstallationReading", "installation"),
    ("meters.Meter", "module"),
}


_INSTEAD: dict[tuple[str, str], dict[str, Any]] = {
    ("meters.Channel", "module"): {"usage_point_id": None},
    ("ingestion.Redecoding", "usage_point"): {"module_id": None},
    ("ingestion.Redecoding", "device_type"): {"module_id": None},
}


def _companions(label: str, name: str) -> dict[str, Any]:
    """What has one owner or subject loses it with another one."""
    return _INSTEAD.get((label, name), {})


def _run_update(model: type[models.Model], key: Any, values: dict[str, Any]) -> None:
    columns = ", ".join(f'"{name}" = %s' for name in values)
    sql = f'UPDATE "{model._meta.db_table}" SET {columns} WHERE id = %s'  # noqa: S608
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, [*values.values(), key])
        _check_now()


def _check_now() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.parametrize("label", sorted(BY_LABEL))
def test_rows_of_other_companies_are_invisible(world: World, label: str) -> None:
    model = BY_LABEL[label]
    if reference_path(model) is None:
        pytest.skip("belongs to no company")
    foreign = example(label, world.hill)
    for person in ("administrator", "engineer", "auditor", "keeper", "clerk", "stranger"):
        user = person_of(world, person)
        for action in ("view", "add", "change", "delete"):
            rows: Any = model._default_manager.all()
            assert not rows.visible_to(user, action).filter(pk=foreign.pk).exists(), (
                person,
                action,
            )
    own: Any = model._default_manager.all()
    assert (
        own.visible_to(world.city.administrator).filter(pk=example(label, world.city).pk).exists()
    )


def test_an_action_nobody_declared_is_refused(world: World) -> None:
    for model in BEHIND_THE_DOOR:
        rows: Any = model._default_manager.all()
        with pytest.raises(ValueError, match="not an action"):
            rows.visible_to(world.operator, "peek")
