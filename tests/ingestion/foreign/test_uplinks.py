"""Whose uplink it is, what it says, and whether its counter is new; without a database."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from ingestion.codecs.lorawan import JOIN, Uplink
from ingestion.foreign.counters import counters_judge
from ingestion.foreign.messages import Message
from ingestion.foreign.recognising import Counted, Verdict
from ingestion.foreign.uplinks import judge
from ingestion.models import Reason, Transport
from ingestion.pipeline import Known
from tests.ingestion.codecs.lorawan.written import AT, EUI, WRITERS, things_event, written
from tests.ingestion.foreign import site, test_counters, test_recognising
from tests.ingestion.foreign.test_collecting import ITRON

PULSES = bytes.fromhex("0100007b00000a65920080")
TOPIC = "mqtt:v3/city@tenant/devices/meter-1/up"
NOW = test_recognising.NOW
LORAWAN, DOCUMENTS = 6, 7
DOCUMENT_TYPE = """\
type: decoded-by-the-server
version: 1
vendor: Any
model: values that the network server has decoded
resource: device
identify: {transport: mqtt, topic: "v3/{application}/devices/{device}/up"}
decode:
  kind: json
  fields: [{name: temperature, path: uplink_message.decoded_payload.temperature}]
"""


@pytest.fixture(autouse=True)
def _types(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(test_recognising.TEXTS, LORAWAN, site.shipped("dragino_cpl01"))
    monkeypatch.setitem(test_recognising.TEXTS, DOCUMENTS, DOCUMENT_TYPE)


def judged(document: bytes, *entered: tuple[int, str]) -> Verdict:
    known = test_recognising.known_with(*entered)
    return judge(Message(document, Transport.MQTT, TOPIC, NOW), known)


@pytest.mark.parametrize("name", WRITERS)
def test_a_module_is_found_by_its_dev_eui(name: str) -> None:
    verdict = judged(written(name, PULSES), (LORAWAN, "70-b3-d5-7e-d0-05-1a-2b"))
    assert (verdict.reason, verdict.row, verdict.identity) == (None, 0, f"dev_eui {EUI}")
    assert verdict.decoded is not None
    assert verdict.decoded.telegram.octets == PULSES
    heard = int(AT.timestamp()) * 1_000_000 + AT.microsecond
    assert verdict.counted == Counted(17, sealed=False, radio=True, heard=heard)
    assert verdict.is_of_its_time


def test_an_uplink_of_nobody_is_named() -> None:
    verdict = judged(written("things", PULSES))
    assert verdict.reason is Reason.UNKNOWN_DEVICE
    assert verdict.detail == f"t, dev_eui {EUI}"
    verdict = judged(written("things", b"\x01", port=99))
    assert (verdict.reason, verdict.identity) == (Reason.UNKNOWN_DEVICE, f"dev_eui {EUI}")
    assert verdict.detail == "LoRaWAN uplink on port 99, no published type reads it"


def test_a_gateway_passes_on_a_telegram_that_names_its_meter() -> None:
    document = written("chirpstack-4", ITRON, port=10)
    named = judged(document)
    assert named.identity is not None
    address = named.identity.removeprefix("mbus ")
    verdict = judged(document, (1, address))
    assert (verdict.reason, verdict.row, verdict.identity) == (None, 0, f"mbus {address}")
    assert verdict.decoded is not None
    assert {one.at for one in verdict.decoded.readings} == {AT}


def test_what_the_server_has_decoded_may_be_read_instead() -> None:
    document = written("things", PULSES)
    verdict = judged(document, (DOCUMENTS, "meter-1"))
    assert (verdict.row, verdict.identity) == (0, "topic meter-1")
    assert verdict.uplink is None
    both = judged(document, (DOCUMENTS, "meter-1"), (LORAWAN, EUI))
    assert both.identity == f"dev_eui {EUI}"


@pytest.mark.parametrize(
    "document",
    [
        json.dumps(things_event("join_accept")).encode(),
        json.dumps(things_event("downlink_sent")).encode(),
        written("things", b"", port=0),
    ],
)
def test_there_is_nothing_to_read_in_an_event_of_nobody(document: bytes) -> None:
    verdict = judged(document)
    assert (verdict.reason, verdict.row, verdict.decoded) == (None, -1, None)


def test_a_spoilt_document_of_a_known_module_and_of_nobody() -> None:
    document = written("loriot", PULSES).replace(PULSES.hex().upper().encode(), b"01zz")
    verdict = judged(document, (LORAWAN, EUI))
    assert (verdict.reason, verdict.row) == (Reason.UNDECODABLE, 0)
    assert "this is no hexadecimal" in verdict.detail
    assert judged(document).identity == f"dev_eui {EUI}"
    cut = judged(written("things", PULSES)[:-1])
    assert (cut.reason, cut.identity) == (Reason.UNDECODABLE, "")


def test_another_port_than_the_type_knows() -> None:
    verdict = judged(written("things", PULSES, port=3), (LORAWAN, EUI))
    assert (verdict.reason, verdict.row) == (Reason.UNDECODABLE, 0)
    assert verdict.detail == "t: port 3, the type knows 2, 4, 5"


# --- the rule of counters ------------------------------------------------------------------------


def taken(known: Known, uplinks: list[tuple[int | None, int | None]]) -> list[int]:
    """uplinks: counter and minute when the network heard it; no counter: the module joined."""
    numbers = [number for number, _minute in uplinks]
    timed = all(minute is not None for _number, minute in uplinks)
    work = test_counters._work(numbers, sealed=False, at=AT if timed else None)
    for place, (number, minute) in enumerate(uplinks):
        verdict = work.verdicts[place]
        if number is None:
            joined = Uplink("Any", EUI, event=JOIN)
            work.verdicts[place] = verdict._replace(counted=None, uplink=joined)
            continue
        heard = (
            None if minute is None else NOW + timedelta(minutes=minute) // timedelta(microseconds=1)
        )
        work.verdicts[place] = verdict._replace(counted=Counted(number, False, True, heard))
    counters_judge(work, known)
    return list(work.new.tolist())


@pytest.mark.parametrize(
    ("uplinks", "expected", "highest"),
    [
        ([(0, 0), (1, 5), (1, 6), (0, 7)], [0, 1], 1),
        ([(0, 0), (1, 5), (2, 9), (0, 20), (1, 30)], [0, 1, 2, 3, 4], 1),
        ([(300, 0), (2, 5)], [0, 1], 300),
        ([(300, 0), (2, 11)], [0, 1], 2),
        ([(3, 0), (4, 1), (None, 2), (3, 3)], [0, 1, 2, 3], 3),
        ([(2**32 - 1, 0), (0, 60)], [0, 1], 0),
        ([(3, None), (4, None), (3, None)], [0, 1], 4),
        ([(70, None), (0, None), (1, None)], [0, 1, 2], 1),
        ([(65_535, None), (0, None)], [0, 1], 0),
        ([(5_000, None), (4_000, None)], [0], 5_000),
    ],
)
def test_a_frame_counter_begins_anew_with_a_session(
    uplinks: list[Any], expected: list[int], highest: int
) -> None:
    known = test_counters._known()
    assert taken(known, uplinks) == expected
    assert int(known.devices.highest[0, 2]) == highest
