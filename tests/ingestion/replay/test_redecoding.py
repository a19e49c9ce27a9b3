"""Decoding once more: what would change is shown, then applied as it was shown, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from ingestion.codecs import universal_messages as m
from ingestion.errors import IngestionError
from ingestion.models import Redecoding
from ingestion.proposed_changes import redecoding_sums
from ingestion.replay.anew import MOST_FRAMES
from ingestion.services.redecoding import (
    late_changes_propose,
    redecoding_apply,
    redecoding_discard,
    redecoding_make,
)
from meters.models import (
    DeviceTypeVersion,
    Installation,
    Meter,
    Quality,
    ReadingType,
    RegisterTemplate,
    RevisionReason,
    TelemetryModule,
)
from meters.services.device_types import device_type_version_publish
from meters.services.installations import meter_exchange
from tests.ingestion import fleet

if TYPE_CHECKING:
    from tests.ingestion.fleet import Collect, Module, Send

H = 3600


def today() -> Any:
    return datetime.now(UTC).date()


def again(one: Module, **subject: Any) -> Redecoding:
    days = {"first": today() - timedelta(days=30), "last": today()}
    return redecoding_make(
        actor=None, **(subject or {"module": one.row}), **days, note="The scale was wrong"
    )


def totals() -> list[int]:
    return [row[0] for row in fleet.rows("SELECT total FROM meters_interval_block ORDER BY day")]


def sent(running: Any, send: Send, one: Module, days: int = 3) -> None:
    sender = send(running)
    for day in range(days):
        start = fleet.day_start(6) + day * 86_400
        frame = one.frame(fleet.profile([day + 1] * 24, start=start, opening=1000))
        assert fleet.acknowledged(one, sender.ask(frame)) == day + 1


def publish(one: Module, definition: str) -> None:
    version = DeviceTypeVersion.objects.create(
        device_type=one.row.device_type, number=2, definition=definition
    )
    for name, code, minutes in fleet.WATER:
        RegisterTemplate.objects.create(
            version=version,
            register=name,
            reading_type=ReadingType.objects.get(code=code),
            interval_minutes=minutes,
        )
    device_type_version_publish(actor=None, version=version)


def test_a_newer_version_is_shown_and_applied_as_shown(collect: Collect, send: Send) -> None:
    one = fleet.module(fleet.company(), 1)
    running = collect()
    sent(running, send, one)
    running.stop()
    publish(
        one,
        '[universal.registers.0]\nreading_types = ["cold_water.volume"]\nscale = "10"\n',
    )
    made = again(one)
    assert (made.frames, made.blocks, made.changed, made.refused) == (3, 3, 72, 0)
    assert totals() == [24, 48, 72], "nothing is written before somebody has looked"
    [row] = redecoding_sums(made)
    assert (row.changed, row.before, row.after) == (72, Decimal("0.144"), Decimal("1.44"))
    assert row.difference == Decimal("1.296") and row.unit == "m³"
    redecoding_apply(actor=None, redecoding=made, note="Seen by two")
    assert totals() == [240, 480, 720]
    revisions = fleet.rows("SELECT reason, note, total FROM meters_block_revision ORDER BY day")
    note = "The scale was wrong: Seen by two"
    assert revisions == [(RevisionReason.RECALCULATED, note, total) for total in (24, 48, 72)]
    made.refresh_from_db()
    assert made.state == Redecoding.State.APPLIED and made.applied_at is not None
    with pytest.raises(IngestionError, match="decided already"):
        redecoding_apply(actor=None, redecoding=made, note="")
    assert again(one).changed == 0, "decoding the same once more changes nothing"


def test_a_multiplier_corrected_late_is_worked_out_from_the_frames(
    collect: Collect, send: Send
) -> None:
    one = fleet.module(fleet.company(), 1)
    # Before there are readings a change is no late one.
    Installation.objects.update(multiplier=2)
    Installation.objects.update(multiplier=1)
    running = collect()
    sent(running, send, one)
    running.stop()
    assert late_changes_propose() == []
    Installation.objects.update(multiplier=3)
    [made] = late_changes_propose()
    assert (made.module, made.changed) == (one.row, 72)
    # Taken back before anybody has looked: the proposal is gone with it.
    Installation.objects.update(multiplier=1)
    assert late_changes_propose() == [] and not Redecoding.objects.exists()


def test_what_a_person_edited_stays(collect: Collect, send: Send) -> None:
    one = fleet.module(fleet.company(), 1, multiplier=1)
    running = collect()
    sent(running, send, one, days=1)
    running.stop()
    fleet.rows(
        "UPDATE meters_interval_block SET quality = decode(repeat('05', 24), 'hex') RETURNING day"
    )
    Installation.objects.update(multiplier=3)
    assert again(one).changed == 0


def test_it_is_applied_only_to_what_was_shown(collect: Collect, send: Send) -> None:
    one = fleet.module(fleet.company(), 1)
    running = collect()
    sent(running, send, one, days=1)
    Installation.objects.update(multiplier=3)
    made = again(one)
    other = one.frame(fleet.profile([7], start=fleet.day_start(6), opening=1000))
    fleet.wait_for(lambda: running.engine.known.routes.multiplier.max() == 30_000)
    fleet.acknowledged(one, send(running).ask(other))
    running.stop()
    before = totals()
    with pytest.raises(IngestionError, match="has changed since"):
        redecoding_apply(actor=None, redecoding=made, note="")
    assert totals() == before
    redecoding_discard(actor=None, redecoding=made)
    made.refresh_from_db()
    assert made.state == Redecoding.State.DISCARDED


def test_an_exchange_entered_ten_days_late(collect: Collect, send: Send) -> None:
    """The registers told 900 → 20: without the exchange a reset, of which nothing is known."""
    city = fleet.company()
    one = fleet.module(city, 1)
    running = collect()
    sender = send(running)
    start = fleet.day_start(12)
    shown = [880, 890, 900, 20, 30, 45]
    for hour, value in enumerate(shown):
        told = m.RegisterSnapshot(start + hour * H, (m.RegisterValue(1, 0, value),))
        assert fleet.acknowledged(one, sender.ask(one.frame(told)))
    running.stop()
    assert sum(totals()) == 45
    old = Meter.objects.get(module=one.row)
    new = Meter.objects.create(company=city, serial="NEW", device_type=old.device_type)
    meter_exchange(
        actor=None,
        usage_point=one.point,
        at=datetime.fromtimestamp(start + 2 * H + 1800, UTC),
        closing={fleet.REGISTER: Decimal("0.907")},
        meter=new,
        opening={fleet.REGISTER: Decimal("0.015")},
    )
    Meter.objects.filter(pk=old.pk).update(module=None)
    Meter.objects.filter(pk=new.pk).update(module=TelemetryModule.objects.get(pk=one.row.pk))
    # Nobody has to ask: the change is noted, worked out, and waits for a decision.
    [made] = late_changes_propose()
    assert (made.module, made.requested_by, made.state) == (one.row, None, "ready")
    assert late_changes_propose() == []
    by_registers = again(one, usage_point=one.point)
    assert redecoding_sums(by_registers) == redecoding_sums(made)
    redecoding_apply(actor=None, redecoding=made, note="Exchange of the 3rd")
    # 880 → 907 on the old meter, 15 → 45 on the new one.
    assert sum(totals()) == 27 + 30
    [(values, quality)] = fleet.rows("SELECT small, quality FROM meters_interval_block")
    assert values[:5] == [10, 10, 12, 10, 15]
    assert bytes(quality)[2] & 7 == Quality.ESTIMATED


def test_what_it_takes(world: Any) -> None:
    city, hill = world.city, world.hill
    days = {"first": today(), "last": today(), "note": "x"}
    with pytest.raises(IngestionError, match="may not"):
        redecoding_make(actor=city.engineer, module=hill.module, **days)
    with pytest.raises(IngestionError, match="Choose a module"):
        redecoding_make(actor=None, **days)
    with pytest.raises(IngestionError, match="at most"):
        redecoding_make(
            actor=None, module=city.module, **{**days, "first": today() - timedelta(days=500)}
        )
    assert MOST_FRAMES >= 31 * 24 * 4


def test_the_page_shows_and_decides(collect: Collect, send: Send) -> None:
    from accounts.models import Role
    from accounts.services.memberships import membership_grant
    from accounts.services.roles import shipped_roles_sync
    from accounts.services.users import user_create

    one = fleet.module(fleet.company(), 1)
    running = collect()
    sent(running, send, one, days=1)
    running.stop()
    Installation.objects.update(multiplier=3)
    shipped_roles_sync()
    user = user_create(email="e@city.test", full_name="E", password="correct horse battery")
    membership_grant(
        actor=None,
        user=user,
        company=one.row.company,
        role=Role.objects.get(code="engineer", company=None),
        accepted=True,
    )
    client = Client()
    client.force_login(user)
    data = {"module": one.row.pk, "first": str(today()), "last": str(today()), "note": "CT ratio"}
    answer = client.post("/admin/ingestion/redecoding/add/", data)
    made = Redecoding.objects.get()
    page = f"/admin/ingestion/redecoding/{made.pk}/change/"
    assert answer.headers["Location"] == page and made.requested_by == user
    text = client.get(page).content.decode()
    assert "0.024" in text and "0.072" in text and "0.048" in text
    answer = client.post(f"/admin/ingestion/redecoding/{made.pk}/decide/", {"apply": 1})
    assert answer.status_code == 302 and totals() == [72]
    [(who,)] = fleet.rows("SELECT user_id FROM meters_block_revision")
    assert who == user.pk
    assert "decide-note" not in client.get(page).content.decode()
