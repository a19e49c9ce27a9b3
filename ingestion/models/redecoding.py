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
from meters.models import Channel, DeviceType, TelemetryModule, UsagePoint

__all__ = ["LateChange", "RedecodedBlock", "Redecoding"]


_SUBJECTS = ("module", "usage_point", "device_type")
_ONE_SUBJECT = Q(everything=True, **{f"{name}__isnull": True for name in _SUBJECTS})
for _chosen in _SUBJECTS:
    _ONE_SUBJECT |= Q(
        everything=False, **{f"{name}__isnull": name != _chosen for name in _SUBJECTS}
    )
# What changes with every step of the work.
_PROGRESS = (
    *("frames", "changed", "blocks", "refused", "modules", "modules_done", "skipped"),
    *("cursor", "days_done", "left_out"),
)


@audited(exclude=_PROGRESS)
class Redecoding(ScopedModel, Timestamped):
    """Frames, or the register readings of a usage point, gone through once more.

    Those of a module at once; those of a device type or of the whole company in steps by a worker
    (`ingestion.services.wide_redecoding`). first, last: days of receipt (UTC) of frames, days of
    the readings of a usage point. cursor: id of the last module gone through, then of the last
    day applied; −1: nothing is left to do.
    """

    class State(models.TextChoices):
        WORKING = "working", _("being worked out")
        READY = "ready", _("to be looked at")
        APPLYING = "applying", _("being applied")
        APPLIED = "applied", _("applied")
        DISCARDED = "discarded", _("discarded")
        FAILED = "failed", _("given up")

    class Failure(models.TextChoices):
        TOO_MANY = "too_many", _("too many days differ: choose a shorter period")
        FAULT = "fault", _("the server could not go on; its log says why")

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
    device_type = models.ForeignKey(
        DeviceType,
        verbose_name=_("device type"),
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text=_(
            "The frames of all modules of this type, and of those that its meters hang on, are"
            " decoded again. The work is done in the background."
        ),
    )
    everything = models.BooleanField(
        _("the whole company"),
        default=False,
        help_text=_("The frames of all modules of the company, in the background."),
    )
    first = models.DateField(_("from"))
    last = models.DateField(_("until"))
    note = models.CharField(_("reason"), max_length=300)
    remark = models.CharField(_("remark"), max_length=300, blank=True, default="", editable=False)
    state = models.CharField(
        _("state"), max_length=10, choices=State, default=State.READY, editable=False
    )
    frames = models.IntegerField(_("frames decoded"), default=0, editable=False)
    blocks = models.IntegerField(_("days that differ"), default=0, editable=False)
    changed = models.IntegerField(_("values that differ"), default=0, editable=False)
    refused = models.IntegerField(_("values that can't be stored"), default=0, editable=False)
    modules = models.IntegerField(_("modules"), default=0, editable=False)
    modules_done = models.IntegerField(_("modules gone through"), default=0, editable=False)
    skipped = models.IntegerField(
        _("modules with too many frames, left out"), default=0, editable=False
    )
    cursor = models.BigIntegerField(default=0, editable=False)
    days_done = models.IntegerField(_("days applied"), default=0, editable=False)
    left_out = models.IntegerField(
        _("days that changed meanwhile, left out"), default=0, editable=False
    )
    failure = models.CharField(
        _("why it was given up"), max_length=10, choices=Failure, blank=True, editable=False
    )
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
                condition=_ONE_SUBJECT,
                name="ingestion_redecoding_one_subject",
                violation_error_message=_(
                    "Choose a module, a usage point, a device type, or the whole company; one of"
                    " them."
                ),
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
        return f"{self.subject} {self.first} – {self.last}"

    @property
    def subject(self) -> str:
        """What is gone through, as people read it."""
        return str(self.module or self.usage_point or self.device_type or self.company)

    @property
    def is_wide(self) -> bool:
        """Gone through in steps by a worker."""
        return self.everything or self.device_type_id is not None


class RedecodedBlock(ScopedModel):
    """A day of a channel in which something differs, as it stood and as it would stand.

    Values as in IntervalBlock, NULL where one is missing; quality: a byte a slot of `after`. The
    sums are of the values there are, in units of the archive. left_out: the archive had changed
    meanwhile when the day's turn to be applied came.
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
    sum_before = models.BigIntegerField(default=0)
    sum_after = models.BigIntegerField(default=0)
    left_out = models.BooleanField(default=False)

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
