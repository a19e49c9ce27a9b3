"""Conditions, events, refusals, identities and commands."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.telegram import Item
from ingestion.decoding import Arrival, CommandError

from .typing_of import binary, generic, meaning, telegram

_WALL = datetime(2024, 1, 1, 5)  # noqa: DTZ001


def _items(**values: Any) -> list[Item]:
    return [Item(name=name, value=value, start=4, end=5) for name, value in values.items()]


_VALUES = {
    "status": 0b1010,
    "mode": "pulse",
    "ratio": Decimal("1.0"),
    "early": datetime(2024, 1, 1, tzinfo=UTC),
    "late": datetime(2024, 1, 2, tzinfo=UTC),
    "wall": _WALL,
    "raw": b"\x0a\x0b",
    "on": True,
    "list": [1],
}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("{field: $status, value: 10}", True),
        ("{field: $status, value: [1, 10]}", True),
        ("{field: $status, value: 11}", False),
        ("{field: $status, mask: 0x04}", False),
        ("{field: $status, mask: 0x0C}", True),
        ("{field: $status, mask: 0x0E, value: 0x0A}", True),
        ("{field: $status, mask: 0x06, value: 0x04}", False),
        ("{field: $status, bit: 3}", True),
        ("{field: $status, bit: 2}", False),
        ("{field: $mode, bit: 2}", False),
        ("{field: $mode, value: pulse}", True),
        ("{field: $ratio, value: 1}", True),
        ("{field: $raw, value: 0a0b}", True),
        ("{field: $on, value: true}", True),
        ("{field: $list, value: 1}", False),
        ("{field: $status, above: 9}", True),
        ("{field: $status, above: 9, below: 10}", False),
        ("{field: $status, above: $ratio}", True),
        ("{field: $mode, above: 1}", False),
        ("{field: $late, after: $early}", True),
        ("{field: $early, after: $late}", False),
        ("{field: $early, before: $late}", True),
        ("{field: $late, after: $nothing}", False),
        ("{field: $wall, after: $wall}", False),
        ("{field: $nothing, value: 1}", False),
        ("{field: $nothing, present: false}", True),
        ("{field: $status, present: true}", True),
        ("{field: $status, present: false}", False),
        ("{not: {field: $status, value: 10}}", False),
        ("{all: [{field: $status, bit: 1}, {field: $status, bit: 3}]}", True),
        ("{any: [{field: $status, bit: 0}, {field: $status, bit: 2}]}", False),
        ("{match: {name: status}, value: 10}", True),
    ],
)
def test_conditions(condition: str, holds: bool) -> None:
    compiled = generic(f"events:\n  - {{code: leak, when: {condition}}}\n")
    assert bool(meaning(compiled, *_items(**_VALUES)).events) is holds


def _events(rules: str, **values: Any) -> list[tuple[int, str, int, int]]:
    decoded = meaning(generic(f"events:\n  - {rules}\n"), *_items(**values))
    return [(one.code, one.name, one.severity, one.detail) for one in decoded.events]


def test_events_by_bits() -> None:
    rule = "{field: $s, bits: {0: battery_low, 2: leak, 3: burst}}"
    assert _events(rule, s=0b101) == [(64, "battery_low", 2, 0), (32, "leak", 3, 0)]


def test_events_by_values() -> None:
    rule = "{field: $s, values: {0x10: dry, 0x30: leak, text: 40000}, mask: 0xF0, detail: $s}"
    assert _events(rule, s=0x1F) == [(35, "dry", 2, 0x1F)]
    assert _events(rule.replace(", mask: 0xF0", ""), s="text") == [(40_000, "40000", 1, 0)]


def test_an_event_of_a_field_holds_when_it_is_not_zero() -> None:
    rule = "{code: leak, field: $s, severity: notice}"
    assert _events(rule, s=1) == [(32, "leak", 1, 0)]
    assert _events(rule, s=0) == []
    assert _events(rule.replace("$s,", "$s, mask: 2,"), s=1) == []


def test_events_of_a_group_have_their_own_times() -> None:
    rules = "events:\n  - {each: $log, field: $.s, bits: {0: leak}, at: $.t}\n"
    items = [
        *_items(**{"log[0].s": 1, "log[0].t": 60}),
        *_items(**{"log[1].s": 0, "log[1].t": 120}),
        *_items(**{"log[2].s": 1, "log[2].t": 180}),
    ]
    found = meaning(generic(rules), *items).events
    assert [one.at for one in found] == [
        datetime(1970, 1, 1, 0, minute, tzinfo=UTC) for minute in (1, 3)
    ]


def test_refusals_name_the_byte_and_the_reason() -> None:
    compiled = generic("reject:\n  - {when: {field: $s, value: 0}, why: the meter is asleep}\n")
    assert meaning(compiled, *_items(s=1)).warnings == ()
    with pytest.raises(DecodeError) as caught:
        meaning(compiled, *_items(s=0))
    assert (caught.value.offset, caught.value.reason) == (4, "the meter is asleep")


@pytest.mark.parametrize(
    ("rule", "arrival", "scheme", "value"),
    [
        ("{device: $imei}", {}, "imei", "123"),
        ("{device: $serial, scheme: mac}", {}, "mac", "0a0b"),
        ("{device: $number}", {}, "serial", "7"),
        ("{topic: 'tele/{device}/S'}", {"topic": "tele/ups/S"}, "topic", "ups"),
        ("{device: $arrival.source}", {"source": "10.0.0.7"}, "source", "10.0.0.7"),
        ("{device: $arrival.device}", {"device": "70B3"}, "dev_eui", "70B3"),
        ("{transport: mbus}", {}, "mbus", "KAM-0815"),
    ],
)
def test_identities(rule: str, arrival: dict[str, Any], scheme: str, value: str) -> None:
    compiled = generic(f"identify: {rule}\n")
    if "topic" in rule:
        compiled = binary("[{name: a, type: u8}]", f"identify: {rule}\n")
    said = telegram(
        *_items(imei="123", serial=b"\x0a\x0b", number=7),
        identity={"manufacturer": "KAM", "id": "0815"},
    )
    identity = compiled.meaning(said, Arrival(**arrival)).identity
    assert identity is not None
    assert (identity.scheme, identity.value) == (scheme, value)


@pytest.mark.parametrize(
    ("rule", "arrival", "good"),
    [
        ("{transport: [udp, tcp]}", {"transport": "udp"}, True),
        ("{transport: udp}", {"transport": "mqtt"}, False),
        ("{ports: [100, 103]}", {"port": 100}, True),
        ("{ports: [100]}", {"port": 1}, False),
        ("{topic: 'a/{device}'}", {"topic": "a/b"}, True),
        ("{topic: 'a/{device}'}", {"topic": "a/b/c"}, False),
        ("{detect: [{manufacturer: KAM, medium: [4, 12]}]}", {}, True),
        ("{detect: [{manufacturer: KAM, version: 28}]}", {}, True),
        ("{detect: [{manufacturer: KAM, version: 40}]}", {}, False),
        ("{detect: [{manufacturer: LUG}, {medium: 12}]}", {}, True),
        ("{detect: [{manufacturer: LUG}]}", {}, False),
    ],
)
def test_telegrams_are_recognised(rule: str, arrival: dict[str, Any], good: bool) -> None:
    said = telegram(identity={"manufacturer": "KAM", "version": "28", "medium_code": "0C"})
    assert generic(f"identify: {rule}\n").recognises(said, Arrival(**arrival)) is good


_COMMANDS = """\
commands:
  - code: interval
    parameters:
      minutes: {type: whole, least: 1, most: 1440}
      factor: {type: decimal, least: 0, most: 100, mul: 10, default: 1.5}
    payload: '01 {minutes:u16le} FF {factor:u8}'
    port: 10
    confirm: {when: {field: $ack, value: 1}, within: 10min}
  - code: dial
    parameters:
      number: {type: whole, least: 0, most: 99999999}
      name: {type: word, default: x}
    payload: '{number:bcd8le}{name:ascii}'
  - code: switch
    parameters:
      state: {type: choice, choices: {open: 'ON', shut: 'OFF'}}
    text: '{"cmd":"{state}"}'
    topic: cmnd/{device}/Power
"""


def test_bytes_are_made_of_the_template() -> None:
    sent = generic(_COMMANDS).command("interval", {"minutes": 258})
    assert (sent.payload.hex(), sent.port, sent.within) == ("010201ff0f", 10, 600)
    sent = generic(_COMMANDS).command("dial", {"number": "1234"})
    assert sent.payload == bytes.fromhex("34120000") + b"x"


def test_text_is_made_of_the_template() -> None:
    sent = generic(_COMMANDS).command("switch", {"state": "open"}, device="ups")
    assert (sent.payload, sent.topic, sent.within) == (b'{"cmd":"ON"}', "cmnd/ups/Power", None)


@pytest.mark.parametrize(
    ("code", "parameters", "message"),
    [
        ("interval", {}, "missing"),
        ("interval", {"minutes": 0}, "between 1 and 1440"),
        ("interval", {"minutes": 1441}, "between"),
        ("interval", {"minutes": "1.5"}, "whole number"),
        ("interval", {"minutes": "x"}, "a number"),
        ("interval", {"minutes": "1e9999999"}, "a number"),
        ("interval", {"minutes": True}, "a number"),
        ("interval", {"minutes": 5, "factor": "0.01"}, "whole number"),
        ("interval", {"minutes": 5, "factor": 99}, "does not fit into 1 bytes"),
        ("interval", {"minutes": 5, "hours": 1}, "no parameter “hours”"),
        ("dial", {"number": 1, "name": 'a"b'}, "one word"),
        ("switch", {"state": "ON"}, "one of open, shut"),
        ("reboot", {}, "no command “reboot”"),
    ],
)
def test_what_can_not_be_sent_is_refused(
    code: str, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(CommandError) as caught:
        generic(_COMMANDS).command(code, parameters)
    assert message in str(caught.value)


@pytest.mark.parametrize(("ack", "confirmed"), [(1, True), (0, False), (None, False)])
def test_the_answer_confirms(ack: int | None, confirmed: bool) -> None:
    compiled = generic(_COMMANDS)
    decoded = meaning(compiled, *_items(ack=ack))
    assert compiled.confirms("interval", decoded, context=Arrival()) is confirmed
