"""Loading the demo: both companies in one transaction, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from accounts.models import Company
from accounts.services.roles import shipped_roles_sync
from config.lib.locks import lock
from meters.services.reading_types import reading_types_sync
from meters.services.usage_points import company_today

from .city import city_build
from .device_types import device_types_ensure
from .hill import hill_build
from .people import people_create

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from .people import Login

__all__ = ["CITY", "HILL", "demo_load", "is_loaded"]

CITY, HILL = "city-utilities", "hill-waterworks"


def is_loaded() -> bool:
    """Whether the demo was loaded here before; what people changed since then does not matter."""
    return Company.objects.filter(code=CITY).exists()


@transaction.atomic
def demo_load(*, keep: Callable[[list[Login]], None], today: date | None = None) -> bool:
    """Load the demo unless it is there; False when it is.

    keep: given the logins before anything is committed, so that no password is lost and none is
    promised that does not hold. today: day on which the story of the data ends.
    """
    lock("reports:demo")
    if is_loaded():
        return False
    shipped_roles_sync()
    reading_types_sync()
    types = device_types_ensure()
    city = Company(name="City Utilities", code=CITY, time_zone="Europe/Kyiv", currency="UAH")
    hill = Company(name="Hill Waterworks", code=HILL, time_zone="Europe/Dublin", currency="EUR")
    for company in (city, hill):
        company.full_clean()
        company.save()
    city_build(city, types, today=today or company_today(city))
    hill_build(hill, types, today=today or company_today(hill))
    keep(people_create({CITY: city, HILL: hill}))
    return True
