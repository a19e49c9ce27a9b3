"""Where the fast path stands in each frame of a batch, and how it reads many places at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .bits import READ_AHEAD
from .columns import Columns

__all__ = ["Cursor", "Front", "grouped"]


class Front(NamedTuple):
    """The next message of some frames: frame numbers, its first byte and the frame's end."""

    frame: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]

    @property
    def size(self) -> int:
        return len(self.frame)

    def take(self, rows: NDArray[Any] | slice) -> Front:
        return Front(self.frame[rows], self.start[rows], self.end[rows])

    def after(self, size: int | NDArray[np.int64]) -> Front:
        """The frames that have more behind the message of this size."""
        moved = self._replace(start=self.start + size)
        more = moved.start < moved.end
        return moved if bool(more.all()) else moved.take(more)


class Cursor:
    """All plaintexts end to end, what was read from them, and which frames were given up."""

    def __init__(self, plaintexts: Sequence[bytes]) -> None:
        sizes = np.fromiter(map(len, plaintexts), np.int64, len(plaintexts))
        self.bytes = np.frombuffer(b"".join((*plaintexts, bytes(READ_AHEAD))), np.uint8)
        self.ends = np.cumsum(sizes)
        self.starts = self.ends - sizes
        self.given_up = sizes == 0
        # By class; intervals by their number of values.
        self.parts: dict[type[Columns] | int, list[Columns]] = defaultdict(list)

    def front(self) -> Front:
        """The first message of every frame that has one."""
        frame = np.flatnonzero(~self.given_up)
        return Front(frame, self.starts[frame], self.ends[frame])

    def records(self, layout: np.dtype[np.void], starts: NDArray[np.int64]) -> NDArray[Any]:
        """One record at each place; the places must have been found to fit."""
        if not starts.size:
            return np.zeros(starts.shape, layout)
        length = len(self.bytes) - layout.itemsize + 1
        return np.ndarray((length,), layout, self.bytes, strides=(1,))[starts]

    def rows(self, size: int, starts: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The `size` bytes at each place, one row each."""
        records = self.records(np.dtype((np.void, size)), starts)
        return records.view(np.uint8).reshape(len(starts), size)

    def keep(self, front: Front, good: NDArray[np.bool_]) -> Front:
        """Give up the frames that are not good."""
        if bool(good.all()):
            return front
        self.given_up[front.frame[~good]] = True
        return front.take(good)

    def fitting(self, front: Front, size: int) -> Front:
        """The messages that have at least this many bytes."""
        return self.keep(front, front.start + size <= front.end)

    def places(self, front: Front) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Frame and offset, the columns that every row starts with."""
        offset = front.start - self.starts[front.frame]
        return front.frame.astype(np.int32), offset.astype(np.int32)


def grouped(keys: NDArray[Any]) -> Iterator[tuple[int, NDArray[Any] | slice]]:
    """Each distinct key with the rows that have it."""
    if not len(keys):
        return
    if bool((keys == keys[0]).all()):
        yield int(keys[0]), slice(None)
        return
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    cuts = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    for rows in np.split(order, cuts):
        yield int(keys[rows[0]]), rows
