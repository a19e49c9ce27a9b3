"""Guardian's rows are what the memberships say, whatever happened on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError, call_command
from guardian.models import UserObjectPermission
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.capabilities import CATALOGUE
from accounts.grants import grants_of
from accounts.models import Membership, Role, User
from accounts.roles import SHIPPED_ROLES
from accounts.services.grants import grants_compare, grants_sync
from accounts.services.memberships import (
    membership_accept,
    membership_change,
    membership_grant,
    membership_revoke,
)
from accounts.services.roles import shipped_roles_sync

if TYPE_CHECKING:
    from tests.people import World

CODES = [code for code, shipped in SHIPPED_ROLES.items() if not shipped.is_platform]
ON_NODES = {item.codename for item in CATALOGUE if item.on_nodes}


def fresh(user: User) -> User:
    return User.objects.get(pk=user.pk)


def test_world_is_in_step(world: World) -> None:
    assert grants_compare() == (set(), set())
    assert UserObjectPermission.objects.exists()


def test_waiting_membership_grants_nothing(world: World, role: Any) -> None:
    waiting = membership_grant(
        actor=None, user=world.stranger, company=world.city.company, role=role("engineer")
    )
    assert not UserObjectPermission.objects.filter(user=world.stranger).exists()
    assert grants_of(fresh(world.stranger)).companies == {}
    membership_accept(user=world.stranger, membership=waiting)
    assert grants_of(fresh(world.stranger)).may("manage_meters", world.city.company.pk)


def test_what_another_membership_gives_stays(world: World, role: Any) -> None:
    user = world.stranger
    both = [
        membership_grant(
            actor=None, user=user, company=world.city.company, role=role(code), accepted=True
        )
        for code in ("engineer", "billing")
    ]
    membership_revoke(actor=None, membership=both[0])
    grants = grants_of(fresh(user))
    assert grants.may("export_data", world.city.company.pk)
    assert grants.may("view_meters", world.city.company.pk)
    assert not grants.may("manage_meters", world.city.company.pk)


def test_scoped_role_grants_only_what_makes_sense_on_a_node(world: World, role: Any) -> None:
    membership_grant(
        actor=None,
        user=world.stranger,
        company=world.city.company,
        role=role("company_administrator"),
        node=world.city.street,
        accepted=True,
    )
    grants = grants_of(fresh(world.stranger))
    assert not any(grants.companies.values())
    held = {name for name, ranges in grants.nodes.items() if ranges}
    assert held == SHIPPED_ROLES["company_administrator"].capabilities & ON_NODES


def test_no_row_ever_carries_the_platform(world: World) -> None:
    assert not UserObjectPermission.objects.filter(permission__codename="manage_platform").exists()


def test_sync_is_idempotent(world: World) -> None:
    before = set(UserObjectPermission.objects.values_list("pk", flat=True))
    assert grants_sync() == (set(), set())
    assert set(UserObjectPermission.objects.values_list("pk", flat=True)) == before


def test_command_finds_and_mends(world: World) -> None:
    lost = UserObjectPermission.objects.filter(user=world.city.engineer).first()
    assert lost is not None
    lost.delete()
    extra = UserObjectPermission.objects.filter(user=world.city.administrator).first()
    assert extra is not None
    UserObjectPermission.objects.create(
        user=world.stranger,
        permission=extra.permission,
        content_type=extra.content_type,
        object_pk=extra.object_pk,
    )
    with pytest.raises(CommandError):
        call_command("check_grants")
    call_command("check_grants", "--fix")
    assert grants_compare() == (set(), set())
    assert not UserObjectPermission.objects.filter(user=world.stranger).exists()


def test_shipped_roles_come_back_as_shipped(world: World, role: Any) -> None:
    role("clerk").role_permissions.all().delete()
    grants_sync()
    assert not grants_of(fresh(world.city.clerk)).may("view_meters")
    shipped_roles_sync()
    for code, shipped in SHIPPED_ROLES.items():
        assert Role.objects.get(company=None, code=code).capabilities() == shipped.capabilities
    assert grants_of(fresh(world.city.clerk)).may("view_meters", world.city.company.pk)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["grant", "accept", "change", "revoke"]),
        st.sampled_from(CODES),
        st.sampled_from([None, "street", "building"]),
    ),
    min_size=1,
    max_size=12,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
def test_any_history_leaves_them_in_step(world: World, steps: list[Any]) -> None:
    Membership.objects.filter(user=world.stranger).delete()
    grants_sync()
    for step, code, place in steps:
        play(world, step, Role.objects.get(company=None, code=code), place)
        assert grants_compare() == (set(), set())


def play(world: World, step: str, role: Role, place: str | None) -> None:
    node = world.city.things[place] if place else None
    mine = Membership.objects.filter(user=world.stranger)
    twin = mine.filter(role=role, node=node).exists()
    first = mine.first()
    if step == "grant" and not twin:
        membership_grant(
            actor=None, user=world.stranger, company=world.city.company, role=role, node=node
        )
    elif step == "accept" and first:
        membership_accept(user=world.stranger, membership=first)
    elif step == "change" and first and not twin:
        membership_change(actor=None, membership=first, role=role, node=node)
    elif step == "revoke" and first:
        membership_revoke(actor=None, membership=first)
