"""Making trees, and judging them without MPTT."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hierarchy.models import Node
from hierarchy.numbering import tree_faults
from hierarchy.services import node_create

if TYPE_CHECKING:
    from accounts.models import Company

__all__ = ["Forest"]


@dataclass
class Forest:
    """One system of one company."""

    company: Company
    system: str = "territory"

    def add(self, kind: str, name: str, parent: Node | None = None, **fields: Any) -> Node:
        """A new node, written by the system itself."""
        return node_create(
            actor=None,
            company=self.company,
            system=self.system,
            kind=kind,
            name=name,
            parent=parent,
            **fields,
        )

    def faults(self) -> list[Any]:
        return tree_faults(company_id=self.company.pk, system=self.system)

    def rows(self) -> dict[int, Node]:
        return {
            node.pk: node for node in Node.objects.filter(company=self.company, system=self.system)
        }

    def assert_sound(self) -> None:
        """Numbers nest exactly as the parents say, and full names are the names from the root."""
        rows = self.rows()
        children: dict[int | None, list[Node]] = {}
        for node in rows.values():
            children.setdefault(node.parent_id, []).append(node)
        trees = [root.tree_id for root in children.get(None, [])]
        assert len(trees) == len(set(trees)), "two roots share a tree"
        seen = sum(self._walk(root, children, 0, "") for root in children.get(None, []))
        assert seen == len(rows), "nodes are lost"
        assert self.faults() == []

    def _walk(self, node: Node, children: dict[Any, list[Node]], level: int, above: str) -> int:
        path = f"{above}, {node.name}" if above else node.name
        assert (node.level, node.path) == (level, path), node
        expected, count = node.lft + 1, 1
        for child in sorted(children.get(node.pk, []), key=lambda child: child.lft):
            assert child.tree_id == node.tree_id, child
            assert child.lft == expected, f"gap before {child}"
            count += self._walk(child, children, level + 1, path)
            expected = child.rght + 1
        assert node.rght == expected, f"gap at the end of {node}"
        return count
