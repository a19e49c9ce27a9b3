"""Types and telegrams made to hang the server are refused or bounded."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.telegram import Item
from ingestion.decoding import Arrival, CompiledType, compile_type
from ingestion.decoding.compiling import LONGEST_PAYLOAD
from ingestion.decoding.testing import arrival_of, telegrams_of
from meters.definition import read_definition

from .typing_of import binary, faults, generic, meaning

_FILES = sorted((Path(__file__).parent / "types").glob("*.yaml"))
_RULE = "register: volume, reading_type: cold_water.volume.register, unit: L"


@pytest.mark.parametrize(
    "formula",
    ["9**9**9", "9**9**9**9", "(2**64)**64", "$v**$v**$v", "1/0", "1 << 10**9", "$v ** 0.5"],
)
def test_formulas_are_bounded(formula: str) -> None:
    compiled = generic(f"readings:\n  - {{{_RULE}, formula: '{formula}'}}\n")
    decoded = meaning(compiled, Item(name="v", value=9**20))
    assert decoded.readings == ()
    assert decoded.warnings


def test_formulas_of_another_sort_are_refused() -> None:
    for formula in ("().__class__", "[x for x in 1]", "lambda: 1", "import os", "a.b", "'x'*9"):
        found = faults(
            "[{name: v, type: u8}]", f'readings:\n  - {{{_RULE}, formula: "{formula}"}}\n'
        )
        assert found, formula


def test_many_rules_on_many_items_run_out_of_work() -> None:
    when = "{any: [" + ", ".join(["{match: {storage: 7}, value: 1}"] * 50) + "]}"
    rules = "reject:\n" + f"  - {{when: {when}, why: never}}\n" * 10
    items = [Item(name=f"i{number}", value=1, facts={"storage": 1}) for number in range(4_096)]
    with pytest.raises(DecodeError, match="too much work"):
        meaning(generic(rules), *items)


def test_groups_times_rules_run_out_of_work() -> None:
    rules = "readings:\n" + f"  - {{{_RULE}, each: $g, value: $.v}}\n" * 400
    items = [Item(name=f"g[{number}].v", value=1) for number in range(4_000)]
    with pytest.raises(DecodeError):
        meaning(generic(rules), *items)


def test_warnings_do_not_pile_up() -> None:
    rules = "readings:\n" + "".join(
        f"  - {{register: r{number}, reading_type: cold_water.volume, value: $v}}\n"
        for number in range(200)
    )
    assert len(meaning(generic(rules), Item(name="v", value=1)).warnings) == 50


def test_long_telegrams_are_refused_before_they_are_read() -> None:
    compiled = binary("[{name: v, type: u8}]", "")
    with pytest.raises(DecodeError, match="longer than"):
        compiled.decode(bytes(LONGEST_PAYLOAD + 1), context=Arrival())


@pytest.mark.parametrize(
    "layout",
    [
        "[{name: a, type: repeat, count: 1000000000, fields: [{name: b, type: u8}]}]",
        "[{name: a, repeat: until_end, fields: [{name: b, type: u8, if: $c}]}]",
        "[{name: n, type: u32}, {name: a, type: u8, repeat: $n}]",
    ],
)
def test_loops_of_a_layout_end(layout: str) -> None:
    if faults(layout, ""):
        return
    with pytest.raises(DecodeError):
        binary(layout, "").decode(b"\xff" * 64, context=Arrival())


_TOPIC = "identify: {topic: 'TOPIC', device: $topic.a}\n"


def test_topics_are_matched_without_backtracking() -> None:
    topic = "/".join(f"{{n{number}}}" for number in range(20))
    compiled = generic(_TOPIC.replace("TOPIC", f"{{a}}/{topic}/x"))
    assert meaning(compiled, topic="a/" * 4_000).identity is None


@cache
def _types() -> tuple[CompiledType, ...]:
    return tuple(
        compile_type(read_definition(path.read_text(encoding="utf-8"), name=path.name))
        for path in _FILES
    )


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_telegrams_raise_nothing_but_decode_error(data: st.DataObject) -> None:
    compiled = _types()[data.draw(st.integers(0, len(_FILES) - 1))]
    tests = compiled.definition.tests
    test = tests[data.draw(st.integers(0, len(tests) - 1))]
    payload = bytearray(telegrams_of(test, compiled.definition.decode.kind)[-1])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(len(payload) - 1, 0)))
        payload[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        decoded = compiled.decode(bytes(payload), context=arrival_of(test))
    except DecodeError as error:
        assert error.reason
        assert error.offset >= 0
    else:
        assert decoded.telegram.kind == compiled.definition.decode.kind
