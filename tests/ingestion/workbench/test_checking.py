"""What the page is told: faults at their lines, fields with their bytes, tests, cases to add."""

from __future__ import annotations

from typing import Any

import pytest

from ingestion.decoding import publishing_faults, run_tests
from ingestion.workbench import checking
from ingestion.workbench.checking import checked
from ingestion.workbench.samples import Sample, SampleError, sample_of
from ingestion.workbench.starting import STARTERS, starter_text
from meters.definition import read_definition

BINARY = starter_text("binary")


def _sample(payload: str = "00f15365 01 e8030000", **asked: Any) -> Sample:
    sample = sample_of({"payload": payload, **asked})
    assert sample is not None
    return sample


@pytest.mark.parametrize("kind", [starter.kind for starter in STARTERS if starter.kind != "blank"])
def test_templates_can_be_published_as_they_are(kind: str) -> None:
    definition = read_definition(starter_text(kind), name=kind)
    assert definition.decode.kind == kind
    assert publishing_faults(run_tests(definition)) == []
    assert "#" in definition.text


def test_the_blank_one_has_no_fault_but_its_missing_tests() -> None:
    answer = checked(starter_text("blank"), None)
    assert answer["problems"] == []
    assert len(answer["faults"]) == 2


def test_a_fault_has_its_line_and_the_key_that_was_meant() -> None:
    answer = checked(BINARY.replace("vendor:", "vendro:"), None)
    line = 1 + BINARY[: BINARY.index("vendor:")].count("\n")
    [problem] = [one for one in answer["problems"] if one["line"] == line]
    assert problem["column"] == 1
    assert "“vendor”" in problem["message"]
    assert "tests" not in answer


def test_fields_readings_and_events_of_a_telegram() -> None:
    sample = checked(BINARY, _sample())["sample"]
    volume = next(item for item in sample["items"] if item["name"] == "volume")
    assert (volume["start"], volume["end"], volume["value"], volume["unit"]) == (5, 9, "1000", "L")
    [reading] = sample["readings"]
    assert reading["kept"] == "1.000 m³"
    assert [event["name"] for event in sample["events"]] == ["battery low"]
    assert sample["octets"] == "00f1536501e8030000"


def test_a_refused_telegram_says_where_and_why() -> None:
    sample = checked(BINARY, _sample("00f15365 01 e803"))["sample"]
    assert sample["error"]["offset"] == 5
    assert "bytes" in sample["error"]["reason"]


def test_a_rule_that_refuses_leaves_the_fields_to_be_seen() -> None:
    text = f"{BINARY}reject:\n  - when: {{field: $leak}}\n    why: it leaks\n"
    sample = checked(text, _sample("00f15365 02 e8030000"))["sample"]
    assert sample["error"]["reason"] == "it leaks"
    assert [item["name"] for item in sample["items"]][-1] == "volume"


def test_a_broken_definition_still_shows_what_the_telegram_says_itself() -> None:
    answer = checked("type: [", _sample('{"volume": 12.5}'))
    assert answer["problems"]
    assert answer["sample"]["bare"]
    assert answer["sample"]["items"][0]["value"] == "12.5"


@pytest.mark.parametrize("which", ["case", "cut"])
def test_cases_that_are_offered_pass(which: str) -> None:
    text = BINARY[: BINARY.index("tests:")]
    case = checked(text, _sample())["sample"][which]
    added = f"{text}tests:\n" + "".join(f"  {line}\n" for line in case.splitlines())
    [result] = run_tests(read_definition(added, name="added"))
    assert result.passed, result.differences
    assert result.good == (which == "case")


def test_the_case_of_a_series_passes() -> None:
    text = starter_text("binary")
    text = text[: text.index("# Which register")].replace(
        "    - {name: volume, type: u32, unit: L}\n",
        "    - {name: volume, type: u32, unit: L}\n"
        "    - {name: deltas, type: u8, repeat: until_end, unit: L}\n",
    )
    text += (
        "series:\n  - {register: volume, reading_type: cold_water.volume.register, "
        "deltas: $deltas, base: $volume, step: 1h, direction: backward}\n"
    )
    sample = checked(text, _sample("00f15365 00 e8030000 010203"))["sample"]
    assert "error" not in sample, sample["error"]
    added = f"{text}tests:\n" + "".join(f"  {line}\n" for line in sample["case"].splitlines())
    [result] = run_tests(read_definition(added, name="added"))
    assert result.passed, result.differences


def test_a_failed_test_says_what_came_beside_what_was_expected() -> None:
    text = BINARY.replace("value: 1.000", "value: 1.5")
    failed = next(test for test in checked(text, None)["tests"] if not test["passed"])
    [difference] = failed["differences"]
    assert "expected register volume, value 1.5" in difference
    assert "got register volume, value 1000, unit L" in difference


def test_a_failed_series_is_told_in_numbers_of_its_unit() -> None:
    text = BINARY.replace(
        "    - {name: volume, type: u32, unit: L}\n",
        "    - {name: volume, type: u32, unit: L}\n"
        "    - {name: hours, type: u8, repeat: until_end, sentinel: 255, unit: L}\n",
    ).partition("# Which register")[0]
    text += (
        "series:\n  - {register: volume, reading_type: cold_water.volume, deltas: $hours, "
        "base: $volume, step: 1h, direction: backward}\n"
        "tests:\n  - payload: 00f15365 00 e8030000 0102ff\n"
        "    series: [{register: volume, values: [0.003, null, 0.001]}]\n"
    )
    [failed] = checked(text, None)["tests"]
    [difference] = failed["differences"]
    assert "values [0.003, –, 0.001], got register volume, values [–, 0.002, 0.001]" in difference


def test_tests_stop_when_their_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "_FOR_TESTS", -1.0)
    answer = checked(BINARY, None)
    assert answer["tests"] == []
    assert answer["tests_left"] == 2


def test_a_pasted_p1_telegram_gets_its_line_ends_back() -> None:
    sample = _sample("/ABC5M\n\n1-0:1.8.0(1*kWh)\n!\n")
    assert sample.octets == b"/ABC5M\r\n\r\n1-0:1.8.0(1*kWh)\r\n!\r\n"


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"payload": "0x0", "encoding": "hex"}, "no hexadecimal"),
        ({"payload": "#", "encoding": "base64"}, "no base64"),
        ({"payload": "00", "port": "70000"}, "port"),
        ({"payload": "00", "key": "abc"}, "A key has"),
        ({"payload": "00", "config": "- 1"}, "installation"),
        ({"payload": "00" * 65_537, "encoding": "hex"}, "longer than"),
    ],
)
def test_what_is_no_telegram_is_said(asked: dict[str, str], why: str) -> None:
    with pytest.raises(SampleError, match=why):
        sample_of(asked)


def test_circumstances_reach_the_decoder_and_the_case() -> None:
    text = BINARY.replace("value: $volume}", "value: $volume, mul: $config.weight}")
    text = text.replace("unit: L}", "}").replace(
        "reading_type: cold_water.volume.register,",
        "reading_type: cold_water.volume.register, unit: L,",
    )
    sample = _sample(port="7", config="weight: 10")
    answer = checked(text, sample)["sample"]
    assert answer["readings"][0]["value"] == "10000"
    assert "  port: 7" in answer["case"].splitlines()
    assert "  config: {weight: 10}" in answer["case"].splitlines()
