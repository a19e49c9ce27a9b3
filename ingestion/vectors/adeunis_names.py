"""What the published fields of Adeunis modules are called in our types.

`COMMON` holds for every module; the rest is of modules other than pulse modules.

A name may be several of which the first that there is counts (`a|b`); `$label` is words about
another field. Names that differ only in case and separators need no entry.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

__all__ = ["CODECS", "COMMON", "DEBOUNCING", "SENSORS", "sensor_names"]

# Published device type → shipped type.
SENSORS = {
    "analog": "adeunis_analog",
    "comfort": "adeunis_comfort",
    "comfort2": "adeunis_comfort_2",
    "dc": "adeunis_dc",
    "drycontacts": "adeunis_dc",
    "drycontacts2": "adeunis_dc_2",
    "deltap": "adeunis_deltap",
    "motion": "adeunis_motion",
    "repeater": "adeunis_repeater",
    "temp": "adeunis_temp",
    "temp3": "adeunis_temp_3",
    "temp4": "adeunis_temp_4",
    "ticCbeLinkyMono": "adeunis_tic_linky_mono",
    "ticCbeLinkyTri": "adeunis_tic_linky_tri",
    "ticPmePmi": "adeunis_tic_pme_pmi",
}
# Published codec → published device type.
CODECS = {
    "adeunis/analog": "analog",
    "adeunis/comfort": "comfort2",
    "adeunis/deltap": "deltap",
    "adeunis/drycontacts": "drycontacts2",
    "adeunis/motion": "motion",
    "adeunis/repeater": "repeater",
    "adeunis/temp": "temp4",
    "adeunis/tic-cbe-linky-mono": "ticCbeLinkyMono",
    "adeunis/tic-cbe-linky-tri": "ticCbeLinkyTri",
    "adeunis/tic-pme-pmi": "ticPmePmi",
}
DEBOUNCING = "debounceDuration"
COMMON = {
    "type": "code",
    "status.frameCounter": "frame_counter",
    "status.hardwareError": "hardware_error",
    "status.lowBattery": "low_battery",
    "status.configurationDone": "configured",
    "status.configurationInconsistency": "configuration_inconsistent",
    "status.timestamp": "has_time",
    "timestamp": "sent_at",
    "productMode": "product_mode",
    "requestStatus": "request_status",
    "downlinkCode": "downlink_code",
    "downlinkFramecode": "downlink_code",
    "registerId": "register",
    "appVersion": "application_version",
    "rtuVersion": "radio_version",
    "loraAdr": "adaptive_data_rate",
    "loraProvisioningMode": "provisioning",
    "loraDutycyle": "duty_cycle",
    "loraClassMode": "class",
    "partialDecoding": "$label",
    "numberOfHistorizationBeforeSending": "recorded_before_sending",
    "numberOfSamplingBeforeHistorization": "samplings_before_recording",
    "redundantSamples": "redundant_samples",
}
# With `.value` and `.unit` behind them.
_COMMON_QUANTITIES = {
    "transmissionPeriodKeepAlive": "keep_alive_period",
    "transmissionPeriodData": "data_period",
    "keepAlivePeriod": "keep_alive_period",
    "transmitPeriod": "data_period",
    "samplingPeriod": "sampling_period",
    "calculatedPeriodRecording": "recording_period",
    "calculatedSendingPeriod": "sending_period",
}
# Digital inputs of the modules for rooms; {n} is the number of the input.
_OF_DIGITAL_INPUT = {
    "digitalInput{n}.type": "edge_{n}",
    "digitalInput{n}.threshold": "threshold_{n}",
    "digitalInput{n}.debouncingPeriod.value": "debouncing_{n}.value",
    "digitalInput{n}.debouncingPeriod.unit": "debouncing_{n}.unit",
}
_DIGITAL_ALARMS = {
    "state.previousFrame": "input_before_1|input_before_2",
    "state.current": "input_1|input_2",
    "counter.global": "detections_1|detections_2",
    "counter.instantaneous": "detections_since_1|detections_since_2",
}
_TIC = {
    "status.readError": "read_error",
    "transmissionPeriodData": "samplings_before_sending",
    "alarmType": "alarm",
    "value": "label_value",
}
# With `.value` and `.unit` behind them.
_PME_PMI = {
    "ER+_s": "er_plus_s",
    "ER-_s": "er_minus_s",
    "ER+P_s": "er_plus_p_s",
    "ER-P_s": "er_minus_p_s",
    "EaP-1_s": "eap_1_s",
    "ER+P-1_s": "er_plus_p_1_s",
    "ER-P-1_s": "er_minus_p_1_s",
}
_ANALOG = {"status.alarmChannelA": "alarm_a", "status.alarmChannelB": "alarm_b"}
_OF_ANALOG_INPUT = {
    "name": "$label",
    "state": "input_{x}",
    "type": "input_{x}",
    "id": "id_{x}",
    "value": "value_{x}.value",
    "unit": "value_{x}.unit",
    "threshold": "threshold_{x}",
    "externalTrigger.type": "trigger_{x}",
    f"externalTrigger.{DEBOUNCING}.value": "debouncing_{x}.value",
    f"externalTrigger.{DEBOUNCING}.unit": "debouncing_{x}.unit",
}
# The four analogue threshold frames have one threshold each, of input A or B.
_ANALOG_THRESHOLDS = {
    "threshold.name": "$label",
    "threshold.unit": "$label",
    "threshold.high.value": "high_a|high_b",
    "threshold.high.hysteresis": "high_hysteresis_a|high_hysteresis_b",
    "threshold.low.value": "low_a|low_b",
    "threshold.low.hysteresis": "low_hysteresis_a|low_hysteresis_b",
}
_TEMPERATURES = {
    "status.probe1Alarm": "alarm_1",
    "status.probe2Alarm": "alarm_2",
    "status.configuration2ChannelsActivated": "two_channels",
    "threshold.name": "$label",
    "threshold.unit": "high_1.unit|high_2.unit",
    "threshold.high.value": "high_1|high_2",
    "threshold.high.hysteresis": "high_hysteresis_1|high_hysteresis_2",
    "threshold.low.value": "low_1|low_2",
    "threshold.low.hysteresis": "low_hysteresis_1|low_hysteresis_2",
    "superSamplingFactor": "super_sampling",
    "alertCode": "alert",
}
_OF_TEMPERATURE = {
    "probes[{at}].name": "$label",
    "probes[{at}].id": "id_{n}",
    "probes[{at}].threshold": "threshold_{n}",
    "probes[{at}].state": "state_{n}",
    "temperatures[{at}].name": "$label",
    "temperatures[{at}].id": "id_{n}",
    "temperatures[{at}].state": "state_{n}",
    "temperatures[{at}].value": "temperature_{n}.value",
    # Of the first sample that has a value.
    "temperatures[{at}].unit": "|".join(
        ("temperature_{n}.unit", *(f"samples[{one}].temperature_{{n}}.unit" for one in range(12)))
    ),
    "alarms[{at}].name": "$label",
    "alarms[{at}].alarmStatus": "alarm_{n}",
    "alarms[{at}].temperature.value": "temperature_{n}.value",
    "alarms[{at}].temperature.unit": "temperature_{n}.unit",
}
_COMFORT = {
    "temperature.unit": "samples[0].temperature.unit",
    "humidity.unit": "samples[0].humidity.unit",
    "alarmTemperature.alarmStatus": "temperature_alarm",
    "alarmTemperature.temperature.value": "temperature.value",
    "alarmTemperature.temperature.unit": "temperature.unit",
    "alarmHumidity.alarmStatus": "humidity_alarm",
    "alarmHumidity.humidity.value": "humidity.value",
    "alarmHumidity.humidity.unit": "humidity.unit",
}
_DELTAP = {
    "alarmStatus": "pressure_alarm|voltage_alarm",
    "deltaPressure.value": "pressure.value",
    "deltaPressure.unit": "pressure.unit|pressures.unit",
    "voltage.unit": "voltage.unit|voltages.unit",
}
_MOTION = {
    "presenceDetectorInhibition.value": "inhibition_period.value",
    "presenceDetectorInhibition.unit": "inhibition_period.unit",
    "globalCounterValue": "detections",
    "presenceDetectedWhenSending": "present",
    "luminosity.unit": "samples[0].light.unit",
    "presence.unit": "samples[0].presence.unit",
    "alarmPresence.globalCounterValue": "detections",
    "alarmPresence.counterValue": "detections_since",
    "alarmPresence.alarmStatus": "presence_alarm",
    "alarmPresence.luminosity.value": "light.value",
    "alarmPresence.luminosity.unit": "light.unit",
    "alarmLuminosity.alarmStatus": "light_alarm",
    "alarmLuminosity.luminosity.value": "light.value",
    "alarmLuminosity.luminosity.unit": "light.unit",
}
_REPEATER = {"numberOfIdInWl": "listed", "downlinkErrorCode": "result_code"}
# A flag that the later modules have not, and their maker's decoder says all the same.
_LATER = {"status.hardwareError": "$label"}
_CONTACTS = {
    "durationThreshold.value": "duration_threshold.value",
    "durationThreshold.unit": "duration_threshold.unit",
}
_OF_CONTACT = {
    "channel{X}.value": "count_{x}",
    "channel{X}.state": "state_{x}",
    "channel{X}.currentState": "state_{x}",
    "channel{X}.previousFrameState": "before_{x}",
    "channel{X}.type": "contact_{x}",
    "channel{X}.edge": "edge_{x}",
    f"channel{{X}}.{DEBOUNCING}.value": "debouncing_{x}.value",
    f"channel{{X}}.{DEBOUNCING}.unit": "debouncing_{x}.unit",
    "channel{X}TimeCounter.value": "duration_{x}.value",
    "channel{X}TimeCounter.unit": "duration_{x}.unit",
}
# Samples back in time: published list → ours; {at} is the place.
_SAMPLES = {
    "temperatures[0].values[{at}]": "samples[{at}].temperature_1",
    "temperatures[1].values[{at}]": "samples[{at}].temperature_2",
    "temperature.values[{at}]": "samples[{at}].temperature",
    "humidity.values[{at}]": "samples[{at}].humidity",
    "deltaPressure.values[{at}]": "pressures[{at}]",
    "voltage.values[{at}]": "voltages[{at}]",
    "counterValues[{at}]": "samples[{at}].detections",
    "luminosity.values[{at}]": "samples[{at}].light",
    "presence.values[{at}]": "samples[{at}].presence",
}
_MOST_SAMPLES = 120
_OWN: Mapping[str, Mapping[str, str]] = {
    "adeunis_analog": _ANALOG | _ANALOG_THRESHOLDS,
    "adeunis_comfort": _COMFORT,
    "adeunis_comfort_2": _COMFORT | _LATER,
    "adeunis_dc_2": _CONTACTS | _LATER,
    "adeunis_deltap": _DELTAP,
    "adeunis_motion": _MOTION,
    "adeunis_repeater": _REPEATER,
    "adeunis_temp": _TEMPERATURES,
    "adeunis_temp_3": _TEMPERATURES,
    "adeunis_temp_4": _TEMPERATURES | _LATER,
    "adeunis_tic_linky_mono": _TIC,
    "adeunis_tic_linky_tri": _TIC,
    "adeunis_tic_pme_pmi": _TIC
    | {f"{theirs}.value": f"{ours}.value" for theirs, ours in _PME_PMI.items()}
    | {f"{theirs}.unit": f"{ours}.unit" for theirs, ours in _PME_PMI.items()},
}


def sensor_names(kind: str) -> dict[str, str]:
    """Published path → ours, for a published device type."""
    common = COMMON | _DIGITAL_ALARMS | dict(_repeated())
    return {**common, **_OWN.get(SENSORS[kind], {})}


def _repeated() -> Iterator[tuple[str, str]]:
    for theirs, ours in _COMMON_QUANTITIES.items():
        yield from ((f"{theirs}.{part}", f"{ours}.{part}") for part in ("value", "unit"))
    for at, x in enumerate("ab"):
        for theirs, ours in _OF_ANALOG_INPUT.items():
            yield f"channels[{at}].{theirs}", ours.format(x=x)
        yield from _filled(_OF_TEMPERATURE | _OF_DIGITAL_INPUT, at=at, n=at + 1)
    for x in "abcd":
        yield from _filled(_OF_CONTACT, x=x, X=x.upper())
    for at in range(_MOST_SAMPLES):
        yield from _filled(_SAMPLES, at=at)


def _filled(table: Mapping[str, str], **marks: object) -> Iterator[tuple[str, str]]:
    return ((theirs.format(**marks), ours.format(**marks)) for theirs, ours in table.items())
