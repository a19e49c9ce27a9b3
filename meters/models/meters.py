"""Meters and where they were installed."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from accounts.audit import audited
from accounts.grants import Access, ScopedModel
from accounts.models import Company
from config.lib.modeling import Timestamped, code_field
from config.lib.orm import SameScope

from .device_types import DeviceType
from .modules import TelemetryModule
from .reading_types import ReadingType
from .usage_points import UsagePoint

__all__ = ["Installation", "InstallationReading", "Meter"]


@audited(exclude=("usage_point",))
class Meter(ScopedModel, Timestamped):
    """A measuring device, on a port of a module or read by hand."""

    class Status(models.TextChoices):
        STORED = "stored", _("in store")
        INSTALLED = "installed", _("installed")
        REMOVED = "removed", _("removed")
        SCRAPPED = "scrapped", _("scrapped")

    company = models.ForeignKey(
        Company, verbose_name=_("company"), on_delete=models.PROTECT, related_name="meters"
    )
    serial = code_field(verbose_name=_("serial number"))
    device_type = models.ForeignKey(
        DeviceType, verbose_name=_("device type"), on_delete=models.PROTECT, related_name="+"
    )
    module = models.ForeignKey(
        TelemetryModule,
        verbose_name=_("telemetry module"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="meters",
        db_constraint=False,
    )
    port = models.PositiveSmallIntegerField(
        _("port of the module"), default=1, validators=[MaxValueValidator(255)]
    )
    digits = models.PositiveSmallIntegerField(
        _("register digits"),
        default=8,
        validators=[MinValueValidator(1), MaxValueValidator(12)],
        help_text=_("All digits of the counter, decimals included; it rolls over after them."),
    )
    status = models.CharField(
        _("status"), max_length=12, choices=Status, default=Status.STORED, editable=False
    )
    manufactured_on = models.DateField(_("manufactured"), null=True, blank=True)
    verified_on = models.DateField(_("verified"), null=True, blank=True)
    verification_due_on = models.DateField(_("verification due"), null=True, blank=True)
    # Where it is installed now, kept by meters.services.installations: lists and grants read it.
    usage_point = models.ForeignKey(
        UsagePoint,
        verbose_name=_("usage point"),
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="current_meters",
        db_constraint=False,
    )

    access: ClassVar[Access] = Access(
        view="view_meters",
        change="manage_meters",
        nodes=("usage_point__place", "usage_point__network_node"),
    )

    class Meta(ScopedModel.Meta):
        verbose_name = _("meter")
        verbose_name_plural = _("meters")
        ordering = ("serial", "pk")
        constraints = (
            models.UniqueConstraint(fields=["id", "company"], name="meters_meter_company_key"),
            models.UniqueConstraint(
                fields=["company", "device_type", "serial"],
                name="meters_meter_serial_unique",
                violation_error_message=_(
                    "The company already has a meter of this type with this serial number."
                ),
            ),
            models.UniqueConstraint(
                fields=["module", "port"],
                condition=Q(module__isnull=False),
                name="meters_meter_port_unique",
                violation_error_message=_("Another meter is already on this port of the module."),
            ),
            SameScope(field="module", name="meters_meter_module_same_company"),
            SameScope(field="usage_point", name="meters_meter_point_same_company"),
        )
        indexes = (
            models.Index(fields=["company", "serial", "id"], name="meters_meter_serial"),
            models.Index(fields=["serial", "id"], name="meters_meter_serial_all"),
            models.Index(fields=["company", "status", "serial", "id"], name="meters_meter_status"),
            models.Index(
                fields=["company", "verification_due_on", "serial", "id"], name="meters_meter_due"
            ),
            models.Index(
                fields=["verification_due_on", "serial", "id"], name="meters_meter_due_all"
            ),
            GinIndex(OpClass(Upper("serial"), name="gin_trgm_ops"), name="meters_meter_trgm"),
            models.Index(
                "company",
                OpClass(Upper("serial"), name="text_pattern_ops"),
                name="meters_meter_prefix",
            ),
        )

    def __str__(self) -> str:
        return self.serial


@audited()
class Installation(ScopedModel, Timestamped):
    """A meter at a usage point, from an instant to an instant (UTC)."""

    company = models.ForeignKey(Company, on_delete=models.PROTECT, editable=False, related_name="+")
    meter = models.ForeignKey(
        Meter,
        verbose_name=_("meter"),
        on_delete=models.PROTECT,
        related_name="installations",
        db_constraint=False,
    )
    usage_point = models.ForeignKey(
        UsagePoint,
        verbose_name=_("usage point"),
        on_delete=models.PROTECT,
        related_name="installations",
        db_constraint=False,
    )
    installed_at = models.DateTimeField(_("installed"))
    removed_at = models.DateTimeField(_("removed"), null=True, blank=True)
    multiplier = models.DecimalField(
        _("multiplier"),
        max_digits=12,
        decimal_places=4,
        default=Decimal(1),
        validators=[MinValueValidator(Decimal("0.0001"))],
        help_text=_("Transformer ratio: what the register shows times this is what was used."),
    )
    reason = models.CharField(_("reason"), max_length=200, blank=True)

    access: ClassVar[Access] = Access(
        view="view_meters",
        change="manage_meters",
        nodes=("usage_point__place", "usage_point__network_node"),
    )

    class Meta(ScopedModel.Meta):
        verbose_name = _("installation")
        verbose_name_plural = _("installations")
        ordering = ("-installed_at", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=["id", "company"], name="meters_installation_company_key"
            ),
            SameScope(field="meter", name="meters_installation_meter_same_company"),
            SameScope(field="usage_point", name="meters_installation_point_same_company"),
            models.CheckConstraint(
                condition=Q(removed_at__isnull=True) | Q(removed_at__gt=F("installed_at")),
                name="meters_installation_order",
                violation_error_message=_("A meter is removed after it is installed."),
            ),
            models.CheckConstraint(
                condition=Q(multiplier__gt=0), name="meters_installation_multiplier"
            ),
            ExclusionConstraint(
                name="meters_installation_meter_once",
                expressions=[
                    ("meter", RangeOperators.EQUAL),
                    (
                        Func("installed_at", "removed_at", function="tstzrange"),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                violation_error_message=_("The meter is installed elsewhere in this period."),
            ),
            ExclusionConstraint(
                name="meters_installation_point_once",
                expressions=[
                    ("usage_point", RangeOperators.EQUAL),
                    (
                        Func("installed_at", "removed_at", function="tstzrange"),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                violation_error_message=_("Another meter is installed there in this period."),
            ),
        )
        indexes = (
            models.Index(
                fields=["company", "-installed_at", "id"], name="meters_installation_recent"
            ),
            models.Index(fields=["-installed_at", "id"], name="meters_installation_latest"),
        )

    def __str__(self) -> str:
        return f"{self.meter} @ {self.usage_point}"

    def clean(self) -> None:
        # Told here, because PostgreSQL can't compare a period that ends before it begins.
        if self.removed_at and self.installed_at and self.removed_at <= self.installed_at:
            raise ValidationError({"removed_at": _("A meter is removed after it is installed.")})


@audited()
class InstallationReading(ScopedModel):
    """What one register showed when the meter came and when it went, in displayed units."""

    company = models.ForeignKey(Company, on_delete=models.PROTECT, editable=False, related_name="+")
    installation = models.ForeignKey(
        Installation,
        verbose_name=_("installation"),
        on_delete=models.CASCADE,
        related_name="readings",
        db_constraint=False,
    )
    reading_type = models.ForeignKey(
        ReadingType,
        verbose_name=_("register"),
        on_delete=models.PROTECT,
        related_name="+",
        limit_choices_to={"accumulation": "cumulative"},
    )
    opening = models.DecimalField(
        _("opening reading"),
        max_digits=18,
        decimal_places=6,
        validators=[MinValueValidator(0)],
    )
    closing = models.DecimalField(
        _("closing reading"),
        max_digits=18,
        decimal_places=6,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
    )

    access: ClassVar[Access] = Access(
        view="view_meters",
        change="manage_meters",
        nodes=(
            "installation__usage_point__place",
            "installation__usage_point__network_node",
        ),
    )

    class Meta(ScopedModel.Meta):
        verbose_name = _("register reading of an installation")
        verbose_name_plural = _("register readings of installations")
        ordering = ("installation", "reading_type")
        constraints = (
            models.UniqueConstraint(
                fields=["installation", "reading_type"],
                name="meters_installation_reading_unique",
                violation_error_message=_("This register already has its readings."),
            ),
            models.CheckConstraint(
                condition=Q(opening__gte=0) & (Q(closing__isnull=True) | Q(closing__gte=0)),
                name="meters_installation_reading_sign",
            ),
            SameScope(field="installation", name="meters_installation_reading_company"),
        )

    def __str__(self) -> str:
        return f"{self.reading_type}: {self.opening} – {self.closing}"
