"""Which shipped type reads the uplinks of a published codec, and what our names for its fields are.

Names that differ only in case and separators need no entry. `{}` stands for any place of a list.
"""

from __future__ import annotations

from collections.abc import Mapping

from .adeunis import names_of

__all__ = ["ENTRIES", "NAMES", "TYPES"]

TYPES: Mapping[str, str] = {
    "adeunis/pulse": "adeunis_pulse_4",
    "adeunis/pulse-nb-iot": "adeunis_pulse_4_nbiot",
    "axioma/qalcosonic-w1": "axioma_qalcosonic_w1",
    "kamstrup/mbusparser": "kamstrup_flowiq_lorawan",
}
# Codecs that publish a list of entries instead of fields.
ENTRIES = frozenset({"kamstrup/mbusparser"})
_ADEUNIS = {**names_of("5a"), "status.timestamp": "has_time"}

NAMES: Mapping[str, Mapping[str, str]] = {
    "adeunis/pulse": _ADEUNIS,
    "adeunis/pulse-nb-iot": _ADEUNIS,
    "axioma/qalcosonic-w1": {
        "payload_format": "$label",
        "payload_bytes": "$length",
        "timestamp_unix": "log_at",
        "timestamp_utc": "log_at",
        "log_volume_m3": "log_volume",
        "current_volume_m3": "volumes.last",
        "history_count": "deltas.count",
        "history_total_m3": "deltas.sum",
        **{f"delta_{place + 1}_m3": f"deltas[{place}]" for place in range(32)},
    },
}
