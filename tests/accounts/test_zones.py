"""Times in the administration are those of the user's company."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from accounts.grants import forget_grants
from accounts.models import Membership
from accounts.selectors import zone_of
from accounts.services.memberships import membership_grant
from meters.models import Installation

if TYPE_CHECKING:
    from django.test import Client

    from tests.people import World

pytestmark = pytest.mark.django_db


def test_an_installation_is_entered_in_the_companys_time(world: World, client: Client) -> None:
    city = world.city
    city.company.time_zone = "Europe/Kyiv"
    city.company.save()
    installation = Installation.objects.filter(company=city.company).first()
    assert installation is not None
    Installation.objects.filter(pk=installation.pk).update(
        installed_at=datetime(2026, 7, 1, 21, 0, tzinfo=UTC)
    )
    client.force_login(city.administrator)
    page = client.get(f"/admin/meters/installation/{installation.pk}/change/").content.decode()
    assert "2026-07-02" in page and "00:00:00" in page
    assert "21:00:00" not in page
    # Nothing of it stays for whoever is served next by this thread.
    assert timezone.get_current_timezone_name() == "UTC"


def test_whose_companies_differ_has_the_servers_zone(world: World) -> None:
    clerk = world.city.clerk
    world.city.company.time_zone, world.hill.company.time_zone = "Europe/Kyiv", "Europe/Dublin"
    world.city.company.save()
    world.hill.company.save()
    forget_grants(clerk)
    assert zone_of(clerk) == "Europe/Kyiv"
    role = Membership.objects.get(user=clerk, company=world.city.company).role
    membership_grant(actor=None, user=clerk, company=world.hill.company, role=role, accepted=True)
    forget_grants(clerk)
    assert zone_of(clerk) == "UTC"
    assert zone_of(world.operator) == "UTC"
