"""What the roll-ups make of the archive: sums of nodes, a day and a month at a time.

The tables are made by SQL and written by `meters.rollups` alone; read them through
`meters.selectors`. See docs/design/0005-rollups-and-balance.md.
"""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.grants import Access, ScopedModel
from hierarchy.models import Node

from .reading_types import ReadingType
from .usage_points import UsagePoint

__all__ = ["DirtyMonth", "DirtyNode", "NodeBlock", "NodeMonth", "RolledDay"]


class _NodeSum(ScopedModel):
    """Usage points of one role at a node and below it, of one reading type.

    Sums are exact integers of the reading type's unit × 10^exponent. `expected` counts the values
    that should be there when the period is over, `received` those that are, `estimated` those of
    them that nobody measured.
    """

    # Written by the hundred thousand and maybe distributed: no constraint, no cascade.
    node = models.ForeignKey(
        Node,
        verbose_name=_("node"),
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    reading_type = models.ForeignKey(
        ReadingType,
        verbose_name=_("reading type"),
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    flow = models.CharField(
        _("flow"),
        max_length=12,
        choices=UsagePoint.Role,
        help_text=_("Role of the usage points that are summed."),
    )
    expected = models.BigIntegerField(_("expected values"))
    received = models.BigIntegerField(_("received values"))
    estimated = models.BigIntegerField(_("estimated values"))

    access: ClassVar[Access] = Access(
        company="node__company", view="view_meters", change="manage_meters", nodes=("node",)
    )

    class Meta(ScopedModel.Meta):
        abstract = True


class NodeBlock(_NodeSum):
    """One local day of one node.

    hours: amounts of the 23, 24 or 25 hours of the day; finer intervals are summed into hours, a
    NULL hour has no known value at all. total: everything, values of several hours and of whole
    days too, so it may exceed the sum of the hours. channels: how many should report that day;
    reporting: how many have a value.
    """

    pk = models.CompositePrimaryKey("day", "node", "reading_type", "flow")
    day = models.DateField(_("day"))
    total = models.BigIntegerField(_("sum"))
    hours = ArrayField(models.BigIntegerField(null=True))
    channels = models.IntegerField(_("channels"))
    reporting = models.IntegerField(_("channels with a value"))

    class Meta(_NodeSum.Meta):
        managed = False
        db_table = "meters_node_block"
        verbose_name = _("day of a node")
        verbose_name_plural = _("days of nodes")
        ordering = ("day", "node", "reading_type", "flow")

    def __str__(self) -> str:
        return f"{self.node_id} {self.day} {self.flow}"


class NodeMonth(_NodeSum):
    """A calendar month of one node, made from its days; brought up to date within a minute."""

    pk = models.CompositePrimaryKey("month", "node", "reading_type", "flow")
    month = models.DateField(_("month"), help_text=_("Its first day."))
    total = models.DecimalField(_("sum"), max_digits=24, decimal_places=0)

    class Meta(_NodeSum.Meta):
        managed = False
        db_table = "meters_node_month"
        verbose_name = _("month of a node")
        verbose_name_plural = _("months of nodes")
        ordering = ("month", "node", "reading_type", "flow")

    def __str__(self) -> str:
        return f"{self.node_id} {self.month:%Y-%m} {self.flow}"


class RolledDay(models.Model):
    """A company's day whose nodes have all been summed once; from then on only changes are."""

    pk = models.CompositePrimaryKey("company_id", "day")
    company_id = models.BigIntegerField()
    day = models.DateField()

    class Meta:
        managed = False
        default_permissions = ()
        db_table = "meters_rolled_day"

    def __str__(self) -> str:
        return f"{self.company_id} {self.day}"


class DirtyNode(models.Model):
    """A node whose members changed, by trigger: its days from `first` to `last` are summed anew.

    Without a first or last day: from or to the end of what has been rolled up.
    """

    id = models.BigAutoField(primary_key=True)
    company_id = models.BigIntegerField()
    node_id = models.BigIntegerField()
    first = models.DateField(null=True)
    last = models.DateField(null=True)
    marked_at = models.DateTimeField()

    class Meta:
        managed = False
        default_permissions = ()
        db_table = "meters_dirty_node"

    def __str__(self) -> str:
        return f"{self.node_id}: {self.first} – {self.last}"


class DirtyMonth(models.Model):
    """Channels and nodes whose days of a month changed and whose month totals have not followed."""

    id = models.BigAutoField(primary_key=True)
    month = models.DateField()
    channels = ArrayField(models.BigIntegerField())
    nodes = ArrayField(models.BigIntegerField())
    marked_at = models.DateTimeField()

    class Meta:
        managed = False
        default_permissions = ()
        db_table = "meters_dirty_month"

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}: {len(self.channels)}, {len(self.nodes)}"
