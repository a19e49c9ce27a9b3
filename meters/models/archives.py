"""The archive: what was measured. One loader writes it (ingestion.loader), everybody reads it.

The tables are partitioned by month and made by SQL (`meters.partitions`), so the models here only
describe them. Values are integers of the channel's smallest unit; the reading type's exponent
turns them into units. See docs/design/0003-archive-and-loader.md.
"""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.grants import Access, ScopedModel

from .channels import Channel

__all__ = [
    "QUALITY_CLASS",
    "BlockRevision",
    "DeviceFlag",
    "DirtyDay",
    "IntervalBlock",
    "MonthTotal",
    "Quality",
    "RegisterKind",
    "RegisterReading",
    "RegisterRevision",
    "RevisionReason",
]

# The bits of a quality byte that hold its `Quality`; the rest are `DeviceFlag`s.
QUALITY_CLASS = 0x07

_CHANNEL_ACCESS = Access(
    company="channel__company",
    view="view_meters",
    change="manage_meters",
    nodes=(
        "channel__usage_point__place",
        "channel__usage_point__network_node",
        "channel__module__place",
    ),
)


class Quality(models.IntegerChoices):
    """What a value is worth: the low three bits of its quality byte."""

    VALID = 0, _("valid")
    MISSING = 1, _("missing")
    QUESTIONABLE = 2, _("questionable")
    ESTIMATED = 3, _("estimated")
    DERIVED = 4, _("derived")
    EDITED = 5, _("edited")


class DeviceFlag(models.IntegerChoices):
    """What the device said about the value: bits of its quality byte, any number of them."""

    CLOCK = 0x08, _("clock not set or just set")
    POWER_FAIL = 0x10, _("power failure")
    TAMPER = 0x20, _("tampering")
    RECOVERED = 0x40, _("read back later")
    FAULT = 0x80, _("meter fault")


class RevisionReason(models.IntegerChoices):
    """Why a stored value gave way to another one."""

    NEWER = 1, _("a later reading of the same quality")
    BETTER = 2, _("a reading of better quality")
    EDITED = 3, _("edited by hand")
    RECALCULATED = 4, _("calculated again from what was received")


class RegisterKind(models.IntegerChoices):
    """How a register reading came about."""

    SELF_READ = 1, _("sent by the device")
    ON_DEMAND = 2, _("read on demand")
    MANUAL = 3, _("entered by hand")


def _channel() -> models.ForeignKey[Channel, Channel]:
    # Archives are written by the million and may be distributed: no constraint, no cascade.
    return models.ForeignKey(
        Channel,
        verbose_name=_("channel"),
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )


class _Block(ScopedModel):
    """The values of one channel on one local day.

    Slot i begins i × interval after local midnight, in elapsed time. The values stand in the
    narrowest of three arrays that holds them all; the other two are NULL. A missing value is NULL.
    """

    interval_minutes = models.SmallIntegerField(_("interval, minutes"))
    total = models.BigIntegerField(_("sum"))
    small = ArrayField(models.SmallIntegerField(null=True), null=True)
    values = ArrayField(models.IntegerField(null=True), null=True)
    wide = ArrayField(models.BigIntegerField(null=True), null=True)
    # NULL: every present value is valid and without a flag. Else one byte a slot.
    quality = models.BinaryField(null=True)

    access: ClassVar[Access] = _CHANNEL_ACCESS

    class Meta(ScopedModel.Meta):
        abstract = True

    @property
    def readings(self) -> list[int | None]:
        """The values, one a slot, whichever array holds them."""
        found = self.small if self.small is not None else self.values
        return list((found if found is not None else self.wide) or ())

    @property
    def qualities(self) -> bytes:
        """The quality bytes, one a slot, also where none are stored."""
        if self.quality is not None:
            return bytes(self.quality)
        return bytes(
            Quality.MISSING.value if value is None else Quality.VALID.value
            for value in self.readings
        )


class IntervalBlock(_Block):
    """One local day of one channel as it stands now."""

    pk = models.CompositePrimaryKey("day", "channel")
    channel = _channel()
    day = models.DateField(_("day"))

    class Meta(_Block.Meta):
        managed = False
        db_table = "meters_interval_block"
        verbose_name = _("interval block")
        verbose_name_plural = _("interval blocks")
        ordering = ("day", "channel")

    def __str__(self) -> str:
        return f"{self.channel_id} {self.day}"


class BlockRevision(_Block):
    """A block as it was before a value in it changed. Never changed, never removed by hand."""

    pk = models.CompositePrimaryKey("channel", "day", "id", "replaced_at")
    id = models.BigIntegerField()
    channel = _channel()
    day = models.DateField(_("day"))
    replaced_at = models.DateTimeField(_("replaced"))
    reason = models.SmallIntegerField(_("reason"), choices=RevisionReason)
    frame_id = models.BigIntegerField(_("frame that replaced it"), null=True)
    user_id = models.BigIntegerField(_("who replaced it"), null=True)
    note = models.TextField(_("note"), blank=True)

    class Meta(_Block.Meta):
        managed = False
        db_table = "meters_block_revision"
        verbose_name = _("block revision")
        verbose_name_plural = _("block revisions")
        ordering = ("channel", "day", "id")

    def __str__(self) -> str:
        return f"{self.channel_id} {self.day} #{self.id}"


class _Register(ScopedModel):
    at = models.DateTimeField(_("time"))
    value = models.BigIntegerField(_("reading"))
    quality = models.SmallIntegerField(_("quality"))
    kind = models.SmallIntegerField(_("kind"), choices=RegisterKind)

    access: ClassVar[Access] = _CHANNEL_ACCESS

    class Meta(ScopedModel.Meta):
        abstract = True


class RegisterReading(_Register):
    """What the register of a channel showed at an instant."""

    pk = models.CompositePrimaryKey("channel", "at")
    channel = _channel()

    class Meta(_Register.Meta):
        managed = False
        db_table = "meters_register_reading"
        verbose_name = _("register reading")
        verbose_name_plural = _("register readings")
        ordering = ("channel", "at")

    def __str__(self) -> str:
        return f"{self.channel_id} {self.at:%Y-%m-%d %H:%M}: {self.value}"


class RegisterRevision(_Register):
    """A register reading as it was before it changed."""

    pk = models.CompositePrimaryKey("channel", "at", "id", "replaced_at")
    id = models.BigIntegerField()
    channel = _channel()
    replaced_at = models.DateTimeField(_("replaced"))
    reason = models.SmallIntegerField(_("reason"), choices=RevisionReason)
    frame_id = models.BigIntegerField(_("frame that replaced it"), null=True)
    user_id = models.BigIntegerField(_("who replaced it"), null=True)
    note = models.TextField(_("note"), blank=True)

    class Meta(_Register.Meta):
        managed = False
        db_table = "meters_register_revision"
        verbose_name = _("register revision")
        verbose_name_plural = _("register revisions")
        ordering = ("channel", "at", "id")

    def __str__(self) -> str:
        return f"{self.channel_id} {self.at:%Y-%m-%d %H:%M} #{self.id}"


class MonthTotal(ScopedModel):
    """A calendar month of a channel, made from its blocks (`meters.rollups.months`).

    `expected` counts the slots of the whole month at the channel's interval; `received` those that
    have a value, `estimated` those of them that nobody measured.
    """

    pk = models.CompositePrimaryKey("month", "channel")
    channel = _channel()
    month = models.DateField(_("month"), help_text=_("Its first day."))
    total = models.DecimalField(_("sum"), max_digits=24, decimal_places=0)
    received = models.IntegerField(_("received values"))
    estimated = models.IntegerField(_("estimated values"))
    expected = models.IntegerField(_("expected values"))

    access: ClassVar[Access] = _CHANNEL_ACCESS

    class Meta(ScopedModel.Meta):
        managed = False
        db_table = "meters_month_total"
        verbose_name = _("month total")
        verbose_name_plural = _("month totals")
        ordering = ("month", "channel")

    def __str__(self) -> str:
        return f"{self.channel_id} {self.month:%Y-%m}"


class DirtyDay(models.Model):
    """Blocks that changed and have not been rolled up yet: a row a batch and day.

    Written in the transaction that changed the blocks; taken by `meters.rollups.dirty`.
    """

    id = models.BigAutoField(primary_key=True)
    day = models.DateField()
    channels = ArrayField(models.BigIntegerField())
    marked_at = models.DateTimeField()

    class Meta:
        managed = False
        default_permissions = ()
        db_table = "meters_dirty_day"

    def __str__(self) -> str:
        return f"{self.day}: {len(self.channels)}"
