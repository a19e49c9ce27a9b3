"""SenML packs of RFC 8428 (its own examples) as JSON and CBOR."""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.codecs.cbor import read_cbor
from ingestion.codecs.errors import DecodeError
from ingestion.codecs.json_paths.text import plain
from ingestion.codecs.senml import MAX_RECORDS, decode_senml

# RFC 8428, 5.1.3: several data points, with times before the base time.
_SEVERAL = (
    b'[{"bn":"urn:dev:ow:10e2073a0108006:","bt":1.276020076001e+09,"bu":"A","bver":5,'
    b'"n":"voltage","u":"V","v":120.1},{"n":"current","t":-5,"v":1.2},'
    b'{"n":"current","t":-4,"v":1.3}]'
)
_NOW = 1_700_000_000
_DEVICE = "urn:dev:ow:10e2073a0108006"


def _at(seconds: int, micro: int = 0) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=micro)


def test_several_points_with_base_fields() -> None:
    telegram = decode_senml(_SEVERAL)
    voltage, first, second = telegram.items
    assert (voltage.name, voltage.value, voltage.unit) == ("voltage", Decimal("120.1"), "V")
    assert voltage.facts["time"] == _at(1_276_020_076, 1000)
    assert (first.name, first.value, first.unit) == ("current", Decimal("1.2"), "A")
    assert (second.name, second.facts["time"]) == ("current[1]", _at(1_276_020_072, 1000))
    assert _SEVERAL[second.start : second.end] == b"1.3"
    assert telegram.identity == {"name": f"{_DEVICE}:", "device": "10e2073a0108006"}
    assert telegram.tree["records"][2]["value"] == Decimal("1.3")


def test_cbor_says_the_same_with_numbers_for_names() -> None:
    # RFC 8428, 6: the pack above with the labels of table 4, floats of 64, 32 and 16 bits.
    octets = bytes.fromhex(
        "83a721781b75726e3a6465763a6f773a31306532303733613031303830303633"
        "22fb41d303a15b00106223614120050067766f6c7461676501615602fb405e066666666666"
        "a3006763757272656e74062402fa3f99999a"
        "a3006763757272656e74062302f93d33"
    )
    telegram = decode_senml(octets)
    values = [(item.name, item.value) for item in telegram.items]
    assert values[0] == ("voltage", Decimal("120.1"))
    assert values[1] == ("current", Decimal("1.2"))
    assert values[2] == ("current[1]", Decimal("1.3"))
    assert telegram.items[1].facts["time"] == _at(1_276_020_071, 1000)
    assert telegram.items[1].raw == "fa 3f 99 99 9a"


def test_relative_times_count_from_the_arrival() -> None:
    pack = b'[{"n":"a","v":1,"t":-60},{"n":"b","v":2},{"n":"c","v":3,"t":268435456}]'
    telegram = decode_senml(pack, received_at=_NOW)
    assert [item.facts["time"] for item in telegram.items] == [
        _at(_NOW - 60),
        _at(_NOW),
        _at(268_435_456),
    ]
    unknown = decode_senml(pack).items[0].facts
    assert unknown["seconds_from_arrival"] == -60
    assert "time" not in unknown


def test_base_value_and_sum_are_added() -> None:
    pack = b'[{"bn":"m:","bv":20,"bs":100,"n":"a","u":"W","v":0.5,"s":5},{"n":"b","s":1},{"n":"c","v":1}]'
    items = {item.name: item for item in decode_senml(pack).items}
    assert items["a"].value == Decimal("20.5")
    assert items["a"].formula == "+ 20"
    assert (items["a.sum"].value, items["a.sum"].unit) == (105, "J")
    assert items["b.sum"].value == 101
    assert items["c"].value == 21


def test_texts_truths_and_data() -> None:
    pack = b'[{"n":"a","vs":"open"},{"n":"b","vb":true},{"n":"c","vd":"_-8"},{"n":"d","u":"Cel","v":1}]'
    items = decode_senml(pack).items
    assert [item.value for item in items] == ["open", True, b"\xff\xef", 1]
    assert items[3].unit == "°C"
    assert decode_senml(cbor2.dumps([{0: "c", 8: b"\xff"}])).items[0].value == b"\xff"


def test_unknown_fields_are_passed_over_unless_they_must_be_understood() -> None:
    telegram = decode_senml(b'[{"n":"a","v":1,"x":2},{"n":"a","v":1,"x":2}]')
    assert telegram.warnings == ("the unknown field 'x' was passed over",)
    with pytest.raises(DecodeError, match="must be understood"):
        decode_senml(b'[{"n":"a","v":1,"x_":2}]')


@pytest.mark.parametrize(
    ("pack", "reason"),
    [
        (b"", "ends too early"),
        (b"{}", "list of at least one record"),
        (b"[]", "list of at least one record"),
        (b"[1]", "a record is an object"),
        (b'[{"bn":"a"}]', "no record has a value"),
        (b'[{"v":1}]', "not a name"),
        (b'[{"n":"-a","v":1}]', "not a name"),
        (b'[{"n":"a b","v":1}]', "not a name"),
        (b'[{"n":5,"v":1}]', "n is not a text"),
        (b'[{"n":"a","v":"1"}]', "a value is not a number"),
        (b'[{"n":"a","v":true}]', "a value is not a number"),
        (b'[{"n":"a","vb":1}]', "neither true nor false"),
        (b'[{"n":"a","vd":"?"}]', "not base64url"),
        (b'[{"n":"a","v":1,"vs":"x"}]', "two values"),
        (b'[{"n":"a","v":1,"bver":11}]', "version 11"),
        (b'[{"n":"a","v":1,"t":1e20}]', "no time is"),
        (b'[{"n":"a","v":1,"v":2}]', "stands twice"),
        (b'[{"n":"a","v":NaN}]', "no NaN"),
        (bytes.fromhex("9a ffffffff"), "members"),
        (bytes.fromhex("81a1 00 7b ffffffffffffffff"), "needs"),
        (bytes.fromhex("81a2 00 61 61 02 f9 7e00"), "not a number"),
        (bytes.fromhex("81a2 00 61 61 02 fb 7e37e43c8800759c"), "out of every range"),
        (bytes.fromhex("81a2 00 61 61 02 c4 82 1a 7fffffff 01"), "out of every range"),
        (bytes.fromhex("81a2 00 61 61 02 c2 42 0100"), "tag 2"),
        (bytes.fromhex("81a2 00 61 61 00 61 62"), "stands twice"),
        (bytes.fromhex("81" * 40), "nested deeper"),
        (bytes.fromhex("81a2 00 61 ff 02 01"), "not UTF-8"),
        (bytes.fromhex("81a2 00 61 61 02 01 00"), "more follows"),
        (bytes.fromhex("81a2 00 61 61 02 fc"), "simple value"),
        (bytes.fromhex("81a2 00 61 61 02 1c"), "a length that CBOR does not have"),
        (bytes.fromhex("81a1 80 01"), "a key is"),
        (bytes.fromhex("81a1 00 7f 41 61 ff"), "not a part"),
    ],
)
def test_refusals(pack: bytes, reason: str) -> None:
    with pytest.raises(DecodeError) as refusal:
        decode_senml(pack, received_at=_NOW)
    assert reason in refusal.value.reason
    assert 0 <= refusal.value.offset <= len(pack)


def test_too_many_records_are_refused() -> None:
    pack = cbor2.dumps([{0: "a", 2: 1}] * (MAX_RECORDS + 1))
    with pytest.raises(DecodeError, match="records"):
        decode_senml(pack)


def test_decimal_fractions_and_parts_without_length() -> None:
    # [_ {_ "n": (_ "a", "b"), "v": 4([-2, 27315])}]
    octets = bytes.fromhex("9f bf 61 6e 7f 61 61 61 62 ff 61 76 c4 82 21 19 6ab3 ff ff")
    item = decode_senml(octets).items[0]
    assert (item.name, item.value) == ("ab", Decimal("273.15"))


_VALUES = st.recursive(
    st.integers(-(2**64), 2**64 - 1)
    | st.booleans()
    | st.none()
    | st.text(max_size=5)
    | st.binary(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.integers(-9, 9) | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)


def _text_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _text_keys(held) for key, held in value.items()}
    return [_text_keys(held) for held in value] if isinstance(value, list) else value


@settings(max_examples=100, deadline=None)
@given(_VALUES)
def test_cbor_is_read_as_the_library_reads_it(value: Any) -> None:
    octets = cbor2.dumps(value)
    try:
        got = plain(read_cbor(octets))
    except DecodeError as refusal:
        assert "stands twice" in refusal.reason  # 1 and "1" are one key here
    else:
        assert got == _text_keys(value)


@settings(max_examples=100, deadline=None)
@given(st.floats(-(2.0**99), 2.0**99, width=32, allow_subnormal=False))
def test_floats_read_back_as_the_same_float(value: float) -> None:
    octets = struct.pack(">f", value)
    got = plain(read_cbor(b"\xfa" + octets))
    assert isinstance(got, Decimal)
    assert struct.pack(">f", float(got)) == octets


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_changed_bytes_raise_nothing_else(data: st.DataObject) -> None:
    cbor = cbor2.dumps([{-2: "urn:dev:mac:01", -3: 1.5e9, 0: "v", 2: 1.25, 8: b"x", 5: 3}])
    octets = bytearray(data.draw(st.sampled_from([_SEVERAL, cbor])))
    for _ in range(data.draw(st.integers(1, 5))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    try:
        telegram = decode_senml(bytes(octets), received_at=_NOW)
    except DecodeError as refusal:
        assert 0 <= refusal.offset <= len(octets)
    else:
        assert telegram.items
