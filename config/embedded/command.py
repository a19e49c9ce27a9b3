"""`exec`: one command, with the services and their environment around it."""

import os
import shutil
import signal
import subprocess
from types import FrameType

from config.embedded import services
from config.embedded.errors import EmbeddedError

NOT_FOUND = 127


def execute(words: list[str], *, temporary: bool) -> int:
    """Exit code of the command; services are stopped before this returns."""
    if not words:
        raise EmbeddedError("exec: give a command, as in `exec -- python manage.py shell`")
    if shutil.which(words[0]) is None:
        raise EmbeddedError(f"exec: there is no program {words[0]}")
    _exit_on_termination()
    with services.start(temporary=temporary) as running:
        code = _run(words, {**os.environ, **running.environment})
        running.wait_for_users()
    return code


def _exit_on_termination() -> None:
    """SIGTERM unwinds like Ctrl-C, so that what has been started is stopped."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, leave)


def _run(words: list[str], environment: dict[str, str]) -> int:
    """Ctrl-C reaches the command from the terminal; SIGTERM is passed on to it."""
    process = subprocess.Popen(words, env=environment)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)

    def forward(number: int, frame: FrameType | None) -> None:
        process.send_signal(number)

    termination = signal.signal(signal.SIGTERM, forward)
    try:
        code = process.wait()
    finally:
        signal.signal(signal.SIGINT, before)
        signal.signal(signal.SIGTERM, termination)
    return code if code >= 0 else 128 - code
