"""Reading types: what a channel measures."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.audit import audited
from accounts.grants import Access, ScopedModel
from config.lib.modeling import code_field
from meters.quantities import Accumulation, Direction, Quantity, Resource, Unit

__all__ = ["ReadingType"]


@audited()
class ReadingType(ScopedModel):
    """What is measured, in which unit, and how the values accumulate.

    Values in the archive are integers of `unit` × 10^`exponent`. Ships with the product.
    """

    code = code_field(unique=True)
    resource = models.CharField(_("resource"), max_length=16, choices=Resource)
    quantity = models.CharField(_("quantity"), max_length=24, choices=Quantity)
    accumulation = models.CharField(_("accumulation"), max_length=16, choices=Accumulation)
    unit = models.CharField(_("unit"), max_length=8, choices=Unit)
    exponent = models.SmallIntegerField(
        _("decimal exponent"), help_text=_("The archive's integers are units × 10 to this power.")
    )
    display_unit = models.CharField(_("displayed unit"), max_length=8)
    direction = models.CharField(
        _("direction"), max_length=8, choices=Direction, blank=True, default=Direction.NONE
    )
    tariff = models.PositiveSmallIntegerField(
        _("tariff register"), default=0, help_text=_("0 is the total over all tariffs.")
    )
    phase = models.CharField(_("phase"), max_length=4, blank=True)
    obis = models.CharField(_("OBIS code"), max_length=24, blank=True)
    cim_code = models.CharField(_("CIM reading type"), max_length=64, blank=True)

    access: ClassVar[Access] = Access(
        company=None, view="view_device_types", change="manage_platform"
    )

    class Meta(ScopedModel.Meta):
        verbose_name = _("reading type")
        verbose_name_plural = _("reading types")
        ordering = ("resource", "code")

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """Name as a person reads it, in the active language, with the displayed unit."""
        parts = [str(Resource(self.resource).label), str(Quantity(self.quantity).label)]
        if self.direction:
            parts.append(str(Direction(self.direction).label))
        if self.phase:
            parts.append(self.phase)
        if self.tariff:
            parts.append(gettext("tariff %(number)s") % {"number": self.tariff})
        if self.accumulation == Accumulation.CUMULATIVE:
            parts.append(gettext("register"))
        return f"{', '.join(parts)} ({self.display_unit})"
