"""What metering adds to the language: packed lists, clocks, checksums, refusals, tails, sums."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from ingestion.codecs.binary import SchemaError, compile_schema
from ingestion.codecs.binary.checksums import CRCS, crc_of
from ingestion.codecs.errors import DecodeError

from .layouts import item, one, telegram, tree

# The check values of the catalogue: each algorithm over the text "123456789".
_CHECKS = {
    "crc-8/smbus": 0xF4,
    "crc-8/i-432-1": 0xA1,
    "crc-8/rohc": 0xD0,
    "crc-8/maxim-dow": 0xA1,
    "crc-8/sae-j1850": 0x4B,
    "crc-8/wcdma": 0x25,
    "crc-16/arc": 0xBB3D,
    "crc-16/modbus": 0x4B37,
    "crc-16/x-25": 0x906E,
    "crc-16/kermit": 0x2189,
    "crc-16/xmodem": 0x31C3,
    "crc-16/ccitt-false": 0x29B1,
    "crc-16/en-13757": 0xC2B7,
    "crc-16/dnp": 0xEA82,
    "crc-16/riello": 0x63D0,
    "crc-24/openpgp": 0x21CF02,
    "crc-32/iso-hdlc": 0xCBF43926,
    "crc-32/mpeg-2": 0x0376E6E7,
}


@pytest.mark.parametrize("name", sorted(_CHECKS))
def test_catalogue_of_checksums(name: str) -> None:
    assert crc_of(CRCS[name], b"123456789") == _CHECKS[name]


@pytest.mark.parametrize(
    ("spec", "tail"),
    [
        ("crc-16/x-25", "906e"),
        ({"type": "crc-16/x-25", "endian": "little"}, "6e90"),
        ({"type": "crc8", "polynomial": 7}, "f4"),
        ({"type": "crc16", "poly": 0x8005, "init": 0xFFFF, "refin": True}, "4b37"),
        ({"type": "sum8"}, "dd"),
        ({"type": "sum8-complement"}, "23"),
        ({"type": "xor8"}, "31"),
        ({"type": "sum16", "over": [0, 9], "at": 9}, "01dd"),
    ],
)
def test_checksum_refuses_or_warns(spec: Any, tail: str) -> None:
    fields = [{"name": "text", "type": "ascii", "length": 9}]
    good = b"123456789".hex() + tail
    said = telegram(fields, good, checksum=spec)
    assert said.tree == {"text": "123456789"}
    assert [(layer.name, layer.start) for layer in said.layers] == [("checksum", 9)]
    bad = b"123456788".hex() + tail
    with pytest.raises(DecodeError, match="checksum is"):
        tree(fields, bad, checksum=spec)
    lenient = {**(spec if isinstance(spec, dict) else {"type": spec}), "on_error": "warn"}
    assert "checksum is" in telegram(fields, bad, checksum=lenient).warnings[0]
    with pytest.raises(DecodeError, match="too short for its checksum"):
        tree(fields, "", checksum=spec)


@pytest.mark.parametrize(
    ("spec", "octets", "value"),
    [
        ("unix", "60e7c7bf", datetime(2021, 7, 9, 3, 51, 27, tzinfo=UTC)),
        ({"epoch": date(2013, 1, 1)}, "14aba3e9", datetime(2023, 12, 28, 19, 22, 17, tzinfo=UTC)),
        ({"epoch": "2013-01-01", "local": True}, "00000e10", datetime(2013, 1, 1, 1)),  # noqa: DTZ001
        ({"epoch": "gps"}, "00000001", datetime(1980, 1, 6, 0, 0, 1, tzinfo=UTC)),
        ({"epoch": "2000", "unit": "min"}, "0000003c", datetime(2000, 1, 1, 1, tzinfo=UTC)),
        ({"unit": "ms"}, "000003e9", datetime(1970, 1, 1, 0, 0, 1, 1000, tzinfo=UTC)),
    ],
)
def test_clocks(spec: Any, octets: str, value: datetime) -> None:
    assert one({"type": "u32", "time": spec}, octets) == value


def test_clock_of_digits() -> None:
    field = {"type": "hex", "length": 6, "time": {"digits": "YYMMDDhhmmss"}}
    assert one(field, "240229235958") == datetime(2024, 2, 29, 23, 59, 58, tzinfo=UTC)
    assert one(field, "249929235958") is None


def test_clock_out_of_range_is_left_out_with_a_warning() -> None:
    said = telegram([{"name": "at", "type": "u64", "time": "unix"}], "ff" * 8)
    assert said.tree == {}
    assert "is no time" in said.warnings[0]


def test_list_of_values_is_one_item() -> None:
    field = {"name": "deltas", "type": "u16", "div": 10, "repeat": 3, "unit": "L"}
    said = telegram([field], "0001000a0064")
    assert said.tree == {"deltas": [Decimal("0.1"), 1, 10]}
    found = item(said, "deltas")
    assert (found.start, found.end, found.unit, found.raw) == (0, 6, "L", "3 values")


def test_list_leaves_the_tail() -> None:
    fields = [
        {"name": "timed", "type": "u8"},
        {
            "name": "d",
            "type": "u16",
            "repeat": "until_last",
            "tail": {"when": "$timed", "bytes": 4},
        },
        {"name": "at", "type": "u32", "if": "$timed"},
    ]
    assert tree(fields, "0000010002") == {"timed": 0, "d": [1, 2]}
    assert tree(fields, "01000100000007") == {"timed": 1, "d": [1], "at": 7}
    with pytest.raises(DecodeError, match="4 bytes expected behind, 2 left"):
        tree(fields, "010001")


def test_running_sums() -> None:
    fields = [
        {"name": "counter", "type": "u32"},
        {"name": "deltas", "type": "u16", "repeat": "until_end"},
        {
            "name": "registers",
            "type": "number",
            "running": {"of": "$deltas", "from": "$counter", "direction": "backward"},
        },
    ]
    # Adeunis Pulse 4, frame 0x5A: 295 now, and 1, 2, 3, 4 pulses in the periods before.
    assert tree(fields, "000001270001000200030004")["registers"] == [295, 294, 292, 289, 285]


def test_peek_looks_ahead_or_at_the_same_byte_again() -> None:
    fields = [
        {"name": "next", "type": "u8", "peek": True},
        {"name": "count", "type": "u8", "bits": [7, 5]},
        {"name": "timed", "type": "u8", "bits": 2, "peek": True},
        {"name": "after", "type": "u8"},
    ]
    assert tree(fields, "6701") == {"next": 0x67, "count": 3, "timed": 1, "after": 1}


def test_read_elsewhere() -> None:
    fields = [
        {"name": "last", "type": "u8", "at": -1},
        {"name": "third", "type": "u8", "at": 2},
        {"name": "first", "type": "u8"},
    ]
    assert tree(fields, "01020304") == {"last": 4, "third": 3, "first": 1}
    with pytest.raises(DecodeError, match="no byte -5"):
        tree([{"name": "v", "type": "u8", "at": -5}], "01")


def test_reject() -> None:
    fields = [{"name": "sent", "type": "u32", "time": "unix"}, {"name": "log", "type": "u32"}]
    fields[1]["time"] = "unix"
    rules = [{"when": {"field": "$log", "after": "$sent"}, "why": "log time after send time"}]
    assert "log" in tree(fields, "0000000200000001", reject=rules)
    with pytest.raises(DecodeError, match="log time after send time"):
        tree(fields, "0000000100000002", reject=rules)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("$a", True),
        ("!$a", False),
        ("$absent", False),
        ("a == 5 and b > 1", True),
        ("$absent > 1", False),
        ({"field": "$a", "mask": 4}, True),
        ({"field": "$a", "clear": 4}, False),
        ({"field": "$a", "in": [1, 5]}, True),
        ({"field": "$a", "mask": 0x06, "value": 0x04}, True),
        ({"field": "$a", "mask": 0x06, "value": 0x06}, False),
        ({"field": "$a", "bit": 2}, True),
        ({"field": "$a", "bit": 1}, False),
        ({"field": "$a", "above": 4, "below": 6}, True),
        ({"field": "$a", "present": True}, True),
        ({"field": "$a", "present": False}, False),
        ({"field": "$absent", "present": False}, True),
        ({"field": "$absent", "present": True}, False),
        ({"field": "$a", "gte": 5, "lt": 6}, True),
        ({"field": "$a", "lt": "$b"}, False),
        ({"field": "$text", "eq": "abcd"}, True),
        ({"field": "$text", "gt": 5}, False),
        ({"port": 7, "length": 4}, True),
        ({"port": 8}, False),
        ({"any": ["$absent", {"a": 5}]}, True),
        ({"all": ["$absent", {"a": 5}]}, False),
        ({"not": {"field": "$a", "eq": 5}}, False),
        (["$a", {"field": "$config.step", "value": 60}], True),
        (True, True),
    ],
)
def test_conditions(condition: Any, holds: bool) -> None:
    fields = [
        {"name": "a", "type": "u8"},
        {"name": "b", "type": "u8"},
        {"name": "text", "type": "hex", "length": 2},
        {"name": "seen", "type": "number", "value": 1, "if": condition},
    ]
    found = tree(fields, "0503abcd", port=7, variables={"config": {"step": 60}})
    assert ("seen" in found) is holds


def test_variants_by_port_and_length() -> None:
    decoder = compile_schema(
        {
            "endian": "little",
            "variants": [
                {"when": {"port": 100, "length": 2}, "fields": [{"name": "v", "type": "u16"}]},
                {"when": {"port": 100}, "fields": [{"name": "w", "type": "u8"}]},
            ],
        }
    )
    assert decoder.decode(b"\x01\x02", port=100).tree == {"v": 513}
    assert decoder.decode(b"\x01", port=100).tree == {"w": 1}
    with pytest.raises(DecodeError, match="no variant for 1 bytes on port 1"):
        decoder.decode(b"\x01", port=1)


def test_tags_by_their_bytes() -> None:
    tlv = {
        "tag": ["u8", "u8"],
        "length": "implicit",
        "unknown": "stop",
        "stop_before_end": 1,
        "cases": {
            "01 75": [{"name": "battery", "type": "u8"}],
            "20 CE": [{"name": "h", "append": True, "fields": [{"name": "v", "type": "u8"}]}],
        },
    }
    said = telegram([{"tlv": tlv}], "01755c20ce0120ce02aa")
    assert said.tree == {"battery": 92, "h": [{"v": 1}, {"v": 2}]}
    assert [found.name for found in said.items] == ["battery", "h[0].v", "h[1].v"]
    assert said.warnings == ("byte 9: 1 bytes behind the last field not read",)
    single = {"tag": ["u8"], "cases": {"0A": [{"name": "v", "type": "u8"}]}}
    assert tree([{"tlv": single}], "0a07") == {"v": 7}
    wide = {"tag": ["u16"], "cases": {"01 75": [{"name": "v", "type": "u8"}]}}
    assert tree([{"tlv": wide}], "017507", endian="little") == {"v": 7}
    with pytest.raises(SchemaError, match="in hexadecimal"):
        compile_schema({"fields": [{"tlv": {"tag": ["u8"], "cases": {"xy": []}}}]})


# --- a series over several messages --------------------------------------------------------------

_SERIES = compile_schema(
    {
        "fields": [
            {"name": "code", "type": "u8", "const": 0x48},
            {"type": "skip"},
            {"name": "frame_index", "type": "u8"},
            {"name": "index_a", "type": "u32", "if": {"frame_index": 0}},
            {"name": "deltas_a", "type": "u16", "repeat": "until_end"},
        ],
        "assembly": {
            "part": "$frame_index",
            "base": ["index_a"],
            "lists": ["deltas_a"],
            "total": 5,
        },
    }
)
_PARTS = ["48200000000100 00010002", "482001 00030004", "482002 0005"]
_TREES = [_SERIES.decode(bytes.fromhex(part)).tree for part in _PARTS]


def test_series_over_messages() -> None:
    state = None
    for place, part in enumerate(_TREES):
        state, mine = _SERIES.assemble(state, part)
        assert mine
        assert state is not None
        assert state.complete is (place == 2)
    assert state.joined() == {"index_a": 256, "deltas_a": [1, 2, 3, 4, 5]}


def test_series_out_of_order_and_twice() -> None:
    state = None
    for place in (0, 2, 2, 0, 1):
        state, _ = _SERIES.assemble(state, _TREES[place])
        assert state is not None
        if place == 2:
            assert state.missing == (1,)
            assert state.joined()["deltas_a"] == [1, 2]
    assert state.complete
    assert state.joined()["deltas_a"] == [1, 2, 3, 4, 5]


def test_series_needs_its_beginning_and_begins_anew() -> None:
    assert _SERIES.assemble(None, _TREES[1]) == (None, True)
    assert _SERIES.assemble(None, {"other": 1}) == (None, False)
    first, _ = _SERIES.assemble(None, _TREES[0])
    second, _ = _SERIES.assemble(first, {**_TREES[0], "index_a": 999})
    assert second is not None
    assert second.joined() == {"index_a": 999, "deltas_a": [1, 2]}


def test_two_counters_side_by_side() -> None:
    """The example of Adeunis Pulse, frame 0x48 (sln-nc/adeunis-codecs-lib, 0x48.parser.spec)."""
    fields = [
        {"name": "code", "type": "u8"},
        {"name": "frame_counter", "type": "u8", "bits": [7, 5]},
        {"name": "frame_index", "type": "u8"},
        {"name": "index_a", "type": "u32", "if": {"frame_index": 0}},
        {"name": "index_b", "type": "u32", "if": {"frame_index": 0}},
        {
            "name": "pairs",
            "repeat": "until_end",
            "fields": [{"name": "a", "type": "u16"}, {"name": "b", "type": "u16"}],
        },
        {"name": "deltas_a", "type": "number", "ref": "$pairs[].a"},
        {"name": "deltas_b", "type": "number", "ref": "$pairs[].b"},
    ]
    deltas = "".join(f"{delta:04x}" for delta in range(1, 21))
    found = tree(fields, "4820000000010000000200" + deltas)
    assert (found["frame_counter"], found["index_a"], found["index_b"]) == (1, 256, 512)
    assert found["deltas_a"] == list(range(1, 20, 2))
    assert found["deltas_b"] == list(range(2, 21, 2))
