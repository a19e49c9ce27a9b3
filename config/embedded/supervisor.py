"""Keeps processes running: restarts what dies, gives up on what never lives, stops in order."""

import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

from config.embedded import processes
from config.embedded.errors import EmbeddedError
from config.embedded.interruption import Interruption
from config.embedded.logs import last_lines, open_log
from config.embedded.service import Service, launcher
from config.embedded.state import PROJECT_ROOT
from config.embedded.terminal import complain, quote

STABLE_SECONDS = 10
DEATHS_AT_START = 3
LONGEST_PAUSE_SECONDS = 30
TICK_SECONDS = 0.2
SHOWN_LINES = 12
OWNER_VARIABLE = "READOUT_SUPERVISED"


class Watched(ABC):
    """Something with a process that ought to run."""

    name: str
    log: Path

    @property
    @abstractmethod
    def pid(self) -> int | None: ...

    @abstractmethod
    def start(self) -> None: ...

    @abstractmethod
    def running(self) -> bool: ...


class WatchedService(Watched):
    """A service that is started again on the port that the others know."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.name = service.name
        self.log = service.log

    @property
    def pid(self) -> int | None:
        return self.service.process.pid if self.service.process else None

    def start(self) -> None:
        self.service.clear_orphans()
        self.service.launch()

    def running(self) -> bool:
        return self.service.running()


class Child(Watched):
    """A process of the product, in a process group of its own."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        log: Path,
        stop_seconds: float,
        inherited: Sequence[int] = (),
    ) -> None:
        self.name = name
        self.command = list(command)
        self.environment = dict(environment)
        self.log = log
        self.stop_seconds = stop_seconds
        self.inherited = tuple(inherited)  # file descriptors
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None

    def start(self) -> None:
        self.kill()
        options = ["--parent", str(os.getpid()), "--signal", str(int(signal.SIGTERM))]
        with open_log(self.log) as log:
            self.process = subprocess.Popen(
                launcher(*options, command=self.command),
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=PROJECT_ROOT,
                pass_fds=self.inherited,
                start_new_session=True,
            )

    def running(self) -> bool:
        """Leaves a dead process unreaped: until `kill()` its id, and its group's, stay ours."""
        if self.process is None:
            return False
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self.process.pid, options) is None

    def stop(self) -> None:
        if self.process is None:
            return
        if self.running():
            os.kill(self.process.pid, signal.SIGTERM)
        deadline = time.monotonic() + self.stop_seconds
        while self.running() and time.monotonic() < deadline:
            time.sleep(processes.POLL_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End the process, and what it started, at once."""
        if self.process is not None:
            processes.signal_group(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


class Restarts:
    """The deaths of one watched process, and when it is started again."""

    def __init__(self, watched: Watched) -> None:
        self.watched = watched
        self.started = time.monotonic()
        self.again: float | None = None
        self.quick_deaths = 0
        self.was_stable = False

    def tick(self) -> bool:
        """Look once; True where a process was started."""
        now = time.monotonic()
        if self.again is not None:
            if now < self.again:
                return False
            self.again = None
            self.started = now
            self.watched.start()
            return True
        if not self.watched.running():
            self._died(now)
        elif now - self.started > STABLE_SECONDS:
            self.was_stable, self.quick_deaths = True, 0
        return False

    def _died(self, now: float) -> None:
        self.quick_deaths += 1
        if self.quick_deaths >= DEATHS_AT_START and not self.was_stable:
            quote(last_lines(self.watched.log, SHOWN_LINES))
            raise EmbeddedError(
                f"{self.watched.name} ended {self.quick_deaths} times right after its start:"
                f" see the lines above and {self.watched.log}"
            )
        pause = min(2 ** (self.quick_deaths - 1) / 2, LONGEST_PAUSE_SECONDS)
        self.again = now + pause
        complain(f"{self.watched.name} ended, starting it again (log: {self.watched.log})")


class Supervisor:
    """Services are running already; the children are started and stopped here."""

    def __init__(
        self,
        services: Sequence[Service],
        children: Sequence[Child],
        interruption: Interruption,
    ) -> None:
        self.children = list(children)
        self.interruption = interruption
        watched: list[Watched] = [WatchedService(service) for service in services]
        self.restarts = [Restarts(one) for one in [*watched, *children]]

    def start(self) -> None:
        for child in self.children:
            child.start()

    def pids(self) -> dict[str, int]:
        found = {one.watched.name: one.watched.pid for one in self.restarts}
        return {name: pid for name, pid in found.items() if pid is not None}

    def tick(self) -> bool:
        """One look at every process; True where one was started again."""
        return any([one.tick() for one in self.restarts])

    def stop(self) -> None:
        """In the reverse order of the start."""
        for child in reversed(self.children):
            child.stop()

    def kill(self) -> None:
        for child in self.children:
            child.kill()
