"""Which shipped type reads the uplinks of a published codec, and what our names for its fields are.

Names that differ only in case and separators need no entry.
"""

from __future__ import annotations

from collections.abc import Mapping

from .adeunis import names_of

__all__ = ["ENTRIES", "NAMES", "TYPES"]

TYPES: Mapping[str, str] = {
    "adeunis/pulse": "adeunis_pulse_4",
    "adeunis/pulse-nb-iot": "adeunis_pulse_4_nbiot",
    "axioma/qalcosonic-w1": "axioma_qalcosonic_w1",
    "dragino/cpl01": "dragino_cpl01",
    "emu/emu-prof-ii": "emu_professional_ii",
    "kamstrup/mbusparser": "kamstrup_flowiq_lorawan",
    "mcci/codec-model4811": "mcci_model_4811",
    "netvox/r718h": "netvox_r718h",
    "netvox/r718h2": "netvox_r718h2",
    "netvox/r718n1": "netvox_r718n1",
    "netvox/r718n3": "netvox_r718n3",
    "netvox/r809a": "netvox_r809a",
    "netvox/r816b": "netvox_r816b",
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
_ADEUNIS = {**names_of("5a"), "status.timestamp": "has_time"}

NAMES: Mapping[str, Mapping[str, str]] = {
    "adeunis/pulse": _ADEUNIS,
    "adeunis/pulse-nb-iot": _ADEUNIS,
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
    "mcci/codec-model4811": {"boot": "boots", "vBat": "battery"},
    "netvox/r718n1": {**_NETVOX, "Current": "current_raw"},
    **{f"netvox/{model}": _NETVOX for model in ("r718h", "r718h2", "r718n3", "r809a", "r816b")},
}
