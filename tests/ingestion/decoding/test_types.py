"""Eight device types of all sorts, with their own tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingestion.decoding import compile_type, publishing_faults, run_tests
from meters.definition import read_definition, registers_of

_FILES = sorted((Path(__file__).parent / "types").glob("*.yaml"))


def test_the_types_are_there() -> None:
    assert len(_FILES) == 8


@pytest.mark.parametrize("path", _FILES, ids=lambda path: path.stem)
def test_a_type_passes_its_own_tests(path: Path) -> None:
    definition = read_definition(path.read_text(encoding="utf-8"), name=path.name)
    results = run_tests(compile_type(definition))
    failed = {result.name: result.differences for result in results if not result.passed}
    assert failed == {}
    assert publishing_faults(results) == []
    assert registers_of(definition)
