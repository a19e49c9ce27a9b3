"""Fields made of fields: objects, groups, cases, tags, repeats, references, ports."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ingestion.codecs.binary import SchemaError, compile_schema
from ingestion.codecs.errors import DecodeError

from .layouts import item, telegram, tree

_V = [{"name": "v", "type": "u8"}]


def test_object_has_a_tree_of_its_own() -> None:
    fields = [
        {"name": "gps", "type": "object", "fields": [{"name": "lat", "type": "s16", "div": 100}]},
        {"name": "size", "type": "number", "ref": "$gps.lat"},
    ]
    said = telegram(fields, "1388")
    assert said.tree == {"gps": {"lat": 50}, "size": 50}
    assert [found.name for found in said.items] == ["gps.lat", "size"]


def test_byte_group_shares_bytes() -> None:
    members = [{"name": "t", "type": "u24[12:23]"}, {"name": "h", "type": "u8[0:7]"}]
    for group in (
        {"byte_group": {"size": 3, "fields": members}},
        {"byte_group": members, "size": 3},
    ):
        assert tree([group, {"name": "n", "type": "u8"}], "123456ff") == {
            "t": 0x123,
            "h": 0x56,
            "n": 255,
        }
    little = {
        "byte_group": {
            "size": 2,
            "endian": "little",
            "fields": [
                {"name": "a", "type": "u16[0:11]"},
                {"name": "b", "type": "bool", "bit": 12},
            ],
        }
    }
    assert tree([little], "3412") == {"a": 0x234, "b": True}
    flags = [{"name": "low", "type": "bool", "bit": 0}, {"name": "high", "type": "bool", "bit": 15}]
    group = {"byte_group": {"size": 2, "fields": flags}}
    assert tree([group], "8000") == {"low": False, "high": True}
    assert tree([group], "0001") == {"low": True, "high": False}


def test_flags_announce_groups() -> None:
    fields = [
        {"name": "flags", "type": "u8"},
        {
            "flagged": {
                "field": "flags",
                "groups": [
                    {"bit": 0, "fields": [{"name": "a", "type": "u16"}]},
                    {"bit": 3, "fields": [{"name": "b", "type": "u8"}]},
                ],
            }
        },
    ]
    assert tree(fields, "08ff") == {"flags": 8, "b": 255}
    assert tree(fields, "09000102") == {"flags": 9, "a": 1, "b": 2}
    with pytest.raises(DecodeError, match="no flags"):
        tree(fields[1:], "08ff")


@pytest.mark.parametrize(
    ("key", "octets"),
    [
        (1, "0105"),
        ("0x01", "0105"),
        ("1", "0105"),
        ("[1, 2]", "0205"),
        ("2..5", "0405"),
        ("0x10..0x1F", "1f05"),
        ((7, 8), "0805"),
        ("_", "ff05"),
        ("default", "ff05"),
    ],
)
def test_cases_by_key(key: Any, octets: str) -> None:
    for name in ("match", "switch"):
        fields = [{"name": "k", "type": "u8"}, {name: {"field": "$k", "cases": {key: _V}}}]
        assert tree(fields, octets)["v"] == 5


def test_cases_that_are_not_there() -> None:
    read = {"name": "k", "type": "u8"}
    cases = {"field": "k", "cases": {1: _V}}
    with pytest.raises(DecodeError, match="no case for 9") as caught:
        tree([read, {"match": cases}], "0905")
    assert caught.value.offset == 1
    assert tree([read, {"match": {**cases, "default": "skip"}}], "0905") == {"k": 9}
    assert tree([read, {"match": {**cases, "default": _V}}], "0905") == {"k": 9, "v": 5}
    with pytest.raises(DecodeError, match="no value to match"):
        tree([{"match": {**cases, "field": "absent"}}], "05")


def test_cases_by_bytes_right_here() -> None:
    inline = {"match": {"length": 2, "name": "kind", "cases": {258: _V}}}
    assert tree([inline], "010205") == {"kind": 258, "v": 5}
    left = {"match": {"remaining": True, "cases": {2: [{"name": "w", "type": "u16"}]}}}
    assert tree([left], "0102") == {"w": 258}
    older = {"type": "match", "on": "k", "cases": [{"case": [1, 2], "fields": _V}]}
    assert tree([{"name": "k", "type": "u8"}, older], "0205") == {"k": 2, "v": 5}


def test_older_spellings() -> None:
    switch = {"switch": {"on": "$k", "cases": [{"case": 1, "fields": _V}]}}
    assert tree([{"name": "k", "type": "UInt", "length": 2}, switch], "000105")["v"] == 5
    tags = {"name": "t", "type": "tlv", "tag_size": 1, "length_size": 1, "tags": {1: _V[0]}}
    assert tree([tags], "010105") == {"v": 5}
    typed = {"tlv": {"tag_type": "u16", "length_type": "u8", "cases": {1: _V}}}
    assert tree([typed], "00010105") == {"v": 5}


def test_case_by_label() -> None:
    fields = [
        {"name": "k", "type": "u8", "lookup": ["water", "gas"]},
        {"match": {"field": "k", "cases": {"gas": _V}}},
    ]
    assert tree(fields, "0105") == {"k": "gas", "v": 5}


_TAGS = {
    "tag_fields": [{"name": "channel", "type": "u8"}, {"name": "kind", "type": "u8"}],
    "tag_key": ["channel", "kind"],
}


def test_tags_of_two_parts() -> None:
    cases = {
        "[1, 117]": [{"name": "battery", "type": "u8"}],
        "[3, 103]": [{"name": "t", "type": "s16", "div": 10}],
        "[9, !0]": [{"name": "alarm", "type": "u8"}],
        "[9, *]": [{"name": "any", "type": "u8"}],
        (4, 104): [{"name": "h", "type": "u8"}],
    }
    fields = [{"tlv": {**_TAGS, "cases": cases}}]
    found = tree(fields, "01755c 03670110 096401 090002 046832", endian="little")
    assert found == {"battery": 92, "t": Decimal("409.7"), "alarm": 1, "any": 2, "h": 50}


def test_tag_that_comes_again_makes_a_list() -> None:
    history = [{"name": "log", "type": "object", "fields": _V}]
    fields = [{"tlv": {"cases": {1: _V, 2: history}}}]
    said = telegram(fields, "0105 0106 0201 0202")
    assert said.tree == {"v": [5, 6], "log": [{"v": 1}, {"v": 2}]}
    assert [found.name for found in said.items] == ["v[0]", "v[1]", "log.v", "log[1].v"]


def test_tags_with_lengths() -> None:
    fields = [{"tlv": {"tag_size": 1, "length_size": 1, "cases": {1: _V}}}]
    assert tree(fields, "0101050902aabb0103060000") == {"v": [5, 6]}
    with pytest.raises(DecodeError, match="needs 2 bytes, 1 left"):
        tree(fields, "010105 0902aa")
    with pytest.raises(DecodeError, match="needs 2 bytes, 0 left"):
        tree(fields, "0101050102")


def test_unknown_tags() -> None:
    plain = {"tlv": {"cases": {1: _V}}}
    said = telegram([plain], "0105 77aabb")
    assert said.tree == {"v": 5}
    assert said.warnings == ("byte 2: unknown tag 77, 3 bytes not read",)
    with pytest.raises(DecodeError, match="unknown tag 77"):
        tree([{"tlv": {"cases": {1: _V}, "unknown": "error"}}], "010577aabb")
    raw = tree([{"tlv": {"cases": {1: _V}, "unknown": "raw"}}], "010577aabb")
    assert raw == {"v": 5, "unknown_tags": [{"tag": [0x77], "raw": "aabb"}]}
    with pytest.raises(DecodeError, match="needs 1 bytes"):
        tree([{"tlv": {**_TAGS, "cases": {"[1, 1]": _V}}}], "01")


def test_tags_kept_apart() -> None:
    fields = [{"tlv": {"merge": False, "cases": {1: _V}}}]
    said = telegram(fields, "01050106")
    assert said.tree == {"channels": [{"tag": [1], "v": 5}, {"tag": [1], "v": 6}]}
    assert item(said, "channels[1].v").value == 6


@pytest.mark.parametrize(
    ("keys", "octets"),
    [
        ({"count": 2}, "02 05 06"),
        ({"count": "$n"}, "02 05 06"),
        ({"count_field": "n"}, "02 05 06"),
        ({"byte_length": "$n"}, "02 05 06"),
        ({"until": "end"}, "02 05 06"),
    ],
)
def test_repeats(keys: dict[str, Any], octets: str) -> None:
    fields = [{"name": "n", "type": "u8"}, {"name": "r", "type": "repeat", "fields": _V, **keys}]
    said = telegram(fields, octets)
    assert said.tree["r"] == [{"v": 5}, {"v": 6}]
    assert item(said, "r[1].v").start == 2


def test_repeat_with_a_scope_of_its_own() -> None:
    fields = [
        {"name": "base", "type": "u8"},
        {
            "name": "r",
            "type": "repeat",
            "until": "end",
            "reserve": 1,
            "trailer": [{"name": "scale", "type": "u8"}],
            "index": "i",
            "count_as": "many",
            "present_if": {"field": "$d", "ne": 0},
            "fields": [
                {"name": "d", "type": "u8"},
                {"name": "sum", "type": "number", "carry": "$base", "formula": "$sum + $d"},
                {"name": "place", "type": "number", "ref": "$i"},
            ],
        },
        {"name": "after", "type": "number", "ref": "$d"},
    ]
    assert tree(fields, "0a01000203") == {
        "base": 10,
        "scale": 3,
        "r": [{"d": 1, "sum": 11, "place": 0}, {"d": 2, "sum": 13, "place": 1}],
    }


def test_repeats_that_do_not_come_out() -> None:
    words = [{"name": "w", "type": "u16"}]
    with pytest.raises(DecodeError, match="needs 2 bytes, 1 left"):
        tree([{"name": "r", "type": "repeat", "until": "end", "fields": words}], "000102")
    with pytest.raises(DecodeError, match="do not fill"):
        tree([{"name": "r", "type": "repeat", "byte_length": 3, "max": 2, "fields": _V}], "000102")
    with pytest.raises(DecodeError, match="at least 4"):
        tree([{"name": "r", "type": "repeat", "until": "end", "min": 4, "fields": _V}], "000102")
    with pytest.raises(DecodeError, match="not a count"):
        tree([{"name": "r", "type": "repeat", "count": "$absent", "fields": _V}], "000102")


@pytest.mark.parametrize("how", [{"count": 3}, {"until": "end"}])
def test_repeat_beyond_its_own_limit(how: dict[str, Any]) -> None:
    definition = {"fields": [{"name": "r", "type": "repeat", "max": 2, "fields": _V, **how}]}
    said = compile_schema(definition).decode(b"\x00\x01\x02")
    assert said.tree == {"r": [{"v": 0}, {"v": 1}]}
    assert "at most 2 allowed; the others are not read" in said.warnings[0]
    with pytest.raises(DecodeError, match="at most 2 allowed"):
        compile_schema(definition, strict=True).decode(b"\x00\x01\x02")


def test_references_are_put_in() -> None:
    definitions = {"header": {"fields": [{"name": "version", "type": "u8"}]}, "tail": _V}
    fields = [{"$ref": "#/definitions/header"}, {"use": "tail", "prefix": "x_"}]
    assert tree(fields, "0102", definitions=definitions) == {"version": 1, "x_v": 2}
    renamed = [{"use": "tail", "rename": {"v": "w"}}]
    assert tree(renamed, "01", definitions=definitions) == {"w": 1}


def test_ports_choose_the_fields() -> None:
    decoder = compile_schema(
        {"ports": {1: {"fields": _V}, "2": {"fields": [{"name": "w", "type": "u16"}]}}}
    )
    assert decoder.decode(b"\x05", port=1).tree == {"v": 5}
    assert decoder.decode(b"\x05\x06", port=2).tree == {"w": 0x0506}
    for port in (3, None):
        with pytest.raises(DecodeError, match="no layout for port"):
            decoder.decode(b"\x05", port=port)
    fallback = compile_schema({"ports": {1: {"fields": []}, "default": {"fields": _V}}})
    assert fallback.decode(b"\x05", port=77).tree == {"v": 5}


def test_compact_form() -> None:
    assert tree(">B:a H:b 2x b:c", "01020300ffff") == {"a": 1, "b": 0x0203, "c": -1}  # type: ignore[arg-type]
    decoder = compile_schema({"format": "<hB", "names": ["temp", "hum"]})
    assert decoder.decode(bytes.fromhex("feff20")).tree == {"temp": -2, "hum": 32}
    with pytest.raises(SchemaError, match="not a format"):
        compile_schema({"fields": ">B:a !"})


def test_optional_fields_at_the_end() -> None:
    fields = [{"name": "a", "type": "u8"}, {"name": "b", "type": "u16", "optional": True}]
    assert tree(fields, "01") == {"a": 1}
    assert tree(fields, "010203") == {"a": 1, "b": 0x0203}
    with pytest.raises(DecodeError, match="needs 2 bytes, 1 left"):
        tree(fields, "0102")
