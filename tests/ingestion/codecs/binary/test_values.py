"""Scaling, rounding, labels, computed values: exact, and in the language's order."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ingestion.codecs.errors import DecodeError

from .layouts import item, one, telegram, tree


@pytest.mark.parametrize(
    ("keys", "octets", "value"),
    [
        ({"div": 10}, "00e7", Decimal("23.1")),
        ({"mult": 0.1}, "0003", Decimal("0.3")),
        ({"mult": 10}, "0003", 30),
        ({"add": -40, "div": 10}, "00e7", Decimal("-16.9")),
        ({"add": -28.33333, "mult": 2}, "0001", Decimal("-26.33333")),
        ({"div": 8_388_608}, "0001", Decimal("1.1920928955078125E-7")),
        ({"div": 0}, "0001", None),
        ({"transform": [{"add": -1}, {"div": 10}]}, "000b", 1),
        ({"transform": [{"sqrt": True}]}, "0190", 20),
        ({"transform": [{"mult": -1}, {"sqrt": True}]}, "0190", 0),
        ({"transform": [{"mult": -1}, {"abs": True}]}, "0190", 400),
        ({"transform": [{"pow": 2}]}, "0190", 160_000),
        ({"transform": [{"log10": True}]}, "03e8", 3),
        ({"transform": [{"log": True}]}, "0000", None),
        ({"transform": [{"floor": 5}]}, "0001", 5),
        ({"transform": [{"ceiling": 5}]}, "0009", 5),
        ({"transform": [{"clamp": [2, 5]}]}, "0009", 5),
        ({"transform": [{"div": 0}]}, "0009", None),
        ({"lookup": ["off", "on"]}, "0001", "on"),
        ({"lookup": {1: "a", "2": "b", "0x03": "c"}}, "0003", "c"),
        ({"lookup": {1: "a"}}, "0002", None),
        ({"lookup": {1: "a", "default": "?"}}, "0002", "?"),
        ({"lookup": {1: "a", "default": "x${value}"}}, "0002", "x2"),
        ({"div": 2, "lookup": {7: "seven"}}, "000e", "seven"),
        ({"sentinel": [65_535], "div": 10}, "ffff", None),
        ({"valid_range": [0, 5], "out_of_range": "omit"}, "0006", None),
        ({"match_value": [{"when": "< 32768"}, {"when": ">= 32768", "add": -65_536}]}, "fffe", -2),
        ({"formula": "(x - 4000) / 100"}, "1194", 5),
        ({"formula": "x > 10 ? x * 2 : 0"}, "000b", 22),
        ({"formula": "x / 0"}, "000b", None),
        ({"round": 1, "div": 100}, "00e9", Decimal("2.3")),
    ],
)
def test_value_of_u16(keys: dict[str, Any], octets: str, value: Any) -> None:
    found = one({"type": "u16", **keys}, octets)
    assert found == value
    assert not isinstance(found, float)


@pytest.mark.parametrize(
    ("raw", "div", "decimals", "value"),
    [
        # As the language fixes it: 2.355 is a binary64 below the tie, 78.125 is a tie.
        (2355, 1000, 2, "2.35"),
        (2675, 1000, 2, "2.67"),
        (25, 10, 0, "2"),
        (35, 10, 0, "4"),
        (78_125, 1000, 2, "78.12"),
    ],
)
def test_round_stage(raw: int, div: int, decimals: int, value: str) -> None:
    field = {"type": "u32", "div": div, "transform": [{"op": "round", "decimals": decimals}]}
    assert one(field, f"{raw:08x}") == Decimal(value)


def test_ties_away_from_zero() -> None:
    stage = {"op": "round", "decimals": 2, "ties": "away"}
    assert one({"type": "u32", "div": 1000, "transform": [stage]}, "0001312d") == Decimal("78.13")


def test_one_third_has_fifty_digits_and_ten_thirds_of_it_one() -> None:
    assert str(one({"type": "u8", "div": 3}, "01")) == "0." + "3" * 50


@pytest.mark.parametrize(
    ("operation", "left", "right", "value"),
    [
        ("add", "$a", 1, -6),
        ("sub", 1, "$a", 8),
        ("mul", "$a", "$a", 49),
        ("div", "$a", 2, Decimal("-3.5")),
        ("idiv", "$a", 3, -3),
        ("mod", "$a", 3, 2),
        ("idiv", "$a", -3, 2),
        ("mod", "$a", -3, -1),
        ("mod", "$a", 0, None),
        ("div", "$a", 0, None),
        ("add", "$absent", 1, None),
    ],
)
def test_compute(operation: str, left: Any, right: Any, value: Any) -> None:
    compute = {"op": operation, "a": left, "b": right}
    fields = [{"name": "a", "type": "s16"}, {"name": "v", "type": "number", "compute": compute}]
    assert tree(fields, "fff9").get("v") == value


def test_polynomial_is_exact() -> None:
    fields = [
        {"name": "raw", "type": "u16", "div": 50},
        {
            "name": "v",
            "type": "number",
            "ref": "$raw",
            "polynomial": [0.0000043, -0.00055, 0.0292, -0.053],
        },
    ]
    x = Decimal(20)
    wanted = ((Decimal("0.0000043") * x - Decimal("0.00055")) * x + Decimal("0.0292")) * x
    assert tree(fields, "03e8")["v"] == wanted - Decimal("0.053")


def test_guard_takes_else_as_it_stands() -> None:
    number = {"name": "v", "type": "number", "ref": "$a", "transform": [{"mult": 10}]}
    fields = [
        {"name": "a", "type": "u8"},
        {**number, "guard": {"when": [{"field": "$a", "gt": 5}], "else": 7}},
    ]
    assert tree(fields, "06")["v"] == 60
    assert tree(fields, "05")["v"] == 7
    fields[1] = {**number, "guard": {"when": [{"field": "$a", "gt": 5}]}}
    assert "v" not in tree(fields, "05")


def test_literals_and_integers() -> None:
    fields = [
        {"name": "unit", "type": "string", "value": "ppm"},
        {"name": "three", "type": "number", "value": 3},
        {"name": "a", "type": "u8"},
        {"name": "half", "type": "integer", "compute": {"op": "div", "a": "$a", "b": 2}},
    ]
    assert tree(fields, "04") == {"unit": "ppm", "three": 3, "a": 4, "half": 2}
    with pytest.raises(DecodeError, match=r"half is an integer but comes to 2\.5"):
        tree(fields, "05")


def test_hidden_values_are_bound() -> None:
    fields = [
        {"name": "_high", "type": "u8"},
        {"name": "low", "type": "u8", "var": "least"},
        {"name": "v", "type": "number", "formula": "$_high * 256 + $least"},
    ]
    assert tree(fields, "0102") == {"low": 2, "v": 258}


def test_quality_of_a_valid_range() -> None:
    said = telegram(
        [{"name": "t", "type": "s8", "valid_range": [-40, 85]}, {"name": "u", "type": "u8"}], "7f01"
    )
    assert said.tree["_quality"] == {"t": "out_of_range"}
    assert said.warnings == ("t: 127 is outside -40 to 85",)
    assert item(said, "t").value == 127


def test_name_from_what_was_decoded() -> None:
    fields = [
        {"name": "idx", "type": "u8"},
        {"name": "v", "type": "u8", "name_from": "channel_${idx}_reading"},
    ]
    assert tree(fields, "032a") == {"idx": 3, "channel_3_reading": 42}


def test_ambient_decimal_context_has_no_say() -> None:
    from decimal import localcontext  # noqa: PLC0415 - only here

    fields = [{"name": "v", "type": "u32", "div": 8_388_608, "add": -1}]
    plain = tree(fields, "0134a9fd")
    with localcontext() as context:
        context.prec = 3
        assert tree(fields, "0134a9fd") == plain
    assert str(plain["v"]).startswith("1.4114376306533813")
