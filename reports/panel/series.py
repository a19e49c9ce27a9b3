"""Values of one channel over a period, as a chart and a table show them.

A slot begins a number of intervals after local midnight in elapsed time, so days of 23 and 25 hours
have that many. What was not received stays empty: a sum never counts a gap as nothing used.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Min
from django.utils import timezone

from meters.models import BlockRevision, DeviceFlag, Installation, IntervalBlock, Quality
from meters.models.archives import QUALITY_CLASS
from meters.quantities import Accumulation

from .periods import Period, PeriodKind, midnight

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from meters.models import Channel

__all__ = ["Bucket", "Series", "Slot", "day_slots", "series_read", "slot_count", "slot_start"]

_DAY = 1440
# Values of a day as rows of their own; shorter intervals are put together into hours.
_SHORTEST_ROW = 15
# Devices send once a day or so: until then a value is awaited, not missing.
_PATIENCE = timedelta(hours=36)


class Slot(NamedTuple):
    """One interval. quality: class; flags: `DeviceFlag`s; number: its place in the day."""

    day: date
    number: int
    start: datetime
    end: datetime
    value: int | None
    quality: int
    flags: int


@dataclass(slots=True)
class Bucket:
    """What one bar and one row show: a slot, an hour, a day or a month.

    value: sum of amounts or mean of instants, None when nothing is known. marks: how many values of
    each quality beside valid ones; expected: values due by now; awaited: they may still come.
    """

    start: datetime
    end: datetime
    key: tuple[int, ...]
    slots: int = 0
    received: int = 0
    expected: int = 0
    value: Decimal | None = None
    flags: int = 0
    marks: Counter[int] = field(default_factory=Counter)
    awaited: bool = False
    slot: Slot | None = None
    _sum: int = 0

    @property
    def missing(self) -> int:
        return 0 if self.awaited else max(0, self.expected - self.received)

    @property
    def state(self) -> str:
        """What to draw: the name of the quality that weighs most, or why there is no value."""
        if not self.received:
            return "awaited" if self.awaited or not self.expected else "missing"
        for quality in (Quality.QUESTIONABLE, Quality.ESTIMATED, Quality.EDITED, Quality.DERIVED):
            # Of many values put together, half must be of that kind to give the whole its look.
            if self.marks[quality] * 2 >= self.received:
                return quality.name.lower()
        return "partly" if self.missing else "valid"

    def add(self, slot: Slot, *, due: bool) -> None:
        self.slots += 1
        self.expected += due
        if slot.value is None:
            return
        self.received += 1
        self._sum += slot.value
        self.flags |= slot.flags
        if slot.quality not in (Quality.VALID, Quality.MISSING):
            self.marks[slot.quality] += 1

    def settle(self, *, instant: bool) -> None:
        if self.received:
            whole = Decimal(self._sum)
            self.value = whole / self.received if instant else whole


@dataclass(slots=True)
class Series:
    """A channel over a period; total: sum (amounts) or mean (instants) of what is known."""

    period: Period
    instant: bool
    buckets: list[Bucket]
    total: Decimal | None
    received: int
    expected: int
    marks: Counter[int]
    lowest: Bucket | None = None
    highest: Bucket | None = None

    @property
    def missing(self) -> int:
        return sum(bucket.missing for bucket in self.buckets)

    @property
    def percent(self) -> int | None:
        """Completeness, rounded down so that 100 means all."""
        return self.received * 100 // self.expected if self.expected else None


def slot_start(day: date, number: int, interval: int, zone: ZoneInfo) -> datetime:
    """When a slot begins, UTC; the slots of a day are counted in elapsed time."""
    return midnight(day, zone).astimezone(UTC) + timedelta(minutes=interval * number)


def slot_count(day: date, interval: int, zone: ZoneInfo) -> int:
    """How many slots the day has: a daily value is one, however long its day is."""
    if interval == _DAY:
        return 1
    length = midnight(day + timedelta(days=1), zone).astimezone(UTC) - slot_start(
        day, 0, interval, zone
    )
    return -(-int(length.total_seconds()) // (60 * interval))


def day_slots(
    day: date, block: IntervalBlock | BlockRevision | None, interval: int, zone: ZoneInfo
) -> Iterator[Slot]:
    """All slots of a day, with what the block knows of each."""
    interval = block.interval_minutes if block else interval
    values = block.readings if block else []
    qualities = block.qualities if block else b""
    begin = slot_start(day, 0, interval, zone)
    end_of_day = midnight(day + timedelta(days=1), zone).astimezone(UTC)
    for number in range(max(slot_count(day, interval, zone), len(values))):
        start = begin + timedelta(minutes=interval * number)
        end = min(start + timedelta(minutes=interval), max(end_of_day, start))
        end = end_of_day if interval == _DAY else end
        value = values[number] if number < len(values) else None
        byte = qualities[number] if number < len(qualities) else Quality.MISSING.value
        yield Slot(
            day, number, start, end, value, byte & QUALITY_CLASS, byte & ~QUALITY_CLASS & 0xFF
        )


def series_read(user: Any, channel: Channel, period: Period) -> Series:
    """The channel's values in the period, within what the user may see."""
    zone = ZoneInfo(channel.company.time_zone)
    blocks = {
        block.day: block
        for block in IntervalBlock.objects.visible_to(user).filter(
            channel=channel, day__gte=period.first, day__lte=period.last
        )
    }
    since, now = _since(channel), timezone.now()
    buckets: dict[tuple[int, ...], Bucket] = {}
    for day in period.days:
        for slot in day_slots(day, blocks.get(day), channel.interval_minutes, zone):
            key = _key(period.kind, slot, channel.interval_minutes, zone)
            bucket = buckets.get(key)
            if bucket is None:
                bucket = buckets[key] = Bucket(slot.start, slot.end, key, slot=slot)
            bucket.end = slot.end
            due = slot.value is not None or (
                slot.end <= now and since is not None and slot.start >= since
            )
            bucket.add(slot, due=due)
    return _series(channel, period, list(buckets.values()), now)


def _since(channel: Channel) -> datetime | None:
    """From when on values are due: since the first meter came; for a module's own, ever."""
    if channel.usage_point_id is None:
        return channel.created_at
    rows = Installation.objects.filter(usage_point=channel.usage_point_id)
    first: datetime | None = rows.aggregate(first=Min("installed_at"))["first"]
    return first


def _key(kind: PeriodKind, slot: Slot, interval: int, zone: ZoneInfo) -> tuple[int, ...]:
    """Which bucket a slot belongs to; the same wall-clock place has the same key in any period."""
    if kind == PeriodKind.YEAR:
        return (slot.day.month,)
    if kind == PeriodKind.MONTH:
        return (slot.day.day,)
    local = slot.start.astimezone(zone)
    day = (slot.day.weekday(),) if kind == PeriodKind.WEEK else ()
    if interval == _DAY:
        return day or (0,)
    minute = local.minute if kind == PeriodKind.DAY and interval >= _SHORTEST_ROW else 0
    return (*day, local.hour, minute, local.fold)


def _series(channel: Channel, period: Period, buckets: list[Bucket], now: datetime) -> Series:
    instant = channel.reading_type.accumulation == Accumulation.INSTANTANEOUS
    last = max((bucket.end for bucket in buckets if bucket.received), default=None)
    marks: Counter[int] = Counter()
    for bucket in buckets:
        bucket.settle(instant=instant)
        bucket.awaited = bucket.end > now - _PATIENCE and (last is None or bucket.start >= last)
        if bucket.slots != 1:
            bucket.slot = None
        marks.update(bucket.marks)
    known = [bucket for bucket in buckets if bucket.value is not None]
    return Series(
        period,
        instant,
        buckets,
        _total(known, instant=instant),
        sum(bucket.received for bucket in buckets),
        sum(bucket.expected for bucket in buckets if not bucket.awaited or bucket.received),
        marks,
        min(known, key=_value, default=None),
        max(known, key=_value, default=None),
    )


def _value(bucket: Bucket) -> Decimal:
    return bucket.value if bucket.value is not None else Decimal(0)


def _total(known: list[Bucket], *, instant: bool) -> Decimal | None:
    if not known:
        return None
    if not instant:
        return sum((_value(bucket) for bucket in known), Decimal(0))
    weight = sum(bucket.received for bucket in known)
    return sum((_value(bucket) * bucket.received for bucket in known), Decimal(0)) / weight


def flag_names(flags: int) -> list[str]:
    """What the device said, in the active language."""
    return [str(flag.label) for flag in DeviceFlag if flags & flag]
