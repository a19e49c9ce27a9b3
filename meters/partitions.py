"""Partitions of the archive tables: made ahead, dropped by retention, never by a device.

A partition is made as a table of its own and then attached, which lets loading go on; dropping
waits for at most a second and is tried again the next time.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from config.lib.locks import lock

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "BLOCKS",
    "DAYS_AHEAD",
    "NODE_BLOCKS",
    "REGISTERS",
    "TABLES",
    "Partitioned",
    "Step",
    "ahead_ensure",
    "closed_index",
    "existing",
    "expired_drop",
    "month_add",
    "month_start",
    "oldest_kept",
    "partitions_ensure",
    "register",
    "upkeep",
]

logger = logging.getLogger(__name__)

# Days that always have a partition waiting; the task runs daily, so it may fail for three months.
DAYS_AHEAD = 100
# History that arrives on demand goes this far back without an administrator's help.
DAYS_BACK = 14 * 31
_DEFAULTS = {"ARCHIVE_RETENTION_DAYS": 25 * 366, "RAW_FRAME_RETENTION_DAYS": 400}


class Step(Enum):
    """How much time one partition holds."""

    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Partitioned:
    """A table partitioned by range; `keep` names the setting with its retention in days.

    closed_index: columns by which a partition is indexed once its time is over. Keeping such an
    index while rows pour in, in no order, would cost more than storing them.
    """

    table: str
    step: Step
    key: str
    days_back: int = 0
    keep: str = "ARCHIVE_RETENTION_DAYS"
    closed_index: str = ""

    def start_of(self, day: date) -> date:
        """First day of the partition that holds `day`."""
        return month_start(day) if self.step is Step.MONTH else day

    def following(self, start: date) -> date:
        """First day of the next partition."""
        if self.step is Step.DAY:
            return start + timedelta(days=1)
        return month_add(start, 1)

    def name_of(self, start: date) -> str:
        return (
            f"{self.table}_{start:%Y%m%d}"
            if self.step is Step.DAY
            else (f"{self.table}_{start:%Y%m}")
        )

    def starts(self, first: date, last: date) -> list[date]:
        """Starts of all partitions that hold a day from `first` to `last`."""
        found = []
        start = self.start_of(first)
        while start <= last:
            found.append(start)
            start = self.following(start)
        return found


def month_start(day: date) -> date:
    return day.replace(day=1)


def month_add(day: date, months: int) -> date:
    """First day of the month that many months later."""
    number = day.year * 12 + day.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


BLOCKS = Partitioned("meters_interval_block", Step.MONTH, "day", DAYS_BACK)
REGISTERS = Partitioned("meters_register_reading", Step.MONTH, "at", DAYS_BACK)
NODE_BLOCKS = Partitioned("meters_node_block", Step.MONTH, "day", DAYS_BACK)
TABLES: list[Partitioned] = [
    BLOCKS,
    REGISTERS,
    Partitioned("meters_block_revision", Step.MONTH, "replaced_at"),
    Partitioned("meters_register_revision", Step.MONTH, "replaced_at"),
    NODE_BLOCKS,
]


def register(table: Partitioned) -> Partitioned:
    """Have a table of an app above looked after as well."""
    if table.table not in {known.table for known in TABLES}:
        TABLES.append(table)
    return table


def retention_days(table: Partitioned) -> int:
    return int(getattr(settings, table.keep, _DEFAULTS[table.keep]))


def oldest_kept(table: Partitioned) -> date:
    """First day that retention does not remove."""
    return timezone.now().date() - timedelta(days=retention_days(table))


def existing(table: Partitioned) -> dict[date, str]:
    """Start of every attached partition → its name."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = %s::regclass ORDER BY 1",
            [table.table],
        )
        names = [str(name) for (name,) in cursor.fetchall()]
    return {_start_of_name(name): name for name in names}


def partitions_ensure(table: Partitioned, *, first: date, last: date) -> list[str]:
    """Make the partitions that are missing for these days; returns their names."""
    wanted = table.starts(first, last)
    if not set(wanted) - set(existing(table)):
        return []
    with transaction.atomic():
        lock(f"partitions {table.table}")
        missing = [start for start in wanted if start not in existing(table)]
        for start in missing:
            _make(table, start)
    return [table.name_of(start) for start in missing]


def expired_drop(table: Partitioned) -> list[str]:
    """Drop the partitions whose last day retention has passed; returns their names."""
    limit = oldest_kept(table)
    expired = [name for start, name in existing(table).items() if table.following(start) <= limit]
    return [name for name in expired if _drop(name)]


def ahead_ensure(table: Partitioned) -> list[str]:
    """Make what the server's own clock asks for, ahead and back; returns the names."""
    today = timezone.now().date()
    first = max(today - timedelta(days=table.days_back), oldest_kept(table))
    return partitions_ensure(table, first=first, last=today + timedelta(days=DAYS_AHEAD))


def upkeep(tables: Iterable[Partitioned] = ()) -> list[str]:
    """Make what is missing, index what is closed, drop what retention has passed; returns what
    was made."""
    made: list[str] = []
    for table in tables or TABLES:
        made += ahead_ensure(table)
        expired_drop(table)
        closed_index(table)
    return made


def closed_index(table: Partitioned) -> list[str]:
    """Index the partitions whose time is over by `table.closed_index`; returns those indexed now."""
    if not table.closed_index:
        return []
    today = timezone.now().date()
    closed = [name for start, name in existing(table).items() if table.following(start) <= today]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tablename FROM pg_indexes WHERE tablename = ANY(%s)"
            " AND indexname = tablename || '_closed'",
            [closed],
        )
        missing = sorted(set(closed) - {name for (name,) in cursor.fetchall()})
        for name in missing:
            # Writers of this one partition wait meanwhile; by now there are none.
            cursor.execute(f'CREATE INDEX "{name}_closed" ON "{name}" ({table.closed_index})')
    return missing


def _start_of_name(name: str) -> date:
    digits = name.rpartition("_")[2].ljust(8, "0")
    return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]) or 1)


def _bound(table: Partitioned, day: date) -> str:
    return f"'{day}'" if table.key == "day" else f"'{day} 00:00:00+00'"


def _make(table: Partitioned, start: date) -> None:
    # Attaching does not lock out loading; CREATE TABLE … PARTITION OF would.
    name = table.name_of(start)
    low, high = _bound(table, start), _bound(table, table.following(start))
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE TABLE "{name}" (LIKE "{table.table}" INCLUDING ALL)')
        cursor.execute(
            f'ALTER TABLE "{table.table}" ATTACH PARTITION "{name}"'
            f" FOR VALUES FROM ({low}) TO ({high})"
        )


def _drop(name: str) -> bool:
    with suppress(OperationalError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '1s'")
        cursor.execute(f'DROP TABLE "{name}"')
        logger.info("dropped the partition %s: its retention has passed", name)
        return True
    logger.warning("the partition %s is in use; dropping it is tried again later", name)
    return False
