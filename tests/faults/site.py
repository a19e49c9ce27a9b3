"""Databases for fault runs: a fleet is made once in a server, each run gets a copy of its own.

Nothing here uses Django's connection: the database of the other tests is only copied.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import psycopg

from config.embedded.binaries import postgres_binary
from tests.faults.load import Device, Load
from tests.faults.running import ROOT, Flood, Listener, Process, Sender

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["DEVICES", "Site", "Stage", "with_database"]

DEVICES = 240
_Started = TypeVar("_Started", bound=Process)
_NUMBERS = itertools.count(1)


def with_database(url: str, name: str) -> str:
    """The same server, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@dataclass
class Stage:
    """One run: a database, and processes that end with it."""

    url: str
    folder: Path
    devices: list[Device]
    processes: list[Process] = field(default_factory=list)

    def listener(self, *, ports: tuple[int, int] | None = None, **environment: str) -> Listener:
        """A collection service, started; wait until it is open where that matters.

        ports: of another one that it works beside.
        """
        number = next(_NUMBERS)
        log = self.folder / f"listener-{number}.log"
        made = Listener(self.url, log, ports=ports, **environment)
        return self._started(made)

    def sender(self, load: Load, listener: Any, transport: str = "udp", **options: Any) -> Sender:
        port = listener.port(transport)
        return self._started(Sender(load, self.folder, transport=transport, port=port, **options))

    def flood(self, listener: Listener, *, rate: int) -> Flood:
        devices = [device.device for device in self.devices]
        return self._started(Flood(self.folder, listener.udp, rate=rate, devices=devices))

    def _started(self, process: _Started) -> _Started:
        self.processes.append(process)
        process.start()
        return process

    def load(self, count: int | None = None) -> Load:
        return Load.of(self.devices[:count])

    def query(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            found = connection.execute(statement, parameters)
            return found.fetchall() if found.description else []

    def close(self) -> None:
        for process in self.processes:
            process.kill()


class Site:
    """A PostgreSQL server with a fleet in one of its databases.

    migrated: address of a migrated database, maybe of another server, that it begins from.
    """

    def __init__(self, url: str, folder: Path, *, migrated: str) -> None:
        self.url = url
        self.folder = folder
        self.base = f"faults_{os.getpid()}_{next(_NUMBERS)}"
        self._create(self.base, "template0")
        self._fill(migrated)
        devices = folder / "fleet.json"
        subprocess.run(
            [sys.executable, "-m", "tests.faults.prepare", str(DEVICES), str(devices)],
            check=True,
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": with_database(url, self.base)},
        )
        self.devices = [Device(**row) for row in json.loads(devices.read_text())]

    @contextmanager
    def stage(self, folder: Path) -> Iterator[Stage]:
        """A copy of the fleet's database, dropped at the end."""
        name = f"{self.base}_{next(_NUMBERS)}"
        self._create(name, self.base)
        made = Stage(with_database(self.url, name), folder, self.devices)
        try:
            yield made
        finally:
            made.close()
            self._drop(name)

    def close(self) -> None:
        self._drop(self.base)

    def _fill(self, migrated: str) -> None:
        """Copied while others use it; migrating would take half a minute."""
        dump, psql = postgres_binary("pg_dump"), postgres_binary("psql")
        text = subprocess.run(
            [dump, "--no-owner", migrated], check=True, stdout=subprocess.PIPE
        ).stdout
        options = ["--quiet", "--set", "ON_ERROR_STOP=1", "--output", os.devnull]
        base = with_database(self.url, self.base)
        subprocess.run([psql, *options, base], check=True, input=text)

    def _create(self, name: str, template: str) -> None:
        self._run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')

    def _drop(self, name: str) -> None:
        self._run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _run(self, statement: str) -> None:
        with psycopg.connect(with_database(self.url, "postgres"), autocommit=True) as connection:
            connection.execute(statement)
