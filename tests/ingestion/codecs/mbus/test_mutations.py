"""Whatever the bytes: a telegram whose bytes are all said once, or a DecodeError within them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.mbus import decode_application, decode_mbus
from ingestion.codecs.mbus.records import items_of, read_records, read_values
from ingestion.codecs.telegram import Telegram

from .frames import answer, long_frame, uncovered

SEEDS = [
    bytes.fromhex(text)
    for text in (
        "0C7803491104 1331D40000 426C0000 441300000000 046D0B0BCD13 022700 09FD0E02 0F00017513",
        "01FD1B02 02FC03485225742215 0DFD1105 48656C6C6F 05FF010000803F 1F",
        "84046D00204111 8B0415003012 8D04951F056901030211 04BB6A0B0BCD13 02FDC9FC01E803",
        "06FD0CFC036D002D00 8D0413E4FFFFFFFF 0DFD3BF055555555555555555555555555555555",
    )
]
# Place within the octets as a part of a million, what is done there.
_EDITS = st.lists(
    st.tuples(st.integers(0, 999_999), st.integers(0, 255), st.sampled_from("xid")), max_size=6
)


def _edited(octets: bytes, edits: list[tuple[int, int, str]]) -> bytes:
    """Bytes changed, put in and taken out."""
    result = bytearray(octets)
    for part, octet, how in edits:
        place = part * len(result) // 1_000_000
        if how == "i" or not result:
            result.insert(place, octet)
        elif how == "d":
            del result[place]
        else:
            result[place] = octet
    return bytes(result)


def _checked(octets: bytes, telegram: Telegram) -> None:
    assert telegram.octets == octets
    assert uncovered(telegram) == []
    names = [item.name for item in telegram.items]
    assert len(names) == len(set(names))
    assert not any(isinstance(item.value, float) for item in telegram.items)


@given(st.sampled_from(SEEDS), _EDITS)
@settings(max_examples=150, deadline=None)
def test_edited_records_in_a_good_frame(seed: bytes, edits: list[tuple[int, int, str]]) -> None:
    octets = answer(_edited(seed, edits))
    try:
        _checked(octets, decode_mbus(octets))
    except DecodeError as error:
        assert 19 <= error.offset <= len(octets) - 2


@given(st.sampled_from(SEEDS), _EDITS)
@settings(max_examples=150, deadline=None)
def test_edited_frames(seed: bytes, edits: list[tuple[int, int, str]]) -> None:
    octets = _edited(answer(seed), edits)
    try:
        _checked(octets, decode_mbus(octets))
    except DecodeError as error:
        assert 0 <= error.offset <= len(octets)


@given(st.integers(0, 255), st.binary(max_size=250))
@settings(max_examples=150, deadline=None)
def test_any_bytes_behind_any_ci_field(code: int, data: bytes) -> None:
    octets = long_frame(bytes((code,)) + data)
    try:
        _checked(octets, decode_mbus(octets))
    except DecodeError as error:
        assert 6 <= error.offset <= len(octets)


@given(st.binary(max_size=300))
@settings(max_examples=150, deadline=None)
def test_any_bytes(octets: bytes) -> None:
    for decode in (decode_mbus, decode_application):
        try:
            decode(octets)
        except DecodeError as error:
            assert 0 <= error.offset <= len(octets) or not octets


@given(st.binary(max_size=60), st.binary(max_size=120), st.booleans())
@settings(max_examples=150, deadline=None)
def test_any_headers_over_any_data(headers: bytes, data: bytes, big_endian: bool) -> None:
    try:
        items_of(read_records(data, 0, len(data), big_endian=big_endian).records)
    except DecodeError as error:
        assert 0 <= error.offset <= len(data)
    try:
        items_of(read_values(headers, data, 0, len(data)).records)
    except DecodeError as error:
        assert 0 <= error.offset <= len(data)
