"""What `demo` does between the services and the processes: tables, demo data, static files."""

import contextlib
import hashlib
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from config.embedded.errors import EmbeddedError
from config.embedded.interruption import Interruption
from config.embedded.logs import last_lines, open_log
from config.embedded.state import PROJECT_ROOT, DataFolder, write_private
from config.embedded.terminal import quote, say

SHOWN_LINES = 8
POLL_SECONDS = 0.1
STOP_SECONDS = 10
STATIC_SOURCES = (
    "requirements.txt",
    "config/settings/base.py",
    "config/settings/local.py",
)


def credentials_file(folder: DataFolder) -> Path:
    return folder.root / "demo-logins.txt"


def run_all(folder: DataFolder, environment: Mapping[str, str], interruption: Interruption) -> bool:
    """False where a stop was asked for meanwhile."""
    load = ["load_demo", "--credentials-file", str(credentials_file(folder))]
    say("preparing the database")
    if not _manage(["migrate", "--noinput", "-v", "0"], folder, environment, interruption):
        return False
    say("preparing the demo company (the first time takes longer)")
    if not _manage(load, folder, environment, interruption):
        return False
    return _collect_static(folder, environment, interruption)


def _collect_static(
    folder: DataFolder, environment: Mapping[str, str], interruption: Interruption
) -> bool:
    stamp = folder.run / "static.stamp"
    fingerprint = static_fingerprint(collected=folder.root / "static")
    if stamp.exists() and stamp.read_text() == fingerprint and (folder.root / "static").exists():
        return True
    say("collecting static files")
    command = ["collectstatic", "--noinput", "-v", "0"]
    done = _manage(command, folder, environment, interruption)
    if done:
        write_private(stamp, fingerprint)
    return done


def static_fingerprint(*, collected: Path) -> str:
    """Changes with the packages, the settings and every static file of the product."""
    digest = hashlib.sha256()
    for name in STATIC_SOURCES:
        digest.update((PROJECT_ROOT / name).read_bytes())
    sources = {PROJECT_ROOT / "static", *PROJECT_ROOT.glob("*/static")} - {collected}
    for folder in sorted(sources):
        for path in sorted(folder.rglob("*")):
            state = path.stat()
            digest.update(f"{path}:{state.st_mtime_ns}:{state.st_size}\n".encode())
    return digest.hexdigest()


def _manage(
    arguments: list[str],
    folder: DataFolder,
    environment: Mapping[str, str],
    interruption: Interruption,
) -> bool:
    """Run `manage.py`, its output in `setup.log`; False where a stop was asked for."""
    log = folder.log / "setup.log"
    with open_log(log) as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=PROJECT_ROOT,
            start_new_session=True,
        )
    try:
        while process.poll() is None:
            if interruption.wait(POLL_SECONDS):
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(STOP_SECONDS)
                break
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if interruption.asked:
        return False
    if process.returncode != 0:
        quote(last_lines(log, SHOWN_LINES))
        raise EmbeddedError(f"manage.py {arguments[0]} failed: see the lines above and {log}")
    return True
