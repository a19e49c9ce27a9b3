"""What the CI field announces: headers, the fixed structure, errors, alarms, refusals."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.mbus import decode_application, decode_mbus, decode_records

from .frames import HEADER, answer, long_frame, uncovered

RECORD = "0413 15310000"


def test_identity_of_a_long_header() -> None:
    telegram = decode_mbus(answer(RECORD))
    assert dict(telegram.identity) == {
        "manufacturer": "PAD",
        "id": "12345678",
        "version": "1",
        "medium": "water",
        "medium_code": "07",
        "access_number": "85",
        "status": "00",
        "status_words": "",
        "signature": "0000",
        "address": "1",
    }


@pytest.mark.parametrize(
    ("body", "identity"),
    [
        (f"7A 55 0C 0000 {RECORD}", {"status": "0C", "status_words": "low power, permanent error"}),
        (f"78 {RECORD}", {}),
        (
            "76 12345678 4024 01 07 55 00 0000 0413 00003115",
            {"id": "12345678", "manufacturer": "PAD"},
        ),
    ],
)
def test_other_headers(body: str, identity: dict[str, str]) -> None:
    telegram = decode_mbus(long_frame(body))
    assert identity.items() <= dict(telegram.identity).items()
    assert [item.value for item in telegram.items] == [Decimal("12.565")]
    assert uncovered(telegram) == []


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("01", "application busy"),
        ("02", "application error"),
        ("03", "abnormal condition"),
        ("10", "temporary error"),
        ("E4", "low power, maker's bits E0h"),
    ],
)
def test_status_in_words(status: str, words: str) -> None:
    telegram = decode_application(bytes.fromhex(f"7A 55 {status} 0000"))
    assert telegram.identity["status_words"] == words


def test_application_data_without_a_frame() -> None:
    octets = b"\xff\xff\x72" + HEADER + bytes.fromhex(RECORD)
    telegram = decode_application(octets, 2)
    assert telegram.identity["id"] == "12345678"
    assert (telegram.items[0].start, telegram.items[0].end) == (15, 21)


def test_records_alone() -> None:
    telegram = decode_records(bytes.fromhex(f"1E {RECORD} 0F AA"), 1)
    assert [(item.name, item.start) for item in telegram.items] == [
        ("volume", 1),
        ("manufacturer_data", 8),
    ]
    assert telegram.identity == {}
    with pytest.raises(DecodeError, match="int32 needs 4 bytes") as refused:
        decode_records(bytes.fromhex("0413 1531"))
    assert refused.value.offset == 2


@pytest.mark.parametrize("body", ["72 785634", "7A 55", "72"])
def test_headers_cut_short(body: str) -> None:
    with pytest.raises(DecodeError, match="the header has"):
        decode_mbus(long_frame(body + "00"))


# The example of EN 1434-3: a water meter with 1 l, and 135 l at the fixed date.
def test_the_fixed_structure() -> None:
    telegram = decode_mbus(long_frame("73 78563412 0A 00 E97E 01000000 35010000"))
    assert telegram.identity["id"] == "12345678"
    assert telegram.identity["medium"] == "water"
    found = [(i.name, i.value, i.unit, i.facts["storage"]) for i in telegram.items]
    assert found == [
        ("counter_1", Decimal("0.001"), "m3", 0),
        ("counter_2", Decimal("0.135"), "m3", 1),
    ]
    assert [item.facts["quantity"] for item in telegram.items] == ["volume", "volume"]
    assert uncovered(telegram) == []


@pytest.mark.parametrize(
    ("body", "values"),
    [
        # binary, stored at a fixed date
        ("73 78563412 0A 03 0569 FFFFFFFF 45000000", [-1000, Decimal("0.069")]),
        # a minus in BCD, letters in BCD
        ("73 78563412 0A 00 0569 310000F0 EE000000", [-31000, None]),
        # a clock and a calendar as they stand; reserved units
        ("73 78563412 0A 00 0041 30201000 01020304", ["00102030", "04030201"]),
        ("73 78563412 0A 00 3A3F 05000000 06000000", [5, 6]),
        # highest byte first
        ("77 12345678 0A 00 6905 00000031 00000045", [31000, Decimal("0.045")]),
    ],
)
def test_counters_of_the_fixed_structure(body: str, values: list[Any]) -> None:
    telegram = decode_mbus(long_frame(body))
    assert [item.value for item in telegram.items] == values
    assert [item.facts["valid"] for item in telegram.items] == [v is not None for v in values]
    assert uncovered(telegram) == []


def test_the_fixed_structure_has_sixteen_bytes() -> None:
    with pytest.raises(DecodeError, match="16 bytes, 15"):
        decode_mbus(long_frame("73 78563412 0A 00 E97E 01000000 350100"))


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ("70", 0, "unspecified error"),
        ("70 08", 8, "application too busy for a readout"),
        ("70 05", 5, "more than 10 DIFE"),
        ("70 99", 0x99, "error 99h of the maker"),
        ("70 F0 0102", 0xF0, "dynamic application error"),
        ("6E 55 02 0000 03", 3, "too many records"),
        ("6F 78563412 2440 01 07 55 02 0000 09", 9, "too many readouts"),
    ],
)
def test_application_errors(body: str, code: int, words: str) -> None:
    telegram = decode_mbus(long_frame(body))
    (item,) = telegram.items
    assert (item.name, item.value, item.facts["words"]) == ("application_error", code, words)
    assert uncovered(telegram) == []


@pytest.mark.parametrize("body", ["71 05", "74 55 00 0000 05"])
def test_alarms(body: str) -> None:
    (item,) = decode_mbus(long_frame(body)).items
    assert (item.name, item.value) == ("alarm", 5)


def test_an_alarm_without_its_byte() -> None:
    with pytest.raises(DecodeError, match="alarm byte"):
        decode_mbus(long_frame("71"))


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("51", "command"),
        ("79", "compact frame"),
        ("8A", "wireless"),
        ("90", "authentication"),
        ("A2", "maker's own"),
        ("B8", "baud"),
        ("7C", "COSEM"),
        ("7E", "OBIS"),
        ("6C", "clock"),
        ("FF", "reserved"),
        ("62", "reserved"),
    ],
)
def test_other_ci_fields_are_refused_with_their_reason(code: str, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason) as refused:
        decode_mbus(long_frame(code + "00" * 20))
    assert refused.value.offset == 6
    assert f"{code}h" in refused.value.reason


def test_the_ci_field_must_be_there() -> None:
    with pytest.raises(DecodeError, match="CI field is missing"):
        decode_application(b"\x72", 1)


# Configuration, whether what follows is taken for encrypted.
@pytest.mark.parametrize(
    ("configuration", "data", "refused"),
    [
        ("1005", "00" * 16, True),
        ("1007", "00" * 16, True),
        ("1005", "2F2F" + "00" * 14, False),  # decrypted already
        ("2005", "0113" * 8, False),  # a signature: no two blocks there
        ("27B6", "0113" * 8, False),  # a signature
    ],
)
def test_encrypted_data_are_told(configuration: str, data: str, refused: bool) -> None:
    octets = bytes.fromhex(f"7A 55 00 {configuration} {data}")
    if refused:
        with pytest.raises(DecodeError, match="encrypted") as error:
            decode_application(octets)
        assert error.value.offset == 5
    else:
        assert decode_application(octets).items


def test_every_byte_is_said_once() -> None:
    octets = answer("2F2F 0413 15310000 8D04931F 05 5901 030211 0D FD11 02 4142 2F 1F AABBCC")
    telegram = decode_mbus(octets)
    assert uncovered(telegram) == []
    names = [layer.name for layer in telegram.layers]
    assert names.count("filler") == 2
    assert "more_records_follow" in names
    assert telegram.items[-1].value == bytes.fromhex("AABBCC")
