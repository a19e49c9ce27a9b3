"""D10: one poisoned frame in a batch of five thousand costs the others nothing."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from ingestion.codecs.universal import encode
from ingestion.codecs.universal_messages import IntervalProfile, RegisterSnapshot, RegisterValue
from tests.faults.delivery import Delivery, Item
from tests.faults.lines import UdpLine
from tests.faults.load import HOUR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.faults.load import Device, Load
    from tests.faults.site import Stage

BATCH = 5_000
# The devices of the batch have two frames a day each, far from the one that is poisoned.
_DAYS_AGO = 300
_REFUSED_TOTAL = 123_456
_CONSTRAINT = f"ALTER TABLE meters_interval_block ADD CHECK (total <> {_REFUSED_TOTAL})"
_STORED = "SELECT count(*) FROM ingestion_raw_frame WHERE outcome = 0"
_KEPT = "SELECT payload, outcome, reason FROM ingestion_raw_frame WHERE outcome <> 0 ORDER BY id"
_COUNTED = "SELECT coalesce(sum(count), 0)::int FROM ingestion_quarantine"
_NOW = int(time.time()) // HOUR * HOUR


def _profile(start: int, *values: int) -> bytes:
    return encode([IntervalProfile(1, 0, start, 60, values, 10)])


def _snapshot(at: int, value: int) -> bytes:
    return encode([RegisterSnapshot(at, (RegisterValue(1, 0, value),))])


# What each poisoned frame says under its seal.
POISON: dict[str, bytes] = {
    "no message of the protocol": b"\x0e\x00\x01",
    "a message that ends too early": _profile(_NOW - 90 * HOUR, 1, 2, 3)[:-1],
    "the year 1970": _snapshot(1, 5),
    "the year 2105": _snapshot(0xFFFF_FFF0, 5),
    "a register beyond every digit": _snapshot(_NOW - 90 * HOUR, 2**63 - 1),
    "what only the database refuses": _profile(_NOW - 80 * HOUR, _REFUSED_TOTAL),
}


def _forged(device: Device, counter: int) -> bytes:
    frame = bytearray(device.seal(counter, _profile(_NOW - 90 * HOUR, 1)))
    frame[-1] ^= 1
    return bytes(frame)


def _good(load: Load, number: int) -> list[Item]:
    """The frames of batch `number`, one less than a batch holds, from all devices but the last."""
    devices, made = load.devices[:-1], []
    for place in range(BATCH - 1):
        device = devices[place % len(devices)]
        counter = number * 30 + place // len(devices) + 1
        plain = _profile(load.first + counter * 12 * HOUR, *([counter % 7] * 12))
        made.append(Item(device, counter, device.seal(counter, plain)))
    return made


def _with(items: list[Item], poison: Callable[[], None]) -> Iterator[Item]:
    """The poison goes out in the middle."""
    yield from items[: BATCH // 2]
    poison()
    yield from items[BATCH // 2 :]


def test_one_poisoned_frame_in_a_batch_costs_the_others_nothing(stage: Stage, counts: Any) -> None:
    stage.query(_CONSTRAINT)
    load = type(stage.load()).of(stage.devices, days=_DAYS_AGO)
    sick = load.devices[-1]
    frames = [sick.seal(number, plain) for number, plain in enumerate(POISON.values(), 1)]
    frames.append(_forged(sick, len(frames) + 1))
    frames.append(b"\x20rdo\xff\xfe\x00" + frames[0][7:])
    # A batch waits until it is full.
    listener = stage.listener(INGEST_BATCH=str(BATCH), INGEST_LINGER="30")
    listener.wait_open()
    for number, frame in enumerate(frames):
        line = UdpLine(listener.udp)
        items = _with(_good(load, number), partial(line.send, frame))
        Delivery([line], items, in_flight=BATCH).run()
    figures = listener.ask()
    listener.finish()
    assert (figures["batches"], figures["stumbled"]) == (len(frames), 0), listener.tail()
    assert stage.query(_STORED) == [(len(frames) * (BATCH - 1),)]
    kept = stage.query(_KEPT)
    assert [bytes(payload) for payload, _, _ in kept] == frames
    assert all(outcome in {2, 3} and reason for _, outcome, reason in kept)
    assert stage.query(_COUNTED) == [(len(frames),)]
    counts(batches=len(frames), stored=len(frames) * (BATCH - 1), kept_with_a_reason=len(kept))
