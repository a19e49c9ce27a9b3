"""Frames of Adeunis modules, published with assertions and with what a decoder gives for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .adeunis_names import COMMON, DEBOUNCING, SENSORS, sensor_names
from .agreeing import flattened
from .by_type import Published, compare_by_type
from .outcomes import REFUSED, Outcome

__all__ = ["compare", "names_of", "with_code"]

# Published device type → shipped type.
TYPES = {
    "pulse": "adeunis_pulse",
    "pulse3": "adeunis_pulse_3",
    "pulse4": "adeunis_pulse_4",
    "pulse4NbIot": "adeunis_pulse_4_nbiot",
    **SENSORS,
}
# Values that say that there is none, and words that are misspelt or stand behind their number.
_NO_VALUE = frozenset({"notFound", "-3276.8", ""})
_WORDS = {
    "highTreshold": "highThreshold",
    "lowTreshold": "lowThreshold",
    "errorAccesNotAllowed": "errorAccessNotAllowed",
    "noHistoric": "noHistoricLog",
    "historicLogEvery1h": "historicLogEveryHour",
}
_MILLISECONDS = {"ms": 1, "s": 1_000, "m": 60_000}
_CODES = ("type", "downlinkFramecode", "downlinkCode", "downlinkErrorCode")
_NAMES = COMMON | {
    "historicMode": "historic_mode",
    "frameIndex": "frame_index",
    "baseTime": "first_delta_hour",
    "loraDutycycle": "duty_cycle",
    "nbIot.imei": "imei",
    "nbIot.signalQuality": "signal",
    "nbIot.globalFrameCounter": "global_counter",
}
# With `.value` and `.unit` behind them.
_QUANTITIES = {
    "transmissionPeriod": "transmission_period",
    "samplingPeriod": "sampling_period",
    "calculatedSendingPeriod": "sending_period",
    "flowCalculationPeriod": "flow_period",
}
# Of one input; {x} is its letter.
_OF_INPUT = {
    "name": "$label",
    "state": "input_{x}",
    "type": "pull_up_{x}",
    "tamperActivated": "tamper_detection_{x}",
    "tamper.activated": "tamper_detection_{x}",
    "tamper.threshold": "tamper_threshold_{x}",
    "leakageDetection.overflowAlarmTriggerThreshold": "overflow_threshold_{x}",
    "leakageDetection.threshold": "leak_threshold_{x}",
    "leakageDetection.dailyPeriodsBelowWhichLeakageAlarmTriggered": "leak_periods_{x}",
    "flow.alarm": "flow_alarm_{x}",
    "flow.last24hMin": "flow_least_{x}",
    "flow.last24hMax": "flow_most_{x}",
    "tamperAlarm": "tamper_alarm_{x}",
    "leakageAlarm": "leak_alarm_{x}",
    "index": "base_{x}",
}
_QUANTITIES_OF_INPUT = {
    "debouncingPeriod": "debouncing_{x}",
    "tamper.samplePeriodForDetection": "tamper_sampling_{x}",
}
_MOST_DELTAS = 24
_MOST_COUNTERS = 64


def compare(vector_file: Mapping[str, Any]) -> Iterator[Outcome]:
    """One outcome a frame: every assertion and every value of the published decoder."""
    for place, vector in enumerate(vector_file.get("vectors", ())):
        name = f"{place} {vector.get('product', '')} {vector['frame_code']}"
        kind = vector.get("device_type", "")
        if kind not in TYPES:
            yield Outcome(name, REFUSED, f"no device type for {kind} ships")
        else:
            yield compare_by_type(_published(name, kind, vector))


def _published(name: str, kind: str, vector: Mapping[str, Any]) -> Published:
    values = dict(flattened(vector.get("peer_decoded") or {}))
    values |= {one["path"]: one["value"] for one in vector.get("published_assertions", ())}
    code = str(vector["frame_code"]).lower()
    names = sensor_names(kind) if kind in SENSORS else names_of(code)
    octets = bytes.fromhex(vector["payload_hex"])
    return Published(name, TYPES[kind], octets, with_code(values), names, port=1)


def with_code(values: Mapping[str, Any]) -> dict[str, Any]:
    """What was published in the form of our values.

    They may lie under `bytes`. `type` and others are a code and words for it, "0x48 Pulse historic
    data": the code alone. What says that there is no value becomes None, without a unit, and
    debouncing is in milliseconds.
    """
    bare = {path.removeprefix("bytes."): value for path, value in values.items()}
    found = {path: _plain(path, value) for path, value in bare.items()}
    for path in [one for one in found if one.endswith(".value") and found[one] is None]:
        found.pop(f"{path.removesuffix('value')}unit", None)
    for path in [one for one in found if one.endswith(f"{DEBOUNCING}.unit")]:
        value, factor = f"{path.removesuffix('unit')}value", _MILLISECONDS[found[path]]
        found |= {value: int(found[value]) * factor, path: "ms"}
    return found


def _plain(path: str, value: Any) -> Any:
    if path in _CODES and str(value).startswith("0x"):
        return int(str(value).split()[0], 16)
    if str(value) in _NO_VALUE:
        return None
    return _WORDS.get(value, value) if isinstance(value, str) else value


def names_of(code: str) -> dict[str, str]:
    """Published path → ours, for frames of this code."""
    names = dict(_NAMES)
    for part in ("value", "unit"):
        names |= {f"{theirs}.{part}": f"{ours}.{part}" for theirs, ours in _QUANTITIES.items()}
    for at, letter in enumerate("ab"):
        names |= _names_of_input(at, letter)
    return names | _counters(code)


def _names_of_input(at: int, letter: str) -> dict[str, str]:
    here = f"channels[{at}]"
    names = {f"{here}.{theirs}": ours.format(x=letter) for theirs, ours in _OF_INPUT.items()}
    for theirs, ours in _QUANTITIES_OF_INPUT.items():
        for part in ("value", "unit"):
            names[f"{here}.{theirs}.{part}"] = f"{ours.format(x=letter)}.{part}"
    for place in range(_MOST_DELTAS):
        names[f"{here}.deltaValues[{place}]"] = f"history[{place}].delta_{letter}"
    return names | {f"flowValues[{at}]": f"flow_{letter}"}


def _counters(code: str) -> dict[str, str]:
    """46h has the counters of both inputs; 5Ah and 5Bh those of one, back in time."""
    if code in ("5a", "5b"):
        letter = code[-1]
        places = range(_MOST_COUNTERS)
        return {f"counterValues[{place}]": f"counters_{letter}[{place}]" for place in places}
    return {"counterValues[0]": "counter_a", "counterValues[1]": "counter_b"}
