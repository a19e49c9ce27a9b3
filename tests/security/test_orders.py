"""Who may have which meter read: every role, in the own company and in the other one."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, Role
from accounts.services.memberships import membership_grant
from accounts.services.roles import role_create
from ingestion.services.commands import (
    archive_reading_request,
    order_cancel,
    order_request,
    registers_reading_request,
)
from meters.errors import MetersError
from meters.models import (
    Command,
    CommandKind,
    CommandState,
    Installation,
    TelemetryModule,
    UsagePoint,
)
from meters.services.commands import command_request
from meters.services.installations import meter_install
from tests.access.table import PEOPLE, ROUTES
from tests.access.walk import fingerprint, person_of

if TYPE_CHECKING:
    from accounts.models import User
    from tests.people import Tenant, World

SHOWN = {"cold_water.volume.register": Decimal(2)}
MAY = ROUTES["usage_point_order"].allowed
SEE = ROUTES["usage_point"].allowed


def browser(user: Any) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def page(tenant: Tenant) -> str:
    return f"/usage-points/{tenant.usage_point.pk}/order/"


@pytest.fixture
def ready(world: World) -> World:
    """Modules of both companies have addresses that can be told something."""
    for number, tenant in enumerate((world.city, world.hill), 1):
        rows = TelemetryModule.objects.filter(pk=tenant.module.pk)
        rows.update(address=f"RDO-{number:010d}")
        tenant.module.refresh_from_db()
    return world


@pytest.mark.parametrize("person", PEOPLE)
def test_a_reading_is_ordered_by_whoever_may(ready: World, person: str) -> None:
    client = browser(person_of(ready, person))
    answer = client.post(page(ready.city), {"order": "now", "now-note": "Disputed bill"})
    made = list(Command.objects.all())
    if person not in MAY:
        assert made == []
        # Who sees the usage point is told why not; for others there is no such thing.
        expected = 403 if person in SEE else 302 if person == "anonymous" else 404
        assert answer.status_code == expected
        if person in SEE:
            assert "Your role does not include it" in answer.content.decode()
        return
    [command] = made
    assert answer.status_code == 302
    assert (command.kind, command.module) == (CommandKind.READ_REGISTERS, ready.city.module)
    assert (command.usage_point, command.note) == (ready.city.usage_point, "Disputed bill")
    assert command.requested_by == person_of(ready, person)
    entries = AuditEntry.objects.filter(model="meters.command", object_id=str(command.pk))
    assert {entry.user_id for entry in entries} == {command.requested_by_id}


@pytest.mark.parametrize("person", sorted(set(PEOPLE) - {"operator"}))
def test_nobody_orders_in_the_other_company(ready: World, person: str) -> None:
    client = browser(person_of(ready, person))
    before = fingerprint(ready.hill)
    for data in ({"order": "now"}, {"order": "archive", **days("archive-")}):
        theirs = client.post(page(ready.hill), data)
        nobodys = client.post("/usage-points/987654321/order/", data)
        assert theirs.status_code == nobodys.status_code
        assert theirs.status_code == (302 if person == "anonymous" else 404)
    assert not Command.objects.exists()
    assert fingerprint(ready.hill) == before


@pytest.mark.parametrize("person", sorted(SEE))
def test_the_button_is_there_for_whoever_may(ready: World, person: str) -> None:
    shown = browser(person_of(ready, person)).get(f"/usage-points/{ready.city.usage_point.pk}/")
    assert (page(ready.city) in shown.content.decode()) == (person in MAY)


def test_a_clerk_orders_the_archive_and_follows_it(ready: World) -> None:
    client = browser(ready.city.clerk)
    asked = {"order": "archive", **days("archive-"), "archive-note": "A gap"}
    answer = client.post(page(ready.city), asked, follow=True).content.decode()
    assert "until the module calls" in answer and "A gap" in answer
    assert {row.kind for row in Command.objects.all()} == {CommandKind.READ_ARCHIVE}


@pytest.mark.parametrize(
    "asked",
    [
        {"order": "now", "now-note": "x" * 301},
        {"order": "archive"},
        {"order": "archive", "archive-first": "9999-12-31", "archive-last": "9999-12-31"},
        {"order": "archive", "archive-first": "0001-01-01", "archive-last": "0001-01-02"},
        {"order": "archive", "archive-first": "2026-02-30", "archive-last": "x"},
        {"order": "restart"},
        {},
    ],
)
def test_what_can_not_be_is_said_beside_the_form(ready: World, asked: dict[str, str]) -> None:
    assert browser(ready.city.clerk).post(page(ready.city), asked).status_code == 200
    assert not Command.objects.exists()


def test_a_second_click_orders_nothing(ready: World) -> None:
    client = browser(ready.city.clerk)
    client.post(page(ready.city), {"order": "now"})
    again = client.post(page(ready.city), {"order": "now"}).content.decode()
    assert "ordered already" in again
    assert Command.objects.count() == 1


def test_a_clerk_gives_no_other_command(ready: World) -> None:
    module, point = ready.city.module, ready.city.usage_point
    for kind in set(CommandKind) - {CommandKind.READ_ARCHIVE, CommandKind.READ_REGISTERS}:
        with pytest.raises(MetersError, match="may not"):
            command_request(
                actor=ready.city.clerk, module=module, usage_point=point, kind=kind, parameters={}
            )
    assert not Command.objects.exists()
    assert browser(ready.city.clerk).get("/admin/meters/command/add/").status_code == 302


def test_a_clerk_takes_back_readings_and_nothing_else(ready: World) -> None:
    [reading] = registers_reading_request(actor=None, usage_point=ready.city.usage_point)
    restart = order_request(actor=None, module=ready.city.module, kind=CommandKind.RESTART)
    for person in (ready.hill.clerk, ready.city.dispatcher):
        with pytest.raises(MetersError, match="may not"):
            order_cancel(actor=person, command=reading)
    with pytest.raises(MetersError, match="may not"):
        order_cancel(actor=ready.city.clerk, command=restart)
    assert order_cancel(actor=ready.city.clerk, command=reading).state == CommandState.CANCELLED


def of_district(tenant: Tenant, node: Any) -> User:
    """The dispatcher of everything, who orders readings in one part only."""
    role = Role.objects.get(code="clerk", company=None)
    user = tenant.dispatcher
    membership_grant(
        actor=None, user=user, company=tenant.company, role=role, node=node, accepted=True
    )
    return type(user).objects.get(pk=user.pk)  # type: ignore[no-any-return]


@pytest.mark.parametrize(("node", "status"), [("street", 302), ("other_street", 403)])
def test_a_clerk_of_a_district_orders_there(ready: World, node: str, status: int) -> None:
    user = of_district(ready.city, ready.city.things[node])
    answer = browser(user).post(page(ready.city), {"order": "now"})
    assert answer.status_code == status
    assert Command.objects.count() == (status == 302)


def test_a_point_whose_module_hangs_elsewhere_gives_its_readings_only(ready: World) -> None:
    """An installer's module in a far cellar measures many flats; one flat's clerk can't restart it."""
    module, point = ready.city.module, ready.city.usage_point
    TelemetryModule.objects.filter(pk=module.pk).update(place=ready.city.far_building)
    user = of_district(ready.city, ready.city.apartment)
    today = timezone.now().date()
    asked: dict[str, Any] = {"actor": user, "first": today, "last": today}
    assert archive_reading_request(usage_point=point, **asked)
    with pytest.raises(MetersError, match="may not"):
        archive_reading_request(module=module, **asked)
    for kind in (CommandKind.RESTART, CommandKind.NEW_KEY, CommandKind.SEND_STATUS):
        with pytest.raises(MetersError, match="may not"):
            command_request(actor=ready.city.keeper, module=module, usage_point=point, kind=kind)


def test_a_meter_that_was_removed_is_not_read_for_the_old_usage_point(ready: World) -> None:
    module, point = ready.city.module, ready.city.usage_point
    TelemetryModule.objects.filter(pk=module.pk).update(place=ready.city.far_building)
    now = timezone.now() - timedelta(hours=1)
    Installation.objects.filter(pk=ready.city.installation.pk).update(removed_at=now)
    with pytest.raises(ValidationError, match="No meter that sends by itself"):
        registers_reading_request(actor=ready.city.keeper, usage_point=point)
    with pytest.raises(MetersError, match="may not"):
        command_request(
            actor=ready.city.keeper,
            module=module,
            usage_point=point,
            kind=CommandKind.READ_REGISTERS,
        )


def test_what_a_meter_measured_elsewhere_is_not_ordered_with_the_rest(ready: World) -> None:
    """It hung here, then at a neighbour's, then here again."""
    point, meter = ready.city.usage_point, ready.city.meter
    other = UsagePoint.objects.create(
        company=ready.city.company, code="NEXT", resource="cold_water", place=ready.city.building
    )
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    away, back = now - timedelta(days=20), now - timedelta(days=10)
    here = Installation.objects.filter(pk=ready.city.installation.pk)
    here.update(removed_at=away)
    there = meter_install(actor=None, meter=meter, usage_point=other, at=away, readings=SHOWN)
    Installation.objects.filter(pk=there.pk).update(removed_at=back)
    meter_install(actor=None, meter=meter, usage_point=point, at=back, readings=SHOWN)
    first, last = (now - timedelta(days=25)).date(), now.date()
    made = archive_reading_request(
        actor=ready.city.clerk, usage_point=point, first=first, last=last
    )
    spans = [(row.parameters["start"], row.parameters["end"]) for row in made]
    assert len(spans) == 2
    for start, end in spans:
        assert end <= away.timestamp() or start >= back.timestamp()


def test_an_own_role_in_the_administration_orders_readings_and_no_more(ready: World) -> None:
    company = ready.city.company
    role = role_create(
        actor=None,
        company=company,
        name="Desk",
        code="desk",
        capabilities=["use_admin", "view_meters", "order_readings"],
    )
    user = ready.city.billing
    membership_grant(actor=None, user=user, company=company, role=role, accepted=True)
    client = browser(type(user).objects.get(pk=user.pk))
    module = ready.city.module
    chosen = {"action": "read_archive", "_selected_action": [module.pk]}
    archive = client.post("/admin/meters/telemetrymodule/", chosen)
    client.post(archive["Location"], days())
    assert {row.kind for row in Command.objects.all()} == {CommandKind.READ_ARCHIVE}
    count = Command.objects.count()
    restart = {"module": module.pk, "kind": "restart"}
    assert client.post("/admin/meters/command/add/", restart).status_code == 403
    foreign = f"/admin/meters/command/archive/?module={ready.hill.module.pk}"
    client.post(foreign, days())
    assert Command.objects.count() == count


def days(prefix: str = "") -> dict[str, str]:
    today = timezone.now().date()
    first, last = today - timedelta(days=3), today - timedelta(days=2)
    return {f"{prefix}first": str(first), f"{prefix}last": str(last)}
