"""Log files of services and processes: appended to, and put aside when they have grown."""

from pathlib import Path
from typing import IO

ROTATE_BYTES = 10 * 1024 * 1024
TAIL_BYTES = 16 * 1024


def open_log(path: Path) -> IO[bytes]:
    """Open for appending; a file over 10 MB becomes `<name>.1` first."""
    if path.exists() and path.stat().st_size > ROTATE_BYTES:
        path.replace(path.with_name(path.name + ".1"))
    path.touch(mode=0o600)
    return path.open("ab")


def last_lines(path: Path, count: int) -> list[str]:
    """The last lines that hold something."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    return [line.rstrip() for line in text.splitlines() if line.strip()][-count:]
