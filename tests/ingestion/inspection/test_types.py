"""Device types from files."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingestion.inspection.types import TYPES_FOLDER, UnknownTypeError, compiled_type


def test_a_type_is_found_by_name_or_path(tmp_path: Path) -> None:
    assert compiled_type("eastron-sdm630").definition.type == "eastron-sdm630"
    assert compiled_type(str(TYPES_FOLDER / "eastron_sdm630.yaml")).definition.vendor == "Eastron"
    with pytest.raises(UnknownTypeError, match="near to it eastron_sdm630"):
        compiled_type("eastron_sdm639")
    with pytest.raises(UnknownTypeError, match="devicetypes/"):
        compiled_type("zzzzzzzzzz")
    with pytest.raises(OSError, match="none"):
        compiled_type(str(tmp_path / "none.yaml"))
