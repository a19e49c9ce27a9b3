"""Which shipped type reads the uplinks of a published codec, and what our names for its fields are.

Names that differ only in case and separators need no entry.
"""

from __future__ import annotations

from collections.abc import Mapping

from .adeunis import names_of
from .adeunis_names import CODECS, SENSORS, sensor_names

__all__ = ["ENTRIES", "NAMES", "TYPES"]

TYPES: Mapping[str, str] = {
    "adeunis/pulse": "adeunis_pulse_4",
    "adeunis/pulse-nb-iot": "adeunis_pulse_4_nbiot",
    **{codec: SENSORS[kind] for codec, kind in CODECS.items()},
    "aquascope/aqs": "aquascope_aqs",
    "aquascope/bvs": "aquascope_bvs",
    "aquascope/kfr": "aquascope_kfr",
    "aquascope/wwd": "aquascope_wwd",
    "axioma/qalcosonic-w1": "axioma_qalcosonic_w1",
    "decentlab/dl-dlr2-010": "decentlab_dl_dlr2_010",
    "dragino/cpl01": "dragino_cpl01",
    "emu/emu-prof-ii": "emu_professional_ii",
    "kamstrup/mbusparser": "kamstrup_flowiq_lorawan",
    "mcci/codec-catena-generic": "mcci_catena",
    "mcci/codec-model4811": "mcci_model_4811",
    "mcci/codec-model4841": "mcci_model_4841",
    "mcci/codec-port2-fmt2": "mcci_catena_4430",
    "mclimate/t-valve": "mclimate_t_valve",
    "mclimate/vicki": "mclimate_vicki",
    "micropelt/mlr003": "micropelt_mlr003",
    "moirelabs/p1a": "moirelabs_p1a",
    "netvox/r718h": "netvox_r718h",
    "netvox/r718h2": "netvox_r718h2",
    "netvox/r718n1": "netvox_r718n1",
    "netvox/r718n3": "netvox_r718n3",
    "netvox/r809a": "netvox_r809a",
    "netvox/r816b": "netvox_r816b",
    "strega/motorized-valve": "strega_motorized_valve",
    "strega/smart-emitter": "strega_smart_emitter",
    "strega/smart-switch": "strega_smart_switch",
    "strega/smart-valve": "strega_smart_valve",
    "talkpool/oy1320": "talkpool_oy1320",
}
# Codecs that publish a list of entries instead of fields.
ENTRIES = frozenset({"kamstrup/mbusparser"})
# Their decoder tells its own device's name beside what the device says.
_NETVOX = {
    "Device": "$model",
    "Cmd": "command",
    "SWver": "software_version",
    "HWver": "hardware_version",
    "Datecode": "date_code",
    "Volt": "battery",
    "MinTime": "least_seconds",
    "MaxTime": "most_seconds",
    "ClearMode": "clear_mode",
    "OnOff": "switched",
    "OverCurrentAlarm": "over_current",
    "DashCurrentAlarm": "dash_current",
    "PowerOffAlarm": "power_off",
    "Vol": "voltage",
    "Current1": "current_1_raw",
    "Current2": "current_2_raw",
    "Current3": "current_3_raw",
    "Multiplier1": "multiplier_1",
    "Multiplier2": "multiplier_2",
    "Multiplier3": "multiplier_3",
}
# Data points by their published names; each has `.value` and may have `.unit`.
_EMU_POINTS = {
    "data-logger-index": "log_index",
    "timestamp": "interval_at",
    "timestamp-previous": "interval_from",
    "Active Power L123": "power",
    "Active Power average": "mean_power",
    "Current L123": "current",
    "errorcode": "errors",
    "factor-number": "factory_number",
    "meter-typ": "meter_type",
    "hw-index": "hardware_index",
    "systemtime": "system_time",
    **{f"Active Power L{phase}": f"power_l{phase}" for phase in (1, 2, 3)},
    **{f"Voltage L{phase}-N": f"voltage_l{phase}" for phase in (1, 2, 3)},
    **{f"Powerfactor L{phase}": f"power_factor_l{phase}" for phase in (1, 2, 3)},
    **{
        f"{theirs} T{tariff}{width}": f"{ours}_t{tariff}{suffix}"
        for theirs, ours, rough in (
            ("Active Energy Import", "import", " kWh"),
            ("Active Energy Export", "export", " kWh"),
            ("Reactive Energy Import", "reactive_import", " kvarh"),
            ("Reactive Energy Export", "reactive_export", " kvarh"),
        )
        for tariff in (1, 2)
        for width, suffix in (("", ""), (rough, "_rough"), (" 64bit", "_exact"))
    },
}
_EMU = {
    "timeStamp": "sent_at",
    # The resource, a constant of the published decoder.
    "medium.type": "$label",
    **{
        f"{theirs}.{part}": f"{ours}.{part}"
        for theirs, ours in _EMU_POINTS.items()
        for part in ("value", "unit")
    },
}
_STREGA = {
    "Bat": "battery_level",
    "Temp": "temperature",
    "Hygro": "humidity",
    "Cable": "cable_cut",
    "counterValue": "counter",
    "Ana": "analog",
    "Actuator": "valve|actuator|relay",
    "vt": "valve_and_tamper|actuator_and_tamper|relay_and_tamper",
    "DI0": "input_0",
    "DI1": "input_1",
    "LSO": "end_open",
    "LSC": "end_closed",
    "ADR": "adaptive_data_rate",
    "DR": "data_rate",
    "SF": "spreading_factor",
    "ackPort": "answered_port",
    "ackValue": "answer_value|counter|analog",
    "ackType": "$label",
}
# Sizes of particles in micrometres as they are published, and in our names.
_SIZES = (
    ("0.3", "0_3"),
    ("0.5", "0_5"),
    ("1.0", "1"),
    ("2.5", "2_5"),
    ("5", "5"),
    ("10", "10"),
)
# Words and several names of what MCCI's boards send.
_MCCI = {
    "boot": "boots",
    "vBat": "battery",
    "vbat": "battery",
    "Vbat": "battery",
    "vBus": "bus_voltage",
    "vbus": "bus_voltage",
    "Vbus": "bus_voltage",
    "vSys": "system_voltage",
    "vsys": "system_voltage",
    "Vsys": "system_voltage",
    "VDD": "system_voltage",
    "t": "temperature",
    "tempC": "temperature",
    "p": "pressure",
    "rh": "humidity",
    "tDew": "dew_point",
    "tDewC": "dew_point",
    "tHeatIndex": "heat_index",
    "tHeatIndexC": "heat_index",
    # "none" wherever there is a temperature.
    "error": "$label",
}
_ADEUNIS = {**names_of("5a"), "status.timestamp": "has_time"}

NAMES: Mapping[str, Mapping[str, str]] = {
    "adeunis/pulse": _ADEUNIS,
    "adeunis/pulse-nb-iot": _ADEUNIS,
    **{codec: sensor_names(kind) for codec, kind in CODECS.items()},
    "aquascope/aqs": {
        "conumption_time": "consumption_time",
        "conumption_liter": "consumption_liter",
        "c_pc_alarm_th_th": "c_pc_alarm_th",
        "pc": "pipe_check",
    },
    "axioma/qalcosonic-w1": {
        "payload_format": "$label",
        "payload_bytes": "$length",
        "timestamp_unix": "sent_at|log_at",
        "timestamp_utc": "sent_at|log_at",
        "log_timestamp_unix": "log_at",
        "log_timestamp_utc": "log_at",
        "log_volume_m3": "log_volume",
        "current_volume_m3": "volume|volumes.last",
        "history_count": "deltas.count",
        "history_total_m3": "deltas.sum",
        **{f"delta_{place + 1}_m3": f"deltas[{place}]" for place in range(32)},
    },
    "dragino/cpl01": {
        "CALCULATE_FLAG": "calculate_flag",
        "PIN_STATUS": "contact",
        "TOTAL_PULSE": "total_pulse",
        "LAST_OPEN_DURATION": "last_open_duration",
        "TIME": "sent_at",
        "BAT": "battery",
    },
    "emu/emu-prof-ii": _EMU,
    "mcci/codec-catena-generic": {
        **_MCCI,
        "irradiance.IR": "light_infrared",
        "irradiance.White": "light_white",
        "irradiance.UV": "light_ultraviolet",
        "powerUsedCount": "used_pulses",
        "powerSourcedCount": "sourced_pulses",
        "powerUsedPerHour": "used_per_hour",
        "powerSourcedPerHour": "sourced_per_hour",
        "tWater": "water_temperature",
        "tSoil": "soil_temperature",
        "rhSoil": "soil_humidity",
        "tSoilDew": "soil_dew_point",
        "wPressure": "water_pressure",
        "wLevel": "water_level",
        "aqi": "air_quality",
        "iaq": "air_quality",
        "iaqQuality": "air_quality_trust",
        "log_r_gas": "gas_resistance_log",
        "r_gas": "gas_resistance",
    },
    "mcci/codec-model4811": {"boot": "boots", "vBat": "battery"},
    "mcci/codec-model4841": {
        **_MCCI,
        "port": "$port",
        "format": "message_format",
        "aqi": "air_quality",
        **{f"pm.{size}": f"pm_{ours}" for size, ours in _SIZES},
        **{f"dust.{size}": f"dust_{ours}" for size, ours in _SIZES},
        **{f"aqi_partial.{size}": f"air_quality_{ours}" for size, ours in _SIZES},
    },
    "mcci/codec-port2-fmt2": {
        **_MCCI,
        "time": "sent_at",
        "irradiance.White": "light",
    },
    "mclimate/t-valve": {
        "waterTemp": "water_temperature",
        "ambientTemp": "ambient_temperature",
        "valveState": "valve_open",
        "floodDetectionWireState": "flood_wire",
        "manualOpenIndicator": "manual_open",
        "manualCloseIndicator": "manual_close",
    },
    "mclimate/vicki": {
        "deviceVersions.hardware": "hardware_version",
        "deviceVersions.software": "software_version",
        "openWindowParams.enabled": "open_window_enabled",
        "openWindowParams.duration": "open_window_duration",
        "openWindowParams.motorPosition": "open_window_position",
        "openWindowParams.delta": "open_window_delta",
        "temperatureRangeSettings.min": "least_temperature",
        "temperatureRangeSettings.max": "most_temperature",
        "internalAlgoParams.period": "algorithm_period",
        "internalAlgoParams.pFirstLast": "algorithm_first_last",
        "internalAlgoParams.pNext": "algorithm_next",
        "internalAlgoTdiffParams.warm": "difference_warm",
        "internalAlgoTdiffParams.cold": "difference_cold",
        "watchDogParams.wdpC": "watchdog_confirmed",
        "watchDogParams.wdpUc": "watchdog_unconfirmed",
        "manualTargetTemperatureUpdate": "manual_target_update",
        "proportionalAlgoParams.coefficient": "proportional_coefficient",
        "proportionalAlgoParams.period": "proportional_period",
        **{
            f"batteryRangesBoundaries.Boundary{n + 1}": f"battery_boundaries[{n}]" for n in range(3)
        },
        **{f"batteryRangesOverVoltage.Range{n + 1}": f"over_voltages[{n}]" for n in range(3)},
        "OVAC": "over_voltage_after_calibration",
        "algoType": "algorithm_type",
    },
    "micropelt/mlr003": {
        "REV": "revision",
        "HW": "hardware_version",
        "FW": "firmware_version",
    },
    "netvox/r718n1": {**_NETVOX, "Current": "current_raw"},
    **dict.fromkeys(
        (
            "strega/motorized-valve",
            "strega/smart-emitter",
            "strega/smart-switch",
            "strega/smart-valve",
        ),
        _STREGA,
    ),
    # A constant of the published decoder where a telegram has nothing but the count.
    "talkpool/oy1320": {"Status": "$label"},
    **{f"netvox/{model}": _NETVOX for model in ("r718h", "r718h2", "r718n3", "r809a", "r816b")},
}
