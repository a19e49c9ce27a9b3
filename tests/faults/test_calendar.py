"""D20: ends of months and years, days of 23 and 25 hours, 29 February, with the clock moved there."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection

from ingestion.loader import Loader
from meters.partitions import BLOCKS, ahead_ensure, existing
from tests.ingestion import archive

pytestmark = pytest.mark.django_db
HOUR = 3600
# Zone, now, first day of three, hours of each.
CASES = [
    ("Europe/Kyiv", "2027-01-31", (24, 24, 24)),
    ("Europe/Kyiv", "2028-02-28", (24, 24, 24)),
    ("Europe/Kyiv", "2027-12-30", (24, 24, 24)),
    ("Europe/Kyiv", "2028-03-25", (24, 23, 24)),
    ("Europe/Kyiv", "2028-10-28", (24, 25, 24)),
    ("America/St_Johns", "2028-03-11", (24, 23, 24)),
    ("Africa/Cairo", "2028-04-27", (24, 23, 24)),
    ("Pacific/Auckland", "2028-04-01", (24, 25, 24)),
    ("UTC", "2028-02-29", (24, 24, 24)),
]


@pytest.mark.parametrize(("zone", "day", "hours"), CASES)
def test_every_hour_lands_in_its_day_and_month(
    zone: str, day: str, hours: tuple[int, ...], counts: Any
) -> None:
    first = date.fromisoformat(day)
    days = [first + timedelta(days=number) for number in range(len(hours))]
    now = datetime(first.year, first.month, first.day, 20, tzinfo=UTC) + timedelta(days=3)
    with time_machine.travel(now, tick=False):
        ahead_ensure(BLOCKS)
        (channel,) = archive.channels(zone)
        start, count = archive.day_of(day, zone), sum(hours)
        rows = [(channel, start + hour * HOUR, 60, 1 + hour) for hour in range(count)]
        result = Loader().load(archive.batch(reversed(rows)))
    assert (result.stored, int(result.refused.any())) == (count, 0)
    stored = archive.blocks()
    assert sorted(stored) == [(channel, one) for one in days]
    assert [len(stored[channel, one][2]) for one in days] == list(hours)
    together = [value for one in days for value in stored[channel, one][2]]
    assert together == list(range(1, count + 1))
    assert BLOCKS.start_of(now.date() + timedelta(days=90)) in existing(BLOCKS)
    assert _partitions() == [f"{one:%Y%m}" for one in days]
    counts(days=len(days), values=count)


def _partitions() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM meters_interval_block ORDER BY day")
        return [name.rpartition("_")[2] for (name,) in cursor.fetchall()]


def test_nothing_lies_in_a_default_partition() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relispartition"
            " AND pg_get_expr(relpartbound, oid) = 'DEFAULT'"
        )
        assert cursor.fetchall() == []
