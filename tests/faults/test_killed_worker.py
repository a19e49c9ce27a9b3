"""D1: kill -9 of the collection service under load, over every transport at once."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from config.embedded.ports import service_port
from config.embedded.state import DataFolder
from config.embedded.valkey import Valkey
from tests.faults.checker import check_senders
from tests.faults.running import ROOT, WITHOUT_MQTT, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.faults.running import Sender
    from tests.faults.site import Stage

TRANSPORTS = ("udp", "tcp")


@pytest.mark.parametrize(
    ("kills", "rate", "between"),
    [
        pytest.param(20, 800, 200, id="short"),
        pytest.param(20, 2_000, 500, id="long", marks=pytest.mark.faults),
        pytest.param(1_000, 60, 40, id="thousand", marks=pytest.mark.faults),
    ],
)
def test_nothing_acknowledged_is_lost_when_the_service_is_killed(
    stage: Stage, counts: Any, kills: int, rate: int, between: int
) -> None:
    """rate: frames a second of each transport; between: at most so many answers from kill to kill."""
    load, moment = stage.load(), random.Random(kills)
    listener = stage.listener()
    senders = [
        stage.sender(load, listener, name, part=part, of=len(TRANSPORTS), rate=rate)
        for part, name in enumerate(TRANSPORTS)
    ]
    for _ in range(kills):
        for sender in senders:
            sender.wait_acknowledged(moment.randrange(1, between))
        listener.kill()
        listener.start()
    for sender in senders:
        sender.wait_acknowledged(100)
        sender.finish()
    listener.finish()
    counts(kills=kills, **check_senders(stage, load, senders))


class Worker:
    """`celery -A config worker -Q ingestion`, as the product runs it."""

    def __init__(self, stage: Stage, folder: Path, redis: str) -> None:
        self.udp, self.tcp = service_port(None), service_port(None)
        self.log = folder / "worker.log"
        self.environment = {
            **os.environ,
            **WITHOUT_MQTT,
            "DATABASE_URL": stage.url,
            "REDIS_URL": redis,
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
            "INGEST_UDP_PORT": str(self.udp),
            "INGEST_TCP_PORT": str(self.tcp),
        }
        self.sessions: list[subprocess.Popen[bytes]] = []

    def port(self, transport: str) -> int:
        return {"udp": self.udp, "tcp": self.tcp}[transport]

    def start(self) -> None:
        words = [
            "celery",
            "-A",
            "config",
            "worker",
            "-Q",
            "ingestion",
            "-c",
            "1",
            "-n",
            "faults@%h",
        ]
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *words],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.sessions.append(process)

    def kill_main(self) -> None:
        """kill -9 of the main process only; its pool is left to find out by itself."""
        self.sessions[-1].kill()
        self.sessions[-1].wait()

    def end(self) -> int:
        self.sessions[-1].terminate()
        return self.sessions[-1].wait(60)

    def close(self) -> None:
        """Whatever is left of it."""
        for process in self.sessions:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def tasks(tmp_path: Path) -> Iterator[Valkey]:
    """The broker of Celery, of our own."""
    folder = DataFolder(tmp_path / "valkey")
    folder.create()
    made = Valkey(folder, temporary=True)
    made.spawn()
    made.wait_ready()
    yield made
    made.stop()


@pytest.fixture
def worker(stage: Stage, tmp_path: Path, tasks: Valkey) -> Iterator[Worker]:
    made = Worker(stage, tmp_path, tasks.url)
    yield made
    made.close()


def test_the_celery_worker_and_its_broker_may_be_killed(
    stage: Stage, worker: Worker, tasks: Valkey, counts: Any
) -> None:
    """The next worker gets the ports; without the broker of tasks collection goes on."""
    load = stage.load(60)
    worker.start()
    senders = [
        stage.sender(load, worker, name, part=part, of=2, rate=200)
        for part, name in enumerate(TRANSPORTS)
    ]
    _more(senders)
    worker.kill_main()
    worker.start()
    _more(senders)
    tasks.kill()
    _more(senders)
    tasks.launch()
    tasks.wait_ready()
    _more(senders)
    for sender in senders:
        sender.finish()
    assert worker.end() == 0, worker.log.read_text()[-3_000:]
    counts(kills=2, **check_senders(stage, load, senders))
    wait_for(lambda: not stage.query(_SESSIONS), "the end of every session")


_SESSIONS = """
SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
    AND backend_type = 'client backend'
"""


def _more(senders: list[Sender]) -> None:
    for sender in senders:
        sender.wait_acknowledged(150)
