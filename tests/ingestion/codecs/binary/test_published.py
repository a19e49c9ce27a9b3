"""Published schemas load as they stand and give what is published; so do the sketches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ingestion.codecs.binary import compile_schema
from ingestion.vectors.outcomes import EQUAL
from ingestion.vectors.payload_schema import compare, differences, read_schema

from .layouts import SCHEMAS, SKETCHES, needs_published


def _schemas() -> list[Path]:
    return sorted((SCHEMAS / "devices").rglob("*.yaml"))


@needs_published
def test_every_published_vector() -> None:
    outcomes = list(compare(SCHEMAS / "vectors.json", SCHEMAS / "devices"))
    assert len(outcomes) > 400
    assert [outcome for outcome in outcomes if outcome.verdict != EQUAL] == []


def _exact(value: Any) -> Any:
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, Mapping):
        return {key: _exact(inner) for key, inner in value.items()}
    return [_exact(inner) for inner in value] if isinstance(value, list) else value


def _own_vectors(schema: Mapping[str, Any]) -> Iterator[tuple[bytes, int | None, Any]]:
    for vector in schema.get("test_vectors") or ():
        if "expected" in vector:
            payload = vector["payload"]
            # YAML reads an unquoted 09 as the number 9.
            digits = f"{payload:02d}" if isinstance(payload, int) else payload
            yield bytes.fromhex(digits), vector.get("fPort"), _exact(vector["expected"])


@needs_published
@pytest.mark.parametrize("path", _schemas(), ids=lambda path: path.stem)
def test_schema_holds_its_own_vectors(path: Path) -> None:
    schema = read_schema(path)
    decoder = compile_schema(schema)
    for octets, port, expected in _own_vectors(schema):
        said = decoder.decode(octets, port=port)
        assert list(differences(expected, said.tree)) == []
        assert decoder.decode_tree(octets, port=port) == said.tree
        assert all(item.end <= len(octets) for item in said.items)


@needs_published
@pytest.mark.parametrize(
    "path",
    [path for path in sorted(SKETCHES.glob("*.yaml")) if "kind: binary" in path.read_text()],
    ids=lambda path: path.stem,
)
def test_sketch_of_a_device_type(path: Path) -> None:
    sketch = read_schema(path)
    definition = {**sketch["decode"], "reject": sketch.get("reject")}
    decoder = compile_schema(definition, strict=True)
    for test in sketch.get("tests") or ():
        tree = dict(decoder.decode(bytes.fromhex(test["payload"]), port=test.get("port")).tree)
        if "sent_at" in test["expect"]:
            tree["sent_at"] = tree["sent_at"].replace(tzinfo=None).isoformat()
        assert list(differences(_exact(test["expect"]), tree)) == []


def test_differences_are_those_of_published_precision() -> None:
    said = {"a": Decimal("1.4114376306533813474"), "b": 5, "c": [{"d": True}], "e": "x"}
    said |= {"f16": Decimal("1.001"), "eui": "0a0b", "octets": "0a0b"}
    same = {"a": Decimal("1.411"), "b": 5, "c": [{"d": 1}], "e": "x", "absent": None}
    same |= {"f16": Decimal("1.0009765625"), "eui": "0A:0B", "octets": [10, 11]}
    assert list(differences(same, said)) == []
    wrong = {"a": Decimal("1.412"), "b": Decimal("5.1"), "c": [{"d": 0}], "e": "y", "f": 1}
    assert len(list(differences(wrong, said))) == 5
    assert len(list(differences({"c": [], "b": {}, "e": None}, said))) == 3
