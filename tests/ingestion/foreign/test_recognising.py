"""Whose message it is: by type and identity, in memory, whatever the bytes are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.decoding import Identity
from ingestion.foreign import recognising, types
from ingestion.foreign.devices import Foreign, ForeignDevice
from ingestion.foreign.messages import Message, looks_like_ours, normal
from ingestion.foreign.recognising import judge
from ingestion.foreign.types import ForeignTypes
from ingestion.models import Reason, Transport
from ingestion.pipeline import Known
from ingestion.registry import Companies, Devices, Flag
from ingestion.routing import ModuleChannels, Routes
from tests.ingestion.codecs.wmbus.frames import bare, compact, short
from tests.ingestion.foreign import site
from tests.ingestion.foreign.test_collecting import ITRON, RADIO, RADIO_KEY, RADIO_TYPE, WATER_TYPE

if TYPE_CHECKING:
    from ingestion.foreign.recognising import Verdict

NOW = 1_764_000_000_000_000
PUSH_TYPE = """\
type: push
version: 1
vendor: Any
model: DLMS push over UDP
resource: electricity
identify: {transport: udp, device: $identity.system_title}
decode: {kind: cosem}
"""
TEXTS = {
    1: WATER_TYPE,
    2: RADIO_TYPE,
    3: site.shipped("dragino_sw3l_nb"),
    4: site.shipped("tasmota_energy"),
    5: PUSH_TYPE,
}
TASMOTA = b'{"Time":"2026-01-17T01:29:07","ENERGY":{"Total":91.135}}'


def known_with(*entered: tuple[int, str], key: bytes | None = None) -> Known:
    """The types above and modules (type, address) with ids from 1; all have the key, if any."""
    count = len(entered)
    devices = Devices.empty(count)
    devices.module[:] = range(count, 0, -1)
    devices.device[:] = -devices.module
    devices.company[:] = 1
    devices.flags[:] = Flag.ACTIVE
    if key is not None:
        devices.keys[:, :2] = np.frombuffer(key, np.uint8)
        devices.flags |= Flag.KEY | Flag.KEY << 1
    foreign = Foreign(
        ForeignTypes(
            made
            for number, text in TEXTS.items()
            if (made := types.type_made(1, number, "t", text))
        )
    )
    foreign.put(
        ((kind, normal(address)), ForeignDevice(module, 1, {"zone": "UTC"}))
        for module, (kind, address) in enumerate(entered, 1)
    )
    nothing: Any = np.zeros(0, np.int64)
    channels = ModuleChannels(nothing, np.zeros((0, 4), np.int64), np.zeros((0, 4), np.int16))
    companies = Companies([(1, "UTC", ["10.0.0.0/8"])])
    return Known(companies, devices, Routes.empty(), channels, foreign=foreign)


def judged(payload: bytes, known: Known, source: str = "10.0.0.1", at: int = NOW) -> Verdict:
    transport = Transport.MQTT if source.startswith("mqtt:") else Transport.UDP
    return judge(Message(payload, transport, source, at), known)


@pytest.mark.parametrize("address", ["ACW-11490378", "acw 11490378", "11490378"])
def test_a_module_is_found_however_its_address_was_written(address: str) -> None:
    verdict = judged(ITRON, known_with((1, address)))
    assert (verdict.reason, verdict.identity, verdict.row) == (None, "mbus ACW-11490378", 0)
    assert verdict.decoded is not None
    assert [reading.value for reading in verdict.decoded.readings] == [54_321]


@pytest.mark.parametrize(
    ("key", "reason"),
    [(None, Reason.NO_KEY), (bytes(range(16)), Reason.WRONG_KEY), (RADIO_KEY, None)],
)
def test_keys_are_told_apart(key: bytes | None, reason: Reason | None) -> None:
    assert judged(RADIO, known_with((2, "51048627"), key=key)).reason == reason


@pytest.mark.parametrize(
    ("key", "reason"),
    [(None, Reason.NO_KEY), (bytes(range(16)), Reason.WRONG_KEY), (b"MYDUMMYGLOBALKEY", None)],
)
def test_who_ciphered_a_push_is_known_before_its_key(
    key: bytes | None, reason: Reason | None
) -> None:
    """pwitab/dlms-cosem, tests/test_udp_message.py; key A and key B of the module are the same."""
    pushes = site.vectors("dlms_udp_push.json")["vectors"]
    title = pushes[0]["system_title"]
    for known in (known_with((5, title), key=key), known_with((5, title.upper()), key=key)):
        found = [judged(bytes.fromhex(push["udp_payload_hex"]), known) for push in pushes]
        assert {verdict.reason for verdict in found} == {reason}
        assert {verdict.identity for verdict in found} == {f"serial {title}"}


def test_the_module_of_another_type_is_not_taken() -> None:
    assert judged(ITRON, known_with((3, "11490378"))).reason == Reason.UNKNOWN_DEVICE


def test_networks_bind_foreign_messages_but_not_those_of_brokers() -> None:
    assert judged(ITRON, known_with((1, "11490378")), "192.0.2.1").reason == Reason.FOREIGN_SOURCE
    assert judged(TASMOTA, known_with((4, "ups")), "mqtt:tele/ups/SENSOR").reason is None


def test_who_speaks_is_known_by_the_topic_of_what_can_not_be_read() -> None:
    verdict = judged(b"[]", known_with((4, "ups")), "mqtt:tele/ups/SENSOR")
    assert (verdict.reason, verdict.identity, verdict.row) == (Reason.UNDECODABLE, "topic ups", 0)


def test_a_flood_of_strangers_is_not_read_for_ever_and_hides_nobody_who_is_known() -> None:
    known = known_with((1, "11490378"))
    assert judged(ITRON, known).reason is None
    for _ in range(2_001):
        last = judged(b"\0\0\0\0\0\0\0\0\0", known, "10.0.0.66")
    assert "too much" in last.detail
    assert judged(ITRON, known).reason is None
    assert "too much" in judged(ITRON, known, "10.0.0.67").detail
    later = judged(ITRON, known, "10.0.0.67", NOW + 60_000_000)
    assert later.reason is None


@pytest.mark.parametrize(
    ("payload", "spoilt"),
    [
        (b"\x20RDO\0\0\0\1\2", True),
        (b"\xffRDO\0\0\0\1\2", True),
        (b"\x20rdo\0\0\0\1\2", True),
        (b"short", True),
        (b"/KFM5KAIFA-METER\r\n", False),
        (b'{"Time":1}', False),
        (ITRON, False),
    ],
)
def test_spoilt_frames_of_ours_are_told_apart(payload: bytes, spoilt: bool) -> None:
    assert looks_like_ours(payload) is spoilt


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_bytes_raise(data: st.DataObject) -> None:
    known = known_with((1, "11490378"), (2, "51048627"), key=RADIO_KEY)
    whole = bytearray(data.draw(st.sampled_from([ITRON, RADIO, TASMOTA, bytes(40)])))
    for _ in range(data.draw(st.integers(0, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    source = data.draw(st.sampled_from(["10.0.0.1", "mqtt:tele/a/SENSOR", ""]))
    verdict = judged(cut, known, source)
    assert (verdict.reason is None) == (verdict.decoded is not None)


def test_a_closed_message_is_opened_at_once_where_one_that_began_so_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = known_with((2, "51048627"), key=RADIO_KEY)
    first = judged(RADIO, known)
    assert len(known.foreign.senders) == 1
    monkeypatch.setattr(recognising, "_heard", None)
    again = judged(RADIO, known)
    assert again.reason is None
    assert (again.identity, again.row, again.is_of_its_time) == (first.identity, first.row, False)
    assert again.decoded is not None and first.decoded is not None
    assert again.decoded.readings == first.decoded.readings
    known.foreign.drop([1])
    assert known.foreign.senders == {}


def test_what_was_remembered_of_a_sender_never_hides_what_a_message_is() -> None:
    other_key = known_with((2, "51048627"), key=bytes(range(16)))
    known = known_with((2, "51048627"), key=RADIO_KEY)
    judged(RADIO, known)
    known.devices.keys = other_key.devices.keys
    assert judged(RADIO, known).reason is Reason.WRONG_KEY
    known.devices.flags &= np.uint8(~Flag.ACTIVE & 0xFF)
    assert judged(RADIO, known).reason is Reason.BLOCKED
    [(key, (one, _identity))] = known.foreign.senders.items()
    known.foreign.senders[key] = one, Identity(scheme="mbus", value="KAD-51048627")
    known.devices.flags |= np.uint8(Flag.ACTIVE)
    assert judged(RADIO, known).identity == "mbus VIP-51048627"


def test_full_frames_in_the_clear_teach_the_memory_to_read_compact_ones() -> None:
    headers, data = (b"\x0c\x14",), (b"\x27\x04\x85\x02",)
    full, closed = bare(short(headers[0] + data[0])), compact(headers, data)
    known = known_with((2, "12345678"))
    before = judged(closed, known)
    assert before.reason is Reason.UNDECODABLE
    assert judged(full, known).reason is None
    after = judged(closed, known)
    assert after.decoded is not None
    assert [one.value for one in after.decoded.readings] == [28_504_270]
