"""`check_tree` finds damage and mends it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F

from accounts.models import Company
from hierarchy.models import Node
from hierarchy.numbering import tree_rebuild
from hierarchy.services import nodes_bulk_create
from tests.hierarchy.trees import Forest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def planted(forest: Forest) -> Forest:
    city = forest.add("city", "Town")
    for number in range(3):
        street = forest.add("street", f"Street {number}", city)
        building = forest.add("building", "1", street)
        forest.add("apartment", "7", building)
    forest.add("city", "Other town")
    return forest


def _check(*, fix: bool = False) -> str:
    out = io.StringIO()
    call_command("check_tree", fix=fix, stdout=out)
    return out.getvalue()


def test_a_sound_tree_is_left_alone(planted: Forest) -> None:
    before = {pk: (node.tree_id, node.lft, node.rght) for pk, node in planted.rows().items()}
    assert "sound" in _check()
    assert "sound" in _check(fix=True)
    assert {pk: (n.tree_id, n.lft, n.rght) for pk, n in planted.rows().items()} == before


DAMAGE: dict[str, Callable[[], int]] = {
    "borders": lambda: Node.objects.filter(kind="street").update(lft=1, rght=2),
    "levels": lambda: Node.objects.filter(kind="building").update(level=9),
    "one tree id for all": lambda: Node.objects.update(tree_id=1),
    "tree id of a branch": lambda: Node.objects.filter(kind="building").update(tree_id=77),
    "gaps": lambda: Node.objects.filter(kind="city", name="Town").update(rght=F("rght") + 10),
    "full names": lambda: Node.objects.filter(kind="apartment").update(path="elsewhere"),
    "nothing numbered": lambda: Node.objects.update(tree_id=0, lft=0, rght=0, level=0),
}


@pytest.mark.parametrize("kind", sorted(DAMAGE))
def test_damage_is_found_and_mended(planted: Forest, kind: str) -> None:
    assert DAMAGE[kind]()
    assert planted.faults()
    with pytest.raises(CommandError, match="--fix"):
        _check()
    assert "mended" in _check(fix=True)
    planted.assert_sound()
    assert "sound" in _check()


def test_trees_of_two_companies_under_one_number_are_parted(planted: Forest) -> None:
    other = Forest(Company.objects.create(name="Hilltown", code="hilltown", time_zone="UTC"))
    root = other.add("city", "Hill")
    other.add("street", "High Street", root)
    taken = Node.objects.get(name="Town").tree_id
    Node.objects.filter(company=other.company).update(tree_id=taken)
    _check(fix=True)
    planted.assert_sound()
    other.assert_sound()
    trees = Node.objects.filter(parent=None).values_list("tree_id", flat=True)
    assert len(set(trees)) == 3


def test_20000_nodes_are_numbered_in_one_go(company: Company) -> None:
    forest = Forest(company)
    city = Node(kind="city", name="Town")
    streets = [Node(kind="street", name=f"S{number}", parent=city) for number in range(99)]
    buildings = [
        Node(kind="building", name=f"B{number}", parent=street)
        for street in streets
        for number in range(20)
    ]
    apartments = [
        Node(kind="apartment", name=f"A{number}", parent=building)
        for building in buildings
        for number in range(9)
    ]
    nodes = [city, *streets, *buildings, *apartments]
    created = nodes_bulk_create(company=company, system="territory", nodes=nodes)
    assert len(created) == 1 + 99 + 1_980 + 17_820
    forest.assert_sound()
    Node.objects.update(lft=0, rght=0, level=0, tree_id=0, path="")
    assert tree_rebuild(company_id=company.pk, system="territory") == len(created)
    forest.assert_sound()
    assert tree_rebuild(company_id=company.pk, system="territory") == 0
