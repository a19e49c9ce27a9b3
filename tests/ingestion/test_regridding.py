"""Profiles in another interval than their channel's: sums, shares, and what waits for its parts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.interval_parts import KEPT_DAYS, parts_forget
from ingestion.loader import Readings
from ingestion.models import IntervalPart, Quarantine, Reason
from ingestion.regridding import Target, day_of, fits, regrid, summed, too_many
from meters.models import Channel, DeviceFlag, Meter, Quality, RevisionReason, TelemetryModule
from meters.services.installations import meter_exchange
from tests.ingestion import fleet
from tests.ingestion.test_engine_values import H, ask, snapshot, values

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tests.ingestion.fleet import Collect, Send

ZONES = {1: "Europe/Kyiv"}
# Days of 24, 23 and 25 hours in Kyiv.
DAYS = [(2026, 6, 1, 24), (2026, 3, 29, 23), (2026, 10, 25, 25)]


def midnight(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, tzinfo=ZoneInfo(ZONES[1])).timestamp())


def told(start: int, minutes: int, numbers: list[int], quality: int = 0) -> Readings:
    count = len(numbers)
    return Readings(
        channel=np.full(count, 7),
        start=start + np.arange(count) * minutes * 60,
        interval_minutes=np.full(count, minutes, np.int16),
        value=np.array(numbers, np.int64),
        quality=np.full(count, quality, np.uint8),
        frame=np.arange(count, dtype=np.int32),
    )


def target(readings: Readings, minutes: int, *, instant: bool = False) -> Target:
    count = len(readings)
    days = day_of(readings.start, np.full(count, 1, np.int32), ZONES)
    return Target(np.full(count, minutes), np.full(count, instant), *days)


def listed(column: NDArray[np.int64]) -> list[int]:
    return [int(number) for number in column]


@pytest.mark.parametrize(("year", "month", "day", "hours"), DAYS)
@pytest.mark.parametrize("wanted", [60, 120, 240, 1440])
def test_parts_of_a_local_day_add_up_to_its_slots(
    year: int, month: int, day: int, hours: int, wanted: int
) -> None:
    start = midnight(year, month, day)
    quarters = told(start, 15, list(range(hours * 4)))
    made, parts, off = regrid(quarters, target(quarters, wanted))
    assert not len(made) and not len(off)
    sums, rest = summed(parts)
    assert not len(rest)
    slots = -(-hours * 60 // wanted) if wanted < 1440 else 1
    per = wanted // 15 if wanted < 1440 else hours * 4
    numbers = list(range(hours * 4))
    assert listed(sums.value) == [sum(numbers[k * per : (k + 1) * per]) for k in range(slots)]
    assert listed(sums.start) == [start + k * per * 900 for k in range(slots)]
    assert set(sums.interval_minutes.tolist()) == {wanted} and not sums.quality.any()


@pytest.mark.parametrize(("year", "month", "day", "hours"), DAYS)
def test_a_day_is_shared_out_over_its_own_hours(
    year: int, month: int, day: int, hours: int
) -> None:
    start = midnight(year, month, day)
    daily = told(start, 1440, [1_000_003], quality=DeviceFlag.CLOCK)
    made, parts, _off = regrid(daily, target(daily, 60))
    assert not len(parts) and len(made) == hours and int(made.value.sum()) == 1_000_003
    assert listed(made.start) == [start + hour * H for hour in range(hours)]
    assert int(made.value.max()) - int(made.value.min()) <= 1
    assert set(made.quality.tolist()) == {Quality.ESTIMATED | DeviceFlag.CLOCK}


@given(
    numbers=st.lists(st.integers(-(2**51), 2**51), min_size=1, max_size=30),
    told_minutes=st.sampled_from([30, 60, 120, 240, 720, 1440]),
    wanted=st.sampled_from([1, 5, 15, 30, 60]),
)
@settings(max_examples=60, deadline=None)
def test_shares_add_up_whatever_is_shared(
    numbers: list[int], told_minutes: int, wanted: int
) -> None:
    if told_minutes <= wanted:
        return
    # A week without a change of the clock, so that every value is on the grid.
    coarse = told(midnight(2026, 6, 1), told_minutes, numbers)
    made, _parts, off = regrid(coarse, target(coarse, wanted))
    assert not len(off)
    ratio = told_minutes // wanted
    shares = made.value.reshape(-1, ratio)
    assert listed(shares.sum(axis=1)) == numbers
    assert int((shares.max(axis=1) - shares.min(axis=1)).max()) <= 1


@given(order=st.permutations(range(8)), cuts=st.sets(st.integers(1, 7), max_size=3))
@settings(max_examples=60, deadline=None)
def test_the_order_of_parts_does_not_matter(order: list[int], cuts: set[int]) -> None:
    start = midnight(2026, 6, 1)
    quarters = told(start, 15, [2**number for number in range(8)])
    _made, parts, _off = regrid(quarters, target(quarters, 60))
    sums, rest = summed(parts.take(np.array(order)))
    assert listed(sums.value) == [15, 240] and not len(rest)
    edges = [0, *sorted(cuts), 8]
    whole = [(a, b) for a, b in pairwise(edges) if a % 4 == 0 and b - a >= 4]
    piece = summed(parts.take(np.arange(edges[0], edges[1])))[0]
    assert len(piece) == (1 if whole and whole[0][0] == 0 else 0) + (edges[1] == 8)


def test_a_sum_is_as_good_as_its_worst_part() -> None:
    quarters = told(midnight(2026, 6, 1), 15, [1, 2, 3, 4])
    quarters.quality[1] = Quality.QUESTIONABLE | DeviceFlag.CLOCK
    quarters.quality[2] = DeviceFlag.TAMPER
    _made, parts, _off = regrid(quarters, target(quarters, 60))
    assert summed(parts)[0].quality.tolist() == [
        Quality.QUESTIONABLE | DeviceFlag.CLOCK | DeviceFlag.TAMPER
    ]
    # The same part told better counts; told again equally well, the later one.
    again = parts.take(np.array([0, 1, 2, 3, 1, 0]))
    again.value[4], again.quality[4], again.value[5] = 20, 0, 10
    [value] = summed(again)[0].value.tolist()
    assert value == 10 + 20 + 3 + 4


def test_instants_are_picked_or_stand_and_are_never_added() -> None:
    start = midnight(2026, 6, 1)
    finer = told(start, 15, list(range(100, 108)))
    made, parts, _off = regrid(finer, target(finer, 60, instant=True))
    assert (listed(made.value), len(parts)) == ([100, 104], 0)
    assert made.interval_minutes.tolist() == [60, 60] and not made.quality.any()
    coarser = told(start, 120, [215])
    made, _parts, _off = regrid(coarser, target(coarser, 60, instant=True))
    assert listed(made.value) == [215, 215]
    assert set(made.quality.tolist()) == {Quality.ESTIMATED}


def test_what_is_off_the_local_grid_is_named() -> None:
    start = midnight(2026, 6, 1)
    finer = told(start + 300, 15, [1, 2])
    assert regrid(finer, target(finer, 60))[2].tolist() == [0, 1]
    # Two-hour steps through a day of 23 hours: the last one of it is short, then they miss the grid.
    start = midnight(2026, 3, 29)
    steps = told(start, 120, [1] * 13)
    made, parts, off = regrid(steps, target(steps, 60))
    assert off.tolist() == [12] and not len(parts)
    assert len(made) == 23 and int(made.value.sum()) == 12


def test_which_intervals_fit() -> None:
    pairs = [(15, 60), (60, 15), (1440, 60), (60, 1440), (40, 60), (60, 45), (7, 1440), (50, 10)]
    told_minutes, wanted = np.array(pairs).T
    assert fits(told_minutes, wanted).tolist() == [True] * 4 + [False] * 4


# Through the engine.


def test_quarters_become_hours_when_the_last_one_has_come(collect: Collect, send: Send) -> None:
    one = fleet.module(fleet.company(), 1)
    running = collect()
    sender = send(running)
    start = fleet.day_start()
    ask(sender, one, fleet.profile([1, 2, 3], start=start, interval=15))
    assert values(one) == {} and IntervalPart.objects.count() == 3
    # A gap stays a gap; the opening register of a profile is a register reading as ever.
    ask(sender, one, fleet.profile([5, None, 7, 8], start=start + H, interval=15, opening=1010))
    assert values(one) == {}
    ask(sender, one, fleet.profile([4], start=start + 2700, interval=15, opening=1006))
    assert values(one) == {start: (10, Quality.VALID)}
    ask(sender, one, fleet.profile([6], start=start + H + 900, interval=15, opening=None))
    running.stop()
    assert values(one) == {start: (10, Quality.VALID), start + H: (26, Quality.VALID)}
    assert not IntervalPart.objects.exists() and not Quarantine.objects.exists()
    assert fleet.rows("SELECT array_agg(value ORDER BY at) FROM meters_register_reading") == [
        ([1000, 1006, 1010],)
    ]


def test_a_day_in_quarters_keeps_its_sum_with_a_broken_multiplier(
    collect: Collect, send: Send
) -> None:
    factor = Decimal("0.3333")
    one = fleet.module(fleet.company(), 1, multiplier=factor)
    sender = send(collect())
    used = [number % 7 for number in range(96)]
    start, register = fleet.day_start(), 123_456
    for first, last in ((50, 96), (0, 50)):
        part = fleet.profile(
            used[first:last],
            start=start + first * 900,
            interval=15,
            opening=register + sum(used[:first]),
        )
        ask(sender, one, part)
    total = sum(value for value, _ in values(one).values())
    assert total == int((register + sum(used)) * factor) - int(register * factor)
    assert len(values(one)) == 24


def test_an_hour_of_an_exchange_has_the_quarters_of_both_meters(
    collect: Collect, send: Send
) -> None:
    city = fleet.company()
    one = fleet.module(city, 1)
    start = fleet.day_start()
    old = Meter.objects.get(module=one.row)
    new = Meter.objects.create(company=city, serial="NEW", device_type=old.device_type)
    assert one.point is not None
    meter_exchange(
        actor=None,
        usage_point=one.point,
        at=datetime.fromtimestamp(start + 1800, UTC),
        closing={fleet.REGISTER: Decimal("1.003")},
        meter=new,
        opening={fleet.REGISTER: Decimal(0)},
    )
    Meter.objects.filter(pk=old.pk).update(module=None)
    Meter.objects.filter(pk=new.pk).update(module=TelemetryModule.objects.get(pk=one.row.pk))
    sender = send(collect())
    ask(sender, one, fleet.profile([1, 2, 3, 4], start=start, interval=15))
    assert values(one) == {start: (10, Quality.VALID)}


def test_a_day_told_as_one_is_estimated_by_the_hour_until_the_hours_come(
    collect: Collect, send: Send
) -> None:
    one = fleet.module(fleet.company(), 1)
    sender = send(collect())
    start = fleet.day_start()
    ask(sender, one, fleet.profile([2_400], start=start, interval=1440))
    assert set(values(one).values()) == {(100, Quality.ESTIMATED)} and len(values(one)) == 24
    ask(sender, one, fleet.profile([70, 80], start=start, opening=1000))
    # Told again, the day replaces nothing that was measured.
    ask(sender, one, fleet.profile([2_400], start=start, interval=1440))
    found = values(one)
    assert (found[start], found[start + H]) == ((70, Quality.VALID), (80, Quality.VALID))
    assert found[start + 2 * H] == (100, Quality.ESTIMATED)
    [(reason, total)] = fleet.rows("SELECT reason, total FROM meters_block_revision")
    assert (reason, total) == (RevisionReason.BETTER, 2_400)


def test_a_measured_sum_beats_what_registers_only_tell_in_between(
    collect: Collect, send: Send
) -> None:
    one = fleet.module(fleet.company(), 1)
    sender = send(collect())
    start = fleet.day_start()
    ask(sender, one, snapshot(start, 1000), snapshot(start + 2 * H, 1040))
    assert values(one) == {start: (20, Quality.ESTIMATED), start + H: (20, Quality.ESTIMATED)}
    ask(sender, one, fleet.profile([10] * 4, start=start, interval=15))
    assert values(one)[start] == (40, Quality.VALID)


def test_parts_wait_through_a_kill_and_are_forgotten_in_the_end(
    collect: Collect, send: Send
) -> None:
    one = fleet.module(fleet.company(), 1)
    first = collect()
    start = fleet.day_start()
    ask(send(first), one, fleet.profile([1, 2], start=start, interval=15))
    first.stop()
    second = collect()
    ask(send(second), one, fleet.profile([3, 4], start=start + 1800, interval=15, opening=1003))
    assert values(one) == {start: (10, Quality.VALID)}
    ask(send(second), one, fleet.profile([5], start=start + H, interval=15, opening=1010))
    second.stop()
    IntervalPart.objects.update(kept_at=datetime.now(UTC) - timedelta(days=KEPT_DAYS - 1))
    assert parts_forget() == 0
    IntervalPart.objects.update(kept_at=datetime.now(UTC) - timedelta(days=KEPT_DAYS + 1))
    assert parts_forget() == 1


def test_intervals_that_share_no_grid_are_kept_and_replayed(collect: Collect, send: Send) -> None:
    one = fleet.module(fleet.company(), 1)
    running = collect()
    ask(send(running), one, fleet.profile([1] * 36, interval=40))
    fleet.wait_for(lambda: Quarantine.objects.filter(reason=Reason.OFF_GRID, waiting=1))
    # An hour is no multiple of 40 minutes, two hours are.
    Channel.objects.filter(pk=one.channel()).update(interval_minutes=120)
    fleet.wait_for(lambda: len(values(one)) == 12, what="the replay")
    running.stop()
    assert set(values(one).values()) == {(3, Quality.VALID)}


def test_no_frame_and_no_batch_is_shared_out_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile of days takes a few bytes, and of minutes 1,440 times as many values."""
    start = midnight(2026, 6, 1)
    days = told(start, 1440, [7] * 50)
    assert not too_many(days, target(days, 1)).any(), "a day a frame"
    days.frame[:45] = 3
    assert listed(np.flatnonzero(too_many(days, target(days, 1)))) == [*range(45)]
    assert not too_many(days, target(days, 60)).any()
    days.frame[:30] = 3
    days.frame[30:] = np.arange(4, 24)
    monkeypatch.setattr("ingestion.regridding._MOST_OF_BATCH", 20 * 1440)
    assert listed(np.flatnonzero(too_many(days, target(days, 1)))) == [*range(30)]


@pytest.mark.parametrize(("minutes", "wanted"), [(1440, 60), (60, 1440), (120, 60)])
def test_a_clock_beyond_all_calendars_costs_nothing_but_its_values(
    collect: Collect, send: Send, minutes: int, wanted: int
) -> None:
    """An erased clock reads 2³² − 1: a day of its time has no end, and was shared out for ever."""
    one = fleet.module(fleet.company(), 1)
    Channel.objects.filter(pk=one.channel()).update(interval_minutes=wanted)
    running = collect()
    sender = send(running)
    # A midnight in Kyiv, in 2106.
    start = 4_294_850_400
    ask(sender, one, fleet.profile([5, 6], start=start, interval=minutes))
    refused = Quarantine.objects.filter(reason=Reason.OUT_OF_TIME)
    fleet.wait_for(refused.exists, what="the refusal")
    assert running.engine.figures.stumbled == 0
    assert not IntervalPart.objects.exists() and values(one) == {}
