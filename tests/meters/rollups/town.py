"""A small company to sum, and its sums worked out one value at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.db import connection

from accounts.models import Company
from hierarchy.models import Node
from hierarchy.services import node_create
from meters.models import (
    Channel,
    Connection,
    DeviceType,
    Installation,
    IntervalBlock,
    Meter,
    NodeBlock,
    NodeMonth,
    ReadingType,
    RolledDay,
    UsagePoint,
)
from meters.partitions import month_start
from meters.services.reading_types import reading_types_sync
from meters.services.usage_points import usage_point_connect

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Town", "clean", "naive", "naive_months", "stored", "stored_months"]

Sums = dict[tuple[Any, ...], tuple[Any, ...]]
MISSING, ESTIMATED = 1, 3
_LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
_TABLES = (
    *("meters_interval_block", "meters_dirty_day", "meters_dirty_node", "meters_dirty_month"),
    *("meters_node_block", "meters_node_month", "meters_month_total", "meters_rolled_day"),
)


@dataclass
class Town:
    """Territory and cold water network of one company, streets below streets, mains below mains."""

    company: Company
    places: list[Node] = field(default_factory=list)
    mains: list[Node] = field(default_factory=list)
    points: list[UsagePoint] = field(default_factory=list)
    channels: list[Channel] = field(default_factory=list)

    @classmethod
    def build(cls, code: str = "town", zone: str = "Europe/Kyiv") -> Town:
        """The first one of a test finds the archive and its queues empty."""
        if code == "town":
            clean()
        reading_types_sync()
        return cls(Company.objects.create(code=code, name=code, time_zone=zone))

    def place(self, parent: Node | None = None) -> Node:
        return self._node("territory", "street", self.places, parent)

    def main(self, parent: Node | None = None) -> Node:
        return self._node("cold_water", "feeder", self.mains, parent)

    def point(
        self,
        place: Node,
        main: Node | None = None,
        *,
        role: str = "consumption",
        since: datetime | None = _LONG_AGO,
    ) -> UsagePoint:
        """since: when its meter was installed; None: it has none."""
        point = UsagePoint.objects.create(
            company=self.company,
            code=f"UP{len(self.points)}",
            resource="cold_water",
            place=place,
            role=role,
        )
        self.points.append(point)
        if main is not None:
            self.connect(point, main, date(2020, 1, 1))
        if since is not None:
            self.install(point, since)
        return point

    def connect(self, point: UsagePoint, main: Node, since: date) -> None:
        usage_point_connect(actor=None, usage_point=point, node=main, valid_from=since)

    def install(
        self, point: UsagePoint, since: datetime, until: datetime | None = None
    ) -> Installation:
        kind, _ = DeviceType.objects.get_or_create(
            company=self.company, code="drop", defaults={"name": "Drop", "manufacturer": "Maker"}
        )
        meter = Meter.objects.create(
            company=self.company, device_type=kind, serial=f"M{Meter.objects.count()}"
        )
        return Installation.objects.create(
            company=self.company,
            meter=meter,
            usage_point=point,
            installed_at=since,
            removed_at=until,
        )

    def channel(
        self, point: UsagePoint, interval: int = 60, code: str = "cold_water.volume"
    ) -> Channel:
        channel = Channel.objects.create(
            company=self.company,
            usage_point=point,
            reading_type=ReadingType.objects.get(code=code),
            interval_minutes=interval,
        )
        self.channels.append(channel)
        return channel

    def measured(self, place: Node, main: Node | None = None, **options: Any) -> Channel:
        """An hourly channel of a new usage point."""
        return self.channel(self.point(place, main, **options))

    def slots(self, channel: Channel, day: date) -> int:
        if channel.interval_minutes == 1440:
            return 1
        return -(-_length(day, self.company.time_zone) // (channel.interval_minutes * 60))

    def block(
        self,
        channel: Channel,
        day: date,
        values: Sequence[int | None],
        estimated: Iterable[int] = (),
    ) -> None:
        """Store a day of a channel as the loader does, and mark it dirty."""
        quality = None
        if estimated := set(estimated):
            quality = bytes(
                MISSING if value is None else ESTIMATED if slot in estimated else 0
                for slot, value in enumerate(values)
            )
        IntervalBlock.objects.filter(channel=channel, day=day).delete()
        IntervalBlock.objects.create(
            channel=channel,
            day=day,
            interval_minutes=channel.interval_minutes,
            total=sum(value for value in values if value is not None),
            wide=list(values),
            quality=quality,
        )
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO meters_dirty_day (day, channels) VALUES (%s, %s)", [day, [channel.pk]]
            )

    def _node(self, system: str, kind: str, nodes: list[Node], parent: Node | None) -> Node:
        node = node_create(
            actor=None,
            company=self.company,
            system=system,
            kind=kind,
            name=f"N{len(nodes)}",
            parent=parent,
        )
        nodes.append(node)
        return node


def stored(company: Company) -> Sums:
    """(day, node, reading type, flow) → everything that the row says."""
    rows = NodeBlock.objects.filter(node__company=company)
    return {
        (row.day, row.node_id, row.reading_type_id, row.flow): (
            row.total,
            tuple(row.hours),
            row.expected,
            row.received,
            row.estimated,
            row.channels,
            row.reporting,
        )
        for row in rows
    }


def stored_months(company: Company) -> Sums:
    rows = NodeMonth.objects.filter(node__company=company)
    return {
        (row.month, row.node_id, row.reading_type_id, row.flow): (
            int(row.total),
            row.expected,
            row.received,
            row.estimated,
        )
        for row in rows
    }


def naive(company: Company) -> Sums:
    """The same from the blocks, for every day that has been rolled up."""
    sums: dict[tuple[Any, ...], list[Any]] = {}
    channels = list(Channel.objects.filter(company=company).select_related("usage_point"))
    for (day,) in RolledDay.objects.filter(company_id=company.pk).values_list("day"):
        for channel in channels:
            if channel.reading_type.accumulation == "delta" and channel.usage_point:
                _add(sums, company, channel, day)
    return {key: (row[0], tuple(row[1]), *row[2:]) for key, row in sums.items()}


def naive_months(company: Company) -> Sums:
    sums: dict[tuple[Any, ...], list[int]] = {}
    for (day, *rest), row in naive(company).items():
        found = sums.setdefault((month_start(day), *rest), [0, 0, 0, 0])
        for place, value in enumerate((row[0], *row[2:5])):
            found[place] += value
    return {key: tuple(row) for key, row in sums.items()}


def clean() -> None:
    """Empty what Django does not flush."""
    with connection.cursor() as cursor:
        for table in _TABLES:
            cursor.execute(f"DELETE FROM {table}")


def _add(sums: dict[Any, list[Any]], company: Company, channel: Channel, day: date) -> None:
    block = IntervalBlock.objects.filter(channel=channel, day=day).first()
    values = block.readings if block else []
    qualities = block.qualities if block else b""
    received = sum(value is not None for value in values)
    estimated = sum(
        value is not None and quality & 7 == ESTIMATED
        for value, quality in zip(values, qualities, strict=True)
    )
    expected = max(_expected(company, channel, day), received)
    if not expected:
        return
    hours = -(-_length(day, company.time_zone) // 3600)
    for node in _nodes(channel.usage_point, day):
        key = (day, node, channel.reading_type_id, channel.usage_point.role)
        row = sums.setdefault(key, [0, [None] * hours, 0, 0, 0, 0, 0])
        for slot, value in enumerate(values):
            if value is not None:
                row[0] += value
                if channel.interval_minutes <= 60:
                    hour = slot * channel.interval_minutes // 60
                    row[1][hour] = value + (row[1][hour] or 0)
        for place, count in enumerate((expected, received, estimated, 1, received > 0)):
            row[2 + place] += int(count)


def _expected(company: Company, channel: Channel, day: date) -> int:
    point = channel.usage_point
    if not (channel.is_active and point.is_active):
        return 0
    begins = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(company.time_zone))
    length = _length(day, company.time_zone)
    step = length if channel.interval_minutes == 1440 else channel.interval_minutes * 60
    stays = list(Installation.objects.filter(usage_point=point))
    starts = (begins.astimezone(UTC) + timedelta(seconds=at) for at in range(0, length, step))
    return sum(
        any(
            stay.installed_at <= start and (stay.removed_at is None or start < stay.removed_at)
            for stay in stays
        )
        for start in starts
    )


def _nodes(point: UsagePoint, day: date) -> list[int]:
    found = _above(point.place_id)
    for connection_ in Connection.objects.filter(usage_point=point, valid_from__lte=day):
        if connection_.valid_to is None or day < connection_.valid_to:
            found += _above(connection_.node_id)
    return found


def _above(node: int | None) -> list[int]:
    found = []
    while node is not None:
        found.append(node)
        node = Node.objects.values_list("parent", flat=True).get(pk=node)
    return found


def _length(day: date, zone: str) -> int:
    ends = [
        datetime(one.year, one.month, one.day, tzinfo=ZoneInfo(zone)).timestamp()
        for one in (day, day + timedelta(days=1))
    ]
    return int(ends[1] - ends[0])
