"""Documents of LoRaWAN network servers on the workbench: the payload in them is what is shown."""

from __future__ import annotations

import json

import pytest

from ingestion.decoding import run_tests
from ingestion.workbench.checking import checked
from ingestion.workbench.proposing import ProposalError, propose_definition
from ingestion.workbench.samples import sample_of
from meters.definition import read_definition
from meters.definition.nodes import plain, read_nodes
from tests.ingestion.codecs.lorawan.written import EUI, things_event, written
from tests.ingestion.foreign import site

PAYLOAD = bytes.fromhex("0100007b00000a65920080")


def test_the_bytes_of_the_payload_are_those_of_the_fields() -> None:
    document = written("things", PAYLOAD).decode()
    sample = sample_of({"payload": document, "config": "pulse_weight: 10"})
    shown = checked(site.shipped("dragino_cpl01"), sample)["sample"]
    assert shown["octets"] == PAYLOAD.hex()
    total = next(item for item in shown["items"] if item["name"] == "total_pulse")
    assert (total["start"], total["end"], total["value"]) == (1, 4, "123")
    assert shown["module"] == f"dev_eui: {EUI}"
    [case] = plain(read_nodes(shown["case"], name="case"))
    assert (case["transport"], case["port"], case["device"]) == ("lorawan", 2, EUI)
    assert case["payload"] == PAYLOAD.hex()


def test_a_document_without_an_uplink_says_so() -> None:
    sample = sample_of({"payload": json.dumps(things_event("join_accept"))})
    shown = checked(site.shipped("dragino_cpl01"), sample)["sample"]
    assert shown["error"]["reason"] == "join: nothing to read here"


def test_a_definition_with_faults_shows_the_document() -> None:
    sample = sample_of({"payload": written("things", PAYLOAD).decode()})
    shown = checked("type: nothing", sample)["sample"]
    assert shown["kind"] == "lorawan"


def test_a_definition_proposed_from_a_document() -> None:
    text = propose_definition(written("chirpstack-4", bytes.fromhex("a1b2c3d4e5"), port=7))
    definition = read_definition(text, name="proposal")
    assert definition.identify is not None
    assert (definition.identify.transport, definition.identify.ports) == (("lorawan",), (7,))
    assert definition.decode.kind == "binary"
    assert all(result.passed for result in run_tests(definition))
    with pytest.raises(ProposalError, match="nothing to read here"):
        propose_definition(json.dumps(things_event("join_accept")).encode())
