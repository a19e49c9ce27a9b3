"""What an editor offers in a definition that is being written."""

from __future__ import annotations

import pytest

from meters.definition import offers_at
from meters.definition.errors import Path
from meters.definition.vocabulary import shipped_vocabulary

_BEFORE = """\
type: acme
# a comment
decode:
  kind: binary
  fields:
    - name: volume
      type: u32
readings:
  - register: volume
    reading_type: cold_water.volume.register
    value: $volume
events:
- code: leak
"""


@pytest.mark.parametrize(
    ("row", "path", "typed", "key", "word"),
    [
        ("", (), "", "series", ""),
        ("ser", (), "ser", "series", ""),
        ("resource: ", ("resource",), "", "", "gas"),
        ("resource: [gas, h", ("resource", 1), "h", "", "hot_water"),
        ("- ", ("events", 1), "", "severity", ""),
        ("- co", ("events", 1), "co", "code", ""),
        ("- code: bat", ("events", 1, "code"), "bat", "", "battery_low"),
        ("  se", ("events", 0), "se", "severity", ""),
        ("  severity: ", ("events", 0, "severity"), "", "", "warning"),
        ("  when: {fi", ("events", 0, "when"), "fi", "field", ""),
        ("  when: {all: [{field: $a, ma", ("events", 0, "when", "all", 0), "ma", "mask", ""),
        ("  bits: {2: le", ("events", 0, "bits", "2"), "le", "", "leak"),
        ("- {code: leak, sev", ("events", 1), "sev", "severity", ""),
        ("- {code: leak, when: {field: $a}, sev", ("events", 1), "sev", "severity", ""),
        ("clock: {zo", ("clock",), "zo", "zone", ""),
        ("reject:\n  - when:\n      fie", ("reject", 0, "when"), "fie", "field", ""),
        ("reject:\n  - when:\n      field: $a\n    wh", ("reject", 0), "wh", "why", ""),
        ("tests:\n- readings:\n  - regi", ("tests", 0, "readings", 0), "regi", "register", ""),
        (
            "series:\n  - reading_type: gas.vol",
            ("series", 0, "reading_type"),
            "gas.vol",
            "",
            "gas.volume",
        ),
        ("vendor: ", ("vendor",), "", "", ""),
    ],
)
def test_offers(row: str, path: Path, typed: str, key: str, word: str) -> None:
    text = _BEFORE + row
    lines = text.split("\n")
    offers = offers_at(text, len(lines), len(lines[-1]) + 1, shipped_vocabulary())
    assert (offers.path, offers.typed) == (path, typed)
    assert key in dict(offers.keys) if key else offers.keys == []
    assert word in offers.words if word else offers.words == []


def test_what_stands_behind_the_cursor_does_not_matter() -> None:
    offers = offers_at("re\nnonsense: [", 1, 3, shipped_vocabulary())
    assert {key for key, _doc in offers.keys} == {"resource", "readings", "reject"}


@pytest.mark.parametrize("line", ["a" * 200_000 + " ", "- " * 100_000, "a: {" + "b: {" * 50_000])
def test_long_lines_take_no_long_time(line: str) -> None:
    """Were it the square of their length, this would not end."""
    assert offers_at(line, 1, len(line) + 1, shipped_vocabulary()).words == []


@pytest.mark.parametrize(("line", "column"), [(1, 1), (99, 1), (1, 999)])
def test_any_place_has_an_answer(line: int, column: int) -> None:
    assert offers_at("a: }]{[,:", line, column, shipped_vocabulary()).typed is not None
