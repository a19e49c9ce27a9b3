"""Every device type that ships: its own tests pass, and it could be published."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingestion.decoding import publishing_faults, run_tests
from ingestion.inspection.types import TYPES_FOLDER, UnknownTypeError, compiled_type
from meters.definition.registers import registers_of

_FILES = sorted(TYPES_FOLDER.glob("*.yaml"))


def test_types_ship() -> None:
    assert len(_FILES) >= 20
    codes = [compiled_type(path.stem).definition.type for path in _FILES]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("path", _FILES, ids=lambda path: path.stem)
def test_a_shipped_type_passes_its_own_tests(path: Path) -> None:
    results = run_tests(compiled_type(path.stem))
    assert [(result.name, result.differences) for result in results if not result.passed] == []
    assert publishing_faults(results) == []


@pytest.mark.parametrize("path", _FILES, ids=lambda path: path.stem)
def test_a_shipped_type_names_its_sources_and_registers(path: Path) -> None:
    definition = compiled_type(path.stem).definition
    assert definition.source
    assert registers_of(definition)
    good = [test for test in definition.tests if not test.refused]
    assert any(test.source for test in good)


def test_a_type_is_found_by_name_or_path(tmp_path: Path) -> None:
    assert compiled_type("eastron-sdm630").definition.type == "eastron-sdm630"
    assert compiled_type(str(TYPES_FOLDER / "eastron_sdm630.yaml")).definition.vendor == "Eastron"
    with pytest.raises(UnknownTypeError, match="eastron_sdm630"):
        compiled_type("eastron_sdm639")
    with pytest.raises(OSError, match="none"):
        compiled_type(str(tmp_path / "none.yaml"))
