"""From a socket to the archive and back: one collector, real database."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from ingestion.models import FrameOutcome
from tests.ingestion import fleet

if TYPE_CHECKING:
    from tests.ingestion.fleet import Collect, Send


def test_a_day_over_udp_is_stored_and_acknowledged(collect: Collect, send: Send) -> None:
    one = fleet.module(fleet.company(), 1)
    running = collect()
    values = list(range(24))
    answer = send(running).ask(one.frame(fleet.profile(values)))
    assert fleet.acknowledged(one, answer) == 1
    [(channel, stored, total)] = fleet.rows(
        "SELECT channel_id, small, total FROM meters_interval_block"
    )
    assert (channel, stored, total) == (one.channel(), values, sum(values))
    assert fleet.rows("SELECT channel_id, value FROM meters_register_reading") == [
        (one.channel(fleet.REGISTER), 1000)
    ]
    [(module, counter, outcome, source)] = fleet.rows(
        "SELECT module_id, counter, outcome, source FROM ingestion_raw_frame"
    )
    assert (module, counter, outcome) == (one.row.pk, 1, FrameOutcome.STORED)
    assert source == "127.0.0.1"


def test_a_day_over_tcp_is_stored_and_acknowledged(collect: Collect) -> None:
    one = fleet.module(fleet.company(), 1)
    running = collect()
    frame = one.frame(fleet.profile([5] * 24))
    with socket.create_connection(("127.0.0.1", running.tcp.port), timeout=30) as client:
        client.sendall(len(frame).to_bytes(2, "big") + frame)
        stream = client.makefile("rb")
        answer = stream.read(int.from_bytes(stream.read(2), "big"))
    assert fleet.acknowledged(one, answer) == 1
    assert fleet.rows("SELECT total FROM meters_interval_block") == [(120,)]
