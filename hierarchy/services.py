"""Writing trees: every structural change locks its forest, checks the rules, keeps full names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import PROTECT, F, Value
from django.db.models.functions import Concat, Length, Substr
from django.utils.translation import gettext as _

from accounts.grants import grants_of
from accounts.models import Company
from config.lib.locks import lock
from config.lib.statistics import analyze_after_bulk

from .errors import HierarchyError
from .kinds import KINDS, Kind, System, kind_may_contain
from .models import Node
from .numbering import tree_rebuild

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "node_check",
    "node_create",
    "node_delete",
    "node_delete_reasons",
    "node_move",
    "node_update",
    "nodes_bulk_create",
]

SEPARATOR = ", "
_BATCH = 2_000
_EDITABLE = ("kind", "name", "code", "latitude", "longitude")


@transaction.atomic
def node_create(
    *,
    actor: Any,
    company: Company,
    system: str,
    kind: str,
    name: str,
    parent: Node | None = None,
    **fields: Any,
) -> Node:
    """A new node under `parent` (None: a new root). actor None is the system itself.

    Raises HierarchyError when the actor may not, or when a rule of the tree forbids it.
    """
    node = Node(company=company, system=system, kind=kind, name=name, parent=parent, **fields)
    node_check(node=node, company_id=company.pk, system=system, kind=kind, parent=parent)
    node.lock_tree()
    if parent is not None:
        parent = node.parent = Node.objects.get(pk=parent.pk)
    _check_actor(actor, company_id=company.pk, node=parent)
    node.path = _path(node.name, parent)
    node.full_clean(exclude=["lft", "rght", "tree_id", "level"])
    node.save()
    return node


@transaction.atomic
def node_update(*, actor: Any, node: Node, **fields: Any) -> Node:
    """Change what a node is called or is; its place in the tree stays (see `node_move`)."""
    unknown = set(fields) - set(_EDITABLE)
    if unknown:
        raise HierarchyError(_("These can't be changed: %s") % ", ".join(sorted(unknown)))
    node = _locked(node)
    _check_actor(actor, company_id=node.company_id, node=node)
    before = node.path
    for name, value in fields.items():
        setattr(node, name, value)
    _check_parent(node, node.parent)
    _check_children(node)
    node.path = _path(node.name, node.parent)
    node.full_clean(exclude=["lft", "rght", "tree_id", "level", "parent"])
    node.save(update_fields=[*fields, "path", "updated_at"])
    _rename_below(node, before)
    return node


@transaction.atomic
def node_move(*, actor: Any, node: Node, parent: Node | None) -> Node:
    """Put a node with everything below it under another parent (None: make it a root)."""
    node = _locked(node)
    target = None if parent is None else Node.objects.get(pk=parent.pk)
    _check_actor(actor, company_id=node.company_id, node=node)
    _check_actor(actor, company_id=node.company_id, node=target)
    _check_parent(node, target)
    _check_below_itself(node, target)
    before = node.path
    node.parent = target
    node.path = _path(node.name, target)
    node.save()
    node.refresh_from_db()
    _rename_below(node, before)
    return node


@transaction.atomic
def node_delete(*, actor: Any, node: Node) -> None:
    """Delete a node that nothing hangs on; says what does otherwise."""
    node = _locked(node)
    _check_actor(actor, company_id=node.company_id, node=node)
    if reasons := node_delete_reasons(node):
        raise HierarchyError(" ".join(reasons))
    node.delete()


def node_delete_reasons(node: Node) -> list[str]:
    """Sentences about what keeps a node from being deleted; empty when nothing does."""
    below = Node.objects.filter(
        tree_id=node.tree_id, lft__gte=node.lft, rght__lte=node.rght, company_id=node.company_id
    )
    reasons = []
    for relation in _protected_relations():
        model = relation.related_model
        rows = model._base_manager.filter(**{f"{relation.field.name}__in": below})
        if row := rows.first():
            text = _("“%(node)s” can't be deleted: %(kind)s %(name)s hangs on it or below it.")
            kind = model._meta.verbose_name
            reasons.append(text % {"node": node.name, "kind": kind, "name": row})
    if not reasons and node.rght - node.lft > 1:
        reasons.append(_("“%s” can't be deleted: delete or move what is below it.") % node.name)
    return reasons


def _protected_relations() -> list[Any]:
    """What may hang on a node, also where the relation has no name of its own (memberships)."""
    return [
        relation
        for relation in Node._meta.get_fields(include_hidden=True)
        if getattr(relation, "on_delete", None) is PROTECT and relation.related_model is not Node
    ]


def node_check(*, node: Node, company_id: int, system: str, kind: str, parent: Node | None) -> None:
    """Raise HierarchyError when `node` (new or stored) could not be this kind under `parent`."""
    wanted = Node(company_id=company_id, system=system, kind=kind, parent=parent)
    if kind not in KINDS.get(system, ()):
        labels = {"kind": Kind(kind).label, "system": System(system).label}
        raise HierarchyError({"kind": _("There is no %(kind)s in the %(system)s.") % labels})
    _check_parent(wanted, parent)
    if node.pk is not None:
        _check_below_itself(node, parent)
        wanted.pk = node.pk
        _check_children(wanted)


@transaction.atomic
def nodes_bulk_create(*, company: Company, system: str, nodes: Iterable[Node]) -> list[Node]:
    """Many new nodes at once; parents come before their children, or exist already.

    The caller has checked permissions and rules; the database still refuses a parent in another
    company or system. The forest is numbered once at the end.
    """
    pending = list(nodes)
    lock(Node(company=company, system=system).lock_scope())
    for node in pending:
        node.company, node.system = company, system
        node.lft = node.rght = node.tree_id = node.level = 0
    created: list[Node] = []
    while pending:
        ready = [node for node in pending if node.parent is None or node.parent.pk is not None]
        if not ready:
            raise HierarchyError(_("The parents of the new nodes form a circle."))
        for node in ready:
            # Assigned again: now the parent has a key to refer to.
            node.parent = node.parent
            node.path = _path(node.name, node.parent)
        # MPTT's manager numbers one by one; the plain query set writes rows as they are.
        for part in (ready[:_BATCH], ready[_BATCH:]):
            created += Node._base_manager.bulk_create(part, batch_size=_BATCH)
            # The check of each parent was planned for the table as it was before.
            analyze_after_bulk(Node, len(part))
        waiting = set(map(id, ready))
        pending = [node for node in pending if id(node) not in waiting]
    tree_rebuild(company_id=company.pk, system=system)
    return created


def _locked(node: Node) -> Node:
    """The node as it is now, with its forest locked."""
    node.lock_tree()
    locked: Node = Node.objects.select_related("parent").get(pk=node.pk)
    return locked


def _path(name: str, parent: Node | None) -> str:
    return name if parent is None else f"{parent.path}{SEPARATOR}{name}"


def _rename_below(node: Node, before: str) -> None:
    if node.path == before or node.rght - node.lft <= 1:
        return
    below = Node.objects.filter(tree_id=node.tree_id, lft__gt=node.lft, rght__lt=node.rght)
    below.update(path=Concat(Value(node.path), Substr(F("path"), Length(Value(before)) + 1)))


def _check_actor(actor: Any, *, company_id: int, node: Node | None) -> None:
    if actor is None:
        return
    if not grants_of(actor).covers("manage_hierarchy", company_id=company_id, node=node):
        raise HierarchyError(_("You may not change this part of the tree."))


def _check_parent(node: Node, parent: Node | None) -> None:
    if parent is None:
        return
    if (parent.company_id, parent.system) != (node.company_id, node.system):
        raise HierarchyError(_("A node can't leave its company or system."))
    if not kind_may_contain(node.system, parent.kind, node.kind):
        text = _("A %(child)s can't stand under a %(parent)s in the %(system)s.")
        raise HierarchyError(
            text
            % {
                "child": Kind(node.kind).label,
                "parent": Kind(parent.kind).label,
                "system": System(node.system).label,
            }
        )


def _check_below_itself(node: Node, parent: Node | None) -> None:
    if parent is None or parent.tree_id != node.tree_id:
        return
    if node.lft <= parent.lft < node.rght:
        raise HierarchyError(_("“%s” can't be moved below itself.") % node.name)


def _check_children(node: Node) -> None:
    for kind in Node.objects.filter(parent=node).values_list("kind", flat=True).distinct():
        if not kind_may_contain(node.system, node.kind, kind):
            text = _("A %(parent)s can't hold a %(child)s, and there is one below.")
            labels = {"parent": Kind(node.kind).label, "child": Kind(kind).label}
            raise HierarchyError(text % labels)
