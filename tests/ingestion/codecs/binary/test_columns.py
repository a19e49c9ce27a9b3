"""Batches in columns give what one message after the other gives."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from ingestion.codecs.binary import compile_schema
from ingestion.codecs.errors import DecodeError

_LAYOUTS: dict[str, dict[str, Any]] = {
    "axioma, extended": {
        "endian": "little",
        "fields": [
            {"name": "sent_at", "type": "u32", "time": "unix"},
            {"name": "status", "type": "u8", "lookup": {n: f"s{n}" for n in range(256)}},
            {"name": "volume", "type": "u32", "unit": "L", "div": 1000},
            {"name": "deltas", "type": "u16", "repeat": 15},
        ],
    },
    "packed, little": {
        "endian": "little",
        "fields": [{"name": "d", "type": "bits14", "repeat": 23}, {"name": "t", "type": "s24"}],
    },
    "packed, big": {
        "fields": [{"name": "d", "type": "bits7", "repeat": 24}, {"name": "t", "type": "s8"}]
    },
    "all of them": {
        "fields": [
            {"name": "a", "type": "u24", "add": -5},
            {"type": "skip", "length": 2},
            {"name": "b", "type": "s64"},
            {"name": "c", "type": "u8[0:3]"},
            {"name": "d", "type": "s8[4:7]", "consume": 1},
            {"name": "e", "type": "u16", "bits": [11, 3]},
            {"name": "f", "type": "bool", "bit": 2, "consume": 1},
            {"name": "g", "type": "u16", "endian": "little", "mult": 3, "div": 4},
            {"name": "_h", "type": "u8"},
            {
                "byte_group": {
                    "size": 3,
                    "fields": [
                        {"name": "i", "type": "u24[12:23]"},
                        {"name": "j", "type": "u8[0:3]"},
                    ],
                }
            },
            {"name": "k", "type": "u40"},
            {"name": "l", "type": "u64", "transform": [{"div": 7}, {"op": "round", "decimals": 2}]},
        ]
    },
}


@pytest.mark.parametrize("name", sorted(_LAYOUTS))
def test_columns_are_what_messages_say(name: str) -> None:
    decoder = compile_schema(_LAYOUTS[name])
    rows = decoder.rows(length=100)
    assert rows is not None
    made = random.Random(5)
    payloads = [made.randbytes(rows.size + 3) for _ in range(20)]
    columns = decoder.decode_many(payloads)
    assert columns is not None
    for place, payload in enumerate(payloads):
        tree = decoder.decode(payload).tree
        assert {name: column.exact(place) for name, column in columns.items()} == tree


def test_scaled_columns_are_whole_numbers() -> None:
    decoder = compile_schema({"fields": [{"name": "v", "type": "u16", "div": 100, "add": -0.5}]})
    columns = decoder.decode_many([b"\x00\x7b", b"\xff\xff"])
    assert columns is not None
    scaled = columns["v"].scaled(3)
    assert scaled.dtype == np.int64
    assert scaled.tolist() == [730, 654_850]
    assert columns["v"].exact(0) == Decimal("0.73")
    with pytest.raises(ValueError, match="more digits than 1"):
        columns["v"].scaled(1)
    labelled = compile_schema({"fields": [{"name": "v", "type": "u8", "lookup": ["a"]}]})
    words = labelled.decode_many([b"\x00"])
    assert words is not None
    with pytest.raises(ValueError, match="not a number"):
        words["v"].scaled(0)


@pytest.mark.parametrize(
    "fields",
    [
        [{"name": "v", "type": "f32"}],
        [{"name": "v", "type": "hex", "length": 2}],
        [{"name": "v", "type": "u8", "if": "$a"}],
        [{"name": "v", "type": "u8", "repeat": "until_end"}],
        [{"name": "v", "type": "u8"}, {"name": "w", "type": "number", "ref": "$v"}],
        [{"tlv": {"cases": {1: []}}}],
        [{"name": "v", "type": "u8"}, {"name": "v", "type": "u8"}],
        [{"type": "skip"}],
    ],
)
def test_layouts_that_are_not_fixed(fields: list[Any]) -> None:
    decoder = compile_schema({"fields": fields})
    assert decoder.rows(length=9) is None
    assert decoder.decode_many([bytes(9)]) is None


def test_batches_that_do_not_fit() -> None:
    fields = [{"name": "k", "type": "u8", "const": 7}, {"name": "v", "type": "u16"}]
    decoder = compile_schema({"fields": fields})
    columns = decoder.decode_many([b"\x07\x00\x01"])
    assert columns is not None
    assert columns["v"].exact(0) == 1
    with pytest.raises(DecodeError, match="k is 8 in row 1"):
        decoder.decode_many([b"\x07\x00\x01", b"\x08\x00\x01"])
    with pytest.raises(DecodeError, match="one length"):
        decoder.decode_many([b"\x07\x00\x01", b"\x07"])
    with pytest.raises(DecodeError, match="at least 3 bytes"):
        decoder.decode_many([b"\x07\x00"])
    assert decoder.decode_many([]) is None


def test_variant_is_chosen_by_length_and_port() -> None:
    decoder = compile_schema(
        {
            "variants": [
                {"when": {"port": 1, "length": 2}, "fields": [{"name": "v", "type": "u16"}]},
                {"when": {"port": 1}, "fields": [{"name": "v", "type": "u8"}]},
            ]
        }
    )
    wide = decoder.decode_many([b"\x01\x02"], port=1)
    narrow = decoder.decode_many([b"\x01"], port=1)
    assert wide is not None
    assert narrow is not None
    assert (wide["v"].exact(0), narrow["v"].exact(0)) == (258, 1)
    assert decoder.decode_many([b"\x01"], port=2) is None
