"""Frames out of streams that are cut, damaged or escaped."""

from __future__ import annotations

import pytest

from ingestion.codecs.cosem import HdlcReader, decode_cosem
from ingestion.codecs.cosem.hdlc import frames_of, x25
from ingestion.codecs.errors import DecodeError

from .parts import APDU, flagged, framed

_LLC = b"\xe6\xe7\x00"


def test_checksum_of_the_standard_text() -> None:
    assert x25(b"123456789") == 0x906E


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_frames_come_whole_from_chunks_of_any_size(size: int) -> None:
    stream = b"\x00\x7e\x33" + flagged(framed(_LLC + APDU), framed(b"\x7e\x7d")) + b"\x11"
    reader, frames = HdlcReader(), []
    for start in range(0, len(stream), size):
        frames += reader.feed(stream[start : start + size])
    assert [frame.information.data for frame in frames] == [_LLC + APDU, b"\x7e\x7d"]
    assert all(frame.is_good for frame in frames)


def test_places_count_from_the_first_byte() -> None:
    reader = HdlcReader()
    assert reader.feed(b"noise") == []
    (frame,) = reader.feed(flagged(framed(b"ab")))
    start, end = frame.information.span(0, 2)
    assert (start, end) == (5 + 1 + 2 + 4 + 2, 5 + 1 + 2 + 4 + 2 + 2)


def test_two_flags_between_frames() -> None:
    frames = frames_of(flagged(framed(b"a")) + flagged(framed(b"b")))
    assert [frame.information.data for frame in frames] == [b"a", b"b"]


def test_a_last_flag_may_be_missing() -> None:
    assert len(frames_of(flagged(framed(b"ab"))[:-1])) == 1
    assert frames_of(flagged(framed(b"ab"))[:-2]) == []


def test_a_false_start_does_not_hide_the_frame_behind_it() -> None:
    (frame,) = frames_of(b"\x7e\xa7\xff" + flagged(framed(b"ab")))
    assert frame.information.data == b"ab"


def test_escaped_frames_are_read() -> None:
    plain = framed(_LLC + APDU + b"")
    escaped = plain.replace(b"\x7d", b"\x7d\x5d").replace(b"\x7e", b"\x7d\x5e")
    escaped = escaped.replace(b"\x13", b"\x7d\x33")
    (frame,) = frames_of(flagged(escaped), transparent=True)
    assert frame.octets.data == plain
    assert decode_cosem(flagged(escaped)).items[0].value == 280


def test_an_aborted_frame_is_dropped() -> None:
    assert frames_of(flagged(framed(b"ab") + b"\x7d"), transparent=True) == []


def test_addresses_of_one_two_and_four_bytes() -> None:
    for address in (b"\x03", b"\x02\x23", b"\x00\x02\x04\x07"):
        header = (0xA000 | 2 + len(address) + 1 + 1 + 2).to_bytes(2, "big") + address + b"\x21\x10"
        (frame,) = frames_of(flagged(header + x25(header).to_bytes(2, "little")))
        assert (frame.destination, frame.source, frame.control) == (address, b"\x21", 0x10)
        assert frame.is_good and not frame.has_information


def test_segments_are_joined_and_placed() -> None:
    half = len(APDU) // 2
    stream = flagged(framed(_LLC + APDU[:half], more=True), framed(APDU[half:]))
    telegram = decode_cosem(stream)
    (item,) = telegram.items
    assert item.value == 280
    # The item runs across the end of one frame and the beginning of the next.
    assert stream[item.start] == 0x02 and stream[item.end - 1] == 0x1B
    with pytest.raises(DecodeError, match="last HDLC segment"):
        decode_cosem(flagged(framed(_LLC + APDU, more=True)))


def test_several_messages_of_one_capture() -> None:
    telegram = decode_cosem(flagged(framed(_LLC + APDU), framed(_LLC + APDU)))
    assert [item.name for item in telegram.items] == [
        "active_power_import",
        "active_power_import_2",
    ]


def test_damage_is_named_with_both_checksums() -> None:
    stream = bytearray(flagged(framed(_LLC + APDU)))
    stream[-5] ^= 1
    with pytest.raises(DecodeError, match=r"computed [0-9a-f]{4}, given [0-9a-f]{4}") as caught:
        decode_cosem(bytes(stream))
    assert caught.value.offset == len(stream) - 3


def test_a_wrong_header_check_is_noticed() -> None:
    frame = bytearray(framed(_LLC + APDU))
    frame[6] ^= 1
    frame[-2:] = x25(bytes(frame[:-2])).to_bytes(2, "little")
    with pytest.raises(DecodeError, match="header check"):
        decode_cosem(flagged(bytes(frame)))


def test_frames_without_information_carry_nothing() -> None:
    with pytest.raises(DecodeError, match="no HDLC frame carries"):
        decode_cosem(bytes.fromhex("7ea00801020110378d7e"))
