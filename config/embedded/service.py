"""What the embedded services have in common: start, wait until ready, stop, clean up."""

import os
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from pathlib import Path

from config.embedded import launch, ports, processes
from config.embedded.errors import EmbeddedError
from config.embedded.logs import last_lines, open_log
from config.embedded.state import DataFolder

ATTEMPTS = 6
READY_POLL_SECONDS = 0.02


def launcher(*options: str, command: list[str]) -> list[str]:
    """The command line that runs `command` through `launch.py`."""
    return [sys.executable, "-I", "-S", str(launch.__file__), *options, "--", *command]


class Service(ABC):
    """One embedded server with its data in a folder of its own."""

    name: str  # also the name of its folder, log file and remembered port
    title: str  # what a person calls it
    variable: str  # the environment variable that carries its URL
    program: str  # the base name of its executable
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 15
    ready_seconds: float = 30

    def __init__(self, folder: DataFolder, *, temporary: bool) -> None:
        self.folder = folder
        self.temporary = temporary
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        return self.folder.root / self.name

    @property
    def log(self) -> Path:
        return self.folder.log / f"{self.name}.log"

    @property
    @abstractmethod
    def url(self) -> str:
        """Address with login, once the port is known."""

    @property
    @abstractmethod
    def signature(self) -> Path:
        """The path on the command line by which an orphan is recognised."""

    @abstractmethod
    def prepare(self) -> None:
        """Write configuration and first data. Called with the port set."""

    @abstractmethod
    def command(self) -> list[str]:
        """Program and arguments."""

    @abstractmethod
    def ready(self) -> bool:
        """Whether the server takes logins; asked again and again."""

    def launch_options(self) -> list[str]:
        return []

    def spawn(self) -> None:
        """Choose a port and start the process."""
        self.port = ports.service_port(self.folder.port(self.name))
        self.launch()

    def launch(self) -> None:
        """Start the process on its port; it asks the kernel to die with this one."""
        self.prepare()
        options = ["--parent", str(os.getpid()), "--signal", str(int(self.stop_signal))]
        with open_log(self.log) as log:
            self.process = subprocess.Popen(
                launcher(*options, *self.launch_options(), command=self.command()),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder.root,
                start_new_session=True,
            )

    def wait_ready(self) -> None:
        """Wait for the started process; one that ends at once is started again, elsewhere."""
        for attempt in range(1, ATTEMPTS + 1):
            if self._became_ready():
                self.folder.remember_port(self.name, self.port)
                return
            if attempt < ATTEMPTS:
                time.sleep(0.25 * attempt)
                self.spawn()
        reason = " | ".join(last_lines(self.log, 2)) or "it wrote nothing"
        raise EmbeddedError(f"{self.title} does not start: {reason} (see {self.log})")

    def _became_ready(self) -> bool:
        """False when the process ended; a hanging one is an error."""
        deadline = time.monotonic() + self.ready_seconds
        while self.running():
            if self.ready():
                return True
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"{self.title} is not ready after {self.ready_seconds:.0f} s (see {self.log})"
                )
            time.sleep(READY_POLL_SECONDS)
        return False

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def ask_to_stop(self) -> None:
        if self.process is not None and self.running():
            self.process.send_signal(self.stop_signal)

    def stop(self) -> None:
        """Ask to end, then insist."""
        if self.process is None:
            return
        self.ask_to_stop()
        try:
            self.process.wait(self.stop_seconds)
        except subprocess.TimeoutExpired:
            self.kill()
        self.process = None

    def kill(self) -> None:
        if self.process is not None:
            processes.signal_group(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def clear_orphans(self) -> bool:
        """End what a killed start left behind: only this program, only with our folder."""
        orphans = processes.processes_with_argument(self.program, self.signature)
        for mark in orphans:
            processes.stop_process(mark, self.stop_signal, self.stop_seconds)
        return bool(orphans)
