"""Nobody hands out a permission, role or scope that they lack."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from accounts.capabilities import CATALOGUE
from accounts.errors import NotAllowed, NotPossible
from accounts.grants import grants_of
from accounts.models import Membership, Role, User
from accounts.roles import SHIPPED_ROLES
from accounts.services.memberships import (
    membership_accept,
    membership_change,
    membership_grant,
    membership_revoke,
)
from accounts.services.roles import role_copy, role_create, role_delete, role_update
from accounts.services.users import may_change_account, user_deactivate, user_update

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.people import World

WITHOUT_RIGHT = ["engineer", "dispatcher", "clerk", "billing", "auditor", "keeper"]
COMPANY_ROLES = [code for code, shipped in SHIPPED_ROLES.items() if not shipped.is_platform]


@pytest.fixture
def manager(world: World, role: Callable[[str], Role]) -> User:
    """Somebody who manages users and sees meters on one street only."""
    own = role_create(
        actor=world.city.administrator,
        company=world.city.company,
        name="Street manager",
        code="street-manager",
        capabilities=["use_admin", "view_users", "manage_users", "view_meters", "view_hierarchy"],
    )
    user = User.objects.create_user("street@city.test", "x", full_name="Street")
    membership_grant(
        actor=None,
        user=user,
        company=world.city.company,
        role=own,
        node=world.city.street,
        accepted=True,
    )
    return user


def test_who_manages_no_users_grants_nothing(world: World, role: Any) -> None:
    for who, code in product(WITHOUT_RIGHT, COMPANY_ROLES):
        with pytest.raises(NotAllowed):
            grant_as(world, who, role(code))


def grant_as(world: World, who: str, wanted: Role) -> None:
    membership_grant(
        actor=world.city.people[who],
        user=world.city.clerk,
        company=world.city.company,
        role=wanted,
    )


def test_platform_role_never_comes_from_inside_a_company(world: World, role: Any) -> None:
    platform = role("platform_operator")
    for actor, company in product(world.city.people.values(), (None, world.city.company)):
        with pytest.raises((NotAllowed, NotPossible)):
            membership_grant(actor=actor, user=actor, company=company, role=platform)
    assert not Membership.objects.filter(role=platform).exclude(user=world.operator).exists()


def test_platform_role_is_never_given_inside_a_company(world: World, role: Any) -> None:
    for actor in (world.operator, None):
        with pytest.raises(NotPossible):
            membership_grant(
                actor=actor,
                user=world.operator,
                company=world.city.company,
                role=role("platform_operator"),
            )


def test_administrator_has_no_say_in_another_company(world: World, role: Any) -> None:
    with pytest.raises(NotAllowed):
        membership_grant(
            actor=world.city.administrator,
            user=world.city.clerk,
            company=world.hill.company,
            role=role("clerk"),
        )
    foreign = Membership.objects.get(user=world.hill.clerk)
    for call in (
        lambda: membership_revoke(actor=world.city.administrator, membership=foreign),
        lambda: membership_change(
            actor=world.city.administrator, membership=foreign, role=role("auditor")
        ),
    ):
        with pytest.raises(NotAllowed):
            call()
    assert Membership.objects.get(pk=foreign.pk).role.code == "clerk"


def test_role_of_another_company_is_refused_even_to_the_system(world: World) -> None:
    for actor in (None, world.operator, world.city.administrator):
        with pytest.raises((NotPossible, NotAllowed)):
            membership_grant(
                actor=actor,
                user=world.city.clerk,
                company=world.city.company,
                role=world.hill.role,
            )


def test_place_of_another_company_is_refused(world: World, role: Any) -> None:
    with pytest.raises(NotPossible):
        membership_grant(
            actor=world.city.administrator,
            user=world.city.clerk,
            company=world.city.company,
            role=role("clerk"),
            node=world.hill.street,
        )


def test_user_of_another_company_is_reached_by_invitation_only(world: World, role: Any) -> None:
    with pytest.raises(NotAllowed):
        membership_grant(
            actor=world.city.administrator,
            user=world.hill.clerk,
            company=world.city.company,
            role=role("clerk"),
        )


def test_street_manager_stays_on_the_street(world: World, manager: User, role: Any) -> None:
    clerk = role_create(
        actor=world.city.administrator,
        company=world.city.company,
        name="Looks",
        code="looks",
        capabilities=["view_meters"],
    )
    outside = (None, world.city.town, world.city.other_street, world.city.source)
    for node in outside:
        with pytest.raises(NotAllowed):
            membership_grant(
                actor=manager,
                user=world.city.keeper,
                company=world.city.company,
                role=clerk,
                node=node,
            )
    for code in COMPANY_ROLES:
        with pytest.raises(NotAllowed):
            membership_grant(
                actor=manager,
                user=world.city.keeper,
                company=world.city.company,
                role=role(code),
                node=world.city.street,
            )
    inside = membership_grant(
        actor=manager,
        user=manager,
        company=world.city.company,
        role=clerk,
        node=world.city.building,
        accepted=True,
    )
    assert inside.accepted_at is not None


def test_street_manager_touches_no_greater_membership(world: World, manager: User) -> None:
    for name, person in world.city.people.items():
        for membership in Membership.objects.filter(user=person):
            with pytest.raises(NotAllowed):
                membership_revoke(actor=manager, membership=membership)
            assert Membership.objects.filter(pk=membership.pk).exists(), name


def test_role_holds_only_what_its_maker_has(world: World) -> None:
    """An own administrator without one capability can't bring it back by a role."""
    for number, item in enumerate(CATALOGUE):
        check_lacking(world, item.codename, number)


def check_lacking(world: World, capability: str, number: int) -> None:
    everything = {item.codename for item in CATALOGUE if not item.platform_only}
    lesser = role_create(
        actor=None,
        company=world.city.company,
        name="Lesser",
        code=f"lesser-{number}",
        capabilities=everything - {capability},
    )
    user = User.objects.create_user(f"lesser{number}@city.test", "x")
    membership_grant(actor=None, user=user, company=world.city.company, role=lesser, accepted=True)
    with pytest.raises(NotAllowed):
        role_create(
            actor=user,
            company=world.city.company,
            name="More",
            code="more",
            capabilities=[capability],
        )
    if capability not in {"manage_roles", "manage_platform"}:
        with pytest.raises(NotAllowed):
            role_update(actor=user, role=lesser, capabilities=everything)
    assert not grants_of(User.objects.get(pk=user.pk)).may(capability)


def test_shipped_roles_are_fixed(world: World, role: Any) -> None:
    for actor, code in product((world.city.administrator, world.operator), SHIPPED_ROLES):
        with pytest.raises(NotAllowed):
            role_update(actor=actor, role=role(code), capabilities=["view_meters"])
        with pytest.raises(NotAllowed):
            role_delete(actor=actor, role=role(code))


def test_platform_role_is_not_copied_into_a_company(world: World, role: Any) -> None:
    with pytest.raises(NotAllowed):
        role_copy(
            actor=world.operator,
            role=role("platform_operator"),
            company=world.city.company,
            name="x",
            code="x",
        )


def test_changed_role_reaches_its_members_at_once(world: World) -> None:
    own = world.city.role
    membership_grant(
        actor=None, user=world.stranger, company=world.city.company, role=own, accepted=True
    )
    assert not grants_of(User.objects.get(pk=world.stranger.pk)).may("view_audit")
    role_update(actor=world.city.administrator, role=own, capabilities=["view_audit"])
    assert grants_of(User.objects.get(pk=world.stranger.pk)).may(
        "view_audit", world.city.company.pk
    )
    role_update(actor=world.city.administrator, role=own, capabilities=[])
    assert not grants_of(User.objects.get(pk=world.stranger.pk)).may("view_audit")


def test_role_in_use_is_not_deleted(world: World) -> None:
    membership_grant(
        actor=None,
        user=world.stranger,
        company=world.city.company,
        role=world.city.role,
        accepted=True,
    )
    with pytest.raises(NotPossible):
        role_delete(actor=world.city.administrator, role=world.city.role)


def test_last_operator_stays(world: World) -> None:
    only = Membership.objects.get(company=None)
    with pytest.raises(NotPossible):
        membership_revoke(actor=world.operator, membership=only)
    with pytest.raises(NotPossible):
        user_deactivate(actor=world.operator, user=world.operator)
    world.operator.refresh_from_db()
    assert world.operator.is_active
    assert Membership.objects.filter(pk=only.pk).exists()


def test_somebody_else_can_not_accept(world: World, role: Any) -> None:
    waiting = membership_grant(
        actor=None, user=world.stranger, company=world.city.company, role=role("clerk")
    )
    with pytest.raises(NotAllowed):
        membership_accept(user=world.city.clerk, membership=waiting)


def test_revoked_rights_of_the_actor_count_at_once(world: World, role: Any) -> None:
    """The actor's object still carries the grants it was loaded with."""
    actor = world.city.administrator
    assert grants_of(actor).may("manage_users", world.city.company.pk)
    membership_revoke(actor=None, membership=Membership.objects.get(user=actor))
    with pytest.raises(NotAllowed):
        membership_grant(
            actor=actor, user=world.city.clerk, company=world.city.company, role=role("auditor")
        )


def test_foreign_account_fields_are_out_of_reach(world: World) -> None:
    for actor, target in product(world.city.people.values(), world.hill.people.values()):
        with pytest.raises(NotAllowed):
            user_update(actor=actor, user=target, email="evil@x.test")
        with pytest.raises(NotAllowed):
            user_deactivate(actor=actor, user=target)


def test_account_shared_with_another_company_is_nobodys_alone(world: World, role: Any) -> None:
    clerk = world.city.clerk
    assert may_change_account(grants_of(world.city.administrator), clerk)
    membership_grant(
        actor=None, user=clerk, company=world.hill.company, role=role("clerk"), accepted=True
    )
    for tenant in (world.city, world.hill):
        with pytest.raises(NotAllowed):
            user_update(actor=tenant.administrator, user=clerk, email="taken@x.test")
        with pytest.raises(NotAllowed):
            user_deactivate(actor=tenant.administrator, user=clerk)
    membership_revoke(
        actor=world.city.administrator,
        membership=Membership.objects.get(user=clerk, company=world.city.company),
    )
    assert Membership.objects.filter(user=clerk, company=world.hill.company).exists()


def test_operator_of_the_platform_is_not_a_companys_to_change(world: World, role: Any) -> None:
    membership_grant(
        actor=None,
        user=world.operator,
        company=world.city.company,
        role=role("clerk"),
        accepted=True,
    )
    with pytest.raises(NotAllowed):
        user_update(actor=world.city.administrator, user=world.operator, email="mine@x.test")


def test_moved_address_voids_invitations_of_others(world: World, role: Any) -> None:
    membership_grant(
        actor=None, user=world.city.clerk, company=world.hill.company, role=role("clerk")
    )
    user_update(actor=world.city.administrator, user=world.city.clerk, email="moved@city.test")
    assert not Membership.objects.filter(user=world.city.clerk, company=world.hill.company).exists()
