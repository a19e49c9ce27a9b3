"""What was refused or could not be understood, counted; and the replay windows that outlive us."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.grants import Access, ScopedModel
from accounts.models import Company
from config.lib.orm import SameScope
from meters.models import TelemetryModule

__all__ = [
    "IntervalPart",
    "Quarantine",
    "Reason",
    "RegistryChange",
    "ReplayRequest",
    "ReplayWindow",
]


class Reason(models.TextChoices):
    """Why a frame was not stored as data, in the order in which the engine asks."""

    MALFORMED = "malformed", _("not a frame of the protocol")
    UNKNOWN_DEVICE = "unknown_device", _("the device is unknown")
    BLOCKED = "blocked", _("the device or its company is not active")
    FOREIGN_SOURCE = "foreign_source", _("sent from outside the company's networks")
    NO_KEY = "no_key", _("no key is known for the device")
    WRONG_KEY = "wrong_key", _("sealed with another key, or changed on the way")
    REPLAYED = "replayed", _("older than what was received, perhaps replayed")
    UNDECODABLE = "undecodable", _("authentic, but not understood")
    TOO_SLOW = "too_slow", _("its device type takes too long")
    NO_METER = "no_meter", _("no meter is on this port of the module")
    NO_REGISTER = "no_register", _("the meter's type does not know this register")
    NO_CHANNEL = "no_channel", _("the usage point has no channel for this register")
    NOT_INSTALLED = "not_installed", _("no meter was installed at the time of the values")
    OFF_GRID = "off_grid", _("the values do not fit the channel's intervals")
    OUT_OF_TIME = "out_of_time", _("the time of the values lies outside the archive")
    NO_CLOCK = "no_clock", _("the device has no clock")
    NOT_STORABLE = "not_storable", _("the values can't be stored")


class Quarantine(ScopedModel):
    """Frames counted by reason and device, or by network of origin where no device is known.

    Some of the frames are kept as raw frames, `last_frame` is one of them; all are counted. Those
    that are not stored as data yet are waiting: mending the cause replays them
    (`ingestion.replay`).
    """

    reason = models.CharField(_("reason"), max_length=16, choices=Reason)
    company = models.ForeignKey(
        Company,
        verbose_name=_("company"),
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
    )
    module = models.ForeignKey(
        TelemetryModule,
        verbose_name=_("telemetry module"),
        on_delete=models.CASCADE,
        null=True,
        related_name="quarantined",
    )
    device = models.CharField(_("device"), max_length=64, blank=True)
    network = models.CharField(_("network of origin"), max_length=48, blank=True)
    detail = models.CharField(_("detail"), max_length=300, blank=True)
    count = models.BigIntegerField(_("frames"), default=0)
    kept = models.BigIntegerField(_("of them kept"), default=0)
    waiting = models.BigIntegerField(_("of them waiting"), default=0)
    first_at = models.DateTimeField(_("first"))
    last_at = models.DateTimeField(_("last"))
    last_frame = models.BigIntegerField(_("last frame kept"), null=True)
    last_frame_at = models.DateTimeField(_("last frame kept at"), null=True)
    resolved_at = models.DateTimeField(_("replayed"), null=True)

    access: ClassVar[Access] = Access(
        view="view_meters", change="manage_meters", nodes=("module__place",)
    )

    class Meta(ScopedModel.Meta):
        verbose_name = _("quarantine")
        verbose_name_plural = _("quarantine")
        ordering = ("-last_at", "pk")
        constraints = (
            SameScope(field="module", name="ingestion_quarantine_same_company"),
            models.UniqueConstraint(
                fields=["reason", "module", "device", "network"],
                name="ingestion_quarantine_key",
                nulls_distinct=False,
            ),
        )
        indexes = (
            models.Index(fields=["-last_at", "id"], name="ingestion_quarantine_last"),
            models.Index(fields=["device"], name="ingestion_quarantine_device"),
        )

    def __str__(self) -> str:
        return f"{self.device or self.network}: {self.get_reason_display()}"


class ReplayWindow(models.Model):
    """Frame counters of a module's key as they stood at a checkpoint.

    `seen` is the bitmap of `ingestion.codecs.replay` as a signed number. Raw frames that came
    after `at` complete it when the engine starts.
    """

    pk = models.CompositePrimaryKey("module_id", "selector")
    module_id = models.BigIntegerField()
    selector = models.SmallIntegerField()
    highest = models.BigIntegerField()
    seen = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        db_table = "ingestion_replay_window"

    def __str__(self) -> str:
        return f"{self.module_id}/{self.selector}: {self.highest}"


class IntervalPart(models.Model):
    """A value of an interval finer than its channel's, until all of the channel's is known.

    Written and deleted by the engine (`ingestion.interval_parts`); quality: a byte as in blocks.
    """

    pk = models.CompositePrimaryKey("channel_id", "minutes", "start")
    channel_id = models.BigIntegerField()
    minutes = models.SmallIntegerField()
    start = models.DateTimeField()
    value = models.BigIntegerField()
    quality = models.SmallIntegerField()
    kept_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        db_table = "ingestion_interval_part"

    def __str__(self) -> str:
        return f"{self.channel_id} {self.start:%Y-%m-%d %H:%M} {self.minutes} min"


class RegistryChange(models.Model):
    """What the engines have to read anew; written by triggers, deleted by the last that has.

    A row a statement, so that an import of a million modules leaves a few. `taken_by`: shares whose
    engine has read it.
    """

    class Kind(models.TextChoices):
        MODULES = "modules"
        POINTS = "points"
        TYPES = "types"
        COMPANIES = "companies"
        COMMANDS = "commands"

    kind = models.CharField(max_length=10, choices=Kind)
    keys = ArrayField(models.BigIntegerField())
    taken_by = ArrayField(models.SmallIntegerField(), default=list, db_default=[])

    class Meta:
        default_permissions = ()
        db_table = "ingestion_registry_change"

    def __str__(self) -> str:
        return self.kind


class ReplayRequest(models.Model):
    """Frames kept that the engines have to try again; deleted by the last that is done with it.

    `kind` tells what `keys` are: ids as in RegistryChange (written by the same triggers), or device
    ids as numbers where a person asked. `failed` says why an engine gave it up. `done_by`: shares
    whose devices are done.
    """

    class Kind(models.TextChoices):
        MODULES = "modules"
        POINTS = "points"
        TYPES = "types"
        COMPANIES = "companies"
        DEVICES = "devices"
        EVERYTHING = "everything"

    kind = models.CharField(max_length=10, choices=Kind)
    keys = ArrayField(models.BigIntegerField())
    failed = models.CharField(max_length=300, blank=True, default="", db_default="")
    done_by = ArrayField(models.SmallIntegerField(), default=list, db_default=[])
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        db_table = "ingestion_replay_request"

    def __str__(self) -> str:
        return f"{self.kind} {len(self.keys)}"
