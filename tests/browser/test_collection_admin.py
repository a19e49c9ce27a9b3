"""The pages of collection in a browser: no error, no policy breach, no sideways scrolling."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from ingestion.codecs.universal_frame import device_id
from ingestion.models import MqttLogin, Quarantine, RawFrame, RedecodedBlock, Redecoding
from ingestion.services.mqtt_logins import mqtt_login_give
from meters.models import Channel, DeviceEvent
from tests.browser.page import assert_fits, follow
from tests.ingestion import fleet
from tests.ingestion.admin.test_admin import named

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.people import World

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ADMINISTRATOR = "administrator@city.test"


def _fill(world: World) -> dict[str, Any]:
    """Something on every page; returns what stands in the addresses."""
    city, now = world.city, timezone.now()
    row = Quarantine.objects.create(
        company=city.company,
        module=city.module,
        reason="no_meter",
        device="RDO-0000000001",
        detail="port 5, register 0",
        count=1_234_567,
        kept=12,
        waiting=12,
        first_at=now - timedelta(days=2),
        last_at=now,
    )
    frame = RawFrame.objects.create(
        id=1,
        received_at=now,
        module=city.module,
        transport=1,
        outcome=3,
        counter=7,
        source="10.20.30.40",
        reason="no meter is on this port of the module (port 5, register 0)",
        payload=b"\x20" + device_id("RDO-0000000001") + bytes(range(47)),
    )
    event = DeviceEvent.objects.create(
        company=city.company,
        module=city.module,
        meter=city.meter,
        port=1,
        code=32,
        severity=3,
        at=now,
        received_at=now,
    )
    made = Redecoding.objects.create(
        company=city.company,
        module=city.module,
        first=now.date(),
        last=now.date(),
        note="The scale was wrong",
        changed=24,
        blocks=1,
    )
    RedecodedBlock.objects.create(
        redecoding=made,
        channel=Channel.objects.filter(usage_point=city.usage_point).first(),
        day=now.date(),
        interval_minutes=60,
        before=[5] * 24,
        after=[50] * 24,
        quality=bytes(24),
        changed=24,
        sum_before=120,
        sum_after=1200,
    )
    wide = Redecoding.objects.create(
        company=city.company,
        everything=True,
        first=now.date(),
        last=now.date(),
        note="The scale was wrong",
        state="working",
        modules=100_000,
        modules_done=4_321,
        changed=24,
        blocks=1,
    )
    day = RedecodedBlock.objects.get()
    day.pk, day.redecoding = None, wide
    day.save()
    mqtt_login_give(actor=None, module=named(city, 1))
    microseconds = int(frame.received_at.timestamp()) * 1_000_000 + frame.received_at.microsecond
    keys = {"row": row.pk, "event": event.pk, "made": made.pk, "module": city.module.pk}
    keys |= {"wide": wide.pk, "login": MqttLogin.objects.get().pk}
    return {**keys, "frame": f"{microseconds}/1"}


PAGES = [
    "/admin/ingestion/quarantine/",
    "/admin/ingestion/quarantine/{row}/change/",
    "/admin/ingestion/quarantine/frames/",
    "/admin/ingestion/quarantine/frames/?device=nothing",
    "/admin/ingestion/quarantine/frames/{frame}/",
    "/admin/meters/deviceevent/",
    "/admin/meters/deviceevent/{event}/change/",
    "/admin/ingestion/modulekey/add/?module={module}",
    "/admin/ingestion/modulekey/",
    "/admin/ingestion/modulekey/import/",
    "/admin/ingestion/claim/add/",
    "/admin/ingestion/mqttlogin/",
    "/admin/ingestion/mqttlogin/add/",
    "/admin/ingestion/mqttlogin/{login}/change/",
    "/admin/ingestion/redecoding/",
    "/admin/ingestion/redecoding/add/",
    "/admin/ingestion/redecoding/{made}/change/",
    "/admin/ingestion/redecoding/{wide}/change/",
    "/admin/ingestion/redecoding/{wide}/change/?page=1",
]


def test_pages_are_in_order_wide_and_narrow(
    visit: Callable[..., Any], people: World, archive_tables: None
) -> None:
    keys = _fill(people)
    with visit(ADMINISTRATOR) as page:
        for pattern in PAGES:
            address = pattern.format(**keys)
            answer = page.goto(address)
            assert answer.status == 200, address
            assert page.locator("h1").count() == 1, address
            assert_fits(page, address)


def test_a_made_key_is_shown_on_one_page_only(visit: Callable[..., Any], people: World) -> None:
    with visit(ADMINISTRATOR) as page:
        page.goto(f"/admin/ingestion/modulekey/add/?module={people.city.module.pk}")
        follow(page, "input[name=_save], button[name=_save]")
        shown = page.locator(".shown-once code").inner_text()
        assert len(bytes.fromhex(shown)) == 16
        follow(page, "text=I have it")
        assert shown not in page.content()
    assert fleet.rows("SELECT count(*) FROM ingestion_modulekey") == [(1,)]


def test_a_changed_password_is_shown_on_one_page_only(
    visit: Callable[..., Any], people: World
) -> None:
    mqtt_login_give(actor=None, module=named(people.city, 1))
    with visit(ADMINISTRATOR) as page:
        page.goto("/admin/ingestion/mqttlogin/")
        page.check("input[name=_selected_action]")
        page.select_option("select[name=action]", "rotate")
        follow(page, "button[name=index]")
        shown = page.locator("td code").all_inner_texts()
        assert shown[0] == "RDO-0000000001" and len(shown[1]) >= 20
        follow(page, "text=I have them")
        assert shown[1] not in page.content()
