"""Uplinks out of the documents of network servers."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.lorawan import JOIN, SpoiltUplink, Uplink, read_uplink, uplink_telegram

from .written import AT, EUI, WRITERS, things_event, written

PAYLOAD = bytes.fromhex("0100007b00000a65920080")
# Way to write → RSSI and SNR of the gateway that heard it best.
SIGNALS: dict[str, tuple[str, str] | None] = {
    "things": ("-35", "5"),
    "chirpstack-4": ("-36", "10.5"),
    "chirpstack-3": ("-48", "9"),
    "chirpstack-3-old": ("-57", "10"),
    "thingpark": ("-80", "7"),
    "loriot": None,
    "loriot-gateways": ("-90", "7"),
    "netmore": ("-112", "-3"),
    "wanesy": ("-40", "12.2"),
    "everynet": ("-43", "9.5"),
}
EVENTS: list[tuple[dict[str, Any], str, str]] = [
    (things_event("join_accept"), EUI, JOIN),
    (things_event("downlink_ack"), EUI, "downlink acknowledged"),
    (things_event("downlink_queued"), EUI, "downlink queued"),
    (things_event("something_new"), EUI, "event"),
    (
        {"time": AT.isoformat(), "deviceInfo": {"devEui": EUI.lower()}, "devAddr": "0018"},
        EUI,
        JOIN,
    ),
    ({"deviceInfo": {"devEui": EUI}, "queueItemId": "x", "acknowledged": True}, EUI, "downlink"),
    ({"deviceInfo": {"devEui": EUI}, "margin": 7, "batteryLevel": 99.2}, EUI, "status"),
    ({"deviceInfo": {"devEui": EUI}, "level": "ERROR", "code": "UPLINK_CODEC"}, EUI, "log"),
    ({"applicationID": "1", "devEUI": EUI, "devAddr": "0018", "rxInfo": []}, EUI, JOIN),
    (
        {"applicationID": "1", "devEUI": EUI, "acknowledged": True, "fCnt": 3},
        EUI,
        "downlink acknowledged",
    ),
    ({"DevEUI_notification": {"DevEUI": EUI, "Type": "join", "FCntDn": 0}}, EUI, JOIN),
    ({"DevEUI_downlink_Sent": {"DevEUI": EUI, "FPort": "1"}}, EUI, "downlink sent"),
    ({"cmd": "txd", "EUI": EUI, "seqdn": 3}, EUI, "downlink sent"),
    ({"type": "join_request", "meta": {"device": EUI}, "params": {}}, EUI, JOIN),
]


def read(document: Any) -> Uplink:
    uplink = read_uplink(json.dumps(document).encode())
    assert uplink is not None
    return uplink


@pytest.mark.parametrize("name", WRITERS)
def test_an_uplink_of_each_server(name: str) -> None:
    octets = written(name, PAYLOAD)
    uplink = read_uplink(octets)
    assert uplink is not None
    assert uplink[:6] == (WRITERS[name][1], EUI, 2, 17, PAYLOAD, AT)
    assert uplink.event == ""
    signal = SIGNALS[name]
    levels = (None, None) if signal is None else tuple(map(Decimal, signal))
    assert (uplink.rssi, uplink.snr) == levels


@pytest.mark.parametrize("name", WRITERS)
def test_the_places_of_its_parts_in_the_document(name: str) -> None:
    octets = written(name, PAYLOAD)
    uplink = read_uplink(octets)
    assert uplink is not None
    telegram = uplink_telegram(octets, uplink)
    assert (telegram.kind, telegram.identity["dev_eui"]) == ("lorawan", EUI)
    places = {item.name: octets[item.start : item.end].decode() for item in telegram.items}
    assert {"dev_eui", "port", "counter", "payload", "at"} <= places.keys()
    assert places["counter"].strip('"') == "17"
    assert not telegram.warnings


@pytest.mark.parametrize(("document", "eui", "event"), EVENTS)
def test_what_is_no_uplink_has_nothing_to_read(
    document: dict[str, Any], eui: str, event: str
) -> None:
    uplink = read(document)
    assert (uplink.dev_eui, uplink.event, uplink.payload) == (eui, event, b"")
    [warning] = uplink_telegram(b"", uplink).warnings
    assert warning == f"{event}: nothing to read here"


def test_zeros_that_a_server_leaves_out() -> None:
    first = json.loads(written("things", PAYLOAD, counter=0))
    assert "f_cnt" not in first["uplink_message"]
    assert read(first).counter == 0
    network = json.loads(written("things", b"", port=0))
    assert (read(network).port, read(network).event) == (0, "uplink without data")


@pytest.mark.parametrize("eui", ["70-b3-d5-7e-d0-05-1a-2b", "70:B3:D5:7E:D0:05:1A:2B"])
def test_a_dev_eui_with_separators(eui: str) -> None:
    assert read(json.loads(written("loriot", PAYLOAD, eui=eui))).dev_eui == EUI


@pytest.mark.parametrize("time", ["1970-01-01T00:00:05Z", "0001-01-01T00:00:00Z", None])
def test_a_clock_that_was_never_set_tells_no_time(time: str | None) -> None:
    document = json.loads(written("chirpstack-3-old", PAYLOAD))
    document["rxInfo"][0]["time"] = time
    assert read(document).at is None


@pytest.mark.parametrize("level", ["1e9999999", "-1e-9999999", "NaN", "loud", True, 1e30, [], ""])
def test_an_odd_level_is_left_out(level: Any) -> None:
    document = json.loads(written("netmore", PAYLOAD))
    document[0]["rssi"] = level
    assert (read(document).rssi, read(document).payload) == (None, PAYLOAD)


def _changed(name: str, path: str, value: Any) -> bytes:
    document: Any = json.loads(written(name, PAYLOAD))
    part, *keys = document, *path.split(".")
    for key in keys[:-1]:
        part = part[key]
    part[keys[-1]] = value
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (_changed("things", "uplink_message.frm_payload", "AQ?="), "payload: this is no base64"),
        (_changed("chirpstack-4", "data", 7), "payload: no text"),
        (_changed("loriot", "data", "01zz"), "payload: this is no hexadecimal"),
        (_changed("loriot", "data", "012"), "payload: this is no hexadecimal"),
        (_changed("loriot", "data", "00" * 256), "256 bytes, a LoRaWAN frame has 255 at most"),
        (_changed("things", "uplink_message.f_port", 256), "no whole number from 0 to 255"),
        (_changed("thingpark", "DevEUI_uplink.FCntUp", "-1"), "counter: '-1' is no whole number"),
        (_changed("thingpark", "DevEUI_uplink.Time", "noon"), "at: 'noon' is not a time"),
        (_changed("thingpark", "DevEUI_uplink.PayloadEncryption", 1), "no key to open"),
        (_changed("loriot", "encdata", "0102"), "no key to open"),
        (_changed("chirpstack-4", "joinServerContext", {"appSKey": {}}), "no key to open"),
    ],
)
def test_a_spoilt_uplink_names_the_reason_and_the_device(octets: bytes, reason: str) -> None:
    with pytest.raises(SpoiltUplink) as caught:
        read_uplink(octets)
    assert reason in str(caught.value)
    assert caught.value.dev_eui == EUI
    assert 0 < caught.value.offset < len(octets)


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (written("things", PAYLOAD)[:-2], "a comma or } is needed"),
        (_changed("things", "end_device_ids.dev_eui", None), "no DevEUI"),
        (_changed("loriot", "EUI", "70B3"), "no DevEUI of 16"),
        (_changed("chirpstack-3", "devEUI", "AgI="), "no DevEUI of 16"),
        (b'{"end_device_ids": ' + b"[" * 40 + b"]" * 40 + b"}", "nested deeper"),
        (written("things", PAYLOAD) + b" " * 65_536, "an uplink may have 65536"),
        (b"[" + b",".join([written("netmore", PAYLOAD)[1:-1]] * 2) + b"]", "several uplinks"),
    ],
)
def test_a_spoilt_document_of_nobody(octets: bytes, reason: str) -> None:
    with pytest.raises(SpoiltUplink, match=reason) as caught:
        read_uplink(octets)
    assert caught.value.dev_eui == ""


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"{",
        b"\x01\x02",
        b'{"Time":"2026-01-17T01:29:07","ENERGY":{"Total":91.135}}',
        b'[{"bn":"urn:dev:ow:10e2073a01080063","n":"voltage","v":120.1}]',
        b'{"meta":{"page":1},"data":[]}',
        b'{"meta":{"page":1},"data":[}',
        b'{"devEui":"70B3D57ED0051A2B","water":12}',
        b"[]",
    ],
)
def test_another_document_is_none(octets: bytes) -> None:
    assert read_uplink(octets) is None


_DOCUMENTS = st.sampled_from([written(name, PAYLOAD) for name in WRITERS]).flatmap(
    lambda octets: st.tuples(
        st.just(octets),
        st.lists(
            st.tuples(st.integers(0, len(octets) - 1), st.sampled_from(b'"{}[],:0-9eE.xn\\\xff')),
            min_size=1,
            max_size=4,
        ),
        st.integers(0, len(octets)),
    )
)


@settings(max_examples=150, deadline=None)
@given(_DOCUMENTS)
def test_a_changed_document_is_read_or_refused(
    changed: tuple[bytes, list[tuple[int, int]], int],
) -> None:
    octets, places, end = changed
    spoilt = bytearray(octets)
    for place, octet in places:
        spoilt[place] = octet
    for one in (bytes(spoilt), bytes(spoilt[:end])):
        try:
            uplink = read_uplink(one)
        except DecodeError as error:
            assert error.reason
            continue
        assert uplink is None or (len(uplink.dev_eui) == 16 and len(uplink.payload) <= 255)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(WRITERS)), st.data())
def test_any_value_in_any_place_is_read_or_refused(name: str, data: st.DataObject) -> None:
    document: Any = json.loads(written(name, PAYLOAD))
    part = document[0] if isinstance(document, list) else document
    while True:
        key = data.draw(st.sampled_from(sorted(part)))
        if not isinstance(part[key], dict) or not part[key] or data.draw(st.booleans()):
            break
        part = part[key]
    part[key] = data.draw(_VALUES)
    try:
        read_uplink(json.dumps(document).encode())
    except DecodeError as error:
        assert error.reason
