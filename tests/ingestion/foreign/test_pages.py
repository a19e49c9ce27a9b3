"""Stored messages of foreign protocols on pages: what they say, and where a value comes from."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING

import pytest

from accounts.models import Role, User
from accounts.services.memberships import membership_grant
from accounts.services.roles import shipped_roles_sync
from ingestion.models import ModuleInput, RawFrame
from reports.panel.lineage import lineage_read
from tests.ingestion import fleet
from tests.ingestion.archive import blocks, day_of
from tests.ingestion.fleet import wait_for
from tests.ingestion.foreign import site
from tests.ingestion.foreign.test_collecting import REGISTER, send_udp, sw3l

if TYPE_CHECKING:
    from django.test import Client

    from tests.ingestion.fleet import Collect

pytestmark = pytest.mark.usefixtures("archive_tables")


def operator() -> User:
    shipped_roles_sync()
    made = User.objects.create_user("operator@readout.test", "Zebra-4 crossing", full_name="O")
    role = Role.objects.get(code="platform_operator", company=None)
    membership_grant(actor=None, user=made, company=None, role=role, accepted=True)
    return made


def test_the_pages_of_a_message_and_of_a_value_explain_them(
    collect: Collect, client: Client
) -> None:
    city = fleet.company()
    kind = site.publish(city, site.shipped("dragino_sw3l_nb"))
    module = site.module(city, kind, "866203010123456")
    point = site.install(module, {REGISTER: 0})
    running = collect()
    top = site.hours_ago(3).replace(minute=0, second=0)
    hour = top - timedelta(hours=1)
    send_udp(running, sw3l("866203010123456", top, 900_000, (hour, 855_000)))
    wait_for(lambda: site.intervals(point, "cold_water.volume")[-1:] == [100], what="the interval")
    running.stop()
    user, frame = operator(), RawFrame.objects.get()
    client.force_login(user)
    page = client.get(f"/modules/{module.pk}/frames/", {"frame": frame.id}, follow=True)
    assert "imei: 0866203010123456" in page.content.decode()
    at = int(frame.received_at.timestamp() * 1_000_000)
    page = client.get(f"/admin/ingestion/quarantine/frames/{at}/{frame.id}/")
    assert "imei: 0866203010123456" in page.content.decode()
    channel = point.channels.get(reading_type__code="cold_water.volume")
    [day] = [key[1] for key, row in blocks().items() if key[0] == channel.pk and 100 in row[2]]
    slot = (int(hour.timestamp()) - day_of(str(day))) // 3_600
    found = lineage_read(user, channel, day, slot)
    assert found is not None
    said = {(one.at, one.count) for one in found.said}
    assert said == {(hour.astimezone(UTC), 1_900), (top.astimezone(UTC), 2_000)}


def test_the_page_of_inputs_lists_what_pulses_are_worth(client: Client, db: None) -> None:
    city = fleet.company()
    kind = site.publish(city, site.shipped("adeunis_pulse_4_nbiot"))
    ModuleInput.objects.create(module=site.module(city, kind, "1"), port=0, pulse_weight=10)
    client.force_login(operator())
    page = client.get("/admin/ingestion/moduleinput/")
    assert page.status_code == 200
    assert "10.000000" in page.content.decode()
