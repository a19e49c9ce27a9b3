"""What modules were told is stored: a line for each acknowledged interval profile.

The lines are plain text, so that anything can be checked against them: device id as printed, frame
counter, port, register, base time (Unix seconds), interval in minutes, opening register ("-" for
none), values joined by commas, nothing between two commas for a missing one; tabs in between.
Frames without a profile have a line with "-" from the port on.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = ["Entry", "Ledger", "Told", "ledger_read"]

_NOTHING = "-"


class Told(NamedTuple):
    """One profile as a module sent it; counts of the register, not units of the archive."""

    port: int
    register: int
    base_time: int
    interval: int
    opening: int | None
    values: tuple[int | None, ...]


class Entry(NamedTuple):
    """A line: who sent what under which counter; told is None for a frame without a profile."""

    device: str
    counter: int
    told: Told | None


class Ledger:
    """Written while frames are acknowledged; flushed with each batch. Without a path it counts."""

    def __init__(self, path: Path | None = None) -> None:
        self.frames = 0
        self.values = 0
        self.total = 0
        self._file: IO[str] | None = None if path is None else path.open("a", encoding="ascii")

    def note(self, device: str, counter: int, told: Iterable[Told]) -> None:
        """The frame of this device and counter was acknowledged."""
        self.frames += 1
        entries = [Entry(device, counter, one) for one in told]
        for entry in entries:
            assert entry.told is not None
            present = [value for value in entry.told.values if value is not None]
            self.values += len(present)
            self.total += sum(present)
        if self._file is not None:
            lines = entries or [Entry(device, counter, None)]
            self._file.writelines(map(_line, lines))

    def flush(self) -> None:
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def ledger_read(path: Path) -> Iterator[Entry]:
    """The lines of a ledger; a last line that was cut off is left out: nobody relies on it."""
    with path.open(encoding="ascii") as file:
        for line in file:
            if line.endswith("\n"):
                yield _entry(line[:-1])


def _line(entry: Entry) -> str:
    told = entry.told
    if told is None:
        return f"{entry.device}\t{entry.counter}\t{_NOTHING}\n"
    values = ",".join("" if value is None else str(value) for value in told.values)
    opening = _NOTHING if told.opening is None else told.opening
    fields = (entry.device, entry.counter, *told[:4], opening, values)
    return "\t".join(map(str, fields)) + "\n"


def _entry(line: str) -> Entry:
    device, counter, *rest = line.split("\t")
    if rest == [_NOTHING]:
        return Entry(device, int(counter), None)
    port, register, base_time, interval, opening, values = rest
    told = Told(
        int(port),
        int(register),
        int(base_time),
        int(interval),
        None if opening == _NOTHING else int(opening),
        tuple(int(value) if value else None for value in values.split(",")),
    )
    return Entry(device, int(counter), told)
