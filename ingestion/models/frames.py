"""Raw frames: the bytes as received."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.grants import Access, ScopedModel
from meters.models import TelemetryModule
from meters.partitions import Partitioned, Step, register

__all__ = ["FRAMES", "FrameOutcome", "RawFrame", "Transport"]

FRAMES = register(
    Partitioned(
        "ingestion_raw_frame",
        Step.DAY,
        "received_at",
        days_back=2,
        keep="RAW_FRAME_RETENTION_DAYS",
        closed_index="module_id, received_at",
    )
)


class Transport(models.IntegerChoices):
    """How a frame came."""

    UDP = 1, "UDP"
    TCP = 2, "TCP"
    MQTT = 3, "MQTT"
    IMPORT = 4, _("import")


class FrameOutcome(models.IntegerChoices):
    """What became of a frame."""

    STORED = 0, _("stored")
    PARTLY = 1, _("partly stored")
    REFUSED = 2, _("refused")
    QUARANTINED = 3, _("in quarantine")


class RawFrame(ScopedModel):
    """A frame as received; its bytes, time and source can't be changed, and retention drops it."""

    pk = models.CompositePrimaryKey("id", "received_at")
    id = models.BigIntegerField()
    received_at = models.DateTimeField(_("received"))
    module = models.ForeignKey(
        TelemetryModule,
        verbose_name=_("telemetry module"),
        on_delete=models.DO_NOTHING,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    transport = models.SmallIntegerField(_("transport"), choices=Transport)
    outcome = models.SmallIntegerField(_("outcome"), choices=FrameOutcome)
    counter = models.BigIntegerField(_("frame counter"), null=True)
    source = models.TextField(_("source address"))
    payload = models.BinaryField(_("bytes"))
    reason = models.TextField(_("reason"), blank=True)
    # Who sent a message of a foreign protocol; "": nobody knows; NULL: a frame of the universal one.
    identity = models.TextField(null=True)  # noqa: DJ001

    access: ClassVar[Access] = Access(
        company="module__company",
        view="view_meters",
        change="manage_meters",
        nodes=("module__place",),
    )

    class Meta(ScopedModel.Meta):
        managed = False
        db_table = "ingestion_raw_frame"
        verbose_name = _("raw frame")
        verbose_name_plural = _("raw frames")
        ordering = ("-received_at", "-id")

    def __str__(self) -> str:
        return f"#{self.id} {self.received_at:%Y-%m-%d %H:%M:%S}"
