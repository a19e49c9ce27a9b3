"""Pages with nothing on them yet: they say what is to come, and who may enter things finds the way."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse

from accounts.models import Company, Role, User
from accounts.services.memberships import membership_grant
from meters.models import ReadingType
from tests.reports.archive import node_block

if TYPE_CHECKING:
    from django.test import Client

    from tests.people import World

pytestmark = pytest.mark.django_db


def someone_new(role: str) -> User:
    """A person of a company that has just been made."""
    company, _ = Company.objects.get_or_create(code="new", name="New Works")
    user = User.objects.create_user(email=f"{role}@new.example", full_name="Somebody New")
    membership_grant(
        actor=None,
        user=user,
        company=company,
        role=Role.objects.get(company=None, code=role),
        accepted=True,
    )
    return user


def text_as(client: Client, user: User, url: str) -> str:
    client.force_login(user)
    return client.get(url).content.decode().partition("<main")[2]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("/", "No readings yet"),
        ("/networks/", "No network to see"),
        ("/modules/", "Modules appear here once they are entered or imported."),
    ],
)
def test_an_empty_page_leads_on_who_may_enter_things(
    world: World, client: Client, url: str, words: str
) -> None:
    way = f'href="{reverse("admin:index")}"'
    page = text_as(client, someone_new("company_administrator"), url)
    assert words in page and page.count(way) == 1
    page = text_as(client, someone_new("clerk"), url)
    assert words in page and way not in page


def test_no_module_that_is_silent_is_no_empty_list(world: World, client: Client) -> None:
    page = text_as(client, someone_new("company_administrator"), "/modules/?state=silent")
    assert "Every module is heard" in page and "No modules yet" not in page


def test_a_day_that_has_just_begun_is_not_without_a_week_before(
    world: World, client: Client
) -> None:
    city = world.city
    kind = ReadingType.objects.get(code="cold_water.volume")
    today = datetime.now(ZoneInfo(city.company.time_zone)).date()
    node_block(city.town, today - timedelta(days=7), [2000] * 24, reading_type=kind)
    page = text_as(client, city.clerk, "/")
    assert "nothing yet" in page and "no week before" not in page
    # The other way round: used today, and nothing known of the week before.
    other = ReadingType.objects.get(code="hot_water.volume")
    node_block(city.town, today, [1000, *[None] * 23], reading_type=other)
    assert "no week before" in text_as(client, city.clerk, "/")
