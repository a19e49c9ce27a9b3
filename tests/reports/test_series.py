"""Series of a channel: days of 23 and 25 hours, gaps, qualities, intervals, periods, units."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from django.utils.translation import override

from meters.models import Channel, Quality, ReadingType
from reports.panel.amounts import scale_of
from reports.panel.charts import marks_of, rows_of
from reports.panel.periods import Period, PeriodKind
from reports.panel.series import series_read, slot_count, slot_start
from tests.reports.archive import block, channel_of

if TYPE_CHECKING:
    from tests.people import World

pytestmark = pytest.mark.django_db
KYIV = ZoneInfo("Europe/Kyiv")
SPRING, AUTUMN, PLAIN = date(2026, 3, 29), date(2025, 10, 26), date(2026, 2, 10)


def day_of(day: date) -> Period:
    return Period.around(PeriodKind.DAY, day)


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 23), (AUTUMN, 25), (PLAIN, 24)])
def test_a_local_day_has_its_own_number_of_hours(world: World, day: date, hours: int) -> None:
    assert slot_count(day, 60, KYIV) == hours
    channel = channel_of(world.city)
    block(channel, day, list(range(1, hours + 1)))
    series = series_read(world.city.clerk, channel, day_of(day))
    assert len(series.buckets) == series.received == series.expected == hours
    assert series.total == sum(range(1, hours + 1))
    rows = rows_of(channel, series, None, scale_of(channel.reading_type))
    assert len({row.label for row in rows}) == hours, "two hours of a day look the same"
    ends = [bucket.end for bucket in series.buckets]
    assert [bucket.start for bucket in series.buckets][1:] == ends[:-1]


def test_the_hour_that_comes_twice_is_told_by_its_zone(world: World) -> None:
    channel = channel_of(world.city)
    block(channel, AUTUMN, [1] * 25)
    series = series_read(world.city.clerk, channel, day_of(AUTUMN))
    labels = [row.label for row in rows_of(channel, series, None, scale_of(channel.reading_type))]
    assert labels[2:6] == ["02:00", "03:00 EEST", "03:00 EET", "04:00"]


def test_a_gap_is_a_gap_and_never_nothing_used(world: World) -> None:
    channel = channel_of(world.city)
    block(channel, PLAIN, [5, None, 0, *[1] * 21])
    series = series_read(world.city.clerk, channel, day_of(PLAIN))
    first, gap, zero = series.buckets[:3]
    assert (first.state, gap.state, zero.state) == ("valid", "missing", "valid")
    assert gap.value is None and zero.value == 0
    rows = rows_of(channel, series, None, scale_of(channel.reading_type))
    assert (rows[1].value, rows[1].number) == ("", None)
    assert rows[2].value == "0.000"
    assert (series.missing, series.percent) == (1, 95)


def test_a_day_without_a_block_is_all_gaps_and_no_total(world: World) -> None:
    channel = channel_of(world.city)
    series = series_read(world.city.clerk, channel, day_of(PLAIN))
    assert series.total is None
    assert (series.received, series.expected, series.missing) == (0, 24, 24)


def test_nothing_is_due_before_the_first_meter_came(world: World) -> None:
    channel = channel_of(world.city)
    series = series_read(world.city.clerk, channel, day_of(date(2024, 5, 5)))
    assert (series.expected, series.percent) == (0, None)
    assert {bucket.state for bucket in series.buckets} == {"awaited"}


def test_what_may_still_come_is_awaited_not_missing(world: World) -> None:
    channel = channel_of(world.city)
    now = datetime.now(UTC).astimezone(KYIV)
    yesterday = now.date() - timedelta(days=1)
    block(channel, yesterday, [1, None, 1, *[None] * (slot_count(yesterday, 60, KYIV) - 3)])
    series = series_read(world.city.clerk, channel, day_of(yesterday))
    assert [bucket.state for bucket in series.buckets[:3]] == ["valid", "missing", "valid"]
    assert series.buckets[-1].state == "awaited"
    assert series.missing == 1 or now.hour >= 12


def test_qualities_and_flags_are_marked(world: World) -> None:
    channel = channel_of(world.city)
    quality = bytes([Quality.ESTIMATED, Quality.EDITED, 0x20 | Quality.QUESTIONABLE, *[0] * 21])
    block(channel, PLAIN, [1] * 24, quality=quality)
    series = series_read(world.city.clerk, channel, day_of(PLAIN))
    assert [bucket.state for bucket in series.buckets[:4]] == [
        "estimated",
        "edited",
        "questionable",
        "valid",
    ]
    with override("en"):
        assert [mark.text for mark in marks_of(series.buckets[2])] == ["questionable", "tampering"]
    assert marks_of(series.buckets[3]) == []


@pytest.mark.parametrize(
    ("kind", "count"), [("week", 7 * 24 - 1), ("month", 31), ("year", 12)], ids=str
)
def test_longer_periods_put_values_together_without_losing_any(
    world: World, kind: str, count: int
) -> None:
    channel = channel_of(world.city)
    for number in range(-40, 40):
        day = SPRING + timedelta(days=number)
        block(channel, day, [1] * slot_count(day, 60, KYIV))
    period = Period.around(PeriodKind(kind), SPRING)
    series = series_read(world.city.clerk, channel, period)
    assert len(series.buckets) == count
    inside = [day for day in period.days if abs((day - SPRING).days) <= 40]
    inside = [day for day in inside if day < SPRING + timedelta(days=40)]
    assert series.total == sum(slot_count(day, 60, KYIV) for day in inside)


def test_a_month_is_called_estimated_only_when_half_of_it_is(world: World) -> None:
    channel = channel_of(world.city)
    block(channel, PLAIN, [1] * 24, quality=bytes([Quality.ESTIMATED] * 11 + [0] * 13))
    half = PLAIN + timedelta(days=1)
    block(channel, half, [1] * 24, quality=bytes([Quality.ESTIMATED] * 12 + [0] * 12))
    series = series_read(world.city.clerk, channel, Period.around(PeriodKind.MONTH, PLAIN))
    few, many = series.buckets[PLAIN.day - 1 : PLAIN.day + 1]
    assert (few.state, many.state) == ("valid", "estimated")
    assert [mark.look for mark in marks_of(few)] == ["estimated"], "it is told all the same"


@pytest.mark.parametrize(("interval", "rows"), [(1, 24), (5, 24), (15, 96), (30, 48), (1440, 1)])
def test_every_interval_has_rows_that_fit_a_page(world: World, interval: int, rows: int) -> None:
    channel = channel_of(world.city)
    Channel.objects.filter(pk=channel.pk).update(interval_minutes=interval)
    channel.refresh_from_db()
    block(channel, PLAIN, [2] * (1440 // interval), interval=interval)
    series = series_read(world.city.clerk, channel, day_of(PLAIN))
    assert len(series.buckets) == rows
    assert series.total == 2 * (1440 // interval)


def test_instants_are_averaged_not_summed(world: World) -> None:
    channel = channel_of(world.city)
    flow = ReadingType.objects.get(code="cold_water.flow")
    instant = Channel.objects.create(
        company=world.city.company,
        usage_point=channel.usage_point,
        reading_type=flow,
        interval_minutes=60,
    )
    block(instant, PLAIN, [10, None, 20, *[None] * 21])
    series = series_read(world.city.clerk, instant, day_of(PLAIN))
    assert series.instant and series.total == 15


def test_the_period_before_is_laid_hour_over_hour_across_a_clock_change(world: World) -> None:
    channel = channel_of(world.city)
    before = SPRING - timedelta(days=1)
    block(channel, before, list(range(24)))
    block(channel, SPRING, [100] * 23)
    earlier = series_read(world.city.clerk, channel, day_of(before))
    series = series_read(world.city.clerk, channel, day_of(SPRING))
    rows = rows_of(channel, series, earlier, scale_of(channel.reading_type))
    # 03:00 does not exist that day; 04:00 stands over the 04:00 of the day before.
    assert [(row.label, row.before) for row in rows[2:4]] == [
        ("02:00", Decimal("0.002")),
        ("04:00", Decimal("0.004")),
    ]


def test_other_companies_and_streets_see_nothing(world: World) -> None:
    channel = channel_of(world.city)
    block(channel, PLAIN, [1] * 24)
    for stranger in (world.hill.administrator, world.stranger):
        assert series_read(stranger, channel, day_of(PLAIN)).total is None
    assert series_read(world.city.keeper, channel, day_of(PLAIN)).total == 24


@pytest.mark.parametrize(
    ("code", "value", "text"),
    [
        ("electricity.active.import", 1234567, "1,234.567 kWh"),
        ("electricity.voltage.l1", 2304, "230.4 V"),
        ("cold_water.volume", 5, "0.005 m³"),
        ("gas.temperature", -1250, "-12.50 °C"),
    ],
)
def test_integers_become_units(db: None, code: str, value: int, text: str) -> None:
    from meters.services.reading_types import reading_types_sync

    reading_types_sync()
    scale = scale_of(ReadingType.objects.get(code=code))
    with override("en"):
        assert f"{scale.text(value)} {scale.unit}" == text


def test_slots_are_counted_in_elapsed_time() -> None:
    assert slot_start(AUTUMN, 4, 60, KYIV) == datetime(2025, 10, 26, 1, tzinfo=UTC)


@pytest.mark.parametrize("kind", list(PeriodKind))
def test_periods_follow_one_another_without_a_gap(kind: PeriodKind) -> None:
    period = Period.around(kind, date(2025, 12, 29))
    for _ in range(20):
        following = period.following
        assert following.first == period.last + timedelta(days=1)
        assert following.previous == period
        period = following
