"""What is encrypted: with the key, without it, with another one, and published opened."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.telegram import Telegram
from ingestion.codecs.wmbus import decode_wmbus
from ingestion.codecs.wmbus.security import derived

from .frames import (
    ADDRESS,
    KEY,
    OTHER_KEY,
    RECORDS,
    bare,
    cbc,
    des,
    filled,
    format_a,
    mode_5,
    mode_7,
    session,
    short,
)

# The example of a gas meter in OMS volume 2, annex on examples: security mode 7 under an
# authentication layer, key 00 01 … 0F, message counter 0xAB3.
OMS_GAS = bytes.fromhex(
    "434493157856341233038c2075900f002c25b30a000021924d4f2fb66e01"
    "7a75002007109058475f4bc91df878b80a1b0f98b629024aac727942bfc549233c0140829b93"
)
_CLOSED = {
    "mode 5": mode_5(RECORDS),
    "mode 7": mode_7(RECORDS),
    "session": session(short(RECORDS)),
    "session without a header": session(b"\x78" + RECORDS),
    "OMS": OMS_GAS,
}


def _volume(telegram: Telegram) -> object:
    return telegram.items[0].value


def test_keys_of_a_message() -> None:
    """OMS volume 2, annex on examples: derived keys of encryption and of authentication."""
    counter, number = (0xAB3).to_bytes(4, "little"), bytes.fromhex("78563412")
    assert derived(KEY, 0, counter, number).hex() == "eccf39d475d730b8284fdfdc1995d52f"
    assert derived(KEY, 1, counter, number).hex() == "c9cd19ff5a9aad5a6bbda13bd2c4c7ad"


def test_example_of_oms() -> None:
    telegram = decode_wmbus(OMS_GAS, key=KEY)
    assert _volume(telegram) == Decimal("28504.27")
    assert telegram.identity["authenticated"] == "yes"
    assert telegram.identity["message_counter"] == str(0xAB3)
    assert telegram.identity["security_mode"] == "7"


@pytest.mark.parametrize("name", _CLOSED)
def test_opened_with_the_key(name: str) -> None:
    telegram = decode_wmbus(_CLOSED[name], key=KEY)
    assert _volume(telegram) == Decimal("28504.27")
    assert "unread" not in telegram.identity
    assert len(telegram.octets) == len(_CLOSED[name])


@pytest.mark.parametrize("name", _CLOSED)
def test_plaintext_stands_in_place(name: str) -> None:
    octets = decode_wmbus(_CLOSED[name], key=KEY).octets
    item = decode_wmbus(_CLOSED[name], key=KEY).items[0]
    assert octets[item.start : item.end] == RECORDS[:6]


@pytest.mark.parametrize("name", _CLOSED)
def test_without_a_key_the_identity_is_told(name: str) -> None:
    telegram = decode_wmbus(_CLOSED[name])
    assert telegram.identity["id"] == "12345678"
    assert "no key is given" in telegram.identity["unread"]
    assert telegram.warnings == (telegram.identity["unread"],)
    assert [item.name for item in telegram.items] == ["unread"]


@pytest.mark.parametrize("name", _CLOSED)
def test_another_key_does_not_fit(name: str) -> None:
    with pytest.raises(DecodeError, match="the key does not fit"):
        decode_wmbus(_CLOSED[name], key=OTHER_KEY)


@pytest.mark.parametrize("name", _CLOSED)
def test_key_of_another_size(name: str) -> None:
    with pytest.raises(DecodeError, match="the key has 8 bytes"):
        decode_wmbus(_CLOSED[name], key=KEY[:8])


@pytest.mark.parametrize("name", _CLOSED)
@pytest.mark.parametrize("key", [None, KEY])
def test_published_opened(name: str, key: bytes | None) -> None:
    """Decoding what decoding gave: the headers still announce encryption."""
    opened = decode_wmbus(_CLOSED[name], key=KEY).octets
    assert _volume(decode_wmbus(opened, key=key)) == Decimal("28504.27")


def test_a_changed_code_is_refused() -> None:
    changed = bytearray(OMS_GAS)
    changed[25] ^= 1
    with pytest.raises(DecodeError, match="authentication code does not match"):
        decode_wmbus(bytes(changed), key=KEY)


def test_repeated_session_opens_like_the_first() -> None:
    """Repeaters set bits of the control field; the counter block leaves them out."""
    frame = session(short(RECORDS), control=0x32)
    assert _volume(decode_wmbus(frame, key=KEY)) == Decimal("28504.27")


def test_encrypted_with_checksums_of_the_link() -> None:
    telegram = decode_wmbus(format_a(mode_5(RECORDS)), key=KEY)
    assert _volume(telegram) == Decimal("28504.27")
    assert telegram.identity["frame_format"] == "format A"


def test_records_behind_the_encrypted_blocks() -> None:
    plain = filled(RECORDS)
    closed = cbc(KEY, ADDRESS + bytes([0x2A]) * 8, plain)
    frame = bare(short(closed + bytes.fromhex("02fd171200"), 0x0500 | len(plain)))
    telegram = decode_wmbus(frame, key=KEY)
    assert [item.value for item in telegram.items][-2:] == [0, 0x12]


def test_blocks_that_are_counted_but_not_sent() -> None:
    plain = filled(RECORDS)
    closed = cbc(KEY, ADDRESS + bytes([0x2A]) * 8, plain)
    assert _volume(decode_wmbus(bare(short(closed, 0x05F0)), key=KEY)) == Decimal("28504.27")
    with pytest.raises(DecodeError, match="240 bytes are encrypted, 5 are there"):
        decode_wmbus(bare(short(closed[:5], 0x05F0)), key=KEY)


def test_everything_encrypted_and_nothing_counted() -> None:
    plain = filled(RECORDS)
    closed = cbc(KEY, ADDRESS + bytes([0x2A]) * 8, plain)
    assert _volume(decode_wmbus(bare(short(closed, 0x0500)), key=KEY)) == Decimal("28504.27")
    assert _volume(decode_wmbus(bare(short(RECORDS, 0x0500)), key=KEY)) == Decimal("28504.27")


def test_des() -> None:
    """Mode 2: the low byte of the configuration counts bytes."""
    key = bytes(range(1, 9))
    closed = des(key, filled(RECORDS))
    telegram = decode_wmbus(bare(short(closed, 0x0200 | len(closed))), key=key)
    assert (_volume(telegram), telegram.items[0].unit) == (Decimal("28504.27"), "m3")


@pytest.mark.parametrize(
    ("configuration", "words"),
    [
        (0x0800, "mode 8 (AES-CTR with CMAC)"),
        (0x0900, "mode 9 (AES-GCM)"),
        (0x0A00, "mode 10 (AES-CCM)"),
        (0x0D00, "mode 13 (TLS)"),
        (0x0310, "mode 3 (DES-CBC with the date)"),
    ],
)
def test_modes_that_are_not_opened(configuration: int, words: str) -> None:
    telegram = decode_wmbus(bare(short(bytes(20), configuration)), key=KEY)
    assert words in telegram.identity["unread"]
    assert telegram.identity["id"] == "12345678"


def test_mode_7_without_a_counter() -> None:
    frame = bare(short(b"\x10" + bytes(range(16)), 0x0710))
    assert "message counter, which is missing" in decode_wmbus(frame, key=KEY).identity["unread"]


def test_mode_7_with_a_persistent_key() -> None:
    frame = bare(short(b"\x00" + cbc(KEY, bytes(16), filled(RECORDS)), 0x0720))
    assert _volume(decode_wmbus(frame, key=KEY)) == Decimal("28504.27")


def test_mode_of_a_makers_own() -> None:
    sound = decode_wmbus(bare(short(RECORDS, 0x1800)))
    assert _volume(sound) == Decimal("28504.27")
    assert "not defined; the content reads as plain" in sound.warnings[0]
    unsound = decode_wmbus(bare(short(RECORDS[:-1], 0x1800)))
    assert "the maker's own" in unsound.identity["unread"]
