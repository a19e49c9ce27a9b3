"""How much of what should be there is there."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from meters.models import Installation, UsagePoint
from meters.rollups.months import months_catch_up
from meters.rollups.running import roll_up_all
from meters.selectors.completeness import (
    Counts,
    channel_completeness,
    company_completeness,
    node_completeness,
)
from meters.selectors.nodes import NodeKey, NodeSum, main_type, node_days, node_sums
from tests.meters.rollups.town import Town

if TYPE_CHECKING:
    from tests.people import World

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 10)
YESTERDAY = TODAY - timedelta(days=1)
# 15:20 in Kyiv: fifteen hours are over.
NOW = datetime(2026, 11, 10, 13, 20, tzinfo=UTC)


@pytest.fixture
def town() -> Town:
    town = Town.build()
    town.place()
    town.place(town.places[0])
    town.main()
    return town


def test_only_what_is_over_is_expected(town: Town) -> None:
    channel = town.measured(town.places[1], town.mains[0])
    daily = town.channel(town.point(town.places[1], town.mains[0]), 1440)
    town.block(channel, YESTERDAY, [1] * 20 + [None] * 4, estimated=[3])
    town.block(daily, YESTERDAY, [7])
    town.block(channel, TODAY, [1] * 12 + [None] * 12)
    roll_up_all(now=NOW)
    expected = Counts(25 + 15, 21 + 12, 1)
    period = {"first": YESTERDAY, "last": TODAY + timedelta(days=5), "now": NOW}
    for node in (*town.places, *town.mains):
        node.refresh_from_db()
        assert node_completeness(user=None, node=node, **period) == expected
    assert company_completeness(user=None, company=town.company, **period) == expected
    assert company_completeness(user=None, company=town.company, resource="gas", **period) == (
        Counts()
    )
    assert channel_completeness(user=None, channel=channel, **period) == Counts(39, 32, 1)
    assert channel_completeness(user=None, channel=daily, **period) == Counts(1, 1)
    assert expected.share == Decimal(33) / 40


def test_a_silent_meter_counts_from_its_installation(town: Town) -> None:
    since = datetime(2026, 11, 9, 20, tzinfo=UTC)  # 22:00 in Kyiv
    channel = town.measured(town.places[1], since=since)
    other = town.measured(town.places[1])
    town.block(other, YESTERDAY, [1] * 24)
    roll_up_all(now=NOW)
    period = {"first": YESTERDAY, "last": TODAY, "now": NOW}
    assert channel_completeness(user=None, channel=channel, **period) == Counts(2 + 15)
    found = company_completeness(user=None, company=town.company, **period)
    assert found == Counts(24 + 2 + 15 + 15, 24)
    Installation.objects.filter(usage_point=channel.usage_point).update(
        removed_at=since + timedelta(hours=4)
    )
    assert channel_completeness(user=None, channel=channel, **period) == Counts(4)


def test_nothing_is_expected_of_what_is_out_of_use(town: Town) -> None:
    channel = town.measured(town.places[1])
    town.block(channel, YESTERDAY, [1] * 6 + [None] * 18)
    UsagePoint.objects.update(is_active=False)
    channel.refresh_from_db()
    roll_up_all(now=NOW)
    period = {"first": YESTERDAY, "last": TODAY, "now": NOW}
    assert channel_completeness(user=None, channel=channel, **period) == Counts(6, 6)
    assert company_completeness(user=None, company=town.company, **period) == Counts(6, 6)
    assert Counts().share is None


def test_whole_months_are_read_from_month_totals(town: Town) -> None:
    channel = town.measured(town.places[1])
    days = [date(2026, 8, 30) + timedelta(days=number) for number in range(36)]
    for number, day in enumerate(days):
        town.block(channel, day, [number] * 24)
    roll_up_all(now=NOW)
    months_catch_up()
    kind = main_type("cold_water")
    period = {"first": days[0], "last": days[-1]}
    node = town.places[0]
    node.refresh_from_db()
    found = node_sums(user=None, nodes=[node], reading_types=[kind], **period)
    key = NodeKey(node.pk, kind.pk, "consumption")
    assert found == {key: NodeSum(24 * sum(range(36)), 36 * 24, 36 * 24)}
    one = node_days(user=None, node=node, reading_type=kind, **period)
    assert [day.total for day in one] == [24 * number for number in range(36)]
    assert one[3].hours == (3,) * 24


def test_people_see_their_part_only(world: World) -> None:
    city = world.city
    roll_up_all(now=NOW)
    period = {"first": TODAY, "last": TODAY, "now": NOW}
    whole = company_completeness(user=city.administrator, company=city.company, **period)
    assert whole.expected == 15
    part = company_completeness(user=city.keeper, company=city.company, **period)
    assert part == whole  # the one meter is in the keeper's street
    for person in (world.stranger, world.hill.administrator):
        assert company_completeness(user=person, company=city.company, **period) == Counts()
        assert node_completeness(user=person, node=city.street, **period) == Counts()
    assert node_completeness(user=city.keeper, node=city.other_street, **period) == Counts()
    assert node_completeness(user=city.keeper, node=city.town, **period) == Counts()
    assert (
        node_days(
            user=world.stranger,
            node=city.street,
            reading_type=main_type("cold_water"),
            first=TODAY,
            last=TODAY,
        )
        == []
    )
