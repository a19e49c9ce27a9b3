"""Definitions proposed from one telegram: they compile, decode it, and pass their own tests."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.decoding import Arrival, compile_type, publishing_faults, run_tests
from ingestion.workbench.cases import quoted
from ingestion.workbench.proposing import ProposalError, propose_definition
from meters.definition import read_definition
from meters.definition.nodes import plain, read_nodes

# Made by hand, but for the names of the keys.
TELEGRAMS = {
    "json": b'{"mac":"A4CF12F45E5A","unixtime":1672531200,"emeters":[{"power":120.5,"total":12}]}',
    "senml": b'[{"bn":"urn:dev:ow:10e2073a01080063:","n":"volume","u":"m3","v":120.1}]',
    "obis_text": b"/ABC5M\r\n\r\n1-0:1.8.1(000123.456*kWh)\r\n1-0:1.8.2(000124.456*kWh)\r\n"
    b"0-1:24.1.0(003)\r\n0-1:24.2.1(101209112500W)(12785.123*m3)\r\n!\r\n",
    "wmbus": bytes.fromhex("184443047856341201077a010000000413e8030000023b0000"),
    "mbus": bytes.fromhex("681b1b680801727856341243040104010000000406e80300000414d204000016"),
    "cosem": bytes.fromhex("0f00000001000101020309060100010800ff060001e24002020f00161e"),
    "nem": b"100,NEM12,202403021000,MDP,RET\n200,NAAA000001,E1E2,1,E1,,M1,kWh,60,\n300,20240301,"
    + b"0.5," * 24
    + b"A\n200,NAAA000001,E1E2,1,E2,,M2,kWh,60,\n300,20240301,"
    + b"1," * 24
    + b"A\n900\n",
    "modbus": bytes.fromhex("0001000000070103040001ffff"),
    "binary": bytes.fromhex("a1b2c3d4e5"),
}
_VECTORS = Path(__file__).parents[3] / "docs" / "protocol-vectors.json"
_SEALED = bytes.fromhex(json.loads(_VECTORS.read_text())["good"][0]["frame"])
READING = {
    "json": ("electricity.power.import", "120.5"),
    "senml": ("cold_water.volume.register", "120.1"),
    "obis_text": ("gas.volume.register", "12785.123"),
    "wmbus": ("cold_water.volume.register", "1.000"),
    "mbus": ("heat.energy.register", "1000000"),
    "cosem": ("electricity.active.import.register", "123456"),
}


def _telegram(kind: str) -> bytes:
    octets = TELEGRAMS[kind]
    if kind == "mbus":
        return octets[:-1] + bytes([sum(octets[4:-1]) & 0xFF]) + octets[-1:]
    return octets


@pytest.mark.parametrize("kind", TELEGRAMS)
def test_a_proposal_can_be_published_as_it_is(kind: str) -> None:
    definition = read_definition(propose_definition(_telegram(kind)), name="proposal")
    assert definition.decode.kind == kind
    assert publishing_faults(run_tests(definition)) == []


@pytest.mark.parametrize("kind", READING)
def test_quantities_become_readings(kind: str) -> None:
    compiled = compile_type(read_definition(propose_definition(_telegram(kind)), name="proposal"))
    arrival = Arrival(memory={}, config={"zone": "Europe/Amsterdam"})
    decoded = compiled.decode(_telegram(kind), context=arrival)
    code, value = READING[kind]
    found = {one.reading_type: Decimal(one.said) for one in decoded.readings}
    assert found[code] == Decimal(value)


def test_intervals_of_a_market_file_become_series() -> None:
    text = propose_definition(_telegram("nem"))
    compiled = compile_type(read_definition(text, name="proposal"))
    decoded = compiled.decode(_telegram("nem"), context=Arrival(memory={}))
    assert [(one.register, one.port, one.values) for one in decoded.series] == [
        ("energy_import", None, (500,) * 24),
        ("energy_import", 2, (1_000,) * 24),
    ]
    assert decoded.identity is not None
    assert decoded.identity.value == "NAAA000001"


def test_reads_of_a_market_file_become_readings() -> None:
    file = (
        b"100,NEM13,202403021000,MDP,RET\n250,NAAA000001,11,1,11,11,M1,E,1000,20240101000000,A,,,"
        b"1042,20240201000000,A,,,42,kWh\n900\n"
    )
    text = propose_definition(file)
    assert publishing_faults(run_tests(read_definition(text, name="proposal"))) == []
    decoded = compile_type(read_definition(text, name="proposal")).decode(file, context=Arrival())
    (reading,) = decoded.readings
    told = (reading.reading_type, reading.value, str(reading.at))
    assert told == (
        "electricity.active.import.register",
        1_042_000,
        "2024-01-31 14:00:00+00:00",
    )


def test_tariffs_are_one_rule() -> None:
    text = propose_definition(_telegram("obis_text"))
    assert 'obis: "1-0:1.8.t", tariff: all' in text
    assert text.count("1-0:1.8.") == 1 + text.count("000123.456") + text.count("000124.456")


def test_a_clock_without_a_zone_is_read_in_that_of_the_company() -> None:
    text = propose_definition(_telegram("obis_text"), zone="Europe/Amsterdam")
    assert "    config: {zone: Europe/Amsterdam}\n" in text
    assert "at: '2010-12-09T10:25:00+00:00'" in text
    assert publishing_faults(run_tests(read_definition(text, name="proposal"))) == []


def test_a_unit_that_is_not_told_has_a_comment() -> None:
    text = propose_definition(_telegram("json"))
    before, _reading, _after = text.partition("electricity.active.import.register")
    assert "# Check the unit" in before.splitlines()[-2]


def test_the_code_that_was_asked_for_is_taken() -> None:
    assert propose_definition(_telegram("json"), code="Acme W1").startswith("type: acme-w1\n")


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"", "Paste a telegram"),
        (_SEALED, "own protocol"),
        (b"/ABC5M\r\n\r\n1-0:1.8.1(000123.456*kWh)\r\n!0000\r\n", "can't be read"),
        (b'{"volume": 1', "can't be read"),
    ],
)
def test_what_needs_no_definition_is_said(octets: bytes, why: str) -> None:
    with pytest.raises(ProposalError, match=why):
        propose_definition(octets)


@pytest.mark.parametrize("size", [1, 2, 3, 24, 25, 300])
def test_any_bytes_get_a_proposal(size: int) -> None:
    octets = bytes((171 * at + 13) % 256 for at in range(size))
    definition = read_definition(propose_definition(octets), name="proposal")
    assert publishing_faults([one for one in run_tests(definition) if one.good]) in (
        [],
        ["There is no test with a telegram that must be refused."],
    )


def test_why_it_is_none_of_the_known_is_told() -> None:
    text = propose_definition(bytes.fromhex("680404680801722f0016"))
    assert "# no known protocol (mbus: byte" in text
    assert publishing_faults(run_tests(read_definition(text, name="proposal"))) == []


@pytest.mark.parametrize(
    "text", ["a", "it's", "tab\t\x80\u2028\U0001f4a7", 'back\\slash "q"', "12", "no: #"]
)
def test_texts_come_back_as_they_were(text: str) -> None:
    root = plain(read_nodes(f"x: {quoted(text)}\n", name="x"))
    assert root == {"x": text}


# Made by hand: header, IMEI in decimal digits, counter, and CRC-16/Modbus with its low byte first.
_BROOK = bytes.fromhex("57200864475041234567b40b0cf400e087d612000c000008000003290c009430")


def test_an_imei_and_a_checksum_are_found_in_bytes_of_an_unknown_layout() -> None:
    text = propose_definition(_BROOK)
    definition = read_definition(text, name="proposal")
    assert "checksum: {type: crc-16/modbus, endian: little}" in text
    decoded = compile_type(definition).decode(_BROOK, context=Arrival())
    assert decoded.identity is not None
    assert decoded.identity.value == "864475041234567"
    assert publishing_faults(run_tests(definition)) == []
    # The names of bytes are there to be changed: no test holds on to them.
    assert "byte_" not in text.partition("\ntests:")[2]


def test_the_rules_that_a_proposal_shows_are_right_once_they_are_taken() -> None:
    head, _mark, rest = propose_definition(_BROOK).partition("# clock: $at\n")
    rules, _tests, tests = rest.partition("\ntests:")
    names = [
        "at, type: u32, time: unix",
        "volume, type: u32, unit: L",
        "hours, type: u8, repeat: 6",
        "status, type: u8",
    ]
    fields = "".join(f"    - {{name: {one}}}\n" for one in names)
    named = head.replace("  fields:\n", f"  fields:\n{fields}", 1)
    taken = "".join(f"{line.removeprefix('# ')}\n" for line in rules.splitlines())
    text = f"{named}clock: $at\n{taken}tests:{tests}"
    read_definition(text.replace("resource: device", "resource: cold_water"), name="taken")


def test_bytes_that_happen_to_be_no_checksum_get_none() -> None:
    text = propose_definition(bytes(range(0xA1, 0xC1)))
    assert "checksum:" not in text
    assert "byte_23" in text


@pytest.mark.parametrize(("flag", "events"), [("1", ["leak"]), ("true", ["leak"]), ("false", [])])
def test_flags_of_json_become_events(flag: str, events: list[str]) -> None:
    payload = f'{{"Id":"A1","Total m3":"77.125","Alarm":{{"Leak":{flag}}}}}'.encode()
    definition = read_definition(propose_definition(payload), name="proposal")
    decoded = compile_type(definition).decode(payload, context=Arrival())
    assert [one.name for one in decoded.events] == events
    assert publishing_faults(run_tests(definition)) == []


def test_an_amount_is_no_flag() -> None:
    text = propose_definition(b'{"Id":"A1","leak":0.4}')
    assert "events:" not in text


def test_json_that_tells_no_device_shows_how_the_topic_would() -> None:
    text = propose_definition(b'{"volume":77.125}')
    taken = text.replace("  # transport: mqtt\n  # topic:", "  transport: mqtt\n  topic:")
    definition = read_definition(taken.replace("  device: $arrival.device\n", ""), name="taken")
    assert definition.identify is not None
    assert definition.identify.topic
