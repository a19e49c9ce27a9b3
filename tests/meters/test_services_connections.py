"""Connections hold from a day to a day, and what is in force today follows."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from hierarchy.services import node_create
from meters.errors import MetersError
from meters.models import Connection, UsagePoint
from meters.services.usage_points import company_today, connections_settle, usage_point_connect

if TYPE_CHECKING:
    from hierarchy.models import Node
    from tests.people import Tenant, World

NOW = datetime(2025, 7, 10, 12, tzinfo=UTC)


@pytest.fixture
def other(world: World) -> Node:
    return node_create(
        actor=None,
        company=world.city.company,
        system="cold_water",
        kind="inlet",
        name="Inlet 6",
        parent=world.city.source,
    )


def _connect(tenant: Tenant, node: Node, day: date) -> Connection:
    return usage_point_connect(
        actor=None, usage_point=tenant.usage_point, node=node, valid_from=day
    )


def _now(tenant: Tenant) -> int | None:
    return UsagePoint.objects.get(pk=tenant.usage_point.pk).network_node_id


def _stretches(tenant: Tenant) -> list[tuple[int, date, date | None]]:
    rows = Connection.objects.filter(usage_point=tenant.usage_point).order_by("valid_from")
    return [(row.node_id, row.valid_from, row.valid_to) for row in rows]


@time_machine.travel(NOW, tick=False)
def test_a_connection_in_the_past_holds_now(world: World, other: Node) -> None:
    _connect(world.city, other, date(2025, 7, 1))
    assert _now(world.city) == other.pk
    assert _stretches(world.city) == [
        (world.city.inlet.pk, date(2025, 1, 1), date(2025, 7, 1)),
        (other.pk, date(2025, 7, 1), None),
    ]


def test_a_planned_connection_takes_effect_on_its_day(world: World, other: Node) -> None:
    with time_machine.travel(NOW, tick=False):
        _connect(world.city, other, date(2025, 8, 1))
        assert _now(world.city) == world.city.inlet.pk
        connections_settle()
        assert _now(world.city) == world.city.inlet.pk
    # Midnight in Kyiv is 21:00 UTC of the day before.
    with time_machine.travel(datetime(2025, 7, 31, 20, 59, tzinfo=UTC), tick=False):
        connections_settle()
        assert _now(world.city) == world.city.inlet.pk
    with time_machine.travel(datetime(2025, 7, 31, 21, 1, tzinfo=UTC), tick=False):
        assert connections_settle() >= 1
        assert _now(world.city) == other.pk
        assert connections_settle() == 0


@time_machine.travel(NOW, tick=False)
def test_a_connection_before_a_planned_one_ends_where_that_begins(
    world: World, other: Node
) -> None:
    _connect(world.city, other, date(2025, 8, 1))
    _connect(world.city, world.city.source, date(2025, 7, 5))
    assert _stretches(world.city) == [
        (world.city.inlet.pk, date(2025, 1, 1), date(2025, 7, 5)),
        (world.city.source.pk, date(2025, 7, 5), date(2025, 8, 1)),
        (other.pk, date(2025, 8, 1), None),
    ]
    assert _now(world.city) == world.city.source.pk


@time_machine.travel(NOW, tick=False)
def test_the_same_day_replaces(world: World, other: Node) -> None:
    _connect(world.city, other, date(2025, 1, 1))
    assert _stretches(world.city) == [(other.pk, date(2025, 1, 1), None)]
    assert _now(world.city) == other.pk


@time_machine.travel(NOW, tick=False)
def test_before_all_others(world: World, other: Node) -> None:
    _connect(world.city, other, date(2024, 1, 1))
    assert _stretches(world.city)[0] == (other.pk, date(2024, 1, 1), date(2025, 1, 1))
    assert _now(world.city) == world.city.inlet.pk


@time_machine.travel(NOW, tick=False)
def test_an_ended_connection_leaves_nothing(world: World) -> None:
    Connection.objects.filter(usage_point=world.city.usage_point).update(valid_to=date(2025, 7, 10))
    connections_settle()
    assert _now(world.city) is None


def test_the_network_must_be_that_of_the_resource(world: World) -> None:
    with pytest.raises(MetersError, match="no node of the network"):
        _connect(world.city, world.city.building, date(2025, 7, 1))
    gas = node_create(
        actor=None, company=world.city.company, system="gas", kind="source", name="Gas"
    )
    with pytest.raises(MetersError, match="no node of the network"):
        _connect(world.city, gas, date(2025, 7, 1))


def test_nodes_of_another_company_are_refused(world: World) -> None:
    before = _stretches(world.city)
    with pytest.raises(ValidationError):
        _connect(world.city, world.hill.inlet, date(2025, 7, 1))
    assert _stretches(world.city) == before


@pytest.mark.parametrize("person", ["clerk", "auditor"])
def test_readers_connect_nothing(world: World, other: Node, person: str) -> None:
    with pytest.raises(MetersError, match="may not"):
        usage_point_connect(
            actor=world.city.people[person],
            usage_point=world.city.usage_point,
            node=other,
            valid_from=date(2025, 7, 1),
        )


def test_database_refuses_two_at_a_time(world: World, other: Node) -> None:
    row = Connection(
        company=world.city.company,
        usage_point=world.city.usage_point,
        node=other,
        valid_from=date(2025, 3, 1),
    )
    with pytest.raises(IntegrityError, match="overlap"), transaction.atomic():
        Connection.objects.bulk_create([row])


def test_days_are_the_companys(world: World) -> None:
    at = datetime(2025, 7, 31, 22, tzinfo=UTC)
    assert company_today(world.city.company, at) == date(2025, 8, 1)
    assert company_today(world.hill.company, at) == date(2025, 7, 31)
    assert company_today(world.city.company, at + timedelta(hours=4)) == date(2025, 8, 1)
