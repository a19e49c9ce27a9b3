"""JSON by paths: exact values, their places, and every refusal."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import jmespath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.json_paths import compile_layout
from ingestion.codecs.json_paths.query import PathError, compile_path
from ingestion.codecs.json_paths.text import MAX_OCTETS, plain, read_json
from ingestion.codecs.mapping import MappingError

# A whole message of a Tasmota socket, github.com/arendst/Tasmota/issues/18385.
_TASMOTA = (
    b'{"Time":"2023-04-11T07:31:34","Switch1":"ON","ENERGY":{"TotalStartTime":'
    b'"1970-01-14T15:24:55","Total":[0.000,2.910],"Yesterday":[0.000,1.563]}}'
)
# The metering parts of a Shelly Pro EM-50, github.com/evcc-io/evcc/discussions/12385.
_SHELLY = (
    b'{"em1:1":{"id":1,"current":22.780,"act_power":5080.3},"em1data:1":{"id":1,'
    b'"total_act_energy":6644.90},"sys":{"mac":"08F9E0E67204","unixtime":1707930973}}'
)


def _field(**keys: Any) -> dict[str, Any]:
    return {"fields": [{"name": "x", "path": "x", **keys}]}


def _value(document: str, **keys: Any) -> Any:
    return compile_layout(_field(**keys)).decode(document.encode()).items[0].value


def test_phases_of_a_list_are_items_with_their_places() -> None:
    layout = compile_layout(
        {
            "kind": "json",
            "fields": [
                {"name": "at", "path": "Time", "time": "iso"},
                {"name": "total", "path": "ENERGY.Total", "unit": "kWh", "spread": "phase"},
            ],
        }
    )
    telegram = layout.decode(_TASMOTA)
    at, first, second = telegram.items
    assert at.value == datetime(2023, 4, 11, 7, 31, 34)  # noqa: DTZ001  the meter's wall clock
    assert (first.name, first.value, first.facts["phase"]) == ("total[0]", Decimal("0.000"), 1)
    assert (second.name, str(second.value), second.unit) == ("total[1]", "2.910", "kWh")
    assert _TASMOTA[second.start : second.end] == b"2.910"
    assert telegram.tree["total"] == [0, Decimal("2.91")]


def test_quoted_keys_identity_and_seconds_since_1970() -> None:
    layout = compile_layout(
        {
            "identity": {"device": "sys.mac"},
            "fields": [
                {"name": "energy", "path": '"em1data:1".total_act_energy', "unit": "Wh"},
                {"name": "at", "path": "sys.unixtime", "time": "unix"},
            ],
        }
    )
    telegram = layout.decode(_SHELLY)
    assert telegram.identity == {"device": "08F9E0E67204"}
    assert telegram.items[0].value == Decimal("6644.90")
    assert telegram.items[1].value == datetime(2024, 2, 14, 17, 16, 13, tzinfo=UTC)


_METERS = {
    "each": "data.meters",
    "meter": "serial",
    "document": [{"name": "sent_at", "path": "ts", "time": "unix_ms"}],
    "fields": [
        {"name": "volume", "path": "v", "decimal_mark": ",", "unit": "m3", "type": "decimal"},
        {
            "name": "log",
            "each": "log",
            "fields": [{"name": "value", "path": "@", "type": "decimal"}],
        },
    ],
}


def test_several_meters_in_one_document() -> None:
    document = {
        "ts": 1_700_000_000_123,
        "data": {
            "meters": [
                {"serial": "0012", "v": "12,5", "log": [1, 2]},
                {"serial": 34, "v": "1", "log": []},
            ]
        },
    }
    telegram = compile_layout(_METERS).decode(json.dumps(document).encode())
    said = {item.name: item for item in telegram.items}
    assert said["sent_at"].value == datetime(2023, 11, 14, 22, 13, 20, 123000, tzinfo=UTC)
    assert said["meters[0].volume"].value == Decimal("12.5")
    assert said["meters[0].volume"].facts == {"field": "volume", "index": 0, "meter": "0012"}
    assert said["meters[1].volume"].facts["meter"] == "34"
    assert said["meters[0].log[1].value"].value == 2
    assert telegram.tree["meters"][1] == {
        "index": 1,
        "meter": "34",
        "volume": 1,
        "log": [],
    }


def test_meters_of_an_object_are_named_by_their_keys() -> None:
    layout = compile_layout({"each": "@", "meter": "@key", "fields": [{"name": "v", "path": "v"}]})
    telegram = layout.decode(b'{"m-1":{"v":1},"m-2":{"v":2}}')
    assert [item.facts["meter"] for item in telegram.items] == ["m-1", "m-2"]


def test_places_count_bytes_not_letters() -> None:
    octets = '{"имя":"ü","x":7}'.encode()
    item = compile_layout(_field()).decode(octets).items[0]
    assert octets[item.start : item.end] == b"7"


@pytest.mark.parametrize(
    ("document", "keys", "value"),
    [
        ('{"x":0.1}', {}, Decimal("0.1")),
        ('{"x":91.136}', {"mul": 1000}, Decimal("91136")),
        ('{"x":123}', {"div": 10}, Decimal("12.3")),
        ('{"x":123}', {"mul": 2, "add": -6}, 240),
        ('{"x":"1,25"}', {"decimal_mark": ",", "type": "decimal"}, Decimal("1.25")),
        ('{"x":"7"}', {"type": "integer"}, 7),
        ('{"x":12.0}', {"type": "integer"}, 12),
        ('{"x":"ON"}', {"type": "boolean"}, True),
        ('{"x":0}', {"type": "boolean"}, False),
        ('{"x":1}', {"lookup": {0: "closed", 1: "open"}}, "open"),
        ('{"x":"b"}', {"lookup": {"a": 1, "b": 2}}, 2),
        ('{"x":-999}', {"invalid": [-999, "n/a"], "type": "decimal"}, None),
        ('{"x":"n/a"}', {"invalid": [-999, "n/a"], "type": "decimal"}, None),
        ('{"x":12}', {"type": "text"}, "12"),
        ('{"x":"0aff"}', {"type": "hex"}, b"\x0a\xff"),
        ('{"x":"aGk="}', {"type": "base64"}, b"hi"),
        ('{"x":[1,{"a":2}]}', {}, [1, {"a": 2}]),
        ('{"x":"2024-02-29T10:00:00+02:00"}', {"time": "iso"}, datetime(2024, 2, 29, 8, tzinfo=UTC)),
        ('{"x":"2024-02-29 10:00"}', {"time": "iso", "zone": "utc"}, datetime(2024, 2, 29, 10, tzinfo=UTC)),
        ('{"x":"29.02.24 10:05"}', {"time": "DD.MM.YY hh:mm", "zone": "+03:00"}, datetime(2024, 2, 29, 7, 5, tzinfo=UTC)),
        ('{"x":"1700000000"}', {"time": "unix"}, datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_a_field_converts_exactly(document: str, keys: dict[str, Any], value: object) -> None:
    got = _value(document, **keys)
    assert got == value
    assert type(got) is type(value) or isinstance(value, int | Decimal)
    assert not isinstance(got, float)


@pytest.mark.parametrize(
    ("document", "keys", "offset", "reason"),
    [
        ('{"x":"12.5"}', {"decimal_mark": ",", "type": "decimal"}, 5, "decimal mark ','"),
        ('{"x":"abc"}', {"type": "decimal"}, 5, "not a number"),
        ('{"x":true}', {"type": "decimal"}, 5, "not a number"),
        ('{"x":[]}', {"type": "text"}, 5, "a list is not a text"),
        ('{"x":1.5}', {"type": "integer"}, 5, "not a whole number"),
        ('{"x":9}', {"lookup": {1: "a"}}, 5, "not among the values"),
        ('{"x":"maybe"}', {"type": "boolean"}, 5, "neither true nor false"),
        ('{"x":"2024-02-30T00:00:00"}', {"time": "iso"}, 5, "no such time"),
        ('{"x":"yesterday"}', {"time": "iso"}, 5, "not a time of ISO 8601"),
        ('{"x":-1}', {"time": "unix"}, 5, "no time after 1970"),
        ('{"x":1e30}', {"time": "unix_ms"}, 5, "no time after 1970"),
        ('{"y":1}', {"required": True}, 0, "x is missing"),
        ('{"y":1}', {}, 0, "none of the values"),
        ('{"x":1,"x":2}', {}, 7, "stands twice"),
        ('{"x":NaN}', {}, 5, "no NaN"),
        ('{"x":-Infinity}', {}, 5, "no Infinity"),
        ('{"x":1e999999}', {}, 5, "out of every range"),
        ('{"x":1e99999999999999999999}', {}, 5, "out of every range"),
        ('{"x":' + "1" * 50 + "}", {}, 5, "50 characters"),
        ('{"x":01}', {}, 6, "a comma or }"),
        ('{"x":1}}', {}, 7, "more follows"),
        ('{"x":1', {}, 6, "a comma or }"),
        ('{"x":', {}, 5, "ends too early"),
        ('{"x":"\\ud800"}', {}, 6, "half of a character"),
        ('{"x":"\\x"}', {}, 6, "escape"),
        ("", {}, 0, "ends too early"),
        ("[" * 40, {}, 32, "nested deeper"),
    ],
)
def test_refusals_say_where_and_why(
    document: str, keys: dict[str, Any], offset: int, reason: str
) -> None:
    with pytest.raises(DecodeError) as refusal:
        _value(document, **keys)
    assert refusal.value.offset == offset
    assert reason in refusal.value.reason


def test_bytes_that_are_no_text_and_bombs_are_refused() -> None:
    layout = compile_layout(_field())
    for octets in (b'{"x":"\xff"}', b" " * (MAX_OCTETS + 1), b"[" + b"1," * 30_000 + b"1]"):
        with pytest.raises(DecodeError):
            layout.decode(octets)
    each = compile_layout({"each": "@", "fields": [{"name": "v", "path": "@"}]})
    with pytest.raises(DecodeError, match="more than 4096 values"):
        each.decode(b"[" + b"1," * 5000 + b"1]")


def test_a_layout_cannot_ask_for_endless_work() -> None:
    long = b"[" + b"[0]," * 9_000 + b"[0]]"
    wide = [{"name": f"f{at}", "path": "@ == @ && @ == @ && [*][*] | [0]"} for at in range(40)]
    with pytest.raises(DecodeError, match="too many for these paths"):
        compile_layout({"fields": wide}).decode(long)
    assert compile_layout({"fields": wide}).decode(b"[[1]]").items
    many = [{"name": f"f{at}", "path": "x"} for at in range(40)]
    with pytest.raises(DecodeError, match="too long for these fields"):
        compile_layout({"each": "@", "fields": many}).decode(long)


@pytest.mark.parametrize(
    ("layout", "path", "reason"),
    [
        ({"fields": []}, ("fields",), "at least one"),
        ({"feilds": []}, ("feilds",), "did you mean fields?"),
        (_field(pth="y"), ("fields", 0, "pth"), "did you mean path?"),
        (_field(path="a."), ("fields", 0, "path"), "not a path"),
        (_field(path="[a,b]"), ("fields", 0, "path"), "its own field"),
        (_field(path="sort_by(a,&b)"), ("fields", 0, "path"), ""),
        (_field(path="to_string(@)"), ("fields", 0, "path"), "to_string is unknown"),
        (_field(div=3), ("fields", 0, "div"), "not exact"),
        (_field(div=0), ("fields", 0, "div"), "not exact"),
        (_field(mul="1e999999999"), ("fields", 0, "mul"), "a number"),
        (_field(type="float"), ("fields", 0, "type"), "one of"),
        (_field(time="noon"), ("fields", 0, "time"), "needs YYYY"),
        (_field(time="iso", zone="Mars"), ("fields", 0, "time"), "zone"),
        (_field(name="1x"), ("fields", 0, "name"), "letters"),
        ({"fields": [{"name": "x", "path": "a"}] * 2}, ("fields", 1, "name"), "twice"),
        ({"meter": "a", **_field()}, ("meter",), "goes with each"),
        ({"fields": "x"}, ("fields",), "a list"),
    ],
)
def test_a_faulty_layout_names_the_key(layout: Any, path: tuple[Any, ...], reason: str) -> None:
    with pytest.raises(MappingError) as fault:
        compile_layout(layout)
    assert fault.value.path == path
    assert reason in fault.value.reason


_PATHS = [
    "a", "a.b", "a[0]", "a[-1].b", "a[*].b", "a[*][0]", "a[]", "a[].b", "a.*", "a.*.b", "@", "a[1:]",
    "a[::-1]", "a || b", "a && b", "!a", "a[?b]", "a[?b == `1`]", "a[?b != 'x'].b", "b[?@ > `0.5`]",
    "a[*].b | [0]", "length(b)", "not_null(a, b)", "*.a", "b == a", "a[?b >= `1`].a | [-1]", "[0]",
    "[*].a", "(a || b)[0]", "a.b || 'none'",
]  # fmt: skip
_DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "x", "a"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2)
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(_DOCUMENTS, st.sampled_from(_PATHS))
def test_paths_find_what_the_library_finds(document: Any, path: str) -> None:
    """The library is asked with what it refuses itself (a function on a wrong type) left out."""
    try:
        expected = jmespath.search(path, document)
    except jmespath.exceptions.JMESPathError:
        expected = None
    assert plain(compile_path(path)(read_json(json.dumps(document).encode()).root)) == expected


def test_numbers_of_a_path_are_exact() -> None:
    root = read_json(b'{"a":["0.1",0.1,0.2]}').root
    assert plain(compile_path("a[?@ == `0.1`]")(root)) == [Decimal("0.1")]
    assert plain(compile_path("sum(a[1:])")(root)) == Decimal("0.3")
    assert plain(compile_path("to_number(a[0])")(root)) == Decimal("0.1")
    with pytest.raises(PathError):
        compile_path("a" * 400)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_changed_bytes_raise_nothing_else(data: st.DataObject) -> None:
    octets = bytearray(data.draw(st.sampled_from([_TASMOTA, _SHELLY])))
    for _ in range(data.draw(st.integers(1, 6))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    layout = compile_layout(
        {
            "fields": [
                {"name": "at", "path": "Time", "time": "iso"},
                {"name": "total", "path": "ENERGY.Total", "type": "decimal", "spread": "phase"},
                {"name": "p", "path": '"em1:1".act_power', "type": "decimal", "div": 8},
                {"name": "unix", "path": "sys.unixtime", "time": "unix"},
            ]
        }
    )
    try:
        telegram = layout.decode(bytes(octets[: data.draw(st.integers(0, len(octets)))]))
    except DecodeError as refusal:
        assert 0 <= refusal.offset <= len(octets)
    else:
        assert all(0 <= item.start < item.end <= len(octets) for item in telegram.items)


_ANY_DOCUMENTS = st.recursive(
    st.integers(-(10**30), 10**30) | st.text() | st.booleans() | st.none(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(_ANY_DOCUMENTS, st.booleans())
@settings(max_examples=100, deadline=None)
def test_every_document_reads_as_the_standard_library_reads_it(document: Any, ascii: bool) -> None:
    text = json.dumps(document, ensure_ascii=ascii)
    assert plain(read_json(text.encode()).root) == json.loads(text)
