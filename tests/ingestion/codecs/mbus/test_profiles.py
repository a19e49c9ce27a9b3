"""Load profiles of EN 13757-3, Annex F, worked out by hand."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from ingestion.codecs.mbus.records import items_of
from ingestion.codecs.telegram import Item

from .frames import read


def _values(octets: str, quantity: str = "volume") -> list[Item]:
    items = items_of(read(octets).records)
    return [item for item in items if item.facts["quantity"] == quantity and "step" in item.facts]


def _points(octets: str) -> list[tuple[int, Any, Any]]:
    return [
        (item.facts["storage"], item.value, item.facts.get("time")) for item in _values(octets)[1:]
    ]


def test_a_profile_of_increments_goes_on_from_its_base() -> None:
    octets = "84046D 00204111 8B0415 003012 8D04951F 05 6901 030211"
    hour = [datetime(2010, 1, 1, hour) for hour in range(4)]  # noqa: DTZ001
    assert _points(octets) == [
        (9, Decimal("12300.3"), hour[1]),
        (10, Decimal("12300.5"), hour[2]),
        (11, Decimal("12301.6"), hour[3]),
    ]
    whole = _values(octets)[0]
    assert whole.name == "volume_profile_storage_8"
    assert whole.value == [Decimal("12300.3"), Decimal("12300.5"), Decimal("12301.6")]
    assert whole.facts["step"] == "1 h"


def test_an_inverse_profile_goes_back_from_its_base() -> None:
    octets = "0213 E803 026C 1031 0D9313 06 7201 05000300"
    assert _points(octets) == [
        (1, Decimal("0.995"), date(2024, 1, 15)),
        (2, Decimal("0.992"), date(2024, 1, 14)),
    ]


# Day of January 2024, control byte, spacing byte, the next three times.
CALENDAR = [
    (31, "31FE", [date(2024, 2, 29), date(2024, 3, 31), date(2024, 4, 30)]),
    (16, "31FD", [date(2024, 2, 1), date(2024, 2, 16), date(2024, 3, 1)]),
    (1, "31FD", [date(2024, 1, 16), date(2024, 2, 1), date(2024, 2, 16)]),
    (31, "31FD", [date(2024, 2, 16), date(2024, 2, 29), date(2024, 3, 16)]),
    (31, "3102", [date(2024, 2, 2), date(2024, 2, 4), date(2024, 2, 6)]),
    (31, "2106", [datetime(2024, 1, 31, hour) for hour in (6, 12, 18)]),  # noqa: DTZ001
    (31, "110F", [datetime(2024, 1, 31, 0, minute) for minute in (15, 30, 45)]),  # noqa: DTZ001
    (31, "010A", [datetime(2024, 1, 31, 0, 0, second) for second in (10, 20, 30)]),  # noqa: DTZ001
    (31, "3100", [None, None, None]),
    (31, "31FB", [None, None, None]),
    (31, "01FE", [None, None, None]),
]


@pytest.mark.parametrize(("day", "control", "times"), CALENDAR)
def test_steps_of_the_calendar(day: int, control: str, times: list[Any]) -> None:
    points = _points(f"026C {day:02X}31 0D931E 05 {control} 010203")
    assert [time for _, _, time in points] == times


def test_names_and_times_stand_as_items_of_their_own() -> None:
    items = {item.name: item for item in items_of(read("026C 1031 0D9313 04 3101 0102").records)}
    assert list(items) == [
        "date",
        "volume_profile",
        "volume_storage_1",
        "date_storage_1",
        "volume_storage_2",
        "date_storage_2",
    ]
    assert items["date_storage_2"].value == date(2024, 1, 14)
    assert (items["volume_storage_1"].start, items["volume_storage_1"].end) == (10, 11)


@pytest.mark.parametrize(
    ("control", "data", "values"),
    [
        ("11", "01FE", ["0.001", "-0.002"]),  # absolute, signed
        ("51", "01FE", ["1.001", "1.255"]),  # increments, no sign
        ("91", "01FE", ["0.999", "0.745"]),  # decrements, no sign
        ("D1", "01FE", ["1.001", "0.999"]),  # differences, signed
        ("51", "01FF02", ["1.001", None, None]),  # lost: all that hang on it too
        ("11", "018002", ["0.001", None, "0.002"]),
        ("D1", "018002", ["1.001", None, None]),
        ("59", "01EE02", ["1.001", None, None]),
    ],
)
def test_modes_and_lost_elements(control: str, data: str, values: list[str | None]) -> None:
    size = len(data) // 2 + 2
    points = _points(f"0213 E803 0D931F {size:02X} {control}01 {data}")
    assert [None if value is None else str(value) for _, value, _ in points] == values
    assert all(time is None for _, _, time in points)


def test_increments_without_a_base_have_no_values() -> None:
    assert [value for _, value, _ in _points("0D931F 04 5101 0102")] == [None, None]


@pytest.mark.parametrize("data", ["01 51", "03 5201 01", "03 5D01 01", "00"])
def test_what_is_no_profile_stays_bytes(data: str) -> None:
    (item,) = items_of(read(f"0D931F {data}").records)
    assert isinstance(item.value, bytes)


def test_whole_numbers_stay_whole() -> None:
    items = _values("0203 E803 0D831F 04 5101 0102", "energy")
    assert items[0].value == [1001, 1003]
    assert all(type(value) is int for value in items[0].value)
