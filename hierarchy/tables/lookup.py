"""Finding nodes that a file names by code or by full name, in a few queries for all rows."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from django.db.models import Q

from hierarchy.models import Node

if TYPE_CHECKING:
    from collections.abc import Iterable

    from accounts.models import Company

__all__ = ["AMBIGUOUS", "NodeLookup"]

AMBIGUOUS: Any = object()
_BATCH = 5_000


class NodeLookup:
    """Nodes of one company that somebody sees; each is one object however often it is named."""

    def __init__(self, company: Company, actor: Any) -> None:
        rows = Node.objects.all() if actor is None else Node.objects.visible_to(actor)
        self._rows = rows.filter(company=company)
        self.nodes: dict[int, Node] = {}
        self._by_code: dict[tuple[str, str], Node] = {}
        self._by_path: dict[tuple[str, str], list[Node]] = defaultdict(list)
        self._children: dict[tuple[int | None, str, str, str], list[Node]] = defaultdict(list)
        self._wanted: set[str] = set()
        self._asked: set[str] = set()

    def want(self, text: str | None) -> None:
        """`text` is going to be asked for as a code or full name."""
        if text:
            self._wanted.add(text)

    def load(self) -> None:
        """Look up everything that is wanted and was not yet."""
        texts = sorted(self._wanted - self._asked)
        self._asked |= self._wanted
        for part in _parts(texts):
            # Codes have an index; full names are compared in one pass over the company's nodes.
            for node in self._rows.filter(Q(code__in=part) | Q(path__in=part)):
                self.remember(node)

    def remember(self, node: Node) -> Node:
        """The one object of a stored node."""
        known = self.nodes.setdefault(node.pk, node)
        if known is node:
            if node.code:
                self._by_code[node.system, node.code] = node
            self._by_path[node.system, node.path].append(node)
        return known

    def by_code(self, system: str, code: str) -> Node | None:
        return self._by_code.get((system, code))

    def find(self, system: str, text: str, *, kind: str = "") -> Any:
        """Node with this code or full name; AMBIGUOUS when several have the name; None."""
        node = self.by_code(system, text)
        if node is not None:
            return node
        found = self._by_path.get((system, text), [])
        if len(found) > 1 and kind:
            found = [node for node in found if node.kind == kind]
        return found[0] if len(found) == 1 else (AMBIGUOUS if found else None)

    def load_children(self, parents: Iterable[int], names: Iterable[str]) -> None:
        """Children of these nodes that are called one of `names`."""
        wanted, called = sorted(set(parents)), sorted(set(names))
        for keys in _parts(wanted):
            for part in _parts(called):
                for node in self._rows.filter(parent_id__in=keys, name__in=part):
                    self._put_child(node.parent_id, node)

    def load_tops(self, system: str, names: Iterable[str]) -> None:
        """Nodes of any level that a chain of places may begin with, by name."""
        for part in _parts(sorted(set(names))):
            for node in self._rows.filter(system=system, name__in=part):
                self._put_child(None, node)

    def _put_child(self, parent: int | None, node: Node) -> None:
        node = self.remember(node)
        key = (parent, node.system, node.kind, node.name)
        if node not in self._children[key]:
            self._children[key].append(node)

    def child(self, parent: Node, kind: str, name: str) -> Any:
        """The stored child; without a kind any; AMBIGUOUS, or None."""
        return _only(self._named(parent.pk, parent.system, kind, name))

    def top(self, system: str, kind: str, name: str) -> Any:
        """A root of this name, or else the only node of this kind and name."""
        found = self._named(None, system, kind, name)
        return _only([node for node in found if node.parent_id is None] or found)

    def root(self, system: str, kind: str, name: str) -> Any:
        found = self._named(None, system, kind, name)
        return _only([node for node in found if node.parent_id is None])

    def _named(self, parent: int | None, system: str, kind: str, name: str) -> list[Node]:
        if kind:
            exact = self._children.get((parent, system, kind, name), [])
            if exact:
                return exact
        return [] if kind else self._any_kind(parent, system, name)

    def _any_kind(self, parent: int | None, system: str, name: str) -> list[Node]:
        from hierarchy.kinds import KINDS

        return [
            node
            for kind in KINDS.get(system, ())
            for node in self._children.get((parent, system, kind, name), [])
        ]


def _only(found: list[Node]) -> Any:
    if len(found) > 1:
        return AMBIGUOUS
    return found[0] if found else None


def _parts(items: list[Any]) -> Iterable[list[Any]]:
    return (items[start : start + _BATCH] for start in range(0, len(items), _BATCH))
