"""What runs in a copy, written down by its supervisor for `status`, `stop` and a second start."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from config.embedded.processes import ProcessMark
from config.embedded.state import DataFolder, write_private

SUPERVISOR = "supervisor"


@dataclass(frozen=True)
class Status:
    url: str
    processes: dict[str, ProcessMark]

    @property
    def supervisor(self) -> ProcessMark | None:
        """None where it does not live any more."""
        mark = self.processes.get(SUPERVISOR)
        return mark if mark is not None and mark.alive() else None


def save(folder: DataFolder, url: str, pids: Mapping[str, int]) -> None:
    """Remember the processes by name; those that have ended are left out."""
    marks = {name: ProcessMark.of(pid) for name, pid in pids.items()}
    content = {
        "url": url,
        "processes": {name: asdict(mark) for name, mark in marks.items() if mark is not None},
    }
    write_private(folder.status_file, json.dumps(content, indent=1))


def load(folder: DataFolder) -> Status | None:
    try:
        content = json.loads(folder.status_file.read_text())
        marks = {name: ProcessMark(**mark) for name, mark in content["processes"].items()}
        return Status(str(content["url"]), marks)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
