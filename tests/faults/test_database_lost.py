"""D2 and D4: PostgreSQL killed, stopped, hung and away under load; a server of our own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.checker import check_senders
from tests.faults.running import wait_for

if TYPE_CHECKING:
    from tests.faults.running import Listener, Sender
    from tests.faults.server import Server
    from tests.faults.site import Stage

# RELIABILITY names 3 s; a busy machine may take some more.
RECOVERED_SECONDS = 15.0
GROWTH_MEGABYTES = 64.0
WAITING = "waiting for the database"


def _load(stage: Stage, listener: Listener, rate: int = 1_000) -> list[Sender]:
    load = stage.load()
    made = [
        stage.sender(load, listener, name, part=part, of=2, rate=rate)
        for part, name in enumerate(("udp", "tcp"))
    ]
    for sender in made:
        sender.wait_acknowledged(300)
    return made


def _finish(stage: Stage, listener: Listener, senders: list[Sender]) -> Any:
    for sender in senders:
        sender.wait_acknowledged(100)
        sender.finish()
    listener.finish()
    return check_senders(stage, stage.load(), senders)


@pytest.mark.parametrize(
    "blows",
    [
        pytest.param(("kill", "stop"), id="short"),
        pytest.param(("kill", "stop", "hang") * 4, id="long", marks=pytest.mark.faults),
    ],
)
def test_the_database_dies_under_load(
    own_stage: Stage, server: Server, counts: Any, blows: tuple[str, ...]
) -> None:
    listener = own_stage.listener()
    senders = _load(own_stage, listener)
    slowest = 0.0
    for blow in blows:
        slowest = max(slowest, _strike(server, senders, blow))
    assert slowest <= RECOVERED_SECONDS
    found = _finish(own_stage, listener, senders)
    counts(blows=len(blows), seconds_to_the_next_acknowledgement=round(slowest, 2), **found)


def _strike(server: Server, senders: list[Sender], blow: str) -> float:
    """Seconds from the server taking logins again to the next acknowledgement."""
    for sender in senders:
        sender.wait_acknowledged(200)
    getattr(server, blow)()
    before = senders[0].repeated
    wait_for(lambda: senders[0].repeated > before, "frames sent in vain")
    if blow == "hang":
        server.go_on()
    else:
        server.start()
    began = time.monotonic()
    senders[0].wait_acknowledged(1)
    return time.monotonic() - began


@pytest.mark.parametrize(
    "seconds",
    [pytest.param(5, id="short"), pytest.param(600, id="long", marks=pytest.mark.faults)],
)
def test_the_database_is_away_for_a_while(
    own_stage: Stage, server: Server, counts: Any, seconds: int
) -> None:
    listener = own_stage.listener()
    senders = _load(own_stage, listener)
    server.stop()
    wait_for(lambda: listener.ask()["state"] == WAITING, "an engine that waits")
    acknowledged, before = [one.acknowledged for one in senders], listener.megabytes()
    until = time.monotonic() + seconds
    wait_for(lambda: time.monotonic() > until, "the end of the outage", seconds=seconds + 60)
    growth = listener.megabytes() - before
    held = listener.ask()["held"]
    assert [one.acknowledged for one in senders] == acknowledged, "acknowledged without storage"
    assert growth <= GROWTH_MEGABYTES
    server.start()
    found = _finish(own_stage, listener, senders)
    counts(seconds=seconds, megabytes_more=round(growth, 1), held=held, **found)
