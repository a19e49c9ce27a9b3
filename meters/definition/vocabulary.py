"""The words that definitions refer to: reading types of the catalogue and codes of events."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

from meters.catalogue import CATALOGUE, CatalogueEntry
from meters.quantities import Resource

__all__ = ["COUNTED", "EventWord", "Vocabulary", "resolved", "shipped_vocabulary", "suffixed"]

# Resource → the register that meters of it count; what `{counted}` stands for.
COUNTED: Mapping[str, str] = MappingProxyType(
    {
        Resource.ELECTRICITY.value: "electricity.active.import.register",
        Resource.COLD_WATER.value: "cold_water.volume.register",
        Resource.HOT_WATER.value: "hot_water.volume.register",
        Resource.GAS.value: "gas.volume.register",
        Resource.HEAT.value: "heat.energy.register",
    }
)


class EventWord(NamedTuple):
    """Number and severity (1 notice, 2 warning, 3 critical) of an event."""

    code: int
    severity: int


class Vocabulary(NamedTuple):
    """Reading types by code and events by name, in small letters."""

    reading_types: Mapping[str, CatalogueEntry]
    events: Mapping[str, EventWord]


@cache
def shipped_vocabulary() -> Vocabulary:
    """What ships with the product. Needs the apps to be loaded."""
    from meters.models.events import EventCode, severity_of

    events = {
        code.name.lower(): EventWord(code.value, severity_of(code).value)
        for code in EventCode
        if code < 65_536
    }
    types = {entry.code: entry for entry in CATALOGUE}
    return Vocabulary(MappingProxyType(types), MappingProxyType(events))


def resolved(code: str, resource: str) -> str:
    """A reading type as written → its code for a meter of this resource."""
    if code == "{counted}":
        return COUNTED.get(resource, "")
    return code.replace("{resource}", resource)


def suffixed(code: str, *, tariff: int = 0, phase: str = "") -> str:
    """The reading type of one tariff or phase beside the one of the total."""
    if tariff:
        code = f"{code}.t{tariff}"
    return f"{code}.{phase.lower()}" if phase else code
