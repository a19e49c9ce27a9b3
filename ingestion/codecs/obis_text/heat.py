"""Reduced codes of heat meters' readouts, which say no medium: 6.8 is energy, 6.26 volume.

Source: the readout descriptions that makers of heat meters with an optical head publish (IEC
62056-21 mode B and C); a plain electricity code of the same numbers does not occur with these
units.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..cosem.obis import Code, Meaning
from .lines import DataSet
from .values import symbol

__all__ = ["heat_meaning", "is_heat"]

_NAMES: Mapping[tuple[int, int], tuple[str, str]] = {
    (6, 4): ("power", "power"),
    (6, 6): ("power_max", "power"),
    (6, 8): ("energy", "energy"),
    (6, 26): ("volume", "volume"),
    (6, 27): ("flow", "volume flow"),
    (6, 29): ("flow_temperature", "flow temperature"),
    (6, 28): ("return_temperature", "return temperature"),
    (6, 30): ("temperature_difference", "temperature difference"),
    (6, 31): ("operating_time", "duration"),
    (6, 32): ("missing_time", "duration"),
    (6, 33): ("flow_max", "volume flow"),
    (6, 35): ("measuring_period", "duration"),
    (6, 36): ("due_date", "time"),
    (9, 1): ("configuration", "identification"),
    (9, 4): ("temperature_max", "temperature"),
    (9, 20): ("property_number", "identification"),
    (9, 21): ("meter_id", "identification"),
    (9, 22): ("firmware_version", "identification"),
    (9, 24): ("flow_nominal", "volume flow"),
    (9, 31): ("flow_time", "duration"),
    (97, 97): ("error_register", "state"),
}
_HEAT_UNITS = frozenset({"MWh", "kWh", "GJ", "MJ", "Gcal", "m3"})
_SIGNS = frozenset({(6, 8), (6, 26)})


def is_heat(found: Iterable[DataSet]) -> bool:
    """Whether a readout counts energy under 6.8 or volume under 6.26."""
    return any(
        data_set.code is not None
        and "-" not in data_set.address
        and data_set.code[2:4] in _SIGNS
        and symbol(data_set.groups[0].unit) in _HEAT_UNITS
        for data_set in found
    )


def heat_meaning(address: str, code: Code) -> Meaning | None:
    """The meaning of a reduced code; the period behind an asterisk counts due dates back."""
    row = _NAMES.get(code[2:4])
    if row is None or "-" in address:
        return None
    tariff, period = code[4], code[5] if code[5] != 255 else 0
    name = "_".join(
        filter(None, (row[0], f"t{tariff}" if tariff else "", f"period_{period}" if period else ""))
    )
    facts: dict[str, Any] = {"obis": address, "medium": "heat", "channel": 0, "quantity": row[1]}
    facts |= {"tariff": tariff, "storage": period}
    return Meaning(name, row[1], row[1] == "identification", facts)
