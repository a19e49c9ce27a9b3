"""D1: kill -9 of the collection service under load, over every transport at once."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from config.embedded.ports import service_port
from tests.faults.checker import check_senders
from tests.faults.running import ROOT, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.faults.site import Stage

TRANSPORTS = ("udp", "tcp")


@pytest.mark.parametrize(
    ("kills", "rate"),
    [
        pytest.param(3, 800, id="short"),
        pytest.param(20, 2_000, id="long", marks=pytest.mark.faults),
    ],
)
def test_nothing_acknowledged_is_lost_when_the_service_is_killed(
    stage: Stage, counts: Any, kills: int, rate: int
) -> None:
    load, moment = stage.load(), random.Random(kills)
    listener = stage.listener()
    senders = [
        stage.sender(load, listener, name, part=part, of=len(TRANSPORTS), rate=rate)
        for part, name in enumerate(TRANSPORTS)
    ]
    for _ in range(kills):
        for sender in senders:
            sender.wait_acknowledged(moment.randrange(1, 500))
        listener.kill()
        listener.start()
    for sender in senders:
        sender.wait_acknowledged(100)
        sender.finish()
    listener.finish()
    counts(kills=kills, **check_senders(stage, load, senders))


class Worker:
    """`celery -A config worker -Q ingestion`, as the product runs it."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.udp, self.tcp = service_port(None), service_port(None)
        self.log = folder / "worker.log"
        self.environment = {
            **os.environ,
            "DATABASE_URL": stage.url,
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
            "INGEST_UDP_PORT": str(self.udp),
            "INGEST_TCP_PORT": str(self.tcp),
        }
        self.process: subprocess.Popen[bytes] | None = None

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
            self.process = subprocess.Popen(
                [sys.executable, "-m", *words],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill_main(self) -> None:
        """kill -9 of the main process only; its pool is left to find out by itself."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def end(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(60)

    def kill_all(self) -> None:
        if self.process is not None:
            subprocess.run(["pkill", "-KILL", "-s", str(self.process.pid)], check=False)
            self.process.wait()


@pytest.fixture
def worker(stage: Stage, tmp_path: Path) -> Iterator[Worker]:
    made = Worker(stage, tmp_path)
    yield made
    made.kill_all()


def test_the_celery_worker_may_be_killed_and_the_next_one_gets_the_ports(
    stage: Stage, worker: Worker, counts: Any
) -> None:
    load = stage.load(60)
    worker.start()
    senders = [
        stage.sender(load, worker, name, part=part, of=2, rate=300)
        for part, name in enumerate(TRANSPORTS)
    ]
    for sender in senders:
        sender.wait_acknowledged(150)
    worker.kill_main()
    worker.start()
    for sender in senders:
        sender.wait_acknowledged(150)
        sender.finish()
    assert worker.end() == 0, worker.log.read_text()[-3_000:]
    counts(kills=1, **check_senders(stage, load, senders))
    wait_for(lambda: not stage.query(_ENGINES), "the end of every session")


_ENGINES = """
SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
    AND backend_type = 'client backend'
"""
