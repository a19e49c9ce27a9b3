"""What quantities of telegrams probably are in the catalogue: the tables that proposals go by.

A proposal is read by the engineer before anything comes of it; what is not sure has a comment.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from meters.catalogue import CATALOGUE, CatalogueEntry

__all__ = [
    "BY_NAME",
    "EVENTS",
    "IDENTITIES",
    "MBUS",
    "MEDIA",
    "SENML",
    "TIMES",
    "Guess",
    "catalogue_of_obis",
]

# Medium byte of M-Bus (EN 13757-7, 7.5.4) → resource.
MEDIA: dict[str, str] = {
    "02": "electricity",
    "03": "gas",
    "04": "heat",
    "06": "hot_water",
    "07": "cold_water",
    "0C": "heat",
    "0D": "heat",
    "15": "hot_water",
    "16": "cold_water",
}

# Quantity of an M-Bus record and resource → register, reading type.
MBUS: dict[str, dict[str, tuple[str, str]]] = {
    "electricity": {
        "energy": ("energy", "electricity.active.import.register"),
        "power": ("power", "electricity.power.import"),
        "voltage": ("voltage", "electricity.voltage.l1"),
        "current": ("current", "electricity.current.l1"),
        "frequency": ("frequency", "electricity.frequency"),
    },
    "heat": {
        "energy": ("energy", "heat.energy.register"),
        "volume": ("volume", "heat.volume.register"),
        "power": ("power", "heat.power"),
        "volume_flow": ("flow", "heat.flow"),
        "flow_temperature": ("flow_temperature", "heat.temperature.flow"),
        "return_temperature": ("return_temperature", "heat.temperature.return"),
        "pressure": ("pressure", "heat.pressure"),
    },
    **{
        water: {
            "volume": ("volume", f"{water}.volume.register"),
            "volume_flow": ("flow", f"{water}.flow"),
            "pressure": ("pressure", f"{water}.pressure"),
        }
        for water in ("cold_water", "hot_water", "gas")
    },
    "device": {"external_temperature": ("temperature", "device.temperature")},
}


class Guess(NamedTuple):
    """What a value probably is; unit "": the value's own. resource: what it points to."""

    register: str
    reading_type: str
    unit: str
    resource: str
    sure: bool = True


_EL = "electricity"
# Unit of a SenML record (RFC 8428, 12.1) → what it is.
SENML: dict[str, Guess] = {
    "Wh": Guess("energy", "electricity.active.import.register", "", _EL),
    "kWh": Guess("energy", "electricity.active.import.register", "", _EL),
    "J": Guess("energy", "heat.energy.register", "", "heat"),
    "W": Guess("power", "electricity.power.import", "", _EL),
    "kW": Guess("power", "electricity.power.import", "", _EL),
    "V": Guess("voltage", "electricity.voltage.l1", "", _EL),
    "A": Guess("current", "electricity.current.l1", "", _EL),
    "Hz": Guess("frequency", "electricity.frequency", "", _EL),
    "m3": Guess("volume", "cold_water.volume.register", "", "cold_water"),
    "L": Guess("volume", "cold_water.volume.register", "", "cold_water"),
    "m3/h": Guess("flow", "cold_water.flow", "", "cold_water"),
    "°C": Guess("temperature", "device.temperature", "", "device"),
}

# Name of a JSON value → what it is, the first that fits; names are in small letters, words apart.
BY_NAME: tuple[tuple[re.Pattern[str], Guess], ...] = tuple(
    (re.compile(pattern), guess)
    for pattern, guess in (
        (
            r"\b(return(ed)?|export|received|out|production)\b.*\b(energy|kwh|wh|total)?\b|"
            r"\btotal returned\b",
            Guess("energy_export", "electricity.active.export.register", "kWh", _EL, sure=False),
        ),
        (
            r"\b(energy|kwh|wh|active import)\b|^total$",
            Guess("energy", "electricity.active.import.register", "kWh", _EL, sure=False),
        ),
        (r"\b(apparent|reactive)\b", Guess("", "", "", _EL)),
        (r"\b(power|watt|watts|act power)\b", Guess("power", "electricity.power.import", "W", _EL)),
        (r"\b(voltage|volt)\b", Guess("voltage", "electricity.voltage.l1", "V", _EL)),
        (r"\b(current|amps?|ampere)\b", Guess("current", "electricity.current.l1", "A", _EL)),
        (r"\b(freq|frequency)\b", Guess("frequency", "electricity.frequency", "Hz", _EL)),
        (r"\bflow\b", Guess("flow", "cold_water.flow", "m3/h", "cold_water", sure=False)),
        (r"\bgas\b", Guess("volume", "gas.volume.register", "m3", "gas", sure=False)),
        (
            r"\b(volume|water|counter|index|m3|liters?|litres?)\b",
            Guess("volume", "cold_water.volume.register", "m3", "cold_water", sure=False),
        ),
        (r"\brssi\b", Guess("signal", "device.signal", "dBm", "device")),
        (
            r"\b(battery|batt|bat)\b.*\b(voltage|v|mv)\b",
            Guess("battery_voltage", "device.battery.voltage", "V", "device", sure=False),
        ),
        (r"\bbat(t|tery)?\b", Guess("battery", "device.battery.level", "%", "device", sure=False)),
        (
            r"\b(temperature|temp|tc)\b",
            Guess("temperature", "device.temperature", "°C", "device"),
        ),
    )
)

# Last word of a JSON key, in small letters without signs → sort of number that tells the module.
IDENTITIES: dict[str, str] = {
    "imei": "imei",
    "deveui": "dev_eui",
    "mac": "mac",
    "serial": "serial",
    "serialnumber": "serial",
    "deviceid": "serial",
    "meterid": "serial",
    "device": "serial",
    "id": "serial",
}
# Names of flags, without blanks → event.
EVENTS: dict[str, str] = {
    "leak": "leak",
    "leakage": "leak",
    "burst": "burst",
    "dry": "dry",
    "frost": "frost",
    "lowbattery": "battery_low",
    "batterylow": "battery_low",
    "reverseflow": "reverse_flow",
    "backflow": "reverse_flow",
    "magneticfield": "magnetic_field",
    "powerfail": "power_fail",
}
# The same of the telegram's time.
TIMES = frozenset(
    {"time", "timestamp", "ts", "unixtime", "datetime", "date", "at", "createdat", "sampletime"}
)

_OBIS = {entry.obis: entry for entry in CATALOGUE if entry.obis}
_SHORT = {entry.obis.partition(":")[2]: entry for entry in CATALOGUE if entry.obis[:2] == "1-"}
# Gas, water and heat as P1 telegrams have them: medium of the sub-meter and its value.
_SUB_METERS = {
    "gas": "gas.volume.register",
    "cold water": "cold_water.volume.register",
    "water": "cold_water.volume.register",
    "hot water": "hot_water.volume.register",
    "heat": "heat.energy.register",
}
_BY_CODE = {entry.code: entry for entry in CATALOGUE}


def catalogue_of_obis(obis: str, medium: str = "") -> CatalogueEntry | None:
    """The reading type that a code stands for; `medium` tells what a sub-meter (24.2.x) counts."""
    group, _colon, rest = obis.partition(":")
    if rest.startswith("24.2."):
        return _BY_CODE.get(_SUB_METERS.get(medium, ""))
    if obis in _OBIS:
        return _OBIS[obis]
    return _SHORT.get(rest or group) if not rest or group.startswith("1-") else None
