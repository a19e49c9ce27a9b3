"""What the engine refuses, with which reason, and what it costs the others: nothing."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from ingestion.codecs.universal_frame import Key
from ingestion.codecs.universal_messages import (
    AckFlag,
    Acknowledgement,
    RegisterSnapshot,
    RegisterValue,
)
from ingestion.models import FrameOutcome, Quarantine, Reason
from meters.models import TelemetryModule
from tests.ingestion import fleet

if TYPE_CHECKING:
    from tests.ingestion.fleet import Collect, Collector, Module, Send, Sender


def refused(running: Collector, reason: Reason, count: int = 1) -> None:
    fleet.wait_for(lambda: running.engine.figures.refused[reason] >= count, what=reason)
    assert running.engine.figures.refused[reason] == count


def still_served(sender: Sender, module: Module) -> None:
    """A good frame behind the bad ones is answered, and is the first answer to come."""
    answer = sender.ask(module.frame(fleet.profile([1] * 24)))
    assert fleet.acknowledged(module, answer) == module.counter


def kept(outcome: FrameOutcome = FrameOutcome.QUARANTINED) -> list[tuple[bytes, str, int | None]]:
    found = fleet.rows(
        "SELECT payload, reason, counter FROM ingestion_raw_frame WHERE outcome = %s ORDER BY id",
        int(outcome),
    )
    return [(bytes(row[0]), row[1], row[2]) for row in found]


def counted() -> dict[tuple[str, str], int]:
    return {(row.reason, row.device): row.count for row in Quarantine.objects.all()}


def test_a_wrong_key_is_kept_counted_and_not_answered(collect: Collect, send: Send) -> None:
    one, other = (fleet.module(fleet.company(), number) for number in (1, 2))
    running = collect()
    sender = send(running)
    frame = replace(one, key=b"0123456789abcdef").frame(fleet.profile([1] * 24))
    sender.socket.send(frame)
    refused(running, Reason.WRONG_KEY)
    still_served(sender, other)
    running.stop()
    assert kept() == [(frame, "sealed with another key, or changed on the way", None)]
    assert counted() == {(Reason.WRONG_KEY, "RDO-0000000001"): 1}
    row = Quarantine.objects.get()
    assert (row.module, row.company, row.kept) == (one.row, one.row.company, 1)


def test_an_unknown_device_is_named_and_known_once_it_is_entered(
    collect: Collect, send: Send
) -> None:
    city = fleet.company()
    stranger = fleet.module(city, 7)
    TelemetryModule.objects.filter(pk=stranger.row.pk).update(address="RDO-0000000099")
    running = collect()
    sender = send(running)
    frame = stranger.frame(fleet.profile([2] * 24))
    sender.socket.send(frame)
    refused(running, Reason.UNKNOWN_DEVICE)
    # The address is put right while the engine runs: it is told by the database.
    TelemetryModule.objects.filter(pk=stranger.row.pk).update(address="RDO-0000000007")
    fleet.wait_for(lambda: bool((running.engine.known.devices.device & 0xFF == 7).any()))
    # Whether it comes again or what was kept is tried again first: it counts once.
    assert fleet.acknowledged(stranger, sender.ask(frame)) == 1
    fleet.wait_for(lambda: not kept(), what="the replay")
    running.stop()
    assert counted() == {(Reason.UNKNOWN_DEVICE, "RDO-0000000007"): 1}
    assert fleet.rows("SELECT sum(total) FROM meters_interval_block") == [(48,)]


def test_a_source_outside_the_companys_networks_is_refused(collect: Collect, send: Send) -> None:
    closed = fleet.company("closed", allowed_subnets=["10.20.0.0/16", "2001:db8::/32"])
    loopback = fleet.company("loopback", allowed_subnets=["127.0.0.0/8"])
    one, other = fleet.module(closed, 1), fleet.module(loopback, 2)
    running = collect()
    sender = send(running)
    sender.socket.send(one.frame(fleet.profile([1] * 24)))
    refused(running, Reason.FOREIGN_SOURCE)
    still_served(sender, other)
    closed.allowed_subnets = []
    closed.save()
    fleet.wait_for(lambda: running.engine.known.companies.allows(closed.pk, "127.0.0.1"))
    still_served(sender, one)


def test_a_blocked_module_and_one_without_a_key_are_told_apart(
    collect: Collect, send: Send
) -> None:
    city = fleet.company()
    blocked, keyless, good = (
        fleet.module(city, 1),
        fleet.module(city, 2, key=False),
        fleet.module(city, 3),
    )
    TelemetryModule.objects.filter(pk=blocked.row.pk).update(status="blocked")
    running = collect()
    sender = send(running)
    for one in (blocked, keyless):
        sender.socket.send(one.frame(fleet.profile([1] * 24)))
    refused(running, Reason.BLOCKED)
    refused(running, Reason.NO_KEY)
    still_served(sender, good)


def test_what_is_no_frame_is_counted_by_network(collect: Collect, send: Send) -> None:
    one = fleet.module(fleet.company(), 1)
    running = collect()
    sender = send(running)
    good = one.frame(fleet.profile([1] * 24))
    bad = [
        b"x",
        b"",
        good[:25],
        b"\xff" + good[1:],
        good[:1] + b"rdo" + good[4:],
        b"\x30" + good[1:],
    ]
    for frame in bad:
        sender.socket.send(frame)
    refused(running, Reason.MALFORMED, len(bad))
    still_served(sender, one)
    running.stop()
    [row] = Quarantine.objects.all()
    assert (row.device, row.network, row.count) == ("", "127.0.0.0/24", len(bad))
    assert {reason.partition(" (")[0] for _, reason, _ in kept(FrameOutcome.REFUSED)} == {
        "not a frame of the protocol"
    }


def test_a_repeated_frame_is_acknowledged_again_and_stored_once(
    collect: Collect, send: Send
) -> None:
    one = fleet.module(fleet.company(), 1)
    running = collect()
    sender = send(running)
    frame = one.frame(fleet.profile([3] * 24))
    answers = [sender.ask(frame) for _ in range(4)]
    assert [fleet.acknowledged(one, answer) for answer in answers] == [1] * 4
    assert len({answer[:13] for answer in answers}) == 4, "a counter downward was used twice"
    assert fleet.rows("SELECT count(*) FROM ingestion_raw_frame") == [(1,)]


def test_frames_out_of_order_are_taken_and_old_ones_are_refused_also_after_a_restart(
    collect: Collect, send: Send
) -> None:
    one = fleet.module(fleet.company(), 1)
    frames = {n: one.frame(fleet.profile([n % 7] * 24), counter=n) for n in range(1, 201)}
    running = collect()
    sender = send(running)
    for counter in (100, 98, 99, 37, 200):
        assert fleet.acknowledged(one, sender.ask(frames[counter])) == counter
    for counter in (36, 100, 136):
        sender.socket.send(frames[counter])
    refused(running, Reason.REPLAYED, 3)
    last = sender.ask(frames[200])
    running.stop()
    again = collect()
    sender = send(again)
    # Stored before the restart, within the window: acknowledged, not stored.
    repeated = sender.ask(frames[200])
    assert fleet.acknowledged(one, repeated) == 200
    assert repeated[9:13] > last[9:13], "the counter downward did not grow over the restart"
    sender.socket.send(frames[136])
    refused(again, Reason.REPLAYED)
    assert fleet.acknowledged(one, sender.ask(frames[137])) == 137
    assert fleet.rows(
        "SELECT count(*), count(DISTINCT counter) FROM ingestion_raw_frame WHERE counter IS NOT NULL"
    ) == [(6, 6)]


def test_windows_come_back_without_a_checkpoint(collect: Collect, send: Send) -> None:
    one = fleet.module(fleet.company(), 1)
    running = collect()
    frame = one.frame(fleet.profile([3] * 24))
    send(running).ask(frame)
    running.stop()
    fleet.rows("DELETE FROM ingestion_replay_window RETURNING module_id")
    again = collect()
    assert fleet.acknowledged(one, send(again).ask(frame)) == 1
    fleet.wait_for(lambda: again.engine.figures.repeated == 1)
    assert fleet.rows("SELECT count(*) FROM ingestion_raw_frame") == [(1,)]


def test_an_authentic_frame_that_breaks_a_rule_is_kept_and_said_so(
    collect: Collect, send: Send
) -> None:
    from ingestion.codecs.sealing import seal
    from ingestion.codecs.universal_frame import Direction, Header

    one = fleet.module(fleet.company(), 1)
    running = collect()
    frame = seal(one.cipher, Header(Direction.UP, Key.A, one.device, 1), b"\x0e\x00\x01")
    sender = send(running)
    # The answer may be lost: the one to the repeated frame says the same.
    for _ in range(2):
        [told] = one.answer(sender.ask(frame))
        assert isinstance(told, Acknowledgement)
        assert (told.counter, told.flags) == (1, AckFlag.NOT_UNDERSTOOD)
    running.stop()
    [(payload, reason, counter)] = kept()
    assert (payload, counter) == (frame, 1) and "byte 0" in reason


def test_unknown_ports_and_registers_are_told_apart(collect: Collect, send: Send) -> None:
    one = fleet.module(fleet.company(), 1)
    running = collect()
    sender = send(running)
    long_ago = fleet.profile([1] * 24, start=1_600_000_000 - 1_600_000_000 % 86_400)
    cases = {
        Reason.NO_METER: fleet.profile([1] * 24, port=5),
        Reason.NO_REGISTER: fleet.profile([1] * 24, register=9),
        Reason.NOT_INSTALLED: long_ago,
        Reason.OFF_GRID: fleet.profile([1] * 24, interval=40),
        Reason.NO_CLOCK: RegisterSnapshot(0, (RegisterValue(1, 0, 5),)),
    }
    for number, message in enumerate(cases.values(), 1):
        assert fleet.acknowledged(one, sender.ask(one.frame(message))) == number
    # One part of a frame that can't be attributed does not hold up the other.
    sender.ask(one.frame(fleet.profile([1] * 24), fleet.profile([1] * 24, port=6)))
    running.stop()
    found = Counter({row.reason: row.count for row in Quarantine.objects.all()})
    assert found == Counter({**dict.fromkeys(cases, 1), Reason.NO_METER: 2})
    assert len(kept()) == 5 and len(kept(FrameOutcome.PARTLY)) == 1
    assert fleet.rows("SELECT total FROM meters_interval_block") == [(24,)]


def test_one_bad_frame_of_a_thousand_costs_the_others_nothing(collect: Collect, send: Send) -> None:
    city = fleet.company()
    one = fleet.module(city, 1)
    running = collect()
    sender = send(running)
    # So long ago that the archive has no month for it; only the loader knows.
    start = fleet.day_start(20)
    days = [start + 86_400 * (number % 18) for number in range(1_000)]
    days[500] = fleet.day_start(600)
    frames = [one.frame(fleet.profile([n % 50] * 24, start=day)) for n, day in enumerate(days)]
    answers = set()
    for at in range(0, len(frames), 50):
        for frame in frames[at : at + 50]:
            sender.socket.send(frame)
        answers |= {fleet.acknowledged(one, sender.socket.recv(2048)) for _ in frames[at : at + 50]}
    assert answers == set(range(1, 1001))
    running.stop()
    assert fleet.rows("SELECT count(*) FROM ingestion_raw_frame WHERE outcome = 0") == [(999,)]
    assert counted() == {(Reason.NOT_STORABLE, "RDO-0000000001"): 1}


def test_a_flood_from_unknown_sources_costs_the_good_ones_nothing(
    collect: Collect, send: Send
) -> None:
    one = fleet.module(fleet.company(), 1)
    running = collect()
    flood, sender = send(running), send(running)
    noise = random.Random(1)
    start = fleet.day_start(5)
    for number in range(100):
        for _ in range(100):
            device = noise.randbytes(5)
            flood.socket.send(b"\x20RDO" + device + b"\x00\x00\x00\x01" + noise.randbytes(30))
        answer = sender.ask(one.frame(fleet.profile([1], start=start + 3600 * number)))
        assert fleet.acknowledged(one, answer) == number + 1
    fleet.wait_for(lambda: running.engine.figures.frames >= running.udp.received)
    running.stop()
    lost = 10_000 - running.engine.figures.refused[Reason.UNKNOWN_DEVICE]
    assert lost == running.udp.dropped_by_kernel
    unknown = Quarantine.objects.filter(reason=Reason.UNKNOWN_DEVICE)
    assert sum(row.count for row in unknown) == 10_000 - lost
    assert unknown.count() <= 10_000 // 40, "a flood must not fill the table"
    assert fleet.rows("SELECT count(*) <= 6000 FROM ingestion_raw_frame") == [(True,)]
