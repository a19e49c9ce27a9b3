"""Embedded PostgreSQL: initdb into a folder aside, own settings at each start, TCP on loopback."""

import locale
import os
import shutil
import signal
import subprocess
from functools import cached_property
from pathlib import Path

from config.embedded import processes
from config.embedded.binaries import postgres_binary
from config.embedded.errors import EmbeddedError
from config.embedded.ports import LOOPBACK
from config.embedded.postgres_settings import settings_text
from config.embedded.service import Service, launcher
from config.embedded.state import write_private
from config.embedded.unprivileged import Identity, choose_identity

MAJOR_VERSION = "18"
USER = DATABASE = "readout"
STATUS_LINE = 7  # of postmaster.pid, counted from 0 (miscadmin.h: LOCK_FILE_LINE_PM_STATUS)


class PostgreSQL(Service):
    """The application is not its superuser; that one's password is in `var/secrets`."""

    name = "postgres"
    title = "PostgreSQL"
    variable = "DATABASE_URL"
    program = "postgres"
    stop_signal = signal.SIGINT  # fast shutdown: ends sessions, writes a checkpoint
    stop_seconds = 60
    ready_seconds = 300  # recovery after a crash replays up to max_wal_size

    @property
    def url(self) -> str:
        password = self.folder.secret("postgres_password")
        return f"postgresql://{USER}:{password}@{LOOPBACK}:{self.port}/{DATABASE}"

    @property
    def signature(self) -> Path:
        return self.data

    @cached_property
    def identity(self) -> Identity:
        return choose_identity(postgres_binary("postgres"), self.folder.root)

    def launch_options(self) -> list[str]:
        return list(self.identity.options)

    def prepare(self) -> None:
        if not self.data.exists():
            self._make_cluster()
        self._check_version()
        self.identity.give(self.data)
        self._drop_stale_lock()
        configuration = self.data / "postgresql.conf"
        configuration.write_text(settings_text(port=self.port, durable=not self.temporary))

    def command(self) -> list[str]:
        return [str(postgres_binary("postgres")), "-D", str(self.data)]

    def ready(self) -> bool:
        """`postmaster.pid` names our process and says `ready`."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return (
            self.process is not None
            and len(lines) > STATUS_LINE
            and lines[0].strip() == str(self.process.pid)
            and lines[STATUS_LINE].strip() == "ready"
        )

    def _check_version(self) -> None:
        try:
            version = (self.data / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            version = "unknown"
        if version != MAJOR_VERSION:
            raise EmbeddedError(
                f"{self.data} holds a database of version {version}, this PostgreSQL is"
                f" {MAJOR_VERSION}: dump and restore it, or move the folder away to begin anew"
            )

    def _drop_stale_lock(self) -> None:
        """A killed server leaves its process id, which may since belong to a stranger."""
        if not processes.processes_with_argument(self.program, self.signature):
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _make_cluster(self) -> None:
        """Everything is made under another name; the last step is a rename."""
        fresh = self.folder.root / "postgres.new"
        passwords = self.folder.root / "postgres.new.password"
        if fresh.exists():  # an earlier start was interrupted
            shutil.rmtree(fresh)
        fresh.mkdir(mode=0o700)
        try:
            write_private(passwords, self.folder.secret("postgres_superuser_password") + "\n")
            self.identity.give(fresh)
            self.identity.give(passwords)
            self._initdb(fresh, passwords)
            self._make_database(fresh)
            os.sync()
            fresh.rename(self.data)
        finally:
            passwords.unlink(missing_ok=True)
            shutil.rmtree(fresh, ignore_errors=True)

    def _initdb(self, target: Path, passwords: Path) -> None:
        options = "--username=postgres --auth=scram-sha-256 --encoding=UTF8 --data-checksums"
        texts = "--locale-provider=builtin --builtin-locale=C.UTF-8 --no-locale --no-instructions"
        texts += f" --lc-ctype={_character_types()}"
        command = [str(postgres_binary("initdb")), *options.split(), *texts.split()]
        self._run([*command, "--no-sync", f"--pwfile={passwords}", "-D", str(target)])

    def _make_database(self, target: Path) -> None:
        """Through the single-user server: nothing listens yet."""
        password = self.folder.secret("postgres_password")
        statements = (
            f"CREATE ROLE {USER} LOGIN CREATEDB CREATEROLE PASSWORD '{password}';\n"
            f"CREATE DATABASE {DATABASE} OWNER {USER};\n"
        )
        program = str(postgres_binary("postgres"))
        fast = ["-c", "fsync=off", "-c", "exit_on_error=on"]
        self._run(
            [program, "--single", *fast, "-D", str(target), "postgres"],
            given=statements,
        )

    def _run(self, command: list[str], *, given: str = "") -> None:
        result = subprocess.run(
            launcher(*self.launch_options(), command=command),
            input=given,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder.root,
        )
        if result.returncode != 0:
            lines = (result.stderr or result.stdout).strip().splitlines()
            reason = next((line for line in lines if "could not" in line), (lines or ["?"])[-1])
            raise EmbeddedError(f"PostgreSQL's first data cannot be made: {reason.strip()}")


def _character_types() -> str:
    """The C library's classes of characters: pg_trgm asks it, not PostgreSQL, what a letter is.

    Under plain C its indexes know no Cyrillic letter, and a search reads whole tables.
    """
    before = locale.setlocale(locale.LC_CTYPE)
    for name in ("C.UTF-8", "en_US.UTF-8"):
        try:
            locale.setlocale(locale.LC_CTYPE, name)
        except locale.Error:
            continue
        finally:
            locale.setlocale(locale.LC_CTYPE, before)
        return name
    return "C"
