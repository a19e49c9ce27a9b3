"""Packets of MQTT, cut and read; topics and shards."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.codecs.universal_frame import device_id
from ingestion.transports.mqtt_packets import (
    Kind,
    PacketError,
    cut,
    packet,
    publish_packet,
    read_connect,
    read_filters,
    read_publish,
)
from ingestion.transports.mqtt_topics import belongs, down_topic, shard_filter, shards_of, up_topic

_LABEL = "RDO-0000001234"


def frame(label: str = _LABEL) -> bytes:
    return b"\x20" + device_id(label) + bytes(40)


@given(st.lists(st.binary(max_size=300), max_size=10), st.integers(1, 50))
def test_packets_are_cut_however_the_stream_is_split(bodies: list[bytes], step: int) -> None:
    stream = b"".join(packet(Kind.PUBLISH, body) for body in bodies)
    found, rest = [], b""
    for at in range(0, len(stream), step):
        rest += stream[at : at + step]
        packets, used = cut(rest, most=1_000)
        found += packets
        rest = rest[used:]
    assert found == [(Kind.PUBLISH, body) for body in bodies]
    assert rest == b""


@pytest.mark.parametrize("length", [0, 127, 128, 16_383, 16_384, 70_000])
def test_lengths_take_one_to_three_bytes(length: int) -> None:
    packets, used = cut(packet(0x30, bytes(length)) + b"\x30", most=100_000)
    assert packets == [(0x30, bytes(length))]
    assert used == length + (2 if length < 128 else 3 if length < 16_384 else 4)


@pytest.mark.parametrize("data", [b"\x30\xff\xff\xff\xff\x01", packet(0x30, bytes(101))])
def test_an_impossible_length_is_told_before_the_body_has_come(data: bytes) -> None:
    with pytest.raises(PacketError, match="length"):
        cut(data[:5], most=100)


def test_a_message_comes_apart_as_it_was_put_together() -> None:
    (first, body), *_ = cut(publish_packet(b"a/b", b"frame", 258), most=100)[0]
    assert read_publish(first, body) == (b"a/b", b"\x40\x02\x01\x02", b"frame")
    (first, body), *_ = cut(publish_packet(b"a/b", b"frame"), most=100)[0]
    assert read_publish(first, body) == (b"a/b", b"", b"frame")


@given(st.integers(0x30, 0x3F), st.binary(max_size=60))
def test_any_bytes_are_a_message_or_an_error(first: int, body: bytes) -> None:
    try:
        topic, acknowledgement, payload = read_publish(first, body)
    except PacketError:
        return
    assert 2 + len(topic) + len(payload) + (2 if acknowledgement else 0) == len(body)


@given(st.binary(max_size=80))
def test_any_bytes_are_a_connect_and_filters_or_an_error(body: bytes) -> None:
    for read in (read_connect, lambda body: read_filters(0x82, body)):
        try:
            read(body)
        except PacketError:
            continue


def test_a_connect_with_a_will_is_read() -> None:
    texts = [b"client", b"will/topic", b"will", b"user", b"pass"]
    fields = b"".join(len(text).to_bytes(2, "big") + text for text in texts)
    asked = read_connect(b"\x00\x04MQTT\x04\xc6\x00\x3c" + fields)
    assert asked == (True, 60, b"client", b"user", b"pass")
    assert not read_connect(b"\x00\x04MQTT\x05\xc6\x00\x3c" + fields).known_version


def test_topics_name_the_device_and_the_last_digit_of_its_number() -> None:
    assert up_topic(_LABEL) == "readout/v1/up/4/RDO-0000001234"
    assert down_topic(device_id(_LABEL)) == b"readout/v1/down/RDO-0000001234"
    assert shard_filter("4") == "readout/v1/up/4/+"


@pytest.mark.parametrize("label", [_LABEL, "ABC-0000000000", "XYZ-1099511627775"])
def test_a_frame_belongs_on_the_topic_of_its_device_only(label: str) -> None:
    topic = up_topic(label).encode()
    assert belongs(topic, frame(label))
    assert not belongs(topic, frame("RDO-0000001235"))
    assert not belongs(topic.replace(b"/up/", b"/up/x"), frame(label))


@pytest.mark.parametrize("payload", [b"", b"\x20short", b"\xff" + bytes(50)])
def test_what_is_no_frame_goes_to_the_engine_to_be_counted(payload: bytes) -> None:
    assert belongs(b"readout/v1/up/4/RDO-0000001234", payload)


@pytest.mark.parametrize(
    ("text", "shards"), [("0-9", "0123456789"), ("", ""), ("7", "7"), ("0-2, 58", "01258")]
)
def test_shards_are_named_by_digits_and_ranges(text: str, shards: str) -> None:
    assert shards_of(text) == shards


@pytest.mark.parametrize("text", ["a", "0-x", "5-2", "4;5"])
def test_other_shards_are_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"not digits|not found|before it begins"):
        shards_of(text)
