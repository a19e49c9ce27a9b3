"""Usage points: where a resource is measured for somebody, and how it is connected."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from accounts.audit import audited
from accounts.grants import Access, ScopedModel
from accounts.models import Company
from config.lib.modeling import Timestamped, code_field, name_field
from config.lib.orm import SameScope
from hierarchy.models import Node
from meters.quantities import Resource

__all__ = ["Connection", "UsagePoint"]


@audited(exclude=("network_node",))
class UsagePoint(ScopedModel, Timestamped):
    """Where a resource is measured; survives every meter that is ever installed there."""

    class Role(models.TextChoices):
        CONSUMPTION = "consumption", _("consumption")
        SUPPLY = "supply", _("supply")
        BALANCE = "balance", _("balance")

    company = models.ForeignKey(
        Company, verbose_name=_("company"), on_delete=models.PROTECT, related_name="usage_points"
    )
    code = code_field()
    name = name_field(blank=True)
    resource = models.CharField(
        _("resource"),
        max_length=16,
        choices=[item for item in Resource.choices if item[0] != Resource.DEVICE],
    )
    role = models.CharField(
        _("role"),
        max_length=12,
        choices=Role,
        default=Role.CONSUMPTION,
        help_text=_("What its amounts mean for the balance of the network node."),
    )
    place = models.ForeignKey(
        Node,
        verbose_name=_("place"),
        on_delete=models.PROTECT,
        related_name="usage_points",
        db_constraint=False,
        limit_choices_to={"system": "territory"},
    )
    # The connection in force today, kept by meters.services.usage_points: grants on network
    # nodes and lists read it without looking through dates.
    network_node = models.ForeignKey(
        Node,
        verbose_name=_("connected to"),
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="connected_usage_points",
        db_constraint=False,
    )
    is_active = models.BooleanField(_("active"), default=True)

    access: ClassVar[Access] = Access(
        view="view_meters",
        change="manage_meters",
        order="order_readings",
        nodes=("place", "network_node"),
    )

    class Meta(ScopedModel.Meta):
        verbose_name = _("usage point")
        verbose_name_plural = _("usage points")
        ordering = ("code", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=["id", "company"], name="meters_usage_point_company_key"
            ),
            models.UniqueConstraint(
                fields=["company", "code"],
                name="meters_usage_point_code_unique",
                violation_error_message=_("Another usage point already has this code."),
            ),
            SameScope(field="place", name="meters_usage_point_place_same_company"),
            SameScope(field="network_node", name="meters_usage_point_network_same_company"),
        )
        indexes = (
            models.Index(fields=["code", "id"], name="meters_usage_point_code_all"),
            models.Index(
                fields=["company", "resource", "code", "id"], name="meters_usage_point_resource"
            ),
            models.Index(fields=["company", "role", "code", "id"], name="meters_usage_point_use"),
            models.Index(
                "company",
                OpClass(Upper("code"), name="text_pattern_ops"),
                name="meters_usage_point_prefix",
            ),
            models.Index(
                fields=["company", "code", "id"],
                condition=Q(is_active=False),
                name="meters_usage_point_inactive",
            ),
            GinIndex(
                OpClass(Upper("code"), name="gin_trgm_ops"), name="meters_usage_point_code_trgm"
            ),
        )

    def __str__(self) -> str:
        return self.code


@audited()
class Connection(ScopedModel):
    """A usage point hangs on a network node from a day to a day (company's calendar)."""

    company = models.ForeignKey(Company, on_delete=models.PROTECT, editable=False, related_name="+")
    usage_point = models.ForeignKey(
        UsagePoint,
        verbose_name=_("usage point"),
        on_delete=models.CASCADE,
        related_name="connections",
        db_constraint=False,
    )
    node = models.ForeignKey(
        Node,
        verbose_name=_("network node"),
        on_delete=models.PROTECT,
        related_name="connections",
        db_constraint=False,
    )
    valid_from = models.DateField(_("from"))
    valid_to = models.DateField(
        _("until"), null=True, blank=True, help_text=_("First day it no longer holds; empty: open.")
    )

    access: ClassVar[Access] = Access(
        view="view_meters",
        change="manage_meters",
        nodes=("usage_point__place", "usage_point__network_node"),
    )

    class Meta(ScopedModel.Meta):
        verbose_name = _("connection")
        verbose_name_plural = _("connections")
        ordering = ("usage_point", "-valid_from")
        constraints = (
            SameScope(field="usage_point", name="meters_connection_point_same_company"),
            SameScope(field="node", name="meters_connection_node_same_company"),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")),
                name="meters_connection_order",
                violation_error_message=_("A connection ends after it begins."),
            ),
            ExclusionConstraint(
                name="meters_connection_no_overlap",
                expressions=[
                    ("usage_point", RangeOperators.EQUAL),
                    (
                        Func("valid_from", "valid_to", function="daterange"),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                violation_error_message=_("The usage point is already connected in this period."),
            ),
        )

    def __str__(self) -> str:
        return f"{self.usage_point} → {self.node}"

    def clean(self) -> None:
        # Told here, because PostgreSQL can't compare a period that ends before it begins.
        if self.valid_to and self.valid_from and self.valid_to <= self.valid_from:
            raise ValidationError({"valid_to": _("A connection ends after it begins.")})
