"""Comparators by shipped types: right values are equal, and every wrong or unknown one is told."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ingestion.vectors import adeunis, lorawan, lwm2m, modbus_map, mqtt_json, nem12
from ingestion.vectors.outcomes import Outcome

# TheThingsNetwork/lorawan-devices: vendor/netvox (r718h2), vendor/axioma, vendor/kamstrup.
_NETVOX = {
    "vendor": "netvox",
    "codec": "netvox/r718h2-codec.yaml",
    "payload_hex": "013f012400640096000000",
    "fPort": 6,
    "expected": {"data": {"Device": "R718H2", "Volt": 3.6, "PulseCount1": 100, "PulseCount2": 150}},
    "peer_rerun": "same",
}
_KAMSTRUP = {
    "vendor": "kamstrup",
    "path": "vendor/kamstrup/mbusparser.yaml",
    "payload_hex": "78446d0020f32a4413ec00000052ff25100042ff1c0500623b0000523b0000615b80515b80",
    "fPort": 1,
    "expected": {
        "data": {
            "values": [
                {"Type": "Volume", "Value": 0.236, "Unit": "m3", "Timestamp": "2023-10-19T00:00:00"},
                {"Type": "Tamper", "Value": True, "Unit": "NA", "Timestamp": None},
                {"Type": "Leak", "Value": False, "Unit": "NA", "Timestamp": None},
                {"Type": "ALD last day", "Value": 5, "Unit": "NA", "Timestamp": None},
                {"Type": "Min Flow temperature", "Value": None, "Unit": "Invalid", "Timestamp": None},
            ],
            "latestVolume": 0.236,
        }
    },
}  # fmt: skip
# sln-nc/adeunis-codecs-lib, specification of frame 30h.
_ADEUNIS = {
    "product": "pulse",
    "device_type": "pulse",
    "frame_code": "30",
    "payload_hex": "30e0150400030002000100",
    "published_assertions": [
        {"path": "channels[0].flow.last24hMin", "op": "equal", "value": "512"}
    ],
    "peer_decoded": {
        "type": "0x30 Pulse keep alive",
        "channels": [{"name": "channel A", "flow": {"alarm": True}, "leakageAlarm": True}],
    },
}
_TASMOTA = {
    "payload": '{"Time":"2023-04-11T07:31:34","ENERGY":{"Total":[0.000,2.910]}}',
    "expected": {"energy_import_kWh": [0.0, 2.91]},
}
Compare = Callable[[Mapping[str, Any]], Iterator[Outcome]]
_CASES: dict[str, tuple[Compare, dict[str, Any]]] = {
    "netvox": (lorawan.compare, _NETVOX),
    "kamstrup": (lorawan.compare, _KAMSTRUP),
    "adeunis": (adeunis.compare, _ADEUNIS),
    "tasmota": (mqtt_json.compare, _TASMOTA),
}
_PARTS = [
    (name, part)
    for name, (_, vector) in _CASES.items()
    for part in ("expected", "published_assertions", "peer_decoded")
    if part in vector
]


def _verdict(compare: Compare, vector: Mapping[str, Any]) -> Outcome:
    (outcome,) = compare({"vectors": [vector]})
    return outcome


def _changes(value: Any) -> Iterator[Any]:
    """The same with one published leaf changed, one after the other. Labels are left as they are."""
    if isinstance(value, dict):
        for key, member in value.items():
            if key not in {"name", "path", "op", "Type", "Unit", "Timestamp"}:
                yield from ({**value, key: changed} for changed in _changes(member))
    elif isinstance(value, list):
        for at, member in enumerate(value):
            yield from ([*value[:at], changed, *value[at + 1 :]] for changed in _changes(member))
    elif isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield value + 1
    elif value is None:
        yield 17
    elif isinstance(value, str) and value[:2] == "0x":
        yield "0x31 something else"
    else:
        yield f"{value}9"


@pytest.mark.parametrize("name", _CASES)
def test_published_values_are_found(name: str) -> None:
    outcome = _verdict(*_CASES[name])
    assert (outcome.verdict, outcome.detail) == ("equal", "")


@pytest.mark.parametrize(("name", "part"), _PARTS)
def test_every_changed_value_is_told(name: str, part: str) -> None:
    compare, vector = _CASES[name]
    changed = [{**copy.deepcopy(vector), part: change} for change in _changes(vector[part])]
    assert changed
    for one in changed:
        outcome = _verdict(compare, one)
        assert outcome.verdict == "different", one[part]
        assert "decoded" in outcome.detail


def test_a_published_field_without_one_of_ours_is_told() -> None:
    data = {**_NETVOX["expected"]["data"], "Colour": 5}  # type: ignore[index]
    outcome = _verdict(lorawan.compare, {**_NETVOX, "expected": {"data": data}})
    assert outcome.detail == "Colour = 5: not decoded"


def test_what_is_published_as_absent_must_not_be_decoded() -> None:
    data = {**_NETVOX["expected"]["data"], "Volt2": "null"}  # type: ignore[index]
    outcome = _verdict(lorawan.compare, {**_NETVOX, "expected": {"data": data}})
    assert outcome.verdict == "equal"
    data = {**data, "PulseCount1": "null"}
    outcome = _verdict(lorawan.compare, {**_NETVOX, "expected": {"data": data}})
    assert outcome.detail == "PulseCount1 = null: decoded 100"


# Made by hand after the maker's description: one probe has come off, the other is on.
_PROBES: dict[str, Any] = {
    "device_type": "temp",
    "frame_code": "30",
    "payload_hex": "30201100f4228000",
    "peer_decoded": {
        "type": "0x30 Temperature keep alive",
        "temperatures": [
            {"name": "probe 1", "unit": "°C", "value": 24.4},
            {"name": "probe 2", "unit": "°C", "value": -3276.8},
        ],
    },
}
# The same: an input whose debouncing is told in seconds.
_CONTACT: dict[str, Any] = {
    "device_type": "dc",
    "frame_code": "10",
    "payload_hex": "102001027600000001",
    "peer_decoded": {
        "channelA": {"edge": "both", "debounceDuration": {"unit": "s", "value": 1}},
        "channelB": {"type": "disabled"},
    },
}


def test_a_number_that_means_no_value_is_none() -> None:
    assert _verdict(adeunis.compare, _PROBES).verdict == "equal"
    outcome = _verdict(adeunis.compare, {**_PROBES, "payload_hex": "30201180002200f4"})
    assert outcome.verdict == "different"
    assert "temperatures[1].value = None: decoded 24.4" in outcome.detail


def test_durations_are_compared_in_one_unit() -> None:
    assert _verdict(adeunis.compare, _CONTACT).verdict == "equal"
    outcome = _verdict(adeunis.compare, {**_CONTACT, "payload_hex": "102001026600000001"})
    assert outcome.detail == "channelA.debounceDuration.value = 1000: decoded 500"


def test_what_must_be_refused_is_equal_when_it_is() -> None:
    errors = {"errors": ["invalid FPort"]}
    outcome = _verdict(lorawan.compare, {**_NETVOX, "fPort": 9, "expected": errors})
    assert outcome.verdict == "equal"
    assert _verdict(lorawan.compare, {**_NETVOX, "expected": errors}).verdict == "different"


def test_devices_without_a_type_are_refused() -> None:
    outcome = _verdict(lorawan.compare, {**_NETVOX, "codec": "nobody/nothing-codec.yaml"})
    assert outcome.verdict == "refused"
    assert _verdict(adeunis.compare, {**_ADEUNIS, "device_type": "toaster"}).verdict == "refused"


def test_vectors_that_their_own_decoder_no_longer_gives_are_left_out() -> None:
    assert list(lorawan.compare({"vectors": [{**_NETVOX, "peer_rerun": "differs"}]})) == []


def test_a_register_map() -> None:
    published = {
        "device": "Eastron SDM630 family",
        "function_code": 4,
        "map": {"VoltageL1": 0, "Import": 72, "Elsewhere": 5000},
    }
    verdicts = {one.name: one.verdict for one in modbus_map.compare(published)}
    assert verdicts == {"VoltageL1": "equal", "Import": "equal", "Elsewhere": "different"}
    others = modbus_map.compare({**published, "function_code": 3})
    assert {one.verdict for one in others} == {"different"}
    unknown = modbus_map.compare({**published, "device": "Nobody XYZ99"})
    assert {one.verdict for one in unknown} == {"refused"}


def test_lwm2m_objects_by_senml() -> None:
    resource = {"id": 1, "name": "Volume", "op": "R", "type": "Float", "units": "m3"}
    published = {"object_id": 3424, "name": "Water meter", "resources": [resource]}
    (outcome,) = lwm2m.compare({"objects": [published]})
    assert outcome.verdict == "equal"
    strange = {**published, "resources": [{**resource, "units": "firkin"}]}
    (outcome,) = lwm2m.compare({"objects": [strange]})
    assert outcome.verdict == "different"
    assert "firkin" in outcome.detail


_NEM = (
    "100,NEM12,202403021000,MDP,RET\n200,NAAA000001,E1,1,E1,,M1,KWH,30,\n300,20240301,"
    + "0.5," * 48
    + "V\n400,1,44,A,,\n400,45,48,S14,76,\n900\n"
)
_CHANNEL = {
    "n": 48,
    "sum": 24.0,
    "uom": "KWH",
    "first": "2024-03-01 00:00:00",
    "last_end": "2024-03-02 00:00:00",
    "quality": {"A": 44, "S14": 4},
    "events": 4,
}


def _market(
    folder: Path, vector: Mapping[str, Any], text: str = _NEM, key: str = "files"
) -> Outcome:
    path = folder / "vectors" / "nem12.json"
    file = folder / "data" / "nem12" / "examples" / vector["file"]
    for one in (path, file):
        one.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    path.write_text(json.dumps({key: [vector]}))
    (outcome,) = nem12.compare(path, folder)
    return outcome


@pytest.mark.parametrize("change", [None, *_CHANNEL])
def test_each_figure_of_a_market_file_is_compared(tmp_path: Path, change: str | None) -> None:
    other = {"quality": {"A": 48}, "uom": "Wh", "n": 47, "sum": 24.5, "events": 0}
    channel = {**_CHANNEL, **({change: other.get(change, "2024-03-03")} if change else {})}
    vector = {"file": "a.csv", "channels": {"NAAA000001": {"E1": channel}}}
    outcome = _market(tmp_path, vector)
    assert outcome.verdict == ("different" if change else "equal")
    assert not change or change in outcome.detail


def test_streams_of_a_market_file_that_miss_or_are_too_many_are_told(tmp_path: Path) -> None:
    outcome = _market(tmp_path, {"file": "a.csv", "channels": {"NAAA000001": {"B1": _CHANNEL}}})
    assert outcome.verdict == "different"
    assert "B1: not found" in outcome.detail
    assert "E1: is not expected" in outcome.detail


@pytest.mark.parametrize(
    ("name", "text", "key", "verdict"),
    [
        ("a.csv", _NEM.replace("100,", "101,", 1), "files", "refused"),
        ("invalid/a.csv", _NEM.replace("100,", "101,", 1), "files", "equal"),
        ("invalid/a.csv", _NEM, "files", "different"),
        ("invalid/a.csv", _NEM.replace("NAAA000001", "N1"), "rejected", "equal"),
        ("a.csv", _NEM, "rejected", "different"),
        ("a.csv", "", "rejected", "equal"),
    ],
)
def test_market_files_that_are_wrong_must_be_refused_or_warned_of(
    tmp_path: Path, name: str, text: str, key: str, verdict: str
) -> None:
    vector: dict[str, Any] = {"file": name}
    if key == "files":
        vector["channels"] = {"NAAA000001": {"E1": _CHANNEL}}
    assert _market(tmp_path, vector, text, key).verdict == verdict


def test_a_market_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = tmp_path / "nem12.json"
    path.write_text(json.dumps({"files": [{"file": "no-such.csv", "channels": {}}]}))
    (outcome,) = nem12.compare(path, tmp_path)
    assert outcome.verdict == "refused"
    assert "the file is not" in outcome.detail
