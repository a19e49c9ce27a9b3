"""Channels to load into, batches from plain rows, and the archive as plain rows."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
from django.db import connection

from accounts.models import Company
from ingestion.loader import Frames, LoadBatch, Readings, Registers
from meters.models import Channel, DeviceType, ReadingType, TelemetryModule
from meters.services.reading_types import reading_types_sync

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "blocks",
    "channels",
    "clean",
    "day_of",
    "dump",
    "frames",
    "local",
    "readings",
    "registers",
    "revisions",
]

ARCHIVE_TABLES = (
    "meters_interval_block",
    "meters_block_revision",
    "meters_register_reading",
    "meters_register_revision",
    "meters_month_total",
    "meters_dirty_day",
    "ingestion_raw_frame",
)
Row = tuple[int, int, int, int, int, int]


def channels(zone: str = "Europe/Kyiv", count: int = 1, interval: int = 60) -> list[int]:
    """Ids of new channels, one module each, in a company of that time zone."""
    reading_types_sync()
    company, _ = Company.objects.get_or_create(
        code=zone.replace("/", "-").lower(), defaults={"name": zone, "time_zone": zone}
    )
    device_type, _ = DeviceType.objects.get_or_create(
        company=company, code="probe", defaults={"name": "Probe", "manufacturer": "Maker"}
    )
    before = TelemetryModule.objects.filter(company=company).count()
    modules = TelemetryModule.objects.bulk_create(
        TelemetryModule(company=company, device_type=device_type, serial=f"M{before + number}")
        for number in range(count)
    )
    kind = ReadingType.objects.get(code="cold_water.volume")
    made = Channel.objects.bulk_create(
        Channel(company=company, module=module, reading_type=kind, interval_minutes=interval)
        for module in modules
    )
    return [channel.pk for channel in made]


def readings(rows: Iterable[Sequence[int]]) -> Readings:
    """From (channel, start, interval, value[, quality[, frame]])."""
    full = [(*row, *(0, -1)[len(row) - 4 :]) for row in rows]
    columns = np.array(full, np.int64).reshape(-1, 6).T
    return Readings(
        channel=columns[0].copy(),
        start=columns[1].copy(),
        interval_minutes=columns[2].astype(np.int16),
        value=columns[3].copy(),
        quality=columns[4].astype(np.uint8),
        frame=columns[5].astype(np.int32),
    )


def registers(rows: Iterable[Sequence[int]]) -> Registers:
    """From (channel, at, value[, quality[, kind[, frame]]])."""
    full = [(*row, *(0, 1, -1)[len(row) - 3 :]) for row in rows]
    columns = np.array(full, np.int64).reshape(-1, 6).T
    return Registers(
        channel=columns[0].copy(),
        at=columns[1].copy(),
        value=columns[2].copy(),
        quality=columns[3].astype(np.uint8),
        kind=columns[4].astype(np.uint8),
        frame=columns[5].astype(np.int32),
    )


def frames(count: int, *, source: str = "192.0.2.1:4059", module: int = -1) -> Frames:
    """That many frames, received now, each with bytes of its own."""
    now = int(datetime.now(UTC).timestamp() * 1e6)
    return Frames(
        received_at=np.full(count, now),
        module=np.full(count, module),
        counter=np.arange(count),
        transport=np.ones(count, np.uint8),
        outcome=np.zeros(count, np.uint8),
        source=[source] * count,
        reason=[""] * count,
        payload=[b"frame %d" % number for number in range(count)],
    )


def batch(rows: Iterable[Sequence[int]]) -> LoadBatch:
    """A batch of readings only."""
    return LoadBatch(readings=readings(rows))


def local(zone: str, text: str) -> int:
    """Unix second of a local time such as 2026-03-29 03:00."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp())


def day_of(day: str, zone: str = "Europe/Kyiv") -> int:
    """Unix second at which a local day begins."""
    return local(zone, f"{day} 00:00")


def blocks() -> dict[tuple[int, date], tuple[Any, ...]]:
    """(channel, day) → (interval, total, values, quality bytes or None)."""
    return {
        (row[0], row[1]): (*row[2:4], row[4], None if row[5] is None else bytes(row[5]))
        for row in _query(
            'SELECT channel_id, day, interval_minutes, total, meters_block_values(small, "values",'
            " wide), quality FROM meters_interval_block ORDER BY day, channel_id"
        )
    }


def revisions() -> list[tuple[Any, ...]]:
    """(channel, day, values, quality, reason, frame), oldest first."""
    return [
        (*row[:3], None if row[3] is None else bytes(row[3]), *row[4:])
        for row in _query(
            'SELECT channel_id, day, meters_block_values(small, "values", wide), quality, reason,'
            " frame_id FROM meters_block_revision ORDER BY id"
        )
    ]


def dump() -> bytes:
    """The archive, byte by byte: every column of every block and register reading, in key order."""
    return repr(
        _query("SELECT b::text FROM meters_interval_block b ORDER BY day, channel_id")
        + _query("SELECT r::text FROM meters_register_reading r ORDER BY channel_id, at")
    ).encode()


def clean() -> None:
    """Empty the archive; its tables are not Django's to flush."""
    with connection.cursor() as cursor:
        for table in ARCHIVE_TABLES:
            cursor.execute(f"DELETE FROM {table}")


def days(first: str, count: int) -> list[date]:
    start = date.fromisoformat(first)
    return [start + timedelta(days=number) for number in range(count)]


def _query(statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())
