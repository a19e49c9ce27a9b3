"""Places and network nodes that rows of other kinds name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hierarchy.kinds import System
from hierarchy.tables.lookup import AMBIGUOUS
from hierarchy.tables.nodes import ambiguous, missing_node, nodes_of

if TYPE_CHECKING:
    from hierarchy.models import Node
    from hierarchy.tables.plan import Entry, Plan

__all__ = ["node_named", "place_named", "same_node"]


def place_named(plan: Plan, entry: Entry) -> Any:
    """The territory node of the column `place`: a Node or BROKEN; None when there is none."""
    return node_named(plan, entry, "place", System.TERRITORY)


def node_named(plan: Plan, entry: Entry, name: str, system: str) -> Any:
    """The node that a column names by code or full name; what is wrong with it is reported."""
    text = entry.get(name)
    if text is None:
        return None
    found = nodes_of(plan).find(system, text)
    if found is AMBIGUOUS:
        entry.fail(name, ambiguous(text))
    elif found is None:
        entry.fail(name, missing_node(text))
    else:
        return found
    return None


def same_node(one: Node, other: Node) -> bool:
    """Whether two objects are one node; new nodes have no key yet."""
    return one is other or (one.pk is not None and one.pk == other.pk)
