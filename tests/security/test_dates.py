"""S25: days at the ends of the calendar break no page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client

from ingestion.models import Redecoding
from meters.models import Command, TelemetryModule

if TYPE_CHECKING:
    from tests.people import World

DAYS = [
    ("9999-12-31", "9999-12-31"),
    ("9999-12-01", "9999-12-31"),
    ("0001-01-01", "0001-01-01"),
    ("0001-01-01", "9999-12-31"),
    ("", "0001-01-02"),
    ("9999-12-31", ""),
]
FRAMES = "/admin/ingestion/quarantine/frames/"


@pytest.fixture
def client(world: World) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(world.city.administrator)
    return client


@pytest.mark.parametrize(("first", "last"), DAYS)
def test_raw_frames(client: Client, first: str, last: str) -> None:
    assert client.get(FRAMES, {"from": first, "to": last}).status_code == 200


@pytest.mark.parametrize(("first", "last"), DAYS)
def test_archives_read_again(world: World, client: Client, first: str, last: str) -> None:
    rows = TelemetryModule.objects.filter(pk=world.city.module.pk)
    rows.update(address="RDO-0000000001")
    days = {"first": first, "last": last, "note": ""}
    archive = f"/admin/meters/command/archive/?module={world.city.module.pk}"
    assert client.post(archive, days).status_code in {200, 302}
    asked = {"module": world.city.module.pk, "kind": "read_archive", **days}
    assert client.post("/admin/meters/command/add/", asked).status_code == 200
    assert not Command.objects.exists()


@pytest.mark.parametrize(("first", "last"), DAYS)
@pytest.mark.parametrize("subject", ["module", "usage_point", "everything"])
def test_second_decodings(
    world: World, client: Client, subject: str, first: str, last: str
) -> None:
    key = "on" if subject == "everything" else getattr(world.city, subject).pk
    asked = {subject: key, "first": first, "last": last, "note": "Why"}
    answer = client.post("/admin/ingestion/redecoding/add/", asked)
    # Of long ago there is simply nothing.
    assert answer.status_code == (302 if first == last == "0001-01-01" else 200)
    assert not Redecoding.objects.filter(last__year=9999).exists()
