"""The data link layer: formats A and B, frames without checksums, what receivers leave."""

from __future__ import annotations

import pytest

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.telegram import Telegram
from ingestion.codecs.wmbus import decode_wmbus

from .frames import RECORDS, bare, crc, format_a, format_b, short

# From one block to the longest frame; 116 bytes fill the first block of format B exactly.
_SIZES = (1, 6, 7, 16, 22, 23, 100, 110, 111, 112, 113, 200, 236)


def _frame(size: int) -> bytes:
    """A frame whose records are a manufacturer's data of this size."""
    return bare(short(b"\x0f" + bytes(range(size - 1))))


def _checksums(telegram: Telegram) -> int:
    return sum(layer.name == "link.crc" for layer in telegram.layers)


def test_check_value_of_the_standard_catalogue() -> None:
    """CRC-16/EN-13757 of "123456789" is C2B7 in every catalogue of checksums."""
    assert crc(b"123456789") == 0xC2B7
    assert decode_wmbus(format_a(bare(short(RECORDS)))).identity["frame_format"] == "format A"


@pytest.mark.parametrize("size", _SIZES)
def test_format_a(size: int) -> None:
    frame = _frame(size)
    telegram = decode_wmbus(format_a(frame))
    assert telegram.octets == format_a(frame)
    assert telegram.identity["frame_format"] == "format A"
    assert _checksums(telegram) == 1 + -(-(len(frame) - 10) // 16)
    assert telegram.items[-1].value == bytes(range(size - 1))


@pytest.mark.parametrize("size", _SIZES)
def test_format_b(size: int) -> None:
    frame = _frame(size)
    telegram = decode_wmbus(format_b(frame))
    assert telegram.identity["frame_format"] == "format B"
    assert _checksums(telegram) == 1 + (len(frame) > 126)
    assert telegram.items[-1].value == bytes(range(size - 1))


@pytest.mark.parametrize("size", _SIZES)
def test_without_checksums(size: int) -> None:
    telegram = decode_wmbus(_frame(size))
    assert telegram.identity["frame_format"] == "without CRC"
    assert not _checksums(telegram)
    assert telegram.items[-1].value == bytes(range(size - 1))


@pytest.mark.parametrize("place", [3, 11, 20, 29])
def test_a_changed_byte_breaks_format_a(place: int) -> None:
    broken = bytearray(format_a(bare(short(RECORDS))))
    broken[place] ^= 1
    with pytest.raises(DecodeError, match="checksums of format A do not match"):
        decode_wmbus(bytes(broken))


def test_spans_count_in_what_was_received() -> None:
    """A record that crosses a block has the checksum inside its span."""
    received = format_a(bare(short(RECORDS)))
    volume = decode_wmbus(received).items[0]
    assert received[volume.start : volume.start + 2] == bytes.fromhex("0c14")
    assert str(volume.value) == "28504.27"
    assert volume.unit == "m3"
    later = decode_wmbus(received).items[1]
    assert later.end - later.start == 6 + 2


def test_last_checksum_left_by_the_receiver() -> None:
    frame = bare(short(RECORDS))
    last = frame[10 + (len(frame) - 11) // 16 * 16 :]
    left = frame + crc(last).to_bytes(2, "big")
    telegram = decode_wmbus(left)
    assert telegram.warnings == ("the receiver left the checksum of the last block",)
    assert len(telegram.items) == 3


def test_signal_strength_behind_a_frame() -> None:
    telegram = decode_wmbus(bare(short(RECORDS)) + b"\x55")
    assert telegram.warnings == ("1 bytes stand behind the frame",)
    assert telegram.layers[-1].name == "link.appended"
    assert len(telegram.items) == 3


def test_length_that_counts_removed_checksums() -> None:
    frame = bare(short(RECORDS))
    telegram = decode_wmbus(bytes([frame[0] + 2]) + frame[1:])
    assert telegram.warnings == ("the length counts checksums that are not there",)
    assert len(telegram.items) == 3


@pytest.mark.parametrize(
    ("octets", "offset", "reason"),
    [
        (b"", 0, "at least 11 bytes"),
        (bytes(10), 10, "at least 11 bytes"),
        (bytes(20), 0, "the length 0 leaves no room"),
        (bytes([200]) + bytes(20), 0, "the length announces 201 bytes, 21 are there"),
        (bytes([255]) * 400, 300, "longer than 300 bytes"),
    ],
)
def test_refused(octets: bytes, offset: int, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason) as caught:
        decode_wmbus(octets)
    assert caught.value.offset == offset


def test_wired_frames_are_decoded_as_such() -> None:
    body = bytes.fromhex("0801 72 78563412 9315 33 03 2a 00 0000") + RECORDS
    wired = b"\x68" + bytes([len(body)]) * 2 + b"\x68" + body + bytes([sum(body) & 0xFF, 0x16])
    telegram = decode_wmbus(wired)
    assert telegram.kind == "mbus"
    assert telegram.identity["id"] == "12345678"


def test_identity_and_control() -> None:
    identity = decode_wmbus(bare(short(RECORDS))).identity
    assert (identity["manufacturer"], identity["id"]) == ("ELS", "12345678")
    assert (identity["version"], identity["medium"]) == ("51", "gas")
    assert (identity["control"], identity["access_number"]) == ("SND-NR", "42")
    assert "radio_id" not in identity


def test_meter_behind_another_radio() -> None:
    header = bytes.fromhex("72 11223344 2423 05 07 99 00 0000")
    identity = decode_wmbus(bare(header + RECORDS)).identity
    assert (identity["manufacturer"], identity["id"], identity["medium"]) == (
        "HYD",
        "44332211",
        "water",
    )
    assert (identity["radio_manufacturer"], identity["radio_id"]) == ("ELS", "12345678")


@pytest.mark.parametrize(
    ("ci", "known"), [(0xA0, True), (0xB7, True), (0xC6, False), (0x30, False)]
)
def test_content_of_a_makers_own(ci: int, known: bool) -> None:
    frame = bare(bytes([ci]) + b"secret")
    if known:
        telegram = decode_wmbus(frame)
        assert telegram.identity["id"] == "12345678"
        assert telegram.items[0].value == b"secret"
    else:
        with pytest.raises(DecodeError, match="not defined for wireless M-Bus"):
            decode_wmbus(frame)


def test_version_first_in_some_frames_of_one_maker() -> None:
    """Diehl's HYD modules put version and type before the identification there."""
    frame = bare(bytes([0xA2]) + bytes(14), bytes.fromhex("2423 8607 75035048"))
    identity = decode_wmbus(frame).identity
    assert (identity["id"], identity["version"], identity["medium"]) == (
        "48500375",
        "134",
        "water",
    )
