"""Commands in the admin: given, shown, taken back; archives read again from the lists of devices."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from ingestion.models import ModuleKey
from ingestion.services.commands import archive_reading_request, order_cancel, order_request
from ingestion.services.keys import module_key_issue
from meters.errors import MetersError
from meters.models import Command, CommandKind, CommandState, ResultStatus, TelemetryModule
from meters.services.commands import MOST_OPEN, command_request, commands_move

if TYPE_CHECKING:
    from tests.people import Tenant, World

ADD = "/admin/meters/command/add/"
LIST = "/admin/meters/command/"
SCHEDULE = {
    "interval": 60,
    "report_every": 1_440,
    "report_offset": 15,
    "spread": 3_600,
    "window": 10,
    "tries": 6,
}


def browser(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def named(tenant: Tenant, number: int = 1) -> TelemetryModule:
    TelemetryModule.objects.filter(pk=tenant.module.pk).update(address=f"RDO-{number:010d}")
    return TelemetryModule.objects.get(pk=tenant.module.pk)


def days(first: int, last: int) -> dict[str, str]:
    """So many days ago."""
    today = timezone.now().date()
    return {
        "first": str(today - timedelta(days=first)),
        "last": str(today - timedelta(days=last)),
    }


def test_an_archive_is_asked_for_from_the_list_of_modules(world: World) -> None:
    module = named(world.city)
    client = browser(world.city.engineer)
    data = {"action": "read_archive", "_selected_action": [module.pk]}
    page = client.post("/admin/meters/telemetrymodule/", data)
    assert page.status_code == 302
    assert module.serial in client.get(page["Location"]).content.decode()
    client.post(page["Location"], {**days(5, 4), "note": "Gap in May"})
    made = list(Command.objects.order_by("pk"))
    assert made and {row.kind for row in made} == {CommandKind.READ_ARCHIVE}
    zone = ZoneInfo(world.city.company.time_zone)
    for row in made:
        assert (row.module, row.requested_by, row.note) == (
            module,
            world.city.engineer,
            "Gap in May",
        )
        begin, end = (
            datetime.fromtimestamp(row.parameters[name], zone) for name in ("start", "end")
        )
        assert (begin.hour, begin.minute, end.hour) == (0, 0, 0)
        assert str(begin.date()) == days(5, 4)["first"]
        assert (end.date() - begin.date()).days == 2
    assert "Gap in May" in client.get(f"{LIST}{made[0].pk}/change/").content.decode()


def test_an_archive_is_asked_for_by_usage_point_and_cut_to_months(world: World) -> None:
    module = named(world.city)
    client = browser(world.city.keeper)
    data = {"action": "read_archive", "_selected_action": [world.city.usage_point.pk]}
    page = client.post("/admin/meters/usagepoint/", data)
    client.post(page["Location"], {**days(50, 0), "note": ""})
    made = list(Command.objects.order_by("pk"))
    assert {(row.module, row.usage_point) for row in made} == {(module, world.city.usage_point)}
    spans = [(row.parameters["start"], row.parameters["end"]) for row in made]
    assert all(end - start <= 31 * 86_400 for start, end in spans)
    assert len(set(spans)) == 2 and spans[0][1] == spans[1][0]
    assert max(end for _start, end in spans) <= timezone.now().timestamp()


@pytest.mark.parametrize("period", [days(1, 3), days(500, 0), days(-3, -5)])
def test_a_period_that_can_not_be_is_refused(world: World, period: dict[str, str]) -> None:
    module = named(world.city)
    client = browser(world.city.engineer)
    client.post(f"{LIST}archive/?module={module.pk}", period)
    data = {"module": module.pk, "kind": "read_archive", **period}
    assert "errornote" in client.post(ADD, data).content.decode()
    assert not Command.objects.exists()


def test_a_schedule_is_given_beside_its_fields(world: World) -> None:
    module = named(world.city)
    client = browser(world.city.engineer)
    data = {"module": module.pk, "kind": "configure", **SCHEDULE}
    bad = client.post(ADD, {**data, "report_offset": 1_440}).content.decode()
    assert "after the period" in bad
    assert "needs it" in client.post(ADD, {**data, "tries": ""}).content.decode()
    assert not Command.objects.exists()
    client.post(ADD, data)
    client.post(ADD, data)
    versions = [row.parameters.pop("version") for row in Command.objects.order_by("pk")]
    assert versions == [1, 2]
    assert client.get(LIST).content.decode().count("a report every 1440 min") == 2


def test_a_command_is_taken_back_before_and_after_it_left(world: World) -> None:
    module = named(world.city)
    waiting, gone = (
        order_request(actor=world.city.engineer, module=module, kind=CommandKind.RESTART)
        for _number in range(2)
    )
    for state in (CommandState.QUEUED, CommandState.SENT):
        assert commands_move(commands=Command.objects.filter(pk=gone.pk), to=state) == 1
    data = {"action": "cancel", "_selected_action": [waiting.pk, gone.pk]}
    browser(world.city.engineer).post(LIST, data)
    states = list(Command.objects.order_by("pk").values_list("state", flat=True))
    assert states == [CommandState.CANCELLED, CommandState.UNCONFIRMED]
    again = browser(world.city.engineer).post(LIST, data, follow=True).content.decode()
    assert "has ended already" in again


def test_a_key_that_is_taken_back_is_given_no_more(world: World) -> None:
    module = named(world.city)
    module_key_issue(actor=None, module=module)
    made = order_request(actor=world.city.engineer, module=module, kind=CommandKind.NEW_KEY)
    assert ModuleKey.objects.filter(state=ModuleKey.State.OFFERED).count() == 1
    with pytest.raises(Exception, match="waits for this module already"):
        order_request(actor=world.city.engineer, module=module, kind=CommandKind.NEW_KEY)
    order_cancel(actor=world.city.engineer, command=made)
    assert not ModuleKey.objects.filter(state=ModuleKey.State.OFFERED).exists()


def test_others_give_no_commands_and_take_none_back(world: World) -> None:
    module = named(world.city)
    made = order_request(actor=None, module=module, kind=CommandKind.RESTART)
    for person in (world.hill.engineer, world.city.auditor, world.stranger):
        with pytest.raises(MetersError, match="may not"):
            command_request(actor=person, module=module, kind=CommandKind.RESTART)
        with pytest.raises(MetersError, match="may not"):
            order_cancel(actor=person, command=made)
        today = timezone.now().date()
        with pytest.raises(MetersError, match="may not"):
            archive_reading_request(actor=person, module=module, first=today, last=today)
    client = browser(world.hill.engineer)
    client.post(f"{LIST}archive/?module={module.pk}", days(2, 1))
    client.post(ADD, {"module": module.pk, "kind": "restart"})
    assert Command.objects.count() == 1
    assert str(module) not in client.get(LIST).content.decode()


def test_what_a_module_answered_is_read_in_words(world: World) -> None:
    module = named(world.city)
    made = order_request(actor=None, module=module, kind=CommandKind.RESTART)
    rows = Command.objects.filter(pk=made.pk)
    commands_move(commands=rows, to=CommandState.QUEUED)
    status = ResultStatus.REFUSED
    commands_move(commands=rows, to=CommandState.FAILED, result_status=status, result="0a ff")
    page = browser(world.city.auditor).get(f"{LIST}{made.pk}/change/").content.decode()
    assert "refused by the module (0a ff)" in page
    assert world.city.canary in page


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (CommandKind.RESTART, {"port": 1}),
        (CommandKind.READ_ARCHIVE, {}),
        (CommandKind.READ_ARCHIVE, {"port": 1, "register": 0, "start": 9, "end": 9}),
        (CommandKind.READ_ARCHIVE, {"port": 65_536, "register": 0, "start": 0, "end": 9}),
        (CommandKind.CONFIGURE, {**SCHEDULE, "tries": 0}),
        ("close_valve", {}),
    ],
)
def test_parameters_are_those_of_the_protocol(
    world: World, kind: str, given: dict[str, int]
) -> None:
    from django.core.exceptions import ValidationError

    with pytest.raises(ValidationError):
        command_request(actor=None, module=named(world.city), kind=kind, parameters=given)
    assert not Command.objects.exists()


def test_states_are_come_to_as_is_legal_and_each_is_audited(world: World) -> None:
    made = order_request(actor=None, module=named(world.city), kind=CommandKind.RESTART)
    rows = Command.objects.filter(pk=made.pk)
    assert made.state == CommandState.APPROVED and made.approved_at
    for illegal in (CommandState.SENT, CommandState.CONFIRMED, CommandState.APPROVED):
        assert commands_move(commands=rows, to=illegal) == 0
    for legal in (CommandState.QUEUED, CommandState.SENT, CommandState.CONFIRMED):
        assert commands_move(commands=rows, to=legal) == 1
    for late in (CommandState.FAILED, CommandState.EXPIRED, CommandState.CANCELLED):
        assert commands_move(commands=rows, to=late) == 0
    audited: Any = made
    told = audited.events.order_by("pgh_id").values_list("state", flat=True)
    assert list(told) == ["requested", "approved", "queued", "sent", "confirmed"]


def test_a_module_is_not_buried_under_commands(world: World) -> None:
    module = named(world.city)
    Command.objects.bulk_create(
        Command(
            company=world.city.company,
            module=module,
            kind=CommandKind.RESTART,
            request=number + 1,
            valid_until=timezone.now() + timedelta(days=1),
        )
        for number in range(MOST_OPEN)
    )
    with pytest.raises(MetersError, match="wait for the module"):
        command_request(actor=None, module=module, kind=CommandKind.RESTART)


def test_only_active_modules_with_an_address_are_told_anything(world: World) -> None:
    with pytest.raises(Exception, match="no address"):
        order_request(actor=None, module=world.city.module, kind=CommandKind.RESTART)
    module = named(world.city)
    TelemetryModule.objects.filter(pk=module.pk).update(status=TelemetryModule.Status.STORED)
    with pytest.raises(MetersError, match="not active"):
        order_request(actor=None, module=module, kind=CommandKind.RESTART)
