"""A durable PostgreSQL that belongs to the fault runs: killed, stopped, hung, out of room."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import time
from pathlib import Path

from config.embedded.postgres import PostgreSQL
from config.embedded.state import DataFolder
from tests.faults.site import Site

__all__ = ["Server"]


class Server:
    """Its data are on disk as in production (`fsync` on); the port stays the same.

    migrated: see `Site`.
    """

    def __init__(self, folder: Path, *, migrated: str) -> None:
        data = DataFolder(folder / "postgres")
        data.create()
        # Careless while the fleet is made, which is no part of what is tested.
        self.service = PostgreSQL(data, temporary=True)
        self.service.spawn()
        self.service.wait_ready()
        self.port = self.service.port
        self.site = Site(self.service.url, folder, migrated=migrated)
        self.service.stop()
        self.service.temporary = False
        self.start()

    def processes(self) -> list[int]:
        """The postmaster and all its children."""
        assert self.service.process is not None
        postmaster = self.service.process.pid
        return [postmaster, *_children(postmaster)]

    def kill(self) -> None:
        """kill -9 of every process of the server at once."""
        self.signal(signal.SIGKILL)
        assert self.service.process is not None
        self.service.process.wait()

    def stop(self) -> None:
        """A fast shutdown."""
        self.service.stop()

    def hang(self) -> None:
        """It keeps its connections and does nothing."""
        self.signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.signal(signal.SIGCONT)

    def signal(self, number: signal.Signals) -> None:
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def start(self) -> float:
        """Start again; seconds until it takes logins."""
        began = time.monotonic()
        self.service.launch()
        self.service.wait_ready()
        assert self.service.port == self.port, "it had to move to another port"
        return time.monotonic() - began

    def revive(self) -> None:
        """Whatever a test did to it: running, with room."""
        if not self.service.running():
            self.start()
        self.go_on()
        self.limit_files(resource.RLIM_INFINITY)

    def limit_files(self, size: int) -> None:
        """No file of the server may grow beyond so many bytes: a disk quota, as it sees it."""
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))

    def close(self) -> None:
        self.revive()
        self.site.close()
        self.service.stop()


def _children(parent: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, IndexError, ValueError):
            if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(entry.name))
    return found
