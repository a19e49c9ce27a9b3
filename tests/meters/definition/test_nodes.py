"""YAML as definitions are read: version 1.2, with places, within limits."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from meters.definition.errors import DefinitionError, Mark
from meters.definition.nodes import locate, plain, read_nodes


def _read(text: str) -> Any:
    return plain(read_nodes(text, name="t"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("true", True),
        ("~", None),
        ("012", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("-7", -7),
        ("1.50", Decimal("1.50")),
        ("1e3", Decimal("1e3")),
        (".5", Decimal("0.5")),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2013-01-01", "2013-01-01"),
        ("'12'", "12"),
        ("1.2.3", "1.2.3"),
    ],
)
def test_scalars_mean_what_yaml_1_2_says(text: str, value: object) -> None:
    found = _read(f"a: {text}")["a"]
    assert found == value
    assert type(found) is type(value)


def test_decimals_keep_their_digits() -> None:
    assert str(_read("a: 1.50")["a"]) == "1.50"


def test_keys_may_be_numbers() -> None:
    assert _read("{0: low, 0x10: dry}") == {0: "low", 16: "dry"}


def test_aliases_stand_for_their_anchor() -> None:
    assert _read("a: &x [1, 2]\nb: *x") == {"a": [1, 2], "b": [1, 2]}


_FAULTS = [
    ("a: 1\na: 2", 2, 1, "stands twice"),
    ("a: 1\nb: {c: 1, c: 2}", 2, 11, "stands twice"),
    ("a: !!str 1", 1, 4, "Tags"),
    ("a: !!python/object:os.system x", 1, 4, "Tags"),
    ("%YAML 1.1\n---\na: 1", 2, 1, "Directives"),
    ("a: 1\n---\nb: 2", 2, 1, "one document"),
    ("a: *nobody", 1, 4, "&nobody"),
    ("a: &x [*x]", 1, 8, "&x"),
    ("? [a]\n: 1", 1, 3, "A key"),
    ("a: .nan", 1, 4, "no place"),
    ("a: -.inf", 1, 4, "no place"),
    ("a: [1,", 1, 7, "no YAML"),
    ("a: 'x", 1, 6, "no YAML"),
    ("a:\n\tb: 1", 2, 1, "no YAML"),
    ("", 1, 1, "empty"),
    ("# nothing", 1, 1, "empty"),
    ("a: \x07", 1, 1, "no YAML"),
]


@pytest.mark.parametrize(("text", "line", "column", "message"), _FAULTS)
def test_what_is_refused_is_refused_at_its_place(
    text: str, line: int, column: int, message: str
) -> None:
    with pytest.raises(DefinitionError) as caught:
        _read(text)
    (problem,) = caught.value.problems
    assert message in problem.message
    assert problem.mark == Mark(line, column)


def test_places_are_found_by_path() -> None:
    root = read_nodes("a: 1\nb:\n  - {c: 2, 7: x}\n  - d\n", name="t")
    assert locate(root, ("a",)) == Mark(1, 1)
    assert locate(root, ("b", 0, "c")) == Mark(3, 6)
    assert locate(root, ("b", 0, 7)) == Mark(3, 12)
    assert locate(root, ("b", 1)) == Mark(4, 5)
    assert locate(root, ("b", 5, "e")) == Mark(2, 1)


@pytest.mark.parametrize(
    "text", ["46400001e240", "1e99999999999999999999", "9" * 65, "-" + "9" * 70]
)
def test_what_no_device_counts_is_text(text: str) -> None:
    assert _read(f"a: {text}") == {"a": text}
