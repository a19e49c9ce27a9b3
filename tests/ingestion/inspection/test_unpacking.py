"""Documents of LoRaWAN network servers, looked at and decoded without a database."""

from __future__ import annotations

import json
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from django.core.management import CommandError, call_command

from ingestion.decoding import Arrival
from ingestion.inspection import recognise, unpacked
from tests.ingestion.codecs.lorawan.written import AT, EUI, things_event, written

if TYPE_CHECKING:
    from pathlib import Path

PAYLOAD = bytes.fromhex("0100007b00000a65920080")


def _told(document: bytes, folder: Path, *arguments: str) -> str:
    path = folder / "uplink.json"
    path.write_bytes(document)
    out = StringIO()
    call_command("decode", str(path), *arguments, stdout=out)
    return out.getvalue()


def test_a_document_is_told_from_other_json() -> None:
    found = recognise(written("chirpstack-4", PAYLOAD))
    assert found.kind == "lorawan"
    assert found.telegram.identity == {"server": "ChirpStack 4", "dev_eui": EUI}
    values = {item.name: item.value for item in found.telegram.items}
    assert (values["payload"], values["port"]) == (PAYLOAD, 2)
    assert recognise(b'{"devEui":"70B3D57ED0051A2B","water":12}').kind == "json"


def test_a_document_as_it_is(tmp_path: Path) -> None:
    told = _told(written("things", PAYLOAD), tmp_path, "--bytes")
    assert "server: The Things Stack" in told
    assert "01 00 00 7b" in told
    assert "nothing to read here" in _told(
        json.dumps(things_event("join_accept")).encode(), tmp_path, "--auto"
    )


def test_a_document_by_the_type_of_its_module(tmp_path: Path) -> None:
    told = _told(written("thingpark", PAYLOAD), tmp_path, "--type", "dragino-cpl01", "--bytes")
    assert f"dev_eui: {EUI}" in told
    assert "total_pulse" in told
    assert "00 00 7b" in told


def test_an_event_is_refused_by_a_type(tmp_path: Path) -> None:
    event = json.dumps(things_event("downlink_sent")).encode()
    with pytest.raises(CommandError, match="downlink sent: nothing to read here"):
        _told(event, tmp_path, "--type", "dragino-cpl01")


def test_what_comes_of_a_document() -> None:
    octets, arrival, uplink = unpacked(written("loriot", PAYLOAD), Arrival(), kind="binary")
    assert (octets, arrival.port, arrival.device) == (PAYLOAD, 2, EUI)
    assert (arrival.transport, arrival.received_at) == ("lorawan", AT)
    assert uplink is not None
    document = written("loriot", PAYLOAD)
    assert unpacked(document, Arrival(), kind="json") == (document, Arrival(), None)
    assert unpacked(PAYLOAD, Arrival(), kind="binary") == (PAYLOAD, Arrival(), None)
