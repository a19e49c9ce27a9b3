"""Definitions made to exhaust the server are refused, at once and for the right reason."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meters.definition import DefinitionError, read_definition
from meters.definition.nodes import MOST_BYTES, MOST_DEPTH, MOST_NODES, read_nodes

from .texts import VALID, problems


def _bomb(levels: int, width: int) -> str:
    lines = ["a0: &a0 [" + ", ".join("x" * width) + "]"]
    for level in range(1, levels):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * width)}]")
    return "\n".join(lines)


_HOSTILE = {
    "flow lists": ("a: " + "[" * 5_000, "deeper"),
    "flow mappings": ("a: " + "{a: " * 5_000, "deeper"),
    "block lists": ("- " * 5_000 + "x", "deeper"),
    "nested aliases": (
        "\n".join(["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 40))]),
        "deeper",
    ),
    "alias bomb": (_bomb(12, 9), "values"),
    "wide alias bomb": (_bomb(3, 200), "values"),
    "many scalars": ("[" + "1," * (MOST_NODES + 1) + "1]", "values"),
    "many keys": ("{" + ",".join(f"k{n}: 1" for n in range(MOST_NODES + 1)) + "}", "values"),
    "repeated text": (
        "a: &a " + "x" * 60_000 + "\nb: [" + ", ".join(["*a"] * 1_000) + "]",
        "together",
    ),
    "long file": ("a: " + "x" * MOST_BYTES, "larger"),
    "long text": ("a: '" + "x" * 70_000 + "'", "longer"),
    "huge number": ("a: " + "1" * 100_000, "longer"),
}


@pytest.mark.parametrize("name", sorted(_HOSTILE))
def test_hostile_text_is_refused(name: str) -> None:
    text, message = _HOSTILE[name]
    with pytest.raises(DefinitionError) as caught:
        read_nodes(text, name="hostile")
    assert message in str(caught.value)


def test_what_the_limits_allow_is_read() -> None:
    deep = "[" * MOST_DEPTH + "]" * MOST_DEPTH
    assert read_nodes(deep, name="t").height == MOST_DEPTH - 1
    assert read_nodes("[" + "1," * (MOST_NODES - 2) + "1]", name="t").size == MOST_NODES


@pytest.mark.parametrize(
    "value",
    ["$" + "." * 60_000 + " ", "$" + "a." * 30_000 + "[", "a." * 30_000, "1-" * 30_000],
)
def test_patterns_are_not_tried_on_long_texts(value: str) -> None:
    """Some need the square of a text's length: this would take hours."""
    text = VALID.replace("value: $volume", f"value: '{value}'")
    assert problems(text)[0].key == "readings[0].value"
    text = VALID.replace("cold_water.volume.register", f"'{value}'")
    assert problems(text)[0].key == "readings[0].reading_type"


def test_thousands_of_unknown_words_are_not_all_compared() -> None:
    rows = "".join(
        f"  - {{register: r, reading_type: wrong.type{n}, value: $volume}}\n" for n in range(400)
    )
    assert len(problems(VALID.replace("events:", rows + "events:"))) == 100


def test_a_hostile_file_gives_a_short_list_of_problems() -> None:
    text = VALID + "".join(f"nonsense{n}: 1\n" for n in range(5_000))
    assert len(problems(text)) == 100


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_changed_definitions_are_read_or_refused(data: st.DataObject) -> None:
    """Nothing but DefinitionError comes out of a text that was damaged."""
    at = data.draw(st.integers(0, len(VALID)))
    cut = data.draw(st.integers(0, 8))
    put = data.draw(st.text("{}[]&*!%|>'\"#:-,?$ \n0x9ae", max_size=6))
    text = VALID[:at] + put + VALID[at + cut :]
    try:
        definition = read_definition(text, name="damaged")
    except DefinitionError as error:
        assert error.problems
        assert all(problem.mark.line >= 1 for problem in error.problems)
    else:
        assert definition.vendor
