"""`demo`: everything on one machine, until Ctrl-C; and `stop` and `status` for a running copy."""

import contextlib
import http.client
import os
import socket
import sys
import time
from collections.abc import Iterator

from config.embedded import ports, services, setup_steps, status
from config.embedded.errors import EmbeddedError
from config.embedded.interruption import Forced, Interruption
from config.embedded.locks import FileLock
from config.embedded.running_copy import end_orphans
from config.embedded.services import RunningServices
from config.embedded.state import DataFolder, var_directory
from config.embedded.supervisor import OWNER_VARIABLE, TICK_SECONDS, Child, Supervisor
from config.embedded.terminal import say, write

WEB_READY_SECONDS = 90
# The ports of config/settings/ingestion.py, where devices reach the worker.
DEVICE_PORTS = {
    "INGEST_UDP_PORT": (7059, socket.SOCK_DGRAM),
    "INGEST_TCP_PORT": (7059, socket.SOCK_STREAM),
    "INGEST_MQTT_PORT": (7058, socket.SOCK_STREAM),
}


def run() -> int:
    """Exit code 0 after an orderly stop."""
    os.umask(0o077)  # what the processes write (logins, mail, exports) is nobody else's
    folder = DataFolder(var_directory())
    folder.create()
    with FileLock(folder.demo_lock) as lock:
        if not lock.acquire():
            raise EmbeddedError(_already_running(folder))
        interruption = Interruption()
        interruption.install()
        end_orphans(folder)
        remembered = folder.port("web")
        with ports.web_socket(forced=os.environ.get("PORT"), remembered=remembered) as listener:
            port = listener.getsockname()[1]
            say("starting the services")
            with services.start(temporary=False, port=port) as running:
                folder.remember_port("web", port)
                return _serve(folder, running, listener, interruption)


def _already_running(folder: DataFolder) -> str:
    known = status.load(folder)
    where = f" at {known.url}" if known and known.url else ""
    return f"this copy is already running{where} (`make stop` ends it)"


def _serve(
    folder: DataFolder,
    running: RunningServices,
    listener: socket.socket,
    interruption: Interruption,
) -> int:
    environment = {
        **_device_ports(),
        **os.environ,
        **running.environment,
        OWNER_VARIABLE: str(folder.root),
    }
    url = f"http://{ports.LOOPBACK}:{listener.getsockname()[1]}"
    children = _children(folder, environment, listener)
    supervisor = Supervisor(running.owned, children, interruption)
    _remember(folder, supervisor, url)
    try:
        if setup_steps.run_all(folder, environment, interruption):
            say("starting the web server, the worker, the scheduler and the demo's modules")
            supervisor.start()
            _watch(folder, supervisor, url, interruption)
        say("stopping")
        supervisor.stop()
    except Forced:
        say("stopping at once")
        supervisor.kill()
        for service in running.owned:
            service.kill()
    finally:
        supervisor.kill()
        folder.status_file.unlink(missing_ok=True)
    return 0


def _device_ports() -> dict[str, str]:
    """Any free port (0) where another copy has the usual one; its devices are not ours."""
    taken = [name for name, place in DEVICE_PORTS.items() if not ports.is_free(*place)]
    return dict.fromkeys(taken, "0")


def _children(
    folder: DataFolder, environment: dict[str, str], listener: socket.socket
) -> list[Child]:
    """In the order of their start."""
    celery = ["-m", "celery", "-A", "config"]
    worker = [
        *celery,
        "worker",
        "-Q",
        "celery,ingestion",
        "--concurrency",
        "2",
        "-l",
        "INFO",
    ]
    commands = (
        ("web", ["-m", "config.embedded.web", str(listener.fileno())], 10),
        ("worker", worker, 20),
        ("beat", [*celery, "beat", "-l", "INFO", "--pidfile="], 5),
        *_collectors(celery, environment),
        ("fleet", ["manage.py", "demo_fleet"], 5),
    )
    return [
        Child(
            name,
            [sys.executable, *arguments],
            environment=environment,
            log=folder.log / f"{name}.log",
            stop_seconds=seconds,
            inherited=[listener.fileno()] if name == "web" else [],
        )
        for name, arguments, seconds in commands
    ]


def _collectors(
    celery: list[str], environment: dict[str, str]
) -> Iterator[tuple[str, list[str], float]]:
    """Workers that only collect, one for each share of the devices beyond the first."""
    shares = environment.get("INGEST_SHARES", "1")
    for number in range(2, int(shares) + 1 if shares.isdecimal() else 2):
        name = f"collector-{number}"
        worker = ["worker", "-Q", "ingestion", "-P", "solo", "-n", f"{name}@%h", "-l", "INFO"]
        yield name, [*celery, *worker], 20


def _watch(
    folder: DataFolder, supervisor: Supervisor, url: str, interruption: Interruption
) -> None:
    """Until a stop is asked for. The banner comes once the web server answers."""
    deadline: float | None = time.monotonic() + WEB_READY_SECONDS
    _remember(folder, supervisor, url)
    while not interruption.wait(TICK_SECONDS):
        if supervisor.tick():
            _remember(folder, supervisor, url)
        if deadline is None:
            continue
        if _answers(url):
            deadline = None
            write(_banner(folder, url))
        elif time.monotonic() > deadline:
            raise EmbeddedError(
                f"the web server does not answer at {url}/healthz: see {folder.log / 'web.log'}"
            )


def _remember(folder: DataFolder, supervisor: Supervisor, url: str) -> None:
    status.save(folder, url, {status.SUPERVISOR: os.getpid(), **supervisor.pids()})


def _answers(url: str) -> bool:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=1)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _banner(folder: DataFolder, url: str) -> str:
    logins = setup_steps.credentials_file(folder)
    with contextlib.suppress(OSError):
        text = logins.read_text().strip()
        indented = "\n".join(f"    {line}" for line in text.splitlines())
        return BANNER.format(url=url, logins=indented, file=logins, folder=folder.root)
    return BANNER.format(url=url, logins="    (none)", file=logins, folder=folder.root)


BANNER = """
  Readout is running at {url}

  Sign in with (also in {file}):
{logins}

  Data and logs: {folder}
  Ctrl-C stops everything; the data stays.
"""
