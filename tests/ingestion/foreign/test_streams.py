"""Streams of messages without lengths, cut wherever the network cuts them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.transports.raw_streams import begins_raw, cut_raw

LONG = bytes.fromhex("6803036808015b6416")
SHORT = bytes.fromhex("105b015c16")
P1 = b"/ISk5\\2MT382-1000\r\n\r\n1-3:0.2.8(50)\r\n!AB12\r\n"


def fed(stream: bytes, sizes: list[int]) -> list[bytes]:
    """What comes out when the stream comes in pieces of these sizes, the last one repeated."""
    buffer, found, at, place = b"", [], 0, 0
    while at < len(stream):
        size = sizes[min(place, len(sizes) - 1)]
        buffer += stream[at : at + size]
        at, place = at + size, place + 1
        cut = cut_raw(buffer)
        assert cut is not None
        messages, used = cut
        found += messages
        buffer = buffer[used:]
    assert not buffer
    return found


@settings(max_examples=40, deadline=None)
@given(
    messages=st.lists(st.sampled_from([LONG, SHORT, b"\xe5", P1]), max_size=6),
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=5),
)
def test_messages_come_out_whole_however_they_arrive(
    messages: list[bytes], sizes: list[int]
) -> None:
    assert fed(b"".join(messages), sizes) == messages


def test_line_ends_between_telegrams_are_nothing() -> None:
    assert cut_raw(P1 + b"\r\n" + P1) == ([P1, P1], 2 * len(P1) + 2)


@pytest.mark.parametrize("stream", [b"\x68\x03\x04\x68", b"\x68\x03\x03\x00", b"/" + bytes(8_192)])
def test_what_can_be_none_of_them_ends_the_connection(stream: bytes) -> None:
    assert cut_raw(stream) is None
    assert cut_raw(LONG + stream) is None


def test_lengths_of_ours_are_told_apart() -> None:
    assert not any(begins_raw(length >> 8) for length in range(1, 1_201))
    assert all(begins_raw(message[0]) for message in (LONG, SHORT, P1))
