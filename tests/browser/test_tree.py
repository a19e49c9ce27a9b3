"""The tree page: walked and rearranged with mouse and keyboard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hierarchy.models import Node

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.people import World

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

TREE = "/admin/hierarchy/node/tree/"
ENGINEER = "engineer@city.test"


def _item(page: Any, node: Node) -> Any:
    return page.locator(f"[data-node='{node.pk}']")


def _row(page: Any, node: Node) -> Any:
    return page.locator(f"[data-node='{node.pk}'] > .tree-row")


def _parent(node: Node) -> int | None:
    return Node.objects.get(pk=node.pk).parent_id


def _open(page: Any, *nodes: Node) -> None:
    for node in nodes:
        _row(page, node).click()
        page.wait_for_selector(f"[data-node='{node.pk}'][aria-expanded=true]")


def test_keyboard_walks_opens_and_moves(visit: Callable[..., Any], people: World) -> None:
    city = people.city
    with visit(ENGINEER) as page:
        page.goto(TREE)
        page.wait_for_selector("[role=treeitem]")
        _item(page, city.town).focus()
        page.keyboard.press("ArrowRight")
        _item(page, city.street).wait_for()
        _item(page, city.street).focus()
        page.keyboard.press("ArrowRight")
        _item(page, city.building).wait_for()
        page.keyboard.press("ArrowDown")
        assert page.evaluate("document.activeElement.dataset.node") == str(city.building.pk)
        page.keyboard.press(" ")
        page.locator("[data-tree-carry]").wait_for()
        _item(page, city.other_street).focus()
        page.keyboard.press(" ")
        page.locator("dialog[open]").wait_for()
        page.keyboard.type("new street plan")
        page.keyboard.press("Enter")
        page.locator(
            f"[data-node='{city.other_street.pk}'] [data-node='{city.building.pk}']"
        ).wait_for()
    assert _parent(city.building) == city.other_street.pk


def test_mouse_drags_a_node_to_its_new_parent(visit: Callable[..., Any], people: World) -> None:
    city = people.city
    with visit(ENGINEER) as page:
        page.goto(TREE)
        _open(page, city.town, city.street)
        _row(page, city.building).drag_to(_row(page, city.other_street))
        page.click("dialog[open] button.go")
        page.locator(
            f"[data-node='{city.other_street.pk}'] [data-node='{city.building.pk}']"
        ).wait_for()
    assert _parent(city.building) == city.other_street.pk


def test_refused_move_is_told_beside_the_node(visit: Callable[..., Any], people: World) -> None:
    city = people.city
    with visit(ENGINEER) as page:
        page.goto(TREE)
        _open(page, city.town, city.street, city.building, city.other_street)
        # A street can't stand under a building.
        _row(page, city.street).drag_to(_row(page, city.far_building))
        page.click("dialog[open] button.go")
        told = page.locator(f"[data-node='{city.street.pk}'] > [data-tree-error]")
        told.wait_for()
        assert told.inner_text().strip()
    assert _parent(city.street) == city.town.pk


def test_escape_lets_go_and_cancel_moves_nothing(visit: Callable[..., Any], people: World) -> None:
    city = people.city
    with visit(ENGINEER) as page:
        page.goto(TREE)
        _open(page, city.town, city.street)
        _item(page, city.building).focus()
        page.keyboard.press(" ")
        page.keyboard.press("Escape")
        assert page.locator("[data-tree-carry]").is_hidden()
        page.keyboard.press(" ")
        _item(page, city.other_street).focus()
        page.keyboard.press("Enter")
        page.click("dialog[open] button[value=cancel]")
        page.wait_for_selector("dialog[open]", state="detached")
    assert _parent(city.building) == city.street.pk


def test_search_opens_the_way_down(visit: Callable[..., Any], people: World) -> None:
    city = people.city
    with visit(ENGINEER) as page:
        page.goto(TREE)
        page.wait_for_selector("[role=treeitem]")
        page.fill("[data-tree-search]", "Main Street 12")
        page.click(f"[data-tree-hits] button:has-text('12 {city.canary}')")
        page.wait_for_selector(f"[data-node='{city.apartment.pk}'].is-hit")


def test_reader_cannot_pick_anything_up(visit: Callable[..., Any], people: World) -> None:
    with visit("auditor@city.test") as page:
        page.goto(TREE)
        page.wait_for_selector("[role=treeitem]")
        assert page.locator("[draggable=true], [data-pick]").count() == 0
        _item(page, people.city.town).focus()
        page.keyboard.press(" ")
        assert page.locator("[data-tree-carry]").is_hidden()
