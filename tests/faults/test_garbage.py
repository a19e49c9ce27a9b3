"""D17: mutated, cut and oversized frames into each socket, and under the seal into the decoders.

The decoders themselves take two million mutations in tests/ingestion/codecs.
"""

from __future__ import annotations

import random
import socket
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from ingestion.codecs.universal_frame import MAX_FRAME_BYTES
from tests.faults.delivery import Delivery, Item
from tests.faults.lines import UdpLine
from tests.faults.running import wait_for
from tests.ingestion.codecs.messages import mutated
from tests.ingestion.codecs.test_universal_batch import good_plaintexts

if TYPE_CHECKING:
    from tests.faults.load import Load
    from tests.faults.running import Listener
    from tests.faults.site import Stage

SIZES = [
    pytest.param(3_000, id="short"),
    pytest.param(200_000, id="long", marks=pytest.mark.faults),
]
_OUTCOMES = "SELECT outcome, count(*) FROM ingestion_raw_frame WHERE counter IS NOT NULL GROUP BY 1"


def _spoilt(frame: bytes, noise: random.Random) -> bytes:
    """Changed, cut, longer, or longer than any frame may be."""
    if noise.randrange(8) == 0:
        return frame + noise.randbytes(noise.randrange(MAX_FRAME_BYTES, 4_000))
    return mutated(frame, noise)


@pytest.mark.parametrize("count", SIZES)
def test_spoilt_frames_over_udp_are_refused_and_counted(
    stage: Stage, counts: Any, count: int
) -> None:
    load, noise = stage.load(20), random.Random(count)
    listener = stage.listener()
    listener.wait_open()
    good = [load.frame(device, counter) for device in load.devices for counter in range(1, 6)]
    line, sent = UdpLine(listener.udp), 0
    while sent < count:
        for _ in range(500):
            spoilt = _spoilt(noise.choice(good), noise)
            if spoilt not in good:
                line.send(spoilt)
                sent += 1
        wait_for(partial(_settled, listener, sent), "every frame")
    assert not line.receive(), "garbage was answered"
    line.close()
    refused = listener.ask()["refused"]
    assert sum(refused.values()) == sent and listener.ask()["stored"] == 0
    _still_good(load, listener)
    counts(frames=sent, **refused)


def _settled(listener: Listener, sent: int) -> bool:
    found = listener.ask()
    assert not found["dropped"]
    return bool(found["frames"] >= sent)


def _still_good(load: Load, listener: Listener) -> None:
    """The service goes on, in order to the end."""
    items = [Item(device, 9, load.frame(device, 9)) for device in load.devices]
    Delivery([UdpLine(listener.udp)], items).run()
    assert listener.ask()["stumbled"] == 0, listener.tail()
    listener.finish()


@pytest.mark.parametrize("count", SIZES)
def test_spoilt_streams_over_tcp_end_their_connection_only(
    stage: Stage, counts: Any, count: int
) -> None:
    load, noise = stage.load(20), random.Random(count)
    listener = stage.listener()
    listener.wait_open()
    good = [load.frame(device, 1) for device in load.devices]
    for _ in range(count // 20):
        pieces = [mutated(noise.choice(good), noise) for _ in range(20)]
        stream = b"".join(len(piece).to_bytes(2, "big") + piece for piece in pieces)
        spoilt = mutated(stream, noise) if noise.randrange(2) else stream
        with socket.create_connection(("127.0.0.1", listener.tcp), timeout=30) as client:
            try:
                client.sendall(spoilt)
            except (ConnectionResetError, BrokenPipeError):
                continue
    wait_for(lambda: listener.ask()["connections"] == 0, "the end of every connection")
    wait_for(lambda: listener.ask()["held"] == 0, "an empty intake")
    found = listener.ask()
    assert found["frames"] == found["tcp_received"] > 0
    taken = sum(found["refused"].values()) + found["stored"] + found["repeated"]
    assert taken == found["frames"], "a frame is not accounted for"
    _still_good(load, listener)
    counts(connections=count // 20, frames=found["frames"], **found["tcp_refused"])


@pytest.mark.parametrize("count", SIZES)
def test_spoilt_messages_under_the_seal_are_kept_and_acknowledged(
    stage: Stage, counts: Any, count: int
) -> None:
    """Frames of authentic devices that say nonsense: every one is stored, most in quarantine."""
    from ingestion.codecs.universal_frame import Direction

    load, noise = stage.load(), random.Random(count)
    listener = stage.listener()
    listener.wait_open()
    samples = [plain for plain in good_plaintexts(Direction.UP) if len(plain) < 300]
    items = []
    for number in range(count):
        device, counter = load.devices[number % len(load.devices)], number // len(load.devices) + 1
        plain = mutated(noise.choice(samples), noise) or b"\0"
        items.append(Item(device, counter, device.seal(counter, plain[:1_100])))
    delivery = Delivery([UdpLine(listener.udp)], items)
    delivery.run(seconds=60 + count / 100)
    found = listener.ask()
    assert found["stored"] == count and found["stumbled"] == 0, listener.tail()
    listener.finish()
    outcomes = dict(stage.query(_OUTCOMES))
    assert sum(outcomes.values()) == count and not delivery.counts["false answers"]
    not_understood = sum(flags != 0 for flags in delivery.acknowledged.values())
    counts(frames=count, not_understood=not_understood, in_quarantine=outcomes.get(3, 0))
    assert outcomes.get(3, 0) >= not_understood > 0
