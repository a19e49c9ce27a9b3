"""Systems of nodes and the kinds of node each has, from the root downwards."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

__all__ = ["KINDS", "Kind", "System", "kind_may_contain"]


class System(models.TextChoices):
    """Which tree a node stands in: the territory, or the network of one resource."""

    TERRITORY = "territory", _("territory")
    ELECTRICITY = "electricity", _("electricity network")
    COLD_WATER = "cold_water", _("cold water network")
    HOT_WATER = "hot_water", _("hot water network")
    GAS = "gas", _("gas network")
    HEAT = "heat", _("heat network")


class Kind(models.TextChoices):
    """What a node is."""

    REGION = "region", _("region")
    CITY = "city", _("city")
    DISTRICT = "district", _("district")
    STREET = "street", _("street")
    BUILDING = "building", _("building")
    ENTRANCE = "entrance", _("entrance")
    APARTMENT = "apartment", _("apartment")
    SITE = "site", _("site")
    SOURCE = "source", _("source")
    SUBSTATION = "substation", _("substation")
    STATION = "station", _("pumping or pressure station")
    FEEDER = "feeder", _("feeder or main")
    TRANSFORMER = "transformer", _("transformer")
    ZONE = "zone", _("district metered zone")
    INLET = "inlet", _("building inlet")
    RISER = "riser", _("riser")


_PIPES = (Kind.SOURCE, Kind.STATION, Kind.FEEDER, Kind.ZONE, Kind.INLET, Kind.RISER)

# Order is rank: a node may stand under one of its own rank or of an earlier one.
KINDS: dict[str, tuple[Kind, ...]] = {
    System.TERRITORY: (
        Kind.REGION,
        Kind.CITY,
        Kind.DISTRICT,
        Kind.STREET,
        Kind.SITE,
        Kind.BUILDING,
        Kind.ENTRANCE,
        Kind.APARTMENT,
    ),
    System.ELECTRICITY: (
        Kind.SOURCE,
        Kind.SUBSTATION,
        Kind.FEEDER,
        Kind.TRANSFORMER,
        Kind.INLET,
        Kind.RISER,
    ),
    System.COLD_WATER: _PIPES,
    System.HOT_WATER: _PIPES,
    System.GAS: _PIPES,
    System.HEAT: _PIPES,
}


def kind_may_contain(system: str, parent: str, child: str) -> bool:
    """Whether a node of kind `child` may stand directly under one of kind `parent`."""
    order = KINDS[system]
    return (
        child in order and parent in order and order.index(Kind(parent)) <= order.index(Kind(child))
    )
