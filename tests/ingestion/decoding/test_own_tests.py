"""Tests that a type carries: what agrees, what differs, and what may be published."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from ingestion.decoding import publishing_faults, run_tests
from ingestion.decoding.comparing import agree

from .typing_of import binary

_FIELDS = "[{name: t, type: u32, time: unix}, {name: v, type: u16, unit: L}, {name: s, type: u8}]"
_RULES = """\
clock: $t
identify: {device: $v}
readings:
  - {register: volume, reading_type: cold_water.volume.register, value: $v}
series:
  - {register: hourly, reading_type: cold_water.volume, deltas: $v, step: 1h}
events:
  - {field: $s, bits: {0: leak}}
tests:
"""
_GOOD = "payload: 65a51940 0bb8 01"


def _results(*tests: str) -> list[Any]:
    rows = "".join(f"  - {{{test}}}\n" for test in tests)
    return run_tests(binary(_FIELDS, _RULES + rows))


@pytest.mark.parametrize(
    "expected",
    [
        "expect: {v: 3000, s: 1, t: '2024-01-15T11:38:40Z'}",
        "expect: {t: '2024-01-15T11:38:40'}",
        "expect: {t: 1705318720}",
        "expect: {$v: 3000}",
        "readings: [{register: volume, value: 3}]",
        "readings: [{register: volume, value: 3000, unit: L, at: '2024-01-15T11:38:40Z'}]",
        "series: [{register: hourly, values: [3000], unit: L, step: 1h, at: '2024-01-15T11:38:40Z'}]",
        "events: [leak]",
        "events: [32]",
        "events: [{code: leak, severity: critical, at: '2024-01-15T11:38:40Z', detail: 0}]",
        "identity: '3000'",
    ],
)
def test_what_is_as_expected_passes(expected: str) -> None:
    (result,) = _results(f"{_GOOD}, {expected}")
    assert (result.passed, result.good, result.differences) == (True, True, ())


@pytest.mark.parametrize(
    ("expected", "difference"),
    [
        ("expect: {v: 3001}", "v: expected 3001, got 3000"),
        ("expect: {w: 1}", "w: expected 1, got nothing"),
        ("expect: {t: '2024-01-15T11:38:41Z'}", "2024-01-15T11:38:40+00:00"),
        (
            "readings: [{register: volume, value: 3.001}]",
            "volume, value 3.001, got register volume, value 3000, unit L",
        ),
        ("readings: []", "expected nothing, got register volume, value 3000"),
        ("readings: [{register: volume, value: 3, tariff: 1}]", "tariff 1, got register volume"),
        (
            "readings: [{register: volume, value: 3, at: '2024-01-15T11:38:41Z'}]",
            "11:38:41Z, got register volume, value 3000, unit L, at 2024-01-15T11:38:40",
        ),
        ("series: [{register: hourly, values: [3000, 1], unit: L}]", "values [3.000], unit m³"),
        ("series: [{register: hourly, values: [3], base: 1}]", "base 1, got register hourly"),
        (
            "series: [{register: hourly, values: [3], step: 2h}]",
            "got register hourly, values [3.000], unit m³, step 3600s",
        ),
        ("readings: [{register: other, value: 3}]", "register other, value 3, got nothing"),
        ("events: []", "expected nothing, got leak"),
        ("events: [leak, burst]", "burst, got nothing"),
        ("events: [{code: leak, severity: notice}]", "got nothing"),
        ("identity: '3001'", "identity: expected 3001, got 3000"),
        ("refused: checksum", "must be refused"),
    ],
)
def test_what_differs_is_said(expected: str, difference: str) -> None:
    (result,) = _results(f"{_GOOD}, {expected}")
    assert not result.passed
    assert any(difference in one for one in result.differences), result.differences


@pytest.mark.parametrize(
    ("test", "passed"),
    [
        ("payload: 65a519, refused: byte", True),
        ("payload: 65a519, refused: BYTE", True),
        ("payload: 65a519, refused: checksum", False),
        ("payload: 65a519, expect: {v: 1}", False),
        ("payload: xyz, refused: not hex", True),
        ("payload: xyz, expect: {v: 1}", False),
    ],
)
def test_refusals(test: str, passed: bool) -> None:
    (result,) = _results(test)
    assert result.passed is passed
    assert bool(result.differences) is not passed
    assert "refused" in result.got


def test_payloads_may_be_base64() -> None:
    (result,) = _results("payload: 'ZaUZQAu4AQ==', encoding: base64, expect: {v: 3000}")
    assert result.passed


def test_a_type_needs_a_good_and_a_bad_test_that_pass() -> None:
    good, bad = f"{_GOOD}, expect: {{v: 3000}}", "payload: 65, refused: byte"
    assert publishing_faults(_results(good, bad)) == []
    assert "must be refused" in publishing_faults(_results(good))[0]
    assert "must be read" in publishing_faults(_results(bad))[0]
    assert len(publishing_faults([])) == 2
    failing = publishing_faults(_results(good, bad, f"{_GOOD}, name: third, expect: {{v: 1}}"))
    assert failing == ["The test “third” fails."]


@pytest.mark.parametrize(
    ("got", "wanted", "same"),
    [
        (Decimal("21.30"), Decimal("21.3"), True),
        (Decimal("21.34"), Decimal("21.3"), True),
        (Decimal("21.36"), Decimal("21.3"), False),
        (Decimal("21.3"), 21, False),
        (Decimal("21.0"), 21, True),
        (21, Decimal("21.0"), True),
        (1, True, True),
        (2, True, False),
        (0, False, True),
        (True, 1, False),
        ("1", 1, False),
        (None, 0, False),
        (None, None, True),
        ("low", "low", True),
        (b"\x01\xab", "01 AB", True),
        (b"\x01\xab", "01AC", False),
        ([1, 2], [1, 2], True),
        ([1, 2], [1], False),
        ({"a": 1, "b": 2}, {"a": 1}, True),
        ({"a": 1}, {"b": 1}, False),
        (date(2024, 1, 1), "2024-01-01", True),
        (datetime(2024, 1, 1, tzinfo=UTC), "2024-01-01T01:00:00+01:00", True),
        (datetime(2024, 1, 1), "2024-01-01T00:00:00Z", False),  # noqa: DTZ001
        (datetime(2024, 1, 1), "2024-01-01T00:00:00", True),  # noqa: DTZ001
        (datetime(2024, 1, 1, tzinfo=UTC), "soon", False),
    ],
)
def test_agreement(got: Any, wanted: Any, same: bool) -> None:
    assert agree(got, wanted) is same
