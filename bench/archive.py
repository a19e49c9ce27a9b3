"""The archive: loading new blocks, late values and bytes on disk.

`python -m bench.archive [channels …]` within `python -m config.embedded exec --temporary --`, on a
migrated database that nobody else uses; `figures()` returns the rows for bench/results.json. Ratios
are taken within one run, medians of several rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import django
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from ingestion.loader import LoadBatch, Loader

__all__ = ["figures"]

ROUNDS = 5
BATCH = 5_000
SLOTS = 24
SIZES = (10_000, 100_000, 1_000_000)
_COLUMNS = 'channel_id, total, day, interval_minutes, small, "values", wide, quality'
_FIRST_CHANNEL = 1_000_000_000

Row = dict[str, Any]


def figures(sizes: Sequence[int] = SIZES) -> list[Row]:
    """All figures, for each number of channels; the main ones are those of 100,000."""
    rows: list[Row] = []
    for size in sizes:
        rows += _Town(size).rows()
    return rows


def figure(name: str, value: float, unit: str, **limits: Any) -> Row:
    """One row of the results; better: "higher" or "lower"."""
    return {"name": name, "value": value, "unit": unit, "must": None, "aim": None} | limits


class _Town:
    """So many channels with hourly values: households' electricity and water, a few factories."""

    def __init__(self, channels: int) -> None:
        from accounts.models import Company
        from ingestion.loader import ChannelCalendar, Loader

        self.size = channels
        self.rounds = ROUNDS if channels <= 100_000 else 3
        self.random = np.random.default_rng(7)
        company, _ = Company.objects.get_or_create(
            code="bench", defaults={"name": "Bench", "time_zone": "Europe/Kyiv"}
        )
        self.channel = _FIRST_CHANNEL + np.arange(channels)
        calendar = ChannelCalendar()
        calendar.remember(self.channel, np.full(channels, company.pk))
        self.loader: Loader = Loader(calendar)
        scale = np.where(np.arange(channels) % 2, 350.0, 12.0)
        scale[::50] = 60_000.0
        shape = self.random.lognormal(0, 0.8, (channels, SLOTS))
        self.value = np.minimum(shape * scale[:, None], 10**9).astype(np.int64)

    def rows(self) -> list[Row]:
        _empty()
        bare, loaded, framed = [], [], []
        for number in range(self.rounds):
            loaded.append(self._load(_day(3 * number), with_frames=False))
            bare.append(self._copy(_day(3 * number + 1)))
            framed.append(self._load(_day(3 * number + 2), with_frames=True))
        size = _bytes("meters_interval_block") / (3 * self.rounds * self.size * SLOTS)
        late = [self._late(_day(30 + number)) for number in range(self.rounds)]
        readings = self.size * SLOTS
        of = f"{self.size:,} channels"
        ratio = [one / other for one, other in zip(bare, loaded, strict=True)]
        higher: Row = {"better": "higher"}
        median = statistics.median
        return [
            figure(f"load ÷ bare COPY, {of}", median(ratio), "", must=0.35, aim=0.5, **higher),
            figure(f"load, {of}", readings / median(loaded), "readings/s", **higher),
            figure(
                f"load with raw frames, {of}", readings / median(framed), "readings/s", **higher
            ),
            figure(f"bare COPY, {of}", readings / median(bare), "readings/s", **higher),
            figure(
                f"late single values, {of}",
                self.size / median(late),
                "values/s",
                must=30_000,
                aim=60_000,
                **higher,
            ),
            figure(f"on disk, {of}", size, "bytes/reading", must=12, aim=8, better="lower"),
        ]

    def _load(self, day: date, *, with_frames: bool) -> float:
        batches = list(self._batches(day, with_frames=with_frames))
        began = time.perf_counter()
        for batch in batches:
            result = self.loader.load(batch)
            assert result.stored == len(batch.readings)
        return time.perf_counter() - began

    def _batches(self, day: date, *, with_frames: bool) -> Iterator[LoadBatch]:
        from ingestion.loader import Frames, LoadBatch

        order = self.random.permutation(self.size)
        for start in range(0, self.size, BATCH):
            chosen = order[start : start + BATCH]
            frames = _frames(len(chosen)) if with_frames else Frames()
            yield LoadBatch(
                readings=_readings(
                    np.repeat(self.channel[chosen], SLOTS),
                    _midnight(day) + np.tile(np.arange(SLOTS) * 3600, len(chosen)),
                    self.value[chosen].reshape(-1),
                    np.repeat(np.arange(len(chosen)), SLOTS) if with_frames else None,
                ),
                frames=frames,
            )

    def _copy(self, day: date) -> float:
        """The same blocks, ready-made, in the same batches."""
        from django.db import transaction

        from meters.wire import copy, cursor

        ready = [self._ready(batch) for batch in self._batches(day, with_frames=False)]
        began = time.perf_counter()
        for rows in ready:
            with transaction.atomic(), cursor() as run:
                copy(run, f"meters_interval_block ({_COLUMNS})", rows)
        return time.perf_counter() - began

    def _ready(self, batch: LoadBatch) -> list[bytes]:
        from meters.blocks import Blocks, copy_rows

        readings = batch.readings
        count = len(readings) // SLOTS
        day = (readings.start[:1] + 10_800) // 86_400
        order = np.argsort(readings.channel[::SLOTS])
        blocks = Blocks(
            readings.channel[::SLOTS],
            np.repeat(day, count),
            np.full(count, 60),
            np.full(count, SLOTS),
            readings.value,
            readings.quality,
        )
        return copy_rows(blocks.take(order))

    def _late(self, day: date) -> float:
        """Every block of a day lacks one value; these come one by one, in any order."""
        missing = self.random.integers(0, SLOTS, self.size)
        for batch in self._batches(day, with_frames=False):
            slot = (batch.readings.start - _midnight(day)) // 3600
            late = slot == missing[batch.readings.channel - _FIRST_CHANNEL]
            batch.readings = batch.readings.take(~late)
            self.loader.load(batch)
        order = self.random.permutation(self.size)
        spent = 0.0
        for start in range(0, self.size, BATCH):
            chosen = order[start : start + BATCH]
            slot = missing[chosen]
            when = _midnight(day) + slot * 3600
            batch.readings = _readings(self.channel[chosen], when, self.value[chosen, slot])
            began = time.perf_counter()
            result = self.loader.load(batch)
            spent += time.perf_counter() - began
            assert result.stored == result.changed_blocks == len(chosen)
        return spent


def _readings(channel: Any, start: Any, value: Any, frame: Any = None) -> Any:
    from ingestion.loader import Readings

    count = len(channel)
    return Readings(
        channel=channel,
        start=start,
        interval_minutes=np.full(count, 60, np.int16),
        value=value,
        quality=np.zeros(count, np.uint8),
        frame=(np.full(count, -1) if frame is None else frame).astype(np.int32),
    )


def _frames(count: int) -> Any:
    from ingestion.loader import Frames

    return Frames(
        received_at=np.full(count, time.time_ns() // 1000),
        module=np.arange(count),
        counter=np.arange(count),
        transport=np.ones(count, np.uint8),
        outcome=np.zeros(count, np.uint8),
        source=[f"192.0.2.{number % 250}:{number}" for number in range(count)],
        reason=[""] * count,
        payload=[os.urandom(60) for _ in range(count)],
    )


def _day(number: int) -> date:
    """Days of winter that lie within the history every server prepares."""
    from django.utils import timezone

    return timezone.now().date() - timedelta(days=50 - number)


def _midnight(day: date) -> int:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    return int(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo("Europe/Kyiv")).timestamp())


def _empty() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE meters_interval_block, meters_block_revision, meters_dirty_day,"
            " ingestion_raw_frame"
        )


def _bytes(table: str) -> int:
    """Of a partitioned table with its indexes, vacuumed."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM {table}")
        cursor.execute(
            "SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree(%s) WHERE isleaf"
            " AND pg_relation_size(relid) > 0",
            [table],
        )
        return int(cursor.fetchone()[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("channels", nargs="*", type=int, default=SIZES)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
    django.setup()
    for row in figures(options.channels):
        sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
