"""One row of every model in each company. A new model needs an entry here; a test says so."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.contrib.auth.models import Permission
from django.utils import timezone

from accounts.models import Activity, AuditEntry, AuditSeal, Membership, RolePermission
from accounts.models.events import AuditEvent
from hierarchy.models import Node
from ingestion.models import (
    Claim,
    ModuleInput,
    ModuleKey,
    MqttLogin,
    Quarantine,
    RawFrame,
    RedecodedBlock,
    Redecoding,
)
from meters.models import (
    BlockRevision,
    Channel,
    Command,
    DeviceEvent,
    InstallationReading,
    IntervalBlock,
    MonthTotal,
    NodeBlock,
    NodeMonth,
    ReadingType,
    RegisterReading,
    RegisterRevision,
    RegisterTemplate,
)
from tests.conventions.project import APPS

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import Model

    from tests.people import Tenant

__all__ = ["EXAMPLES", "example", "examples_of", "own_models", "reference_path"]


def _role_permission(tenant: Tenant) -> RolePermission:
    permission = Permission.objects.get(
        content_type__app_label="accounts", content_type__model="company", codename="view_meters"
    )
    return RolePermission.objects.get_or_create(role=tenant.role, permission=permission)[0]


def _activity(tenant: Tenant) -> Activity:
    return Activity.objects.get_or_create(
        company=tenant.company, user=tenant.clerk, kind="export", detail=f"Sheet {tenant.canary}"
    )[0]


def _seal(_tenant: Tenant) -> AuditSeal:
    return AuditSeal.objects.get_or_create(
        number=1,
        defaults={
            "at": "2026-01-01T00:00:00Z",
            "table": "accounts_activity",
            "first_id": 1,
            "last_id": 1,
            "columns": ["id"],
            "rows": b"",
            "previous": b"",
            "mac": b"",
        },
    )[0]


def _of_channel(model: type[Model], **values: Any) -> Callable[[Tenant], Model]:
    """A row of an archive: its channel is the tenant's, its times lie in the current month."""

    def row(tenant: Tenant) -> Model:
        channel = example("meters.Channel", tenant)
        found = model._default_manager.filter(channel=channel).first()
        return found or model._default_manager.create(channel=channel, **values)

    return row


def _block(model: type[Model], **values: Any) -> Callable[[Tenant], Model]:
    today = timezone.now().date()
    return _of_channel(model, day=today, interval_minutes=60, total=3, small=[1, 2], **values)


def _of_node(model: type[Model], **values: Any) -> Callable[[Tenant], Model]:
    """A sum of the tenant's building, of the current month."""

    def row(tenant: Tenant) -> Model:
        found = model._default_manager.filter(node=tenant.building).first()
        return found or model._default_manager.create(
            node=tenant.building,
            reading_type=ReadingType.objects.get(code="cold_water.volume"),
            flow="consumption",
            total=3,
            expected=24,
            received=2,
            estimated=0,
            **values,
        )

    return row


def _frame(tenant: Tenant) -> Model:
    found = RawFrame.objects.filter(module=tenant.module).first()
    return found or RawFrame.objects.create(
        id=tenant.module.pk,
        received_at=timezone.now(),
        module=tenant.module,
        transport=1,
        outcome=0,
        source=f"10.0.0.1 {tenant.canary}",
        payload=tenant.canary.encode(),
    )


def _quarantine(tenant: Tenant) -> Model:
    return Quarantine.objects.get_or_create(
        reason="not_storable",
        company=tenant.company,
        module=tenant.module,
        defaults={
            "detail": f"Odd {tenant.canary}",
            "first_at": timezone.now(),
            "last_at": timezone.now(),
        },
    )[0]


def _event(tenant: Tenant) -> Model:
    return DeviceEvent.objects.get_or_create(
        company=tenant.company,
        module=tenant.module,
        meter=tenant.meter,
        port=1,
        code=32,
        defaults={"severity": 3, "at": timezone.now(), "received_at": timezone.now()},
    )[0]


def _command(tenant: Tenant) -> Model:
    found = Command.objects.filter(module=tenant.module).first()
    return found or Command.objects.create(
        company=tenant.company,
        module=tenant.module,
        usage_point=tenant.usage_point,
        kind="send_status",
        request=7,
        valid_until=timezone.now() + timedelta(days=1),
        note=f"No signal {tenant.canary}",
    )


def _beat(model: str, /, **values: Any) -> Callable[[Tenant], Model]:
    def row(_tenant: Tenant) -> Model:
        manager = apps.get_model("django_celery_beat", model)._default_manager
        found: Model = manager.get_or_create(**values)[0]
        return found

    return row


def _periodic_task(tenant: Tenant) -> Model:
    interval = example("django_celery_beat.IntervalSchedule", tenant)
    return _beat("PeriodicTask", name="Example", task="none", interval=interval, enabled=False)(
        tenant
    )


# The keeper of City Utilities sees the examples of everything that hangs on nodes.
EXAMPLES: dict[str, Callable[[Tenant], Any]] = {
    "accounts.Activity": _activity,
    "accounts.AuditEntry": lambda tenant: AuditEntry.objects.filter(
        company=tenant.company, model="meters.meter"
    ).first(),
    "accounts.AuditSeal": _seal,
    "accounts.Company": lambda tenant: tenant.company,
    "accounts.Membership": lambda tenant: Membership.objects.get(user=tenant.clerk),
    "accounts.Role": lambda tenant: tenant.role,
    "accounts.RolePermission": _role_permission,
    "accounts.User": lambda tenant: tenant.clerk,
    "hierarchy.Node": lambda tenant: Node.objects.get(pk=tenant.building.pk),
    "ingestion.Claim": lambda tenant: Claim.objects.get_or_create(
        module=tenant.module, defaults={"sealed": b"sealed"}
    )[0],
    "ingestion.ModuleInput": lambda tenant: ModuleInput.objects.get_or_create(
        module=tenant.module, port=0
    )[0],
    "ingestion.ModuleKey": lambda tenant: ModuleKey.objects.get_or_create(
        module=tenant.module, defaults={"sealed": b"sealed", "check_value": "a1b2c3"}
    )[0],
    "ingestion.MqttLogin": lambda tenant: MqttLogin.objects.get_or_create(
        module=tenant.module, defaults={"sealed": b"sealed"}
    )[0],
    "ingestion.Quarantine": _quarantine,
    "ingestion.RawFrame": _frame,
    "ingestion.RedecodedBlock": lambda tenant: RedecodedBlock.objects.get_or_create(
        redecoding=example("ingestion.Redecoding", tenant),
        channel=example("meters.Channel", tenant),
        day=timezone.now().date(),
        interval_minutes=60,
        before=[1],
        after=[2],
        quality=b"\0",
        changed=1,
    )[0],
    "ingestion.Redecoding": lambda tenant: Redecoding.objects.get_or_create(
        company=tenant.company,
        module=tenant.module,
        first=timezone.now().date(),
        last=timezone.now().date(),
        note=f"Wrong scale {tenant.canary}",
    )[0],
    "meters.BlockRevision": _block(BlockRevision, id=1, replaced_at=timezone.now(), reason=1),
    "meters.IntervalBlock": _block(IntervalBlock),
    "meters.MonthTotal": _of_channel(
        MonthTotal,
        month=timezone.now().date().replace(day=1),
        total=3,
        received=2,
        estimated=0,
        expected=720,
    ),
    "meters.NodeBlock": _of_node(
        NodeBlock, day=timezone.now().date(), hours=[1, 2], channels=1, reporting=1
    ),
    "meters.NodeMonth": _of_node(NodeMonth, month=timezone.now().date().replace(day=1)),
    "meters.RegisterReading": _of_channel(
        RegisterReading, at=timezone.now(), value=7, quality=0, kind=1
    ),
    "meters.RegisterRevision": _of_channel(
        RegisterRevision,
        id=1,
        at=timezone.now(),
        value=7,
        quality=0,
        kind=1,
        replaced_at=timezone.now(),
        reason=1,
    ),
    "meters.Channel": lambda tenant: Channel.objects.filter(company=tenant.company).first(),
    "meters.Command": _command,
    "meters.Connection": lambda tenant: tenant.connection,
    "meters.DeviceEvent": _event,
    "meters.DeviceType": lambda tenant: tenant.device_type,
    "meters.DeviceTypeVersion": lambda tenant: tenant.version,
    "meters.Installation": lambda tenant: tenant.installation,
    "meters.InstallationReading": lambda tenant: InstallationReading.objects.get(
        installation=tenant.installation
    ),
    "meters.Meter": lambda tenant: tenant.meter,
    "meters.ReadingType": lambda _tenant: ReadingType.objects.get(code="cold_water.volume"),
    "meters.RegisterTemplate": lambda tenant: RegisterTemplate.objects.filter(
        version=tenant.version
    ).first(),
    "meters.TelemetryModule": lambda tenant: tenant.module,
    "meters.UsagePoint": lambda tenant: tenant.usage_point,
    "django_celery_beat.ClockedSchedule": _beat(
        "ClockedSchedule", clocked_time="2030-01-01T00:00:00Z"
    ),
    "django_celery_beat.CrontabSchedule": _beat("CrontabSchedule", minute="1"),
    "django_celery_beat.IntervalSchedule": _beat("IntervalSchedule", every=7, period="days"),
    "django_celery_beat.PeriodicTask": _periodic_task,
    "django_celery_beat.SolarSchedule": _beat(
        "SolarSchedule", event="sunset", latitude=50, longitude=30
    ),
}


def example(label: str, tenant: Tenant) -> Any:
    """The row of `label` that belongs to the company, or to all where it has none."""
    assert label in EXAMPLES, (
        f"{label} has no example row: add one to EXAMPLES in tests/access/examples.py, with the"
        " company's canary in a text of it"
    )
    row = EXAMPLES[label](tenant)
    assert row is not None, f"the example of {label} made no row"
    return row


def examples_of(tenant: Tenant) -> None:
    """Make every example of a company, so that whatever changes afterwards was changed."""
    for model in own_models():
        if reference_path(model) is not None:
            example(model._meta.label, tenant)


def own_models() -> list[type[Model]]:
    """Every concrete model of the product but the audit's event tables, which it generates."""
    return sorted(
        (
            model
            for model in apps.get_models()
            if model._meta.app_label in APPS and not issubclass(model, AuditEvent)
        ),
        key=lambda model: model._meta.label,
    )


def reference_path(model: type[Model]) -> str | None:
    """Lookup from the model to its company; None where its rows belong to no company."""
    access = getattr(model, "access", None)
    if access is None or access.company is None:
        return None
    return str(access.company or "pk")
