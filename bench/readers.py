"""Who opens the lists of the measurement, and what each of them looks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

from django.db.models import Model

from accounts.models import Company, Role, User
from accounts.services.memberships import membership_grant
from accounts.services.roles import shipped_roles_sync
from hierarchy.models import Node
from meters.models import Meter, TelemetryModule, UsagePoint

if TYPE_CHECKING:
    from django.db.models import QuerySet

M = TypeVar("M", bound=Model)

__all__ = ["Reader", "readers_create", "readers_find"]


class Reader(NamedTuple):
    """A signed-in person with things that this person sees."""

    name: str
    user: User
    company: Company
    meter: Meter
    point: UsagePoint
    module: TelemetryModule
    street: Node


class _Scope(NamedTuple):
    name: str
    role: str
    company: str  # empty: the platform
    kind: str = ""  # of the node; empty: the whole company


_SCOPES = (
    _Scope("administrator", "company_administrator", "big"),
    _Scope("administrator of a tenth", "company_administrator", "middle"),
    _Scope("keeper of a street", "engineer", "big", "street"),
    _Scope("keeper of a district", "engineer", "big", "district"),
    _Scope("keeper of a zone", "engineer", "big", "zone"),
    _Scope("operator", "platform_operator", ""),
)


def readers_create() -> None:
    """One person for each way of being limited."""
    shipped_roles_sync()
    for number, scope in enumerate(_SCOPES):
        user = User.objects.create_user(_email(number), None, full_name=scope.name)
        company = Company.objects.filter(code=scope.company).first()
        role = Role.objects.get(code=scope.role, company=None)
        node = _node(scope)
        membership_grant(
            actor=None, user=user, company=company, role=role, node=node, accepted=True
        )


def readers_find() -> list[Reader]:
    """Those that `readers_create` made."""
    return [_reader(number, scope) for number, scope in enumerate(_SCOPES)]


def _reader(number: int, scope: _Scope) -> Reader:
    company = Company.objects.get(code=scope.company or "big")
    meter = _middle(_installed(company, _node(scope)))
    return Reader(
        scope.name,
        User.objects.get(email=_email(number)),
        company,
        meter,
        UsagePoint.objects.get(current_meters=meter),
        TelemetryModule.objects.get(meters=meter),
        _street_of(meter),
    )


def _email(number: int) -> str:
    return f"reader{number}@bench.example"


def _node(scope: _Scope) -> Node | None:
    if not scope.kind:
        return None
    nodes = Node.objects.filter(company__code=scope.company, kind=scope.kind)
    middle: Node = _middle(nodes.order_by("lft"))
    return middle


def _installed(company: Company, node: Node | None) -> QuerySet[Meter]:
    rows = Meter.objects.filter(company=company, status="installed").order_by("pk")
    if node is None:
        return rows
    path = "network_node" if node.system != "territory" else "place"
    below = Node.objects.filter(tree_id=node.tree_id, lft__gte=node.lft, rght__lte=node.rght)
    points = UsagePoint.objects.filter(**{f"{path}__in": below})
    return rows.filter(usage_point__in=points)


def _middle(rows: QuerySet[M]) -> M:
    return rows[rows.count() // 2]


def _street_of(meter: Meter) -> Node:
    place = UsagePoint.objects.select_related("place").get(current_meters=meter).place
    street: Node = Node.objects.get(
        tree_id=place.tree_id, lft__lt=place.lft, rght__gt=place.rght, kind="street"
    )
    return street
