"""Whatever the bytes, only a DecodeError with a place in them; whatever the definition, only a
SchemaError."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.codecs.binary import BinaryDecoder, SchemaError, compile_schema
from ingestion.codecs.errors import DecodeError
from ingestion.vectors.payload_schema import read_schema

from .layouts import SCHEMAS, SKETCHES, needs_published

# Everything that the language has, in one layout without a fixed shape.
_MANY: dict[str, Any] = {
    "endian": "little",
    "checksum": {"type": "crc-16/modbus", "on_error": "warn"},
    "reject": [{"when": "flags > 250", "why": "too many flags"}],
    "fields": [
        {"name": "flags", "type": "u8"},
        {"name": "low", "type": "u8[0:3]"},
        {"name": "bits", "type": "bits5", "repeat": "$low"},
        {
            "flagged": {
                "field": "flags",
                "groups": [
                    {"bit": 0, "fields": [{"name": "f", "type": "f32", "transform": [{"pow": 3}]}]},
                    {"bit": 1, "fields": [{"name": "b", "type": "bcd", "length": 2}]},
                    {"bit": 2, "fields": [{"name": "at", "type": "u64", "time": "unix"}]},
                    {
                        "bit": 3,
                        "fields": [
                            {
                                "name": "t",
                                "type": "hex",
                                "length": "$low",
                                "time": {"digits": "YYMMDD"},
                            }
                        ],
                    },
                ],
            }
        },
        {
            "match": {
                "field": "low",
                "default": "skip",
                "cases": {
                    "1..3": [
                        {
                            "name": "r",
                            "type": "repeat",
                            "count": "$low",
                            "fields": [
                                {
                                    "name": "x",
                                    "type": "s24",
                                    "div": 3,
                                    "lookup": {1: "a", "default": "${value}"},
                                }
                            ],
                        }
                    ],
                    "4..6": [
                        {
                            "tlv": {
                                "length_size": 1,
                                "reserve": 2,
                                "cases": {
                                    1: [{"name": "v", "type": "enum", "values": ["a", "b"]}],
                                    2: [
                                        {
                                            "name": "o",
                                            "type": "object",
                                            "fields": [
                                                {
                                                    "name": "s",
                                                    "type": "ascii",
                                                    "length": "remaining",
                                                }
                                            ],
                                        }
                                    ],
                                },
                            }
                        }
                    ],
                    7: [
                        {"name": "w", "type": "u16", "repeat": "until_last", "tail": {"bytes": 2}},
                        {
                            "name": "sums",
                            "type": "number",
                            "running": {"of": "$w", "from": "$flags"},
                        },
                    ],
                },
            }
        },
        {"name": "ratio", "type": "number", "compute": {"op": "div", "a": "$flags", "b": "$low"}},
        {"name": "root", "type": "number", "formula": "sqrt($f) / ($flags - 9) ** 3"},
    ],
}


def _definitions() -> list[Path]:
    return sorted([*(SCHEMAS / "devices").rglob("*.yaml"), *SKETCHES.glob("*.yaml")])


@lru_cache(maxsize=1)
def _decoders() -> list[BinaryDecoder]:
    decoders = [compile_schema(_MANY)]
    for path in _definitions()[::7]:
        loaded = read_schema(path)
        definition = loaded.get("decode", loaded)
        if definition.get("kind", "binary") == "binary":
            decoders.append(compile_schema(definition))
    return decoders


def _decodes_or_refuses(decoder: BinaryDecoder, octets: bytes, port: int | None = None) -> None:
    try:
        said = decoder.decode(octets, port=port)
    except DecodeError as error:
        assert 0 <= error.offset <= len(octets)
        with pytest.raises(DecodeError):
            decoder.decode_tree(octets, port=port)
        return
    assert decoder.decode_tree(octets, port=port) == said.tree
    assert all(-1 <= item.start <= item.end <= len(octets) for item in said.items)


@settings(max_examples=150, deadline=None)
@given(octets=st.binary(max_size=60), low=st.integers(0, 255))
def test_any_bytes_for_everything_there_is(octets: bytes, low: int) -> None:
    _decodes_or_refuses(compile_schema(_MANY), bytes([low & 15, low]) + octets)


@needs_published
@settings(max_examples=150, deadline=None)
@given(st.data(), st.binary(max_size=60), st.sampled_from([None, 1, 85, 100, 103]))
def test_any_bytes_for_published_layouts(data: Any, octets: bytes, port: int | None) -> None:
    _decodes_or_refuses(data.draw(st.sampled_from(_decoders())), octets, port)


_KEYS = st.sampled_from(
    [
        *(
            "name",
            "type",
            "length",
            "fields",
            "cases",
            "field",
            "tlv",
            "match",
            "flagged",
            "groups",
        ),
        *("repeat", "count", "until", "lookup", "transform", "div", "formula", "compute", "guard"),
        *("time", "if", "at", "peek", "tail", "running", "of", "byte_group", "size", "bit", "bits"),
        *("values", "parts", "encoding", "$ref", "endian", "tag", "tag_fields", "when", "op", "a"),
        *("const", "name_from", "sentinel", "valid_range", "polynomial", "ref", "carry", "round"),
        *("reject", "checksum", "ports", "variants", "assembly", "unknown", "default", "format"),
    ]
)
_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 70),
    st.floats(),
    st.sampled_from(
        [
            *("u8", "s16", "u8[0:3]", "bits3", "f32", "hex", "ascii", "bool", "enum", "number"),
            *("repeat", "object", "skip", "bitfield_string", "bcd", "$a", "a", "end", "remaining"),
            *("until_end", "unix", "little", "add", "x * 2", "1..2", "[1, 2]", "crc-8", "01 75"),
        ]
    ),
    st.text(max_size=4),
)
_NODES = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(_KEYS, _LEAVES), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(
    fields=st.lists(st.dictionaries(_KEYS, _NODES, max_size=4), max_size=4),
    more=st.dictionaries(_KEYS, _NODES, max_size=2),
    octets=st.binary(max_size=12),
)
def test_any_definition(fields: Any, more: Any, octets: bytes) -> None:
    try:
        decoder = compile_schema({"fields": [{"name": "a", "type": "u8"}, *fields], **more})
    except SchemaError:
        return
    _decodes_or_refuses(decoder, octets)
