"""MPTT numbers computed from the parents in one statement: to check a forest, and to mend it.

For preorder rank r (from 1), depth d and subtree size s: lft = 2r − 1 − d, rght = lft + 2s − 1.
"""

from __future__ import annotations

from typing import NamedTuple

from django.db import connection, transaction

from config.lib.locks import lock

__all__ = ["TreeFault", "tree_faults", "tree_rebuild"]

# Depth-first walk; siblings keep their present order. The plan is a recursive union over the
# index on parent_id, then one sort per root; `sizes` counts every node for each of its ancestors.
_NUMBERS = """
WITH RECURSIVE walk AS (
    SELECT id, tree_id, 0 AS depth, ARRAY[lft::bigint, id] AS place, ARRAY[id] AS ancestors,
           id AS root, name::text AS path
    FROM hierarchy_node WHERE company_id = %(company)s AND system = %(system)s
      AND parent_id IS NULL
    UNION ALL
    SELECT child.id, walk.tree_id, walk.depth + 1, walk.place || ARRAY[child.lft::bigint, child.id],
           walk.ancestors || child.id, walk.root, walk.path || ', ' || child.name
    FROM walk JOIN hierarchy_node child ON child.parent_id = walk.id
), roots AS (
    SELECT id AS root, tree_id,
           row_number() OVER (PARTITION BY tree_id ORDER BY id) = 1 AND tree_id > 0
           AND NOT EXISTS (
               SELECT 1 FROM hierarchy_node other
               WHERE other.tree_id = walk.tree_id AND other.parent_id IS NULL
                 AND (other.company_id, other.system) <> (%(company)s, %(system)s)
           ) AS keeps
    FROM walk WHERE depth = 0
), trees AS (
    SELECT root, CASE WHEN keeps THEN tree_id ELSE
        (SELECT coalesce(max(tree_id), 0) FROM hierarchy_node)
        + row_number() OVER (PARTITION BY keeps ORDER BY root) END AS tree_id
    FROM roots
), sizes AS (
    SELECT ancestor AS id, count(*) AS size FROM walk, unnest(ancestors) AS ancestor GROUP BY 1
), numbers AS (
    SELECT walk.id, trees.tree_id, walk.depth AS level, walk.path,
           2 * row_number() OVER (PARTITION BY walk.root ORDER BY walk.place) - 1 - walk.depth
           AS lft, sizes.size
    FROM walk JOIN sizes USING (id) JOIN trees USING (root)
)
"""

_DIFFERS = """
    (node.tree_id, node.level, node.lft, node.rght, node.path)
    IS DISTINCT FROM (numbers.tree_id, numbers.level, numbers.lft,
                      numbers.lft + 2 * numbers.size - 1, numbers.path)
"""


class TreeFault(NamedTuple):
    """A node whose stored numbers or full name differ from what its parents say."""

    node_id: int
    path: str


def tree_faults(*, company_id: int, system: str, limit: int = 100) -> list[TreeFault]:
    """Nodes of one forest that are numbered or named wrongly; empty when the tree is valid.

    Siblings may stand in any order; only nesting, levels, gaps and full names are checked.
    """
    sql = f"""{_NUMBERS}
        SELECT node.id, coalesce(numbers.path, node.path) FROM hierarchy_node node
        LEFT JOIN numbers ON numbers.id = node.id
        WHERE node.company_id = %(company)s AND node.system = %(system)s AND {_DIFFERS}
        ORDER BY node.id LIMIT %(limit)s"""  # noqa: S608 - constants only
    with connection.cursor() as cursor:
        cursor.execute(sql, {"company": company_id, "system": system, "limit": limit})
        return [TreeFault(*row) for row in cursor.fetchall()]


@transaction.atomic
def tree_rebuild(*, company_id: int, system: str) -> int:
    """Number one forest anew from its parents; returns how many nodes were wrong."""
    # In the order every writer takes them: first the forest, then the numbers of new trees.
    lock(f"hierarchy:{company_id}:{system}")
    lock("hierarchy_node:tree_id")
    sql = f"""{_NUMBERS}
        UPDATE hierarchy_node node
        SET tree_id = numbers.tree_id, level = numbers.level, lft = numbers.lft,
            rght = numbers.lft + 2 * numbers.size - 1, path = numbers.path
        FROM numbers WHERE numbers.id = node.id AND {_DIFFERS}"""  # noqa: S608 - constants only
    with connection.cursor() as cursor:
        cursor.execute(sql, {"company": company_id, "system": system})
        return int(cursor.rowcount)
