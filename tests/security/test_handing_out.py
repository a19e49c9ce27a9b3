"""Nobody hands out a permission, role or scope that they lack: every combination is tried.

What should be allowed is worked out here from the roles themselves and the parents of nodes, not
from the grants that the product reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.capabilities import CATALOGUE
from accounts.errors import AccountsError
from accounts.grants import forget_grants, grants_of
from accounts.models import Membership, Role, User
from accounts.services.memberships import membership_change, membership_grant, membership_revoke
from accounts.services.roles import role_create, role_update
from hierarchy.models import Node
from tests.access.walk import undone

if TYPE_CHECKING:
    from accounts.models import Company
    from tests.people import World

_CODES = [item.codename for item in CATALOGUE]
_ON_NODES = {item.codename for item in CATALOGUE if item.on_nodes}
_PLATFORM = {item.codename for item in CATALOGUE if item.platform_only}
_SETS = st.sets(st.sampled_from(_CODES), max_size=6)
_SCOPES = (None, "town", "street", "building", "other_street", "far_building", "source", "inlet")


def _above(node: Node | None) -> list[int]:
    found = []
    while node is not None:
        found.append(node.pk)
        node = node.parent
    return found


def holds(user: User, capability: str, company: Company, node: Node | None) -> bool:
    """Whether a membership gives it over the whole company, or over a node at or above `node`."""
    rows = Membership.objects.filter(
        user=user, accepted_at__isnull=False, role__permissions__codename=capability
    )
    if rows.filter(company=None).exists() or rows.filter(company=company, node=None).exists():
        return True
    return (
        capability in _ON_NODES
        and node is not None
        and rows.filter(company=company, node__in=_above(node)).exists()
    )


def may_give(user: User, role: Role, company: Company | None, node: Node | None) -> bool:
    """The rule in the issue's words: not a permission, role or scope that they lack."""
    if role.is_platform != (company is None):
        return False
    if company is None:
        return user.memberships.filter(company=None).exists()
    if role.company_id not in {None, company.pk}:
        return False
    if node is not None and node.company_id != company.pk:
        return False
    needed = role.capabilities() | {"manage_users"}
    return all(holds(user, item, company, node) for item in needed)


def _role(company: Company | None, codes: set[str], code: str) -> Role:
    from django.contrib.auth.models import Permission

    from accounts.models import RolePermission

    role = Role.objects.create(company=company, code=code, name=code)
    permissions = Permission.objects.filter(
        content_type__app_label="accounts", content_type__model="company", codename__in=codes
    )
    RolePermission.objects.bulk_create(
        RolePermission(role=role, permission=permission) for permission in permissions
    )
    return role


def _node(world: World, name: str | None, tenant: str = "city") -> Node | None:
    return None if name is None else Node.objects.get(pk=getattr(getattr(world, tenant), name).pk)


def _try(wish: Any) -> bool:
    with undone():
        try:
            wish()
        except AccountsError:
            return False
        return True


@given(
    held=_SETS,
    held_at=st.sampled_from(_SCOPES),
    given_out=_SETS,
    given_at=st.sampled_from(_SCOPES),
    of_hill=st.booleans(),
)
@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_role_at_any_scope(
    world: World,
    held: set[str],
    held_at: str | None,
    given_out: set[str],
    given_at: str | None,
    *,
    of_hill: bool,
) -> None:
    city = world.city.company
    with undone():
        own = _role(city, (held - _PLATFORM) | {"manage_users", "view_users"}, "actor-role")
        actor = User.objects.create_user("actor@city.test")
        membership_grant(
            actor=None,
            user=actor,
            company=city,
            role=own,
            node=_node(world, held_at),
            accepted=True,
        )
        given_role = _role(city, given_out - _PLATFORM, "given-role")
        company = world.hill.company if of_hill else city
        node = _node(world, given_at)
        target = world.city.clerk
        visible = User.objects.visible_to(actor).filter(pk=target.pk).exists()
        expected = may_give(actor, given_role, company, node) and visible
        went = _try(
            lambda: membership_grant(
                actor=actor, user=target, company=company, role=given_role, node=node
            )
        )
        assert went is expected


@pytest.mark.parametrize(
    "person", ["administrator", "engineer", "auditor", "clerk", "keeper", "stranger"]
)
def test_every_shipped_role_at_every_scope(world: World, person: str) -> None:
    actor = world.stranger if person == "stranger" else world.city.people[person]
    target = world.city.billing
    wrong = []
    for role in Role.objects.all():
        for tenant, company in (("city", world.city.company), ("hill", world.hill.company)):
            for scope in _SCOPES:
                node = _node(world, scope, tenant)
                wish = {"user": target, "company": company, "role": role, "node": node}
                went = _try(lambda wish=wish: membership_grant(actor=actor, **wish))
                twin = Membership.objects.filter(**wish).exists()
                if went and not may_give(actor, role, company, node):
                    wrong.append(f"{role.code} at {tenant} {scope} was given")
                if (
                    not went
                    and not twin
                    and may_give(actor, role, company, node)
                    and _sees(actor, target)
                ):
                    wrong.append(f"{role.code} at {tenant} {scope} was refused")
        if _try(
            lambda role=role: membership_grant(actor=actor, user=target, company=None, role=role)
        ):
            wrong.append(f"{role.code} of the platform was given")
    assert wrong == []


def _sees(actor: User, target: User) -> bool:
    return User.objects.visible_to(actor).filter(pk=target.pk).exists()


@given(held=_SETS, wanted=_SETS)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_roles_hold_only_what_their_maker_holds(
    world: World, held: set[str], wanted: set[str]
) -> None:
    city = world.city.company
    with undone():
        own = _role(city, (held - _PLATFORM) | {"manage_roles"}, "actor-role")
        actor = User.objects.create_user("actor@city.test")
        membership_grant(actor=None, user=actor, company=city, role=own, accepted=True)
        expected = wanted <= own.capabilities()
        wish = {"name": "New", "code": "new", "capabilities": wanted}
        went = _try(lambda: role_create(actor=actor, company=city, **wish))
        assert went is expected
        assert not _try(lambda: role_create(actor=actor, company=world.hill.company, **wish))
        changed = _try(lambda: role_update(actor=actor, role=world.city.role, capabilities=wanted))
        assert changed is expected


def test_a_role_its_maker_lacks_is_not_theirs_to_touch(world: World) -> None:
    city = world.city
    strong = _role(city.company, {"manage_company", "manage_users"}, "strong")
    weak = _role(city.company, {"manage_roles", "manage_users", "view_users"}, "weak")
    actor = User.objects.create_user("actor@city.test")
    membership_grant(actor=None, user=actor, company=city.company, role=weak, accepted=True)
    with pytest.raises(AccountsError):
        role_update(actor=actor, role=strong, capabilities={"view_users"})
    with pytest.raises(AccountsError):
        role_update(actor=actor, role=weak, capabilities={"manage_company"})


def test_nobody_takes_away_or_changes_what_they_could_not_give(world: World) -> None:
    actor, operators = world.city.administrator, Membership.objects.get(user=world.operator)
    theirs = Membership.objects.get(user=world.hill.clerk)
    clerk = Role.objects.get(code="clerk", company=None)
    for membership in (operators, theirs):
        with pytest.raises(AccountsError):
            membership_revoke(actor=actor, membership=membership)
        with pytest.raises(AccountsError):
            membership_change(actor=actor, membership=membership, role=clerk)
    own = Membership.objects.get(user=actor)
    platform = Role.objects.get(code="platform_operator", company=None)
    with pytest.raises(AccountsError):
        membership_change(actor=actor, membership=own, role=platform)


def test_nobody_widens_their_own_scope(world: World) -> None:
    manager = _role(world.city.company, {"manage_users", "view_users", "view_meters"}, "manager")
    actor = User.objects.create_user("actor@city.test")
    own = membership_grant(
        actor=None,
        user=actor,
        company=world.city.company,
        role=manager,
        node=world.city.street,
        accepted=True,
    )
    for scope in (None, "town", "other_street", "source"):
        with pytest.raises(AccountsError):
            membership_change(actor=actor, membership=own, role=manager, node=_node(world, scope))
    membership_change(actor=actor, membership=own, role=manager, node=world.city.building)
    forget_grants(actor)
    assert not grants_of(actor).covers(
        "view_meters", company_id=world.city.company.pk, node=_node(world, "street")
    )


def test_the_rule_written_here_allows_something(world: World) -> None:
    """Else all of the above could pass with everything refused."""
    clerk = Role.objects.get(code="clerk", company=None)
    administrator = world.city.administrator
    assert may_give(administrator, clerk, world.city.company, _node(world, "street"))
    assert _try(
        lambda: membership_grant(
            actor=administrator,
            user=world.city.billing,
            company=world.city.company,
            role=clerk,
            node=_node(world, "street"),
        )
    )
