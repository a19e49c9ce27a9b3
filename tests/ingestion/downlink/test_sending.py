"""Commands to a module over real sockets: sent with an answer, answered, sent again, expired."""

from __future__ import annotations

import socket
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from ingestion.codecs.universal_messages import (
    AckFlag,
    Acknowledgement,
    ArchiveRequest,
    CommandResult,
    Configuration,
    Hello,
    IntervalProfile,
    NewKey,
    Opcode,
    ResultStatus,
)
from ingestion.codecs.universal_messages import Command as CommandMessage
from ingestion.services.commands import order_request
from meters.models import Command, CommandKind, CommandState
from meters.services.commands import command_cancel, command_request, commands_expire
from tests.ingestion import fleet
from tests.ingestion.fleet import profile, wait_for

if TYPE_CHECKING:
    from tests.ingestion.fleet import Collect, Collector, Module, Send, Sender

HELLO = Hello(1, 1, (1, 0, 0))


def state(command: Command) -> str:
    return Command.objects.get(pk=command.pk).state


def ordered(running: Collector, module: Module, kind: str, **values: Any) -> Command:
    """A command that collection knows of."""
    made = command_request(actor=None, module=module.row, kind=kind, **values)
    wait_for(lambda: state(made) == CommandState.QUEUED, what="the queue")
    wait_for(lambda: running.engine.downlink.of_module(module.row.pk), what="the memory")
    return made


def call(module: Module, sender: Sender, *messages: Any) -> tuple[Any, ...]:
    """What the server says to the next frame."""
    return module.answer(sender.ask(module.frame(*(messages or (HELLO,)))))


def test_a_command_waits_for_the_next_contact_and_is_confirmed(
    collect: Collect, send: Send
) -> None:
    module = fleet.module(fleet.company(), 1)
    running = collect()
    sender = send(running)
    assert len(call(module, sender)) == 1, "nothing waits"
    made = ordered(running, module, CommandKind.READ_REGISTERS)
    assert (made.attempts, made.sent_at) == (0, None)
    acknowledged, command = call(module, sender)
    assert isinstance(acknowledged, Acknowledgement)
    assert (acknowledged.counter, acknowledged.pending, acknowledged.flags) == (2, 0, 0)
    until = int(made.valid_until.timestamp())
    assert command == CommandMessage(made.request, Opcode.READ_REGISTERS, until)
    wait_for(lambda: state(made) == CommandState.SENT, what="the mark")
    done = CommandResult(made.request, ResultStatus.DONE, 5, b"\x01\xff")
    assert len(call(module, sender, done)) == 1, "it is not sent once more"
    made.refresh_from_db()
    assert (made.state, made.attempts) == (CommandState.CONFIRMED, 1)
    assert (made.result_status, made.result) == (ResultStatus.DONE, "01 ff")
    assert made.queued_at and made.sent_at and made.delivered_at and made.ended_at
    assert len(running.engine.downlink) == 0


@pytest.mark.parametrize(
    ("status", "end"),
    [
        (ResultStatus.IN_PROGRESS, CommandState.DELIVERED),
        (ResultStatus.REFUSED, CommandState.FAILED),
        (ResultStatus.UNKNOWN_COMMAND, CommandState.FAILED),
        (ResultStatus.EXPIRED, CommandState.EXPIRED),
        (200, CommandState.FAILED),
    ],
)
def test_what_the_module_answers_decides(
    collect: Collect, send: Send, status: int, end: CommandState
) -> None:
    module = fleet.module(fleet.company(), 1)
    running = collect()
    sender = send(running)
    made = ordered(running, module, CommandKind.RESTART)
    call(module, sender)
    call(module, sender, CommandResult(made.request, status, 5))
    assert state(made) == end


def test_a_command_that_was_lost_is_sent_again_under_its_number(
    collect: Collect, send: Send
) -> None:
    module = fleet.module(fleet.company(), 1)
    running = collect()
    sender = send(running)
    made = ordered(running, module, CommandKind.SEND_STATUS)
    frame = module.frame(HELLO)
    first = module.answer(sender.ask(frame))
    assert len(call(module, sender)) == 1, "not with every frame of one contact"
    again = module.answer(sender.ask(frame))
    assert first[1] == again[1], "the frame that comes again says that its answer was lost"
    running.engine.downlink.patience = 0.0
    assert call(module, sender)[1] == first[1], "a later contact"
    wait_for(lambda: Command.objects.get(pk=made.pk).attempts == 3, what="the count")
    assert state(made) == CommandState.SENT


def test_an_engine_that_begins_anew_takes_the_result_and_sends_nothing_twice(
    collect: Collect, send: Send
) -> None:
    module = fleet.module(fleet.company(), 1)
    running = collect()
    first = ordered(running, module, CommandKind.RESTART)
    sent = call(module, send(running))
    wait_for(lambda: state(first) == CommandState.SENT, what="the mark")
    running.stop()
    second = command_request(actor=None, module=module.row, kind=CommandKind.SEND_STATUS)
    running = collect()
    assert len(running.engine.downlink) == 2
    sender = send(running)
    done = CommandResult(first.request, ResultStatus.DONE, 5)
    told = call(module, sender, done)
    assert [message.request for message in told[1:]] == [second.request]
    assert sent[1].request == first.request
    assert state(first) == CommandState.CONFIRMED


def test_a_mark_that_was_lost_changes_nothing(
    collect: Collect, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = fleet.module(fleet.company(), 1)
    running = collect()
    sender = send(running)
    made = ordered(running, module, CommandKind.SEND_STATUS)
    # As if the worker were killed between the send and the mark.
    monkeypatch.setattr(running.engine.downlink, "mark", lambda leaving, now: None)
    sent = call(module, sender)[1]
    assert state(made) == CommandState.QUEUED
    running.stop()
    running = collect()
    sender = send(running)
    assert call(module, sender)[1] == sent, "the same number: the module knows it again"
    call(module, sender, CommandResult(made.request, ResultStatus.DONE, 5))
    made.refresh_from_db()
    assert (made.state, made.attempts) == (CommandState.CONFIRMED, 1)


def test_the_answer_to_a_command_taken_back_on_its_way_counts(collect: Collect, send: Send) -> None:
    module = fleet.module(fleet.company(), 1)
    running = collect()
    sender = send(running)
    made = ordered(running, module, CommandKind.SEND_STATUS)
    call(module, sender)
    wait_for(lambda: state(made) == CommandState.SENT, what="the mark")
    assert command_cancel(actor=None, command=made).state == CommandState.UNCONFIRMED
    wait_for(lambda: not len(running.engine.downlink), what="the memory")
    call(module, sender, CommandResult(made.request, ResultStatus.FAILED, 5))
    assert state(made) == CommandState.FAILED


def test_a_frame_downward_never_repeats_a_counter(collect: Collect, send: Send) -> None:
    module = fleet.module(fleet.company(), 1)
    counters = []
    for _start in range(2):
        running = collect()
        sender = send(running)
        command_request(actor=None, module=module.row, kind=CommandKind.SEND_STATUS)
        for _call in range(3):
            answer = sender.ask(module.frame(HELLO))
            counters.append(int.from_bytes(answer[9:13], "big"))
        running.stop()
    assert counters == sorted(set(counters))


def test_few_commands_are_open_at_once_and_the_rest_is_counted(
    collect: Collect, send: Send
) -> None:
    module = fleet.module(fleet.company(), 1)
    made = [
        command_request(actor=None, module=module.row, kind=CommandKind.SEND_STATUS)
        for _number in range(11)
    ]
    urgent = command_request(
        actor=None, module=module.row, kind=CommandKind.RESTART, priority=Command.Priority.URGENT
    )
    running = collect()
    sender = send(running)
    told = call(module, sender)
    assert (told[0].pending, told[0].flags) == (4, AckFlag.STAY_AWAKE)
    assert [one.request for one in told[1:]] == [
        urgent.request,
        *(one.request for one in made[:7]),
    ]
    results = [CommandResult(one.request, ResultStatus.DONE, 5) for one in told[1:]]
    told = call(module, sender, *results)
    assert told[0].pending == 0
    assert [one.request for one in told[1:]] == [one.request for one in made[7:]]


def test_only_one_frame_of_a_batch_carries_a_command(collect: Collect) -> None:
    module, other = (fleet.module(fleet.company(), number) for number in (1, 2))
    running = collect()
    made = ordered(running, module, CommandKind.SEND_STATUS)
    frames = [one.frame(HELLO) for one in (module, other, module, other)]
    with socket.create_connection(("127.0.0.1", running.tcp.port)) as connection:
        connection.settimeout(30)
        connection.sendall(b"".join(len(one).to_bytes(2, "big") + one for one in frames))
        file = connection.makefile("rb")
        answers = [file.read(int.from_bytes(file.read(2), "big")) for _frame in frames]
    told = [
        [type(message) for message in (module if n % 2 == 0 else other).answer(answer)]
        for n, answer in enumerate(answers)
    ]
    assert sum(CommandMessage in one for one in told) == 1
    wait_for(lambda: state(made) == CommandState.SENT, what="the mark")


def test_what_is_not_sent_in_time_expires(collect: Collect, send: Send) -> None:
    module = fleet.module(fleet.company(), 1)
    running = collect()
    sender = send(running)
    silent, sent = (ordered(running, module, CommandKind.SEND_STATUS) for _ in range(2))
    Command.objects.filter(pk=silent.pk).update(valid_until=timezone.now() - timedelta(hours=1))
    running.engine.downlink.refresh([module.row.pk])
    told = call(module, sender)
    assert [one.request for one in told[1:]] == [sent.request]
    wait_for(lambda: state(sent) == CommandState.SENT, what="the mark")
    assert commands_expire() == 1
    assert state(silent) == CommandState.EXPIRED
    assert commands_expire(at=timezone.now() + timedelta(days=30)) == 1
    assert state(sent) == CommandState.UNCONFIRMED
    wait_for(lambda: not len(running.engine.downlink), what="the memory")
    call(module, sender, CommandResult(sent.request, ResultStatus.DONE, 5))
    assert state(sent) == CommandState.CONFIRMED, "the module's word counts, however late"


def test_what_is_taken_back_is_not_sent(collect: Collect, send: Send) -> None:
    module = fleet.module(fleet.company(), 1)
    running = collect()
    made = ordered(running, module, CommandKind.SEND_STATUS)
    assert command_cancel(actor=None, command=made).state == CommandState.CANCELLED
    wait_for(lambda: not len(running.engine.downlink), what="the memory")
    assert len(call(module, send(running))) == 1


def test_results_of_others_and_of_no_command_change_nothing(collect: Collect, send: Send) -> None:
    module, other = (fleet.module(fleet.company(), number) for number in (1, 2))
    running = collect()
    sender = send(running)
    made = ordered(running, module, CommandKind.SEND_STATUS)
    call(module, sender)
    call(other, sender, CommandResult(made.request, ResultStatus.DONE, 5))
    call(module, sender, CommandResult(made.request % 65_535 + 1, ResultStatus.DONE, 5))
    assert state(made) == CommandState.SENT


def test_the_archive_is_asked_for_and_its_values_arrive(collect: Collect, send: Send) -> None:
    module = fleet.module(fleet.company(), 1)
    running = collect()
    sender = send(running)
    start = fleet.day_start()
    given = {"port": 1, "register": 0, "start": start, "end": start + 86_400}
    made = ordered(running, module, CommandKind.READ_ARCHIVE, parameters=given)
    [_, asked] = call(module, sender)
    assert asked == ArchiveRequest(made.request, 1, 0, start, start + 86_400)
    whole = profile(range(24))
    halves = [
        IntervalProfile(1, 0, start, 60, whole.values[:12], 1000, 0, asked.request),
        IntervalProfile(1, 0, start + 43_200, 60, whole.values[12:], 1066, 0, asked.request),
    ]
    call(module, sender, halves[0])
    assert state(made) == CommandState.DELIVERED
    call(module, sender, halves[1], CommandResult(made.request, ResultStatus.DONE, 5))
    assert state(made) == CommandState.CONFIRMED
    assert fleet.rows("SELECT total FROM meters_interval_block") == [(sum(range(24)),)]


def test_a_schedule_is_confirmed_by_the_hello_that_names_it(collect: Collect, send: Send) -> None:
    module = fleet.module(fleet.company(), 1)
    running = collect()
    sender = send(running)
    running.engine.downlink.patience = 0.0
    given = {
        "interval": 60,
        "report_every": 1_440,
        "report_offset": 15,
        "spread": 3_600,
        "window": 10,
        "tries": 6,
    }
    made = ordered(running, module, CommandKind.CONFIGURE, parameters=given)
    assert call(module, sender)[1] == Configuration(1, *given.values())
    assert call(module, sender, Hello(1, 1, (1, 0, 0), configuration=0))[1].version == 1
    assert state(made) == CommandState.SENT, "that hello may have crossed it"
    call(module, sender, Hello(1, 1, (1, 0, 0), configuration=1))
    assert state(made) == CommandState.CONFIRMED
    again = ordered(running, module, CommandKind.CONFIGURE, parameters={**given, "interval": 7})
    assert call(module, sender)[1].version == 2
    call(module, sender, Hello(1, 1, (1, 0, 0), configuration=1))
    call(module, sender, Hello(1, 1, (1, 0, 0), configuration=1))
    again.refresh_from_db()
    assert (again.state, again.result) == (CommandState.FAILED, "version 1 stays in force")


def test_a_clock_is_set_by_the_answer_and_confirmed_by_a_hello(
    collect: Collect, send: Send
) -> None:
    module = fleet.module(fleet.company(), 1)
    running = collect()
    sender = send(running)
    made = ordered(running, module, CommandKind.SET_CLOCK)
    [told] = call(module, sender)
    assert told.flags == AckFlag.SET_CLOCK | AckFlag.SEND_HELLO
    call(module, sender, Hello(told.server_time - 3_600, 1, (1, 0, 0)))
    assert state(made) == CommandState.SENT
    [told] = call(module, sender, Hello(told.server_time, 1, (1, 0, 0)))
    assert (state(made), told.flags) == (CommandState.CONFIRMED, 0)


def test_a_new_key_is_confirmed_by_its_first_use(collect: Collect, send: Send) -> None:
    module = fleet.module(fleet.company(), 1)
    running = collect()
    sender = send(running)
    made = order_request(actor=None, module=module.row, kind=CommandKind.NEW_KEY)
    wait_for(lambda: bool(running.engine.known.devices.flags[0] & 64))
    [_, given] = call(module, sender)
    assert isinstance(given, NewKey)
    wait_for(lambda: state(made) == CommandState.SENT, what="the mark")
    module.key, module.selector, module.counter = given.key, given.selector, 0
    call(module, sender)
    assert state(made) == CommandState.CONFIRMED
