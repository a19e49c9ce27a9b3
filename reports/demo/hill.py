"""Hill Waterworks: a small second company, water only, that must never show in the first."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from hierarchy.kinds import Kind, System
from hierarchy.models import Node
from hierarchy.services import nodes_bulk_create
from meters.models import UsagePoint
from meters.quantities import Resource

from .fleet import BULK, HOUSEHOLD, Fleet

if TYPE_CHECKING:
    from datetime import date

    from accounts.models import Company
    from meters.models import DeviceType

__all__ = ["hill_build"]

_SEED = 20_261
_WATER = Resource.COLD_WATER
# Street, houses, latitude and longitude of its lower end.
_LANES = (
    ("Harbour Road", 20, "53.031000", "-9.105000"),
    ("Chapel Hill", 18, "53.033400", "-9.101200"),
    ("Quarry Lane", 18, "53.036100", "-9.107300"),
)


def hill_build(company: Company, types: dict[str, DeviceType], *, today: date) -> None:
    """One village, three streets each with a zone of its own, 56 houses, 60 usage points."""
    fleet = Fleet(company, types, today=today, seed=_SEED)
    village = Node(kind=Kind.CITY, name="Kilverra", code="KILVERRA")
    source = Node(kind=Kind.SOURCE, name="Reservoir", code="RESERVOIR")
    source.latitude, source.longitude = Decimal("53.041200"), Decimal("-9.099000")
    main = Node(kind=Kind.FEEDER, name="Gravity main DN 200", code="MAIN", parent=source)
    streets = {
        lane: Node(kind=Kind.STREET, name=lane[0], code=f"S{number}", parent=village)
        for number, lane in enumerate(_LANES, 1)
    }
    zones = {
        lane: Node(kind=Kind.ZONE, name=f"Zone {lane[0]}", code=f"Z{number}", parent=main)
        for number, lane in enumerate(_LANES, 1)
    }
    houses = {lane: _houses(lane, streets[lane]) for lane in _LANES}
    territory = [village, *streets.values(), *(house for row in houses.values() for house in row)]
    nodes_bulk_create(company=company, system=System.TERRITORY, nodes=territory)
    nodes_bulk_create(
        company=company, system=System.COLD_WATER, nodes=[source, main, *zones.values()]
    )
    _large(fleet, village, source, role=UsagePoint.Role.SUPPLY, name="Reservoir outlet")
    for lane in _LANES:
        name = f"Zone {lane[0]}"
        _large(fleet, streets[lane], zones[lane], role=UsagePoint.Role.BALANCE, name=name)
        for house in houses[lane]:
            point = fleet.point(_WATER, house, zones[lane], role=UsagePoint.Role.CONSUMPTION)
            module = fleet.module("reference-water-module", house)
            fleet.measured(point, HOUSEHOLD[_WATER], module)
    fleet.save()


def _houses(lane: tuple[str, int, str, str], street: Node) -> list[Node]:
    _name, count, latitude, longitude = lane
    return [
        Node(
            kind=Kind.BUILDING,
            name=str(number),
            parent=street,
            latitude=Decimal(latitude) + Decimal("0.00014") * number,
            longitude=Decimal(longitude) + Decimal("0.00009") * number,
        )
        for number in range(1, count + 1)
    ]


def _large(fleet: Fleet, place: Node, node: Node, *, role: str, name: str) -> None:
    point = fleet.point(_WATER, place, node, role=role, name=name)
    fleet.measured(point, BULK[_WATER], fleet.module("reference-modem", place))
