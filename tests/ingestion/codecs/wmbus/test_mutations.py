"""Whatever the bytes, a telegram or a DecodeError comes back, and nothing else."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.wmbus import Formats, decode_wmbus

from .frames import KEY, RECORDS, bare, compact, format_a, format_b, mode_5, mode_7, session, short

_HEADERS = (b"\x04\x13", b"\x0d\x78")
_SEEDS = (
    bare(short(RECORDS)),
    format_a(bare(short(RECORDS))),
    format_b(bare(short(RECORDS))),
    mode_5(RECORDS),
    mode_7(RECORDS),
    session(short(RECORDS)),
    compact(_HEADERS, (bytes(4), b"\x03abc")),
    bare(b"\x69\x06" + b"\x00\x00" + b"".join(_HEADERS)),
    bare(bytes.fromhex("72 11223344 2423 05 07 99 00 0000") + RECORDS),
)
_PLACES = st.lists(st.tuples(st.integers(0, 80), st.integers(0, 255)), max_size=6)


def _decode(octets: bytes, key: bytes | None) -> None:
    formats = Formats()
    formats.learn(b"".join(_HEADERS))
    try:
        telegram = decode_wmbus(octets, key=key, formats=formats)
    except DecodeError as error:
        assert 0 <= error.offset <= len(octets)
        assert error.reason
    else:
        assert len(telegram.octets) == len(octets)
        spans = [(item.start, item.end) for item in (*telegram.items, *telegram.layers)]
        assert all(-1 <= start <= end <= len(octets) for start, end in spans)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(_SEEDS), _PLACES, st.integers(-4, 4), st.sampled_from((None, KEY, b"")))
def test_mutated_frames(
    seed: bytes, changes: list[tuple[int, int]], longer: int, key: bytes | None
) -> None:
    octets = bytearray(seed)
    for place, octet in changes:
        octets[place % len(octets)] = octet
    _decode(bytes(octets[: len(octets) + longer] + bytes(max(longer, 0))), key)


@settings(max_examples=150, deadline=None)
@given(st.binary(min_size=1, max_size=240))
def test_any_content(content: bytes) -> None:
    _decode(bare(content), KEY)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=320))
def test_any_bytes(octets: bytes) -> None:
    _decode(octets, None)
