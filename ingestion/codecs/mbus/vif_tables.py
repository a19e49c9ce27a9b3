"""What a value information field says: the tables of EN 13757-3:2018, clause 6.4, as data.

A row covers consecutive codes of one quantity: the first code, what it is, its symbol and one scale
a code. A scale is a power of ten and a whole factor, so that every value stays exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["FB", "FD", "FD_FD", "PRIMARY", "RESERVED", "Vif"]


@dataclass(frozen=True, slots=True)
class Vif:
    """One code: value = what stood in the data × factor × 10 ** exponent, in `unit`.

    `kind` says how the data are read: "number"; "flags" and "unsigned" (data types D and C: no
    sign, all values good); "time" (a date, an instant or a time of day by its length); "digits"
    (a number that names something: leading zeros count); "text" (a version: a text, or BCD digits
    whose leading zeros count, or a binary number).
    """

    quantity: str
    unit: str = ""
    exponent: int = 0
    factor: int = 1
    kind: str = "number"


RESERVED = Vif("reserved", kind="unsigned")

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_S = (1, _MINUTE, _HOUR, _DAY)

# First code, quantity, unit, the exponent of the first code, how many codes.
_Decades = tuple[int, str, str, int, int]
# First code, quantity, unit, the factors of the codes.
_Steps = tuple[int, str, str, tuple[int, ...]]
# Code, quantity, how it is read.
_Single = tuple[int, str, str]


def _table(
    decades: tuple[_Decades, ...], steps: tuple[_Steps, ...], singles: tuple[_Single, ...]
) -> dict[int, Vif]:
    return dict([*_in_decades(decades), *_in_steps(steps), *_alone(singles)])


def _in_decades(rows: tuple[_Decades, ...]) -> Iterator[tuple[int, Vif]]:
    for first, quantity, unit, exponent, count in rows:
        for index in range(count):
            yield first + index, Vif(quantity, unit, exponent + index)


def _in_steps(rows: tuple[_Steps, ...]) -> Iterator[tuple[int, Vif]]:
    for first, quantity, unit, factors in rows:
        for index, factor in enumerate(factors):
            yield first + index, Vif(quantity, unit, 0, factor)


def _alone(rows: tuple[_Single, ...]) -> Iterator[tuple[int, Vif]]:
    for code, quantity, kind in rows:
        yield code, Vif(quantity, kind=kind)


# Table 10, the primary codes.
PRIMARY = _table(
    (
        (0x00, "energy", "Wh", -3, 8),
        (0x08, "energy", "J", 0, 8),
        (0x10, "volume", "m3", -6, 8),
        (0x18, "mass", "kg", -3, 8),
        (0x28, "power", "W", -3, 8),
        (0x30, "power", "J/h", 0, 8),
        (0x38, "volume_flow", "m3/h", -6, 8),
        (0x40, "volume_flow", "m3/min", -7, 8),
        (0x48, "volume_flow", "m3/s", -9, 8),
        (0x50, "mass_flow", "kg/h", -3, 8),
        (0x58, "flow_temperature", "°C", -3, 4),
        (0x5C, "return_temperature", "°C", -3, 4),
        (0x60, "temperature_difference", "K", -3, 4),
        (0x64, "external_temperature", "°C", -3, 4),
        (0x68, "pressure", "bar", -3, 4),
    ),
    (
        (0x20, "on_time", "s", _S),
        (0x24, "operating_time", "s", _S),
        (0x70, "averaging_duration", "s", _S),
        (0x74, "actuality_duration", "s", _S),
    ),
    (
        (0x6C, "date", "time"),
        (0x6D, "date_time", "time"),
        (0x6E, "hca_units", "number"),
        (0x78, "fabrication_number", "digits"),
        (0x79, "enhanced_identification", "digits"),
        (0x7A, "bus_address", "unsigned"),
        (0x7E, "any", "number"),
        (0x7F, "manufacturer_specific", "number"),
    ),
)

# Table 14, the first extension (VIF FDh).
FD = _table(
    (
        (0x00, "credit", "currency", -3, 4),
        (0x04, "debit", "currency", -3, 4),
        (0x40, "voltage", "V", -9, 16),
        (0x50, "current", "A", -12, 16),
    ),
    (
        (0x24, "storage_interval", "s", _S),
        (0x28, "storage_interval", "month", (1,)),
        (0x29, "storage_interval", "y", (1,)),
        (0x2C, "duration_since_readout", "s", _S),
        (0x31, "tariff_duration", "s", (_MINUTE, _HOUR, _DAY)),
        (0x34, "tariff_period", "s", _S),
        (0x38, "tariff_period", "month", (1,)),
        (0x39, "tariff_period", "y", (1,)),
        (0x3C, "transmission_period", "s", _S),
        (0x68, "duration_since_cumulation", "s", (_HOUR, _DAY)),
        (0x6A, "duration_since_cumulation", "month", (1,)),
        (0x6B, "duration_since_cumulation", "y", (1,)),
        (0x6C, "battery_operating_time", "s", (_HOUR, _DAY)),
        (0x6E, "battery_operating_time", "month", (1,)),
        (0x6F, "battery_operating_time", "y", (1,)),
        (0x71, "rf_level", "dBm", (1,)),
        (0x74, "battery_remaining_time", "s", (_DAY,)),
    ),
    (
        (0x08, "access_number", "unsigned"),
        (0x09, "device_type", "unsigned"),
        (0x0A, "manufacturer", "unsigned"),
        (0x0B, "parameter_set", "number"),
        (0x0C, "model_version", "text"),
        (0x0D, "hardware_version", "text"),
        (0x0E, "firmware_version", "text"),
        (0x0F, "software_version", "text"),
        (0x10, "customer_location", "digits"),
        (0x11, "customer", "digits"),
        (0x12, "access_code_user", "number"),
        (0x13, "access_code_operator", "number"),
        (0x14, "access_code_system_operator", "number"),
        (0x15, "access_code_developer", "number"),
        (0x16, "password", "number"),
        (0x17, "error_flags", "flags"),
        (0x18, "error_mask", "flags"),
        (0x19, "security_key", "flags"),
        (0x1A, "digital_output", "flags"),
        (0x1B, "digital_input", "flags"),
        (0x1C, "baud_rate", "unsigned"),
        (0x1D, "response_delay", "unsigned"),
        (0x1E, "retry", "unsigned"),
        (0x1F, "remote_control", "flags"),
        (0x20, "first_storage", "unsigned"),
        (0x21, "last_storage", "unsigned"),
        (0x22, "storage_block_size", "unsigned"),
        (0x23, "tariff_subunit_descriptor", "flags"),
        (0x2A, "operator_data", "flags"),
        (0x2B, "time_second", "number"),
        (0x30, "tariff_start", "time"),
        (0x3A, "dimensionless", "number"),
        (0x3B, "wireless_container", "flags"),
        (0x60, "reset_counter", "unsigned"),
        (0x61, "cumulation_counter", "unsigned"),
        (0x62, "control_signal", "unsigned"),
        (0x63, "day_of_week", "unsigned"),
        (0x64, "week_number", "unsigned"),
        (0x65, "day_change_time", "time"),
        (0x66, "parameter_activation", "unsigned"),
        (0x67, "supplier_information", "flags"),
        (0x70, "battery_change", "time"),
        (0x72, "daylight_saving", "flags"),
        (0x73, "listening_window", "flags"),
        (0x75, "stop_counter", "unsigned"),
        (0x76, "manufacturer_container", "flags"),
    ),
)

# Table 15, the second level of the first extension (VIF FDh, VIFE FDh).
FD_FD = _table(
    (),
    (
        (0x02, "battery_remaining_time", "month", (1,)),
        (0x03, "battery_remaining_time", "y", (1,)),
    ),
    ((0x00, "selected_application", "unsigned"),),
)

# Table 12, the second extension (VIF FBh).
FB = _table(
    (
        (0x00, "energy", "Wh", 5, 2),
        (0x02, "reactive_energy", "varh", 3, 2),
        (0x04, "apparent_energy", "VAh", 3, 2),
        (0x08, "energy", "J", 8, 2),
        (0x0C, "energy", "cal", 5, 4),
        (0x10, "volume", "m3", 2, 2),
        (0x14, "reactive_power", "var", 0, 4),
        (0x18, "mass", "kg", 5, 2),
        (0x1A, "relative_humidity", "%", -1, 2),
        (0x28, "power", "W", 5, 2),
        (0x2A, "phase_angle_voltage", "°", -1, 1),
        (0x2B, "phase_angle_current", "°", -1, 1),
        (0x2C, "frequency", "Hz", -3, 4),
        (0x30, "power", "J/h", 8, 2),
        (0x34, "apparent_power", "VA", 0, 4),
        (0x58, "flow_temperature", "°F", -3, 4),
        (0x5C, "return_temperature", "°F", -3, 4),
        # A difference has no zero to shift: not to be taken for a temperature.
        (0x60, "temperature_difference", "Δ°F", -3, 4),
        (0x64, "external_temperature", "°F", -3, 4),
        (0x70, "temperature_limit", "°F", -3, 4),
        (0x74, "temperature_limit", "°C", -3, 4),
        (0x78, "cumulative_maximum_power", "W", -3, 8),
        # 20h to 26h: units of North America, of the 1997 edition; 20h and 21h still stand.
        (0x20, "volume", "ft3", 0, 1),
        (0x21, "volume", "ft3", -1, 1),
        (0x22, "volume", "gal", -1, 2),
        (0x24, "volume_flow", "gal/min", -3, 1),
        (0x25, "volume_flow", "gal/min", 0, 1),
        (0x26, "volume_flow", "gal/h", 0, 1),
    ),
    (),
    (),
)

# The factors of heat cost allocators (EN 834) count in steps of 2 ** -12, which is 5 ** 12 × 10 ** -12.
_RATING_CODES = (
    (0x68, "rating_factor"),
    (0x6A, "rating_factor_coupling"),
    (0x6B, "rating_factor_room"),
    (0x6C, "rating_factor_heater"),
    (0x6D, "rating_factor_low_temperature"),
    (0x6E, "display_scaling_factor"),
)
FB[0x69] = Vif("rating_factor_output", "W", kind="unsigned")
FB.update({code: Vif(quantity, "", -12, 5**12, "unsigned") for code, quantity in _RATING_CODES})
