"""What one telegram may cost: bounded by work, and enough of it for what meters really send."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.telegram import Item
from ingestion.decoding import Arrival, CompiledType, compile_type
from ingestion.decoding.testing import publishing_faults, run_tests
from meters.definition import read_definition

from .hostile import HOSTILE
from .typing_of import binary, generic, meaning

_RULE = "register: volume, reading_type: cold_water.volume.register, unit: L"
# A call costs about half a microsecond where nothing else is worked out in it.
_MOST_CALLS = 3_000_000


class _Calls:
    """Counts the calls of Python functions: the same number whatever else the machine does."""

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> _Calls:
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_error: object) -> None:
        sys.setprofile(None)

    def _note(self, _frame: Any, event: str, _argument: Any) -> None:
        self.count += event == "call"


def _compiled(name: str) -> CompiledType:
    return compile_type(read_definition(HOSTILE[name].text, name=name))


def _reason(compiled: CompiledType, payload: bytes) -> str:
    """Why a telegram is refused, "" where it is read."""
    try:
        compiled.decode(payload, context=Arrival(memory={}))
    except DecodeError as error:
        return error.reason
    return ""


@pytest.mark.parametrize("name", HOSTILE)
def test_a_telegram_costs_no_more_than_it_may(name: str) -> None:
    reason, wanted = _reason(_compiled(name), HOSTILE[name].payload), HOSTILE[name].refused
    assert wanted in reason
    assert bool(wanted) == bool(reason)


@pytest.mark.parametrize(
    "name", [name for name, one in HOSTILE.items() if "too m" not in one.refused]
)
def test_what_is_not_refused_for_its_work_is_little_work(name: str) -> None:
    compiled = _compiled(name)
    with _Calls() as calls:
        _reason(compiled, HOSTILE[name].payload)
    assert calls.count < _MOST_CALLS


def test_a_type_is_not_published_whose_test_costs_too_much() -> None:
    hostile = HOSTILE["logarithms"]
    tests = (
        "tests:\n  - {name: dear, expect: {l: 1}, payload: " + hostile.payload[:200].hex() + "}\n"
        "  - {name: bad, payload: '', refused: bytes}\n"
    )
    results = run_tests(compile_type(read_definition(hostile.text + tests, name="dear")))
    assert "too much to decode" in results[0].differences[0]
    assert "The test “dear” fails." in publishing_faults(results)


def test_a_message_of_64_kb_is_read() -> None:
    rows = (65_536 - 4) // 16
    fields = (
        "[{name: head, type: u32}, {type: repeat, name: rows, until: end, max: 4096, fields: ["
        "{name: v, type: u32, unit: L, formula: '($head + x) / 4 * 2 + 1'},"
        " {type: skip, length: 12}]}]"
    )
    compiled = binary(fields, f"readings:\n  - {{{_RULE}, each: $rows, value: $.v}}\n")
    decoded = compiled.decode(bytes(4) + bytes(range(16)) * rows, context=Arrival())
    assert len(decoded.readings) == rows == 4_095


def test_a_push_of_3000_rows_of_8_columns_is_taken() -> None:
    columns = ("power", "energy", "voltage", "current", "volume", "flow", "mass", "heat")
    items = [
        Item(name=f"{column}{row}", value=row, unit="L", facts={"quantity": column})
        for row in range(3_000)
        for column in columns
    ]
    rules = "".join(
        f"  - {{register: r{at}, reading_type: cold_water.volume.register, tariff: all,"
        f" match: {{quantity: {column}}}}}\n"
        for at, column in enumerate(columns)
    )
    assert len(meaning(generic(f"readings:\n{rules}"), *items).readings) == 24_000


def test_a_file_of_two_years_in_half_hours_is_taken() -> None:
    items = [
        Item(
            name=f"d{day}",
            value=list(range(48)),
            unit="L",
            facts={"quantity": f"q{stream}", "time": 1_700_000_000 + day * 86_400},
        )
        for stream in range(4)
        for day in range(731)
    ]
    rules = "".join(
        f"  - {{register: r{stream}, reading_type: cold_water.volume, match: {{quantity: q{stream}}},"
        " at: {fact: time}, step: 30min}\n"
        for stream in range(4)
    )
    said = meaning(generic(f"series:\n{rules}"), *items).series
    assert sum(len(one.values) for one in said) == 4 * 731 * 48


def test_a_wide_document_is_read() -> None:
    layout = "fields:\n" + "".join(
        f"    - {{name: f{at}, path: 'v[?a == `{at}`].b | [0]', unit: L}}\n" for at in range(20)
    )
    head = "type: w\nversion: 1\nvendor: A\nmodel: W\nresource: cold_water\ndecode:\n  kind: json\n"
    compiled = compile_type(read_definition(f"{head}  {layout}", name="wide"))
    document = json.dumps({"v": [{"a": at, "b": at} for at in range(4_000)]}).encode()
    assert len(compiled.decode(document, context=Arrival()).telegram.items) == 20
