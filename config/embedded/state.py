"""Where a copy keeps its data (`var/`), and the environment its processes share."""

import base64
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from config.embedded.errors import EmbeddedError

PROJECT_ROOT = Path(__file__).resolve().parents[2]


def var_directory() -> Path:
    """The data folder: `READOUT_VAR`, or `var/` beside `manage.py`. It may not exist yet."""
    given = os.environ.get("READOUT_VAR")
    return Path(os.path.abspath(given)) if given else PROJECT_ROOT / "var"


def load_environment() -> dict[str, str]:
    """What the last start of this copy wrote: `DATABASE_URL`, `SECRET_KEY` and so on.

    Starts nothing and checks nothing; an absent or unreadable file gives an empty dict.
    """
    return DataFolder(var_directory()).read_environment()


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step; only its owner may read it (mode 0600)."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


@dataclass(frozen=True)
class DataFolder:
    """The layout of `var/`. Folders are 0700, files with secrets 0600."""

    root: Path

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def log(self) -> Path:
        return self.root / "log"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets"

    @property
    def environment_file(self) -> Path:
        return self.run / "env.json"

    @property
    def services_lock(self) -> Path:
        """Held by the process that started the services, as long as it lives."""
        return self.run / "services.lock"

    @property
    def users_lock(self) -> Path:
        """Held, shared, by other processes that use these services."""
        return self.run / "users.lock"

    @property
    def demo_lock(self) -> Path:
        return self.run / "demo.lock"

    @property
    def ready_file(self) -> Path:
        """Names the process whose services answer."""
        return self.run / "ready.json"

    @property
    def status_file(self) -> Path:
        return self.run / "status.json"

    def create(self) -> None:
        """Make the folders; one that cannot be written is an `EmbeddedError`."""
        try:
            for folder in (self.root, self.run, self.log, self.secrets):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            probe = self.run / f".probe.{os.getpid()}"
            write_private(probe, "x" * 4096)
            probe.unlink()
        except OSError as error:
            raise EmbeddedError(
                f"the data folder {self.root} cannot be written ({error.strerror}):"
                " make it writable, or name another folder in READOUT_VAR"
            ) from error

    def secret(self, name: str, *, size: int = 24) -> str:
        """A generated password, the same at every start."""
        return self._remembered(name, secrets.token_urlsafe(size))

    def master_key(self) -> str:
        """32 random bytes in base64: the key that encrypts the keys of devices."""
        return self._remembered("master_key", base64.b64encode(os.urandom(32)).decode())

    def _remembered(self, name: str, fresh: str) -> str:
        path = self.secrets / name
        if path.exists():
            kept = path.read_text().strip()
            if kept:
                return kept
        write_private(path, fresh + "\n")
        return fresh

    def port(self, name: str) -> int | None:
        """The port that a service had at the last start."""
        return self._ports().get(name)

    def remember_port(self, name: str, port: int) -> None:
        write_private(self._ports_file, json.dumps(self._ports() | {name: port}))

    @property
    def _ports_file(self) -> Path:
        return self.run / "ports.json"

    def _ports(self) -> dict[str, int]:
        try:
            content = json.loads(self._ports_file.read_text())
            return {str(name): int(port) for name, port in content.items()}
        except (OSError, ValueError, AttributeError, TypeError):
            return {}

    def read_environment(self) -> dict[str, str]:
        try:
            content = json.loads(self.environment_file.read_text())
        except (OSError, ValueError):
            return {}
        if not isinstance(content, dict):
            return {}
        return {str(key): str(value) for key, value in content.items()}

    def write_environment(self, environment: dict[str, str]) -> None:
        write_private(self.environment_file, json.dumps(environment, indent=1, sort_keys=True))
