"""How libmbus prints what EN 13757-3 says: its words for quantities, units, media and errors.

Facts about its output, for comparing: a word here is never shown to a user.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = [
    "FIXED_MEDIA",
    "FUNCTIONS",
    "MEDIA",
    "PLAIN_TEXT",
    "QUANTITIES",
    "QUANTITY_UNITS",
    "RESERVED",
    "UNITS",
    "Unit",
    "error_words",
    "fixed_units",
]

FUNCTIONS = {
    "instantaneous": "Instantaneous value",
    "maximum": "Maximum value",
    "minimum": "Minimum value",
    "error": "Value during error state",
}

RESERVED = "Reserved"

# Ours → the words it uses (more than one where its editions differ).
QUANTITIES: dict[str, tuple[str, ...]] = {
    "energy": ("Energy",),
    "volume": ("Volume",),
    "mass": ("Mass",),
    "on_time": ("On time",),
    "operating_time": ("Operating time",),
    "power": ("Power",),
    "volume_flow": ("Volume flow",),
    "mass_flow": ("Mass flow",),
    "flow_temperature": ("Flow temperature",),
    "return_temperature": ("Return temperature",),
    "temperature_difference": ("Temperature difference",),
    "external_temperature": ("External temperature",),
    "pressure": ("Pressure",),
    "date": ("Time point (date)",),
    "date_time": ("Time point (date & time)",),
    "hca_units": ("H.C.A.",),
    "averaging_duration": ("Averaging Duration",),
    "actuality_duration": ("Actuality Duration", "Averaging Duration"),
    "fabrication_number": ("Fabrication No",),
    "enhanced_identification": ("(Enhanced) Identification",),
    "bus_address": ("Bus Address",),
    "any": ("Any VIF",),
    "manufacturer_specific": ("Manufacturer specific",),
    "credit": ("Credit",),
    "debit": ("Debit",),
    "access_number": ("Access Number (transmission count)",),
    "device_type": ("Device type",),
    "manufacturer": ("Manufacturer",),
    "parameter_set": ("Parameter set identification",),
    "model_version": ("Model / Version", "Device type"),
    "hardware_version": ("Hardware version",),
    "firmware_version": ("Firmware version",),
    "software_version": ("Software version",),
    "customer_location": ("Customer location",),
    "customer": ("Customer",),
    "access_code_user": ("Access Code User",),
    "access_code_operator": ("Access Code Operator",),
    "access_code_system_operator": ("Access Code System Operator",),
    "access_code_developer": ("Access Code Developer",),
    "password": ("Password",),
    "error_flags": ("Error flags",),
    "error_mask": ("Error mask",),
    "digital_output": ("Digital Output",),
    "digital_input": ("Digital Input",),
    "baud_rate": ("Baudrate",),
    "response_delay": ("Response delay time",),
    "retry": ("Retry",),
    "first_storage": ("First storage # for cyclic storage",),
    "last_storage": ("Last storage # for cyclic storage",),
    "storage_block_size": ("Size of storage block",),
    "storage_interval": ("Storage interval",),
    "duration_since_readout": ("Duration since last readout",),
    "tariff_duration": ("Duration of tariff", "Storage interval"),
    "tariff_period": ("Period of tariff",),
    "dimensionless": ("Dimensionless",),
    "voltage": ("Voltage",),
    "current": ("Current",),
    "reset_counter": ("Reset counter",),
    "cumulation_counter": ("Cumulation counter",),
    "control_signal": ("Control signal",),
    "day_of_week": ("Day of week",),
    "week_number": ("Week number",),
    "day_change_time": ("Time point of day change",),
    "parameter_activation": ("State of parameter activation",),
    "supplier_information": ("Special supplier information",),
    "duration_since_cumulation": ("Duration since last cumulation",),
    "battery_operating_time": ("Operating time battery",),
    "battery_change": ("Date and time of battery change",),
    "temperature_limit": ("Cold / Warm Temperature Limit",),
    "cumulative_maximum_power": ("Cumul count max power",),
}

# A unit in plain text is printed as the quantity; these are the ones known by another word here.
PLAIN_TEXT = {"relative_humidity": ("%RH", "%rH")}


class Unit(NamedTuple):
    """Its symbol and what one of ours is in it."""

    symbols: tuple[str, ...]
    factor: str = "1"


UNITS = {
    "J/h": Unit(("J/h", "J")),
    "m3": Unit(("m^3",)),
    "m3/h": Unit(("m^3/h",)),
    "m3/min": Unit(("m^3/min",)),
    "m3/s": Unit(("m^3/s",)),
    "currency": Unit(("Currency units",)),
    # It counts a month as 2629743.83 s and a year as 31556926 s.
    "month": Unit(("s",), "2629743.83"),
    "y": Unit(("s",), "31556926"),
    "Δ°F": Unit(("°F",)),
    "ft3": Unit(("feet^3",)),
    "gal": Unit(("American gallon",)),
    "gal/min": Unit(("American gallon/min",)),
    "gal/h": Unit(("American gallon/h",)),
}
# Units that go with a quantity here and stand in the symbol there, or the other way round.
QUANTITY_UNITS = {
    "date": ("-",),
    "date_time": ("-",),
    "hca_units": ("Units for H.C.A.",),
    "baud_rate": ("Baud",),
    "response_delay": ("Bittimes",),
}

MEDIA = {
    0x00: "Other",
    0x01: "Oil",
    0x02: "Electricity",
    0x03: "Gas",
    0x04: "Heat: Outlet",
    0x05: "Steam",
    0x06: "Warm water (30-90°C)",
    0x07: "Water",
    0x08: "Heat Cost Allocator",
    0x09: "Compressed Air",
    0x0A: "Cooling load meter: Outlet",
    0x0B: "Cooling load meter: Inlet",
    0x0C: "Heat: Inlet",
    0x0D: "Heat / Cooling load meter",
    0x0E: "Bus/System",
    0x0F: "Unknown Medium",
    0x10: "Irrigation Water",
    0x11: "Water Logger",
    0x12: "Gas Logger",
    0x13: "Gas Converter",
    0x14: "Calorific value",
    0x15: "Hot water (>90°C)",
    0x16: "Cold water",
    0x17: "Dual water",
    0x18: "Pressure",
    0x19: "A/D Converter",
    0x1A: "Smoke Detector",
    0x1B: "Ambient Sensor",
    0x1C: "Gas Detector",
    0x20: "Breaker: Electricity",
    0x21: "Valve: Gas or Water",
    0x25: "Customer Unit: Display Device",
    0x28: "Waste Water",
    0x29: "Garbage",
    0x30: "Service Unit",
    0x36: "Radio Converter: System",
    0x37: "Radio Converter: Meter",
}

FIXED_MEDIA = {
    "other": "Other",
    "oil": "Oil",
    "electricity": "Electricity",
    "gas": "Gas",
    "heat": "Heat",
    "steam": "Steam",
    "hot water": "Hot Water",
    "water": "Water",
    "heat cost allocator": "H.C.A.",
    "reserved": "Reserved",
    "gas (mode 2)": "Gas Mode 2",
    "heat (mode 2)": "Heat Mode 2",
    "hot water (mode 2)": "Hot Water Mode 2",
    "water (mode 2)": "Water Mode 2",
    "heat cost allocator (mode 2)": "H.C.A. Mode 2",
}

_PREFIXES = ("", "10 ", "100 ")
_FIXED_FAMILIES = (
    (0x02, ("Wh", "kWh", "MWh")),
    (0x0B, ("kJ", "MJ", "GJ")),
    (0x14, ("W", "kW", "MW")),
    (0x1D, ("kJ/h", "MJ/h", "GJ/h")),
    (0x26, ("ml", "l", "m^3")),
    (0x2F, ("ml/h", "l/h", "m^3/h")),
)
_FIXED_UNITS = {
    0x00: "h,m,s",
    0x01: "D,M,Y",
    0x38: "1e-3 °C",
    0x39: "Units for H.C.A.",
    0x3E: "reserved but historic",
    0x3F: "without units",
} | {
    first + 3 * size + step: prefix + unit
    for first, units in _FIXED_FAMILIES
    for size, unit in enumerate(units)
    for step, prefix in enumerate(_PREFIXES)
}


# Where its editions differ, or it forgets the hundred.
_ALSO = {0x2E: "m^3", 0x39: "units for HCA"}


def fixed_units(code: int) -> tuple[str, ...]:
    """Its words for a unit of the fixed structure."""
    unit = _FIXED_UNITS.get(code, "reserved")
    return (unit, _ALSO[code]) if code in _ALSO else (unit,)


_ERRORS = {
    0x00: "Unspecified error",
    0x01: "Unimplemented CI-Field",
    0x02: "Buffer too long, truncated",
    0x03: "Too many records",
    0x04: "Premature end of record",
    0x05: "More than 10 DIFE´s",
    0x06: "More than 10 VIFE´s",
    0x07: "Reserved",
    0x08: "Application busy",
    0x09: "Too many readouts",
}


def error_words(code: int) -> str:
    """Its words for an application error."""
    return _ERRORS.get(code, f"Unknown error (0x{code:02X})")
