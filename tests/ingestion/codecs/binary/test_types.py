"""What each type reads from the bytes."""

from __future__ import annotations

import struct
from decimal import Decimal
from typing import Any

import pytest

from ingestion.codecs.errors import DecodeError

from .layouts import item, one, telegram, tree

_BIG: list[tuple[str, str, Any]] = [
    ("u8", "fe", 254),
    ("s8", "fe", -2),
    ("u16", "0102", 258),
    ("s16", "fffe", -2),
    ("u24", "010203", 66_051),
    ("s24", "ffffff", -1),
    ("u32", "ffffffff", 4_294_967_295),
    ("i32", "ffffffff", -1),
    ("u40", "0100000000", 1 << 32),
    ("uint64", "ffffffffffffffff", (1 << 64) - 1),
    ("int64", "ffffffffffffffff", -1),
    ("le_u16", "0102", 513),
    ("u32le16", "a9fd0134", 20_228_605),
    ("s32le16", "ffffffff", -1),
    ("u32be16le", "34010000", 0x0134_0000),
    ("f32le16", "00003f80", Decimal(1)),
    ("f16", "3c01", Decimal("1.001")),
    ("f32", "3dcccccd", Decimal("0.1")),
    ("f64", struct.pack(">d", 0.1).hex(), Decimal("0.1")),
    ("f32", "7fc00000", None),
    ("f64", "7ff0000000000000", None),
    ("udec", "25", Decimal("2.5")),
    ("sdec", "d5", Decimal("-2.5")),
    ("uflt16", "f800", Decimal("0.5")),
    ("sflt16", "fc00", Decimal("-0.5")),
    ("sflt24", "3f8000", Decimal("1.5")),
    ("sflt24", "7f0000", None),
    ("u8[3:4]", "18", 3),
    ("u16[8:15]", "ab12", 0xAB),
    ("s8[4:7]", "f0", -1),
    ("u8[3+:2]", "18", 3),
    ("bits<3,2>", "18", 3),
    ("bits:2@3", "18", 3),
    ("bits3", "a0", 5),
    ("sbits3", "e0", -1),
]


@pytest.mark.parametrize(("kind", "octets", "value"), _BIG)
def test_type_in_big_endian(kind: str, octets: str, value: Any) -> None:
    found = one({"type": kind}, octets)
    assert found == value
    assert not isinstance(found, float)


@pytest.mark.parametrize(
    ("kind", "octets", "value"),
    [
        ("u16", "0201", 258),
        ("s24", "feffff", -2),
        ("be_u16", "0102", 258),
        ("f32", "cdcccc3d", Decimal("0.1")),
        ("u16[8:15]", "12ab", 0xAB),
        ("u32le16", "a9fd0134", 20_228_605),
        ("bits3", "05", 5),
    ],
)
def test_type_in_little_endian(kind: str, octets: str, value: Any) -> None:
    assert one({"type": kind}, octets, endian="little") == value


@pytest.mark.parametrize(
    ("field", "octets", "value"),
    [
        ({"type": "bytes", "length": 3}, "0aBBcc", "0abbcc"),
        ({"type": "bytes", "length": 3, "format": "hex:upper", "separator": ":"}, "0abbcc", None),
        ({"type": "bytes", "length": 2, "format": "base64"}, "0abb", "Crs="),
        ({"type": "bytes", "length": 2, "format": "array"}, "0abb", [10, 187]),
        ({"type": "bytes", "length": "remaining"}, "0abb01", "0abb01"),
        ({"type": "hex", "length": 2}, "AB01", "ab01"),
        ({"type": "base64", "length": 2}, "0abb", "Crs="),
        ({"type": "ascii", "length": 4}, "41420000", "AB"),
        ({"type": "bcd", "length": 3}, "012345", 12_345),
        ({"type": "sbcd", "length": 2}, "f123", -123),
        ({"type": "enum", "values": {0: "off", 1: "on"}}, "01", "on"),
        ({"type": "enum", "values": ["off", "on"]}, "07", "unknown(7)"),
        ({"type": "enum", "size": 2, "values": {258: "x"}, "default": "y"}, "0102", "x"),
        ({"type": "enum", "values": {0: "off"}, "default": "other"}, "09", "other"),
        ({"type": "bool", "bit": 3}, "08", True),
        ({"type": "u16", "endian": "little"}, "0201", 258),
        ({"type": "u8", "encoding": "bcd"}, "42", 42),
        ({"type": "u8", "encoding": "gray"}, "03", 2),
        ({"type": "u16", "encoding": "sign_magnitude"}, "8005", -5),
        ({"type": "u8", "bits": [7, 5]}, "67", 3),
    ],
)
def test_type_with_keys(field: dict[str, Any], octets: str, value: Any) -> None:
    wanted = "0A:BB:CC" if field.get("separator") else value
    assert one(field, octets) == wanted


def test_version_is_spelled_from_bits() -> None:
    field = {"type": "bitfield_string", "length": 2, "prefix": "v"}
    assert one({**field, "parts": [[12, 4], [8, 4], [0, 8]]}, "1234") == "v1.2.52"
    assert one({**field, "parts": [[0, 8, "hex"], [12, 4]]}, "12ab") == "vab.1"
    assert one({"type": "version_string", "length": 3}, "010203", endian="little") == "1.2.3"


def test_range_of_bits_stays_unless_it_consumes() -> None:
    fields = [
        {"name": "low", "type": "u8[0:3]"},
        {"name": "high", "type": "u8[4:7]", "consume": 1},
        {"name": "next", "type": "u8"},
    ]
    assert tree(fields, "5a07") == {"low": 10, "high": 5, "next": 7}


def test_packed_bits_end_with_a_whole_byte() -> None:
    fields = [
        {"name": "a", "type": "u8:3"},
        {"name": "b", "type": "u8:2"},
        {"name": "c", "type": "u8"},
    ]
    assert tree(fields, "b707") == {"a": 5, "b": 2, "c": 7}
    spans = [(found.start, found.end) for found in telegram(fields, "b707").items]
    assert spans == [(0, 1), (0, 1), (1, 2)]


def test_packed_bits_are_those_of_a_plain_reading() -> None:
    values = [(37 * n) % 16_384 for n in range(23)]
    whole = sum(value << 14 * place for place, value in enumerate(values))
    little = whole.to_bytes(41, "little").hex()
    assert one({"type": "bits14", "repeat": 23}, little, endian="little") == values
    bits = "".join(f"{value:014b}" for value in values).ljust(41 * 8, "0")
    assert one({"type": "bits14", "repeat": 23}, f"{int(bits, 2):082x}") == values


@pytest.mark.parametrize(
    ("field", "octets", "offset", "reason"),
    [
        ({"type": "u16"}, "01", 0, "needs 2 bytes, 1 left"),
        ({"type": "hex", "length": 8}, "0102", 0, "needs 8 bytes"),
        ({"type": "bcd", "length": 1}, "1a", 0, "not decimal digits"),
        ({"type": "u8", "encoding": "bcd"}, "1a", 0, "not decimal digits"),
        ({"type": "bits14", "repeat": 23}, "0102", 0, "needs 41 bytes"),
        ({"type": "u8", "lookup": ["a", "b"]}, "02", 1, "not in a table of 2"),
        ({"type": "u8", "const": 1}, "02", 0, "v is 2, expected 1"),
    ],
)
def test_bytes_that_do_not_fit(
    field: dict[str, Any], octets: str, offset: int, reason: str
) -> None:
    with pytest.raises(DecodeError, match=reason) as caught:
        one(field, octets)
    assert caught.value.offset == offset


def test_items_say_span_raw_formula_and_bits() -> None:
    said = telegram(
        [
            {"name": "t", "type": "s16", "div": 10, "unit": "degC", "semantic": "air"},
            {"name": "flag", "type": "u8[3:3]"},
            {"type": "skip", "length": 2},
            {"name": "_hidden", "type": "u8"},
        ],
        "00e7080000ff",
    )
    warm, flag = said.items
    assert (warm.value, warm.unit, warm.start, warm.end) == (Decimal("23.1"), "°C", 0, 2)
    assert (warm.raw, warm.formula, warm.facts["semantic"]) == ("231", "÷ 10", "air")
    assert (flag.start, flag.end, flag.facts["bits"]) == (2, 3, "3:3")
    assert [(layer.start, layer.end) for layer in said.layers] == [(2, 4), (4, 5)]
    assert "byte 5: 1 bytes behind the last field not read" in said.warnings
    assert "_hidden" not in said.tree


def test_names_that_come_again_are_numbered() -> None:
    said = telegram([{"tlv": {"cases": {1: [{"name": "v", "type": "u8"}]}}}], "01050106")
    assert [found.name for found in said.items] == ["v[0]", "v[1]"]
    assert item(said, "v[1]").start == 3
