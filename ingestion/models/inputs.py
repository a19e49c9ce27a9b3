"""What the inputs of a module count: known to whoever installed it, told by no message."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.audit import audited
from accounts.grants import Access, ScopedModel
from config.lib.modeling import Timestamped
from meters.models import TelemetryModule

__all__ = ["ModuleInput"]


@audited()
class ModuleInput(ScopedModel, Timestamped):
    """An input of a module that counts pulses or samples; decoders ask for it as `$config.…`."""

    class Unit(models.TextChoices):
        LITRE = "L", "L"
        CUBIC_METRE = "m3", "m³"
        WATT_HOUR = "Wh", "Wh"
        KILOWATT_HOUR = "kWh", "kWh"
        MEGAWATT_HOUR = "MWh", "MWh"
        GIGAJOULE = "GJ", "GJ"

    module = models.ForeignKey(
        TelemetryModule,
        verbose_name=_("telemetry module"),
        on_delete=models.CASCADE,
        related_name="inputs",
    )
    port = models.PositiveSmallIntegerField(
        _("port of the module"),
        validators=[MaxValueValidator(255)],
        help_text=_("As the device type counts them, many from 0."),
    )
    pulse_weight = models.DecimalField(
        _("one pulse is worth"),
        max_digits=12,
        decimal_places=6,
        default=1,
        validators=[MinValueValidator(Decimal("0.000001"))],
    )
    pulse_unit = models.CharField(_("unit"), max_length=4, choices=Unit, default=Unit.LITRE)
    sampling_period = models.PositiveIntegerField(
        _("sampling period, seconds"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(31_622_400)],
        help_text=_("How often the module notes the register, where its messages do not say it."),
    )

    access: ClassVar[Access] = Access(
        company="module__company",
        view="view_meters",
        change="manage_meters",
        nodes=("module__place",),
    )

    class Meta(ScopedModel.Meta):
        verbose_name = _("module input")
        verbose_name_plural = _("module inputs")
        ordering = ("module", "port")
        constraints = (
            models.UniqueConstraint(
                fields=["module", "port"],
                name="ingestion_module_input_port",
                violation_error_message=_("The module already has an input with this port."),
            ),
        )

    def __str__(self) -> str:
        return f"{self.module} {self.port}: {self.pulse_weight.normalize():f} {self.pulse_unit}"
