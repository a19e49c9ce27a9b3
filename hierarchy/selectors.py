"""Reading trees, a level at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import connection
from django.db.models import Count, Q

from accounts.grants import grants_of
from config.lib.search import search

from .kinds import Kind
from .models import Node

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import QuerySet

__all__ = ["Level", "node_ancestors", "node_children", "node_search", "nodes_matching"]

PAGE = 200
_ANCESTORS = """
WITH RECURSIVE up AS (
    SELECT id AS node, parent_id, level FROM hierarchy_node
    WHERE id = ANY(%s) AND parent_id IS NOT NULL
    UNION ALL
    SELECT up.node, n.parent_id, n.level FROM up JOIN hierarchy_node n ON n.id = up.parent_id
    WHERE n.parent_id IS NOT NULL
)
SELECT node, array_agg(parent_id ORDER BY level) FROM up GROUP BY node
"""


class Level(NamedTuple):
    """One page of siblings and where the next page starts (None: that was all)."""

    nodes: list[Node]
    more: str | None


def node_children(
    *, user: Any, company_id: int, system: str, parent_id: int | None, after: str = ""
) -> Level:
    """Visible children of a node by name; without a parent the topmost nodes the user sees.

    Each node carries `child_count`. after: the cursor that the page before gave.
    """
    rows = Node.objects.visible_to(user).filter(company_id=company_id, system=system)
    rows = rows.filter(parent_id=parent_id) if parent_id else _topmost(rows, user, company_id)
    if after:
        name, _, pk = after.rpartition(":")
        key = int(pk) if pk.isdigit() else 0
        rows = rows.filter(Q(name__gt=name) | Q(name=name, pk__gt=key))
    page: list[Any] = list(rows.order_by("name", "pk")[: PAGE + 1])
    below = Node.objects.filter(parent__in=[node.pk for node in page]).order_by()
    counts = dict(below.values_list("parent").annotate(Count("pk")))
    for node in page:
        node.child_count = counts.get(node.pk, 0)
    last = page[PAGE - 1] if len(page) > PAGE else None
    return Level(page[:PAGE], f"{last.name}:{last.pk}" if last else None)


def _topmost(rows: Any, user: Any, company_id: int) -> Any:
    if grants_of(user).may("view_hierarchy", company_id):
        return rows.filter(parent=None)
    # Somebody with a part of the tree starts at the nodes that were granted.
    reaches = grants_of(user).nodes.get("view_hierarchy", ())
    starts = Q(pk__in=[])
    for reach in reaches:
        starts |= Q(tree_id=reach.tree_id, lft=reach.left)
    return rows.filter(starts)


def node_search(
    *, user: Any, company_id: int, system: str, text: str, limit: int = 20
) -> list[Node]:
    """Visible nodes whose full name or code contains every word of `text`, higher ones first."""
    if not text.strip():
        return []
    rows = Node.objects.visible_to(user).filter(company_id=company_id, system=system)
    found = nodes_matching(rows, text)
    return list(found.order_by("level", "path")[:limit])


def nodes_matching(nodes: QuerySet[Node], text: str) -> QuerySet[Node]:
    """Those of `nodes` whose full name or code contains every word of `text`.

    A street comes before the thousands of apartments whose full names contain its name as well.
    """
    return search(nodes, ("path", "code"), text, first=~Q(kind=Kind.APARTMENT))


def node_ancestors(nodes: Sequence[Node]) -> dict[int, list[int]]:
    """Key of each node → keys from its root down to its parent.

    Goes up by parents, a look-up a level: a range of the tree would be read up to the node.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ANCESTORS, [[node.pk for node in nodes]])
        found = dict(cursor.fetchall())
    return {node.pk: found.get(node.pk, []) for node in nodes}
