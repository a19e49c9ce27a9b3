"""Preparing the next batch while the one before is being stored.

Opening, decoding and resolving need no database, storing mostly waits for it: a thread of its own
keeps one batch ready. What it accepts into the replay windows it accepts before the commit, so that
a frame in two batches counts once; that is sound because batches are stored and answered in the
order in which they were prepared, and because after a failure nothing in memory is believed.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestion.pipeline import authenticate, decode, resolve

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ingestion.codecs.columns import Batch as Messages
    from ingestion.pipeline import Known, Work
    from ingestion.transports.intake import Batch, Intake
    from ingestion.values import Collected

__all__ = ["Prepared", "Preparer", "Received", "prepare"]

_PATIENCE = 0.25


@dataclass(slots=True)
class Received:
    """A batch from when it was taken until it is stored; at: Unix microseconds."""

    batch: Batch
    at: int


@dataclass(slots=True)
class Prepared:
    """A batch that only has to be stored; its frames are in the replay windows already."""

    received: Received
    work: Work
    messages: Messages
    collected: Collected


def prepare(received: Received, known: Known) -> Prepared:
    """Authenticate, accept, decode, resolve."""
    arrivals = received.batch.arrivals
    payloads = [arrival.payload for arrival in arrivals]
    work = authenticate(payloads, [arrival.source for arrival in arrivals], known)
    known.devices.accept(work.row[work.new], work.selector[work.new], work.counter[work.new])
    messages = decode(work)
    return Prepared(received, work, messages, resolve(work, messages, known))


class Preparer:
    """Takes batches from `waiting`, then from the intake; hands them on one by one, in order.

    To be closed by whoever made it; what was taken and not handed on is then in `waiting` again.
    """

    def __init__(self, known: Known, intake: Intake, waiting: Iterable[Received] = ()) -> None:
        self.waiting = deque(waiting)
        self._known = known
        self._intake = intake
        self._ready: Prepared | None = None
        self._fault: tuple[Received, Exception] | None = None
        self._changed = threading.Condition()
        self._at_work = threading.Lock()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="preparer", daemon=True)
        self._thread.start()

    def take(self, timeout: float = _PATIENCE) -> Prepared | None:
        """The next batch; None when none is ready within `timeout` seconds.

        Raises `PreparationFailed` for a batch that could not be prepared.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._ready or self._fault, timeout)
            if self._fault is not None:
                received, error = self._fault
                raise PreparationFailed(received) from error
            ready, self._ready = self._ready, None
            self._changed.notify_all()
            return ready

    @contextmanager
    def resting(self) -> Iterator[Prepared | None]:
        """Nothing is being prepared meanwhile; gives the batch that is ready, if there is one.

        Whoever changes what is known stores that batch first: it was judged by what was known.
        """
        with self._at_work:
            with self._changed:
                ready, self._ready = self._ready, None
                self._changed.notify_all()
            yield ready

    def close(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._thread.join()
        if self._ready is not None:
            self.waiting.appendleft(self._ready.received)
            self._ready = None

    def _run(self) -> None:
        while self._may_go_on():
            received = self._next()
            if received is None:
                continue
            try:
                with self._at_work:
                    prepared = prepare(received, self._known)
                    with self._changed:
                        self._ready = prepared
                        self._changed.notify_all()
            except Exception as error:
                self._fail(received, error)
                return

    def _may_go_on(self) -> bool:
        """Wait until the batch that is ready was taken."""
        with self._changed:
            self._changed.wait_for(lambda: self._ready is None or self._ended)
            return not self._ended

    def _next(self) -> Received | None:
        if self.waiting:
            return self.waiting.popleft()
        batch = self._intake.take(timeout=_PATIENCE)
        if batch is None:
            if self._intake.closed:
                # `take` no longer waits then.
                self._pause(0.01)
            return None
        return Received(batch, time.time_ns() // 1_000)

    def _pause(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._ended, seconds)

    def _fail(self, received: Received, error: Exception) -> None:
        with self._changed:
            self._fault = (received, error)
            self._changed.notify_all()


class PreparationFailed(Exception):
    """A fault of ours: the batch could not be prepared; its cause is the reason."""

    def __init__(self, received: Received) -> None:
        super().__init__("a batch could not be prepared")
        self.received = received
