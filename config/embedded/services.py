"""The three services of a copy: started together, or used where they already run."""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from config.embedded import given_urls
from config.embedded.errors import EmbeddedError
from config.embedded.locks import FileLock
from config.embedded.nats import Nats
from config.embedded.postgres import PostgreSQL
from config.embedded.processes import ProcessMark
from config.embedded.service import Service
from config.embedded.state import DataFolder, var_directory
from config.embedded.terminal import say
from config.embedded.valkey import Valkey

KINDS: tuple[type[Service], ...] = (PostgreSQL, Valkey, Nats)
TEMPORARY_PREFIX = "readout-temporary-"
JOIN_SECONDS = 330
POLL_SECONDS = 0.1


class RunningServices:
    """Services that answer, and the environment that leads to them.

    The process that started them owns them: they end with it. Another process of the same
    copy only uses them, and the owner's `stop()` waits for it.
    """

    def __init__(self, folder: DataFolder, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = environment
        self.owned: list[Service] = []  # empty in a process that has only joined
        self.locks = contextlib.ExitStack()
        self.temporary = False

    def stop(self) -> None:
        """Stop what this process started; harmless when called again."""
        if self.owned:
            self.folder.ready_file.unlink(missing_ok=True)
        for service in self.owned:
            service.ask_to_stop()
        for service in self.owned:
            service.stop()
        self.owned = []
        if self.temporary:
            shutil.rmtree(self.folder.root, ignore_errors=True)
        self.locks.close()

    def wait_for_users(self) -> None:
        """Wait until no other process uses what this one started; keeps new ones out."""
        if self.owned:
            users = self.locks.enter_context(FileLock(self.folder.users_lock))
            if not users.acquire():
                say("another command still uses the services, waiting")
                users.acquire(wait=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def start(*, temporary: bool, port: int | None = None) -> RunningServices:
    """Start, or join, the services; given URLs are checked first and replace theirs.

    `temporary` takes a fresh folder that `stop()` removes. Call it in the main thread:
    the services ask the kernel to end with the thread that started them.
    """
    given = given_urls.check(os.environ)
    if temporary:
        return _start_temporary(given, port)
    folder = DataFolder(var_directory())
    folder.create()
    deadline = time.monotonic() + JOIN_SECONDS
    while time.monotonic() < deadline:
        lock = FileLock(folder.services_lock)
        if lock.acquire():
            return _start_owned(folder, lock, given, port)
        joined = _join(folder, given)
        if joined is not None:
            return joined
        time.sleep(POLL_SECONDS)
    raise EmbeddedError(f"another start of {folder.root} does not become ready: see {folder.log}")


def _start_temporary(given: Mapping[str, str], port: int | None) -> RunningServices:
    _remove_abandoned()
    folder = DataFolder(Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX)))
    try:
        folder.create()
        lock = FileLock(folder.services_lock)
        lock.acquire(wait=True)
        return _start_owned(folder, lock, given, port, temporary=True)
    except BaseException:
        shutil.rmtree(folder.root, ignore_errors=True)
        raise


def _remove_abandoned() -> None:
    """Temporary folders of killed runs: ours, and locked by nobody."""
    for path in Path(tempfile.gettempdir()).glob(TEMPORARY_PREFIX + "*"):
        folder = DataFolder(path)
        if not folder.services_lock.exists() or path.lstat().st_uid != os.geteuid():
            continue
        with FileLock(folder.services_lock) as lock:
            if lock.acquire():
                clear_orphans(folder)
                shutil.rmtree(path, ignore_errors=True)


def _start_owned(
    folder: DataFolder,
    lock: FileLock,
    given: Mapping[str, str],
    port: int | None,
    *,
    temporary: bool = False,
) -> RunningServices:
    running = RunningServices(folder, {})
    running.locks.enter_context(lock)
    running.temporary = temporary
    try:
        folder.ready_file.unlink(missing_ok=True)
        clear_orphans(folder)
        for kind in KINDS:
            if kind.variable not in given:
                running.owned.append(kind(folder, temporary=temporary))
                running.owned[-1].spawn()
        for service in running.owned:
            service.wait_ready()
        urls = {service.variable: service.url for service in running.owned}
        running.environment = _environment(folder, urls | dict(given), port)
        folder.write_environment(running.environment)
        ProcessMark.current().save(folder.ready_file)
    except BaseException:
        running.stop()
        raise
    return running


def _environment(folder: DataFolder, urls: Mapping[str, str], port: int | None) -> dict[str, str]:
    kept = {
        "SECRET_KEY": os.environ.get("SECRET_KEY") or folder.secret("secret_key", size=50),
        "MASTER_KEY": os.environ.get("MASTER_KEY") or folder.master_key(),
    }
    address = {
        "READOUT_VAR": str(folder.root),
        "PORT": str(port or folder.port("web") or 8000),
    }
    return {**urls, **kept, **address}


def _join(folder: DataFolder, given: Mapping[str, str]) -> RunningServices | None:
    """Use the services of the process that holds the lock; None while they are not ready."""
    users = FileLock(folder.users_lock)
    if not users.acquire(shared=True):
        return None
    if ProcessMark.load(folder.ready_file) is None:
        users.release()
        return None
    running = RunningServices(folder, {**folder.read_environment(), **given})
    running.locks.enter_context(users)
    return running


def clear_orphans(folder: DataFolder) -> bool:
    """End services that a killed start of this folder left. Call with the services lock held."""
    return any([kind(folder, temporary=False).clear_orphans() for kind in KINDS])
