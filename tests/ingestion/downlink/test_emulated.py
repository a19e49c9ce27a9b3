"""The reference device against the real service: what it is asked for it does, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ingestion.codecs.universal import encode
from ingestion.codecs.universal_messages import ArchiveRequest, Configuration, Hello
from ingestion.emulator.courier import Courier, Manners, Parcel
from ingestion.emulator.ledger import Ledger
from ingestion.emulator.links import link_open
from ingestion.emulator.memory import Memory
from ingestion.emulator.meters import joined, messages
from ingestion.emulator.misbehaviour import Misbehaviour, Mischief
from ingestion.emulator.responding import Responder
from ingestion.emulator.running import Plan, fleet_build
from ingestion.emulator.stock import stock_read
from ingestion.models import ModuleKey
from ingestion.services.commands import archive_reading_request, order_request
from meters.models import Command, CommandKind, CommandState, DeviceEvent, EventCode, ResultStatus
from meters.services.commands import command_request
from tests.ingestion import fleet
from tests.ingestion.fleet import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ingestion.emulator.meters import Message
    from ingestion.emulator.stock import Stock
    from tests.ingestion.fleet import Collect, Collector

    Emulate = Callable[..., "Emulated"]

MANNERS = Manners(back_off=0.1, longest=0.4, tries=6)
DAYS = 3


class Emulated:
    """Modules with a memory of three days."""

    def __init__(self, running: Collector, transport: str = "udp", rules: str = "") -> None:
        self.stock: Stock = stock_read()
        port = running.udp.port if transport == "udp" else running.tcp.port
        self.courier = Courier(
            self.stock.modules,
            link_open(transport, "127.0.0.1", port, self.stock.modules.label),
            Ledger(None),
            Mischief(Misbehaviour.parse(rules), 7),
            MANNERS,
        )
        self.memory = Memory()
        self.responder = Responder(self.courier, self.stock.meters, self.memory)

    def day(self, days_ago: int) -> list[Message]:
        """What each register counted then; remembered."""
        rows = len(self.stock.meters)
        told = messages(
            self.stock.meters.row,
            port=self.stock.meters.port,
            register=self.stock.meters.register,
            base_time=np.full(rows, fleet.day_start(days_ago)),
            interval=60,
            opening=np.full(rows, 1_000 * (DAYS + 1 - days_ago)),
            values=np.tile(np.arange(24) + days_ago, (rows, 1)),
        )
        self.memory.keep(told)
        return told

    def report(self, days_ago: int) -> None:
        """Send a day, and whatever the modules are asked for then."""
        self.courier.post(joined(self.day(days_ago)))
        self.deliver()

    def deliver(self) -> None:
        assert self.courier.deliver(seconds=60)


@pytest.fixture
def emulate() -> Iterator[Emulate]:
    made: list[Emulated] = []

    def begin(running: Collector, **values: Any) -> Emulated:
        made.append(Emulated(running, **values))
        return made[-1]

    yield begin
    for one in made:
        one.courier.link.close()


def stored_days() -> list[tuple[Any, ...]]:
    """(channel, total) of each block."""
    return fleet.rows("SELECT channel_id, total FROM meters_interval_block ORDER BY day, 1")


def known(running: Collector, count: int) -> None:
    wait_for(lambda: len(running.engine.downlink) == count, what="the commands")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_gap_is_read_from_the_archive(collect: Collect, emulate: Emulate, transport: str) -> None:
    module = fleet.module(fleet.company(), 1)
    running = collect()
    emulated = emulate(running, transport=transport)
    emulated.report(3)
    emulated.day(2)
    emulated.report(1)
    assert [total for _channel, total in stored_days()] == [276 + 24 * 3, 276 + 24]
    day = np.datetime64(fleet.day_start(2) + 43_200, "s").astype("datetime64[D]").item()
    [made] = archive_reading_request(actor=None, module=module.row, first=day, last=day)
    known(running, 1)
    emulated.report(0)
    made.refresh_from_db()
    assert (made.state, made.result_status) == (CommandState.CONFIRMED, ResultStatus.DONE)
    totals = [total for _channel, total in stored_days()]
    assert totals[:3] == [276 + 24 * 3, 276 + 24 * 2, 276 + 24]
    assert fleet.rows("SELECT count(*) FROM meters_block_revision") == [(0,)]


def test_a_period_the_module_has_forgotten_is_said_so(collect: Collect, emulate: Emulate) -> None:
    module = fleet.module(fleet.company(), 1)
    running = collect()
    emulated = emulate(running)
    given = {"port": 1, "register": 0, "start": 1_700_000_000, "end": 1_700_086_400}
    made = command_request(
        actor=None, module=module.row, kind=CommandKind.READ_ARCHIVE, parameters=given
    )
    known(running, 1)
    emulated.report(1)
    made.refresh_from_db()
    assert (made.state, made.result_status) == (CommandState.FAILED, ResultStatus.NO_DATA)


def test_what_is_lost_on_the_way_is_done_once_all_the_same(
    collect: Collect, emulate: Emulate
) -> None:
    modules = [fleet.module(fleet.company(), number) for number in range(1, 5)]
    running = collect()
    running.engine.downlink.patience = 0.05
    made = [
        command_request(actor=None, module=module.row, kind=kind)
        for module in modules
        for kind in (CommandKind.RESTART, CommandKind.SEND_STATUS, CommandKind.READ_REGISTERS)
    ]
    known(running, len(made))
    emulated = emulate(running, rules="loss=0.3,dup=0.3,reorder=0.2")
    for days_ago in (3, 2, 1) * 4:
        emulated.report(days_ago)
        if not Command.objects.exclude(state=CommandState.CONFIRMED).exists():
            break
    states = set(Command.objects.values_list("state", "result_status"))
    assert states == {(CommandState.CONFIRMED, ResultStatus.DONE)}
    assert emulated.responder.carried_out == len(made)
    assert DeviceEvent.objects.filter(code=EventCode.RESTART).count() == len(modules)


def test_what_the_module_can_not_do_fails(collect: Collect, emulate: Emulate) -> None:
    module = fleet.module(fleet.company(), 1)
    running = collect()
    running.engine.downlink.patience = 0.0
    given = {
        "interval": 15,
        "report_every": 60,
        "report_offset": 0,
        "spread": 0,
        "window": 0,
        "tries": 6,
    }
    other = command_request(
        actor=None, module=module.row, kind=CommandKind.CONFIGURE, parameters=given
    )
    known(running, 1)
    emulated = emulate(running)
    emulated.report(2)
    other.refresh_from_db()
    assert (other.state, other.result) == (CommandState.FAILED, "version 0 stays in force")
    good = command_request(
        actor=None,
        module=module.row,
        kind=CommandKind.CONFIGURE,
        parameters={**given, "interval": 60},
    )
    known(running, 1)
    emulated.report(1)
    good.refresh_from_db()
    assert good.state == CommandState.CONFIRMED
    assert Configuration(**good.parameters).version == 2


def test_a_clock_and_a_key_are_taken_over(collect: Collect, emulate: Emulate) -> None:
    module = fleet.module(fleet.company(), 1)
    running = collect()
    emulated = emulate(running)
    emulated.stock.modules.clock[0] = 4.0
    clock = command_request(actor=None, module=module.row, kind=CommandKind.SET_CLOCK)
    known(running, 1)
    emulated.report(3)
    clock.refresh_from_db()
    assert clock.state == CommandState.CONFIRMED
    assert abs(float(emulated.stock.modules.clock[0])) < 2, "though it was hardly off"
    new = order_request(actor=None, module=module.row, kind=CommandKind.NEW_KEY)
    wait_for(lambda: bool(running.engine.known.devices.flags[0] & 64), what="the key")
    for days_ago in (2, 1):
        emulated.report(days_ago)
    new.refresh_from_db()
    assert new.state == CommandState.CONFIRMED
    live = ModuleKey.objects.exclude(state=ModuleKey.State.RETIRED)
    assert [(row.selector, row.state) for row in live] == [(1, ModuleKey.State.ACTIVE)]
    assert len(stored_days()) == 3


def test_a_fleet_that_left_gaps_is_read_again(collect: Collect) -> None:
    module = fleet.module(fleet.company(), 1)
    running = collect()
    plan = Plan(
        transport="udp",
        host="127.0.0.1",
        port=running.udp.port,
        start=fleet.day_start(1),
        manners=MANNERS,
        misbehaviour=Misbehaviour.parse("gap=1"),
    )
    emulated = fleet_build(plan)
    try:
        wait_for(emulated.turn, what="the end of the reports")
        assert emulated.mischief["gap"] > 0 and stored_days() == []
        asked = ArchiveRequest(1, 1, 0, fleet.day_start(1), fleet.day_start(0))
        told = emulated.memory.find(0, asked)
        counted = sum(value for one in told for value in one.values if value is not None)
        day = np.datetime64(fleet.day_start(1) + 43_200, "s").astype("datetime64[D]").item()
        archive_reading_request(actor=None, module=module.row, first=day, last=day)
        known(running, 1)
        emulated.courier.post([Parcel(0, encode([Hello(1, 1, (1, 0, 0))]))])
        wait_for(emulated.turn, what="the end of the answers")
    finally:
        emulated.close()
    assert [total for _channel, total in stored_days()] == [counted]
    assert emulated.responder.carried_out == 1
