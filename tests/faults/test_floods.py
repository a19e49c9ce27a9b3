"""D15 and D16: garbage from everywhere, and clients that only hold connections."""

from __future__ import annotations

import contextlib
import resource
import select
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.checker import check_senders
from tests.faults.delivery import Delivery, rounds
from tests.faults.lines import TcpLine
from tests.faults.running import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.site import Stage

# RELIABILITY names 5 s; a busy machine may take some more.
CLOSED_SECONDS = 20.0
_REFUSED = "SELECT coalesce(sum(count), 0)::int, count(*) FROM ingestion_quarantine"
_KEPT = "SELECT count(*) FROM ingestion_raw_frame WHERE counter IS NULL"


@pytest.mark.parametrize(
    ("rate", "garbage"),
    [
        pytest.param(4_000, 12_000, id="short"),
        pytest.param(50_000, 1_000_000, id="long", marks=pytest.mark.faults),
    ],
)
def test_a_flood_costs_the_good_ones_nothing(
    stage: Stage, counts: Any, rate: int, garbage: int
) -> None:
    """Noise, strangers, and frames in the name of good devices from outside their networks."""
    stage.query("UPDATE accounts_company SET allowed_subnets = '{127.0.0.0/24}'")
    load = stage.load()
    listener = stage.listener()
    listener.wait_open()
    sender = stage.sender(load, listener, rate=500)
    sender.wait_acknowledged(10)
    before = listener.ask()
    flood = stage.flood(listener, rate=rate)
    wait_for(lambda: flood.sent >= garbage, "the flood")
    flood.finish()
    sender.wait_acknowledged(100)
    sender.finish()
    told = sender.counts()
    arrived = flood.sent + told["frames"] + told.get("repeated", 0) - listener.dropped()
    wait_for(lambda: listener.ask()["frames"] >= arrived, "an empty intake")
    after, dropped = listener.ask(), listener.dropped()
    listener.finish()
    # Authentic frames that are not understood count as stored as well.
    refused = sum(after["refused"].values()) - after["refused"].get("undecodable", 0)
    assert after["frames"] == arrived == refused + after["stored"] + after["repeated"]
    statements = (after["statements"] - before["statements"]) / refused
    assert statements < 0.5, "a query for every stranger"
    found = check_senders(stage, load, [sender])
    [(counted, rows)] = stage.query(_REFUSED)
    assert counted == sum(after["refused"].values())
    [(kept,)] = stage.query(_KEPT)
    counts(
        garbage=flood.sent,
        dropped_by_the_kernel=dropped,
        refused=refused,
        rows_of_quarantine=rows,
        kept=kept,
        statements_a_bad_frame=round(statements, 4),
        **found,
    )


@contextlib.contextmanager
def _files(count: int) -> Iterator[None]:
    """Let this process and those it starts open so many files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        pytest.skip(f"only {hard} open files are allowed here, {count} are needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _clients(port: int, count: int) -> list[socket.socket]:
    return [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(count)]


def _serve(stage: Stage, port: int, devices: int) -> None:
    """Good devices deliver a frame each over TCP."""
    load = stage.load(devices)
    Delivery([TcpLine(port)], rounds(load.devices, load.frame, 1)).run()


def test_half_open_connections_are_closed(stage: Stage, counts: Any) -> None:
    """Five hundred begin a frame, send a byte, and then one a minute."""
    with _files(4_096):
        listener = stage.listener()
        listener.wait_open()
        began = time.monotonic()
        clients = _clients(listener.tcp, 500)
        for client in clients:
            client.sendall(b"\x00")
        _serve(stage, listener.tcp, 50)
        waiting = set(clients)
        while waiting and time.monotonic() - began < CLOSED_SECONDS:
            ready, _, _ = select.select(waiting, [], [], 1)
            waiting -= set(ready)
        passed = time.monotonic() - began
        assert not waiting, f"{len(waiting)} are still open after {passed:.0f} s"
        _close(clients)
    assert listener.ask()["tcp_refused"] == {"slow": 500}
    listener.finish()
    counts(clients=500, seconds_until_the_last_was_closed=round(passed, 1), served=50)


@pytest.mark.parametrize(
    "count",
    [pytest.param(500, id="short"), pytest.param(10_000, id="long", marks=pytest.mark.faults)],
)
def test_idle_connections_hold_up_nobody(stage: Stage, counts: Any, count: int) -> None:
    with _files(count + 2_000):
        listener = stage.listener()
        listener.wait_open()
        clients = _clients(listener.tcp, count)
        wait_for(lambda: listener.ask()["connections"] == count, "all connections")
        _serve(stage, listener.tcp, 200)
        assert listener.ask()["connections"] >= count
        megabytes = listener.megabytes()
        _close(clients)
        wait_for(lambda: listener.ask()["connections"] == 0, "closed connections")
    listener.finish()
    counts(connections=count, megabytes_of_the_service=round(megabytes, 1), served=200)


def _close(clients: list[socket.socket]) -> None:
    for client in clients:
        client.close()
