"""Channels: the key of every archive."""

from __future__ import annotations

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.audit import audited
from accounts.grants import Access, ScopedModel
from accounts.models import Company
from config.lib.modeling import Timestamped
from config.lib.orm import SameScope

from .modules import TelemetryModule
from .reading_types import ReadingType
from .usage_points import UsagePoint

__all__ = ["Channel"]


@audited()
class Channel(ScopedModel, Timestamped):
    """One reading type at one usage point or, for diagnostics, of one module."""

    company = models.ForeignKey(
        Company, verbose_name=_("company"), on_delete=models.PROTECT, related_name="channels"
    )
    usage_point = models.ForeignKey(
        UsagePoint,
        verbose_name=_("usage point"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="channels",
        db_constraint=False,
    )
    module = models.ForeignKey(
        TelemetryModule,
        verbose_name=_("telemetry module"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="channels",
        db_constraint=False,
    )
    reading_type = models.ForeignKey(
        ReadingType, verbose_name=_("reading type"), on_delete=models.PROTECT, related_name="+"
    )
    interval_minutes = models.PositiveSmallIntegerField(
        _("interval, minutes"), validators=[MinValueValidator(1), MaxValueValidator(1440)]
    )
    is_active = models.BooleanField(_("active"), default=True)

    access: ClassVar[Access] = Access(
        view="view_meters",
        change="manage_meters",
        nodes=("usage_point__place", "usage_point__network_node", "module__place"),
    )

    class Meta(ScopedModel.Meta):
        verbose_name = _("channel")
        verbose_name_plural = _("channels")
        ordering = ("pk",)
        constraints = (
            models.CheckConstraint(
                condition=Q(usage_point__isnull=False, module__isnull=True)
                | Q(usage_point__isnull=True, module__isnull=False),
                name="meters_channel_one_owner",
                violation_error_message=_("A channel belongs to a usage point or to a module."),
            ),
            models.CheckConstraint(
                condition=Q(interval_minutes__gte=1, interval_minutes__lte=1440),
                name="meters_channel_interval",
            ),
            models.UniqueConstraint(
                fields=["usage_point", "reading_type"],
                condition=Q(usage_point__isnull=False),
                name="meters_channel_point_unique",
            ),
            models.UniqueConstraint(
                fields=["module", "reading_type"],
                condition=Q(module__isnull=False),
                name="meters_channel_module_unique",
            ),
            SameScope(field="usage_point", name="meters_channel_point_same_company"),
            SameScope(field="module", name="meters_channel_module_same_company"),
        )

    def __str__(self) -> str:
        return f"{self.usage_point or self.module}: {self.reading_type}"
