"""Decoding once more what a whole device type, or a company, has sent: in steps that survive a kill."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from django.db import OperationalError, connection
from django.test import Client

from ingestion.errors import IngestionError
from ingestion.loader import Loader
from ingestion.models import RedecodedBlock, Redecoding
from ingestion.proposed_changes import redecoding_channels, redecoding_kinds, redecoding_sums
from ingestion.services import wide_redecoding
from ingestion.services.wide_redecoding import (
    redecodings_work,
    wide_redecoding_apply,
    wide_redecoding_discard,
    wide_redecoding_make,
)
from meters.models import Installation, RevisionReason
from tests.ingestion import fleet
from tests.ingestion.replay.test_redecoding import today, totals

if TYPE_CHECKING:
    from tests.ingestion.fleet import Collect, Module, Send

COUNT = 5


@pytest.fixture
def modules(collect: Collect, send: Send, monkeypatch: pytest.MonkeyPatch) -> list[Module]:
    """Five modules with two days each, and a multiplier of three entered afterwards."""
    city = fleet.company()
    made = [fleet.module(city, number) for number in range(1, COUNT + 1)]
    running = collect()
    sender = send(running)
    for one in made:
        for day in range(2):
            start = fleet.day_start(6) + day * 86_400
            frame = one.frame(fleet.profile([day + 1] * 24, start=start, opening=1000))
            assert fleet.acknowledged(one, sender.ask(frame)) == day + 1
    running.stop()
    Installation.objects.update(multiplier=3)
    # Two modules a step, three days a step.
    monkeypatch.setattr(wide_redecoding, "MOST_FRAMES", 4)
    monkeypatch.setattr(wide_redecoding, "_DAYS", 3)
    return made


def asked(modules: list[Module], **subject: Any) -> Redecoding:
    days = {"first": today() - timedelta(days=30), "last": today()}
    company = modules[0].row.company
    return wide_redecoding_make(actor=None, company=company, **subject, **days, note="CT ratio")


def again(made: Redecoding) -> Redecoding:
    return Redecoding.objects.get(pk=made.pk)


def test_a_company_is_worked_out_and_applied_in_steps(modules: list[Module]) -> None:
    made = asked(modules)
    assert (made.state, made.modules, made.everything) == ("working", COUNT, True)
    progress = []
    while again(made).state == "working":
        assert redecodings_work(most=1) == 1
        progress.append(again(made).modules_done)
    assert progress == [2, 4, 5, 5] and redecodings_work() == 0
    made = again(made)
    assert (made.frames, made.blocks, made.changed, made.refused) == (10, 10, 10 * 24, 0)
    assert sorted(totals()) == [24] * COUNT + [48] * COUNT, "nothing is written before it is seen"
    [kind] = redecoding_kinds(made)
    assert (kind.before, kind.after, kind.unit) == (Decimal("0.36"), Decimal("1.08"), "m³")
    assert (kind.changed, kind.days, len(redecoding_sums(made))) == (240, 10, COUNT)
    made = wide_redecoding_apply(actor=None, redecoding=made, note="seen by two")
    assert made.state == "applying"
    with pytest.raises(IngestionError, match="decided already"):
        wide_redecoding_apply(actor=None, redecoding=made, note="")
    with pytest.raises(IngestionError, match="decided already"):
        wide_redecoding_discard(actor=None, redecoding=made)
    redecodings_work()
    made = again(made)
    assert (made.state, made.days_done, made.left_out) == ("applied", 10, 0)
    assert made.applied_at is not None
    assert sorted(totals()) == [72] * COUNT + [144] * COUNT
    reasons = fleet.rows("SELECT DISTINCT reason, note FROM meters_block_revision")
    assert reasons == [(RevisionReason.RECALCULATED, "CT ratio: seen by two")]
    other = asked(modules)
    redecodings_work()
    assert (again(other).state, again(other).blocks) == ("ready", 0)


def test_a_kill_in_any_step_loses_and_doubles_nothing(
    modules: list[Module], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = asked(modules, device_type=modules[0].row.device_type)
    real = wide_redecoding._keep

    def killed(*_arguments: Any) -> Any:
        monkeypatch.setattr(wide_redecoding, "_keep", real)
        raise OperationalError("the connection was lost")

    redecodings_work(most=1)
    monkeypatch.setattr(wide_redecoding, "_keep", killed)
    with pytest.raises(OperationalError):
        redecodings_work()
    assert again(made).modules_done == 2
    redecodings_work()
    assert (again(made).state, again(made).blocks, again(made).frames) == ("ready", 10, 10)
    wide_redecoding_apply(actor=None, redecoding=again(made), note="")
    redecodings_work(most=2)
    load = Loader.load

    def stored_unheard(self: Loader, batch: Any) -> Any:
        monkeypatch.setattr(Loader, "load", load)
        load(self, batch)
        raise OperationalError("nobody heard of the commit")

    monkeypatch.setattr(Loader, "load", stored_unheard)
    with pytest.raises(OperationalError):
        redecodings_work()
    redecodings_work()
    made = again(made)
    assert (made.state, made.days_done, made.left_out) == ("applied", 10, 0)
    assert sorted(totals()) == [72] * COUNT + [144] * COUNT
    assert fleet.rows("SELECT count(*) FROM meters_block_revision") == [(10,)]


def test_days_that_changed_meanwhile_are_left_out_and_counted(modules: list[Module]) -> None:
    made = asked(modules)
    redecodings_work()
    fleet.rows(
        "UPDATE meters_interval_block SET small[1] = 9, total = total + 8 WHERE (channel_id, day) ="
        " (SELECT channel_id, day FROM meters_interval_block ORDER BY 1, 2 LIMIT 1) RETURNING 1"
    )
    wide_redecoding_apply(actor=None, redecoding=again(made), note="")
    redecodings_work()
    assert (again(made).days_done, again(made).left_out) == (9, 1)
    assert RedecodedBlock.objects.filter(left_out=True).count() == 1
    assert sorted(totals()) == [32] + [72] * (COUNT - 1) + [144] * COUNT


def test_what_is_discarded_is_thrown_away(modules: list[Module]) -> None:
    made = asked(modules)
    redecodings_work(most=2)
    assert again(made).days.exists()
    wide_redecoding_discard(actor=None, redecoding=made)
    redecodings_work()
    assert again(made).state == "discarded" and not RedecodedBlock.objects.exists()
    assert redecodings_work() == 0 and sorted(totals()) == [24] * COUNT + [48] * COUNT


def test_one_that_would_fill_the_disk_is_given_up(
    modules: list[Module], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wide_redecoding, "_MOST_BLOCKS", 5)
    made = asked(modules)
    redecodings_work()
    assert (again(made).state, again(made).failure) == ("failed", "too_many")
    assert not RedecodedBlock.objects.exists()


def test_a_fault_gives_up_one_and_not_the_others(
    modules: list[Module], monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = asked(modules), asked(modules)
    real = wide_redecoding._bounds

    def faulty(made: Redecoding) -> Any:
        if made.pk == bad.pk:
            raise ValueError("a fault of ours")
        return real(made)

    monkeypatch.setattr(wide_redecoding, "_bounds", faulty)
    redecodings_work()
    assert (again(bad).state, again(bad).failure) == ("failed", "fault")
    assert again(good).state == "ready"


def test_only_one_worker_is_at_it(modules: list[Module]) -> None:
    asked(modules)
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            key = [wide_redecoding._LOCK]
            cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", key)
        assert redecodings_work() == 0
    finally:
        other.close()
    fleet.wait_for(lambda: redecodings_work() > 0, what="the lock of a connection that is gone")


def test_modules_with_too_many_frames_are_left_out_and_counted(
    modules: list[Module], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wide_redecoding, "_MOST_OF_MODULE", 1)
    made = asked(modules)
    redecodings_work()
    assert (again(made).skipped, again(made).modules_done, again(made).blocks) == (COUNT, COUNT, 0)


def test_who_may_ask_for_what(world: Any) -> None:
    city, hill = world.city, world.hill
    days = {"first": today(), "last": today(), "note": "x"}
    made = wide_redecoding_make(actor=city.engineer, company=city.company, **days)
    assert made.requested_by == city.engineer
    for person in (city.keeper, city.auditor, hill.engineer):
        with pytest.raises(IngestionError, match="whole company"):
            wide_redecoding_make(actor=person, company=city.company, **days)
    with pytest.raises(IngestionError, match="Choose the company"):
        wide_redecoding_make(actor=None, company=None, **days)
    with pytest.raises(IngestionError, match="at most"):
        long = {**days, "first": today() - timedelta(days=400)}
        wide_redecoding_make(actor=None, company=city.company, **long)
    kind = hill.module.device_type
    if kind.company_id is not None:
        with pytest.raises(IngestionError, match="another company"):
            wide_redecoding_make(actor=None, company=city.company, device_type=kind, **days)
    assert not Redecoding.objects.visible_to(city.keeper).filter(pk=made.pk).exists()
    with pytest.raises(IngestionError):
        wide_redecoding_discard(actor=hill.engineer, redecoding=made)


def test_the_page_shows_progress_pages_and_sums(
    modules: list[Module], monkeypatch: pytest.MonkeyPatch
) -> None:
    from accounts.models import Role
    from accounts.services.memberships import membership_grant
    from accounts.services.roles import shipped_roles_sync
    from accounts.services.users import user_create

    shipped_roles_sync()
    user = user_create(email="e@city.test", full_name="E", password="correct horse battery")
    membership_grant(
        actor=None,
        user=user,
        company=modules[0].row.company,
        role=Role.objects.get(code="engineer", company=None),
        accepted=True,
    )
    monkeypatch.setattr("ingestion.proposed_changes.CHANNELS_SHOWN", 3)
    client = Client()
    client.force_login(user)
    data = {"first": str(today()), "last": str(today()), "note": "CT ratio"}
    text = client.post("/admin/ingestion/redecoding/add/", data).content.decode()
    assert "or the whole company" in text and not Redecoding.objects.exists()
    both = {**data, "everything": "on", "module": modules[0].row.pk}
    assert (
        "or the whole company"
        in client.post("/admin/ingestion/redecoding/add/", both).content.decode()
    )
    client.post("/admin/ingestion/redecoding/add/", {**data, "everything": "on"})
    made = Redecoding.objects.get()
    page = f"/admin/ingestion/redecoding/{made.pk}/change/"
    redecodings_work(most=1)
    assert "2 of 5 modules" in client.get(page).content.decode()
    redecodings_work()
    text = client.get(page).content.decode()
    assert "0.360 m³" in text and "1.080 m³" in text and "0.720 m³" in text and "?page=1" in text
    assert redecoding_channels(again(made), page=1)[1] is False
    assert client.get(f"{page}?page=1").content.decode().count("UP") >= 2
    assert client.get(f"{page}?page=99999999999").status_code == 200
    client.post(f"/admin/ingestion/redecoding/{made.pk}/decide/", {"apply": 1, "note": "yes"})
    assert "0 of 10 days" in client.get(page).content.decode()
    redecodings_work()
    assert sorted(totals()) == [72] * COUNT + [144] * COUNT
    [(who,)] = fleet.rows("SELECT DISTINCT user_id FROM meters_block_revision")
    assert who == user.pk
