"""`stop` and `status`: looking at a running copy from outside."""

import os
import signal
from pathlib import Path

from config.embedded import processes, services, status
from config.embedded.errors import EmbeddedError
from config.embedded.locks import FileLock
from config.embedded.state import DataFolder, var_directory
from config.embedded.supervisor import OWNER_VARIABLE
from config.embedded.terminal import say, write

STOP_SECONDS = 120
NOT_RUNNING = 3  # as `systemctl status` answers


def end_orphans(folder: DataFolder) -> bool:
    """Processes of a supervisor that was killed; their environment says that they are ours."""
    orphans = processes.processes_with_variable(OWNER_VARIABLE, str(folder.root))
    for mark in orphans:
        processes.stop_process(mark, signal.SIGTERM, seconds=10)
    return bool(orphans)


def stop() -> int:
    """Stop the running copy, or what a killed one left."""
    folder = DataFolder(var_directory())
    known = status.load(folder)
    supervisor = known.supervisor if known else None
    if supervisor is not None:
        os.kill(supervisor.pid, signal.SIGTERM)
        if not processes.wait_gone(supervisor, STOP_SECONDS):
            raise EmbeddedError(f"process {supervisor.pid} does not stop; try again")
        say("stopped")
        return 0
    left = _clear(folder)
    say("stopped what a killed start had left" if left else "not running")
    return 0


def _clear(folder: DataFolder) -> bool:
    """End orphans of this copy. True where there were some."""
    if not folder.run.exists():
        return False
    found = end_orphans(folder)
    with FileLock(folder.services_lock) as lock:
        if lock.acquire():
            return services.clear_orphans(folder) or found
    return found


def show_status() -> int:
    """One line for each process; exit code 3 where the copy does not run."""
    folder = DataFolder(var_directory())
    known = status.load(folder)
    if known is None or known.supervisor is None:
        say("not running")
        return NOT_RUNNING
    say(f"running at {known.url}, data in {folder.root}")
    for name, mark in known.processes.items():
        state = "running" if mark.alive() else "not running"
        write(f"{name:<10} {state:<11} process {mark.pid}{_log_hint(folder, name)}")
    return 0


def _log_hint(folder: DataFolder, name: str) -> str:
    log: Path = folder.log / f"{name}.log"
    return f", log {log}" if log.exists() else ""
