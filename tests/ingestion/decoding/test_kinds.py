"""Every kind of the language has a codec, and what it gives can be taken."""

from __future__ import annotations

import pytest

from ingestion.codecs.binary.checksums import CRCS, crc_of
from ingestion.codecs.errors import DecodeError
from ingestion.decoding import Arrival, CompiledType, compile_type
from ingestion.decoding.kinds import KINDS
from meters.definition import DefinitionError, read_definition
from meters.definition.language import KINDS as WORDS

from .typing_of import HEAD

# Kind → layout, rule, telegram without its frame, litres.
_TAKEN: dict[str, tuple[str, str, bytes, int]] = {
    "binary": (
        "fields: [{name: v, type: u16, unit: L}]",
        "value: $v",
        bytes.fromhex("0bb8"),
        3_000,
    ),
    "mbus": (
        "",
        "match: {quantity: volume}",
        bytes.fromhex("080172 78563412 ae0c 01 07 00 00 0000 04132a000000"),
        42,
    ),
    "wmbus": (
        "",
        "match: {quantity: volume}",
        bytes.fromhex("44 ae0c 78563412 01 07 7a 00 00 0000 04132a000000"),
        42,
    ),
    "obis_text": (
        "",
        "obis: '0-n:24.2.1', port: n",
        b"/XYZ5\r\n\r\n0-1:24.2.1(240115100500W)(00001.500*m3)\r\n!\r\n",
        1_500,
    ),
    "json": ("fields: [{name: v, path: a.b, unit: m3}]", "value: $v", b'{"a": {"b": 1.25}}', 1_250),
    "senml": (
        "",
        "match: {name: volume}",
        b'[{"bn":"urn:dev:mac:0024befffe804ff1_","n":"volume","u":"m3","v":1.5}]',
        1_500,
    ),
    "nem": (
        "",
        "match: {suffix: '11'}, unit: L, mul: 1",
        b"100,NEM13,202403021000,MDP,RET\n250,NAAA000001,11,1,11,11,M1,E,1000,20240101000000,A,,,"
        b"1042,20240201000000,A,,,42,kWh\n900\n",
        1_042,
    ),
    "modbus": (
        "registers: [{name: v, address: 0, function: 4, type: u32, unit: L}]",
        "value: $v",
        bytes.fromhex("0104040000002a"),
        42,
    ),
}


def _compiled(kind: str, layout: str, rule: str) -> CompiledType:
    head = HEAD.replace("RESOURCE", "cold_water")
    text = f"{head}decode:\n  kind: {kind}\n"
    text += f"  {layout}\n" if layout else ""
    text += "readings:\n  - {register: v, reading_type: cold_water.volume.register, " + rule + "}\n"
    return compile_type(read_definition(text, name=kind))


def _framed(kind: str, payload: bytes) -> bytes:
    """With the length and the checksum of its link layer."""
    length = bytes([len(payload)])
    if kind == "mbus":
        return b"\x68" + length * 2 + b"\x68" + payload + bytes([sum(payload) & 0xFF, 0x16])
    if kind == "wmbus":
        return length + payload
    if kind == "modbus":
        return payload + crc_of(CRCS["crc-16/modbus"], payload).to_bytes(2, "little")
    return payload


def test_every_kind_of_the_language_has_a_codec() -> None:
    assert KINDS.keys() == WORDS.keys()


@pytest.mark.parametrize("kind", sorted(_TAKEN))
def test_a_value_is_taken(kind: str) -> None:
    layout, rule, payload, litres = _TAKEN[kind]
    decoded = _compiled(kind, layout, rule).decode(
        _framed(kind, payload), context=Arrival(memory={})
    )
    assert [reading.value for reading in decoded.readings] == [litres], decoded


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("keys", [{}, {"encryption": b"short"}, {"encryption": bytes(16)}])
def test_noise_is_refused_whatever_the_keys(kind: str, keys: dict[str, bytes]) -> None:
    layout, rule, *_rest = _TAKEN.get(kind, ("", "obis: 1-0:1.8.0"))
    with pytest.raises(DecodeError):
        _compiled(kind, layout, rule).decode(b"\xdb", context=Arrival(keys=keys, memory={}))


def test_a_general_ciphered_telegram_with_a_short_key_is_refused() -> None:
    payload = bytes.fromhex("db08" + "4142434445464748" + "1f3000000001" + "00" * 26)
    compiled = _compiled("cosem", "", "obis: 1-0:1.8.0")
    with pytest.raises(DecodeError):
        compiled.decode(payload, context=Arrival(keys={"encryption": b"short"}))


@pytest.mark.parametrize(
    ("kind", "layout", "key"),
    [
        ("binary", "fields: [{name: v, type: nonsense}]", "decode.fields[0].type"),
        ("binary", "fields: [{name: v, type: u8, colour: red}]", "decode.fields[0].colour"),
        ("json", "fields: [{name: v, path: 'a['}]", "decode.fields[0].path"),
        ("json", "fieldz: []", "decode.fieldz"),
        ("modbus", "registers: [{name: v, address: -1}]", "decode.registers[0]"),
    ],
)
def test_faults_of_a_layout_are_named(kind: str, layout: str, key: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        _compiled(kind, layout, "value: $v")
    assert any(problem.key.startswith(key) for problem in caught.value.problems), str(caught.value)
    assert all(problem.mark.line > 5 for problem in caught.value.problems)


def test_keys_that_nobody_knows_pass_where_that_is_said() -> None:
    layout = "strict: false\n  fields: [{name: v, type: u8, colour: red, unit: L}]"
    decoded = _compiled("binary", layout, "value: $v").decode(b"\x07", context=Arrival())
    assert [reading.value for reading in decoded.readings] == [7]
