"""The territory of City Utilities: a made-up town of 16 apartment buildings on 8 streets."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from hierarchy.kinds import Kind, System
from hierarchy.models import Node
from hierarchy.services import nodes_bulk_create
from meters.quantities import Resource

if TYPE_CHECKING:
    from accounts.models import Company

__all__ = ["BUILDINGS", "SITES", "Building", "Site", "Territory", "territory_build"]

CITY = "Verbopil"
_CITY_PLACE = ("49.412000", "31.248000")
_METRE = Decimal("0.000009")  # of latitude, in degrees

_EL, _CW, _HW = Resource.ELECTRICITY, Resource.COLD_WATER, Resource.HOT_WATER
_GAS, _HEAT = Resource.GAS, Resource.HEAT


class Street(NamedTuple):
    """Where house 1 stands, and how many metres north and east the next even number is."""

    name: str
    district: str
    latitude: str
    longitude: str
    north: int
    east: int


class Building(NamedTuple):
    """An apartment building and the resources that are metered in each of its apartments."""

    street: str
    number: int
    entrances: int
    floors: int
    flats: int  # on a floor of one entrance
    resources: tuple[Resource, ...]

    @property
    def apartments(self) -> int:
        return self.entrances * self.floors * self.flats

    @property
    def code(self) -> str:
        return f"{self.street.split()[0].upper()}-{self.number}"


class Site(NamedTuple):
    """A place that is no dwelling: a plant of the utility, or a larger consumer."""

    code: str
    name: str
    under: str  # a district
    latitude: str
    longitude: str
    consumes: Resource | None = None


STREETS = (
    Street("Castle Street", "Old Town", "49.413100", "31.246200", 12, 40),
    Street("Market Street", "Old Town", "49.411800", "31.247900", -28, 30),
    Street("Chestnut Boulevard", "Old Town", "49.410200", "31.244700", 5, 52),
    Street("Embankment Street", "Riverside", "49.415900", "31.254300", 36, 14),
    Street("Ferry Lane", "Riverside", "49.417200", "31.256800", -10, 44),
    Street("Mill Street", "Riverside", "49.414300", "31.258100", 30, 30),
    Street("Orchard Avenue", "Orchard Hill", "49.405700", "31.241500", -20, 46),
    Street("Observatory Street", "Orchard Hill", "49.403900", "31.245100", -34, 12),
)

# 900 apartments. One pilot building has every resource metered, the others the one that the
# roll-out began with.
BUILDINGS = (
    Building("Castle Street", 4, 1, 9, 2, (_EL, _CW, _HW, _GAS, _HEAT)),
    Building("Castle Street", 9, 2, 9, 4, (_EL,)),
    Building("Market Street", 2, 3, 5, 4, (_EL,)),
    Building("Market Street", 7, 3, 5, 4, (_CW,)),
    Building("Chestnut Boulevard", 11, 1, 9, 4, (_EL,)),
    Building("Chestnut Boulevard", 16, 2, 9, 4, (_CW,)),
    Building("Embankment Street", 3, 3, 9, 2, (_HW,)),
    Building("Embankment Street", 8, 3, 5, 4, (_EL,)),
    Building("Ferry Lane", 1, 2, 9, 4, (_GAS,)),
    Building("Ferry Lane", 6, 1, 9, 4, (_CW,)),
    Building("Mill Street", 5, 3, 5, 4, (_HW,)),
    Building("Mill Street", 10, 2, 9, 4, (_HEAT,)),
    Building("Orchard Avenue", 14, 2, 9, 4, (_EL,)),
    Building("Orchard Avenue", 21, 3, 5, 4, (_GAS,)),
    Building("Observatory Street", 2, 1, 9, 4, (_HEAT,)),
    Building("Observatory Street", 5, 3, 5, 4, (_CW,)),
)

SITES = (
    Site("GRID", "Northern grid substation", "Old Town", "49.421500", "31.243000"),
    Site("WELLS", "Verbivka well field", "Riverside", "49.424800", "31.266000"),
    Site("BOILER", "Boiler house No. 1", "Orchard Hill", "49.401200", "31.238800"),
    Site("GAS", "Gas distribution station", "Orchard Hill", "49.397600", "31.249900"),
    Site("SCHOOL", "School No. 3", "Old Town", "49.412600", "31.250300", _EL),
    Site("CLINIC", "District clinic", "Riverside", "49.416400", "31.261200", _CW),
    Site("BAKERY", "City bakery", "Orchard Hill", "49.404600", "31.247700", _GAS),
)


@dataclass(frozen=True)
class Territory:
    """The nodes that metering hangs on, by what they stand for."""

    buildings: dict[Building, Node] = field(default_factory=dict)
    apartments: dict[Building, list[Node]] = field(default_factory=dict)
    sites: dict[Site, Node] = field(default_factory=dict)


def territory_build(company: Company) -> Territory:
    """City → districts → streets → buildings → entrances → apartments, and the sites."""
    territory = Territory()
    city = Node(kind=Kind.CITY, name=CITY, code="VERBOPIL")
    city.latitude, city.longitude = map(Decimal, _CITY_PLACE)
    nodes = [city]
    districts: dict[str, Node] = {}
    for name in dict.fromkeys(street.district for street in STREETS):
        districts[name] = Node(kind=Kind.DISTRICT, name=name, parent=city)
    nodes += districts.values()
    for street in STREETS:
        nodes += _street(territory, street, districts[street.district])
    for site in SITES:
        node = Node(kind=Kind.SITE, name=site.name, code=site.code, parent=districts[site.under])
        node.latitude, node.longitude = Decimal(site.latitude), Decimal(site.longitude)
        territory.sites[site] = node
    nodes += territory.sites.values()
    nodes_bulk_create(company=company, system=System.TERRITORY, nodes=nodes)
    return territory


def _street(territory: Territory, street: Street, district: Node) -> list[Node]:
    node = Node(kind=Kind.STREET, name=street.name, parent=district)
    nodes = [node]
    for building in (row for row in BUILDINGS if row.street == street.name):
        nodes += _building(territory, building, street, node)
    return nodes


def _building(territory: Territory, building: Building, street: Street, parent: Node) -> list[Node]:
    # Odd numbers stand on the other side of the street, 25 m across.
    pairs, across = building.number // 2, 25 * (building.number % 2)
    node = Node(kind=Kind.BUILDING, name=str(building.number), code=building.code, parent=parent)
    node.latitude = Decimal(street.latitude) + _METRE * (street.north * pairs + across)
    # A degree of longitude is two thirds of a degree of latitude here.
    node.longitude = Decimal(street.longitude) + _METRE * (street.east * pairs) * 3 / 2
    territory.buildings[building] = node
    entrances = [
        Node(kind=Kind.ENTRANCE, name=f"entrance {number}", parent=node)
        for number in range(1, building.entrances + 1)
    ]
    if building.entrances == 1:
        entrances = [node]
    each = building.floors * building.flats
    territory.apartments[building] = [
        Node(
            kind=Kind.APARTMENT,
            name=f"apt {number}",
            code=f"{building.code}-{number}",
            parent=entrances[(number - 1) // each],
        )
        for number in range(1, building.apartments + 1)
    ]
    return [
        node,
        *(item for item in entrances if item is not node),
        *territory.apartments[building],
    ]
