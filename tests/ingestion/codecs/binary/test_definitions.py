"""Wrong definitions name the place of the fault; hostile ones cannot hang or exhaust anything."""

from __future__ import annotations

from typing import Any

import pytest

from ingestion.codecs.binary import SchemaError, compile_schema
from ingestion.codecs.binary.limits import MAX_ITEMS
from ingestion.codecs.errors import DecodeError

from .layouts import tree


def _field(**keys: Any) -> dict[str, Any]:
    return {"fields": [{"name": "v", "type": "u8", **keys}]}


def _nested(depth: int) -> dict[str, Any]:
    inner: Any = [{"name": "v", "type": "u8"}]
    for _ in range(depth):
        inner = [{"name": "o", "type": "object", "fields": inner}]
    return {"fields": inner}


_FAULTS: list[tuple[Any, tuple[str | int, ...], str]] = [
    ([], (), "expected a mapping"),
    ({}, (), "expected fields, ports or variants"),
    ({"fields": 5}, ("fields",), "expected a list of fields"),
    ({"fields": [5]}, ("fields", 0), "a field is a mapping"),
    ({"endian": "middle", "fields": []}, ("endian",), "big or little"),
    (_field(type="u7"), ("fields", 0, "type"), "whole bytes"),
    (_field(type="u72"), ("fields", 0, "type"), "1 to 64 bits"),
    (_field(type="word"), ("fields", 0, "type"), "no type 'word'"),
    (_field(type=["u8"]), ("fields", 0, "type"), "no type"),
    (_field(type="u8[3:9]"), ("fields", 0, "type"), "bits 0 to 7"),
    (_field(div="ten"), ("fields", 0, "div"), "ten is not a number"),
    (_field(transform=[{"twist": 1}]), ("fields", 0, "transform", 0, "twist"), "not an operation"),
    (_field(transform=[{"op": "floor"}]), ("fields", 0, "transform", 0, "op"), "round is"),
    (_field(transform=[{"pow": 999}]), ("fields", 0, "transform", 0, "pow"), "powers go to"),
    (_field(lookup=5), ("fields", 0, "lookup"), "expected a list or a mapping"),
    (_field(formula="__import__('os')"), ("fields", 0, "formula"), "functions of a formula"),
    (_field(formula="x.real"), ("fields", 0, "formula"), "attribute is not allowed"),
    (_field(formula="[y for y in x]"), ("fields", 0, "formula"), "listcomp is not allowed"),
    (_field(formula="'a' * 9"), ("fields", 0, "formula"), "not a number"),
    (_field(formula="x +"), ("fields", 0, "formula"), "not a formula"),
    (_field(formula="(" * 400), ("fields", 0, "formula"), "not a formula"),
    (_field(formula="+".join("x" * 300)), ("fields", 0, "formula"), "at most 200 nodes"),
    (_field(formula="x" * 2_000), ("fields", 0, "formula"), "at most 1000 characters"),
    (_field(time="noon"), ("fields", 0, "time", "epoch"), "an epoch is a date"),
    (_field(round=99), ("fields", 0, "round"), "decimals"),
    (_field(**{"if": {"field": "$a", "like": 1}}), ("fields", 0, "if", "like"), "comparison"),
    (_field(at="first"), ("fields", 0, "at"), "a byte from the start"),
    (_field(valid_range=[1]), ("fields", 0, "valid_range"), "expected"),
    (_field(name=5), ("fields", 0, "name"), "a name is text"),
    (_field(repeat=-1), ("fields", 0, "count"), "not negative"),
    ({"fields": [{"$ref": "#/definitions/x"}]}, ("fields", 0), "no definition 'x'"),
    ({"ports": {"first": {"fields": []}}}, ("ports", "first"), "a port is a number"),
    ({"fields": [], "reject": [{}]}, ("reject", 0), "expected {when, why}"),
    ({"fields": [], "checksum": "crc-99"}, ("checksum", "type"), "no checksum"),
    ({"fields": [], "assembly": {}}, ("assembly",), "expected {part"),
    (
        {"fields": [{"match": {"field": "a", "cases": {1: [{"name": "v", "type": "?"}]}}}]},
        ("fields", 0, "match", "cases", 1, 0, "type"),
        "no type",
    ),
    (
        {"fields": [{"tlv": {"cases": {"[1, x]": []}}}]},
        ("fields", 0, "tlv", "cases", "[1, x]"),
        "not a part of a tag",
    ),
    ({"variants": [{"fields": [{"name": "v"}, 5]}]}, ("variants", 0, "fields", 1), "mapping"),
]


@pytest.mark.parametrize(("definition", "path", "reason"), _FAULTS)
def test_fault_is_named(definition: Any, path: tuple[str | int, ...], reason: str) -> None:
    with pytest.raises(SchemaError) as caught:
        compile_schema(definition)
    assert caught.value.path == path
    assert reason in caught.value.reason


def test_fault_is_spoken_with_its_path() -> None:
    assert str(SchemaError(("fields", 0, "div"), "no")) == "fields[0].div: no"


def test_unknown_keys_are_noted_or_refused() -> None:
    definition = _field(dvi=10, description="…", sensor="none")
    assert compile_schema(definition).notes == (
        (("fields", 0, "dvi"), "no key 'dvi'; near to it is 'div'"),
    )
    with pytest.raises(SchemaError, match="near to it is 'div'"):
        compile_schema(definition, strict=True)
    with pytest.raises(SchemaError, match="needs a type"):
        compile_schema({"fields": [{"name": "v"}]}, strict=True)


def test_unused_definitions_may_be_anything() -> None:
    definition = {"definitions": {"values": {"A": 1}, "x": 5}, **_field()}
    assert compile_schema(definition).decode(b"\x01").tree == {"v": 1}


# --- hostile ones --------------------------------------------------------------------------------


def test_references_in_a_circle() -> None:
    definitions = {"a": [{"$ref": "#/definitions/b"}], "b": [{"use": "a"}]}
    with pytest.raises(SchemaError, match="refers to itself"):
        compile_schema({"definitions": definitions, "fields": [{"use": "a"}]})
    inside = {"o": [{"name": "o", "type": "object", "fields": [{"use": "o"}]}]}
    with pytest.raises(SchemaError, match="nest deeper"):
        compile_schema({"definitions": inside, "fields": [{"use": "o"}]})


def test_references_that_grow() -> None:
    definitions: dict[str, Any] = {"d0": [{"name": "v", "type": "u8"}]}
    for level in range(1, 20):
        definitions[f"d{level}"] = [{"use": f"d{level - 1}"}] * 10
    with pytest.raises(SchemaError, match="more than 20000 fields"):
        compile_schema({"definitions": definitions, "fields": [{"use": "d19"}]})


def test_nesting_is_bounded() -> None:
    assert compile_schema(_nested(20)).decode(b"\x01").tree
    with pytest.raises(SchemaError, match="nest deeper than 24"):
        compile_schema(_nested(40))
    condition: Any = "$a"
    for _ in range(2_000):
        condition = {"not": condition}
    with pytest.raises(SchemaError, match="conditions nest too deep"):
        compile_schema(_field(**{"if": condition}))


_NUMBER = {"name": "n", "type": "number", "value": 1}
_MANY = {"type": "repeat", "count": 1_000, "max": 1_000_000}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ([{"name": "r", "type": "repeat", "until": "end", "fields": [_NUMBER]}], "takes no bytes"),
        ([{"name": "r", "type": "repeat", "count": 10**9, "fields": [_NUMBER]}], "at most 1000"),
        ([{"name": "r", **_MANY, "count": 10**9, "fields": [_NUMBER]}], "at most 4096"),
        (
            [{"name": "r", **_MANY, "fields": [{"name": "s", **_MANY, "fields": [_NUMBER]}]}],
            f"more than {MAX_ITEMS} values",
        ),
        (
            [{"name": "r", **_MANY, "fields": [{"name": "s", **_MANY, "fields": []}]}],
            "too much to decode",
        ),
        ([{"name": "r", "type": "bits1", "repeat": 10**9}], "more than 4096 values"),
        (
            [
                {
                    "name": "r",
                    **_MANY,
                    "fields": [{"name": "b", "type": "bits1", "repeat": 4_000, "at": 0}],
                }
            ],
            "too much to decode|needs",
        ),
        (
            [
                {
                    "name": "r",
                    **_MANY,
                    "fields": [{"name": "h", "type": "hex", "at": 0, "length": "remaining"}],
                }
            ],
            "too much to decode",
        ),
        ([{"tlv": {"tag_fields": [{"name": "t", "type": "u8[0:0]"}], "cases": {0: []}}}], "no byt"),
        ([{"name": "v", "type": "u8", "length": 10**30, "at": 10**30}], "no byte"),
        ([{"name": "v", "type": "hex", "length": 10**30}], "needs 10"),
        ([{"type": "skip", "length": 10**30}], "needs 10"),
        ([{"name": "v", "type": "bcd", "length": 30_000}], "not decimal digits"),
    ],
)
def test_work_is_bounded(fields: list[Any], reason: str) -> None:
    decoder = compile_schema({"fields": fields})
    with pytest.raises(DecodeError, match=reason):
        decoder.decode(bytes.fromhex("fe") * 60_000)


@pytest.mark.parametrize(
    "formula",
    [
        "x ** 64 ** 64",
        "((((x ** 64) ** 64) ** 64) ** 64) ** 64",
        "x << 64 << 64 << 64 << 64 << 64 << 64 << 64 << 64 << 64 << 64 * 64",
        "*".join(["9" * 17] * 55),
        "10.5 ** 64 ** 2",
        "pow(x, 1000000)",
        "1 / (x - 255)",
        "log(0)",
        "sqrt(0 - 1)",
        "x & 0.5",
        "min(1)",
        "1e300 * 1e300 * 1e300 * 1e300 ** 64",
    ],
)
def test_formulas_are_bounded(formula: str) -> None:
    found = tree([{"name": "v", "type": "u8", "formula": formula}], "ff").get("v", 0)
    assert abs(found) < 10**1_300


def test_number_literals_are_bounded() -> None:
    with pytest.raises(SchemaError, match="int is not a number"):
        compile_schema(_field(mult=10**5_000))
    with pytest.raises(SchemaError, match="float is not a number"):
        compile_schema(_field(add=float("nan")))


def test_transforms_that_overflow_leave_the_value_out() -> None:
    stages = [{"pow": 64}] * 20
    assert tree([{"name": "v", "type": "u8", "transform": stages}], "ff") == {}
    assert tree([{"name": "v", "type": "u64", "transform": [{"mult": 1e300}] * 60}], "ff" * 8) == {}


def test_message_has_a_longest_length() -> None:
    with pytest.raises(DecodeError, match="longer than 65536"):
        compile_schema(_field()).decode(bytes(70_000))


@pytest.mark.parametrize(
    ("definition", "path", "near"),
    [
        ({"fields": [], "checksm": "crc-8"}, ("checksm",), "checksum"),
        ({"fields": [], "checksum": {"type": "sum8", "ove": []}}, ("checksum", "ove"), "over"),
        ({"variants": [{"whn": True, "fields": []}]}, ("variants", 0, "whn"), "when"),
        ({"fields": [], "reject": [{"when": "$a", "wy": "x"}]}, ("reject", 0, "wy"), "why"),
        ({"ports": {1: {"feilds": []}}}, ("ports", 1, "feilds"), "fields"),
        ({"fields": [{"tlv": {"tag_sise": 1}}]}, ("fields", 0, "tlv", "tag_sise"), "tag_size"),
        ({"fields": [{"match": {"feld": "a"}}]}, ("fields", 0, "match", "feld"), "field"),
        (
            {"fields": [{"flagged": {"field": "a", "groups": [], "bits": 1}}]},
            ("fields", 0, "flagged", "bits"),
            "",
        ),
        (
            {"fields": [{"byte_group": {"sise": 1, "fields": []}}]},
            ("fields", 0, "byte_group", "sise"),
            "size",
        ),
    ],
)
def test_unknown_keys_of_blocks(definition: Any, path: tuple[str | int, ...], near: str) -> None:
    with pytest.raises(SchemaError) as caught:
        compile_schema(definition, strict=True)
    assert caught.value.path == path
    assert f"near to it is '{near}'" in caught.value.reason or not near
