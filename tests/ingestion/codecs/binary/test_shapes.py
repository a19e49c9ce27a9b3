"""Messages of one shape, read in columns, hold what one message after the other says."""

from __future__ import annotations

import random
from datetime import timedelta
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from ingestion.codecs.binary import Cell, Shape, compile_schema, shape_of

_LAYOUTS: dict[str, list[dict[str, Any]]] = {
    "axioma, extended": [
        {"name": "sent_at", "type": "le_u32", "time": "unix"},
        {"name": "status", "type": "u8", "lookup": {n: f"s{n}" for n in range(256)}},
        {"name": "volume", "type": "le_u32", "unit": "L", "div": 1000},
        {"name": "deltas", "type": "le_u16", "repeat": 15, "sentinel": [7, 0]},
    ],
    "packed, high bits first": [
        {"name": "d", "type": "bits7", "repeat": 24},
        {"name": "e", "type": "u8:3"},
        {"name": "t", "type": "s8"},
    ],
    "packed, low bits first": [
        {"name": "d", "type": "bits14", "repeat": 23, "bit_order": "little"},
        {"name": "e", "type": "bits6", "bit_order": "little"},
        {"name": "t", "type": "le_s24"},
    ],
    "all of them": [
        {"name": "a", "type": "u24", "add": -5},
        {"type": "skip", "length": 2},
        {"name": "b", "type": "s56"},
        {"name": "c", "type": "u8[0:3]"},
        {"name": "d", "type": "s8[4:7]", "consume": 1},
        {"name": "e", "type": "u16", "bits": [11, 3]},
        {"name": "f", "type": "bool", "bit": 2, "consume": 1},
        {"name": "g", "type": "u16", "endian": "little", "mult": 3, "div": 4},
        {"name": "_h", "type": "u8"},
        {"name": "i", "type": "f32"},
        {"name": "j", "type": "hex", "length": 3},
        {"name": "k", "type": "u40"},
        {"name": "l", "type": "u8", "round": 2},
        {"name": "m", "type": "number", "compute": {"op": "add", "a": "$a", "b": "$k"}},
    ],
    "groups": [
        {"name": "x", "type": "u16"},
        {
            "name": "log",
            "repeat": 5,
            "fields": [
                {"name": "x", "type": "u32", "div": 10, "sentinel": 3},
                {"name": "at", "type": "u32", "time": {"epoch": "2013-01-01"}},
            ],
        },
        {"name": "y", "type": "u8", "optional": True},
    ],
    "cases": [
        {"name": "code", "type": "u8[0:1]", "consume": 0},
        {"name": "more", "type": "bool", "bit": 7, "consume": 1},
        {
            "match": "$code",
            "cases": {
                "0": [{"name": "v", "type": "u16"}],
                "1..2": [{"name": "v", "type": "s32", "if": "$more"}, {"name": "w", "type": "u8"}],
                "default": [],
            },
        },
        {
            "name": "rest",
            "type": "u16",
            "repeat": "until_last",
            "tail": {"when": "$more", "bytes": 1},
        },
        {"name": "last", "type": "u8", "if": "$more"},
    ],
}


def _said(cell: Cell, shape_tree: dict[str, Any]) -> list[Any]:
    if cell.group:
        return [element.get(cell.name) for element in shape_tree[cell.group]]
    value = shape_tree.get(cell.name)
    return value if cell.listed else [value]


def _values(cell: Cell, raw: list[int]) -> list[Any]:
    if cell.kind == "flag":
        return [bool(one) for one in raw]
    if cell.kind == "time":
        assert cell.epoch is not None
        return [cell.epoch + timedelta(seconds=one) for one in raw]
    return [None if one in cell.absent else one * cell.factor + cell.offset for one in raw]


def _of_one_length(name: str, length: int) -> tuple[Any, list[bytes]]:
    made = random.Random(5)
    return compile_schema({"fields": _LAYOUTS[name]}), [made.randbytes(length) for _ in range(40)]


@pytest.mark.parametrize("name", sorted(_LAYOUTS))
def test_cells_hold_what_messages_say(name: str) -> None:
    lengths = {"cases": 12, "groups": 43}
    decoder, payloads = _of_one_length(name, lengths.get(name, 60))
    octets = np.frombuffer(b"".join(payloads), np.uint8).reshape(len(payloads), -1)
    read = 0
    for payload in payloads:
        shape = shape_of(decoder, payload)
        if shape is None:
            assert name == "cases"
            continue
        for row in np.flatnonzero(shape.fits(octets)).tolist():
            _check(shape, octets, row, decoder.decode(payloads[row]).tree)
            read += 1
    assert read >= 40


def _check(shape: Shape, octets: Any, row: int, tree: dict[str, Any]) -> None:
    for cell in shape.cells.values():
        if cell.kind not in ("number", "flag", "time") or cell.name.startswith("_"):
            continue
        raw, good = cell.raw(octets)
        expected = _said(cell, tree)
        if cell.kind == "number":
            expected = [None if one is None else Fraction(one) for one in expected]
        assert good[row]
        assert _values(cell, raw[row].tolist()) == expected


def test_cases_and_conditions_are_pinned() -> None:
    decoder, _payloads = _of_one_length("cases", 13)
    shape = shape_of(decoder, b"\x81" + bytes(12))
    assert shape is not None
    assert {cell.name: value for cell, value in shape.pins} == {"code": 1, "more": 1}
    octets = np.array([[0x81], [0x85], [0x82], [0x01]], np.uint8)
    assert shape.fits(np.pad(octets, ((0, 0), (0, 12)))).tolist() == [True, True, False, False]


@pytest.mark.parametrize(
    "fields",
    [
        [{"name": "v", "type": "u8", "formula": "x * 2"}],
        [{"name": "v", "type": "u8"}, {"name": "v", "type": "u8"}],
        [{"name": "n", "type": "u8"}, {"name": "v", "type": "u8", "repeat": "$n"}],
        [{"tlv": {"cases": {1: []}}}],
        [{"name": "v", "type": "u8", "if": "$later"}, {"name": "later", "type": "u8"}],
        [{"name": "v", "type": "u8", "if": "$config.zone"}],
        [{"name": "v", "type": "u8", "encoding": "bcd"}],
        [{"name": "v", "type": "u8", "at": 2}],
        [{"type": "u8"}],
        [{"type": "skip"}],
    ],
)
def test_layouts_without_a_shape(fields: list[Any]) -> None:
    assert shape_of(compile_schema({"fields": fields}), bytes(9)) is None


def test_what_must_not_be_spoils_its_row_only() -> None:
    fields = [
        {"name": "k", "type": "u8", "const": 7},
        {"name": "v", "type": "u64"},
        {"name": "l", "type": "u8", "lookup": ["a", "b"]},
    ]
    shape = shape_of(compile_schema({"fields": fields}), b"\x07" + bytes(9))
    assert shape is not None
    rows = [
        b"\x07" + bytes(9),
        b"\x08" + bytes(9),
        b"\x07\x40" + bytes(8),
        b"\x07" + b"\0" * 8 + b"\x02",
    ]
    octets = np.frombuffer(b"".join(rows), np.uint8).reshape(4, -1)
    good = [shape.cells[name].raw(octets)[1].tolist() for name in ("k", "v", "l")]
    assert good == [
        [True, False, True, True],
        [True, True, False, True],
        [True, True, True, False],
    ]


def test_messages_that_can_not_be_read_have_no_shape() -> None:
    decoder = compile_schema({"fields": [{"name": "v", "type": "u16"}]})
    assert shape_of(decoder, b"\0") is None
    ports = compile_schema({"ports": {1: [{"name": "v", "type": "u8"}], 2: []}})
    assert shape_of(ports, b"\0") is None
    assert shape_of(ports, b"\0", 1) is not None
