"""Nodes: places and networks, each a tree of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import connections, models
from django.db.models import F, Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _
from mptt.managers import TreeManager
from mptt.models import MPTTModel, TreeForeignKey

from accounts.audit import audited
from accounts.capabilities import node_permissions
from accounts.grants import Access, ScopedQuerySet
from accounts.models import Company
from config.lib.locks import lock
from config.lib.modeling import Timestamped, code_field, name_field
from config.lib.orm import SameScope

from .kinds import Kind, System

if TYPE_CHECKING:
    from typing import Self

__all__ = ["LockedTree", "Node"]


class LockedTreeManager(TreeManager):
    """Numbers new roots under a lock of the whole table; two roots never share a tree id."""

    def _get_next_tree_id(self) -> int:
        lock(f"{self.model._meta.db_table}:tree_id", using=self.db)
        return int(super()._get_next_tree_id())


class LockedTree(MPTTModel):
    """Base of every tree. MPTT renumbers neighbours on each write and loses the tree silently
    when two writers overlap, so every structural write holds an advisory lock of its tree's
    scope until the transaction ends.
    """

    parent = TreeForeignKey(
        "self",
        verbose_name=_("parent"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="children",
    )

    class Meta:
        abstract = True
        default_permissions = ()

    def lock_scope(self) -> str:
        """Names the set of rows whose numbers this row's writes can change."""
        raise NotImplementedError

    def lock_tree(self) -> None:
        """Take the lock; other structural writers of the scope wait for this transaction."""
        lock(self.lock_scope(), using=self._state.db or "default")

    def save(self, *args: Any, **kwargs: Any) -> None:
        using = kwargs.get("using") or "default"
        if not connections[using].in_atomic_block:
            raise RuntimeError("A tree is written inside a transaction, through its services.")
        self.lock_tree()
        if self.parent_id is not None:
            # Read again under the lock: another writer may have moved the numbers meanwhile.
            self.parent = type(self)._base_manager.using(using).get(pk=self.parent_id)
        super().save(*args, **kwargs)


class NodeQuerySet(ScopedQuerySet["Node"]):
    """Nodes as seen through the one door."""

    def of_company(self, company: Company, system: str) -> Self:
        """One company's forest of one system, in tree order."""
        return self.filter(company=company, system=system).order_by("tree_id", "lft")


class NodeManager(LockedTreeManager.from_queryset(NodeQuerySet)):  # type: ignore[misc]
    """Node's manager: tree order of MPTT, doors of ScopedQuerySet."""


@audited(exclude=("lft", "rght", "tree_id", "level", "path"))
class Node(LockedTree, Timestamped):
    """A place of the territory or a point of one resource's network.

    A node never leaves its company or system: the foreign key to the parent spans all three.
    """

    company = models.ForeignKey(
        Company, verbose_name=_("company"), on_delete=models.PROTECT, related_name="nodes"
    )
    system = models.CharField(_("system"), max_length=16, choices=System)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    name = name_field()
    code = code_field(blank=True)
    path = models.TextField(
        _("full name"), editable=False, help_text=_("Names from the root down to this node.")
    )
    latitude = models.DecimalField(
        _("latitude"),
        max_digits=8,
        decimal_places=6,
        null=True,
        blank=True,
        validators=[MinValueValidator(-90), MaxValueValidator(90)],
        help_text=_("Degrees north, WGS 84."),
    )
    longitude = models.DecimalField(
        _("longitude"),
        max_digits=9,
        decimal_places=6,
        null=True,
        blank=True,
        validators=[MinValueValidator(-180), MaxValueValidator(180)],
        help_text=_("Degrees east, WGS 84."),
    )

    access: ClassVar[Access] = Access(view="view_hierarchy", change="manage_hierarchy", nodes=("",))
    objects = NodeManager()

    class Meta:
        verbose_name = _("node")
        verbose_name_plural = _("nodes")
        ordering = ("company_id", "system", "tree_id", "lft")
        default_permissions = ()
        permissions = node_permissions()
        constraints = (
            models.UniqueConstraint(fields=["id", "company"], name="hierarchy_node_company_key"),
            models.UniqueConstraint(
                fields=["id", "company", "system"], name="hierarchy_node_system_key"
            ),
            models.UniqueConstraint(
                fields=["company", "system", "code"],
                condition=~Q(code=""),
                name="hierarchy_node_code_unique",
                violation_error_message=_("Another node of this system already has this code."),
            ),
            SameScope(
                field="parent",
                scope=("company", "system"),
                name="hierarchy_node_parent_same_system",
                violation_error_message=_("The parent belongs to another company or system."),
            ),
            models.CheckConstraint(
                condition=Q(latitude__isnull=True, longitude__isnull=True)
                | Q(latitude__isnull=False, longitude__isnull=False),
                name="hierarchy_node_coordinates_pair",
                violation_error_message=_("Give both latitude and longitude, or neither."),
            ),
            models.CheckConstraint(
                condition=Q(parent__isnull=True) | ~Q(parent=F("id")),
                name="hierarchy_node_not_own_parent",
            ),
        )
        indexes = (
            models.Index(fields=["company", "system", "name"], name="hierarchy_node_name"),
            models.Index(fields=["tree_id", "lft"], name="hierarchy_node_range"),
            models.Index(
                fields=["company", "system", "tree_id", "lft"], name="hierarchy_node_order"
            ),
            models.Index(
                fields=["company", "kind", "system", "tree_id", "lft"], name="hierarchy_node_kind"
            ),
            # Streets and buildings are found without wading through the apartments below them.
            GinIndex(
                OpClass(Upper("path"), name="gin_trgm_ops"),
                condition=~Q(kind=Kind.APARTMENT),
                name="hierarchy_node_larger",
            ),
            GinIndex(OpClass(Upper("code"), name="gin_trgm_ops"), name="hierarchy_node_code_trgm"),
            GinIndex(OpClass(Upper("path"), name="gin_trgm_ops"), name="hierarchy_node_path"),
        )

    class MPTTMeta:
        # No order_insertion_by: it renumbers every tree after a new root, other companies' too.
        # Children are listed by name instead.
        pass

    def __str__(self) -> str:
        return self.path or self.name

    def lock_scope(self) -> str:
        return f"hierarchy:{self.company_id}:{self.system}"
