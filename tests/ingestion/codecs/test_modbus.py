"""Modbus responses by a map of registers. Frames are those of the Modbus specifications."""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.mapping import MappingError
from ingestion.codecs.modbus import ModbusMap, compile_map
from ingestion.codecs.modbus.frames import crc16


def _map(*registers: dict[str, Any], **keys: Any) -> ModbusMap:
    return compile_map({"kind": "modbus", "registers": list(registers), **keys})


def _rtu(data: bytes, function: int = 3, unit: int = 17) -> bytes:
    body = bytes([unit, function, len(data)]) + data
    return body + crc16(body).to_bytes(2, "little")


def _tcp(data: bytes, function: int = 3) -> bytes:
    body = bytes([17, function, len(data)]) + data
    return b"\x15\x01\0\0" + len(body).to_bytes(2, "big") + body


def _one(data: str, **keys: Any) -> Any:
    keys = {"name": "x", "address": 0, **keys}
    return _map(keys, frame="image").decode(bytes.fromhex(data)).items[0].value


def test_the_crc_of_the_specification() -> None:
    # Modicon reference guide, appendix C: query 02 07 has the CRC 41 12.
    assert crc16(bytes.fromhex("0207")).to_bytes(2, "little").hex() == "4112"


def test_a_response_of_the_specification_on_both_carriers() -> None:
    # Application Protocol 1.1b3, 6.3: holding registers 108 to 110 are 555, 0, 100.
    layout = _map(
        {"name": "first", "address": 108},
        {"name": "third", "address": 110, "unit": "V", "div": 10},
        {"name": "absent", "address": 111},
    )
    data = bytes.fromhex("022B00000064")
    for octets, unit_at in ((_rtu(data), 0), (_tcp(data), 6)):
        telegram = layout.decode(octets)
        first, third = telegram.items
        assert (first.value, first.facts) == (555, {"register": 108, "function_code": 3})
        assert (third.value, third.unit, third.formula) == (10, "V", "× 0.1")
        assert octets[third.start : third.end] == b"\x00\x64"
        assert telegram.identity == {"unit": "17"}
        assert telegram.layers[0].start == unit_at


def test_coils_of_the_specification() -> None:
    # 6.1: coils 20 to 38 are CD 6B 05, the lowest bit first.
    layout = _map(
        *({"name": f"c{at}", "address": at} for at in (20, 21, 22, 27, 38)), base=1, function=1
    )
    telegram = layout.decode(_rtu(bytes.fromhex("CD6B05"), function=1), start=20)
    assert [item.value for item in telegram.items] == [True, False, True, True, True]


@pytest.mark.parametrize(
    ("data", "keys", "value"),
    [
        ("ff85", {"type": "s16"}, -123),
        ("ff85", {"type": "u16"}, 65413),
        ("0001e240", {"type": "u32"}, 123456),
        ("e2400001", {"type": "u32", "word_order": "little"}, 123456),
        ("40e20100", {"type": "u32", "word_order": "little", "byte_order": "little"}, 123456),
        ("010040e2", {"type": "u32", "byte_order": "little"}, 123456),
        ("fffffffe", {"type": "s32"}, -2),
        ("00010002 0003", {"type": "u48"}, 0x000100020003),
        ("00000000 0001e240", {"type": "u64", "div": 1000}, Decimal("123.456")),
        ("ffffffff ffffffff", {"type": "s64"}, -1),
        ("4366199a", {"type": "f32"}, Decimal("230.1")),
        ("199a4366", {"type": "f32", "word_order": "little"}, Decimal("230.1")),
        ("406cc33333333333", {"type": "f64"}, Decimal("230.1")),
        ("7fc00000", {"type": "f32"}, None),
        ("7f800000", {"type": "f32", "mul": 10}, None),
        ("12345678", {"type": "bcd", "size": 2}, 12345678),
        ("534e2d31 3200", {"type": "ascii", "size": 3}, "SN-12"),
        ("ffff", {"invalid": [0xFFFF]}, None),
        ("8000", {"type": "s16", "invalid": [-32768], "div": 10}, None),
        ("0002", {"lookup": {1: "water", 2: "gas"}}, "gas"),
        ("6553f100", {"type": "u32", "time": "unix"}, datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        ("0005", {"mul": 2, "add": "0.5"}, Decimal("10.5")),
    ],
)  # fmt: skip
def test_types_and_orders(data: str, keys: dict[str, Any], value: object) -> None:
    got = _one(data, **keys)
    assert got == value
    assert not isinstance(got, float)


def test_bit_fields_are_items_of_their_own() -> None:
    bits = [
        {"name": "tamper", "bit": 3},
        {"name": "mode", "bit": 4, "width": 2, "lookup": {0: "off", 1: "on"}},
        {"name": "level", "bit": 8, "width": 4},
    ]
    layout = _map({"name": "state", "address": 0, "type": "bits", "bits": bits}, frame="image")
    items = {item.name: item for item in layout.decode(bytes.fromhex("0518")).items}
    assert (items["state"].value, items["tamper"].value) == (0x0518, True)
    assert (items["mode"].value, items["level"].value) == ("on", 5)
    assert items["mode"].facts["bit"] == 4
    assert items["mode"].raw == "01"


def test_a_scale_register_is_a_power_of_ten() -> None:
    registers = (
        {"name": "current", "address": 40000, "type": "s16", "scale_register": "scale"},
        {"name": "scale", "address": 40001, "type": "s16"},
    )
    layout = _map(*registers, base=40000, frame="image")
    assert layout.decode(bytes.fromhex("ff85fffe")).items[0].value == Decimal("-1.23")
    for data in ("ff85", "ff857fff"):
        with pytest.raises(DecodeError, match="its scale"):
            layout.decode(bytes.fromhex(data))


def test_a_response_is_known_by_the_read_that_it_answers() -> None:
    registers = ({"name": "a", "address": 0}, {"name": "b", "address": 10})
    reads = [{"address": 0, "count": 1}, {"address": 10, "count": 2}]
    layout = _map(*registers, reads=reads)
    assert [item.name for item in layout.decode(_rtu(b"\0\1")).items] == ["a"]
    assert [item.name for item in layout.decode(_rtu(b"\0\1\0\2")).items] == ["b"]
    with pytest.raises(DecodeError, match="answer no read"):
        layout.decode(_rtu(b"\0\1\0\2\0\3"))
    twins = _map(*registers, reads=[{"address": 0, "count": 1}, {"address": 10, "count": 1}])
    with pytest.raises(DecodeError, match="several reads"):
        twins.decode(_rtu(b"\0\1"))
    assert twins.decode(_rtu(b"\0\1"), start=10).items[0].name == "b"


@pytest.mark.parametrize(
    ("octets", "offset", "reason"),
    [
        (b"", 0, "5 to 256"),
        (_rtu(b"\0\1")[:-1] + b"\0", 5, "damaged"),
        (bytes.fromhex("018302c0f1"), 2, "exception 2: illegal data address"),
        (bytes.fromhex("1501000000031183 0b"), 8, "gateway target device failed to respond"),
        (_rtu(b"\0\1", function=16), 1, "does not read"),
        (_rtu(b"\0\1\2"), 2, "not whole registers"),
        (_rtu(b""), 2, "0 bytes of data"),
        (_tcp(b"\0\1")[:-1], 9, "damaged"),
        (_tcp(b"\0\1", function=4), 9, "no register of the map"),
    ],
)
def test_refusals(octets: bytes, offset: int, reason: str) -> None:
    with pytest.raises(DecodeError) as refusal:
        _map({"name": "a", "address": 0}).decode(octets)
    assert reason in refusal.value.reason
    assert refusal.value.offset == offset or reason == "damaged"


@pytest.mark.parametrize(
    ("keys", "data", "reason"),
    [
        ({"type": "bcd", "size": 1}, "12ab", "BCD"),
        ({"type": "ascii", "size": 1}, "41ff", "not a text"),
        ({"lookup": {1: "a"}}, "0002", "not among the values"),
    ],
)
def test_values_that_their_type_cannot_have(keys: dict[str, Any], data: str, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason):
        _one(data, **keys)


@pytest.mark.parametrize(
    ("mapping", "path", "reason"),
    [
        ({"registers": []}, ("registers",), "are needed"),
        ({"registers": [{"name": "a"}]}, ("registers", 0, "address"), "whole number"),
        ({"registers": [{"name": "a", "address": 70000}]}, ("registers", 0, "address"), "whole"),
        ({"registers": [{"name": "a", "adress": 1}]}, ("registers", 0, "adress"), "mean address?"),
        ({"registers": [{"name": "a", "address": 1, "type": "u24"}]}, ("registers", 0, "type"), "one of"),
        ({"registers": [{"name": "a", "address": 1, "type": "u32", "size": 1}]}, ("registers", 0, "size"), "2"),
        ({"registers": [{"name": "a", "address": 1}] * 2}, ("registers", 1, "name"), "twice"),
        ({"registers": [{"name": "a", "address": 1, "scale_register": "b"}]}, ("registers", 0, "scale_register"), "no register"),
        ({"registers": [{"name": "a", "address": 1, "type": "ascii", "mul": 2}]}, ("registers", 0, "type"), "only numbers"),
        ({"registers": [{"name": "a", "address": 1, "mul": 2, "lookup": {1: "x"}}]}, ("registers", 0, "type"), "one of"),
        ({"registers": [{"name": "a", "address": 1, "bits": [{"name": "b", "bit": 16}]}]}, ("registers", 0, "bits", 0, "bit"), "0 to 15"),
        ({"registers": [{"name": "a", "address": 1}], "base": 5}, ("registers", 0, "address"), "5 to"),
        ({"registers": [{"name": "a", "address": 1}], "frame": "udp"}, ("frame",), "one of"),
        ({"registers": [{"name": "a", "address": 1}], "reads": [{"address": 0, "count": 126}]}, ("reads", 0, "count"), "125"),
    ],
)  # fmt: skip
def test_a_faulty_map_names_the_key(mapping: Any, path: tuple[Any, ...], reason: str) -> None:
    with pytest.raises(MappingError) as fault:
        compile_map(mapping)
    assert fault.value.path == path
    assert reason in fault.value.reason


@settings(max_examples=100, deadline=None)
@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_floats_read_back_as_the_same_float(value: float) -> None:
    octets = struct.pack(">f", value)
    got = _one(octets.hex(), type="f32")
    assert struct.pack(">f", float(got)) == octets


def test_parts_of_registers_are_bounded() -> None:
    bits = [[{"name": f"b{at}_{bit}", "bit": bit} for bit in range(16)] for at in range(256)]
    registers = [
        {"name": f"r{at}", "address": at, "type": "bits", "bits": parts}
        for at, parts in enumerate(bits)
    ]
    with pytest.raises(MappingError, match="more than 4096"):
        compile_map({"registers": registers})


_LAYOUT = _map(
    {"name": "v", "address": 0, "type": "f32", "div": 8},
    {"name": "e", "address": 2, "type": "u32", "scale_register": "s"},
    {"name": "s", "address": 4, "type": "s16"},
    {"name": "t", "address": 5, "type": "ascii", "size": 2},
    {"name": "b", "address": 7, "type": "bcd", "bits": [{"name": "bit", "bit": 3}]},
)
_DATA = struct.pack(">fIh", 1.5, 123456, -2) + b"AB\0\0" + b"\x12\x34"


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_changed_bytes_raise_nothing_else(data: st.DataObject) -> None:
    octets = bytearray(_DATA)
    for _ in range(data.draw(st.integers(0, 4))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    # A right CRC around changed data, so that what lies behind it is reached too.
    frame = _rtu(bytes(octets[: data.draw(st.integers(0, len(octets)))]))
    frame = data.draw(st.sampled_from([frame, frame[:-2], _tcp(frame[3:-2])]))
    try:
        telegram = _LAYOUT.decode(frame)
    except DecodeError as refusal:
        assert 0 <= refusal.offset <= len(frame)
    else:
        assert telegram.items
