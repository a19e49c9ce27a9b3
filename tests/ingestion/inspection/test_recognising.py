"""What a frame is, from its own bytes, however people wrote it down."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import cbor2
import pytest
from django.conf import settings as project
from hypothesis import example, given, settings, strategies

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.modbus.frames import crc16
from ingestion.inspection import byte_lines, frames_in, octets_in, recognise, table_lines

_VECTORS = json.loads((Path(project.BASE_DIR) / "docs" / "protocol-vectors.json").read_text())
_KEY = bytes.fromhex(_VECTORS["keys"]["a"])
_SEALED = bytes.fromhex(_VECTORS["good"][0]["frame"])
_P1 = b"/ISk5\\2MT382-1004\r\n\r\n1-0:1.8.1(00001.001*kWh)\r\n!\r\n"
# EN 13757-3, a long frame with one record: volume of 0.123 m3.
_RECORDS = bytes.fromhex("08017278563412442d01040000000004137b000000")
_MBUS = (
    bytes([0x68, len(_RECORDS), len(_RECORDS), 0x68]) + _RECORDS + bytes([sum(_RECORDS) & 0xFF, 0x16])
)  # fmt: skip
_NEM = (
    b"100,NEM12,202403021000,MDP,RET\r\n200,NAAA000001,E1,1,E1,,M1,kWh,60,\r\n300,20240301,"
    + b"0.5," * 24
    + b"A\r\n900\r\n"
)
_MODBUS = bytes.fromhex("110306022B00000064")


@pytest.mark.parametrize(
    ("octets", "kind", "name", "value"),
    [
        (_SEALED, "universal", "the base time", 1767225600),
        (_MBUS, "mbus", "volume", None),
        (bytes([0xE5]), "mbus", "", None),
        (_RECORDS[2:], "mbus", "volume", None),
        (_P1, "obis_text", "", None),
        (_NEM, "nem", "e1_20240301", [Decimal("0.5")] * 24),
        (b'[{"n":"a","v":1.5}]', "senml", "a", None),
        (cbor2.dumps([{0: "a", 2: 7}]), "senml", "a", 7),
        (b'{"a b":{"c":[1,2]}}', "json", '"a b".c[1]', 2),
        (_MODBUS + crc16(_MODBUS).to_bytes(2, "little"), "modbus", "register_0", 555),
        (bytes.fromhex("15010000000911") + _MODBUS[1:], "modbus", "register_2", 100),
        (bytes.fromhex("0101020309060100010700ff060000011802020f00161b"), "cosem", "", None),
    ],
)
def test_protocols_are_recognised(octets: bytes, kind: str, name: str, value: object) -> None:
    found = recognise(octets, key=_KEY)
    assert found.kind == kind
    items = {item.name: item for item in found.telegram.items}
    assert not name or name in items
    assert value is None or items[name].value == value


def test_a_sealed_frame_stays_sealed_without_its_key() -> None:
    telegram = recognise(_SEALED).telegram
    assert telegram.identity["id"] == _VECTORS["device"]["label"]
    assert "with the key" in telegram.warnings[0]
    with pytest.raises(DecodeError, match="another key"):
        recognise(_SEALED, key=bytes(16))


@pytest.mark.parametrize(
    "octets", [b"", b"\xff\xff", b"hello", _MBUS[:-1], _MODBUS + b"\0\0", _NEM[:-5]]
)
def test_what_is_none_of_them_is_refused_with_reasons(octets: bytes) -> None:
    with pytest.raises(DecodeError, match="no known protocol"):
        recognise(octets)


@pytest.mark.parametrize(
    ("written", "octets"),
    [
        (b"0a FF:10-2b\n", b"\x0a\xff\x10\x2b"),
        (b"0x0a, 0xff", b"\x0a\xff"),
        (b"# a frame of Tuesday\n0aff\n", b"\x0a\xff"),
        (b"CgsMDQ4P", b"\x0a\x0b\x0c\x0d\x0e\x0f"),
        # A slash begins base64 of bytes from 0xfc on, too.
        (b"/wsMDQ4P", b"\xff\x0b\x0c\x0d\x0e\x0f"),
        (b'{"a":1}', b'{"a":1}'),
        (_P1, _P1),
        (b"\x0a\xff\x10", b"\x0a\xff\x10"),
        (b"", b""),
    ],
)
def test_frames_as_people_have_them(written: bytes, octets: bytes) -> None:
    assert octets_in(written) == octets


@settings(max_examples=400, deadline=None)
@given(
    octets=strategies.builds(
        bytes.__add__,
        strategies.sampled_from(
            [b"", b"\x5b\x03\0\0", b"\x01\x04", b"\x68", b"/", b"\xdb", b"[", b"\x44", b"\x7e"]
        ),
        strategies.binary(max_size=24),
    ),
    key=strategies.sampled_from([None, bytes(16), bytes(5)]),
)
@example(octets=bytes.fromhex("5b0300000303"), key=None)
def test_nothing_but_a_refusal_comes_of_any_bytes(octets: bytes, key: bytes | None) -> None:
    with suppress(DecodeError):
        telegram = recognise(octets, key=key).telegram
        assert list(byte_lines(telegram))


def test_a_file_of_frames_line_by_line() -> None:
    assert frames_in(b"# two\n0a0b\n\n0c\n") == [b"\x0a\x0b", b"\x0c"]


def test_the_table_and_the_bytes() -> None:
    telegram = recognise(b'{"total":12.50,"u":"\xc3\xbc"}').telegram
    lines = list(table_lines(telegram))
    assert lines[0] == "json, 24 bytes"
    assert lines[2].split() == ["total", "12.50"]
    rows = list(byte_lines(telegram))
    assert rows[1].split()[:2] == ["0", "7b"]
    assert rows[2].split() == ["9", "31", "32", "2e", "35", "30", "total", "12.50", "12.50"]


def test_every_byte_is_shown_once_where_items_do_not_overlap() -> None:
    telegram = recognise(_SEALED, key=_KEY).telegram
    column = next(iter(byte_lines(telegram))).index("hex")
    name = next(iter(byte_lines(telegram))).index("name")
    rows = list(byte_lines(telegram))[1:]
    shown = b"".join(bytes.fromhex(row[column:name]) for row in rows)
    assert shown == telegram.octets
