"""Nodes from a table: made, renamed and moved in bulk by the rules of the tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hierarchy.models import Node
from hierarchy.numbering import tree_faults

from .conftest import Desk, messages_of, report_of, table

if TYPE_CHECKING:
    from tests.people import World

HEADERS = ["system", "kind", "name", "code", "parent", "latitude", "longitude"]


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world.city.engineer, "hierarchy_node")


def test_children_may_stand_above_their_parents(world: World, desk: Desk) -> None:
    report = desk.bring_in(
        table(
            HEADERS,
            ["territory", "apartment", "1", "", "H-1", "", ""],
            ["territory", "building", "1a", "H-1", "Lviv, Green, street", "49,84", "24.03"],
            ["territory", "street", "Green, street", "", "Lviv", "", ""],
            ["territory", "city", "Lviv", "", "", "", ""],
        )
    )
    assert report.counts["nodes"].new == 4
    flat = Node.objects.get(name="1", parent__code="H-1")
    assert flat.path == "Lviv, Green, street, 1a, 1"
    assert tree_faults(company_id=world.city.company.pk, system="territory") == []


def test_nodes_are_renamed_and_moved(world: World, desk: Desk) -> None:
    city = world.city
    report = desk.bring_in(
        table(
            HEADERS,
            ["territory", "", "Renamed", city.street.code, "", "", ""],
            ["territory", "", "5", city.building.code, city.other_street.code, "", ""],
            ["territory", "building", "New", "", city.street.code, "", ""],
            ["territory", "", city.apartment.name, city.apartment.code, "", "50.1", "30.2"],
        )
    )
    assert (report.counts["nodes"].new, report.counts["nodes"].changed) == (1, 3)
    for thing in (city.street, city.building, city.apartment):
        thing.refresh_from_db()
    assert city.street.name == "Renamed"
    assert city.apartment.path == f"{city.other_street.path}, 5, {city.apartment.name}"
    assert Node.objects.get(name="New").path == f"{city.town.name}, Renamed, New"
    assert tree_faults(company_id=city.company.pk, system="territory") == []


@pytest.mark.parametrize(
    ("row", "column", "words"),
    [
        (["territory", "building", "9", "", "nowhere", "", ""], "parent", "There is no node"),
        (["territory", "feeder", "9", "", "", "", ""], "kind", "There is no feeder"),
        (["territory", "city", "9", "", "+street", "", ""], "parent", "can't stand under"),
        (["territory", "", "9", "", "", "", ""], "kind", "what kind"),
        (["", "city", "9", "", "", "", ""], "system", "which system"),
        (["territory", "city", "9", "", "", "91", "0"], "latitude", "less than or equal to 90"),
        (["territory", "city", "9", "", "", "50", ""], "longitude", "Give both"),
        (["territory", "", "x", "+street", "+apartment", "", ""], "parent", "can't stand under"),
        (["territory", "apartment", "x", "+street", "", "", ""], "kind", "can't stand under|below"),
        (["cold_water", "inlet", "9", "", "+street", "", ""], "parent", "There is no node"),
    ],
)
def test_a_wrong_row(world: World, desk: Desk, row: list[str], column: str, words: str) -> None:
    cells = [world.city.things[cell[1:]].code if cell[:1] == "+" else cell for cell in row]
    found = messages_of(report_of(desk.check(table(HEADERS, cells))))
    assert [place for _row, place, _text in found] == [column], found
    assert any(word in found[0][2] for word in words.split("|")), found


def test_parents_in_a_circle(world: World, desk: Desk) -> None:
    report = report_of(
        desk.check(
            table(
                HEADERS,
                ["territory", "building", "a", "A", "B", "", ""],
                ["territory", "building", "b", "B", "A", "", ""],
            )
        )
    )
    assert [(row, column) for row, column, _text in messages_of(report)] == [
        (2, "parent"),
        (3, "parent"),
    ]


def test_moved_below_itself(world: World, desk: Desk) -> None:
    city = world.city
    Node.objects.filter(pk=city.apartment.pk).update(kind="building")
    row = ["territory", "", "5", city.building.code, city.apartment.code, "", ""]
    found = messages_of(report_of(desk.check(table(HEADERS, row))))
    assert found == [(2, "parent", "“5” can't be moved below itself.")]


def test_the_same_node_twice(world: World, desk: Desk) -> None:
    city = world.city
    report = report_of(
        desk.check(
            table(
                HEADERS,
                ["territory", "street", "New", "", city.town.code, "", ""],
                ["territory", "street", "New", "", city.town.code, "", ""],
                ["territory", "street", "Other", city.street.code, "", "", ""],
                ["territory", "street", "Third", city.street.code, "", "", ""],
                ["territory", "street", city.other_street.name, "OTHER", city.town.code, "", ""],
            )
        )
    )
    found = [(row, column) for row, column, _text in messages_of(report)]
    assert found == [(3, "name"), (5, "code"), (6, "code")]


def test_equal_names_are_told_apart_by_code(world: World, desk: Desk) -> None:
    city = world.city
    Node.objects.filter(pk=city.other_street.pk).update(
        name=city.street.name, path=city.street.path
    )
    row = ["territory", "building", "9", "", city.street.path, "", ""]
    found = messages_of(report_of(desk.check(table(HEADERS, row))))
    assert [column for _row, column, _text in found] == ["parent"]
    assert "Name the one that is meant by its code" in found[0][2]
    row[4] = city.other_street.code
    desk.bring_in(table(HEADERS, row))
    assert Node.objects.get(name="9").parent == city.other_street
