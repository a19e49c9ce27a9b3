"""What is made from the table of the language: JSON Schema, reference, completion."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from ingestion.management.commands.device_type_schema import published
from meters.definition import choices_at, json_schema, keys_at
from meters.definition.language import KINDS, PART_DOCS, PARTS, RULES, keys_of
from meters.definition.nodes import plain, read_nodes
from meters.definition.vocabulary import shipped_vocabulary

from .texts import VALID


def _numbers(value: Any) -> Any:
    """Decimals as JSON has them."""
    if isinstance(value, dict):
        return {str(key): _numbers(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_numbers(one) for one in value]
    return float(value) if isinstance(value, Decimal) else value


def test_published_files_are_those_of_the_table() -> None:
    for path, text in published().items():
        assert path.read_text(encoding="utf-8") == text, "run manage.py device_type_schema"


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize(
    ("old", "new", "good"),
    [
        ("", "", True),
        ("readings:", "readngs:", False),
        ("version: 1", "version: x", False),
        ("vendor: Acme\n", "", False),
        ("value: $volume", "unit: L", False),
        ("kind: binary", "kind: other", False),
    ],
)
def test_the_schema_agrees_with_the_check(old: str, new: str, good: bool) -> None:
    value = json.loads(json.dumps(_numbers(plain(read_nodes(VALID.replace(old, new), name="t")))))
    assert Draft202012Validator(json_schema()).is_valid(value) is good


def test_every_part_is_described_and_every_rule_names_its_keys() -> None:
    assert PART_DOCS.keys() == PARTS.keys()
    for part, rules in RULES.items():
        for rule in rules:
            assert set(rule.keys) <= keys_of(part).keys(), part


@pytest.mark.parametrize("part", sorted(PARTS))
def test_every_key_has_a_sentence(part: str) -> None:
    names = [key.name for key in PARTS[part]]
    assert len(names) == len(set(names))
    assert all(key.doc.endswith(".") for key in PARTS[part])


def test_keys_are_completed_by_path() -> None:
    assert dict(keys_at(()))["readings"] == "Values at an instant."
    assert "register" in dict(keys_at(("readings", 0)))
    assert "weight" in dict(keys_at(("series", 2, "pulse")))
    assert "least" in dict(keys_at(("commands", 0, "parameters", "minutes")))
    assert "mask" in dict(keys_at(("reject", 0, "when", "all", 1, "not")))
    assert keys_at(("vendor",)) == []


def test_words_are_completed_by_path() -> None:
    words = shipped_vocabulary()
    assert choices_at(("decode", "kind"), words) == list(KINDS)
    assert "cold_water.volume.register" in choices_at(("readings", 0, "reading_type"), words)
    assert "battery_low" in choices_at(("events", 0, "code"), words)
    assert "battery_low" in choices_at(("events", 0, "bits", 2), words)
    assert choices_at(("series", 0, "direction"), words) == ["forward", "backward"]
    assert "hot_water" in choices_at(("resource",), words)
    assert choices_at(("vendor",), words) == []
