"""Processes that outlive their parent: remembered so that they are never mistaken for others."""

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from config.embedded.state import write_private

POLL_SECONDS = 0.05


@dataclass(frozen=True)
class ProcessMark:
    """A process id alone is reused; with the boot and the start time it is unique."""

    pid: int
    started: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> "ProcessMark | None":
        """None where no such process lives (a zombie does not live)."""
        try:
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return None
        # proc(5): the name in brackets may hold anything; state is field 3, start time field 22.
        fields = stat.rpartition(")")[2].split()
        if fields[0] in "ZX":
            return None
        return cls(pid=pid, started=int(fields[19]), boot=boot)

    @classmethod
    def current(cls) -> "ProcessMark":
        mark = cls.of(os.getpid())
        assert mark is not None  # this process lives
        return mark

    def alive(self) -> bool:
        return ProcessMark.of(self.pid) == self

    def save(self, path: Path) -> None:
        write_private(path, json.dumps(asdict(self)))

    @classmethod
    def load(cls, path: Path) -> "ProcessMark | None":
        """The remembered process, where it still lives and is the same one."""
        try:
            content = json.loads(path.read_text())
            mark = cls(int(content["pid"]), int(content["started"]), str(content["boot"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return mark if mark.alive() else None


def processes_with_argument(program: str, argument: Path) -> list[ProcessMark]:
    """Processes of `program` that were started with the path `argument`, as our services are."""
    return _matching(lambda arguments: _runs(arguments, program, str(argument)), "cmdline")


def processes_with_variable(name: str, value: str) -> list[ProcessMark]:
    """Processes whose environment holds `name=value`; the calling process is left out."""
    return _matching(lambda variables: f"{name}={value}" in variables, "environ")


def _runs(arguments: list[str], program: str, argument: str) -> bool:
    return os.path.basename(arguments[0]) == program and argument in arguments


def _matching(test: Callable[[list[str]], bool], file: str) -> list[ProcessMark]:
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            words = (entry / file).read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        mark = ProcessMark.of(int(entry.name)) if test(words) else None
        if mark is not None:
            found.append(mark)
    return found


def signal_group(pid: int, number: int) -> None:
    """Signal a process and, where it leads a process group, all of that group.

    The caller knows that the process is ours: it has not been reaped, or was just recognised.
    """
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return


def wait_gone(mark: ProcessMark, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while mark.alive():
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def stop_process(mark: ProcessMark, number: int, seconds: float) -> bool:
    """Ask with signal `number`, then kill after `seconds`. The caller knows that it is ours."""
    if not mark.alive():
        return True
    os.kill(mark.pid, number)
    if wait_gone(mark, seconds):
        return True
    signal_group(mark.pid, signal.SIGKILL)
    return wait_gone(mark, 5)
