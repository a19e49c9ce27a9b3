"""Frames of EN 13757-2."""

from __future__ import annotations

import pytest

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.mbus import decode_mbus

from .frames import answer, long_frame, uncovered

GOOD = answer("0413 15310000")


@pytest.mark.parametrize(
    ("octets", "control"),
    [("E5", None), ("10 5B FE 59 16", 0x5B), ("10 40 01 41 16", 0x40)],
)
def test_frames_without_data_give_layers_only(octets: str, control: int | None) -> None:
    telegram = decode_mbus(bytes.fromhex(octets))
    assert telegram.items == ()
    assert telegram.identity == {}
    assert telegram.warnings
    assert uncovered(telegram) == []
    assert control in [None, *(layer.value for layer in telegram.layers if layer.name == "control")]


def test_a_long_frame_names_its_parts() -> None:
    telegram = decode_mbus(GOOD)
    layers = {layer.name: layer for layer in telegram.layers}
    assert list(layers) == [
        "start", "control", "address", "ci", "id",
        "manufacturer", "version", "medium", "access_number", "status", "signature", "checksum",
        "stop",
    ]  # fmt: skip
    assert layers["control"].formula == "RSP-UD"
    assert (layers["checksum"].start, layers["stop"].end) == (len(GOOD) - 2, len(GOOD))
    assert uncovered(telegram) == []


@pytest.mark.parametrize(
    ("octets", "offset", "reason"),
    [
        (b"", 0, "no bytes"),
        (b"\x55" + GOOD, 0, "begins no frame"),
        (GOOD[:3], 3, "the frame has 4 bytes, 3 are there"),
        (GOOD[:-1], len(GOOD) - 1, "bytes"),
        (GOOD[:2] + b"\x03" + GOOD[3:], 2, "the length is"),
        (GOOD[:3] + b"\x69" + GOOD[4:], 3, "second 68h"),
        (bytes.fromhex("680000680016"), 1, "no room"),
        (bytes.fromhex("680202680801 0916"), 1, "no room"),
        (GOOD[:-2] + bytes((GOOD[-2] ^ 1, 0x16)), len(GOOD) - 2, "checksum"),
        (GOOD[:-1] + b"\x17", len(GOOD) - 1, "ends with 17h"),
        (GOOD + b"\x00", len(GOOD), "begins no frame"),
        (bytes.fromhex("105BFE5A16"), 3, "checksum"),
        (bytes.fromhex("105BFE"), 3, "5 bytes, 3"),
    ],
)
def test_broken_frames_are_refused_with_place_and_reason(
    octets: bytes, offset: int, reason: str
) -> None:
    with pytest.raises(DecodeError, match=reason) as refused:
        decode_mbus(octets)
    assert refused.value.offset == offset


@pytest.mark.parametrize("control", [0x53, 0x73])
@pytest.mark.parametrize("body", ["51 077904030201244001 04", "52 FFFFFFFFFFFFFFFF", "50", "72 00"])
def test_what_a_master_sends_is_no_reading(control: int, body: str) -> None:
    with pytest.raises(DecodeError, match="nothing is measured") as refused:
        decode_mbus(long_frame(body, control=control))
    assert refused.value.offset == 6


def test_frames_of_one_meter_are_read_together() -> None:
    first, second = answer("0413 15310000 1F"), answer("0413 16310000 0F AA")
    telegram = decode_mbus(b"\xe5" + first + second)
    assert [(item.name, item.value) for item in telegram.items][:2] == [
        ("volume", telegram.items[0].value),
        ("volume_2", telegram.items[1].value),
    ]
    assert [str(item.value) for item in telegram.items[:2]] == ["12.565", "12.566"]
    assert telegram.items[2].name == "manufacturer_data"
    assert "more_records_follow" not in telegram.identity
    assert uncovered(telegram) == []


def test_more_records_follow_is_told() -> None:
    telegram = decode_mbus(answer("0413 15310000 1F"))
    assert telegram.identity["more_records_follow"] == "1"
    assert telegram.warnings == ("more records follow in another telegram of the meter",)


def test_frames_of_two_meters_are_refused() -> None:
    other = long_frame("72 11111111 2440 01 07 55 00 0000 0413 00000000")
    with pytest.raises(DecodeError, match="11111111") as refused:
        decode_mbus(GOOD + other)
    assert refused.value.offset == len(GOOD)
