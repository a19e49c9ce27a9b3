"""Extended link layers, the authentication layer, the headers of transport layers."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.wmbus import decode_wmbus

from .frames import ADDRESS, KEY, OMS_COUNTER, RECORDS, bare, crc, mode_7, session, short

_RECEIVER = bytes.fromhex("2d2c 44332211 01 31")


def _summed(payload: bytes) -> bytes:
    return crc(payload).to_bytes(2, "little") + payload


@pytest.mark.parametrize(
    "layer",
    [
        bytes.fromhex("8c 20 71"),
        bytes.fromhex("8e 20 71") + _RECEIVER,
        bytes.fromhex("86 20 71 00"),
    ],
    ids=["8C", "8E", "86"],
)
def test_extended_link_without_session(layer: bytes) -> None:
    telegram = decode_wmbus(bare(layer + short(RECORDS)))
    assert telegram.items[0].value == Decimal("28504.27")
    assert telegram.identity["id"] == "12345678"


@pytest.mark.parametrize("receiver", [b"", _RECEIVER], ids=["8D", "8F"])
def test_session_that_is_not_encrypted(receiver: bytes) -> None:
    layer = bytes([0x8F if receiver else 0x8D, 0x20, 0x71]) + receiver + bytes(4)
    telegram = decode_wmbus(bare(layer + _summed(b"\x78" + RECORDS)))
    assert telegram.items[0].value == Decimal("28504.27")
    assert telegram.identity["ell_security"] == "not encrypted"
    assert telegram.identity.get("receiver") == ("KAM 11223344" if receiver else None)


def test_checksum_of_the_payload_does_not_match() -> None:
    layer = bytes([0x8D, 0x20, 0x71]) + bytes(4)
    with pytest.raises(DecodeError, match="checksum of the payload does not match") as caught:
        decode_wmbus(bare(layer + b"\x00\x00\x78" + RECORDS))
    assert caught.value.offset == 10 + len(layer)


def test_extended_link_with_fields_that_are_not_known() -> None:
    telegram = decode_wmbus(bare(bytes.fromhex("86 20 71 04") + short(RECORDS)))
    assert "optional fields" in telegram.identity["unread"]
    assert telegram.identity["id"] == "12345678"


def test_every_byte_is_accounted_for() -> None:
    for frame in (mode_7(RECORDS), session(short(RECORDS)), bare(short(RECORDS))):
        telegram = decode_wmbus(frame, key=KEY)
        seen = {
            place
            for item in (*telegram.items, *telegram.layers)
            for place in range(item.start, item.end)
        }
        assert seen == set(range(len(frame)))


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        ("90 0f 002c 25", "announces 15 bytes"),
        ("90 02 0004 7a2a000000", "length of the authentication code is not known"),
        ("90 04 0020 25 7a2a000000", "announces 4 bytes"),
        ("90", "afl.length needs 1 bytes"),
        ("8c 20", "ell.acc needs 1 bytes"),
        ("8c 20 71 8c 20 71 8c 20 71 8c 20 71 8c 20 71", "more layers than a message has"),
        ("7a 2a", "tpl.status needs 1 bytes"),
        ("72 78563412", "tpl.address needs 8 bytes"),
    ],
)
def test_broken_headers(layer: str, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason):
        decode_wmbus(bare(bytes.fromhex(layer)))


@pytest.mark.parametrize(("control", "number"), [("0140", 1), ("0200", 2), ("0300", 3)])
def test_fragments_are_told(control: str, number: int) -> None:
    layer = bytes.fromhex("90 02") + bytes.fromhex(control)
    telegram = decode_wmbus(bare(layer + b"\x0c\x14\x27"))
    assert telegram.identity["unread"] == f"fragment {number} of a longer message"


def test_counter_without_a_code() -> None:
    layer = bytes.fromhex("90 07 0028 20") + OMS_COUNTER
    telegram = decode_wmbus(bare(layer + short(RECORDS)))
    assert telegram.identity["message_counter"] == str(0xAB3)
    assert "authenticated" not in telegram.identity


def test_keys_of_the_other_direction() -> None:
    """What a partner sends is not opened by the keys of what the meter sends."""
    frame = bytearray(mode_7(RECORDS))
    frame[1] = 0x43
    with pytest.raises(DecodeError, match="the key does not fit"):
        decode_wmbus(bytes(frame), key=KEY)


@pytest.mark.parametrize(
    ("ci", "name"),
    [(0x7D, "cosem"), (0x74, "alarm"), (0x6E, "application_error"), (0xC1, "image_transfer")],
)
def test_other_protocols_stay_bytes(ci: int, name: str) -> None:
    frame = bare(bytes([ci]) + short(b"\x01\x02")[1:])
    telegram = decode_wmbus(frame)
    assert [(item.name, item.value) for item in telegram.items] == [(name, b"\x01\x02")]


def test_headers_without_content() -> None:
    telegram = decode_wmbus(bare(bytes([0x8A]) + short(b"")[1:]))
    assert (telegram.items, telegram.identity["access_number"]) == ((), "42")


def test_a_record_names_the_meter_behind_an_adapter() -> None:
    """VIF 79h with eight bytes is a whole address (Qundis adapters send nothing else)."""
    record = bytes.fromhex("0779 11223344 9344 23 04")
    identity = decode_wmbus(bare(b"\x78" + record + RECORDS)).identity
    assert (identity["manufacturer"], identity["id"], identity["medium"]) == (
        "QDS",
        "44332211",
        "heat",
    )
    assert identity["radio_id"] == ADDRESS[2:6][::-1].hex()


def test_idle_bytes_behind_the_records() -> None:
    telegram = decode_wmbus(bare(short(RECORDS + b"\xff\xff")))
    assert len(telegram.items) == 3
    assert telegram.warnings == ("the last two bytes, FF FF, are no record",)
    assert telegram.layers[-1].raw == "ffff"


@pytest.mark.parametrize(
    "records", [RECORDS[:-1], RECORDS + b"\x04\x06", RECORDS + b"\xff" * 3, b"\x04", b"\x04\xff"]
)
def test_broken_records_are_refused(records: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_wmbus(bare(short(records)))
    assert caught.value.offset > 14
