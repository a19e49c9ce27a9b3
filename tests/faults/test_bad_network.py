"""D13: loss, repeats, reordering and resets between the devices and the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.chaos.proxy import ChaosProxy, Weather
from tests.faults.checker import check_senders

if TYPE_CHECKING:
    from tests.faults.site import Stage


@pytest.mark.parametrize(
    ("frames", "rate"),
    [
        pytest.param(800, 500, id="short"),
        pytest.param(40_000, 1_000, id="long", marks=pytest.mark.faults),
    ],
)
def test_a_bad_network_loses_nothing(stage: Stage, counts: Any, frames: int, rate: int) -> None:
    load = stage.load()
    listener = stage.listener()
    listener.wait_open()
    with ChaosProxy(udp_to=listener.udp, tcp_to=listener.tcp, weather=Weather()) as proxy:
        ports = {"udp": proxy.udp, "tcp": proxy.tcp}
        senders = [
            stage.sender(load, _At(ports), name, part=part, of=2, rate=rate)
            for part, name in enumerate(ports)
        ]
        for sender in senders:
            # Step by step: with a third of everything lost each frame is sent several times.
            for done in range(0, frames, 400):
                sender.wait_acknowledged(min(400, frames - done))
            sender.finish()
    listener.finish()
    weather = proxy.counts
    assert weather["lost"] > weather["datagrams"] / 5 and weather["resets"] > 0
    assert weather["sent twice"] > 0 and weather["held back"] > 0
    counts(**weather, **check_senders(stage, load, senders))


class _At:
    """Where senders go instead of the service itself."""

    def __init__(self, ports: dict[str, int]) -> None:
        self._ports = ports

    def port(self, transport: str) -> int:
        return self._ports[transport]
