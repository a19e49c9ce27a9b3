"""Tags of the pages' frame: whose data is shown, and which icon stands for what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from reports.selectors import companies_of

if TYPE_CHECKING:
    from decimal import Decimal

register = template.Library()

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
    "ClockedSchedule": "clock",
    "Company": "landmark",
    "Connection": "link",
    "CrontabSchedule": "clock",
    "DeviceType": "cpu",
    "DeviceTypeVersion": "layers",
    "Installation": "wrench",
    "IntervalSchedule": "clock",
    "Membership": "user-cog",
    "Meter": "gauge",
    "Node": "map-pin",
    "PeriodicTask": "calendar-clock",
    "ReadingType": "ruler",
    "Role": "key-round",
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
