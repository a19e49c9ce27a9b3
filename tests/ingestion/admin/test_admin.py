"""Quarantine, raw frames, keys and claims in the admin: who sees what, and what is shown once."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from ingestion.advice import advice_on
from ingestion.codecs.claim import read_secret
from ingestion.codecs.universal_frame import device_id
from ingestion.keys import check_value, key_open
from ingestion.models import Claim, ModuleKey, Quarantine, RawFrame, Reason, ReplayRequest
from ingestion.services.keys import module_key_issue
from meters.models import TelemetryModule
from tests.people import World

if TYPE_CHECKING:
    from tests.people import Tenant

KEY_ADD = "/admin/ingestion/modulekey/add/"
CLAIM_ADD = "/admin/ingestion/claim/add/"
FRAMES = "/admin/ingestion/quarantine/frames/"


def browser(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def named(tenant: Tenant, number: int) -> TelemetryModule:
    TelemetryModule.objects.filter(pk=tenant.module.pk).update(address=f"RDO-{number:010d}")
    return TelemetryModule.objects.get(pk=tenant.module.pk)


def refused(tenant: Tenant | None, device: str, **values: Any) -> Quarantine:
    now = timezone.now()
    given = {"reason": Reason.NO_KEY, "count": 3, "kept": 2, "waiting": 2, **values}
    if tenant is not None:
        given |= {"company": tenant.company, "module": tenant.module}
    return Quarantine.objects.create(device=device, first_at=now, last_at=now, **given)


def frame(tenant: Tenant | None, number: int, **values: Any) -> RawFrame:
    payload = b"\x20" + device_id(f"RDO-{number:010d}") + b"\0\0\0\1" + bytes(30)
    given = {"transport": 1, "outcome": 3, "source": "10.0.0.1", "reason": "no key is known"}
    return RawFrame.objects.create(
        id=number,
        received_at=values.pop("at", timezone.now()),
        module=tenant.module if tenant else None,
        payload=payload,
        **{**given, **values},
    )


def test_every_reason_says_what_to_do(world: World) -> None:
    operator = browser(world.operator)
    for number, reason in enumerate(Reason):
        row = refused(None, f"RDO-{number:010d}", reason=reason)
        page = operator.get(f"/admin/ingestion/quarantine/{row.pk}/change/").content.decode()
        first = advice_on(reason).partition(".")[0].replace("'", "&#x27;")
        assert first in page


def test_advice_leads_to_where_the_cause_is_mended(world: World) -> None:
    operator = browser(world.operator)
    unknown = refused(None, "RDO-0000000077", reason=Reason.UNKNOWN_DEVICE)
    page = operator.get(f"/admin/ingestion/quarantine/{unknown.pk}/change/").content.decode()
    [link] = re.findall(r'href="(/admin/meters/telemetrymodule/add/[^"]*)"', page)
    assert 'value="RDO-0000000077"' in operator.get(link).content.decode()
    keyless = refused(world.city, "RDO-0000000001")
    page = operator.get(f"/admin/ingestion/quarantine/{keyless.pk}/change/").content.decode()
    assert f"{KEY_ADD}?module={world.city.module.pk}" in page


def test_frames_of_nobody_are_the_platforms(world: World) -> None:
    refused(None, "RDO-0000000077", reason=Reason.UNKNOWN_DEVICE)
    refused(world.city, "RDO-0000000001")
    lists = {
        name: browser(user).get("/admin/ingestion/quarantine/").content.decode()
        for name, user in (("operator", world.operator), ("engineer", world.city.engineer))
    }
    assert "RDO-0000000077" in lists["operator"] and "RDO-0000000001" in lists["operator"]
    assert "RDO-0000000077" not in lists["engineer"] and "RDO-0000000001" in lists["engineer"]


def test_replay_now_asks_only_for_what_one_may_change(world: World) -> None:
    rows = [refused(world.city, "RDO-0000000001"), refused(world.hill, "RDO-0000000002")]
    data = {"action": "replay_now", "_selected_action": [row.pk for row in rows]}
    ReplayRequest.objects.all().delete()
    for person in (world.city.auditor, world.city.engineer):
        browser(person).post("/admin/ingestion/quarantine/", data)
    [request] = ReplayRequest.objects.all()
    assert request.kind == ReplayRequest.Kind.DEVICES
    assert request.keys == [int.from_bytes(device_id("RDO-0000000001"), "big")]


def test_raw_frames_are_listed_and_opened_through_the_door(world: World) -> None:
    now = timezone.now()
    own = frame(world.city, 1, at=now)
    foreign = frame(world.hill, 2, at=now)
    nobodys = frame(None, 3, at=now, source="10.9.9.9")
    stored = frame(world.city, 4, at=now, outcome=0, source="10.4.4.4")

    def page(one: RawFrame) -> str:
        at = (one.received_at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        return reverse("admin:ingestion_rawframe_detail", args=[at, one.id])

    client = browser(world.city.engineer)
    shown = client.get(FRAMES).content.decode()
    assert page(own) in shown
    assert all(page(one) not in shown for one in (foreign, nobodys, stored))
    of_module = client.get(f"{FRAMES}?module={world.city.module.pk}").content.decode()
    assert page(own) in of_module and page(stored) in of_module
    assert (
        page(foreign) not in client.get(f"{FRAMES}?module={world.hill.module.pk}").content.decode()
    )
    opened = client.get(page(own)).content.decode()
    assert "20 52 44 4f 00 00 00 00 01" in opened and "RDO-0000000001" in opened
    absent = client.get(reverse("admin:ingestion_rawframe_detail", args=[5, 5]))
    for one in (foreign, nobodys):
        assert client.get(page(one)).status_code == absent.status_code == 404
    assert page(nobodys) in browser(world.operator).get(FRAMES).content.decode()


def test_raw_frames_are_filtered_and_paged(world: World) -> None:
    now = timezone.now()
    for number in range(1, 131):
        frame(world.city, number, at=now - timedelta(minutes=number), outcome=3 - number % 2)
    client = browser(world.city.engineer)

    def found(query: str) -> list[int]:
        answer = client.get(f"{FRAMES}{query}")
        assert answer.status_code == 200
        return [row["frame"].id for row in answer.context["rows"]]

    first = client.get(FRAMES)
    assert [row["frame"].id for row in first.context["rows"]] == list(range(1, 101))
    assert found(first.context["older"]) == list(range(101, 131))
    assert found("?device=RDO-0000000007") == [7]
    assert found("?device=nonsense") == []
    assert found("?outcome=2") == list(range(1, 131, 2))
    assert found("?from=2001-01-01&to=2001-01-02") == []
    for odd in (
        "?from=x",
        "?module=%00",
        f"?before={'9' * 18}-1",
        "?from=2026-01-01&to=2020-01-01",
    ):
        assert client.get(f"{FRAMES}{odd}").status_code == 200


def test_a_key_is_made_and_shown_once(world: World) -> None:
    client = browser(world.city.engineer)
    data = {"module": world.city.module.pk, "selector": 0, "key_secret": ""}
    answer = client.post(KEY_ADD, data)
    assert answer.status_code == 200 and "no-store" in answer["Cache-Control"]
    [shown] = re.findall(r"<code>([0-9a-f ]+)</code>", answer.content.decode())
    key = bytes.fromhex(shown)
    row = ModuleKey.objects.get()
    assert key_open(bytes(row.sealed), module_id=row.module_id, selector=0) == key
    assert row.check_value == check_value(key)
    for url in (f"/admin/ingestion/modulekey/{row.pk}/change/", "/admin/ingestion/modulekey/"):
        text = client.get(url).content.decode()
        assert row.check_value in text
        assert shown not in text and key.hex() not in text


@pytest.mark.parametrize("text", ["00" * 15, "zz" * 16, "00" * 16, "a"])
def test_what_is_no_key_is_refused_beside_the_field(world: World, text: str) -> None:
    data = {"module": world.city.module.pk, "selector": 0, "key_secret": text}
    answer = browser(world.city.engineer).post(KEY_ADD, data)
    assert answer.status_code == 200 and "errornote" in answer.content.decode()
    assert not ModuleKey.objects.exists()


def test_the_makers_key_is_entered_and_takes_the_place_of_the_one_before(world: World) -> None:
    module_key_issue(actor=None, module=world.city.module)
    key = bytes(range(16))
    data = {"module": world.city.module.pk, "selector": 0, "key_secret": key.hex(":")}
    answer = browser(world.city.engineer).post(KEY_ADD, data)
    assert answer.status_code == 302
    live = ModuleKey.objects.exclude(state="retired").get()
    assert live.check_value == check_value(key)


def test_keys_of_others_are_neither_given_nor_taken(world: World) -> None:
    theirs = module_key_issue(actor=None, module=world.hill.module).row
    client = browser(world.city.engineer)
    data = {"module": world.hill.module.pk, "selector": 0, "key_secret": ""}
    assert "errornote" in client.post(KEY_ADD, data).content.decode()
    for action in ("rotate", "retire"):
        client.post(
            "/admin/ingestion/modulekey/", {"action": action, "_selected_action": [theirs.pk]}
        )
    assert list(ModuleKey.objects.values_list("pk", "state")) == [(theirs.pk, "active")]


def test_keys_are_rotated_and_retired(world: World) -> None:
    row = module_key_issue(actor=None, module=world.city.module).row
    client = browser(world.city.engineer)
    listing = "/admin/ingestion/modulekey/"
    client.post(listing, {"action": "rotate", "_selected_action": [row.pk]})
    assert set(ModuleKey.objects.values_list("selector", "state")) == {
        (0, "active"),
        (1, "offered"),
    }
    client.post(listing, {"action": "retire", "_selected_action": [row.pk]})
    assert ModuleKey.objects.get(pk=row.pk).state == "retired"


def test_a_claim_secret_is_made_and_shown_once(world: World) -> None:
    module = named(world.city, 9)
    client = browser(world.city.engineer)
    answer = client.post(CLAIM_ADD, {"module": module.pk, "claim_secret": ""})
    [shown] = re.findall(r"<code>([0-9A-Z-]{34})</code>", answer.content.decode())
    claim = Claim.objects.get()
    secret = read_secret(device_id(module.address), shown)
    assert key_open(bytes(claim.sealed), module_id=module.pk, selector=2) == secret
    listing = client.get("/admin/ingestion/claim/").content.decode()
    assert shown not in listing and "waits for the module" in listing
    # Entering it again, as from the label, replaces the one before.
    answer = client.post(CLAIM_ADD, {"module": module.pk, "claim_secret": shown})
    assert answer.status_code == 302 and Claim.objects.count() == 1
    wrong = client.post(CLAIM_ADD, {"module": module.pk, "claim_secret": shown[:-1]})
    assert "errornote" in wrong.content.decode()
