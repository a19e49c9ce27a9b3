"""Values worked out anew from what was received: shown first, applied with a reason."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.audit import audited
from accounts.grants import Access, ScopedModel
from accounts.models import Company
from config.lib.modeling import Timestamped
from config.lib.orm import SameScope
from meters.models import Channel, TelemetryModule, UsagePoint

__all__ = ["LateChange", "RedecodedBlock", "Redecoding"]


@audited(exclude=("frames", "changed", "blocks", "refused"))
class Redecoding(ScopedModel, Timestamped):
    """The frames of a module, or the register readings of a usage point, gone through once more.

    first, last: days of receipt (UTC) of frames, days of the readings of a usage point.
    """

    class State(models.TextChoices):
        READY = "ready", _("to be looked at")
        APPLIED = "applied", _("applied")
        DISCARDED = "discarded", _("discarded")

    company = models.ForeignKey(
        Company, verbose_name=_("company"), on_delete=models.PROTECT, related_name="+"
    )
    module = models.ForeignKey(
        TelemetryModule,
        verbose_name=_("telemetry module"),
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        db_constraint=False,
        help_text=_("Its frames are decoded again as its types and installations are now."),
    )
    usage_point = models.ForeignKey(
        UsagePoint,
        verbose_name=_("usage point"),
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        db_constraint=False,
        help_text=_("Its intervals are worked out again from the register readings."),
    )
    first = models.DateField(_("from"))
    last = models.DateField(_("until"))
    note = models.CharField(_("reason"), max_length=300)
    state = models.CharField(
        _("state"), max_length=10, choices=State, default=State.READY, editable=False
    )
    frames = models.IntegerField(_("frames decoded"), default=0, editable=False)
    blocks = models.IntegerField(_("days that differ"), default=0, editable=False)
    changed = models.IntegerField(_("values that differ"), default=0, editable=False)
    refused = models.IntegerField(_("values that can't be stored"), default=0, editable=False)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("asked for by"),
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
    )
    applied_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("applied by"),
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
    )
    applied_at = models.DateTimeField(_("applied"), null=True, editable=False)

    access: ClassVar[Access] = Access(
        view="view_meters",
        change="manage_meters",
        nodes=("module__place", "usage_point__place", "usage_point__network_node"),
    )

    class Meta(ScopedModel.Meta):
        verbose_name = _("second decoding")
        verbose_name_plural = _("second decodings")
        ordering = ("-pk",)
        constraints = (
            models.CheckConstraint(
                condition=Q(module__isnull=False, usage_point__isnull=True)
                | Q(module__isnull=True, usage_point__isnull=False),
                name="ingestion_redecoding_one_subject",
                violation_error_message=_("Choose a module or a usage point."),
            ),
            models.CheckConstraint(
                condition=Q(last__gte=F("first")),
                name="ingestion_redecoding_order",
                violation_error_message=_("The period ends before it begins."),
            ),
            SameScope(field="module", name="ingestion_redecoding_module_company"),
            SameScope(field="usage_point", name="ingestion_redecoding_point_company"),
        )

    def __str__(self) -> str:
        return f"{self.module or self.usage_point} {self.first} – {self.last}"


class RedecodedBlock(ScopedModel):
    """A day of a channel in which something differs, as it stood and as it would stand.

    Values as in IntervalBlock, NULL where one is missing; quality: a byte a slot of `after`.
    """

    redecoding = models.ForeignKey(Redecoding, on_delete=models.CASCADE, related_name="days")
    channel = models.ForeignKey(
        Channel,
        verbose_name=_("channel"),
        on_delete=models.CASCADE,
        related_name="+",
        db_constraint=False,
    )
    day = models.DateField(_("day"))
    interval_minutes = models.SmallIntegerField(_("interval, minutes"))
    before = ArrayField(models.BigIntegerField(null=True))
    after = ArrayField(models.BigIntegerField(null=True))
    quality = models.BinaryField()
    changed = models.IntegerField(_("values that differ"))

    access: ClassVar[Access] = Access(
        company="redecoding__company",
        view="view_meters",
        change="manage_meters",
        nodes=(
            "redecoding__module__place",
            "redecoding__usage_point__place",
            "redecoding__usage_point__network_node",
        ),
    )

    class Meta(ScopedModel.Meta):
        verbose_name = _("day decoded again")
        verbose_name_plural = _("days decoded again")
        ordering = ("channel", "day")
        constraints = (
            models.UniqueConstraint(
                fields=["redecoding", "channel", "day"], name="ingestion_redecoded_block_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.channel_id} {self.day}"

    @property
    def sum_before(self) -> int:
        """Of the values there are, in units of the archive."""
        return sum(value for value in self.before if value is not None)

    @property
    def sum_after(self) -> int:
        return sum(value for value in self.after if value is not None)


class LateChange(models.Model):
    """A usage point whose installations changed for a time of which readings are stored already.

    Written by a trigger, taken by `ingestion.services.redecoding.late_changes_propose`.
    """

    usage_point_id = models.BigIntegerField()
    since = models.DateTimeField()

    class Meta:
        default_permissions = ()
        db_table = "ingestion_late_change"

    def __str__(self) -> str:
        return f"{self.usage_point_id} {self.since:%Y-%m-%d %H:%M}"
