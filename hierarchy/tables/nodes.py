"""Nodes of an import: from their own sheet, and the places and network nodes that others name."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, cast

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.lib.locks import lock
from hierarchy.kinds import KINDS, Kind, System, kind_may_contain
from hierarchy.models import Node
from hierarchy.numbering import tree_rebuild
from hierarchy.services import SEPARATOR, nodes_bulk_create

from .chains import Chains
from .lookup import AMBIGUOUS, NodeLookup
from .plan import BROKEN, Entry, Plan, Stage

if TYPE_CHECKING:
    from config.lib.tables.lines import Line

__all__ = ["NodeStage", "ambiguous", "missing_node", "nodes_of"]

_PLAIN = ("kind", "name", "code", "latitude", "longitude")


class NodeStage(Stage):
    """Nodes are found by code, else by parent and name; missing parents are an error here.

    Other stages ask `find` for nodes they name, and `chains` for places spelled out in columns.
    """

    name = "nodes"
    title = gettext_lazy("nodes")
    model = Node
    identity = ("name",)

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self.lookup = NodeLookup(plan.company, plan.actor)
        self.chains = Chains(self)
        self._by_code: dict[tuple[str, str], Entry] = {}
        self._by_path: dict[tuple[str, str], Any] = {}
        self._paths: dict[int, str] = {}
        self._taken: dict[Any, Entry] = {}

    def add(self, line: Line, columns: Any, merges: bool) -> Entry | None:
        entry = super().add(line, columns, merges)
        if entry is not None:
            self.lookup.want(entry.get("code"))
            self.lookup.want(entry.get("parent"))
            if code := entry.get("code"):
                self._by_code.setdefault((entry.get("system", ""), code), entry)
        return entry

    def load(self) -> None:
        self.lookup.load()
        self.chains.load()

    def resolve(self) -> None:
        pending = [entry for entry in self.entries if self._is_complete(entry)]
        while pending:
            waiting = self._resolve_once(pending)
            if len(waiting) == len(pending):
                for entry in waiting:
                    self._fail_parent(entry)
                break
            pending = waiting
        self._check_changed()
        self.chains.resolve()

    def find(self, system: str, text: str, *, kind: str = "") -> Any:
        """The node that a row means: stored or of this file. None, AMBIGUOUS or BROKEN else."""
        entry = self._by_code.get((system, text))
        if entry is not None:
            return entry.instance or BROKEN
        return self._by_path.get((system, text)) or self.lookup.find(system, text, kind=kind)

    def make(
        self, entry: Entry, *, parent: Node | None, kind: str, name: str, **where: Any
    ) -> Node:
        """A new node on behalf of a row of another kind. where: system, column."""
        system, column = where["system"], where["column"]
        node = Node(company=self.plan.company, system=system, kind=kind, name=name, parent=parent)
        node.path = self.path_of(parent, name)
        self._by_path[system, node.path] = node
        made = Entry(entry.line, {"name": column}, merges=True)
        self.accept_new(made, node)
        return node

    def path_of(self, parent: Node | None, name: str) -> str:
        """Full name of a node under `parent` as it will be after the import."""
        if parent is None:
            return name
        return f"{self._paths.get(id(parent), parent.path)}{SEPARATOR}{name}"

    def key(self, entry: Entry) -> Any:
        # Whether two rows mean the same node is known once their parents are.
        return id(entry)

    def _is_complete(self, entry: Entry) -> bool:
        if entry.get("system") is None:
            entry.fail("system", _("Say which system the node belongs to."))
        return entry.is_sound

    def _resolve_once(self, pending: list[Entry]) -> list[Entry]:
        """Resolve what can be; returns entries whose parent is not known yet."""
        ready: list[tuple[Entry, Any]] = []
        waiting = []
        for entry in pending:
            parent = self._parent(entry)
            if parent is None and entry.get("parent") is not None:
                waiting.append(entry)
            elif parent is AMBIGUOUS:
                entry.fail("parent", ambiguous(entry.get("parent")))
            elif parent is not BROKEN:
                ready.append((entry, parent))
        self._load_neighbours(ready)
        for entry, parent in ready:
            self._match(entry, parent)
        return waiting

    def _parent(self, entry: Entry) -> Any:
        text = entry.get("parent")
        if text is None:
            return None
        system = entry.get("system")
        named = self._parent_entry(entry)
        if named is not None:
            return named.instance or (BROKEN if named.line.is_bad else None)
        return self.find(system, text)

    def _load_neighbours(self, ready: list[tuple[Entry, Any]]) -> None:
        names: dict[str, list[str]] = defaultdict(list)
        below: dict[int, str] = {}
        for entry, parent in ready:
            if parent is None:
                names[entry.get("system")].append(entry.get("name"))
            elif parent.pk:
                below[parent.pk] = ""
        for system, called in names.items():
            self.lookup.load_tops(system, called)
        called = [entry.get("name") for entry, parent in ready if parent is not None]
        self.lookup.load_children(below, called)

    def _match(self, entry: Entry, parent: Node | None) -> None:
        system, name, code = entry.get("system"), entry.get("name"), entry.get("code")
        node = self.lookup.by_code(system, code) if code else None
        if node is None:
            node = self._by_name(entry, parent)
            if node is AMBIGUOUS:
                text = _("Several nodes are called “%s”. Give the code of the one that is meant.")
                entry.fail("name", text % name)
                return
            if node is not None and code and node.code:
                text = _("“%(node)s” already exists with the code %(code)s.")
                entry.fail("code", text % {"node": node.path, "code": node.code})
                return
        if not self._is_first(entry, node, parent):
            return
        if node is None:
            self._create(entry, parent)
        else:
            self._change(entry, node, parent)

    def _by_name(self, entry: Entry, parent: Node | None) -> Any:
        system, name = entry.get("system"), entry.get("name")
        kind = entry.get("kind", "")
        if parent is not None:
            if not parent.pk:
                return None
            return self.lookup.child(parent, kind, name) or self.lookup.child(parent, "", name)
        return self.lookup.root(system, kind, name) or self.lookup.root(system, "", name)

    def _is_first(self, entry: Entry, node: Node | None, parent: Node | None) -> bool:
        where = id(parent) if parent is not None else None
        key = node.pk if node else (entry.get("system"), where, entry.get("name"))
        first = self._taken.setdefault(key, entry)
        by_code = self._by_code.get((entry.get("system"), entry.get("code", "")), entry)
        if first is entry and by_code is entry:
            return True
        number = (first if first is not entry else by_code).line.number
        column = "name" if by_code is entry else "code"
        entry.fail(column, _("The same node already stands in row %d.") % number)
        return False

    def _create(self, entry: Entry, parent: Node | None) -> None:
        if entry.get("kind") is None:
            entry.fail("kind", _("Say what kind of node it is; it does not exist yet."))
            return
        values = {name: entry.get(name) for name in _PLAIN if entry.get(name) is not None}
        node = Node(company=self.plan.company, system=entry.get("system"), parent=parent, **values)
        if not self._fits(entry, node, parent):
            return
        node.path = self.path_of(parent, node.name)
        self._by_path.setdefault((node.system, node.path), node)
        self.accept_new(entry, node)

    def _change(self, entry: Entry, node: Node, parent: Node | None) -> None:
        wishes = {name: entry.get(name) for name in _PLAIN if entry.get(name) is not None}
        if parent is not None:
            wishes["parent"] = parent
            self._load_parent(node)
        else:
            parent = self._load_parent(node)
        wanted = Node(system=node.system, kind=entry.get("kind", node.kind), name=node.name)
        wanted.latitude = entry.get("latitude", node.latitude)
        wanted.longitude = entry.get("longitude", node.longitude)
        if not self._fits(entry, wanted, parent):
            return
        self.accept_known(entry, node, wishes)
        path = self.path_of(parent, node.name)
        self._paths[id(node)] = path
        self._by_path.setdefault((node.system, path), node)

    def _load_parent(self, node: Node) -> Node | None:
        """The stored parent as the one object of it, so that comparing costs no query."""
        if node.parent_id is None:
            return None
        known = self.lookup.nodes.get(node.parent_id)
        if known is None:
            known = self.lookup.remember(Node.objects.get(pk=node.parent_id))
        node.parent = known
        return known

    def _fits(self, entry: Entry, node: Node, parent: Node | None) -> bool:
        if node.kind not in KINDS[node.system]:
            labels = {"kind": Kind(node.kind).label, "system": System(node.system).label}
            entry.fail("kind", _("There is no %(kind)s in the %(system)s.") % labels)
        elif parent is not None and not kind_may_contain(node.system, parent.kind, node.kind):
            text = _("A %(child)s can't stand under a %(parent)s.")
            labels = {"child": Kind(node.kind).label, "parent": Kind(parent.kind).label}
            entry.fail("parent" if entry.get("parent") else "kind", text % labels)
        elif (node.latitude is None) != (node.longitude is None):
            missing = "latitude" if node.latitude is None else "longitude"
            entry.fail(missing, _("Give both latitude and longitude, or neither."))
        else:
            return True
        return False

    def _fail_parent(self, entry: Entry) -> None:
        above = self._parent_entry(entry)
        if above is None:
            entry.fail("parent", missing_node(entry.get("parent")))
        seen: set[int] = set()
        while above is not None and id(above) not in seen:
            if above is entry:
                entry.fail("parent", _("The parents of these rows go round in a circle."))
            seen.add(id(above))
            above = self._parent_entry(above)

    def _parent_entry(self, entry: Entry) -> Entry | None:
        """The row that describes the parent, if it gives it the code that is named."""
        return self._by_code.get((entry.get("system"), entry.get("parent")))

    def _check_changed(self) -> None:
        """Rules that depend on stored neighbours of what changes: children's kinds, circles."""
        changed = {
            entry.instance.pk: entry
            for entry in self.entries
            if entry.instance is not None and entry.wishes
        }
        rows = Node.objects.filter(parent_id__in=changed).values_list("pk", "parent_id", "kind")
        for pk, parent_id, kind in rows:
            own = self.changed.get(pk)
            if own is not None and own.parent_id != parent_id:
                continue
            self._check_child(changed[parent_id], own.kind if own else kind)
        for entry in changed.values():
            if entry.instance is not None and "parent" in entry.wishes:
                self._check_circle(entry)

    def _check_child(self, entry: Entry, kind: str) -> None:
        node = entry.instance
        if node is not None and not kind_may_contain(node.system, node.kind, kind):
            text = _("A %(parent)s can't hold a %(child)s, and there is one below.")
            labels = {"parent": Kind(node.kind).label, "child": Kind(kind).label}
            entry.fail("kind", text % labels)

    def _check_circle(self, entry: Entry) -> None:
        node, seen = entry.instance, set()
        above = node.parent
        while above is not None and id(above) not in seen:
            if above is node:
                entry.fail("parent", _("“%s” can't be moved below itself.") % node.name)
                return
            seen.add(id(above))
            above = (
                self._load_parent(above)
                if above.pk and above.pk not in self.changed
                else (above.parent)
            )

    def write(self) -> None:
        """New nodes first, so that others can move below them; then each forest is numbered."""
        by_system: dict[str, list[Node]] = defaultdict(list)
        for node in self.created:
            by_system[node.system].append(node)
        for system, nodes in by_system.items():
            nodes_bulk_create(company=self.plan.company, system=system, nodes=nodes)
        self.update_rows()

    @transaction.atomic
    def update_rows(self) -> None:
        systems = sorted({node.system for node in self.changed.values()})
        for system in systems:
            lock(Node(company=self.plan.company, system=system).lock_scope())
        super().update_rows()
        for system in systems:
            tree_rebuild(company_id=self.plan.company.pk, system=system)


def nodes_of(plan: Plan) -> NodeStage:
    """The stage that other stages ask for nodes."""
    return cast("NodeStage", plan.stages[NodeStage.name])


def missing_node(text: str) -> str:
    return _("There is no node with the code or full name “%s”.") % text


def ambiguous(text: str) -> str:
    return _("Several nodes are called “%s”. Name the one that is meant by its code.") % text
