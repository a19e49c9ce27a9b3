"""The published telegrams, all of them; and that the comparison notices a difference."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ingestion.vectors import p1
from tests.ingestion.codecs.cosem.parts import published

_FILE = "p1_dsmr_parser.json"


def _vector(name: str) -> dict[str, Any]:
    vectors = published(_FILE)["vectors"]
    found: dict[str, Any] = next(vector for vector in vectors if vector["name"] == name)
    return copy.deepcopy(found)


def _verdict(vector: dict[str, Any]) -> str:
    (outcome,) = p1.compare({"vectors": [vector]})
    return outcome.verdict


def test_published_telegrams_are_equal() -> None:
    for name, count in ((_FILE, 7), ("dlms_han_amshan.json", 2)):
        file = published(name)
        outcomes = list(p1.compare(file if name == _FILE else {"p1_text": file["p1_text"]}))
        assert [outcome for outcome in outcomes if outcome.verdict != "equal"] == []
        assert len(outcomes) >= count


@pytest.mark.parametrize("name", ["TELEGRAM_FLUVIUS_V171", "TELEGRAM_V4_2", "TELEGRAM_V2_2"])
def test_comparison_notices_each_changed_field(name: str) -> None:
    vector = _vector(name)
    for field, value in vector["expected"].items():
        if isinstance(value, dict) and "value" in value:
            changed = copy.deepcopy(vector)
            changed["expected"][field] = {**value, "value": _other(value["value"])}
            assert _verdict(changed) == "different", field
            changed["expected"][field] = {**value, "unit": "furlong"}
            assert _verdict(changed) == "different", field


def _other(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, int | float):
        return value + 0.001
    if isinstance(value, str) and "T" in value:
        return f"2001{value[4:]}"
    return f"{value}x"


def test_comparison_notices_times_of_logs_and_sub_meters() -> None:
    vector = _vector("TELEGRAM_FLUVIUS_V171")
    vector["expected"]["BELGIUM_MAXIMUM_DEMAND_13_MONTHS"][1]["occurred"] = (
        "2020-03-05T10:21:39+00:00"
    )
    assert _verdict(vector) == "different"
    vector = _vector("TELEGRAM_FLUVIUS_V171")
    vector["expected"]["MBUS_DEVICES"][0]["CHANNEL_ID"] = 2
    assert _verdict(vector) == "different"


def test_wrong_checksums_must_be_refused() -> None:
    vector = _vector("TELEGRAM_V4_2")
    vector["text"] = vector["text"].replace("!6796", "!6797")
    assert _verdict(vector) == "refused"
    vector["crc_ok"] = "Invalid telegram. The CRC checksum '26518' does not match"
    assert _verdict(vector) == "equal"
    vector["text"] = vector["text"].replace("!6797", "!6796")
    assert _verdict(vector) == "different"
