"""The rules of the tree, asked of the services, the administration and the database itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse

from hierarchy.errors import HierarchyError
from hierarchy.kinds import KINDS, System, kind_may_contain
from hierarchy.models import Node
from hierarchy.services import (
    node_create,
    node_delete,
    node_delete_reasons,
    node_move,
    node_update,
    nodes_bulk_create,
)
from tests.hierarchy.trees import Forest

if TYPE_CHECKING:
    from accounts.models import Company
    from tests.people import World


def test_full_names_follow_names_and_moves(forest: Forest) -> None:
    town = forest.add("city", "Town")
    street = forest.add("street", "Mill Street", town)
    building = forest.add("building", "5", street)
    assert building.path == "Town, Mill Street, 5"
    node_update(actor=None, node=town, name="New Town")
    building.refresh_from_db()
    assert building.path == "New Town, Mill Street, 5"
    other = forest.add("city", "Port")
    node_move(actor=None, node=street, parent=other)
    building.refresh_from_db()
    assert building.path == "Port, Mill Street, 5"
    forest.assert_sound()


def test_a_branch_can_become_a_tree_of_its_own_and_return(forest: Forest) -> None:
    town = forest.add("city", "Town")
    street = forest.add("street", "Mill Street", town)
    forest.add("building", "5", street)
    node_move(actor=None, node=street, parent=None)
    street.refresh_from_db()
    assert street.parent is None
    assert street.tree_id != town.tree_id
    forest.assert_sound()
    node_move(actor=None, node=street, parent=town)
    forest.assert_sound()


@pytest.mark.parametrize("below", ["itself", "child", "grandchild"])
def test_moving_below_itself_is_refused(forest: Forest, below: str) -> None:
    first = forest.add("street", "A")
    second = forest.add("street", "B", first)
    third = forest.add("street", "C", second)
    target = {"itself": first, "child": second, "grandchild": third}[below]
    with pytest.raises(HierarchyError, match="below itself"):
        node_move(actor=None, node=first, parent=target)
    forest.assert_sound()


@pytest.mark.parametrize("system", System.values)
def test_kinds_stand_in_their_order(company: Company, system: str) -> None:
    forest, order = Forest(company, system), KINDS[system]
    for upper in order:
        parent = forest.add(upper, f"{upper} above")
        for lower in order:
            fits = order.index(upper) <= order.index(lower)
            assert kind_may_contain(system, upper, lower) is fits
            if fits:
                forest.add(lower, f"{upper} {lower}", parent)
            else:
                with pytest.raises(HierarchyError):
                    forest.add(lower, "wrong", parent)
    forest.assert_sound()


def test_a_kind_of_another_system_is_refused(forest: Forest) -> None:
    with pytest.raises(HierarchyError):
        forest.add("transformer", "T1")


def test_a_kind_cannot_change_to_one_its_place_forbids(forest: Forest) -> None:
    town = forest.add("city", "Town")
    street = forest.add("street", "Mill Street", town)
    building = forest.add("building", "5", street)
    with pytest.raises(HierarchyError):
        node_update(actor=None, node=street, kind="region")
    with pytest.raises(HierarchyError, match="below"):
        node_update(actor=None, node=street, kind="apartment")
    node_update(actor=None, node=building, kind="site")


def test_a_move_under_a_lower_kind_is_refused(forest: Forest) -> None:
    town = forest.add("city", "Town")
    building = forest.add("building", "5", forest.add("street", "Mill Street", town))
    other = forest.add("street", "Far Street", town)
    with pytest.raises(HierarchyError, match="can't stand under"):
        node_move(actor=None, node=other, parent=building)


def test_service_keeps_a_node_in_company_and_system(world: World) -> None:
    with pytest.raises(HierarchyError, match="company or system"):
        node_move(actor=None, node=world.city.building, parent=world.hill.street)
    with pytest.raises(HierarchyError, match="company or system"):
        node_move(actor=None, node=world.city.inlet, parent=world.city.building)
    with pytest.raises(HierarchyError, match="can't be changed"):
        node_update(actor=None, node=world.city.building, company=world.hill.company)
    with pytest.raises(HierarchyError):
        node_create(
            actor=None,
            company=world.city.company,
            system="territory",
            kind="building",
            name="9",
            parent=world.hill.street,
        )


@pytest.mark.parametrize("change", ["company", "system", "parent"])
def test_database_keeps_a_node_in_company_and_system(world: World, change: str) -> None:
    values = {
        "company": ("company_id", world.hill.company.pk),
        "system": ("system", "gas"),
        "parent": ("parent_id", world.hill.street.pk),
    }
    column, value = values[change]
    sql = f"UPDATE hierarchy_node SET {column} = %s WHERE id = %s"  # noqa: S608
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, [value, world.city.building.pk])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_bulk_creation_keeps_to_company_and_system(world: World) -> None:
    strays = [Node(kind="building", name="9", parent=world.hill.street)]
    with pytest.raises(IntegrityError), transaction.atomic():
        nodes_bulk_create(company=world.city.company, system="territory", nodes=strays)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_bulk_creation_refuses_a_circle(company: Company) -> None:
    first, second = Node(kind="street", name="A"), Node(kind="street", name="B")
    first.parent, second.parent = second, first
    with pytest.raises(HierarchyError, match="circle"):
        nodes_bulk_create(company=company, system="territory", nodes=[first, second])


def _post(world: World, node: Node, **values: Any) -> Any:
    client = Client()
    client.force_login(world.city.administrator)
    form = {"kind": node.kind, "name": node.name, "code": node.code, "parent": node.parent_id or ""}
    url = reverse("admin:hierarchy_node_change", args=[node.pk])
    return client.post(url, {**form, **values})


def test_form_keeps_a_node_in_company_and_system(world: World) -> None:
    building, inlet = world.city.building, world.city.inlet
    _post(world, building, company=world.hill.company.pk, system="gas")
    building.refresh_from_db()
    assert (building.company_id, building.system) == (world.city.company.pk, "territory")
    for node, parent in ((building, world.hill.street), (inlet, building), (building, building)):
        response = _post(world, node, parent=parent.pk)
        assert response.status_code == 200
        assert response.context["adminform"].form.errors
        before = node.parent_id
        node.refresh_from_db()
        assert node.parent_id == before


def test_form_moves_and_renames(world: World) -> None:
    building = world.city.building
    response = _post(world, building, parent=world.city.other_street.pk, name="55")
    assert response.status_code == 302
    building.refresh_from_db()
    assert building.parent_id == world.city.other_street.pk
    assert building.path.endswith("Far Street CANARYCITY, 55")
    Forest(world.city.company).assert_sound()


def test_dragging_follows_the_same_rules(world: World) -> None:
    client = Client()
    client.force_login(world.city.administrator)
    url = reverse("admin:hierarchy_node_tree_move")
    building, street = world.city.building, world.city.street
    answer = client.post(url, {"node": street.pk, "parent": street.pk})
    assert (answer.status_code, "below itself" in answer.json()["error"]) == (409, True)
    answer = client.post(url, {"node": street.pk, "parent": building.pk})
    assert (answer.status_code, "can't stand under" in answer.json()["error"]) == (409, True)
    assert (
        client.post(url, {"node": building.pk, "parent": world.hill.street.pk}).status_code == 404
    )
    answer = client.post(url, {"node": building.pk, "parent": world.city.other_street.pk})
    assert answer.json() == {"ok": True}
    Forest(world.city.company).assert_sound()


def test_who_holds_a_street_changes_nothing_beside_it(world: World) -> None:
    keeper = world.city.keeper
    node_update(actor=keeper, node=world.city.building, name="5a")
    refused = [
        lambda: node_update(actor=keeper, node=world.city.far_building, name="x"),
        lambda: node_move(actor=keeper, node=world.city.building, parent=world.city.other_street),
        lambda: node_move(actor=keeper, node=world.city.building, parent=None),
        lambda: node_delete(actor=keeper, node=world.city.other_street),
        lambda: node_update(actor=world.city.clerk, node=world.city.building, name="x"),
        lambda: node_update(actor=world.hill.administrator, node=world.city.building, name="x"),
    ]
    for wish in refused:
        with pytest.raises(HierarchyError, match="may not"):
            wish()


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("apartment", "UP-CANARYCITY"),
        ("building", "MOD-CANARYCITY"),
        ("town", "UP-CANARYCITY"),
        ("inlet", "CANARYCITY"),
        ("other_street", "below"),
    ],
)
def test_deletion_is_refused_and_says_what_hangs_below(world: World, name: str, what: str) -> None:
    node = Node.objects.get(pk=getattr(world.city, name).pk)
    assert what in " ".join(node_delete_reasons(node))
    with pytest.raises(HierarchyError, match=what):
        node_delete(actor=None, node=node)
    assert Node.objects.filter(pk=node.pk).exists()


def test_membership_scope_keeps_its_node(world: World) -> None:
    """Somebody's rights hang on the street: it can't vanish under them."""
    from accounts.services.memberships import membership_grant

    role = world.city.keeper.memberships.get().role
    membership_grant(
        actor=None,
        user=world.city.clerk,
        company=world.city.company,
        role=role,
        node=world.city.far_building,
        accepted=True,
    )
    with pytest.raises(HierarchyError, match="membership"):
        node_delete(actor=None, node=Node.objects.get(pk=world.city.far_building.pk))


def test_an_empty_branch_can_go(world: World) -> None:
    node_delete(actor=None, node=world.city.far_building)
    node_delete(actor=None, node=world.city.other_street)
    Forest(world.city.company).assert_sound()


def test_deletion_from_the_list_tells_the_reason(world: World) -> None:
    client = Client()
    client.force_login(world.city.administrator)
    url = reverse("admin:hierarchy_node_delete", args=[world.city.building.pk])
    page = client.get(url).content.decode()
    assert "hangs on it or below it" in page
    client.post(url, {"post": "yes"})
    assert Node.objects.filter(pk=world.city.building.pk).exists()


def test_writing_outside_a_transaction_is_refused() -> None:
    with pytest.raises(RuntimeError, match="transaction|lock"):
        Node(company_id=1, system="territory", kind="city", name="x").lock_tree()


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 201])
def test_names_are_one_line_of_text(forest: Forest, name: str) -> None:
    from django.core.exceptions import ValidationError

    with pytest.raises(ValidationError):
        forest.add("city", name)


def test_codes_are_unique_in_a_system(forest: Forest) -> None:
    from django.core.exceptions import ValidationError

    forest.add("city", "A", code="c1")
    with pytest.raises(ValidationError, match="code"):
        forest.add("city", "B", code="c1")
    forest.add("city", "C")
    forest.add("city", "D")
