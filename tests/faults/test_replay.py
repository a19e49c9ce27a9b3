"""S19: spoofed sources and a replayed capture, also across a kill of the service."""

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.delivery import Delivery, Item, rounds
from tests.faults.lines import TcpLine, UdpLine
from tests.faults.running import wait_for

if TYPE_CHECKING:
    from tests.faults.load import Load
    from tests.faults.running import Listener
    from tests.faults.site import Stage

_AT_ONCE = 4_000
_DUMP = """
SELECT b::text FROM meters_interval_block b UNION ALL SELECT r::text FROM meters_register_reading r
UNION ALL SELECT module_id || '/' || counter FROM ingestion_raw_frame WHERE counter IS NOT NULL
ORDER BY 1
"""


def _play(listener: Listener, frames: list[bytes], source: str) -> int:
    """Send all of them from that address, no more at once than a socket holds; how many answers came."""
    goal, answers = listener.ask()["frames"], 0
    lines = [UdpLine(listener.udp, source=source), TcpLine(listener.tcp, source=source)]
    for start in range(0, len(frames), _AT_ONCE):
        part = frames[start : start + _AT_ONCE]
        for number, frame in enumerate(part):
            lines[number % 2].send(frame)
        goal += len(part)
        wait_for(partial(_has_taken, listener, goal), "every frame")
        answers += sum(len(line.receive()) for line in lines)
    for line in lines:
        line.close()
    return answers


def _has_taken(listener: Listener, goal: int) -> bool:
    return bool(listener.ask()["frames"] >= goal)


def _forged(load: Load, noise: random.Random, count: int) -> list[bytes]:
    """Good headers ahead of every counter, and a tag that only the key can make."""
    made = []
    for _ in range(count):
        frame = bytearray(load.frame(noise.choice(load.devices), noise.randrange(200, 400)))
        frame[noise.randrange(13, len(frame))] ^= 1 << noise.randrange(8)
        made.append(bytes(frame))
    return made


@pytest.mark.parametrize(
    ("devices", "frames", "kills"),
    [
        pytest.param(20, 100, 1, id="short"),
        pytest.param(240, 400, 10, id="long", marks=pytest.mark.faults),
    ],
)
def test_nothing_spoofed_or_replayed_is_taken(
    stage: Stage, counts: Any, devices: int, frames: int, kills: int
) -> None:
    stage.query("UPDATE accounts_company SET allowed_subnets = '{127.0.0.0/24}'")
    load, noise = stage.load(devices), random.Random(devices)
    captured = list(rounds(load.devices, load.frame, frames))
    listener = stage.listener()
    listener.wait_open()
    Delivery([UdpLine(listener.udp)], captured, in_flight=100).run(seconds=60 + len(captured) / 200)
    expected = stage.query(_DUMP)
    tape = [item.frame for item in captured]
    # What was never sent before, with the right key, but from elsewhere.
    spoofed = [load.frame(device, frames + 1) for device in load.devices]
    answers = 0
    for _ in range(kills):
        listener.kill()
        listener.start()
        listener.wait_open()
        noise.shuffle(tape)
        _play(listener, tape, "127.0.0.77")
        answers += _play(listener, tape, "127.9.9.9")
        answers += _play(listener, spoofed, "127.9.9.9")
        answers += _play(listener, _forged(load, noise, 500), "127.0.0.77")
        assert listener.ask()["stored"] == 0
    assert answers == 0, "a stranger was answered"
    assert stage.query(_DUMP) == expected
    # The same frames from where they belong are taken: nothing was blocked by the noise.
    items = [Item(one, frames + 1, load.frame(one, frames + 1)) for one in load.devices]
    Delivery([UdpLine(listener.udp)], items).run()
    refused = listener.ask()["refused"]
    listener.finish()
    told = {f"refused_{name}": count for name, count in refused.items()}
    counts(kills=kills, captured=len(tape), played=2 * kills * len(tape), accepted=0, **told)
