"""Local days of 23, 24, 25 and odd hours: every instant lands in its own slot of its own day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import time_machine
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.loader import ChannelCalendar, Loader, Refusal, calendar
from ingestion.loader.calendar import BEYOND, FIRST_DAY, midnights
from meters.partitions import BLOCKS, REGISTERS, partitions_ensure
from tests.ingestion import archive

H = 3600
ZONES = (
    "Europe/Kyiv",
    "Europe/Dublin",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "Africa/Cairo",
    "America/Havana",
    "America/Santiago",
    "Asia/Beirut",
    "Pacific/Kwajalein",
    "Africa/Casablanca",
    "UTC",
)


@settings(deadline=None)
@given(st.sampled_from(range(len(ZONES))), st.integers(631_500_000, 4_100_000_000))
def test_every_instant_is_placed_in_its_local_day(zone: int, instant: int) -> None:
    table = midnights(ZONES)
    day, begins, length = (
        int(column[0]) for column in table.place(np.array([zone]), np.array([instant]))
    )
    local = datetime.fromtimestamp(instant, ZoneInfo(ZONES[zone]))
    assert date(1970, 1, 1) + timedelta(days=day) == local.date()
    assert begins <= instant < begins + length


@settings(deadline=None)
@given(
    st.sampled_from(ZONES),
    st.dates(date(1990, 2, 1), date(2090, 1, 1)),
    st.integers(-3 * 86_400, 3 * 86_400),
)
def test_instants_near_midnights(zone: str, day: date, near: int) -> None:
    """Changes of the clock lie near midnights more often than chance would try."""
    midnight = int(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).timestamp())
    for instant in (midnight - 1, midnight, midnight + near):
        found = midnights((zone,)).place(np.array([0]), np.array([instant]))
        local = datetime.fromtimestamp(instant, ZoneInfo(zone)).date()
        assert date(1970, 1, 1) + timedelta(days=int(found[0][0])) == local


def test_instants_beyond_the_known_days_have_none() -> None:
    instants = np.array([-(2**62), 0, FIRST_DAY * 86_400, 2**40, 2**62])
    _day, begins, length = midnights(("UTC",)).place(np.zeros(5, np.int64), instants)
    assert length.tolist() == [BEYOND] * 5 and begins.tolist() == instants.tolist()


def _fill(zone: str, day: str, interval: int, utc_now: datetime) -> tuple[list[int | None], Loader]:
    """Load every interval from the day before to the day after; the values of the day."""
    loader = Loader()
    with time_machine.travel(utc_now, tick=False):
        first = date.fromisoformat(day) - timedelta(days=1)
        for table in (BLOCKS, REGISTERS):
            partitions_ensure(table, first=first, last=first + timedelta(days=2))
        (channel,) = archive.channels(zone, interval=interval)
        begins = archive.local(zone, f"{first} 00:00")
        until = archive.local(zone, f"{first + timedelta(days=3)} 00:00")
        rows = [
            (channel, at, interval, at - archive.local(zone, f"{day} 00:00"))
            for at in range(begins, until, interval * 60)
        ]
        result = loader.load(archive.batch(rows))
    assert not result.refused.any()
    return archive.blocks()[channel, date.fromisoformat(day)][2], loader


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("zone", "day", "interval", "slots"),
    [
        ("Europe/Kyiv", "2026-03-29", 60, 23),
        ("Europe/Kyiv", "2026-10-25", 60, 25),
        ("Europe/Kyiv", "2026-10-24", 60, 24),
        ("Europe/Kyiv", "2026-03-29", 15, 92),
        ("Europe/Kyiv", "2026-10-25", 1, 1500),
        ("Europe/Dublin", "2026-03-29", 30, 46),
        ("Europe/Dublin", "2026-10-25", 30, 50),
        ("Australia/Lord_Howe", "2026-04-05", 30, 49),
        ("Australia/Lord_Howe", "2025-10-05", 30, 47),
        ("Australia/Lord_Howe", "2025-10-05", 15, 94),
        ("Asia/Kathmandu", "2026-02-28", 60, 24),
        ("Pacific/Apia", "2011-12-29", 60, 24),
        ("Africa/Cairo", "2026-04-24", 60, 23),
    ],
)
def test_days_have_the_slots_they_last(zone: str, day: str, interval: int, slots: int) -> None:
    values, _loader = _fill(zone, day, interval, datetime(2026, 11, 20, 12, tzinfo=UTC))
    assert values == [slot * interval * 60 for slot in range(slots)]


@pytest.mark.django_db
def test_samoa_skips_a_day() -> None:
    with time_machine.travel(datetime(2026, 11, 20, tzinfo=UTC), tick=False):
        partitions_ensure(BLOCKS, first=date(2011, 12, 1), last=date(2011, 12, 31))
        (channel,) = archive.channels("Pacific/Apia")
        begins = archive.local("Pacific/Apia", "2011-12-29 00:00")
        rows = [(channel, begins + h * H, 60, h) for h in range(48)]
        Loader().load(archive.batch(rows))
    assert {str(key[1]): block[2] for key, block in archive.blocks().items()} == {
        "2011-12-29": list(range(24)),
        "2011-12-31": list(range(24, 48)),
    }


@pytest.mark.django_db
@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25", "2026-06-01"])
def test_a_daily_value_is_one_slot_however_long_the_day(day: str) -> None:
    (channel,) = archive.channels(interval=1440)
    start = archive.day_of(day)
    result = Loader().load(
        archive.batch([(channel, start, 1440, 7), (channel, start + 24 * H, 1440, 8)])
    )
    assert archive.blocks()[channel, date.fromisoformat(day)][2] == [7]
    # 24 hours on it is midnight again only on a usual day.
    expected = 0 if day == "2026-06-01" else Refusal.OFF_GRID
    assert result.refused.tolist() == [0, expected]


@pytest.mark.django_db
def test_the_hour_that_comes_twice_has_two_slots() -> None:
    (channel,) = archive.channels()
    zone = ZoneInfo("Europe/Kyiv")
    rows = [
        (channel, int(datetime(2026, 10, 25, 3, tzinfo=zone, fold=fold).timestamp()), 60, 10 + fold)
        for fold in (0, 1)
    ]
    Loader().load(archive.batch(rows))
    assert archive.blocks()[channel, date(2026, 10, 25)][2][2:6] == [None, 10, 11, None]


@pytest.mark.django_db
def test_kathmandu_meters_on_whole_utc_hours_are_off_the_grid() -> None:
    (channel,) = archive.channels("Asia/Kathmandu")
    start = int(datetime(2026, 11, 10, tzinfo=UTC).timestamp())
    result = Loader().load(archive.batch([(channel, start, 60, 1), (channel, start, 15, 1)]))
    assert result.refused.tolist() == [Refusal.OFF_GRID, 0]


def test_channels_that_come_in_batches_are_all_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those learned lately stand by themselves for a while; every one is found at any time."""
    monkeypatch.setattr(calendar, "_RECENT", 7)
    asked: list[int] = []

    def answer(statement: str, parameters: list[list[int]]) -> list[tuple[int, int | str]]:
        if not parameters:
            return [(0, "UTC"), (1, "Europe/Kyiv"), (2, "Asia/Kathmandu")]
        asked.extend(parameters[0])
        return [(channel, channel % 3) for channel in parameters[0] if channel < 1_000]

    monkeypatch.setattr(calendar, "_query", answer)
    known = ChannelCalendar()
    order = np.random.default_rng(2).permutation(1_000)
    known.remember(order[:100], order[:100] % 3)
    for part in np.array_split(order, 60):
        known.zones(part)
    number, names = known.zones(np.array([*range(1_000), 5_000]))
    zone = {0: "UTC", 1: "Europe/Kyiv", 2: "Asia/Kathmandu"}
    assert [names[one] for one in number[:1_000].tolist()] == [zone[n % 3] for n in range(1_000)]
    assert number[1_000] == -1
    assert sorted(asked) == [*sorted(set(range(1_000)) - set(order[:100].tolist())), 5_000]
