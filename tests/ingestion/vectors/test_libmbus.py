"""Wired M-Bus frames of others: all equal, and the comparison notices what is not."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from ingestion.vectors.libmbus import compare
from ingestion.vectors.outcomes import DIFFERENT, EQUAL, REFUSED, Outcome

_FILE = Path(__file__).resolve().parents[4] / "shared" / "vectors" / "mbus_libmbus.json"


@pytest.fixture(scope="module")
def vectors() -> dict[str, Any]:
    if not _FILE.exists():
        pytest.skip("the published vectors are not beside the project")
    read: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    return read


def _judged(vectors: dict[str, Any], key: str, vector: dict[str, Any]) -> Outcome:
    (outcome,) = compare({**dict.fromkeys(vectors, ()), key: [vector]})
    return outcome


def test_all_frames_are_equal(vectors: dict[str, Any]) -> None:
    outcomes = list(compare(vectors))
    keys = ("valid_frames", "error_frames", "unsupported_frames")
    assert len(outcomes) == sum(len(vectors[key]) for key in keys)
    assert [outcome for outcome in outcomes if outcome.verdict != EQUAL] == []


# Reasons that a person must be able to act on.
_REASONS = {
    "premature_end_of_data2": "byte 32: BCD 6 needs 3 bytes, 2 are left",
    "premature_end_of_dif2": "byte 31: the data end within the chain of DIFE",
    "premature_end_of_var_vif1": "byte 43: the text of the VIF has 19 bytes, 6 left",
    "too_long_var_vif": "byte 43: the text of the VIF has 243 bytes, 6 left",
    "invalid_length": "byte 1: the length 0 leaves no room",
    "manual_frame1": "the digits are no whole bytes",
    "manual_frame5": "a master's frame (CI field 51h)",
    "svm_f22_telegram2": "no values without the maker's description",
}


def test_frames_are_refused_for_the_right_reason(vectors: dict[str, Any]) -> None:
    details = {outcome.name: outcome.detail for outcome in compare(vectors)}
    for name, reason in _REASONS.items():
        assert reason in details[name]


_FIELDS = ("Value", "Unit", "Quantity", "Function", "StorageNumber", "Tariff", "Device")


@pytest.mark.parametrize("field", _FIELDS)
def test_a_published_field_that_differs_is_noticed(vectors: dict[str, Any], field: str) -> None:
    tried = 0
    for vector in vectors["valid_frames"]:
        for number, record in enumerate(vector["expected_normalized"]["records"]):
            if not record.get("Quantity") or field not in record:
                continue
            changed = deepcopy(vector)
            changed["expected_normalized"]["records"][number][field] += "1"
            assert _judged(vectors, "valid_frames", changed).verdict == DIFFERENT, record
            tried += 1
            break
    assert tried


@pytest.mark.parametrize(
    "field", ["Id", "Manufacturer", "Version", "Medium", "AccessNumber", "Status", "Signature"]
)
def test_a_published_header_that_differs_is_noticed(vectors: dict[str, Any], field: str) -> None:
    changed = deepcopy(vectors["valid_frames"][0])
    changed["expected_normalized"]["slave"][field] += "1"
    outcome = _judged(vectors, "valid_frames", changed)
    assert outcome.verdict == DIFFERENT
    assert field in outcome.detail


def test_records_that_are_missing_are_noticed(vectors: dict[str, Any]) -> None:
    changed = deepcopy(vectors["valid_frames"][0])
    del changed["expected_normalized"]["records"][-1]
    assert "not published" in _judged(vectors, "valid_frames", changed).detail
    more = deepcopy(vectors["valid_frames"][0])
    more["expected_normalized"]["records"] *= 2
    assert "missing" in _judged(vectors, "valid_frames", more).detail


def test_a_valid_frame_that_is_refused_is_told(vectors: dict[str, Any]) -> None:
    changed = {**vectors["valid_frames"][0], "payload_hex": "6800"}
    assert _judged(vectors, "valid_frames", changed).verdict == REFUSED


def test_a_frame_that_should_be_refused_but_is_not_is_told(vectors: dict[str, Any]) -> None:
    good = vectors["valid_frames"][0]
    changed = {"name": "good", "payload_hex": good["payload_hex"], "expected": None}
    assert _judged(vectors, "error_frames", changed).verdict == DIFFERENT
