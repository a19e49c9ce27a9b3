"""The database goes away, in the middle of everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
from django.db import connection

from ingestion.engine import EngineState
from tests.ingestion import fleet

if TYPE_CHECKING:
    from tests.ingestion.fleet import Collect, Send

_ENGINES = """
SELECT count(pg_terminate_backend(l.pid)) FROM pg_locks l
WHERE l.locktype = 'advisory' AND l.pid <> pg_backend_pid()
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def _connections(*, allowed: bool) -> None:
    """Let the server refuse new connections to the database of the test."""
    given = connection.get_connection_params()
    name = given["dbname"]
    login = {key: given[key] for key in ("host", "port", "user", "password") if key in given}
    with psycopg.connect(dbname="postgres", autocommit=True, **login) as other:
        other.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS {allowed}')


def test_what_is_acknowledged_survives_the_loss_of_the_database(
    collect: Collect, send: Send
) -> None:
    one = fleet.module(fleet.company(), 1)
    running = collect()
    sender = send(running)
    sender.socket.settimeout(2)
    start = fleet.day_start(30)
    acknowledged: set[int] = set()
    killed = 0
    for number in range(60):
        frame = one.frame(
            fleet.profile([number + 1], start=start + 3600 * number, opening=1000 + number)
        )
        if number % 10 == 5:
            sender.socket.send(frame)
            killed += fleet.rows(_ENGINES)[0][0]
        while one.counter not in acknowledged:
            try:
                acknowledged.add(fleet.acknowledged(one, sender.ask(frame)))
            except TimeoutError:
                continue
    running.stop()
    assert killed >= 5
    assert acknowledged == set(range(1, 61))
    assert fleet.rows("SELECT count(*), count(DISTINCT counter) FROM ingestion_raw_frame") == [
        (60, 60)
    ]
    [(total,)] = fleet.rows("SELECT sum(total)::int FROM meters_interval_block")
    assert total == sum(range(1, 61))


def test_nothing_is_acknowledged_while_the_database_refuses(collect: Collect, send: Send) -> None:
    one = fleet.module(fleet.company(), 1)
    running = collect()
    sender = send(running)
    try:
        _connections(allowed=False)
        fleet.rows(_ENGINES)
        frame = one.frame(fleet.profile([4] * 24))
        sender.socket.send(frame)
        fleet.wait_for(lambda: running.engine.state == EngineState.WAITING)
        fleet.wait_for(lambda: running.intake.limit - running.intake.room() == 1)
        assert sender.silent()
    finally:
        _connections(allowed=True)
    assert fleet.acknowledged(one, sender.socket.recv(2048)) == 1
    assert fleet.rows("SELECT total FROM meters_interval_block") == [(96,)]


def test_a_second_engine_stands_by_and_takes_over(collect: Collect, send: Send) -> None:
    one = fleet.module(fleet.company(), 1)
    running = collect()
    second = fleet.Collector()
    second.udp.start()
    second.tcp.start()
    second.engine.start()
    try:
        frame = one.frame(fleet.profile([4] * 24))
        send(running).ask(frame)
        fleet.wait_for(lambda: second.engine.state == EngineState.STANDBY)
        running.stop()
        fleet.wait_for(lambda: second.engine.state == EngineState.WORKING)
        assert fleet.acknowledged(one, send(second).ask(frame)) == 1
        fleet.wait_for(lambda: second.engine.figures.repeated == 1)
    finally:
        second.stop()
