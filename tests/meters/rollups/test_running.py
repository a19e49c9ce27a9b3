"""Sums of nodes: what is in them, and that they follow everything they are made of."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from hierarchy.services import node_move
from meters.models import Channel, Connection, Installation, NodeBlock, UsagePoint
from meters.rollups.running import days_roll_up, roll_up, roll_up_all
from tests.meters.rollups.town import Town, naive, stored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hierarchy.models import Node

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 10)
NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)
HOURS = range(24)


@pytest.fixture
def town() -> Town:
    return Town.build()


@pytest.fixture
def house(town: Town) -> Iterator[Node]:
    """A house in a street in a city; mains beside them."""
    city = town.place()
    street = town.place(city)
    source = town.main()
    town.main(source)
    yield town.place(street)


def _row(node: Node, day: date = DAY, flow: str = "consumption") -> NodeBlock:
    return NodeBlock.objects.get(node=node, day=day, flow=flow)


def test_a_usage_point_counts_at_its_place_its_connection_and_above(
    town: Town, house: Node
) -> None:
    channel = town.measured(house, town.mains[1])
    town.block(channel, DAY, list(HOURS))
    done = roll_up(now=NOW)
    assert done is not None
    assert (done.days, done.nodes, done.more) == (1, 5, False)
    for node in (*town.places, *town.mains):
        row = _row(node)
        assert row.total == sum(HOURS)
        assert row.hours == list(HOURS)
        assert (row.expected, row.received, row.channels, row.reporting) == (24, 24, 1, 1)
    assert stored(town.company) == naive(town.company)


def test_an_hour_without_any_value_is_unknown_and_not_zero(town: Town, house: Node) -> None:
    one, other = town.measured(house), town.measured(house)
    town.block(one, DAY, [None, 5, None, *[0] * 21], estimated=[1])
    town.block(other, DAY, [None, None, 7, *[1] * 21])
    roll_up_all(now=NOW)
    row = _row(house)
    assert row.hours == [None, 5, 7, *[1] * 21]
    assert (row.total, row.expected, row.received, row.estimated) == (33, 48, 44, 1)


def test_finer_and_coarser_intervals_meet_in_one_node(town: Town, house: Node) -> None:
    quarter, hourly, two_hours, daily = (
        town.channel(town.point(house), interval) for interval in (15, 60, 120, 1440)
    )
    town.block(quarter, DAY, list(range(96)))
    town.block(hourly, DAY, [1000] * 24)
    town.block(two_hours, DAY, [50_000] * 12)
    town.block(daily, DAY, [10**9])
    roll_up_all(now=NOW)
    row = _row(house)
    assert row.hours[:2] == [1000 + 0 + 1 + 2 + 3, 1000 + 4 + 5 + 6 + 7]
    assert row.total == sum(range(96)) + 24_000 + 600_000 + 10**9
    assert (row.expected, row.received) == (133, 133)
    assert stored(town.company) == naive(town.company)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Kyiv", date(2026, 3, 29), 23),
        ("Europe/Kyiv", date(2026, 10, 25), 25),
        ("Australia/Lord_Howe", date(2026, 10, 4), 24),  # 23.5 hours
        ("Asia/Kathmandu", date(2026, 10, 25), 24),
    ],
)
def test_days_keep_the_length_that_they_had(zone: str, day: date, hours: int) -> None:
    town = Town.build(zone=zone)
    place = town.place()
    hourly, half = town.measured(place), town.channel(town.point(place), 30)
    town.block(hourly, day, list(range(hours)))
    town.block(half, day, [1] * town.slots(half, day))
    roll_up(now=datetime(day.year, day.month, day.day, 12, tzinfo=UTC))
    row = _row(place, day)
    assert len(row.hours) == hours
    assert row.total == sum(range(hours)) + town.slots(half, day)
    assert stored(town.company) == naive(town.company)


def test_values_at_an_instant_are_not_summed(town: Town, house: Node) -> None:
    channel = town.channel(town.point(house), code="cold_water.pressure")
    town.block(channel, DAY, [3_000] * 24)
    roll_up_all(now=NOW)
    assert stored(town.company) == {}


def test_roles_are_kept_apart(town: Town, house: Node) -> None:
    for role, value in (("consumption", 1), ("supply", 10), ("balance", 100)):
        town.block(town.measured(house, town.mains[0], role=role), DAY, [value] * 24)
    roll_up_all(now=NOW)
    totals = {row.flow: row.total for row in NodeBlock.objects.filter(node=town.mains[0])}
    assert totals == {"consumption": 24, "supply": 240, "balance": 2400}


def test_a_late_value_changes_only_what_is_above_it(town: Town, house: Node) -> None:
    beside = town.place(town.places[1])
    one, other = town.measured(house), town.measured(beside)
    town.block(one, DAY, [1] * 24)
    town.block(other, DAY, [2] * 24)
    roll_up_all(now=NOW)
    town.block(one, DAY, [3] * 24)
    done = roll_up(now=NOW)
    assert done is not None
    assert (done.days, done.nodes) == (1, 3)
    assert _row(town.places[0]).total == 24 * 5
    assert _row(beside).total == 48
    assert stored(town.company) == naive(town.company)


def test_again_and_again_writes_nothing(town: Town, house: Node) -> None:
    town.block(town.measured(house, town.mains[0]), DAY, [1] * 24)
    roll_up_all(now=NOW)
    before = stored(town.company)
    again = days_roll_up(company_id=town.company.pk, first=DAY, last=DAY)
    assert (again.days, again.nodes) == (1, 0)
    assert stored(town.company) == before


def test_what_is_expected_is_known_before_anything_comes(town: Town, house: Node) -> None:
    town.measured(house)
    roll_up_all(now=NOW)
    row = _row(house)
    assert (row.expected, row.received, row.channels, row.reporting) == (24, 0, 1, 0)
    assert row.hours == [None] * 24
    # The worker was away for two days; the days are made up for.
    roll_up_all(now=NOW + timedelta(days=3))
    assert NodeBlock.objects.filter(node=house).count() == 4


def test_values_are_expected_while_a_meter_is_installed(town: Town, house: Node) -> None:
    noon = datetime(2026, 11, 10, 10, tzinfo=UTC)  # noon in Kyiv
    point = town.point(house, since=noon)
    town.channel(point)
    roll_up_all(now=NOW)
    assert _row(house).expected == 12
    Installation.objects.filter(usage_point=point).update(removed_at=noon + timedelta(hours=3))
    roll_up_all(now=NOW)
    assert _row(house).expected == 3
    town.install(point, noon + timedelta(hours=4))
    roll_up_all(now=NOW)
    assert _row(house).expected == 3 + 8


def test_a_channel_out_of_use_is_not_expected(town: Town, house: Node) -> None:
    one, other = town.measured(house), town.measured(house)
    roll_up_all(now=NOW)
    Channel.objects.filter(pk=one.pk).update(is_active=False)
    roll_up_all(now=NOW)
    assert _row(house).expected == 24
    UsagePoint.objects.filter(pk=other.usage_point_id).update(is_active=False)
    roll_up_all(now=NOW)
    assert stored(town.company) == {}


def test_a_connection_dated_back_moves_the_days_from_then_on(town: Town, house: Node) -> None:
    here, there = town.mains
    point = town.point(house, here)
    channel = town.channel(point)
    days = [DAY - timedelta(days=number) for number in range(3)]
    for day in days:
        town.block(channel, day, [1] * 24)
    roll_up_all(now=NOW)
    elsewhere = town.main()
    town.connect(point, elsewhere, days[1])
    roll_up_all(now=NOW)
    found = NodeBlock.objects.filter(node=elsewhere).values_list("day", flat=True)
    assert set(found) == set(days[:2])
    assert set(NodeBlock.objects.filter(node=here).values_list("day", flat=True)) == {days[2]}
    assert NodeBlock.objects.filter(node=there).count() == 0
    assert stored(town.company) == naive(town.company)
    Connection.objects.filter(node=elsewhere).delete()
    roll_up_all(now=NOW)
    assert stored(town.company) == naive(town.company)


def test_a_moved_node_takes_its_sums_along(town: Town, house: Node) -> None:
    town.block(town.measured(house), DAY, [1] * 24)
    roll_up_all(now=NOW)
    other = town.place()
    node_move(actor=None, node=town.places[1], parent=other)
    roll_up_all(now=NOW)
    assert _row(other).total == 24
    assert not NodeBlock.objects.filter(node=town.places[0]).exists()
    assert stored(town.company) == naive(town.company)


def test_a_usage_point_that_changes_place_or_role(town: Town, house: Node) -> None:
    channel = town.measured(house, town.mains[1])
    town.block(channel, DAY, [1] * 24)
    roll_up_all(now=NOW)
    UsagePoint.objects.update(place=town.places[0], role="supply")
    roll_up_all(now=NOW)
    assert not NodeBlock.objects.filter(node=house).exists()
    assert _row(town.mains[0], flow="supply").total == 24
    assert stored(town.company) == naive(town.company)


def test_companies_do_not_meet(town: Town, house: Node) -> None:
    other = Town.build("other", "Asia/Kathmandu")
    theirs = other.place()
    town.block(town.measured(house), DAY, [1] * 24)
    other.block(other.measured(theirs), DAY, [5] * 24)
    roll_up_all(now=NOW)
    for one in (town, other):
        assert stored(one.company) == naive(one.company)
    assert _row(theirs).total == 120


def test_a_long_history_is_left_for_later_and_not_forgotten(town: Town, house: Node) -> None:
    point = town.point(house, town.mains[1])
    channel = town.channel(point)
    for number in range(30):
        town.block(channel, DAY - timedelta(days=number), [number] * 24)
    roll_up_all(now=NOW)
    UsagePoint.objects.update(place=town.places[0])
    step = roll_up(now=NOW)
    assert step is not None
    assert (step.days, step.more) == (8, True)
    roll_up_all(now=NOW)
    assert stored(town.company) == naive(town.company)
