"""Published telegrams of many makers, as `ingestion.vectors.wmbusmeters` compares them."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import ingestion
from ingestion.vectors.outcomes import DIFFERENT, EQUAL, REFUSED
from ingestion.vectors.wmbusmeters import Judgement, compare, judged

_FILE = Path(ingestion.__file__).parents[2] / "shared/vectors/wmbus_wmbusmeters.json"
_NEEDS_FILE = pytest.mark.skipif(
    not _FILE.exists(), reason="no published telegrams beside the tree"
)

# A telegram as a Sensus iPERL sends it, made by hand, in the form of published ones.
_IPERL: dict[str, Any] = {
    "driver": "iperl",
    "mfct": "SEN",
    "key": None,
    "language_class": "pure dif/vif mapping",
    "frames": [
        {"hex": "1e44ae4c6331754268077a510000002f2f04136a150000023b00002f2f2f2f"},
    ],
    "expected": {"id": "42753163", "media": "water", "total_m3": 5.482, "max_flow_m3h": 0},
}


def _outcome(**changes: Any) -> tuple[str, str]:
    (outcome,) = compare({"vectors": [_IPERL | changes]})
    return outcome.verdict, outcome.detail


@pytest.mark.parametrize("number", [float, Decimal])
def test_all_found(number: Callable[[str], Any]) -> None:
    assert _outcome(expected=_IPERL["expected"] | {"total_m3": number("5.482")}) == (EQUAL, "")


@pytest.mark.parametrize(
    ("field", "value", "detail"),
    [
        ("total_m3", 42753.163, "missing total_m3 42753.163"),
        ("total_m3", Decimal("42753.163"), "missing total_m3 42753.163"),
        ("total_kwh", 5.482, "missing total_kwh 5.482"),
        ("id", "42753164", "id 42753163, published 42753164"),
        ("media", "gas", "medium water, published gas"),
    ],
)
def test_differences_are_told(field: str, value: Any, detail: str) -> None:
    assert _outcome(expected=_IPERL["expected"] | {field: value}) == (DIFFERENT, detail)


def test_exact_conversion_of_units() -> None:
    assert _outcome(expected=_IPERL["expected"] | {"total_l": 7704}) == (EQUAL, "")


def test_days_that_are_not_sent_are_not_asked() -> None:
    assert _outcome(expected=_IPERL["expected"] | {"history_date": "2020-01-31"}) == (EQUAL, "")


def test_numbers_that_are_not_sent_are_not_asked() -> None:
    assert _outcome(expected=_IPERL["expected"] | {"total_m3": 5.483}) == (EQUAL, "")


def test_refusals_are_told() -> None:
    verdict, detail = _outcome(frames=[{"hex": "1e44ae4c"}])
    assert (verdict, detail) == (REFUSED, "byte 4: a wireless M-Bus frame has at least 11 bytes")


def _kind(vector: dict[str, Any], judgement: Judgement) -> str:
    content = bytes.fromhex(vector["frames"][-1]["hex"])[10]
    identity = judgement.telegram.identity if judgement.telegram else {}
    if content in range(0x8C, 0x91) or "format" in identity or "message_counter" in identity:
        return "layered"
    return "plain"


@pytest.fixture(scope="module")
def judgements() -> list[tuple[str, Judgement]]:
    vectors = json.loads(_FILE.read_text(encoding="utf-8"))
    found = zip(vectors["vectors"], judged(vectors), strict=True)
    return [(_kind(vector, judgement), judgement) for vector, judgement in found]


@_NEEDS_FILE
def test_identities_are_told(judgements: list[tuple[str, Judgement]]) -> None:
    right = [one for _, one in judgements if one.telegram and not one.wrong]
    assert len(right) >= 0.98 * len(judgements)


@_NEEDS_FILE
def test_values_are_found(judgements: list[tuple[str, Judgement]]) -> None:
    asked = sum(one.asked for _, one in judgements)
    assert asked > 1000
    assert sum(one.found for _, one in judgements) >= 0.98 * asked


@_NEEDS_FILE
def test_layered_telegrams_are_whole(judgements: list[tuple[str, Judgement]]) -> None:
    """Under an extended link layer, an authentication layer, or compact."""
    layered = [one for kind, one in judgements if kind == "layered"]
    whole = [one for one in layered if one.telegram and not one.wrong and not one.missing]
    assert len(layered) > 30
    assert len(whole) >= 0.9 * len(layered)
