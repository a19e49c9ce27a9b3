"""Loading the demo: both companies in one transaction, once; then what their meters measured."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from accounts.models import Company
from accounts.services.roles import shipped_roles_sync
from config.lib.locks import lock
from ingestion.emulator.making import keys_make
from meters.models import IntervalBlock
from meters.rollups.running import roll_up_all
from meters.services.reading_types import reading_types_sync
from meters.services.usage_points import company_today

from .city import city_build
from .device_types import device_types_ensure
from .hill import hill_build
from .history import history_load
from .last_days import LAST_DAYS, last_days_load
from .people import people_create
from .sending import modules_active, story_day

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from .people import Login

__all__ = ["CITY", "HILL", "archive_load", "demo_companies", "demo_load", "is_loaded"]

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
    keys_make(modules_active((city, hill)))
    keep(people_create({CITY: city, HILL: hill}))
    return True


def demo_companies() -> list[Company]:
    """Those of the demo that are there, City Utilities first."""
    return list(Company.objects.filter(code__in=(CITY, HILL)).order_by("code"))


def archive_load(*, say: Callable[[str], None]) -> bool:
    """Load what the meters of the demo measured until now; False when it is there already.

    Not inside a transaction. A load that was interrupted is taken up where it stood: values that
    are stored already stay as they are. say: called with lines about the progress.
    """
    companies = demo_companies()
    missing = [one for one in companies if not _has_archive(one)]
    for company in missing:
        today = story_day(company)
        stored = history_load(
            company,
            today=today,
            until=today - timedelta(days=LAST_DAYS),
            say=lambda day, name=company.name: say(f"{name}: {day}"),  # type: ignore[misc]
        )
        say(f"{company.name}: {stored} values")
    if missing:
        frames = last_days_load(companies, say=lambda at: say(f"frames until {at:%Y-%m-%d %H:%M}"))
        say(f"{frames} frames")
        done = roll_up_all()
        say(f"{done.days} days rolled up")
    return bool(missing)


def _has_archive(company: Company) -> bool:
    """Whether the last day of the history is there: it is loaded last."""
    last = story_day(company) - timedelta(days=LAST_DAYS + 1)
    return IntervalBlock.objects.filter(
        day=last, channel__company=company, channel__usage_point__isnull=False
    ).exists()
