"""Types F, G, I and J of EN 13757-3, Annex A."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.codecs.mbus.times import READERS, Moment

# Bytes, value, valid, summer time.
CASES = [
    ("DF1C", date(2014, 12, 31), True, False),
    ("2AA1", date(1981, 1, 10), True, False),
    ("0000", "2000-00-00", False, False),
    ("FFFF", "2127-15-31", False, False),
    ("1E12", "2008-02-30", False, False),
    ("0B0BCD13", datetime(2014, 3, 13, 11, 11), True, False),  # noqa: DTZ001
    ("0B8BCD13", datetime(2014, 3, 13, 11, 11), True, True),  # noqa: DTZ001
    ("0B2BCD13", datetime(2014, 3, 13, 11, 11), True, False),  # noqa: DTZ001
    ("22484136", datetime(2026, 6, 1, 8, 34), True, False),  # noqa: DTZ001
    ("0B0B2AA1", datetime(1981, 1, 10, 11, 11), True, False),  # noqa: DTZ001
    ("0B2B2AA1", datetime(2081, 1, 10, 11, 11), True, False),  # noqa: DTZ001
    ("8B0BCD13", "2014-03-13T11:11", False, False),
    ("3F0BCD13", "2014-03-13T11:63", False, False),
    ("0B1FCD13", "2014-03-13T31:11", False, False),
    ("00000000", "2000-00-00T00:00", False, False),
    ("1E0B0BCD1300", datetime(2014, 3, 13, 11, 11, 30), True, False),  # noqa: DTZ001
    ("5E0B0BCD1300", datetime(2014, 3, 13, 11, 11, 30), True, True),  # noqa: DTZ001
    ("1E8B0BCD1300", "2014-03-13T11:11:30", False, False),
    ("1E0B0B", "11:11:30", True, False),
    ("3C0B0B", "11:11:60", False, False),
]


@pytest.mark.parametrize(("octets", "value", "valid", "summer"), CASES)
def test_times(octets: str, value: object, valid: bool, summer: bool) -> None:
    raw = bytes.fromhex(octets)
    assert READERS[len(raw)](raw) == Moment(value, valid, summer)


@given(st.binary(min_size=2, max_size=6).filter(lambda raw: len(raw) in READERS))
@settings(max_examples=300, deadline=None)
def test_any_bytes_give_a_time_or_a_text(raw: bytes) -> None:
    moment = READERS[len(raw)](raw)
    assert moment.valid or isinstance(moment.value, str)


@given(st.dates(min_value=date(1981, 1, 1), max_value=date(2080, 12, 31)))
@settings(max_examples=200, deadline=None)
def test_every_date_that_can_be_sent_comes_back(day: date) -> None:
    year = day.year % 100
    raw = bytes((day.day | (year & 7) << 5, day.month | (year & 0x78) << 1))
    assert READERS[2](raw) == Moment(day, True)
