"""City Utilities: five resources, 1,000 usage points, 900 apartments."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from meters.models import Installation, Meter, TelemetryModule, UsagePoint
from meters.quantities import Resource
from meters.services.installations import meter_exchange

from .fleet import BULK, HOUSEHOLD, Fleet, opening_readings, readings_after
from .networks import SOURCES, network_build
from .territory import BUILDINGS, SITES, territory_build

if TYPE_CHECKING:
    from datetime import date

    from accounts.models import Company
    from hierarchy.models import Node
    from meters.models import DeviceType

    from .networks import Network
    from .territory import Building, Territory

__all__ = ["city_build"]

_SEED = 20_260
_EXCHANGES = 12
# Household meters of these resources have a radio module in the apartment; the others are wired
# to a concentrator in the building.
_RADIO = {
    Resource.COLD_WATER: "reference-water-module",
    Resource.HOT_WATER: "reference-water-module",
    Resource.GAS: "reference-gas-module",
}
# One gas meter in so many is still read by hand.
_BY_HAND = 12
# Current transformers of building inlets by number of apartments; the source has 110 kV ones too.
_RATIOS = ((30, 20), (50, 30), (999, 40))
_SOURCE_RATIO = 13_200
_RESOURCES = tuple(SOURCES)


def city_build(company: Company, types: dict[str, DeviceType], *, today: date) -> None:
    """Trees, usage points, devices and their history."""
    territory = territory_build(company)
    networks = {resource: network_build(company, resource, territory) for resource in _RESOURCES}
    fleet = Fleet(company, types, today=today, seed=_SEED)
    for building in BUILDINGS:
        _building(fleet, building, territory, networks)
    _sites(fleet, territory, networks)
    _store(fleet)
    fleet.save()
    _exchanges(fleet)


def _building(
    fleet: Fleet, building: Building, territory: Territory, networks: dict[Resource, Network]
) -> None:
    place = territory.buildings[building]
    concentrator = None
    if set(building.resources) - set(_RADIO):
        concentrator = fleet.module("reference-concentrator", place)
    for resource in building.resources:
        _bulk(
            fleet,
            resource,
            place,
            networks[resource].inlets[building],
            role=UsagePoint.Role.BALANCE,
            name=f"{building.street} {building.number}, building inlet",
            multiplier=_ratio(building) if resource == Resource.ELECTRICITY else 1,
        )
    inlets = {resource: networks[resource].inlets[building] for resource in building.resources}
    for apartment in territory.apartments[building]:
        _apartment(fleet, apartment, inlets, concentrator)


def _apartment(
    fleet: Fleet,
    apartment: Node,
    inlets: dict[Resource, Node],
    concentrator: TelemetryModule | None,
) -> None:
    radios: dict[str, TelemetryModule] = {}
    for resource, inlet in inlets.items():
        point = fleet.point(resource, apartment, inlet, role=UsagePoint.Role.CONSUMPTION)
        type_code = _RADIO.get(resource)
        module = concentrator
        if resource == Resource.GAS and len(fleet.points) % _BY_HAND == 0:
            module = None
        elif type_code:
            # Cold and hot water share one module.
            if type_code not in radios:
                radios[type_code] = fleet.module(type_code, apartment)
            module = radios[type_code]
        fleet.measured(point, HOUSEHOLD[resource], module)


def _sites(fleet: Fleet, territory: Territory, networks: dict[Resource, Network]) -> None:
    places = {site.code: (site, node) for site, node in territory.sites.items()}
    for resource in _RESOURCES:
        _site, place = places[SOURCES[resource]]
        _bulk(
            fleet,
            resource,
            place,
            networks[resource].source,
            role=UsagePoint.Role.SUPPLY,
            name=f"Supply: {resource.value.replace('_', ' ')}",
            multiplier=_SOURCE_RATIO if resource == Resource.ELECTRICITY else 1,
        )
    for site in SITES:
        if site.consumes:
            _bulk(
                fleet,
                site.consumes,
                territory.sites[site],
                networks[site.consumes].inlets[site],
                role=UsagePoint.Role.CONSUMPTION,
                name=site.name,
                multiplier=60 if site.consumes == Resource.ELECTRICITY else 1,
            )


def _bulk(
    fleet: Fleet,
    resource: Resource,
    place: Node,
    node: Node,
    *,
    role: str,
    name: str,
    multiplier: int,
) -> None:
    """A large meter with a modem of its own."""
    point = fleet.point(resource, place, node, role=role, name=name)
    modem = fleet.module("reference-modem", place)
    fleet.measured(point, BULK[resource], modem, multiplier)


def _ratio(building: Building) -> int:
    return next(ratio for size, ratio in _RATIOS if building.apartments <= size)


def _store(fleet: Fleet) -> None:
    """What lies on the shelf, and what was written off."""
    for resource in _RESOURCES:
        for _number in range(4):
            fleet.meter(HOUSEHOLD[resource])
        fleet.meter(BULK[resource])
    for resource in (Resource.COLD_WATER, Resource.HOT_WATER):
        made_on = fleet.today - timedelta(days=3_400)
        fleet.meter(HOUSEHOLD[resource], made_on=made_on).status = Meter.Status.SCRAPPED
    for type_code in ("reference-water-module", "reference-gas-module", "reference-modem"):
        for _number in range(3):
            fleet.module(type_code, None, TelemetryModule.Status.STORED)


def _exchanges(fleet: Fleet) -> None:
    """Household meters replaced in the last half-year, each with closing and opening readings."""
    candidates = [row for row in fleet.installations if row.multiplier == 1]
    candidates = [row for row in candidates if row.usage_point.role == UsagePoint.Role.CONSUMPTION]
    for installation in fleet.random.sample(candidates, _EXCHANGES):
        _exchange(fleet, installation)


def _exchange(fleet: Fleet, before: Installation) -> None:
    point, old = before.usage_point, before.meter
    resource = Resource(point.resource)
    makes = (HOUSEHOLD[resource], BULK[resource])
    make = next(item for item in makes if item.type_code == old.device_type.code)
    day = fleet.today - timedelta(days=fleet.random.randint(10, 150))
    at = fleet.instant(day)
    module, port = old.module, old.port
    # The new meter takes over the wire; a port has one meter at a time.
    Meter.objects.filter(pk=old.pk).update(module=None)
    new = fleet.meter(make, made_on=day - timedelta(days=90))
    new.module, new.port = module, port
    new.save()
    opened = dict(before.readings.values_list("reading_type__code", "opening"))
    closing = readings_after(
        opened, make, resource, days=(at - before.installed_at).days, random=fleet.random
    )
    meter_exchange(
        actor=None,
        usage_point=point,
        at=at,
        closing=closing,
        meter=new,
        opening={
            code: Decimal(value).quantize(Decimal("0.001"))
            for code, value in opening_readings(resource, fleet.random).items()
        },
        reason="Verification expired",
    )
