"""The pages of commands in a browser: given from the list of modules, followed, taken back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from ingestion.services.commands import order_request
from meters.models import Command, CommandKind, CommandState, ResultStatus, TelemetryModule
from meters.services.commands import commands_move
from tests.browser.page import assert_fits, follow

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.people import World

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ADMINISTRATOR = "administrator@city.test"
SCHEDULE = {
    "interval": 60,
    "report_every": 1_440,
    "report_offset": 15,
    "spread": 3_600,
    "window": 10,
    "tries": 6,
}


def _fill(world: World) -> TelemetryModule:
    module: TelemetryModule = world.city.module
    TelemetryModule.objects.filter(pk=module.pk).update(address="RDO-0000000001")
    module.refresh_from_db()
    order_request(actor=None, module=module, kind=CommandKind.CONFIGURE, parameters=SCHEDULE)
    refused = order_request(actor=None, module=module, kind=CommandKind.RESTART, note="No signal")
    rows = Command.objects.filter(pk=refused.pk)
    for state in (CommandState.QUEUED, CommandState.SENT):
        commands_move(commands=rows, to=state)
    commands_move(commands=rows, to=CommandState.FAILED, result_status=ResultStatus.REFUSED)
    return module


def test_an_archive_is_read_again_from_the_list(visit: Callable[..., Any], people: World) -> None:
    module = _fill(people)
    first = timezone.now().date() - timedelta(days=3)
    with visit(ADMINISTRATOR) as page:
        page.goto("/admin/meters/telemetrymodule/")
        page.check(f"input.action-select[value='{module.pk}']")
        page.select_option("select[name=action]", "read_archive")
        follow(page, "button[name=index]")
        assert module.serial in page.inner_text("#content-main")
        assert_fits(page)
        page.fill("input[name=first]", str(first))
        page.fill("input[name=last]", str(first))
        page.fill("input[name=note]", "A gap")
        follow(page, ".submit-row input")
        assert "waits until its module calls" in page.inner_text(".messages")
    assert Command.objects.filter(kind=CommandKind.READ_ARCHIVE, note="A gap").exists()


def test_pages_are_in_order_wide_and_narrow(visit: Callable[..., Any], people: World) -> None:
    _fill(people)
    failed = Command.objects.get(state=CommandState.FAILED)
    with visit(ADMINISTRATOR) as page:
        for address in ("", "add/", f"{failed.pk}/change/"):
            answer = page.goto(f"/admin/meters/command/{address}")
            assert answer.status == 200, address
            assert page.locator("h1").count() == 1, address
            assert_fits(page, address)


def test_a_clerk_orders_a_reading_where_the_usage_point_is(
    visit: Callable[..., Any], people: World
) -> None:
    point = people.city.usage_point
    TelemetryModule.objects.filter(pk=people.city.module.pk).update(address="RDO-0000000001")
    with visit("clerk@city.test") as page:
        page.goto(f"/usage-points/{point.pk}/")
        follow(page, "text=Order a reading")
        assert_fits(page)
        page.fill("input[name=now-note]", "Disputed bill")
        follow(page, "button[value=now]")
        assert "until the module calls" in page.inner_text(".messages")
        assert "Disputed bill" in page.inner_text("table")
        follow(page, "button[value=now]")
        assert "ordered already" in page.inner_text("[role=alert]")
    assert Command.objects.get().kind == CommandKind.READ_REGISTERS
