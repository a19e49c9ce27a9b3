"""The five networks of City Utilities, from the source to the inlet of each metered building."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hierarchy.kinds import Kind, System
from hierarchy.models import Node
from hierarchy.services import nodes_bulk_create
from meters.quantities import Resource

from .territory import BUILDINGS, SITES, STREETS

if TYPE_CHECKING:
    from accounts.models import Company

    from .territory import Building, Site, Territory

__all__ = ["PREFIXES", "SOURCES", "Network", "network_build"]

# How codes of a resource begin.
PREFIXES = {
    Resource.ELECTRICITY: "EL",
    Resource.COLD_WATER: "CW",
    Resource.HOT_WATER: "HW",
    Resource.GAS: "GS",
    Resource.HEAT: "HT",
}
# The site at which each network begins.
SOURCES = {
    Resource.ELECTRICITY: "GRID",
    Resource.COLD_WATER: "WELLS",
    Resource.HOT_WATER: "BOILER",
    Resource.GAS: "GAS",
    Resource.HEAT: "BOILER",
}


class Stage(NamedTuple):
    """A node between the source and the inlets."""

    code: str
    kind: Kind
    name: str
    under: str = ""
    serves: tuple[str, ...] = ()  # districts whose inlets hang on it


_OLD, _RIVER, _HILL = "Old Town", "Riverside", "Orchard Hill"

STAGES: dict[Resource, tuple[Stage, ...]] = {
    Resource.ELECTRICITY: (
        Stage("EL-S1", Kind.SOURCE, "Grid supply point 110 kV"),
        Stage("EL-P1", Kind.SUBSTATION, "Northern substation 110/10 kV", "EL-S1"),
        Stage("EL-F1", Kind.FEEDER, "Feeder 10 kV No. 1", "EL-P1"),
        Stage("EL-F2", Kind.FEEDER, "Feeder 10 kV No. 2", "EL-P1"),
        Stage("EL-T11", Kind.TRANSFORMER, "Transformer T-11, 630 kVA", "EL-F1", (_OLD,)),
        Stage("EL-T21", Kind.TRANSFORMER, "Transformer T-21, 400 kVA", "EL-F2", (_RIVER,)),
        Stage("EL-T22", Kind.TRANSFORMER, "Transformer T-22, 400 kVA", "EL-F2", (_HILL,)),
    ),
    Resource.COLD_WATER: (
        Stage("CW-S1", Kind.SOURCE, "Verbivka well field"),
        Stage("CW-P1", Kind.STATION, "Second-lift pumping station", "CW-S1"),
        Stage("CW-M1", Kind.FEEDER, "Main DN 300", "CW-P1"),
        Stage("CW-Z1", Kind.ZONE, "Zone 1, Old Town", "CW-M1", (_OLD,)),
        Stage("CW-Z2", Kind.ZONE, "Zone 2, Riverside", "CW-M1", (_RIVER,)),
        Stage("CW-Z3", Kind.ZONE, "Zone 3, Orchard Hill", "CW-M1", (_HILL,)),
    ),
    Resource.HOT_WATER: (
        Stage("HW-S1", Kind.SOURCE, "Boiler house No. 1, hot water"),
        Stage("HW-P1", Kind.STATION, "Heating point No. 1", "HW-S1"),
        Stage("HW-M1", Kind.FEEDER, "Hot water main DN 150", "HW-P1", (_OLD, _RIVER, _HILL)),
    ),
    Resource.GAS: (
        Stage("GS-S1", Kind.SOURCE, "Gas distribution station"),
        Stage("GS-P1", Kind.STATION, "Pressure reduction point No. 1", "GS-S1"),
        Stage("GS-M1", Kind.FEEDER, "Low pressure main DN 200", "GS-P1", (_OLD, _RIVER, _HILL)),
    ),
    Resource.HEAT: (
        Stage("HT-S1", Kind.SOURCE, "Boiler house No. 1, heating"),
        Stage("HT-M1", Kind.FEEDER, "Heating main DN 250", "HT-S1"),
        Stage("HT-P1", Kind.ZONE, "Heating chamber K-1", "HT-M1", (_OLD,)),
        Stage("HT-P2", Kind.ZONE, "Heating chamber K-2", "HT-M1", (_RIVER, _HILL)),
    ),
}


class Network(NamedTuple):
    """Ends of one resource's network: where it begins and where consumers hang."""

    source: Node
    inlets: dict[Building | Site, Node]


def network_build(company: Company, resource: Resource, territory: Territory) -> Network:
    """The network of `resource`: source, stages, one inlet for each place that is metered."""
    nodes: dict[str, Node] = {}
    hubs: dict[str, Node] = {}
    for stage in STAGES[resource]:
        parent = nodes.get(stage.under)
        node = Node(kind=stage.kind, name=stage.name, code=stage.code, parent=parent)
        nodes[stage.code] = node
        hubs |= dict.fromkeys(stage.serves, node)
    inlets = _inlets(resource, territory, hubs)
    source = nodes[STAGES[resource][0].code]
    plant = next(node for site, node in territory.sites.items() if site.code == SOURCES[resource])
    source.latitude, source.longitude = plant.latitude, plant.longitude
    nodes_bulk_create(
        company=company, system=System(resource.value), nodes=[*nodes.values(), *inlets.values()]
    )
    return Network(source, inlets)


def _inlets(
    resource: Resource, territory: Territory, hubs: dict[str, Node]
) -> dict[Building | Site, Node]:
    districts = {street.name: street.district for street in STREETS}
    found: dict[Building | Site, Node] = {}
    for building in BUILDINGS:
        if resource in building.resources:
            name = f"Inlet {building.street} {building.number}"
            place = territory.buildings[building]
            hub = hubs[districts[building.street]]
            found[building] = _inlet(resource, name, building.code, place, hub)
    for site in SITES:
        if site.consumes == resource:
            place = territory.sites[site]
            found[site] = _inlet(resource, f"Inlet {site.name}", site.code, place, hubs[site.under])
    return found


def _inlet(resource: Resource, name: str, code: str, place: Node, hub: Node) -> Node:
    return Node(
        kind=Kind.INLET,
        name=name,
        code=f"{PREFIXES[resource]}-{code}",
        parent=hub,
        latitude=place.latitude,
        longitude=place.longitude,
    )
