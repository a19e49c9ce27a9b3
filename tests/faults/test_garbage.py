"""D17: mutated, cut and oversized frames into each socket, and under the seal into the decoders.

The decoders themselves take two million mutations in tests/ingestion/codecs.
"""

from __future__ import annotations

import contextlib
import json
import random
import socket
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from ingestion.codecs.universal_frame import MAX_FRAME_BYTES
from tests.faults.delivery import Delivery, Item
from tests.faults.lines import UdpLine
from tests.faults.load import Load
from tests.faults.running import ROOT, wait_for
from tests.ingestion.codecs.messages import mutated

if TYPE_CHECKING:
    from tests.faults.running import Listener
    from tests.faults.site import Stage

    Served = tuple[Stage, Listener]

SIZES = [
    pytest.param(3_000, id="short"),
    pytest.param(200_000, id="long", marks=pytest.mark.faults),
]
_OUTCOMES = """
SELECT outcome, count(*) FROM ingestion_raw_frame WHERE counter > %s AND module_id = ANY(%s)
GROUP BY 1
"""
_VECTORS = json.loads((ROOT / "docs" / "protocol-vectors.json").read_text())
_SAMPLES = [bytes.fromhex(row["plaintext"]) for row in _VECTORS["good"] if row["direction"] == "up"]


def _spoilt(frame: bytes, noise: random.Random) -> bytes:
    """Changed, cut, longer, or longer than any frame may be."""
    if noise.randrange(8) == 0:
        return frame + noise.randbytes(noise.randrange(MAX_FRAME_BYTES, 4_000))
    return mutated(frame, noise)


@pytest.mark.parametrize("count", SIZES)
def test_spoilt_frames_over_udp_are_refused_and_counted(
    served: Served, counts: Any, count: int
) -> None:
    stage, listener = served
    load, noise = Load.of(stage.devices[:20]), random.Random(count)
    before = listener.ask()
    good = [load.frame(device, counter) for device in load.devices for counter in range(1, 6)]
    line, sent = UdpLine(listener.udp), 0
    while sent < count:
        for _ in range(500):
            spoilt = _spoilt(noise.choice(good), noise)
            if spoilt not in good:
                line.send(spoilt)
                sent += 1
        wait_for(partial(_taken, listener, before, sent), "every frame")
    assert not line.receive(), "garbage was answered"
    line.close()
    after = listener.ask()
    refused = _more(after["refused"], before["refused"])
    assert sum(refused.values()) == sent and after["stored"] == before["stored"]
    _still_good(load, listener, count)
    counts(frames=sent, **refused)


def _taken(listener: Listener, before: dict[str, Any], sent: int) -> bool:
    assert not listener.dropped()
    return bool(listener.ask()["frames"] >= before["frames"] + sent)


def _more(after: dict[str, int], before: dict[str, int]) -> dict[str, int]:
    return {name: count - before.get(name, 0) for name, count in after.items()}


def _still_good(load: Load, listener: Listener, counter: int) -> None:
    """The service goes on. What the frames say is of a time that has been, whatever their counter."""
    items = [
        Item(device, counter, device.seal(counter, load.plaintext(device, 6)))
        for device in load.devices
    ]
    Delivery([UdpLine(listener.udp)], items).run()
    assert listener.ask()["stumbled"] == 0, listener.tail()


@pytest.mark.parametrize("count", SIZES)
def test_spoilt_streams_over_tcp_end_their_connection_only(
    served: Served, counts: Any, count: int
) -> None:
    stage, listener = served
    load, noise = Load.of(stage.devices[20:40]), random.Random(count)
    before = listener.ask()
    good = [load.frame(device, 1) for device in load.devices]
    for _ in range(count // 20):
        pieces = [mutated(noise.choice(good), noise) for _ in range(20)]
        stream = b"".join(len(piece).to_bytes(2, "big") + piece for piece in pieces)
        spoilt = mutated(stream, noise) if noise.randrange(2) else stream
        with socket.create_connection(("127.0.0.1", listener.tcp), timeout=30) as client:
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                client.sendall(spoilt)
    # Connections are taken in order: once this one is answered, none waits to be taken.
    with socket.create_connection(("127.0.0.1", listener.tcp), timeout=30) as client:
        client.sendall(len(good[0]).to_bytes(2, "big") + good[0])
        assert client.recv(2)
    wait_for(lambda: listener.ask()["connections"] == 0, "the end of every connection")
    wait_for(lambda: listener.ask()["held"] == 0, "an empty intake")
    after = listener.ask()
    told = {
        name: after[name] - before[name]
        for name in ("frames", "tcp_received", "stored", "repeated")
    }
    refused = sum(_more(after["refused"], before["refused"]).values())
    assert told["frames"] == told["tcp_received"] == refused + told["stored"] + told["repeated"] > 0
    _still_good(load, listener, count)
    ended = _more(after["tcp_refused"], before["tcp_refused"])
    counts(connections=count // 20, frames=told["frames"], refused=refused, **ended)


@pytest.mark.parametrize("count", SIZES)
def test_spoilt_messages_under_the_seal_are_kept_and_acknowledged(
    served: Served, counts: Any, count: int
) -> None:
    """Frames of authentic devices that say nonsense: every one is stored, most in quarantine."""
    stage, listener = served
    devices, noise = stage.devices[40:], random.Random(count)
    before = listener.ask()
    items = []
    for number in range(count):
        # Each count of the test has counters of its own.
        counter = 10 * count + number // len(devices) + 1
        plain = mutated(noise.choice(_SAMPLES), noise) or b"\0"
        device = devices[number % len(devices)]
        items.append(Item(device, counter, device.seal(counter, plain[:1_100])))
    delivery = Delivery([UdpLine(listener.udp)], items)
    delivery.run(seconds=60 + count / 100)
    after = listener.ask()
    assert after["stored"] - before["stored"] == count and after["stumbled"] == 0, listener.tail()
    outcomes = dict(stage.query(_OUTCOMES, 10 * count, [device.module for device in devices]))
    assert sum(outcomes.values()) == count and not delivery.counts["false answers"]
    not_understood = sum(flags != 0 for flags in delivery.acknowledged.values())
    assert outcomes.get(3, 0) >= not_understood > 0
    counts(frames=count, not_understood=not_understood, in_quarantine=outcomes.get(3, 0))
