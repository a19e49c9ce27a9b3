"""The collection engine: takes batches from the intake, stores them, and only then answers.

One engine works at a time, whatever runs: it holds an advisory lock of PostgreSQL on the connection
that it stores with. So every replay window has one keeper, and a second worker is a hot standby.
After a lost connection nothing in memory is believed: lock, registry and windows are taken anew, and
the batch that was under way is judged again, so a commit that nobody heard of is recognised.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction

from ingestion.answers import Answers
from ingestion.derivation import derive
from ingestion.keeping import batch_for_loader, ledger_note
from ingestion.known import known_read, known_refresh
from ingestion.loader import ArchiveUnavailable, Loader
from ingestion.pipeline import authenticate, context_of, decode, resolve
from ingestion.quarantine import Ledger
from ingestion.replay_windows import checkpoint_write, windows_recover
from ingestion.seen import Seen
from ingestion.transports.intake import Batch, Intake

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestion.pipeline import Known, Work
    from ingestion.values import Collected

__all__ = ["Engine", "EngineState", "Figures"]

logger = logging.getLogger(__name__)

_LOCK = "ingestion engine"
_UNAVAILABLE = (ArchiveUnavailable, OperationalError, InterfaceError)
_BACK_OFF = (0.1, 0.2, 0.5, 1.0, 2.0)
_REFRESH_SECONDS = 1.0
_UPKEEP_SECONDS = 1.0
_CHECKPOINT_SECONDS = 300.0


class EngineState:
    """What the engine is doing, for people and for the listeners."""

    STOPPED = "stopped"
    WAITING = "waiting for the database"
    STANDBY = "standing by: another worker collects"
    WORKING = "working"


@dataclass(slots=True)
class Figures:
    """Counts since the start. refused: by reason; delay: seconds from receipt to acknowledgement."""

    frames: int = 0
    stored: int = 0
    repeated: int = 0
    values: int = 0
    batches: int = 0
    delay: float = 0.0
    stumbled: int = 0
    refused: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class _UnderWay:
    """A batch from when it was taken until it is stored; `at`: Unix microseconds."""

    batch: Batch
    at: int


class Engine:
    """One thread. `codes` tells the number of each transport in the raw frames."""

    def __init__(
        self,
        intake: Intake,
        *,
        codes: dict[int, int] | None = None,
        on_state: Callable[[str], None] | None = None,
    ) -> None:
        self.intake = intake
        self.codes = {} if codes is None else codes
        self.figures = Figures()
        self.state = EngineState.STOPPED
        self.known: Known | None = None
        self.ledger = Ledger()
        self.seen = Seen()
        self._on_state = on_state or (lambda state: None)
        self._loader = Loader()
        self._answers = Answers()
        self._stop = threading.Event()
        self._under_way: _UnderWay | None = None
        self._storing = False
        self._rest: list[_UnderWay] = []
        self._touched: list[Any] = []
        self._due = dict.fromkeys(("refresh", "upkeep", "checkpoint"), 0.0)
        self._thread = threading.Thread(target=self.run, name="engine", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float = 20.0) -> None:
        """Store what is held, write a checkpoint, end."""
        self._stop.set()
        self.intake.close()
        if self._thread.ident is not None:
            self._thread.join(timeout)

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def run(self) -> None:
        """Until `stop`; comes back from every loss of the database."""
        failures = 0
        while not self._finished(failures):
            try:
                if self.take_up():
                    failures = 0
                    self._work()
                else:
                    self._change(EngineState.STANDBY)
                    self._stop.wait(_REFRESH_SECONDS)
            except _UNAVAILABLE as error:
                self._lost(error, failures)
                failures += 1
            except Exception:
                # A fault of ours must not end collection.
                logger.exception("the collection engine stumbled; it goes on")
                self._narrow()
                self._stop.wait(_BACK_OFF[min(failures, len(_BACK_OFF) - 1)])
                failures += 1
        self._change(EngineState.STOPPED)
        connection.close()

    def _finished(self, failures: int) -> bool:
        return self._stop.is_set() and (failures > 0 or self._empty())

    def _empty(self) -> bool:
        return (
            self._under_way is None and not self._rest and self.intake.room() >= self.intake.limit
        )

    def _lost(self, error: Exception, failures: int) -> None:
        if not failures:
            logger.warning("the database is away, nothing is acknowledged meanwhile: %s", error)
        self._change(EngineState.WAITING)
        connection.close()
        self._stop.wait(_BACK_OFF[min(failures, len(_BACK_OFF) - 1)])

    def _narrow(self) -> None:
        """Find the frame that a fault of ours chokes on: halves, then the frame alone is put aside.

        It is not acknowledged, so the device keeps it; its bytes are in the log.
        """
        connection.close()
        if self._under_way is None or not self._storing:
            return
        batch = self._under_way.batch
        if len(batch.arrivals) > 1:
            middle = len(batch.arrivals) // 2
            self._rest.append(
                _UnderWay(replace(batch, arrivals=batch.arrivals[middle:]), self._under_way.at)
            )
            self._under_way.batch = replace(batch, arrivals=batch.arrivals[:middle])
            return
        logger.error("frame put aside: %s", batch.arrivals[0].payload.hex())
        self.figures.stumbled += 1
        batch.transport.acknowledge(batch.arrivals, [None])
        self._done()

    def _change(self, state: str) -> None:
        if state != self.state:
            self.state = state
            logger.info("collection engine: %s", state)
            self._on_state(state)

    def take_up(self) -> bool:
        """Get the lock and read everything; False while another worker has the lock."""
        self._storing = False
        connection.close()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [_LOCK])
            if not cursor.fetchone()[0]:
                return False
        self.known = known_read()
        self._touched = [windows_recover(self.known.devices)]
        self._answers.begin()
        self._due["checkpoint"] = time.monotonic() + _CHECKPOINT_SECONDS
        self._change(EngineState.WORKING)
        return True

    def _work(self) -> None:
        ours = connection.connection
        while not (self._stop.is_set() and self._empty()):
            self._by_the_clock()
            if not self._next():
                continue
            assert self._under_way is not None
            self._storing = True
            self.store(self._under_way.batch, self._under_way.at)
            self._storing = False
            self._done()
            if connection.connection is not ours:
                raise ArchiveUnavailable("the connection was made anew, and the lock is gone")
        self._upkeep()
        self._checkpoint()

    def _next(self) -> bool:
        """Have a batch under way: the one that was, the rest of a narrowed one, or a new one."""
        if self._under_way is None and self._rest:
            self._under_way = self._rest.pop()
        if self._under_way is None:
            batch = self.intake.take(timeout=0.25)
            if batch is not None:
                self._under_way = _UnderWay(batch, time.time_ns() // 1_000)
        return self._under_way is not None

    def _done(self) -> None:
        if self._under_way is not None:
            self.intake.done(self._under_way.batch)
            self._under_way = None

    def store(self, batch: Batch, at: int) -> None:
        """Store a batch received at `at` (Unix microseconds) and answer it; after `take_up`."""
        assert self.known is not None
        arrivals = batch.arrivals
        payloads = [arrival.payload for arrival in arrivals]
        work = authenticate(payloads, [arrival.source for arrival in arrivals], self.known)
        messages = decode(work)
        collected = resolve(work, messages, self.known)
        self._derive(work, collected)
        transport = self.codes.get(id(batch.transport), 0)
        plan = batch_for_loader(work, collected, self.known, self.ledger, at, transport)
        values = 0
        if len(plan.batch.frames):
            result = self._loader.load(plan.batch)
            values = result.stored
            ledger_note(plan, result, work, self.known, self.ledger)
        else:
            ledger_note(plan, None, work, self.known, self.ledger)
        self._accept(work)
        self.seen.note(work, messages, self.known, at)
        answers = self._answers.make(work, self.known)
        batch.transport.acknowledge(arrivals, answers)
        if work.claims:
            # The key just given may be used within a second.
            self._due["refresh"] = 0.0
        self._count(work, values, at)

    def _derive(self, work: Work, collected: Collected) -> None:
        if collected.derive:
            assert self.known is not None
            _readings, registers = collected.together()
            derived = derive(registers, collected.derive, context_of(work, self.known))
            collected.readings += [] if derived is None else [derived]

    def _accept(self, work: Work) -> None:
        """The counters of what has just been committed."""
        assert self.known is not None
        row, selector = work.row[work.new], work.selector[work.new]
        self.known.devices.accept(row, selector, work.counter[work.new])
        self._touched.append(self.known.devices.module[row] << 2 | selector)
        if len(self._touched) > 1_000:
            self._touched = [np.unique(np.concatenate(self._touched))]

    def _count(self, work: Work, values: int, at: int) -> None:
        figures = self.figures
        figures.frames += len(work)
        figures.batches += 1
        figures.stored += len(work.new)
        figures.repeated += len(work.repeated)
        figures.values += values
        figures.delay = time.time() - at / 1_000_000
        numbers = np.bincount(work.reason)
        for number in np.flatnonzero(numbers).tolist():
            reason = work.name_of(number)
            if reason is not None:
                figures.refused[reason] += int(numbers[number])

    def _by_the_clock(self) -> None:
        now = time.monotonic()
        if now >= self._due["refresh"]:
            self._due["refresh"] = now + _REFRESH_SECONDS
            assert self.known is not None
            known_refresh(self.known)
        if now >= self._due["upkeep"]:
            self._due["upkeep"] = now + _UPKEEP_SECONDS
            self._upkeep()
        if now >= self._due["checkpoint"]:
            self._due["checkpoint"] = now + _CHECKPOINT_SECONDS
            self._checkpoint()

    def _upkeep(self) -> None:
        """Write the counts of what was refused, and when modules were last heard."""
        if not len(self.ledger) and not len(self.seen):
            return
        try:
            with transaction.atomic():
                self.ledger.write()
                self.seen.write()
        except _UNAVAILABLE:
            raise
        except DatabaseError:
            logger.exception("counts of refused frames could not be written, they are dropped")
        self.ledger.written()
        self.seen.written()

    def _checkpoint(self) -> None:
        assert self.known is not None
        if self._touched:
            touched = np.concatenate(self._touched)
            checkpoint_write(self.known.devices, touched, datetime.now(UTC))
            self._touched = []
