"""Tests of the embedded start. They run real services in copies of the package, without Django."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PROJECT_ROOT = Path(__file__).resolve().parents[2]
SERVICE_VARIABLES = ("DATABASE_URL", "REDIS_URL", "MQTT_URL")
DEADLINE_SECONDS = 40

# Stand-ins for the product: as much of it as the supervisor calls.
MANAGE = """
import os, pathlib, sys
if sys.argv[1] == "load_demo":
    pathlib.Path(sys.argv[3]).write_text("anna  a-generated-password\\n")
if sys.argv[1] == "collectstatic":
    pathlib.Path(os.environ["READOUT_VAR"], "static").mkdir()
if sys.argv[1] == "demo_fleet":
    import signal
    signal.pause()
"""
ASGI = """
async def application(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})
"""
CELERY = """
import signal
signal.signal(signal.SIGTERM, signal.default_int_handler)
try:
    signal.pause()
except KeyboardInterrupt:
    pass
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.embedded)


def until(condition: Callable[[], bool], what: str, seconds: float = DEADLINE_SECONDS) -> None:
    """Poll until the condition holds; fail with `what` when it never does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"in vain waited for: {what}"
        time.sleep(0.03)


class Copy:
    """A checkout of its own with a data folder of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.var = root / "var"
        shutil.copytree(PROJECT_ROOT / "config" / "embedded", root / "config" / "embedded")
        (root / "config" / "settings").mkdir()
        (root / "config" / "__init__.py").touch()
        for name in ("requirements.txt", "config/settings/base.py", "config/settings/local.py"):
            (root / name).touch()
        (root / "manage.py").write_text(MANAGE)
        (root / "config" / "asgi.py").write_text(ASGI)
        self.celery = root / "celery" / "__main__.py"
        self.celery.parent.mkdir()
        (root / "celery" / "__init__.py").touch()
        self.celery.write_text(CELERY)
        self.python: list[str] = [sys.executable]
        self.inner_python = self.python  # inside a command that `exec` runs
        self.started: list[subprocess.Popen[str]] = []

    def environment(self, **more: str) -> dict[str, str]:
        dropped = {*SERVICE_VARIABLES, "READOUT_VAR", "PORT", "SECRET_KEY", "MASTER_KEY"}
        kept = {name: value for name, value in os.environ.items() if name not in dropped}
        return {**kept, "PYTHONDONTWRITEBYTECODE": "1", **more}

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*self.python, "-m", "config.embedded", *arguments],
            cwd=self.root,
            env=self.environment(**environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def run(self, *arguments: str, **environment: str) -> tuple[int, str]:
        """Exit code and everything printed."""
        process = self.start(*arguments, **environment)
        output, _ = process.communicate(timeout=DEADLINE_SECONDS)
        return process.returncode, output

    def status(self) -> dict[str, int]:
        """Process ids by name, as the supervisor has written them down."""
        try:
            content = json.loads((self.var / "run" / "status.json").read_text())
        except (OSError, ValueError):
            return {}
        return {name: mark["pid"] for name, mark in content["processes"].items()}

    def demo(self, **environment: str) -> "Demo":
        return Demo(self, self.start("demo", **environment))

    def sql(self, statement: str) -> tuple[int, str]:
        """Run one statement through `exec`; a result is printed."""
        code = (
            "import os, psycopg\n"
            "with psycopg.connect(os.environ['DATABASE_URL']) as connection:\n"
            f"    found = connection.execute({statement!r})\n"
            "    print(found.fetchall() if found.description else 'done')"
        )
        return self.run("exec", "--", *self.inner_python, "-c", code)

    def kill_all(self) -> None:
        """SIGKILL for every process of this copy, in no order; returns when they are gone.

        A starter does not mention the data folder: left alive, it would hold the lock of
        services that are dead, and the next command would join them.
        """
        starters = [process for process in self.started if process.poll() is None]
        for pid in [
            *(process.pid for process in starters),
            *self.status().values(),
            *self.processes(),
        ]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for process in starters:
            process.wait()
        until(lambda: not self.processes(), "killed processes to be gone")

    def processes(self) -> list[int]:
        """Living processes that mention this copy's data folder."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    command = (entry / "cmdline").read_bytes()
                    environment = (entry / "environ").read_bytes()
                except OSError:
                    continue
                if str(self.var).encode() in command + environment:
                    found.append(int(entry.name))
        return found

    def close(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(20)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # what its command left behind
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        self.kill_all()


class Demo:
    """A running `demo` and what it prints."""

    def __init__(self, copy: Copy, process: subprocess.Popen[str]) -> None:
        self.copy = copy
        self.process = process
        self.output = ""

    def wait_ready(self) -> "Demo":
        return self.wait_line("Ctrl-C stops everything")

    def wait_line(self, text: str) -> "Demo":
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line
            if text in line:
                return self
        raise AssertionError(f"ended without {text!r}:\n{self.output}")

    @property
    def url(self) -> str:
        return self.output.partition("running at ")[2].split()[0]

    def finish(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=DEADLINE_SECONDS)
        self.output += rest
        return self.process.returncode


@pytest.fixture
def make_copy(tmp_path: Path) -> Iterator[Callable[[str], Copy]]:
    made: list[Copy] = []

    def make(name: str) -> Copy:
        (tmp_path / name).mkdir()
        made.append(Copy(tmp_path / name))
        return made[-1]

    yield make
    for copy in made:
        copy.close()


@pytest.fixture
def copy(make_copy: Callable[[str], Copy]) -> Copy:
    return make_copy("copy")
