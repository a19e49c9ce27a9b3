"""Named people and things that most tests use.

Two companies, City Utilities ("city") and Hill Waterworks ("hill"), are built alike. Every text of
a company carries its canary, so that a test can search any answer for what must not be in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from accounts.models import Company, Role, User
from accounts.services.memberships import membership_grant
from accounts.services.roles import shipped_roles_sync
from accounts.services.users import user_create
from hierarchy.models import Node
from hierarchy.services import node_create
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
from meters.services.device_types import device_type_version_publish
from meters.services.installations import meter_install
from meters.services.reading_types import reading_types_sync
from meters.services.usage_points import usage_point_connect

PASSWORD = "correct horse battery staple"  # noqa: S105

# Shipped roles of a company, by the name tests call their holder.
ROLES = {
    "administrator": "company_administrator",
    "engineer": "engineer",
    "dispatcher": "dispatcher",
    "clerk": "clerk",
    "billing": "billing",
    "auditor": "auditor",
}


@dataclass
class Tenant:
    """One company with its people and things."""

    company: Company
    canary: str
    people: dict[str, User] = field(default_factory=dict)
    things: dict[str, Any] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        for source in ("people", "things"):
            if name in self.__dict__.get(source, {}):
                return self.__dict__[source][name]
        raise AttributeError(name)


@dataclass
class World:
    """Both companies, the operator of the platform, and a stranger without any role."""

    city: Tenant
    hill: Tenant
    operator: User
    stranger: User


def build_world() -> World:
    """Both companies with one of everything. Texts of each carry `canary`."""
    shipped_roles_sync()
    reading_types_sync()
    operator = User.objects.create_user(
        "operator@readout.test", PASSWORD, full_name="Olha Operator"
    )
    platform = Role.objects.get(code="platform_operator", company=None)
    membership_grant(actor=None, user=operator, company=None, role=platform, accepted=True)
    stranger = _user("stranger@readout.test", "Sam Stranger")
    return World(
        city=build_tenant("city", "City Utilities", "Europe/Kyiv", "CANARYCITY"),
        hill=build_tenant("hill", "Hill Waterworks", "Europe/Dublin", "CANARYHILL"),
        operator=operator,
        stranger=stranger,
    )


def _user(email: str, full_name: str) -> User:
    """Somebody whose address is proven, so that signing in works."""
    return user_create(email=email, full_name=full_name, password=PASSWORD)


def build_tenant(code: str, name: str, time_zone: str, canary: str) -> Tenant:
    company = Company.objects.create(name=f"{name} {canary}", code=code, time_zone=time_zone)
    tenant = Tenant(company, canary)
    _build_network(tenant)
    _build_metering(tenant)
    _build_people(tenant)
    return tenant


def _build_people(tenant: Tenant) -> None:
    code, canary = tenant.company.code, tenant.canary
    for name, role_code in ROLES.items():
        user = _user(f"{name}@{code}.test", f"{name.title()} {canary}")
        role = Role.objects.get(code=role_code, company=None)
        membership_grant(actor=None, user=user, company=tenant.company, role=role, accepted=True)
        tenant.people[name] = user
    # Somebody who answers for one street only.
    keeper = _user(f"keeper@{code}.test", f"Keeper {canary}")
    engineer = Role.objects.get(code="engineer", company=None)
    membership_grant(
        actor=None,
        user=keeper,
        company=tenant.company,
        role=engineer,
        node=tenant.street,
        accepted=True,
    )
    tenant.people["keeper"] = keeper
    own = Role.objects.create(company=tenant.company, code="own", name=f"Own role {canary}")
    tenant.things["role"] = own


def _build_network(tenant: Tenant) -> None:
    def node(system: str, kind: str, name: str, parent: Node | None = None) -> Node:
        return node_create(
            actor=None,
            company=tenant.company,
            system=system,
            kind=kind,
            name=f"{name} {tenant.canary}",
            code=f"{kind}-{name}-{tenant.canary}".replace(" ", "-").lower(),
            parent=parent,
        )

    things = tenant.things
    things["town"] = node("territory", "city", "Town")
    things["street"] = node("territory", "street", "Main Street", things["town"])
    things["building"] = node("territory", "building", "5", things["street"])
    things["apartment"] = node("territory", "apartment", "12", things["building"])
    things["other_street"] = node("territory", "street", "Far Street", things["town"])
    things["far_building"] = node("territory", "building", "1", things["other_street"])
    things["source"] = node("cold_water", "source", "Wells")
    things["inlet"] = node("cold_water", "inlet", "Inlet 5", things["source"])


def _build_metering(tenant: Tenant) -> None:
    company, canary, things = tenant.company, tenant.canary, tenant.things
    device_type = DeviceType.objects.create(
        company=company,
        code=f"water-{canary}".lower(),
        manufacturer=f"Maker {canary}",
        name="Drop 1",
        role="both",
        resource="cold_water",
    )
    version = DeviceTypeVersion.objects.create(
        device_type=device_type, number=1, comment=f"First {canary}"
    )
    for register, code in (("v", "cold_water.volume"), ("r", "cold_water.volume.register")):
        RegisterTemplate.objects.create(
            version=version, register=register, reading_type=ReadingType.objects.get(code=code)
        )
    device_type_version_publish(actor=None, version=version)
    module = TelemetryModule.objects.create(
        company=company,
        serial=f"MOD-{canary}",
        device_type=device_type,
        address=f"addr-{canary}",
        place=things["building"],
    )
    point = UsagePoint.objects.create(
        company=company,
        code=f"UP-{canary}",
        name=f"Kitchen {canary}",
        resource="cold_water",
        place=things["apartment"],
    )
    connection = usage_point_connect(
        actor=None, usage_point=point, node=things["inlet"], valid_from=date(2025, 1, 1)
    )
    meter = Meter.objects.create(
        company=company, serial=f"MET-{canary}", device_type=device_type, module=module
    )
    spare = Meter.objects.create(company=company, serial=f"SPARE-{canary}", device_type=device_type)
    installation = meter_install(
        actor=None,
        meter=meter,
        usage_point=point,
        at=datetime(2025, 1, 1, 9, tzinfo=UTC),
        readings={"cold_water.volume.register": Decimal("1.5")},
        reason=f"New {canary}",
    )
    things |= {
        "device_type": device_type,
        "version": DeviceTypeVersion.objects.get(pk=version.pk),
        "module": module,
        "usage_point": UsagePoint.objects.get(pk=point.pk),
        "connection": connection,
        "meter": Meter.objects.get(pk=meter.pk),
        "spare": spare,
        "installation": Installation.objects.get(pk=installation.pk),
    }
