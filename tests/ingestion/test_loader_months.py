"""Month totals and the queue that tells what to roll up."""

from __future__ import annotations

from datetime import date
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from ingestion.loader import load
from meters.models import MonthTotal, Quality
from meters.rollups.dirty import dirty_take
from meters.rollups.months import months_refresh
from tests.ingestion import archive

H = 3600


def _totals() -> list[tuple[Any, ...]]:
    return list(
        MonthTotal.objects.order_by("month", "channel").values_list(
            "channel_id", "month", "total", "received", "estimated", "expected"
        )
    )


@pytest.mark.django_db
def test_totals_are_made_from_blocks_and_only_once() -> None:
    one, other = archive.channels(count=2)
    start = archive.day_of("2026-10-31")
    load(
        archive.batch(
            [(one, start + h * H, 60, 10**11, Quality.ESTIMATED if h < 3 else 0) for h in range(48)]
        )
    )
    months = [date(2026, 10, 1), date(2026, 11, 1)]
    assert [months_refresh(month=month, channels=[other, one, one]) for month in months] == [2, 2]
    # October of Kyiv has one hour more than 31 days.
    october, november = 31 * 24 + 1, 30 * 24
    assert _totals() == [
        (one, months[0], 24 * 10**11, 24, 3, october),
        (other, months[0], 0, 0, 0, october),
        (one, months[1], 24 * 10**11, 24, 0, november),
        (other, months[1], 0, 0, 0, november),
    ]
    assert [months_refresh(month=month, channels=[one, other]) for month in months] == [0, 0]
    load(archive.batch([(one, start, 60, 1)]))
    assert months_refresh(month=months[0], channels=[one, other]) == 1
    assert _totals()[0] == (one, months[0], 23 * 10**11 + 1, 24, 2, october)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("zone", "interval", "month", "expected"),
    [
        ("Europe/Kyiv", 15, date(2026, 3, 1), (31 * 24 - 1) * 4),
        ("Europe/Kyiv", 1440, date(2026, 3, 1), 31),
        ("Europe/Kyiv", 1440, date(2026, 10, 1), 31),
        ("Australia/Lord_Howe", 30, date(2026, 4, 1), 30 * 48 + 1),
        ("Pacific/Apia", 60, date(2011, 12, 1), 30 * 24),
        ("Asia/Kathmandu", 60, date(2024, 2, 1), 29 * 24),
    ],
)
def test_expected_values_of_a_month(zone: str, interval: int, month: date, expected: int) -> None:
    (channel,) = archive.channels(zone, interval=interval)
    months_refresh(month=month, channels=[channel])
    assert _totals() == [(channel, month, 0, 0, 0, expected)]


@pytest.mark.django_db
def test_channels_that_do_not_exist_are_passed_over() -> None:
    assert months_refresh(month=date(2026, 11, 1), channels=[10**12]) == 0


def test_taken_rows_belong_to_one_taker_and_come_back_when_it_fails(transactional_db: None) -> None:
    (channel,) = archive.channels()
    try:
        for day in ("2026-11-01", "2026-11-02", "2026-11-03"):
            load(archive.batch([(channel, archive.day_of(day), 60, 1)]))
        with psycopg.connect(**_parameters()) as other:
            other.execute("SELECT * FROM meters_dirty_day ORDER BY id LIMIT 1 FOR UPDATE")
            with transaction.atomic():
                assert [row.day.day for row in dirty_take(days=1)] == [3]
                transaction.set_rollback(True)
            with transaction.atomic():
                assert [row.day.day for row in dirty_take()] == [2, 3]
        with transaction.atomic():
            assert [row.day.day for row in dirty_take()] == [1]
            assert dirty_take() == []
        with pytest.raises(RuntimeError, match="inside the transaction"):
            dirty_take()
    finally:
        archive.clean()


def _parameters() -> dict[str, Any]:
    connection.ensure_connection()
    names = ("host", "port", "dbname", "user", "password")
    found = connection.get_connection_params()
    return {name: found[name] for name in names if found.get(name)}
