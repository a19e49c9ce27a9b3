"""The door between sockets and the engine: frames gather here, answers come back.

Transports only move bytes. They put what arrives into an `Intake`; the engine's thread takes
batches out, and hands the answers to the transport once the transaction with the data has
committed. The intake is bounded: when the database is slow or away, transports stop reading, and
the network, the device or the broker keeps what was not acknowledged.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Arrival", "Batch", "Intake", "Replies"]


class Arrival(NamedTuple):
    """One frame as received."""

    payload: bytes
    # Address of the peer as text, "" for a broker that hides it.
    source: str
    # What the transport needs to answer: a socket address, a connection, a broker's message id.
    token: Any


class Replies(Protocol):
    """What a transport does once a batch is stored.

    code: its number in the raw frames (`ingestion.models.Transport`).
    """

    code: int

    def acknowledge(self, arrivals: Sequence[Arrival], answers: Sequence[bytes | None]) -> None:
        """Send each answer (None: nothing is sent); called from the engine's thread."""


@dataclass(slots=True)
class Batch:
    """Frames of one transport that are stored in one transaction."""

    transport: Replies
    arrivals: list[Arrival]
    first_at: float


@dataclass(slots=True)
class Intake:
    """Bounded buffer of frames, cut into batches.

    size: frames in a batch at most; linger: seconds a frame waits for company at most (a batch
    larger than what devices may have in flight would otherwise never fill); limit: frames held.
    """

    size: int = 5_000
    linger: float = 0.02
    limit: int = 20_000
    clock: Any = time.monotonic
    _held: int = 0
    _closed: bool = False
    _batches: list[Batch] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def put(self, transport: Replies, arrivals: list[Arrival], *, timeout: float = 0.5) -> bool:
        """Add frames; waits while the intake is full. False: still full, or closed: stop reading."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._held < self.limit or self._closed, timeout):
                return False
            if self._closed:
                return False
            self._add(transport, arrivals)
            self._changed.notify_all()
            return True

    def put_beyond(self, transport: Replies, arrivals: list[Arrival]) -> bool:
        """Add frames whatever is held: another engine counts them against its own limit.

        False: closed.
        """
        with self._changed:
            if not self._closed:
                self._add(transport, arrivals)
                self._changed.notify_all()
            return not self._closed

    def room(self) -> int:
        """How many frames may be put at once without waiting."""
        return max(0, self.limit - self._held)

    def _add(self, transport: Replies, arrivals: list[Arrival]) -> None:
        self._held += len(arrivals)
        for batch in self._batches:
            if batch.transport is transport and len(batch.arrivals) < self.size:
                free = self.size - len(batch.arrivals)
                batch.arrivals += arrivals[:free]
                arrivals = arrivals[free:]
                break
        for start in range(0, len(arrivals), self.size):
            part = arrivals[start : start + self.size]
            self._batches.append(Batch(transport, part, self.clock()))

    def take(self, *, timeout: float = 0.5) -> Batch | None:
        """The next batch that is full or has lingered; None when there is none within `timeout`."""
        deadline = self.clock() + timeout
        with self._changed:
            while True:
                now = self.clock()
                ready = next((b for b in self._batches if self._is_ready(b, now)), None)
                if ready is not None:
                    self._batches.remove(ready)
                    return ready
                if now >= deadline or (self._closed and not self._batches):
                    return None
                self._changed.wait(self._pause(now, deadline))

    def _is_ready(self, batch: Batch, now: float) -> bool:
        full = len(batch.arrivals) >= self.size
        return full or self._closed or now - batch.first_at >= self.linger

    def _pause(self, now: float, deadline: float) -> float:
        due = [batch.first_at + self.linger for batch in self._batches]
        return max(0.0, min([deadline, *due]) - now)

    def done(self, batch: Batch) -> None:
        """The batch is stored and answered, or given up: its room is free again."""
        with self._changed:
            self._held -= len(batch.arrivals)
            self._changed.notify_all()

    def close(self) -> None:
        """No more frames; what is held can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed
