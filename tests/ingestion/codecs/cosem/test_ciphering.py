"""Ciphered messages of all suites; the example of the Green Book; counters."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from cryptography.hazmat.primitives.keywrap import aes_key_wrap

from ingestion.codecs.cosem import CounterWatch, Keys, decode_cosem, read_envelopes, unpack
from ingestion.codecs.errors import DecodeError

from .parts import APDU, KEYS, TITLE, flagged, framed, general, general_glo, mbus, wrapped

# Green Book, clause on glo-ciphering: a get-request under all three kinds of protection.
_BOOK = Keys(
    bytes(range(16)), bytes(range(0xD0, 0xE0)), system_title=bytes.fromhex("4d4d4d0000bc614e")
)
_PLAIN = "c0010000080000010000ff0200"
_EXAMPLES = {
    "authenticated": "c81e1001234567c0010000080000010000ff020006725d910f9221d263877516",
    "encrypted": "c8122001234567411312ff935a47566827c467bc",
    "both": "c81e3001234567411312ff935a47566827c467bc7d825c3be4a77c3fcc056b6b",
}


@pytest.mark.parametrize("octets", _EXAMPLES.values(), ids=_EXAMPLES.keys())
def test_the_examples_of_the_green_book(octets: str) -> None:
    unpacked = unpack(bytes.fromhex(octets), _BOOK)
    assert [message.data.hex() for message in unpacked.messages] == [_PLAIN]
    assert unpacked.shown[7 : 7 + 13].hex() == _PLAIN


@pytest.mark.parametrize("control", [0x10, 0x20, 0x30, 0x31])
def test_general_glo_of_every_protection(control: int) -> None:
    octets = general_glo(APDU, control)
    telegram = decode_cosem(octets, keys=KEYS)
    assert telegram.items[0].value == 280
    assert telegram.identity["system_title"] == TITLE.hex()
    assert (telegram.identity["manufacturer"], telegram.identity["invocation_counter"]) == (
        "KFM",
        "7",
    )
    assert APDU in telegram.octets and len(telegram.octets) == len(octets)


def test_suite_2_takes_keys_of_32_bytes() -> None:
    keys = Keys(bytes(range(32)), bytes(range(32)))
    assert decode_cosem(general_glo(APDU, 0x32, keys=keys), keys=keys).items[0].value == 280
    with pytest.raises(DecodeError, match="key of 32 bytes"):
        decode_cosem(general_glo(APDU, 0x32, keys=keys), keys=KEYS)


def test_broadcast_key_is_taken_where_told() -> None:
    other = Keys(bytes(16), KEYS.authentication)
    keys = Keys(KEYS.encryption, KEYS.authentication, broadcast=other.encryption)
    assert decode_cosem(general_glo(APDU, 0x70, keys=other), keys=keys).items[0].value == 280


def test_general_ciphering_and_wrapped_keys() -> None:
    assert decode_cosem(general(APDU, KEYS, b"\x01\x00\x00"), keys=KEYS).items[0].value == 280
    master, fresh = bytes(range(100, 116)), Keys(bytes(16), KEYS.authentication)
    info = b"\x01\x01\x00\x18" + aes_key_wrap(master, fresh.encryption)
    keys = Keys(KEYS.encryption, KEYS.authentication, master=master)
    assert decode_cosem(general(APDU, fresh, info), keys=keys).items[0].value == 280
    with pytest.raises(DecodeError, match="another master key"):
        decode_cosem(general(APDU, fresh, info), keys=KEYS)
    with pytest.raises(DecodeError, match="agreement"):
        decode_cosem(general(APDU, KEYS, b"\x01\x02\x00\x00"), keys=KEYS)


def test_ciphers_inside_every_frame() -> None:
    inner = general_glo(APDU)
    half = len(inner) // 2
    carriers = (
        wrapped(inner),
        flagged(framed(b"\xe6\xe7\x00" + inner)),
        flagged(framed(b"\xe6\xe7\x00" + inner[:half], more=True), framed(inner[half:])),
        mbus(inner[:half], 0x00) + mbus(inner[half:], 0x11),
        wrapped(b"\xe0\x80\x00\x01\x00\x00" + bytes([len(inner)]) + inner),
    )
    for octets in carriers:
        telegram = decode_cosem(octets, keys=KEYS)
        assert telegram.items[0].value == 280
        assert len(telegram.octets) == len(octets)


def test_a_wrong_key_names_the_tag() -> None:
    octets = general_glo(APDU)
    for keys in (Keys(bytes(16), KEYS.authentication), Keys(KEYS.encryption, bytes(16))):
        with pytest.raises(DecodeError, match="wrong key") as caught:
            decode_cosem(octets, keys=keys)
        assert caught.value.offset == len(octets) - 12


def test_whose_message_it_is_can_be_told_without_a_key() -> None:
    octets = wrapped(general_glo(APDU, counter=99))
    (envelope,) = read_envelopes(octets)
    assert (envelope.title, envelope.counter, envelope.suite) == (TITLE, 99, 0)
    assert read_envelopes(APDU) == ()
    with pytest.raises(DecodeError, match=f"{TITLE.hex()}: a key is needed"):
        decode_cosem(octets)


def test_what_is_not_supported_is_said() -> None:
    with pytest.raises(DecodeError, match="compressed"):
        decode_cosem(general_glo(APDU, 0xB0), keys=KEYS)
    with pytest.raises(DecodeError, match="suite 5"):
        decode_cosem(general_glo(APDU, 0x35), keys=KEYS)
    with pytest.raises(DecodeError, match="system title has 0 bytes"):
        decode_cosem(bytes.fromhex(_EXAMPLES["both"]), keys=KEYS)


def test_keys_are_not_shown() -> None:
    assert KEYS.encryption.hex() not in repr(KEYS) and "\\x0f" not in repr(KEYS)


def test_counters_tell_gaps_and_replays() -> None:
    watch = CounterWatch()
    assert watch.see(485).accepted
    assert watch.see(486).missing == ()
    verdict = watch.see(490)
    assert (verdict.accepted, verdict.gap, verdict.missing) == (True, 3, (487, 488, 489))
    assert not watch.see(490).accepted
    again = watch.see(400)
    assert not again.accepted and "replay" in again.reason
    assert watch.last == 490
    assert not watch.see(1 << 32).accepted
    huge = watch.see((1 << 32) - 1)
    assert huge.gap == (1 << 32) - 1 - 491 and len(huge.missing) == 1_000


# The worked example of github.com/fneur/smart-meter-tirol, doc/EXAMPLE.md (2021): a Kaifa MA309
# over M-Bus, two segments, suite 1, encrypted only, with its published key.
_TIROL = bytes.fromhex(
    "68fafa6853ff000167db084b464d10100000238201092100295b9aefc1546e644a2c9e32edd42cbd0f1b945b"
    "194d086885c4d8df86dd52cb5b448854a6d548d5d270739b2a169d05b013f9015070089d3c5fa45ca05e9230"
    "9a645cc83d7da40fbc8f4cf9c225afa69a25ff0b2ac9c2744550aba53ce9143fd10b0ad85fd30bd6b6dffee6"
    "5f8204dc9c5067ca73b62e299a39d50aa730b2b9ae3836bc2f3490fb41be5b6f930d84952976369dd7dabbb5"
    "a4354aeca1d2486cff2eb0c6206380ba501d122af75d716d3092c3960506a15e06fab0ee5b7dfa3c2cdf0caf"
    "d051b88e44b8b9fb8865f20cb89d1143cdc7efeb07fb4c4898e764e9e3a32ddc3d1f0f166826266853ff1101"
    "67b46961ce962b2c78050c96598c7e4d26658043f9cbca78189bd01b139f8ae0f7391116"
)
_TWO_HOURS = timezone(timedelta(hours=2))


def test_a_customer_interface_of_tirol() -> None:
    telegram = decode_cosem(_TIROL, keys=Keys(bytes(range(0x10, 0x20))))
    items = {item.name: (item.value, item.unit) for item in telegram.items}
    assert items["clock"][0] == datetime(2021, 7, 19, 15, 46, 35, tzinfo=_TWO_HOURS)
    assert items["voltage_l1"] == (Decimal("230.8"), "V")
    assert items["current_l1"] == (Decimal("0.00"), "A")
    assert items["active_energy_import"] == (9108, "Wh")
    assert items["reactive_energy_import"] == (96, "varh")
    assert telegram.identity["manufacturer"] == "KFM"
    assert telegram.identity["id"] == "1KFM0100000035"
    assert len(telegram.items) == 12
