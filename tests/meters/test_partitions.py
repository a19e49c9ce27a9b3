"""Partitions lie ready long before they are needed, and go when retention has passed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any

import psycopg
import pytest
import time_machine
from django.core.management import call_command
from django.db import connection

from ingestion.models.frames import FRAMES
from meters.partitions import (
    BLOCKS,
    TABLES,
    Partitioned,
    Step,
    closed_index,
    existing,
    expired_drop,
    month_add,
    partitions_ensure,
    register,
    upkeep,
)
from meters.tasks import partitions_upkeep

pytestmark = pytest.mark.django_db
MOMENTS = [
    datetime(2027, 1, 31, 23, 59, 59, tzinfo=UTC),
    datetime(2027, 12, 31, 23, 59, 59, tzinfo=UTC),
    datetime(2028, 1, 1, tzinfo=UTC),
    datetime(2028, 2, 29, 12, tzinfo=UTC),
    datetime(2028, 11, 30, 23, tzinfo=UTC),
]


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_ninety_days_ahead_and_fourteen_months_back(moment: datetime) -> None:
    with time_machine.travel(moment, tick=False):
        partitions_upkeep()
        assert upkeep() == []
    today = moment.date()
    for table in TABLES:
        starts = set(existing(table))
        for days in (0, 1, 2, 30, 60, 90):
            assert table.start_of(today + timedelta(days=days)) in starts
    for months in range(15):
        assert month_add(today, -months) in existing(BLOCKS)


def test_a_month_goes_from_its_first_day_to_the_next_months() -> None:
    partitions_ensure(BLOCKS, first=date(2028, 2, 29), last=date(2028, 3, 1))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO meters_interval_block (channel_id, total, day, interval_minutes, small)"
            " SELECT 1, 0, day, 60, '{0}' FROM unnest('{2028-02-01,2028-02-29,2028-03-01}'::date[])"
            " day"
        )
        cursor.execute("SELECT tableoid::regclass::text FROM meters_interval_block ORDER BY day")
        assert [row[0][-6:] for row in cursor.fetchall()] == ["202802", "202802", "202803"]


def test_frames_of_a_day_lie_together() -> None:
    partitions_ensure(FRAMES, first=date(2028, 2, 28), last=date(2028, 3, 1))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ingestion_raw_frame"
            " (id, received_at, transport, outcome, source, reason, payload)"
            " SELECT 1, at, 1, 0, '', '', '' FROM unnest("
            "'{2028-02-29 00:00Z,2028-02-29 23:59:59.999999Z,2028-03-01 00:00Z}'::timestamptz[]) at"
            " RETURNING tableoid::regclass::text"
        )
        assert [row[0][-8:] for row in cursor.fetchall()] == ["20280229", "20280229", "20280301"]


def test_there_is_no_default_partition_and_no_foreign_key() -> None:
    names = [table.table for table in TABLES]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT partrelid::regclass::text FROM pg_partitioned_table WHERE partdefid <> 0"
        )
        assert cursor.fetchall() == []
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE contype = 'f'"
            " AND conrelid::regclass::text = ANY(%s)",
            [names],
        )
        assert cursor.fetchall() == []


def test_every_partitioned_table_is_looked_after() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT partrelid::regclass::text FROM pg_partitioned_table")
        assert {row[0] for row in cursor.fetchall()} == {table.table for table in TABLES}


def test_making_is_repeatable() -> None:
    wanted = {"first": date(2029, 1, 5), "last": date(2029, 2, 5)}
    assert partitions_ensure(BLOCKS, **wanted) == [
        "meters_interval_block_202901",
        "meters_interval_block_202902",
    ]
    assert partitions_ensure(BLOCKS, **wanted) == []
    wanted["last"] = date(2029, 3, 1)
    assert partitions_ensure(BLOCKS, **wanted) == ["meters_interval_block_202903"]


def test_retention_drops_whole_partitions_only(settings: Any) -> None:
    settings.ARCHIVE_RETENTION_DAYS = 45
    settings.RAW_FRAME_RETENTION_DAYS = 30
    with time_machine.travel(datetime(2028, 6, 15, tzinfo=UTC), tick=False):
        partitions_ensure(BLOCKS, first=date(2028, 1, 1), last=date(2028, 6, 1))
        partitions_ensure(FRAMES, first=date(2028, 5, 10), last=date(2028, 6, 15))
        # 45 days before is 1 May: April is over, May is not.
        dropped = expired_drop(BLOCKS)
        assert "meters_interval_block_202804" in dropped
        assert min(existing(BLOCKS)) == date(2028, 5, 1)
        expired_drop(FRAMES)
        assert min(existing(FRAMES)) == date(2028, 5, 16)
        assert upkeep() != [] and min(existing(BLOCKS)) == date(2028, 5, 1)


def test_a_partition_in_use_is_left_for_the_next_time(settings: Any) -> None:
    settings.ARCHIVE_RETENTION_DAYS = 31
    oldest = existing(BLOCKS)[min(existing(BLOCKS))]
    parameters = connection.get_connection_params()
    names = ("host", "port", "dbname", "user", "password")
    with psycopg.connect(
        **{name: parameters[name] for name in names if name in parameters}
    ) as other:
        other.execute(f"LOCK TABLE {oldest} IN ACCESS SHARE MODE")
        dropped = expired_drop(BLOCKS)
        assert oldest not in dropped and oldest in existing(BLOCKS).values()
        other.rollback()
    assert oldest in expired_drop(BLOCKS)


def test_frames_are_indexed_by_module_once_their_day_is_over() -> None:
    closed_index(FRAMES)
    with time_machine.travel(datetime.now(UTC) + timedelta(days=2), tick=False):
        made = closed_index(FRAMES)
        assert len(made) == 2 and closed_index(FRAMES) == [] and closed_index(BLOCKS) == []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexdef FROM pg_indexes WHERE indexname = %s", [f"{made[0]}_closed"]
        )
        assert "(module_id, received_at)" in cursor.fetchone()[0]


def test_the_command_prepares_for_history() -> None:
    out = StringIO()
    call_command("make_partitions", "--from", "2024-05-17", stdout=out)
    assert min(existing(BLOCKS)) == date(2024, 5, 1)
    months = len(existing(BLOCKS))
    assert out.getvalue().endswith("partitions made\n")
    call_command("make_partitions", stdout=out)
    assert len(existing(BLOCKS)) == months and out.getvalue().endswith("\n0 partitions made\n")


def test_a_table_registers_once() -> None:
    before = list(TABLES)
    register(Partitioned("ingestion_raw_frame", Step.DAY, "received_at"))
    assert before == TABLES
