"""The strict check: what is wrong, where, and what was probably meant."""

from __future__ import annotations

import pytest

from meters.definition import DefinitionError, Mark, read_definition

from .texts import VALID, problems

# Text that is replaced, what stands there instead, line, column, key, part of the message.
_FAULTS = [
    ("readings:", "readngs:", 14, 1, "readngs", "Did you mean “readings”?"),
    ("value: $volume", "vlaue: $volume", 15, 66, "readings[0].vlaue", "“value”"),
    ("kind: binary", "kind: binry", 7, 9, "decode.kind", "one of binary"),
    ("version: 1", "version: one", 2, 10, "version", "a whole number"),
    ("version: 1", "version: 0", 2, 10, "version", "a whole number"),
    ("version: 1", "version: true", 2, 10, "version", "a whole number"),
    ("vendor: Acme\n", "", 1, 1, "", "“vendor” is missing"),
    ("resource: cold_water", "resource: water", 5, 11, "resource", "one of electricity"),
    ("resource: cold_water", "resource: []", 5, 11, "resource", "a list"),
    ("value: $volume", "value: volume", 15, 73, "readings[0].value", "a reference"),
    ("register: volume", "register: Volume", 15, 16, "readings[0].register", "small letters"),
    ("value: $volume", "unit: L", 15, 5, "readings[0]", "value, match, obis, formula"),
    ("value: $volume", "value: $volume, formula: $a", 15, 82, "readings[0].formula", "Only one"),
    ("bits: {2: battery_low", "bits: {2: 5", 17, 32, "events[0].bits[2]", "a whole number"),
    (
        "cold_water.volume.register",
        "cold_water.volume.registr",
        15,
        24,
        "readings[0].reading_type",
        "Did you mean “cold_water.volume.register”?",
    ),
    (
        "3: meter_fault",
        "3: meter_falt",
        17,
        45,
        "events[0].bits[3]",
        "Did you mean “meter_fault”?",
    ),
    ("2: battery_low", "64: battery_low", 17, 29, "events[0].bits[64]", "from 0 to 63"),
    ("clock: $sent_at", "clock: {at: $sent_at, zone: Mars/Olympus}", 13, 23, "clock.zone", "zone"),
]


@pytest.mark.parametrize(("old", "new", "line", "column", "key", "message"), _FAULTS)
def test_faults_are_named_with_their_place(
    old: str, new: str, line: int, column: int, key: str, message: str
) -> None:
    assert VALID.count(old) == 1
    found = problems(VALID.replace(old, new))
    fit = [one for one in found if message in one.message]
    assert fit, found
    assert (fit[0].mark, fit[0].key) == (Mark(line, column), key)


def test_the_valid_one_is_valid() -> None:
    assert problems(VALID) == []


def test_several_problems_come_together_in_the_order_of_the_text() -> None:
    text = VALID.replace("vendor: Acme", "vendr: Acme").replace("register:", "regster:")
    found = problems(text)
    assert [one.nearest for one in found if one.nearest] == ["vendor", "register"]
    assert found == sorted(found)
    assert len(found) == 4


def test_errors_read_as_file_line_column_key() -> None:
    with pytest.raises(DefinitionError) as caught:
        read_definition(VALID.replace("readings:", "readngs:"), name="acme.yaml")
    assert str(caught.value) == (
        "acme.yaml:14:1 readngs: There is no key “readngs” here. Did you mean “readings”?"
    )


def test_a_list_is_no_definition() -> None:
    assert "a mapping" in problems("- 1")[0].message


def test_kinds_without_a_layout_have_no_keys_of_their_own() -> None:
    head = VALID.partition("decode:")[0]
    found = problems(head + "decode: {kind: mbus, endian: little}\n")
    assert [one.key for one in found] == ["decode.endian"]
    assert problems(head + "decode: {kind: mbus}\n") == []


_HEX = VALID + "tests:\n  - {payload: 00010203, expect: {status: 1}}\n"


def test_bytes_in_hex_are_taken_as_they_are_written() -> None:
    assert read_definition(_HEX, name="t").tests[0].payload == ("00010203",)


def test_values_that_are_left_out_have_defaults() -> None:
    definition = read_definition(VALID, name="t")
    (reading,) = definition.readings
    assert (reading.tariff, reading.quality, reading.interval, reading.port) == (
        0,
        "valid",
        60,
        None,
    )
    assert definition.resource == ("cold_water",)
    assert definition.clock.at == "$sent_at"
    assert dict(definition.decode.layout)["endian"] == "little"


_COMMAND = """\
commands:
  - code: set-interval
    parameters: {minutes: {type: whole, least: 1, most: 1440}}
    payload: PAYLOAD
"""


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ("01 {minutes:u16le}", ""),
        ("0 {minutes:u16le}", "hex"),
        ("01 {minutes}", "a colon"),
        ("01 {minutes:u17}", "a colon"),
        ("01 {hours:u8}", "no parameter “hours”"),
    ],
)
def test_templates_of_commands_are_checked(payload: str, message: str) -> None:
    found = problems(VALID + _COMMAND.replace("PAYLOAD", f"'{payload}'"))
    assert [message in one.message for one in found] == ([True] if message else [])


@pytest.mark.parametrize(
    ("topic", "good"),
    [
        ("tele/{device}/SENSOR", True),
        ("a/+/b", True),
        ("a/#", True),
        ("{a}/{a}", False),
        ("x{", False),
        ("a+/b", False),
        ("#/a", False),
    ],
)
def test_topics_are_checked(topic: str, good: bool) -> None:
    found = problems(f"{VALID}identify: {{topic: '{topic}'}}\n")
    assert (not found) is good
