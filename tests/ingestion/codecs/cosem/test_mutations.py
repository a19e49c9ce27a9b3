"""Whatever the bytes, only DecodeError comes out."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.codecs.cosem import HdlcReader, decode_cosem, read_envelopes
from ingestion.codecs.errors import DecodeError

from .parts import APDU, BODY, KEYS, flagged, framed, general, general_glo, mbus, wrapped

_LISTS = bytes.fromhex(
    "e6e7000f40000000090c07e40119060d091eff800000020d09074b464d5f303031091036393730363331343032"
    "36313434373609084d4133303448334506000026110600000000060000000006000001b306000084150600006d"
    "c7060000470206000008780600000000060000088c"
)
_COMPACT = bytes.fromhex("130202120100021108 01020a0b03040c0d".replace(" ", ""))
_SEEDS = (
    BODY,
    APDU,
    _LISTS,
    _COMPACT,
    wrapped(APDU),
    flagged(framed(b"\xe6\xe7\x00" + APDU)),
    mbus(APDU, 0x11),
    general_glo(APDU),
    general_glo(APDU, 0x20),
    general(APDU, KEYS),
    wrapped(general_glo(APDU)),
    bytes.fromhex("c2010c07e4011502100000ff80000000010000616100ff020600000008"),
    bytes.fromhex("c403c10200110100110 2".replace(" ", "")),
)


def _outcome(octets: bytes) -> str:
    """What came of it; anything but a DecodeError fails the test by itself."""
    try:
        telegram = decode_cosem(octets, keys=KEYS)
    except DecodeError as error:
        assert 0 <= error.offset <= len(octets) and error.reason
        return "refused"
    assert len(telegram.octets) == len(octets)
    assert all(0 <= item.start <= item.end <= len(octets) for item in telegram.items)
    assert len({item.name for item in telegram.items}) == len(telegram.items)
    return "decoded"


@pytest.mark.parametrize("seed", _SEEDS, ids=lambda seed: seed[:6].hex())
def test_seeds_decode_and_their_beginnings_do_not(seed: bytes) -> None:
    assert _outcome(seed) == "decoded"
    for size in range(len(seed)):
        _outcome(seed[:size])


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(_SEEDS), st.data())
def test_changed_bytes(seed: bytes, data: st.DataObject) -> None:
    octets = bytearray(seed)
    for _ in range(data.draw(st.integers(1, 4))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    _outcome(bytes(octets))


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes(octets: bytes) -> None:
    _outcome(octets)
    for transparent in (False, True):
        reader = HdlcReader(transparent=transparent)
        reader.feed(octets)
        reader.finish()


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([0xDB, 0xDC, 0xDD, 0xDF, 0xE0, 0xC8, 0xCC]), st.binary(max_size=60))
def test_any_bytes_behind_a_cipher_tag(tag: int, octets: bytes) -> None:
    whole = bytes([tag]) + octets
    _outcome(whole)
    try:
        read_envelopes(whole)
    except DecodeError as error:
        assert error.offset <= len(whole)
