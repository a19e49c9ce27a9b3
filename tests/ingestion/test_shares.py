"""Several engines side by side: each works for its devices, and no frame is lost between them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest
from django.db import connection

from ingestion.codecs.universal_frame import VERSION
from ingestion.engine import EngineState
from ingestion.models import EngineShare, Quarantine, RegistryChange, ReplayRequest
from ingestion.services.keys import module_key_issue
from ingestion.shares import alone, is_collecting, shares_of, shares_of_frames
from meters.models import TelemetryModule
from tests.ingestion import fleet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.ingestion.fleet import Collector, Module, Send

    Engines = Callable[[], Collector]

_SHARES = 2


@pytest.fixture
def engine(archive_tables: None) -> Iterator[Engines]:
    """Starts one more engine of two."""
    started: list[Collector] = []

    def start() -> Collector:
        one = fleet.Collector(shares=_SHARES)
        one.udp.start()
        one.tcp.start()
        one.engine.start()
        started.append(one)
        return one

    yield start
    for one in started:
        if one.engine.alive:
            one.stop()


@pytest.fixture
def both(engine: Engines) -> tuple[Collector, Collector]:
    """Two engines with a share each; the first has share 0."""
    first = engine()
    fleet.wait_for(lambda: first.engine.shares.all_held, what="the first alone")
    second = engine()
    fleet.wait_for(lambda: held(first) == {0} and held(second) == {1}, what="one share each")
    return first, second


def held(one: Collector) -> set[int]:
    return set(one.engine.shares.held) if one.engine.state == EngineState.WORKING else set()


def share(module: Module) -> int:
    number = int.from_bytes(module.device, "big")
    return int(shares_of(np.array([number], np.uint64), _SHARES)[0])


def modules_of_each(count: int = 2) -> tuple[list[Module], list[Module]]:
    """Modules of share 0, and of share 1."""
    owner, found = fleet.company(), ([], [])
    number = 0
    while min(map(len, found)) < count:
        number += 1
        one = fleet.module(owner, number)
        found[share(one)].append(one)
    return found[0][:count], found[1][:count]


def total() -> int:
    return int(fleet.rows("SELECT coalesce(sum(total), 0)::int FROM meters_interval_block")[0][0])


def test_ids_that_follow_one_another_fall_into_all_shares() -> None:
    device = np.arange(1_234_000, 1_244_000, dtype=np.uint64)
    for count in (2, 3, 8):
        counts = np.bincount(shares_of(device, count), minlength=count)
        assert counts.min() > 0.9 * len(device) / count


def test_a_frame_has_the_share_of_its_device() -> None:
    first = bytes([VERSION << 5])
    frames = [first + number.to_bytes(8, "big") + bytes(30) for number in range(100)]
    expected = shares_of(np.arange(100, dtype=np.uint64), 4)
    assert (shares_of_frames(frames, 4) == expected).all()
    strangers = [b"", b"short", b'{"Time":"2026-01-17T01:29:07","ENERGY":{"Total":91.135}}']
    assert shares_of_frames([*strangers, frames[0]], 4).tolist() == [-1] * 3 + [int(expected[0])]


def test_a_frame_that_reaches_the_other_engine_is_handed_on_and_answered(
    both: tuple[Collector, Collector], send: Send
) -> None:
    mine, others = modules_of_each()
    first, second = both
    fleet.wait_for(lambda: not RegistryChange.objects.exists(), what="both have read the modules")
    sender = send(first)
    for module in (*mine, *others):
        answer = sender.ask(module.frame(fleet.profile([4] * 24)))
        assert fleet.acknowledged(module, answer) == module.counter
    assert total() == 4 * 96
    assert first.engine.figures.stored == second.engine.figures.stored == 2
    assert first.engine.handing_on.handed_on == 2
    sources = fleet.rows("SELECT DISTINCT source, transport FROM ingestion_raw_frame")
    assert sources == [("127.0.0.1", first.udp.code)]


def test_a_replayed_frame_is_known_wherever_it_arrives(
    both: tuple[Collector, Collector], send: Send
) -> None:
    module = modules_of_each(1)[1][0]
    first, second = both
    fleet.wait_for(lambda: not RegistryChange.objects.exists(), what="both have read the modules")
    frame = module.frame(fleet.profile([4] * 24))
    for collector in (first, second, first):
        fleet.acknowledged(module, send(collector).ask(frame))
    assert second.engine.figures.stored == 1
    assert second.engine.figures.repeated == 2
    assert first.engine.figures.stored == 0


def test_the_rest_takes_over_and_gives_back(engine: Engines, send: Send) -> None:
    mine, others = modules_of_each(1)
    first = engine()
    second = engine()
    fleet.wait_for(lambda: len(held(first)) == len(held(second)) == 1, what="one share each")
    frames = [one.frame(fleet.profile([4] * 24)) for one in (*mine, *others)]
    sender = send(first)
    for frame in frames:
        sender.ask(frame)
    second.stop()
    fleet.wait_for(lambda: held(first) == {0, 1}, what="the first takes all")
    # The windows came along: what the other had stored is recognised.
    for frame in frames:
        sender.ask(frame)
    assert first.engine.figures.repeated >= 2
    assert total() == 2 * 96
    third = engine()
    fleet.wait_for(lambda: len(held(first)) == len(held(third)) == 1, what="it gives one back")
    later = [
        one.frame(fleet.profile([5] * 24, start=fleet.day_start(1))) for one in (*mine, *others)
    ]
    for frame in later:
        sender.ask(frame)
    assert total() == 2 * 96 + 2 * 120


def test_frames_for_an_engine_that_vanished_wait_for_its_successor(
    both: tuple[Collector, Collector], send: Send
) -> None:
    module = modules_of_each(1)[1][0]
    first, second = both
    fleet.wait_for(lambda: not RegistryChange.objects.exists(), what="both have read the modules")
    # Its address leads nowhere, its lock is still held.
    EngineShare.objects.filter(share=1).update(address="127.0.0.1:1")
    fleet.wait_for(lambda: first.engine.handing_on._addresses.get(1) == "127.0.0.1:1")
    sender = send(first)
    sender.socket.send(module.frame(fleet.profile([4] * 24)))
    fleet.wait_for(lambda: first.intake.limit - first.intake.room() == 1, what="it is kept")
    assert sender.silent()
    second.stop()
    assert fleet.acknowledged(module, sender.socket.recv(2048)) == 1
    assert total() == 96


def test_what_changes_is_read_by_both(both: tuple[Collector, Collector]) -> None:
    mine, others = modules_of_each(1)
    for module in (*mine, *others):
        module.key = module_key_issue(actor=None, module=module.row).key
    keys = {module.row.pk: module.key for module in (*mine, *others)}

    def read(collector: Collector) -> bool:
        known = collector.engine.known
        assert known is not None
        found = known.devices.by_module(np.array(list(keys), np.int64))
        return found.min() >= 0 and all(
            key in {known.devices.key(int(row), selector) for selector in (0, 1)}
            for row, key in zip(found, keys.values(), strict=True)
        )

    for collector in both:
        fleet.wait_for(lambda one=collector: read(one), what="the new keys")
    fleet.wait_for(lambda: not RegistryChange.objects.exists(), what="the notes are gone")


def test_kept_frames_of_both_shares_are_replayed(
    both: tuple[Collector, Collector], send: Send
) -> None:
    mine, others = modules_of_each(1)
    first, second = both
    for number, module in enumerate((*mine, *others)):
        TelemetryModule.objects.filter(pk=module.row.pk).update(address=f"RDO-{900 + number:010d}")
    fleet.wait_for(lambda: not RegistryChange.objects.exists(), what="nobody knows them")
    sender = send(first)
    for module in (*mine, *others):
        sender.socket.send(module.frame(fleet.profile([4] * 24)))
    fleet.wait_for(lambda: Quarantine.objects.count() == 2, what="both wait")
    for module in (*mine, *others):
        TelemetryModule.objects.filter(pk=module.row.pk).update(address=module.row.address)
    fleet.wait_for(lambda: total() == 2 * 96, what="both are stored")
    fleet.wait_for(lambda: not ReplayRequest.objects.exists(), what="the requests are done")


def test_marks_follow_the_number_of_shares(
    engine: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows of a former division begin at the earliest of its marks."""
    # Marks so old would be moved at once by the first checkpoint.
    monkeypatch.setattr("ingestion.engine._CHECKPOINT_SECONDS", 1e12)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ingestion_replay_window (module_id, selector, highest, seen, at) VALUES"
            " (0, 0, 0, 0, '2026-01-02 00:00Z'), (0, 18, 0, 0, '2026-01-01 00:00Z')"
        )
    first = engine()
    fleet.wait_for(lambda: first.engine.shares.all_held and held(first), what="all shares")
    marks = "SELECT selector::int, at::date::text FROM ingestion_replay_window WHERE module_id = 0"
    found = dict(fleet.rows(f"{marks} AND selector <> 1"))
    assert found == {16: "2026-01-01", 17: "2026-01-01"}
    first.stop()
    assert set(dict(fleet.rows(f"{marks} AND selector <> 1 AND at > '2026-01-02'"))) == {16, 17}


def test_whoever_wants_to_be_alone_waits_for_no_engine(engine: Engines) -> None:
    with alone() as nobody:
        assert nobody
        first = engine()
        fleet.wait_for(lambda: first.engine.state == EngineState.STANDBY, what="it stands by")
    fleet.wait_for(lambda: held(first), what="it works")
    assert is_collecting()
    with alone() as nobody:
        assert not nobody


def test_many_frames_through_the_wrong_door(both: tuple[Collector, Collector]) -> None:
    """Both doors at once, each with frames of both: every one is stored once and answered."""
    mine, others = modules_of_each(3)
    fleet.wait_for(lambda: not RegistryChange.objects.exists(), what="both have read the modules")
    frames = [
        module.frame(fleet.profile([1], start=fleet.day_start(3) + 3600 * hour))
        for module in (*mine, *others)
        for hour in range(40)
    ]
    answered = []

    def ask(collector: Collector, part: list[bytes]) -> None:
        sender = fleet.Sender(collector.udp.port)
        answered.extend(sender.ask(frame) for frame in part)
        sender.close()

    threads = [
        threading.Thread(target=ask, args=(collector, frames[place::2]))
        for place, collector in enumerate(both)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answered) == len(frames)
    assert total() == len(frames)
    assert sum(one.engine.figures.stored for one in both) == len(frames)
