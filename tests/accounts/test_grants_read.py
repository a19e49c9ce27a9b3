"""What a user was granted, as the one door reads it from the rows of guardian."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from guardian.models import UserObjectPermission

from accounts.capabilities import CATALOGUE
from accounts.grants import Grants, NodeRange, grants_of
from accounts.models import Company, User
from meters.models import Meter

if TYPE_CHECKING:
    from tests.people import World


def _read(user: User) -> Grants:
    return grants_of(User.objects.get(pk=user.pk))


def _range(node: Any) -> NodeRange:
    node.refresh_from_db()
    return NodeRange(node.company_id, node.system, node.tree_id, node.lft, node.rght)


@pytest.mark.parametrize("person", ["administrator", "keeper", "operator"])
def test_one_statement_reads_everything(
    world: World, person: str, django_assert_num_queries: Any
) -> None:
    user = world.operator if person == "operator" else world.city.people[person]
    _read(user)
    again = User.objects.get(pk=user.pk)
    with django_assert_num_queries(1):
        grants_of(again)


def test_rows_become_companies_and_subtrees(world: World) -> None:
    city = world.city
    whole, part = _read(city.people["administrator"]), _read(city.people["keeper"])
    assert whole.companies["manage_meters"] == {city.company.pk}
    assert not whole.nodes and not whole.platform
    assert part.nodes["manage_meters"] == [_range(city.street)]
    assert not part.companies and not part.platform
    assert whole.zones == part.zones == {city.company.pk: city.company.time_zone}


def test_the_operator_holds_everything_on_the_platform_only(world: World) -> None:
    found = _read(world.operator)
    assert found.platform == {item.codename for item in CATALOGUE}
    assert not found.companies and not found.nodes and not found.zones


def test_a_closed_company_grants_nothing(world: World) -> None:
    Company.objects.filter(pk=world.city.company.pk).update(is_active=False)
    for person in ("administrator", "keeper"):
        assert _read(world.city.people[person]) == Grants()


def test_a_row_about_something_else_is_no_place(world: World) -> None:
    """Its number may be that of a street or of a company."""
    permission = Permission.objects.get(codename="manage_meters", content_type__model="company")
    # As guardian itself would not write them.
    UserObjectPermission.objects.bulk_create(
        UserObjectPermission(
            user=world.stranger,
            permission=permission,
            content_type=ContentType.objects.get_for_model(Meter),
            object_pk=str(key),
        )
        for key in (world.city.street.pk, world.city.company.pk)
    )
    assert _read(world.stranger) == Grants()
