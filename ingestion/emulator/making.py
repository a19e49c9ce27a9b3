"""Modules, meters, usage points and keys for an emulated fleet, written in bulk."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.db import transaction

from accounts.models import Company
from accounts.services.companies import company_create
from hierarchy.models import Node
from hierarchy.services import node_create
from ingestion.keys import check_value, key_make, key_seal
from ingestion.models import ModuleKey
from meters.models import (
    DeviceType,
    DeviceTypeVersion,
    Installation,
    Meter,
    ReadingType,
    RegisterTemplate,
    TelemetryModule,
    UsagePoint,
)
from meters.services.channels import instantiate
from meters.services.device_types import device_type_version_publish
from meters.services.installations import installations_settle

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["EMULATED", "Measured", "company_ensure", "fleet_make", "keys_make", "type_ensure"]

EMULATED = "emulated"
_INSTALLED = datetime(2010, 1, 1, tzinfo=UTC)
_BATCH = 2_000


@dataclass(frozen=True, slots=True)
class Measured:
    """A kind of meter. registers: (number of the protocol, reading type, interval in minutes)."""

    code: str
    name: str
    resource: str
    registers: Sequence[tuple[int, str, int]] = field(default_factory=tuple)
    role: str = DeviceType.Role.BOTH


WATER = Measured(
    "emulated-water",
    "emulated water module",
    "cold_water",
    ((0, "cold_water.volume", 60), (0, "cold_water.volume.register", 1440)),
)


def company_ensure(*, code: str, name: str, zone: str) -> Company:
    """The company with this code; made where it is missing."""
    found = Company.objects.filter(code=code).first()
    return found or company_create(actor=None, code=code, name=name, time_zone=zone)


@transaction.atomic
def type_ensure(*, company: Company, measured: Measured) -> DeviceType:
    """A published device type of the company; made where it is missing."""
    found = DeviceType.objects.filter(company=company, code=measured.code).first()
    if found is not None:
        return found
    made = DeviceType(
        company=company,
        code=measured.code,
        manufacturer="Readout",
        name=measured.name,
        role=measured.role,
        resource=measured.resource,
    )
    made.full_clean()
    made.save()
    version = DeviceTypeVersion.objects.create(device_type=made, number=1)
    types = {row.code: row for row in ReadingType.objects.all()}
    for _number, code, interval in measured.registers:
        # The number stands in the definition: two reading types may be told by one register.
        RegisterTemplate.objects.create(
            version=version,
            register=code.partition(".")[2][:32],
            reading_type=types[code],
            interval_minutes=interval,
        )
    version.definition = _definition(measured)
    version.save(update_fields=["definition"])
    device_type_version_publish(actor=None, version=version)
    return made


def _definition(measured: Measured) -> str:
    numbers = sorted({number for number, _code, _interval in measured.registers})
    tables = []
    for number in numbers:
        codes = ", ".join(
            f'"{code}"' for one, code, _minutes in measured.registers if one == number
        )
        tables.append(f"[universal.registers.{number}]\nreading_types = [{codes}]\n")
    return "\n".join(tables)


@transaction.atomic
def fleet_make(count: int, *, zone: str = "Europe/Kyiv") -> Company:
    """The company "Emulated" with at least so many water modules that have keys."""
    company = company_ensure(code=EMULATED, name="Emulated", zone=zone)
    kind = type_ensure(company=company, measured=WATER)
    place = _place(company)
    have = TelemetryModule.objects.filter(company=company).count()
    numbers = range(have + 1, count + 1)
    # Ids of other companies' fleets must differ: the company's number stands in front.
    first = company.pk * 10_000_000
    modules = TelemetryModule.objects.bulk_create(
        (
            TelemetryModule(
                company=company,
                serial=f"EM-{number:07d}",
                device_type=kind,
                address=f"EMU-{first + number:010d}",
                place=place,
            )
            for number in numbers
        ),
        batch_size=_BATCH,
    )
    points = UsagePoint.objects.bulk_create(
        (
            UsagePoint(
                company=company, code=f"EM-{number:07d}", resource=WATER.resource, place=place
            )
            for number in numbers
        ),
        batch_size=_BATCH,
    )
    _install(company, kind, modules, points)
    keys_make(modules)
    return company


def _install(
    company: Company,
    kind: DeviceType,
    modules: Sequence[TelemetryModule],
    points: Sequence[UsagePoint],
) -> None:
    meters = Meter.objects.bulk_create(
        (
            Meter(company=company, serial=module.serial, device_type=kind, module=module, digits=9)
            for module in modules
        ),
        batch_size=_BATCH,
    )
    rows = Installation.objects.bulk_create(
        (
            Installation(company=company, meter=meter, usage_point=point, installed_at=_INSTALLED)
            for meter, point in zip(meters, points, strict=True)
        ),
        batch_size=_BATCH,
    )
    installations_settle(installations=[row.pk for row in rows])
    instantiate(modules=[module.pk for module in modules])


def keys_make(modules: Sequence[TelemetryModule]) -> None:
    """A new key A for each; none of them may have one."""
    rows = []
    for module in modules:
        key = key_make()
        sealed = key_seal(key, module_id=module.pk, selector=ModuleKey.Selector.A)
        rows.append(ModuleKey(module=module, sealed=sealed, check_value=check_value(key)))
    ModuleKey.objects.bulk_create(rows, batch_size=_BATCH)


def _place(company: Company) -> Node:
    found = Node.objects.filter(company=company, system="territory").first()
    return found or node_create(
        actor=None,
        company=company,
        system="territory",
        kind="city",
        name="Emulated town",
        code="emulated-town",
    )
