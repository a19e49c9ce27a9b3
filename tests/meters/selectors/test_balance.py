"""Balances of a network worked out by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from meters.models import UsagePoint
from meters.rollups.running import roll_up_all
from meters.selectors.balance import Balance, balance, balances
from tests.meters.rollups.town import Town

if TYPE_CHECKING:
    from hierarchy.models import Node
    from tests.people import World

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 10)
NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)


@pytest.fixture
def town() -> Town:
    return Town.build()


def _flow(town: Town, node: Node, role: str, hourly: int, days: int = 1) -> UsagePoint:
    """A meter at the network node with the same amount each hour."""
    if not town.places:
        town.place()
    channel = town.measured(town.places[0], node, role=role)
    for number in range(days):
        town.block(channel, DAY - timedelta(days=number), [hourly] * 24)
    return channel.usage_point


def _figures(found: Balance) -> tuple[int, int, int, int]:
    return (
        found.supply.total // 24,
        found.consumption.total // 24,
        found.outflow.total // 24,
        found.difference // 24,
    )


def _balances(town: Town, node: Node, days: int = 1) -> dict[int, Balance]:
    roll_up_all(now=NOW)
    node.refresh_from_db()
    return balances(user=None, node=node, first=DAY - timedelta(days=days - 1), last=DAY)


def test_a_city_with_metered_buildings(town: Town) -> None:
    """Source → main (no meter) → two metered inlets and one without a meter of its own."""
    source = town.main()
    main = town.main(source)
    good, leaking, bare = (town.main(main) for _ in range(3))
    _flow(town, source, "supply", 1000)
    for inlet, into, used in ((good, 300, (150, 150)), (leaking, 400, (100, 200))):
        _flow(town, inlet, "balance", into)
        for amount in used:
            _flow(town, inlet, "consumption", amount)
    _flow(town, bare, "consumption", 250)
    found = _balances(town, source)
    assert _figures(found[source.pk]) == (1000, 250, 700, 50)
    assert found[source.pk].percent == Decimal("5.00")
    assert _figures(found[good.pk]) == (300, 300, 0, 0)
    assert _figures(found[leaking.pk]) == (400, 300, 0, 100)
    for unmetered in (main, bare):
        assert not found[unmetered.pk].is_measured
        assert found[unmetered.pk].percent is None
    # Every meter counts once: all parts together lose what the whole network loses.
    losses = sum(one.difference for one in found.values())
    assert losses == 24 * (1000 - 600 - 250)
    assert found[source.pk].completeness == 1


def test_meters_in_a_row_part_the_network(town: Town) -> None:
    source = town.main()
    zone = town.main(source)
    inlet = town.main(town.main(zone))
    _flow(town, source, "balance", 100)
    _flow(town, zone, "balance", 90)
    _flow(town, inlet, "balance", 80)
    _flow(town, inlet, "consumption", 75)
    found = _balances(town, source)
    assert [_figures(found[node.pk]) for node in (source, zone, inlet)] == [
        (100, 0, 90, 10),
        (90, 0, 80, 10),
        (80, 75, 0, 5),
    ]


def test_a_second_source_below_feeds_the_part_it_stands_in(town: Town) -> None:
    source = town.main()
    zone = town.main(source)
    well = town.main(zone)
    inlet = town.main(zone)
    _flow(town, source, "supply", 100)
    _flow(town, zone, "balance", 95)
    _flow(town, well, "supply", 50)
    _flow(town, inlet, "balance", 140)
    found = _balances(town, source)
    assert _figures(found[source.pk]) == (100, 0, 95, 5)
    assert _figures(found[zone.pk]) == (145, 0, 140, 5)
    assert not found[well.pk].is_measured


def test_sources_under_a_common_root(town: Town) -> None:
    root = town.main()
    one, other = town.main(root), town.main(root)
    _flow(town, one, "supply", 100)
    _flow(town, other, "supply", 50)
    _flow(town, town.main(one), "consumption", 90)
    _flow(town, town.main(other), "consumption", 45)
    found = _balances(town, root)
    assert _figures(found[root.pk]) == (150, 135, 0, 15)
    assert _figures(found[one.pk]) == (100, 90, 0, 10)


def test_more_may_leave_than_enters(town: Town) -> None:
    source = town.main()
    _flow(town, source, "supply", 100)
    _flow(town, source, "consumption", 101)
    found = _balances(town, source)[source.pk]
    assert (found.difference, found.percent) == (-24, Decimal("-1.00"))


def test_a_meter_that_comes_later_parts_the_network_from_then_on(town: Town) -> None:
    source = town.main()
    inlet = town.main(source)
    _flow(town, source, "supply", 100, days=2)
    _flow(town, inlet, "consumption", 90, days=2)
    late = town.point(town.places[0], role="balance", since=datetime(2026, 11, 9, 22, tzinfo=UTC))
    town.connect(late, inlet, DAY)
    town.block(town.channel(late), DAY, [95] * 24)
    found = _balances(town, source, days=2)
    # The first day: 100 − 90; the second: 100 − 95 at the source, 95 − 90 at the inlet.
    assert _figures(found[source.pk]) == (200, 90, 95, 15)
    assert _figures(found[inlet.pk]) == (95, 90, 0, 5)
    assert (found[source.pk].days, found[inlet.pk].days) == (2, 1)


def test_missing_and_estimated_values_are_told(town: Town) -> None:
    source = town.main()
    _flow(town, source, "supply", 100)
    silent = town.measured(town.places[0], source)
    town.block(silent, DAY, [90] * 12 + [None] * 12, estimated=[0, 1])
    found = _balances(town, source)[source.pk]
    assert (found.values.expected, found.values.received, found.values.estimated) == (48, 36, 2)
    assert found.completeness == Decimal("0.75")
    assert not found.consumption.is_complete
    assert found.supply.is_complete


def test_what_flows_back_is_subtracted() -> None:
    town = Town.build()
    place = town.place()
    inlet = town._node("electricity", "inlet", town.mains, None)
    for role, into, back in (("balance", 100, 10), ("consumption", 120, 40)):
        point = town.point(place, role=role)
        UsagePoint.objects.filter(pk=point.pk).update(resource="electricity")
        point.refresh_from_db()
        town.connect(point, inlet, date(2020, 1, 1))
        for code, amount in (("import", into), ("export", back)):
            channel = town.channel(point, code=f"electricity.active.{code}")
            town.block(channel, DAY, [amount] * 24)
    assert _figures(_balances(town, inlet)[inlet.pk]) == (90, 80, 0, 10)


def test_places_have_no_balance_and_strangers_see_none(world: World) -> None:
    city = world.city
    assert balances(user=None, node=city.building, first=DAY, last=DAY) == {}
    for person in (world.stranger, world.hill.administrator):
        assert balances(user=person, node=city.source, first=DAY, last=DAY) == {}
        assert not balance(user=person, node=city.source, first=DAY, last=DAY).is_measured
    assert city.source.pk in balances(
        user=city.administrator, node=city.source, first=DAY, last=DAY
    )
