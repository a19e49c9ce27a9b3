"""Compact frames: formats that were learnt, built in, kept, forgotten; checksums that differ."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.wmbus import Formats, decode_wmbus
from ingestion.codecs.wmbus.known_formats import known_formats

from .frames import bare, compact, crc

_HEADERS = tuple(map(bytes.fromhex, ("0406", "0413", "426c", "0d78")))
_DATA = tuple(map(bytes.fromhex, ("39300000", "e8030000", "812a", "03434241")))
_JOINED = b"".join(_HEADERS)
_FULL = bare(
    b"\x78" + b"".join(header + octets for header, octets in zip(_HEADERS, _DATA, strict=True))
)
_COMPACT = compact(_HEADERS, _DATA)
# A format of Kamstrup's water meters (signature A8ED): 7.321 m3, at the end of the month 7.180 m3.
_KNOWN_COMPACT = compact(
    tuple(map(bytes.fromhex, ("02ff20", "0413", "4413", "615b", "6167"))),
    tuple(map(bytes.fromhex, ("0000", "991c0000", "0c1c0000", "0c", "11"))),
)


def test_a_full_frame_teaches_its_format() -> None:
    formats = Formats()
    full = decode_wmbus(_FULL, formats=formats)
    again = decode_wmbus(_COMPACT, formats=formats)
    assert [item.value for item in again.items] == [item.value for item in full.items]
    assert [item.name for item in again.items] == [item.name for item in full.items]
    assert again.items[1].value == Decimal("1.000")
    assert dict(formats) == {crc(_JOINED): _JOINED}


def test_spans_are_those_of_the_data() -> None:
    formats = Formats()
    formats.learn(_JOINED)
    telegram = decode_wmbus(_COMPACT, formats=formats)
    spans = [_COMPACT[item.start : item.end] for item in telegram.items]
    assert spans == list(_DATA)


def test_unknown_format_is_told() -> None:
    telegram = decode_wmbus(_COMPACT)
    assert telegram.identity["id"] == "12345678"
    assert telegram.identity["format"] == f"{crc(_JOINED):04x}"
    assert "was not sent in full yet" in telegram.identity["unread"]


def test_changed_data_are_refused() -> None:
    formats = Formats()
    formats.learn(_JOINED)
    changed = bytearray(_COMPACT)
    changed[16] ^= 1
    with pytest.raises(DecodeError, match="checksum of the full frame does not match"):
        decode_wmbus(bytes(changed), formats=formats)


@pytest.mark.parametrize(("cut", "more"), [(1, b""), (0, b"\x01")])
def test_data_of_another_length_are_refused(cut: int, more: bytes) -> None:
    formats = Formats()
    formats.learn(_JOINED)
    content = _COMPACT[10 : len(_COMPACT) - cut] + more
    with pytest.raises(DecodeError):
        decode_wmbus(bare(content), formats=formats)


def test_format_frame() -> None:
    formats = Formats()
    content = b"\x69" + bytes([len(_JOINED) + 2]) + crc(_JOINED).to_bytes(2, "little") + _JOINED
    decode_wmbus(bare(content), formats=formats)
    assert decode_wmbus(_COMPACT, formats=formats).items[1].value == Decimal("1.000")
    with pytest.raises(DecodeError, match="signature of the format does not match"):
        decode_wmbus(bare(content + b"\x00"), formats=formats)


def test_formats_are_kept() -> None:
    formats = Formats()
    formats.learn(_JOINED)
    formats.learn(b"\x04\x06")
    kept = Formats.from_bytes(formats.to_bytes())
    assert list(kept) == list(formats)


@pytest.mark.parametrize("octets", [b"\x05\x04", b"\x00", b"\x02\x04\x06\x00"])
def test_broken_keepings_are_refused(octets: bytes) -> None:
    with pytest.raises(DecodeError, match="a kept format does not end"):
        Formats.from_bytes(octets)


def test_the_one_used_longest_ago_is_forgotten() -> None:
    formats = Formats(limit=2)
    first, second, third = (bytes([4, code]) for code in (0x06, 0x13, 0x3B))
    formats.learn(first)
    formats.learn(second)
    assert formats.find(crc(first)) == (first,)
    formats.learn(third)
    assert [headers for _, headers in formats] == [first, third]
    assert len(formats) == 2


def test_nothing_too_long_is_learnt() -> None:
    formats = Formats()
    formats.learn(bytes(256))
    formats.learn(b"")
    assert len(formats) == 0


def test_formats_built_in() -> None:
    """Signatures that Kamstrup's water meters send."""
    signatures = (0xA8ED, 0xD2F7, 0x61EB, 0xC412, 0xDD34, 0x7C0E, 0x36D4, 0x0905)
    assert all(Formats().find(signature) for signature in signatures)
    assert all(
        crc(headers) == signature
        for signature, group in known_formats().items()
        for headers in group
    )
    assert len(Formats()) == 0


def test_of_formats_with_one_signature_the_checksum_chooses() -> None:
    formats, other = Formats(), bytes.fromhex("0493e28403")
    assert crc(other) == 0xA8ED
    formats.learn(other)
    assert len(formats.find(0xA8ED)) == 2
    assert len(decode_wmbus(_KNOWN_COMPACT, formats=formats).items) == 5


def test_compact_frame_of_a_format_built_in() -> None:
    """It was never preceded by a full one."""
    telegram = decode_wmbus(_KNOWN_COMPACT)
    assert telegram.identity["format"] == "a8ed"
    volumes = [item.value for item in telegram.items if item.unit == "m3"]
    assert volumes == [Decimal("7.321"), Decimal("7.180")]
