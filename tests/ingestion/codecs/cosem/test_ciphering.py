"""Ciphered messages of all suites; the example of the Green Book; counters."""

from __future__ import annotations

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
