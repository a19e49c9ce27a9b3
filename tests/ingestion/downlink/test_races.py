"""Commands and keys that cross one another: what comes late, twice, or while it is taken back."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from ingestion.codecs.universal_frame import Key
from ingestion.codecs.universal_messages import (
    AckFlag,
    CommandResult,
    Hello,
    NewKey,
    Opcode,
    ResultStatus,
)
from ingestion.keys import key_open
from ingestion.models import ModuleKey
from ingestion.services.commands import order_cancel, order_request
from ingestion.services.keys import module_key_confirm
from meters.errors import MetersError
from meters.models import Command, CommandKind, CommandState
from meters.services.commands import command_cancel, command_request, commands_move
from tests.ingestion import fleet
from tests.ingestion.fleet import wait_for

if TYPE_CHECKING:
    from tests.ingestion.fleet import Collect, Collector, Module, Send, Sender

HELLO = Hello(1, 1, (1, 0, 0))
SCHEDULE = {
    "interval": 60,
    "report_every": 1_440,
    "report_offset": 15,
    "spread": 3_600,
    "window": 10,
    "tries": 6,
}


def state(command: Command) -> str:
    return Command.objects.get(pk=command.pk).state


def known(running: Collector, module: Module, made: Command) -> Command:
    """Once collection knows of it."""
    here = running.engine.downlink.of_module
    wait_for(lambda: made.pk in {order.id for order in here(module.row.pk)}, what="the memory")
    return made


def call(module: Module, sender: Sender, *messages: Any) -> tuple[Any, ...]:
    return module.answer(sender.ask(module.frame(*(messages or (HELLO,)))))


def test_a_number_that_comes_again_means_the_last_command_that_has_it(
    collect: Collect, send: Send
) -> None:
    module = fleet.module(fleet.company(), 1)
    running = collect()
    sender = send(running)
    old, new = (
        command_request(actor=None, module=module.row, kind=CommandKind.RESTART)
        for _number in range(2)
    )
    command_cancel(actor=None, command=old)
    Command.objects.filter(pk=old.pk).update(request=new.request)
    known(running, module, new)
    call(module, sender)
    call(module, sender, CommandResult(new.request, ResultStatus.DONE, 5))
    assert (state(old), state(new)) == (CommandState.CANCELLED, CommandState.CONFIRMED)


def test_a_schedule_that_has_not_left_is_in_force_nowhere(collect: Collect, send: Send) -> None:
    module = fleet.module(fleet.company(), 1)
    running = collect()
    sender = send(running)
    made = command_request(
        actor=None, module=module.row, kind=CommandKind.CONFIGURE, parameters=SCHEDULE
    )
    known(running, module, made)
    # From another server, or from before the database was put back from a backup.
    elsewhere = Hello(1, 1, (1, 0, 0), configuration=1)
    assert len(call(module, sender, elsewhere)) == 2, "it is sent"
    wait_for(lambda: state(made) == CommandState.SENT, what="the mark")
    call(module, sender, elsewhere)
    assert state(made) == CommandState.CONFIRMED


def test_a_clock_that_is_right_by_chance_is_set_all_the_same(collect: Collect, send: Send) -> None:
    module = fleet.module(fleet.company(), 1)
    running = collect()
    sender = send(running)
    made = command_request(actor=None, module=module.row, kind=CommandKind.SET_CLOCK)
    known(running, module, made)
    right = Hello(int(timezone.now().timestamp()) - 20, 1, (1, 0, 0))
    [told] = call(module, sender, right)
    assert told.flags == AckFlag.SET_CLOCK | AckFlag.SEND_HELLO
    wait_for(lambda: state(made) == CommandState.SENT, what="the mark")


def test_what_is_urgent_waits_for_nothing_that_is_never_answered(
    collect: Collect, send: Send
) -> None:
    module = fleet.module(fleet.company(), 1)
    for _number in range(10):
        command_request(actor=None, module=module.row, kind=CommandKind.SEND_STATUS)
    running = collect()
    sender = send(running)
    assert len(call(module, sender)) == 1 + 8
    urgent = command_request(
        actor=None, module=module.row, kind=CommandKind.RESTART, priority=Command.Priority.URGENT
    )
    known(running, module, urgent)
    acknowledged, command = call(module, sender)
    assert (command.request, command.opcode) == (urgent.request, Opcode.RESTART)
    assert acknowledged.pending == 2


def test_what_left_while_it_was_taken_back_is_not_said_to_have_stayed(
    collect: Collect, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = fleet.module(fleet.company(), 1)
    running = collect()
    sender = send(running)
    made = command_request(actor=None, module=module.row, kind=CommandKind.RESTART)
    known(running, module, made)
    # The engine has not heard of it yet: it looks once a second.
    monkeypatch.setattr(running.engine, "_refresh", lambda: None)
    assert command_cancel(actor=None, command=made).state == CommandState.CANCELLED
    assert len(call(module, sender)) == 2
    wait_for(lambda: state(made) == CommandState.UNCONFIRMED, what="the truth")
    made.refresh_from_db()
    assert made.sent_at and made.attempts == 1 and not len(running.engine.downlink)
    monkeypatch.undo()
    call(module, sender, CommandResult(made.request, ResultStatus.DONE, 5))
    assert state(made) == CommandState.CONFIRMED


def given_key(running: Collector, module: Module, sender: Sender) -> NewKey:
    """The key that an order of a new one brings the module."""
    order_request(actor=None, module=module.row, kind=CommandKind.NEW_KEY)
    wait_for(lambda: bool(running.engine.known.devices.flags[0] & 64), what="the offer")
    [_, given] = call(module, sender)
    assert isinstance(given, NewKey)
    return given


def test_a_new_key_confirms_no_order_of_another_key(collect: Collect, send: Send) -> None:
    module = fleet.module(fleet.company(), 1)
    running = collect()
    sender = send(running)
    first = order_request(actor=None, module=module.row, kind=CommandKind.NEW_KEY)
    order_cancel(actor=None, command=first)
    wait_for(lambda: not running.engine.known.devices.flags[0] & 64, what="the key to go")
    given = given_key(running, module, sender)
    module.key, module.selector, module.counter = given.key, given.selector, 0
    call(module, sender)
    second = Command.objects.latest("pk")
    assert (state(first), state(second)) == (CommandState.CANCELLED, CommandState.CONFIRMED)


def test_a_key_that_was_just_taken_back_is_not_acknowledged(
    collect: Collect, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the module forgets the key that still counts, and is never heard again."""
    module = fleet.module(fleet.company(), 1)
    running = collect()
    sender = send(running)
    old = module.key, module.selector, module.counter
    given = given_key(running, module, sender)
    with monkeypatch.context() as patch:
        # The engine has not heard of it yet: it looks once a second.
        patch.setattr(running.engine, "_refresh", lambda: None)
        order_cancel(actor=None, command=Command.objects.latest("pk"))
        module.key, module.selector, module.counter = given.key, given.selector, 0
        stored = running.engine.figures.stored
        sender.socket.send(module.frame(HELLO))
        wait_for(lambda: running.engine.figures.stored > stored, what="the frame")
        assert ModuleKey.objects.filter(state=ModuleKey.State.ACTIVE).count() == 1
    module.key, module.selector, module.counter = old[0], old[1], old[2] + 10
    assert module.answer(sender.ask(module.frame(HELLO))), "the first answer is to the old key"


@pytest.mark.usefixtures("archive_tables")
def test_a_key_is_taken_back_while_it_is_used_for_the_first_time() -> None:
    """Whoever comes first wins, and neither makes the other fail."""
    module = fleet.module(fleet.company(), 1)
    made = order_request(actor=None, module=module.row, kind=CommandKind.NEW_KEY)
    for step in (CommandState.QUEUED, CommandState.SENT):
        commands_move(commands=Command.objects.filter(pk=made.pk), to=step)
    offered = ModuleKey.objects.get(module=module.row, state=ModuleKey.State.OFFERED)
    key = key_open(bytes(offered.sealed), module_id=module.row.pk, selector=offered.selector)
    problems: list[Exception] = []

    def take_back() -> None:
        try:
            order_cancel(actor=None, command=made)
        except Exception as error:
            problems.append(error)
        finally:
            connection.close()

    other = threading.Thread(target=take_back)
    with transaction.atomic():
        # The engine has come as far as the key, and not yet to the command.
        ModuleKey.objects.select_for_update().get(pk=offered.pk)
        other.start()
        wait_for(_somebody_waits, what="the other one to wait")
        assert module_key_confirm(module_id=module.row.pk, selector=offered.selector, key=key)
    other.join(30)
    [problem] = problems
    assert isinstance(problem, MetersError) and "ended already" in str(problem)
    live = ModuleKey.objects.exclude(state=ModuleKey.State.RETIRED)
    assert [row.pk for row in live] == [offered.pk]
    assert offered.selector == Key.B and state(made) == CommandState.CONFIRMED


def _somebody_waits() -> bool:
    return bool(fleet.rows("SELECT count(*) FROM pg_locks WHERE NOT granted")[0][0])


def test_numbers_of_commands_that_may_still_be_answered_are_not_drawn_again(
    archive_tables: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = fleet.module(fleet.company(), 1)
    old = command_request(actor=None, module=module.row, kind=CommandKind.RESTART)
    Command.objects.filter(pk=old.pk).update(state=CommandState.UNCONFIRMED)
    monkeypatch.setattr("meters.services.commands._NOT_AGAIN", 0)
    drawn = iter([old.request - 1, old.request % 65_535])
    monkeypatch.setattr("secrets.randbelow", lambda _below: next(drawn))
    new = command_request(actor=None, module=module.row, kind=CommandKind.RESTART)
    assert new.request == old.request % 65_535 + 1
    assert new.valid_until > timezone.now() + timedelta(days=1)
