"""The names that dsmr_parser gives to what telegrams say, with the OBIS numbers C.D.E they stand for."""

from __future__ import annotations

__all__ = ["P1_FIELDS"]

_PHASES = {"L1": 20, "L2": 40, "L3": 60}
P1_FIELDS: dict[str, tuple[str, ...]] = {
    "P1_MESSAGE_HEADER": ("0.2.8",),
    "P1_MESSAGE_TIMESTAMP": ("1.0.0",),
    "EQUIPMENT_IDENTIFIER": ("96.1.1",),
    "BELGIUM_EQUIPMENT_IDENTIFIER": ("96.1.1",),
    "BELGIUM_VERSION_INFORMATION": ("96.1.4",),
    "EQUIPMENT_IDENTIFIER_GAS": ("96.1.0",),
    "EQUIPMENT_SERIAL_NUMBER": ("96.1.0",),
    "LUXEMBOURG_EQUIPMENT_IDENTIFIER": ("42.0.0",),
    "COSEM_LOGICAL_DEVICE_NAME": ("42.0.0",),
    "Q3D_EQUIPMENT_IDENTIFIER": ("0.0.0",),
    "Q3D_EQUIPMENT_STATE": ("96.5.5",),
    "Q3D_EQUIPMENT_SERIALNUMBER": ("96.1.255",),
    "ELECTRICITY_IMPORTED_TOTAL": ("1.8.0",),
    "ELECTRICITY_EXPORTED_TOTAL": ("2.8.0",),
    "ELECTRICITY_COMBINED": ("15.8.0",),
    "ELECTRICITY_ACTIVE_TARIFF": ("96.14.0",),
    "ELECTRICITY_REACTIVE_IMPORTED_TOTAL": ("3.8.0",),
    "ELECTRICITY_REACTIVE_EXPORTED_TOTAL": ("4.8.0",),
    "CURRENT_ELECTRICITY_USAGE": ("1.7.0",),
    "CURRENT_ELECTRICITY_DELIVERY": ("2.7.0",),
    # The peer took them the wrong way round in some versions.
    "CURRENT_REACTIVE_IMPORTED": ("3.7.0", "4.7.0"),
    "CURRENT_REACTIVE_EXPORTED": ("4.7.0", "3.7.0"),
    "MSN_INSTANTANEOUS_APPARENT_POWER_POSITIVE": ("9.7.0",),
    "MSN_INSTANTANEOUS_APPARENT_POWER_NEGATIVE": ("10.7.0",),
    "SHORT_POWER_FAILURE_COUNT": ("96.7.21",),
    "LONG_POWER_FAILURE_COUNT": ("96.7.9",),
    "POWER_EVENT_FAILURE_LOG": ("99.97.0",),
    "TEXT_MESSAGE": ("96.13.0",),
    "TEXT_MESSAGE_CODE": ("96.13.1",),
    "ACTUAL_TRESHOLD_ELECTRICITY": ("17.0.0",),
    "ACTUAL_SWITCH_POSITION": ("96.3.10",),
    "MSN_MBUS_SWITCH_POSITION": ("96.3.10",),
    "MSN_CT_RATIO": ("31.4.0",),
    "FREQUENCY": ("14.7.0",),
    "INSTANTANEOUS_POWER_FACTOR_TOTAL": ("13.7.0",),
    "BELGIUM_CURRENT_AVERAGE_DEMAND": ("1.4.0",),
    "BELGIUM_MAXIMUM_DEMAND_MONTH": ("1.6.0",),
    "BELGIUM_MAXIMUM_DEMAND_13_MONTHS": ("98.1.0",),
    "BELGIUM_MAX_POWER_PER_PHASE": ("17.0.0",),
    "BELGIUM_MAX_CURRENT_PER_PHASE": ("31.4.0",),
    "DEVICE_TYPE": ("24.1.0",),
    "MBUS_DEVICE_TYPE": ("24.1.0",),
    "MBUS_EQUIPMENT_IDENTIFIER": ("96.1.0", "96.1.1"),
    "MBUS_VALVE_POSITION": ("24.4.0",),
    "MBUS_METER_READING": ("24.2.1", "24.2.3"),
    "VALVE_POSITION_GAS": ("24.4.0",),
    "HOURLY_GAS_METER_READING": ("24.2.1",),
    "BELGIUM_HOURLY_GAS_METER_READING": ("24.2.3",),
    # The telegram's 24.3.0 names 24.2.1 as what it read.
    "GAS_METER_READING": ("24.2.1", "24.2.0", "24.2.3", "24.3.0"),
    **{f"MSN_TEXT_MESSAGE_{number}": (f"96.13.{number}",) for number in (2, 3, 4, 5)},
    **{f"ELECTRICITY_USED_TARIFF_{tariff}": (f"1.8.{tariff}",) for tariff in (1, 2, 3, 4)},
    **{f"ELECTRICITY_DELIVERED_TARIFF_{tariff}": (f"2.8.{tariff}",) for tariff in (1, 2, 3, 4)},
    **{f"ELECTRICITY_REACTIVE_IMPORTED_TARIFF_{e}": (f"3.8.{e}",) for e in (1, 2, 3, 4)},
    **{f"ELECTRICITY_REACTIVE_EXPORTED_TARIFF_{e}": (f"4.8.{e}",) for e in (1, 2, 3, 4)},
    **{f"ELECTRICITY_REACTIVE_TOTAL_Q{q}": (f"{4 + q}.8.0",) for q in (1, 2, 3, 4)},
    **{f"INSTANTANEOUS_REACTIVE_POWER_Q{q}": (f"{4 + q}.7.0",) for q in (1, 2, 3, 4)},
}
# Fields of each phase: name, with L1 to L3 in it, and C of phase 1 with D and E.
_OF_PHASES = {
    "VOLTAGE_SAG_{}_COUNT": (12, "32.0"),
    "VOLTAGE_SWELL_{}_COUNT": (12, "36.0"),
    "INSTANTANEOUS_VOLTAGE_{}": (12, "7.0"),
    "INSTANTANEOUS_CURRENT_{}": (11, "7.0"),
    "INSTANTANEOUS_ACTIVE_POWER_{}_POSITIVE": (1, "7.0"),
    "INSTANTANEOUS_ACTIVE_POWER_{}_NEGATIVE": (2, "7.0"),
    "INSTANTANEOUS_REACTIVE_POWER_{}_POSITIVE": (3, "7.0"),
    "INSTANTANEOUS_REACTIVE_POWER_{}_NEGATIVE": (4, "7.0"),
    "INSTANTANEOUS_POWER_FACTOR_{}": (13, "7.0"),
    "FUSE_THRESHOLD_{}": (11, "4.0"),
}
P1_FIELDS |= {
    name.format(phase): (f"{c + offset}.{rest}",)
    for name, (c, rest) in _OF_PHASES.items()
    for phase, offset in _PHASES.items()
}
for _channel in (1, 2, 3, 4):
    P1_FIELDS |= {
        f"BELGIUM_MBUS{_channel}_DEVICE_TYPE": ("24.1.0",),
        f"BELGIUM_MBUS{_channel}_EQUIPMENT_IDENTIFIER": ("96.1.1",),
        f"BELGIUM_MBUS{_channel}_VALVE_POSITION": ("24.4.0",),
        f"BELGIUM_MBUS{_channel}_METER_READING1": ("24.2.1",),
        f"BELGIUM_MBUS{_channel}_METER_READING2": ("24.2.3",),
    }
