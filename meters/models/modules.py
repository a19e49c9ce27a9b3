"""Telemetry modules: the devices that talk to the server."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from accounts.audit import audited
from accounts.grants import Access, ScopedModel
from accounts.models import Company
from config.lib.modeling import Timestamped, code_field
from config.lib.orm import SameScope
from hierarchy.models import Node

from .device_types import DeviceType

__all__ = ["ModuleState", "TelemetryModule"]


@audited()
class TelemetryModule(ScopedModel, Timestamped):
    """A radio module, modem or concentrator with its own identity on the air."""

    class Status(models.TextChoices):
        STORED = "stored", _("in store")
        ACTIVE = "active", _("active")
        BLOCKED = "blocked", _("blocked")
        RETIRED = "retired", _("retired")

    company = models.ForeignKey(
        Company, verbose_name=_("company"), on_delete=models.PROTECT, related_name="modules"
    )
    serial = code_field(verbose_name=_("serial number"))
    device_type = models.ForeignKey(
        DeviceType, verbose_name=_("device type"), on_delete=models.PROTECT, related_name="+"
    )
    address = code_field(
        verbose_name=_("network address"),
        blank=True,
        help_text=_("How it is found on the air: IMEI, DevEUI, M-Bus address …"),
    )
    place = models.ForeignKey(
        Node,
        verbose_name=_("place"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="modules",
        db_constraint=False,
        limit_choices_to={"system": "territory"},
    )
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.ACTIVE)

    access: ClassVar[Access] = Access(
        view="view_meters", change="manage_meters", order="order_readings", nodes=("place",)
    )

    class Meta(ScopedModel.Meta):
        verbose_name = _("telemetry module")
        verbose_name_plural = _("telemetry modules")
        ordering = ("serial", "pk")
        constraints = (
            models.UniqueConstraint(fields=["id", "company"], name="meters_module_company_key"),
            models.UniqueConstraint(
                fields=["company", "device_type", "serial"],
                name="meters_module_serial_unique",
                violation_error_message=_(
                    "The company already has a module of this type with this serial number."
                ),
            ),
            models.UniqueConstraint(
                fields=["company", "address"],
                condition=~Q(address=""),
                name="meters_module_address_unique",
                violation_error_message=_("Another module already has this network address."),
            ),
            SameScope(field="place", name="meters_module_place_same_company"),
        )
        indexes = (
            models.Index(fields=["company", "serial", "id"], name="meters_module_serial"),
            models.Index(fields=["serial", "id"], name="meters_module_serial_all"),
            models.Index(fields=["company", "status", "serial", "id"], name="meters_module_status"),
            *(
                models.Index(
                    "company",
                    OpClass(Upper(field), name="text_pattern_ops"),
                    name=f"meters_module_{field}_prefix",
                )
                for field in ("serial", "address")
            ),
            GinIndex(
                OpClass(Upper("serial"), name="gin_trgm_ops"), name="meters_module_serial_trgm"
            ),
            GinIndex(
                OpClass(Upper("address"), name="gin_trgm_ops"), name="meters_module_address_trgm"
            ),
        )

    def __str__(self) -> str:
        return self.serial


class ModuleState(models.Model):
    """When a module was last heard and what it said of itself; a module never heard has none.

    Apart from the module, because it changes with every frame: no trigger, no search index and no
    audit of the module has to look on.
    """

    module = models.OneToOneField(
        TelemetryModule,
        verbose_name=_("telemetry module"),
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="state",
    )
    last_seen_at = models.DateTimeField(_("last seen"))
    battery_percent = models.PositiveSmallIntegerField(_("battery, %"), null=True)
    signal_dbm = models.SmallIntegerField(_("signal, dBm"), null=True)

    class Meta:
        verbose_name = _("state of a module")
        verbose_name_plural = _("states of modules")

    def __str__(self) -> str:
        return str(self.module_id)
