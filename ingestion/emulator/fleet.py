"""Modules as columns: who they are, their keys, counters and clocks. A row is a module."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ingestion.codecs.sealing import seal_packed
from ingestion.codecs.universal_frame import MAX_COUNTER, Direction, device_label
from ingestion.codecs.universal_frames import pack_headers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

__all__ = ["CLOCK_TOLERANCE", "Modules"]

# A clock that differs more is set from the acknowledgement (seconds).
CLOCK_TOLERANCE = 5.0
# After a restart so many counters are passed over, as a module does that writes ahead.
_AHEAD = 256


@dataclass(slots=True, eq=False)
class Modules:
    """device: ids as numbers, ascending; counter: the last one used; down: the highest accepted.

    clock: seconds that the module's clock is ahead of ours; drift: seconds that it gains a day.
    """

    device: NDArray[np.uint64]
    key: list[bytes]
    selector: NDArray[np.uint8]
    counter: Ints
    down: Ints
    clock: NDArray[np.float64]
    drift: NDArray[np.float64]
    set_at: NDArray[np.float64]
    ciphers: list[AESGCM | None]

    def __len__(self) -> int:
        return len(self.device)

    @classmethod
    def of(
        cls,
        device: NDArray[np.uint64],
        key: Sequence[bytes],
        *,
        selector: NDArray[np.uint8] | None = None,
        highest: Ints | None = None,
    ) -> Modules:
        """highest: the largest counter that the server may have seen of each; 0 for a new key."""
        count = len(device)
        if bool((device[1:] <= device[:-1]).any()):
            raise ValueError("device ids must ascend")
        used = np.zeros(count, np.int64) if highest is None else highest.astype(np.int64)
        counter = np.where(used > 0, np.minimum(used + _AHEAD, MAX_COUNTER - 1), 0)
        return cls(
            device,
            list(key),
            np.zeros(count, np.uint8) if selector is None else selector,
            counter,
            np.zeros(count, np.int64),
            np.zeros(count),
            np.zeros(count),
            np.zeros(count),
            [None] * count,
        )

    def label(self, row: int) -> str:
        """Device id as printed."""
        return device_label(int(self.device[row]).to_bytes(8, "big"))

    def find(self, device: NDArray[np.uint64]) -> Ints:
        """Row of each device id, −1 for a stranger."""
        if not len(self.device):
            return np.full(len(device), -1)
        row = np.minimum(np.searchsorted(self.device, device), len(self.device) - 1)
        return np.where(self.device[row] == device, row, -1)

    def cipher(self, row: int) -> AESGCM:
        found = self.ciphers[row]
        if found is None:
            found = self.ciphers[row] = AESGCM(self.key[row])
        return found

    def rekey(self, row: int, selector: int, key: bytes) -> None:
        """Take a new key; counters begin anew under it, in both directions."""
        self.key[row], self.selector[row], self.ciphers[row] = key, selector, None
        self.counter[row], self.down[row] = 0, 0

    def seal(self, rows: Sequence[int], plaintexts: Sequence[bytes]) -> tuple[Ints, list[bytes]]:
        """The next counter of each, and the frame; a module may stand there more than once."""
        row = np.array(rows, np.int64)
        counter = self._take_counters(row)
        headers = pack_headers(Direction.UP, self.selector[row], self.device[row], counter)
        frames = [
            seal_packed(self.cipher(one), header, plain)
            for one, header, plain in zip(rows, headers, plaintexts, strict=True)
        ]
        return counter, frames

    def _take_counters(self, row: Ints) -> Ints:
        order = np.argsort(row, kind="stable")
        ordered = row[order]
        starts = np.flatnonzero(np.diff(ordered, prepend=-1))
        within = np.arange(len(row)) - np.repeat(starts, np.diff(starts, append=len(row)))
        counter = np.empty(len(row), np.int64)
        counter[order] = self.counter[ordered] + 1 + within
        np.maximum.at(self.counter, row, counter)
        return counter

    def time(self, row: Any, now: float) -> Any:
        """What the clocks of modules show when it is `now` (Unix seconds)."""
        return now + self.clock[row] + self.drift[row] * (now - self.set_at[row]) / 86_400

    def set_clock(self, row: int, now: float, server: int, *, wanted: bool = False) -> bool:
        """Follow the server's time where the own clock is off, or it is wanted; whether it did."""
        if not wanted and abs(float(self.time(row, now)) - server) <= CLOCK_TOLERANCE:
            return False
        # The server's second is the nearest that is known; ours may differ from its clock too.
        self.clock[row], self.set_at[row] = server - int(now), now
        return True
