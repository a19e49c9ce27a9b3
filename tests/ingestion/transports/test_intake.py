"""The bounded buffer between sockets and the engine."""

from __future__ import annotations

import threading

from ingestion.transports.intake import Arrival, Intake


class Silent:
    def acknowledge(self, arrivals: object, answers: object) -> None:
        raise AssertionError("nothing is stored here")


def frames(count: int) -> list[Arrival]:
    return [Arrival(bytes([index % 256]), "127.0.0.1", None) for index in range(count)]


def test_a_full_batch_is_ready_at_once_and_keeps_its_order() -> None:
    intake = Intake(size=10, linger=60)
    intake.put(Silent(), frames(25))
    taken = [intake.take(timeout=0) for _ in range(3)]
    assert [len(batch.arrivals) if batch else None for batch in taken] == [10, 10, None]
    assert [arrival.payload[0] for arrival in taken[0].arrivals] == list(range(10))


def test_a_small_batch_is_ready_once_it_has_lingered() -> None:
    now = [100.0]
    intake = Intake(size=10, linger=0.5, clock=lambda: now[0])
    intake.put(Silent(), frames(3))
    assert intake.take(timeout=0) is None
    now[0] += 0.5
    assert len(intake.take(timeout=0).arrivals) == 3


def test_a_full_intake_makes_transports_wait_until_a_batch_is_done() -> None:
    intake = Intake(size=5, limit=10, linger=0)
    transport = Silent()
    assert intake.put(transport, frames(10))
    assert intake.room() == 0
    assert not intake.put(transport, frames(1), timeout=0)
    batch = intake.take(timeout=0)
    assert not intake.put(transport, frames(1), timeout=0), "taken is not yet stored"
    waiting = threading.Thread(target=intake.done, args=[batch])
    waiting.start()
    assert intake.put(transport, frames(1), timeout=10)
    waiting.join()


def test_frames_of_two_transports_never_share_a_batch() -> None:
    intake, one, two = Intake(size=10, linger=0), Silent(), Silent()
    intake.put(one, frames(2))
    intake.put(two, frames(3))
    intake.put(one, frames(2))
    taken = [intake.take(timeout=0) for _ in range(2)]
    assert [(batch.transport, len(batch.arrivals)) for batch in taken] == [(one, 4), (two, 3)]


def test_what_is_held_can_be_taken_after_closing() -> None:
    intake = Intake(size=10, linger=60)
    intake.put(Silent(), frames(2))
    intake.close()
    assert len(intake.take(timeout=0).arrivals) == 2
    assert intake.take(timeout=0) is None
    assert not intake.put(Silent(), frames(1))
