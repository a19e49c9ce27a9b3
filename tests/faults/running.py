"""Handles of the processes that take part: the collection service, the devices, a flood."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from config.embedded.ports import service_port
from tests.faults.sender import PROGRESS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from tests.faults.load import Load

__all__ = ["WITHOUT_MQTT", "Flood", "Listener", "Process", "Sender", "wait_for"]

ROOT = Path(__file__).resolve().parents[2]
_PATIENCE = 120.0
# MQTT has fault runs of its own (tests/ingestion/test_mqtt_killed.py); its broker is shared.
WITHOUT_MQTT = {"MQTT_URL": "", "INGEST_MQTT_PORT": "-1"}


def wait_for(condition: Callable[[], Any], what: str, *, seconds: float = _PATIENCE) -> Any:
    """The first true answer; fails after so long that only a fault explains it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        select.select([], [], [], 0.02)
    raise AssertionError(f"in vain waited {seconds:g} s for {what}")


class Process:
    """A module of this folder in a process of its own; ends with its standard input."""

    def __init__(
        self, module: str, *arguments: str, environment: Mapping[str, str], log: Path
    ) -> None:
        self.log = log
        self._command = [sys.executable, "-m", module, *arguments]
        self._environment = {**os.environ, **environment, "PYTHONDONTWRITEBYTECODE": "1"}
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def ask(self) -> dict[str, Any]:
        """One line out, one line of JSON back."""
        assert self.process is not None
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.write(b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise AssertionError(f"it has ended:\n{self.tail()}") from None
        ready, _, _ = select.select([self.process.stdout], [], [], _PATIENCE)
        line = self.process.stdout.readline() if ready else b""
        assert line, f"no answer:\n{self.tail()}"
        found: dict[str, Any] = json.loads(line)
        return found

    def tail(self) -> str:
        """The end of what it wrote on its error stream."""
        return self.log.read_text(errors="replace")[-3000:]

    def finish(self, *, seconds: float = _PATIENCE) -> None:
        """End in good order."""
        assert self.process is not None and self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(seconds)
        assert self.process.returncode == 0, self.tail()
        self._close()

    def kill(self) -> None:
        """kill -9 of the process and whatever it started; harmless when it is gone."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._close()

    def _close(self) -> None:
        assert self.process is not None
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
        self.process = None

    def megabytes(self) -> float:
        """Memory in use."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


class Listener(Process):
    """The collection service; killed and started again, it listens on the same ports."""

    def __init__(
        self, url: str, log: Path, *, ports: tuple[int, int] | None = None, **environment: str
    ) -> None:
        self.udp, self.tcp = ports or (service_port(None), service_port(None))
        super().__init__(
            "tests.faults.listener",
            str(self.udp),
            str(self.tcp),
            environment={"DATABASE_URL": url, **WITHOUT_MQTT, **environment},
            log=log,
        )

    def wait_open(self) -> None:
        """Until it takes frames."""
        wait_for(self._open, "open ports")

    def _open(self) -> bool:
        found = self.ask()
        return found["udp"] is not None and found["tcp"] is not None

    def port(self, transport: str) -> int:
        return {"udp": self.udp, "tcp": self.tcp}[transport]

    def dropped(self) -> int:
        """Datagrams that the kernel dropped at our socket for want of room, as it says itself."""
        rows = Path("/proc/net/udp").read_text().splitlines()[1:]
        ours = [row.split() for row in rows if row.split()[1].endswith(f":{self.udp:04X}")]
        return sum(int(row[-1]) for row in ours)


class Sender(Process):
    """Devices of the fleet over one transport; several senders share the fleet by `part` of `of`."""

    def __init__(
        self,
        load: Load,
        folder: Path,
        *,
        transport: str,
        port: int,
        part: int = 0,
        of: int = 1,
        lines: int = 4,
        in_flight: int = 200,
        rate: float = 2_000,
    ) -> None:
        self.transport = transport
        self.plan = folder / f"sender-{transport}-{part}.plan"
        told = {
            "transport": transport,
            "port": port,
            "part": part,
            "of": of,
            "lines": lines,
            "in_flight": in_flight,
            "rate": rate,
        }
        self.plan.write_text(json.dumps(told))
        load.write(self.plan.with_suffix(".load"))
        log = self.plan.with_suffix(".log")
        super().__init__("tests.faults.sender", str(self.plan), environment={}, log=log)

    def _progress(self) -> tuple[int, int, int]:
        try:
            return PROGRESS.unpack(self.plan.with_suffix(".progress").read_bytes())
        except (OSError, struct.error):
            return (0, 0, 0)

    @property
    def acknowledged(self) -> int:
        return self._progress()[0]

    @property
    def repeated(self) -> int:
        return self._progress()[2]

    def wait_acknowledged(self, more: int) -> None:
        """Until so many more frames are acknowledged."""
        goal = self.acknowledged + more

        def reached() -> bool:
            assert self.alive, f"the sender has ended:\n{self.tail()}"
            return self.acknowledged >= goal

        wait_for(reached, f"{more} more acknowledgements over {self.transport}")

    def results(self) -> NDArray[np.int64]:
        """Rows of device number, counter, flags; after `finish`."""
        found: NDArray[np.int64] = np.load(self.plan.with_suffix(".npy"))
        return found

    def counts(self) -> dict[str, int]:
        found: dict[str, int] = json.loads(self.plan.with_suffix(".counts").read_text())
        return found


class Flood(Process):
    """Garbage over UDP until it is finished; `finish` leaves its count in `sent`."""

    def __init__(
        self, folder: Path, port: int, *, rate: int, devices: list[str], seed: int = 1
    ) -> None:
        self._told = folder / "flood.count"
        super().__init__(
            "tests.faults.flood",
            str(port),
            str(rate),
            str(seed),
            str(self._told),
            *devices,
            environment={},
            log=folder / "flood.log",
        )

    @property
    def sent(self) -> int:
        try:
            return int(self._told.read_text() or 0)
        except OSError:
            return 0
