"""Replays and what guards against them: counters, later values, keys that were retired since."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestion.models import FrameOutcome, Quarantine
from ingestion.services.keys import module_key_issue
from ingestion.services.replay import replay_everything
from meters.models import Channel, Meter, TelemetryModule
from tests.ingestion import fleet

if TYPE_CHECKING:
    from tests.ingestion.fleet import Collect, Module, Send

H = 3600


def values(one: Module) -> dict[int, int]:
    """Hour since the first midnight → value."""
    start = fleet.day_start(9)
    found = {}
    for day, stored in fleet.rows(
        "SELECT extract(epoch FROM day::timestamp AT TIME ZONE 'Europe/Kyiv')::bigint,"
        ' meters_block_values(small, "values", wide) FROM meters_interval_block'
        " WHERE channel_id = %s",
        one.channel(),
    ):
        found |= {(day - start) // H + slot: value for slot, value in enumerate(stored) if value}
    return found


def hour(number: int, value: int) -> object:
    return fleet.profile([value], start=fleet.day_start(9) + number * H, opening=None)


def replayed() -> None:
    """Nothing waits any more."""
    open_rows = Quarantine.objects.filter(resolved_at=None)
    fleet.wait_for(lambda: not open_rows.exists(), what="the replay")


def test_frames_older_than_the_window_fill_what_is_missing_and_nothing_else(
    collect: Collect, send: Send
) -> None:
    one = fleet.module(fleet.company(), 1)
    rows = TelemetryModule.objects.filter(pk=one.row.pk)
    rows.update(address="RDO-0000000099")
    running = collect()
    sender = send(running)
    kept = [one.frame(hour(n, n + 1)) for n in range(100)]
    for frame in (*kept, *kept[:5]):
        sender.socket.send(frame)
    fleet.wait_for(lambda: running.engine.figures.refused["unknown_device"] == 105)
    fleet.wait_for(lambda: Quarantine.objects.filter(count=105).exists(), what="the count")
    running.stop()
    rows.update(address="RDO-0000000001")
    # A live frame far ahead, correcting an hour that a kept one tells of, comes first.
    ahead = one.frame(hour(7, 500), counter=1_000)
    fleet.rows("DELETE FROM ingestion_replay_request RETURNING id")
    running = collect()
    sender = send(running)
    assert fleet.acknowledged(one, sender.ask(ahead)) == 1_000
    replay_everything()
    replayed()
    assert values(one) == {n: n + 1 for n in range(100)} | {7: 500}
    assert fleet.rows("SELECT count(*) FROM meters_block_revision") == [(0,)]
    running.stop()
    # After a restart the window is where it was: nothing below it is taken from the network.
    running = collect()
    sender = send(running)
    sender.socket.send(one.frame(hour(3, 77), counter=936))
    fleet.wait_for(lambda: running.engine.figures.refused["replayed"] == 1)
    assert fleet.acknowledged(one, sender.ask(ahead)) == 1_000
    assert fleet.rows(
        "SELECT outcome, count(*), count(DISTINCT counter) FROM ingestion_raw_frame"
        " WHERE outcome = 0 GROUP BY outcome"
    ) == [(FrameOutcome.STORED, 106, 101)]


def test_a_window_moved_by_a_replay_survives_a_kill(collect: Collect, send: Send) -> None:
    one = fleet.module(fleet.company(), 1)
    rows = TelemetryModule.objects.filter(pk=one.row.pk)
    rows.update(status="blocked")
    running = collect()
    frames = [one.frame(hour(n, 1)) for n in range(3)]
    sender = send(running)
    for frame in frames:
        sender.socket.send(frame)
    fleet.wait_for(lambda: Quarantine.objects.filter(count=3).exists(), what="the count")
    # So long ago that no raw frame since the last checkpoint tells of it.
    rows.update(status="active")
    replayed()
    running.engine._checkpoint = lambda: True  # type: ignore[method-assign]
    running.stop()
    fleet.rows("UPDATE ingestion_replay_window SET at = now() WHERE module_id = 0 RETURNING at")
    fleet.rows("DELETE FROM ingestion_raw_frame RETURNING id")
    running = collect()
    assert fleet.acknowledged(one, send(running).ask(frames[1])) == 2
    fleet.wait_for(lambda: running.engine.figures.repeated == 1)


MARK = "SELECT extract(epoch FROM now() - min(at))::int FROM ingestion_replay_window"
KILLED = "UPDATE ingestion_replay_window SET at = now() - %s * interval '1 minute' RETURNING at"


def mark_age() -> int:
    """Seconds since the last checkpoint."""
    [(seconds,)] = fleet.rows(f"{MARK} WHERE module_id = 0 AND selector >= 16")
    return int(seconds)


def test_a_checkpoint_is_due_when_the_last_one_is_old_not_when_the_process_is(
    collect: Collect, send: Send
) -> None:
    one = fleet.module(fleet.company(), 1)
    running = collect()
    frame = one.frame(hour(1, 5))
    assert fleet.acknowledged(one, send(running).ask(frame)) == 1
    # A kill, two minutes after the last checkpoint: the next start has time.
    running.engine._checkpoint = lambda: True  # type: ignore[method-assign]
    running.stop()
    fleet.rows(KILLED, 2)
    running = collect()
    assert fleet.acknowledged(one, send(running).ask(frame)) == 1
    assert 120 <= mark_age() < 180
    # Killed again, and again before there was one: it is written at once.
    running.engine._checkpoint = lambda: True  # type: ignore[method-assign]
    running.stop()
    fleet.rows(KILLED, 6)
    running = collect()
    fleet.wait_for(lambda: mark_age() < 60, what="a checkpoint")
    # It holds what was stored before the kills.
    fleet.rows("DELETE FROM ingestion_raw_frame RETURNING id")
    running.engine._checkpoint = lambda: True  # type: ignore[method-assign]
    running.stop()
    running = collect()
    assert fleet.acknowledged(one, send(running).ask(frame)) == 1
    fleet.wait_for(lambda: running.engine.figures.repeated == 1)


def test_a_frame_stored_in_part_is_completed_without_undoing_what_came_later(
    collect: Collect, send: Send
) -> None:
    one = fleet.module(fleet.company(), 1)
    running = collect()
    sender = send(running)
    both = one.frame(hour(0, 5), fleet.profile([9], port=2, start=fleet.day_start(9), opening=None))
    assert fleet.acknowledged(one, sender.ask(both)) == 1
    assert fleet.acknowledged(one, sender.ask(one.frame(hour(0, 6)))) == 2
    fleet.wait_for(lambda: Quarantine.objects.filter(reason="no_meter", waiting=1).exists())
    # The key is replaced meanwhile: what was authentic stays readable.
    old = one.key
    one.key = module_key_issue(actor=None, module=one.row).key
    assert one.key != old
    other = fleet.module(one.row.company, 2)
    Meter.objects.filter(module=other.row).update(module=one.row, port=2)
    replayed()
    assert values(one) == {0: 6}
    channel = Channel.objects.get(usage_point=other.point, reading_type__code=fleet.VOLUME).pk
    assert fleet.rows("SELECT total FROM meters_interval_block WHERE channel_id = %s", channel) == [
        (9,)
    ]
    assert fleet.rows("SELECT count(*) FROM ingestion_raw_frame WHERE outcome <> 0") == [(0,)]
    running.stop()


def test_a_fault_of_ours_puts_the_request_aside_and_collection_goes_on(
    collect: Collect, send: Send, monkeypatch: object
) -> None:
    from ingestion.models import ReplayRequest
    from ingestion.replay import replaying

    def fail(*_args: object, **_options: object) -> None:
        raise ZeroDivisionError("a fault")

    one = fleet.module(fleet.company(), 1)
    running = collect()
    sender = send(running)
    sender.ask(one.frame(fleet.profile([9], port=2)))
    fleet.wait_for(lambda: Quarantine.objects.filter(waiting=1).exists())
    monkeypatch.setattr(replaying, "store_again", fail)  # type: ignore[attr-defined]
    replay_everything()
    fleet.wait_for(lambda: ReplayRequest.objects.filter(failed__contains="a fault").exists())
    assert fleet.acknowledged(one, sender.ask(one.frame(hour(0, 6)))) == 2
