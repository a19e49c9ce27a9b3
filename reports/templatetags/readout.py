"""Tags of the pages' frame: whose data is shown, and which icon stands for what."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import template
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from ingestion.engine import EngineState
from ingestion.models import FrameOutcome
from reports.panel.amounts import scale_of, short
from reports.panel.charts import Mark, byte_marks
from reports.panel.overview import percent_of
from reports.selectors import companies_of

if TYPE_CHECKING:
    from meters.models import ReadingType
    from meters.selectors.completeness import Counts
    from reports.panel.amounts import Scale
    from reports.panel.series import Series

register = template.Library()

# Percent of what entered: more leaving than entering is a fault of meters; losses above the second
# are noted, above the third somebody should go and look.
_FAULTY_BELOW, _NOTED_ABOVE, _LOST_ABOVE = -2, 10, 20
_RESOURCE_ICONS = {
    "electricity": "zap",
    "cold_water": "droplet",
    "hot_water": "droplets",
    "gas": "flame",
    "heat": "heater",
    "territory": "map",
}
_MODEL_ICONS = {
    "Activity": "activity",
    "AuditEntry": "scroll-text",
    "Channel": "git-branch",
    "Claim": "badge-check",
    "ClockedSchedule": "clock",
    "Command": "send",
    "Company": "landmark",
    "Connection": "link",
    "CrontabSchedule": "clock",
    "DeviceType": "cpu",
    "DeviceTypeVersion": "layers",
    "Installation": "wrench",
    "IntervalSchedule": "clock",
    "Membership": "user-cog",
    "Meter": "gauge",
    "ModuleInput": "cable",
    "ModuleKey": "key-round",
    "MqttLogin": "lock-keyhole",
    "Node": "map-pin",
    "PeriodicTask": "calendar-clock",
    "Quarantine": "shield-alert",
    "ReadingType": "ruler",
    "Redecoding": "refresh-ccw-dot",
    "Role": "shield-check",
    "SolarSchedule": "sun",
    "TelemetryModule": "radio-tower",
    "UsagePoint": "plug",
    "User": "users",
}


@register.filter
def resource_icon(resource: str) -> str:
    """Name of the icon of a resource or of a system of nodes."""
    return _RESOURCE_ICONS.get(resource, "cpu")


@register.filter
def model_icon(object_name: str) -> str:
    """Name of the icon of a model, given the name of its class."""
    return _MODEL_ICONS.get(object_name, "scroll-text" if "Event" in object_name else "table-2")


@register.filter
def reading(value: Decimal | None) -> str:
    """A register reading in the reader's notation, without the zeros the column pads it with."""
    return "" if value is None else number_format(value.normalize(), force_grouping=True)


@register.filter
def initials(user: Any) -> str:
    """At most two letters that stand for a person."""
    return "".join(word[0] for word in str(user).split("@")[0].split()[:2])


@register.simple_tag
def company_label(user: Any) -> str:
    """Name of the only company whose data `user` sees; how many there are when more."""
    companies = list(companies_of(user)[:2])
    if len(companies) == 1:
        return companies[0].name
    return _("Several companies") if companies else ""


@register.filter
def scaled(value: Decimal | int | None, scale: Scale) -> str:
    """A number of the archive in displayed units, to the place that is kept."""
    return "" if value is None else scale.text(Decimal(value).quantize(Decimal(1)))


@register.filter
def series_total(series: Series, scale: Scale) -> str:
    """Sum or mean of a series in displayed units."""
    return scaled(series.total, scale)


@register.filter
def of_type(value: int, kind: ReadingType) -> str:
    """A number of the archive with its unit."""
    scale = scale_of(kind)
    return f"{scale.text(value)} {scale.unit}"


@register.filter(name="short")
def short_number(value: Decimal | None) -> str:
    """Rounded to what the eye takes in."""
    return "" if value is None else short(value)


@register.filter
def signed(value: int | None) -> str:
    """With its sign, also where it is positive; a minus as wide as the plus."""
    if value is None:
        return ""
    text = number_format(abs(value), force_grouping=True)
    return f"+{text}" if value > 0 else f"−{text}" if value < 0 else text


@register.filter(name="byte_marks")
def marks_of_byte(quality: int) -> list[Mark]:
    """What a quality byte tells."""
    return byte_marks(quality)


@register.filter
def reading_count(value: int) -> str:
    """Counts of a device's register, grouped."""
    return number_format(value, force_grouping=True)


@register.filter
def outcome_look(outcome: int) -> str:
    """Which badge a frame's outcome wears."""
    return {FrameOutcome.STORED: "ok", FrameOutcome.REFUSED: "bad"}.get(
        FrameOutcome(outcome), "warn"
    )


@register.filter
def scaled_signed(value: int, scale: Scale) -> str:
    """The same with its sign."""
    text = scale.text(abs(value))
    return f"+{text}" if value > 0 else f"−{text}" if value < 0 else text


@register.filter
def percent_signed(value: Decimal) -> str:
    """A share in percent with one decimal and its sign."""
    text = number_format(abs(value), 1)
    return f"+{text}" if value > 0 else f"−{text}" if value < 0 else text


@register.filter
def share_look(percent: Decimal) -> str:
    """How much a difference of a balance asks to be looked at."""
    if percent < _FAULTY_BELOW or percent > _LOST_ABOVE:
        return "bad"
    return "warn" if percent > _NOTED_ABOVE else "ok"


@register.filter
def dotted(value: Decimal) -> str:
    """A number as attributes of HTML want it, whatever the language."""
    return f"{value:f}"


@register.filter
def plain(value: float) -> str:
    """A coordinate: a dot before the decimals, whatever the language."""
    return f"{value:g}"


@register.filter
def scaled_short(value: int | None, scale: Scale) -> str:
    """In displayed units, rounded to what the eye takes in."""
    return scale.short(value)


@register.filter
def rate(value: float) -> str:
    """So many a second; a decimal only where it says something."""
    return number_format(
        round(value, 1 if value < 100 else 0), 1 if value < 100 else 0, force_grouping=True
    )


@register.filter
def complete_percent(counts: Counts) -> Decimal | None:
    """Completeness in percent."""
    return percent_of(counts.share)


@register.filter
def engine_look(state: str) -> str:
    """Which badge the state of collection wears."""
    return "ok" if state == EngineState.WORKING else "warn"


@register.filter
def engine_words(state: str) -> str:
    """The state of collection in the active language."""
    words = {
        EngineState.WORKING: _("working"),
        EngineState.WAITING: _("waiting for the database"),
        EngineState.STANDBY: _("standing by"),
        EngineState.STOPPED: _("stopped"),
    }
    return words.get(state, state)
