"""What devices told: facts, each with the device's own time and ours."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.grants import Access, ScopedModel
from accounts.models import Company
from config.lib.orm import SameScope

from .meters import Meter
from .modules import TelemetryModule

__all__ = ["EVENT_SEVERITIES", "DeviceEvent", "EventCode", "Severity", "severity_of"]


class EventCode(models.IntegerChoices):
    """Codes of the universal protocol; from 65536 on what the server itself saw.

    32768 to 65535 belong to the makers and have no names here.
    """

    POWER_UP = 1, _("power came back")
    POWER_FAIL = 2, _("power failed")
    RESTART = 3, _("the device restarted")
    CLOCK_SET = 4, _("the clock was set")
    COVER_OPENED = 16, _("the cover was opened")
    COVER_CLOSED = 17, _("the cover was closed")
    MAGNETIC_FIELD = 18, _("a strong magnetic field")
    CABLE_CUT = 19, _("the cable was cut")
    METER_REMOVED = 20, _("the meter was taken off")
    LEAK = 32, _("a leak")
    BURST = 33, _("a burst pipe")
    REVERSE_FLOW = 34, _("reverse flow")
    DRY = 35, _("the meter runs dry")
    FROST = 36, _("danger of frost")
    OVERLOAD = 48, _("overload")
    VOLTAGE_LOW = 49, _("low voltage")
    VOLTAGE_HIGH = 50, _("high voltage")
    PHASE_LOST = 51, _("a phase was lost")
    GAS_DETECTED = 56, _("gas in the air")
    PRESSURE_LOW = 57, _("low pressure")
    PRESSURE_HIGH = 58, _("high pressure")
    BATTERY_LOW = 64, _("the battery is low")
    METER_FAULT = 65, _("a fault of the meter")
    MEMORY_FAULT = 66, _("a fault of the memory")
    VALVE_OPENED = 80, _("the valve was opened")
    VALVE_CLOSED = 81, _("the valve was closed")
    VALVE_STUCK = 82, _("the valve is stuck")
    RELAY_CLOSED = 83, _("the relay was closed")
    RELAY_OPENED = 84, _("the relay was opened")
    FOREIGN_SOURCE = 65_536, _("frames from outside the company's networks were refused")
    REPLAYED = 65_537, _("frames with a counter that was used before were refused")
    WRONG_KEY = 65_538, _("frames sealed with another key were refused")


class Severity(models.IntegerChoices):
    """How soon somebody should look."""

    NOTICE = 1, _("notice")
    WARNING = 2, _("warning")
    CRITICAL = 3, _("critical")


_Code = EventCode
EVENT_SEVERITIES: dict[int, Severity] = {
    **dict.fromkeys(
        (_Code.LEAK, _Code.BURST, _Code.GAS_DETECTED, _Code.CABLE_CUT, _Code.METER_REMOVED),
        Severity.CRITICAL,
    ),
    **dict.fromkeys(
        (_Code.MAGNETIC_FIELD, _Code.OVERLOAD, _Code.PHASE_LOST, _Code.VALVE_STUCK),
        Severity.CRITICAL,
    ),
    **dict.fromkeys(
        (_Code.POWER_FAIL, _Code.COVER_OPENED, _Code.REVERSE_FLOW, _Code.DRY, _Code.FROST),
        Severity.WARNING,
    ),
    **dict.fromkeys(
        (_Code.VOLTAGE_LOW, _Code.VOLTAGE_HIGH, _Code.PRESSURE_LOW, _Code.PRESSURE_HIGH),
        Severity.WARNING,
    ),
    **dict.fromkeys((_Code.BATTERY_LOW, _Code.METER_FAULT, _Code.MEMORY_FAULT), Severity.WARNING),
    **dict.fromkeys((_Code.FOREIGN_SOURCE, _Code.REPLAYED, _Code.WRONG_KEY), Severity.WARNING),
}


def severity_of(code: int) -> Severity:
    """Of an event code; what nobody rated is a notice."""
    return EVENT_SEVERITIES.get(code, Severity.NOTICE)


class DeviceEvent(ScopedModel):
    """One fact; told twice (same time, port, code and detail) it is still one.

    port: of the module, None for the module itself. at: the device's clock, or our time of receipt
    where it has none (`has_clock`). count: frames together in an event of the server, which has one
    row an hour and module.
    """

    company = models.ForeignKey(
        Company, verbose_name=_("company"), on_delete=models.CASCADE, related_name="+"
    )
    module = models.ForeignKey(
        TelemetryModule,
        verbose_name=_("telemetry module"),
        on_delete=models.CASCADE,
        related_name="device_events",
        db_constraint=False,
        db_index=False,
    )
    meter = models.ForeignKey(
        Meter,
        verbose_name=_("meter"),
        on_delete=models.SET_NULL,
        null=True,
        related_name="device_events",
        db_constraint=False,
    )
    port = models.IntegerField(_("port of the module"), null=True)
    code = models.IntegerField(_("event"), choices=EventCode)
    severity = models.SmallIntegerField(_("severity"), choices=Severity)
    at = models.DateTimeField(_("time"))
    has_clock = models.BooleanField(_("by the device's clock"), default=True)
    received_at = models.DateTimeField(_("received"))
    detail = models.BigIntegerField(_("detail"), default=0)
    count = models.BigIntegerField(_("how often"), default=1)
    frame_id = models.BigIntegerField(_("frame"), null=True)

    access: ClassVar[Access] = Access(
        view="view_meters",
        change="manage_meters",
        nodes=("module__place", "meter__usage_point__place", "meter__usage_point__network_node"),
    )

    class Meta(ScopedModel.Meta):
        verbose_name = _("device event")
        verbose_name_plural = _("device events")
        ordering = ("-received_at", "-pk")
        constraints = (
            models.UniqueConstraint(
                fields=["module", "at", "code", "port", "detail"],
                name="meters_device_event_once",
                nulls_distinct=False,
            ),
            SameScope(field="module", name="meters_device_event_module_company"),
            SameScope(field="meter", name="meters_device_event_meter_company"),
        )
        indexes = (
            models.Index(fields=["company", "-received_at", "-id"], name="meters_event_recent"),
            models.Index(fields=["-received_at", "-id"], name="meters_event_latest"),
        )

    def __str__(self) -> str:
        return f"{self.label} {self.at:%Y-%m-%d %H:%M}"

    @property
    def label(self) -> str:
        """What happened, in the active language; a maker's own code as its number."""
        if self.code in EventCode.values:
            return str(EventCode(self.code).label)
        return str(_("event %(code)d of the maker")) % {"code": self.code}
