"""Commands where several engines share the devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ingestion.codecs.universal_messages import CommandResult, Hello, ResultStatus
from ingestion.engine import EngineState
from meters.models import Command, CommandKind, CommandState
from meters.services.commands import command_request
from tests.ingestion import fleet
from tests.ingestion.fleet import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.ingestion.fleet import Collector, Send

HELLO = Hello(1, 1, (1, 0, 0))


@pytest.fixture
def both(archive_tables: None) -> Iterator[list[Collector]]:
    started: list[Collector] = []
    for _number in range(2):
        one = fleet.Collector(shares=2)
        started.append(one)
        one.udp.start()
        one.tcp.start()
        one.engine.start()
    wait_for(lambda: [working(one) for one in started] == [1, 1], what="one share each")
    yield started
    for one in started:
        one.stop()


def working(one: Collector) -> int:
    return len(one.engine.shares.held) if one.engine.state == EngineState.WORKING else 0


def test_a_command_reaches_its_module_by_whichever_engine_hears_it(
    both: list[Collector], send: Send
) -> None:
    modules = [fleet.module(fleet.company(), number) for number in range(1, 7)]
    for module in modules:
        command_request(actor=None, module=module.row, kind=CommandKind.SEND_STATUS)
    for one in both:
        wait_for(lambda one=one: len(one.engine.downlink) == len(modules), what="the commands")
        wait_for(lambda one=one: len(one.engine.known.devices) == len(modules), what="the modules")
    sender = send(both[0])
    for module in modules:
        [_, command] = module.answer(sender.ask(module.frame(HELLO)))
        done = CommandResult(command.request, ResultStatus.DONE, 5)
        assert len(module.answer(sender.ask(module.frame(done)))) == 1
    assert both[0].engine.handing_on.handed_on > 0
    assert set(Command.objects.values_list("state", "attempts")) == {(CommandState.CONFIRMED, 1)}
    for one in both:
        wait_for(lambda one=one: not len(one.engine.downlink), what="all to forget them")
