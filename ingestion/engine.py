"""The collection engine: takes batches from the intake, stores them, and only then answers.

One engine works at a time, whatever runs: it holds an advisory lock of PostgreSQL on the connection
that it stores with. So every replay window has one keeper, and a second worker is a hot standby.
After a lost connection nothing in memory is believed: lock, registry and windows are taken anew, and
the batches that were under way are judged again, so a commit that nobody heard of is recognised.
While one batch is stored the next is prepared and the one before is answered
(`ingestion.preparing`, `ingestion.answering`).
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction

from ingestion.answering import Answerer
from ingestion.derivation import derive
from ingestion.downlink import BatchResults, Downlink
from ingestion.events import BatchEvents
from ingestion.interval_parts import parts_join
from ingestion.keeping import batch_for_loader, ledger_note
from ingestion.known import changes_take, known_read, known_refresh
from ingestion.loader import ArchiveUnavailable, Loader
from ingestion.models import RegistryChange
from ingestion.pipeline import context_of
from ingestion.preparing import PreparationFailed, Prepared, Preparer, Received
from ingestion.quarantine import Ledger
from ingestion.replay.replaying import Replays
from ingestion.replay_windows import checkpoint_write, windows_recover
from ingestion.seen import Seen
from ingestion.transports.intake import Intake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from ingestion.pipeline import Known, Work
    from ingestion.values import Collected

__all__ = ["Engine", "EngineState", "Figures"]

logger = logging.getLogger(__name__)

_LOCK = "ingestion engine"
_UNAVAILABLE = (ArchiveUnavailable, OperationalError, InterfaceError)
_BACK_OFF = (0.1, 0.2, 0.5, 1.0, 2.0)
_REFRESH_SECONDS = 1.0
_UPKEEP_SECONDS = 1.0
_SEEN_SECONDS = 10.0
_SWITCH_SECONDS = 0.0005
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
        self.downlink = Downlink()
        self._on_state = on_state or (lambda state: None)
        self._loader = Loader()
        self._replays = Replays(self._loader)
        self._answerer: Answerer | None = None
        self._stop = threading.Event()
        self._under_way: Received | None = None
        # Taken from the intake, and to be judged again before anything else.
        self._waiting: list[Received] = []
        self._touched: list[Any] = []
        self._due = dict.fromkeys(("refresh", "upkeep", "seen", "checkpoint"), 0.0)
        self._thread = threading.Thread(target=self.run, name="engine", daemon=True)

    def start(self) -> None:
        # The thread that stores waits for the database many times a batch; with the default of
        # 5 ms it would wait as long again for the threads that prepare and answer.
        sys.setswitchinterval(_SWITCH_SECONDS)
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
            except Exception as error:
                # A fault of ours must not end collection.
                logger.exception("the collection engine stumbled; it goes on")
                self._narrow(
                    error.received if isinstance(error, PreparationFailed) else self._under_way
                )
                self._stop.wait(_BACK_OFF[min(failures, len(_BACK_OFF) - 1)])
                failures += 1
        self._change(EngineState.STOPPED)
        connection.close()

    def _finished(self, failures: int) -> bool:
        return self._stop.is_set() and (failures > 0 or self._empty())

    def _empty(self) -> bool:
        return self.intake.room() >= self.intake.limit

    def _lost(self, error: Exception, failures: int) -> None:
        if not failures:
            logger.warning("the database is away, nothing is acknowledged meanwhile: %s", error)
        self._change(EngineState.WAITING)
        connection.close()
        self._stop.wait(_BACK_OFF[min(failures, len(_BACK_OFF) - 1)])

    def _narrow(self, received: Received | None) -> None:
        """Find the frame that a fault of ours chokes on: halves, then the frame alone is put aside.

        It is not acknowledged, so the device keeps it; its bytes are in the log.
        """
        connection.close()
        if received is None:
            return
        batch = received.batch
        self._waiting = [one for one in self._waiting if one is not received]
        if len(batch.arrivals) > 1:
            middle = len(batch.arrivals) // 2
            parts = (batch.arrivals[:middle], batch.arrivals[middle:])
            halves = [Received(replace(batch, arrivals=part), received.at) for part in parts]
            self._waiting = halves + self._waiting
            return
        logger.error("frame put aside: %s", batch.arrivals[0].payload.hex())
        self.figures.stumbled += 1
        batch.transport.acknowledge(batch.arrivals, [None])
        self.intake.done(batch)

    def _change(self, state: str) -> None:
        if state != self.state:
            self.state = state
            logger.info("collection engine: %s", state)
            self._on_state(state)

    def take_up(self) -> bool:
        """Get the lock and read everything; False while another worker has the lock."""
        self._under_way = None
        connection.close()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [_LOCK])
            if not cursor.fetchone()[0]:
                return False
        self.known = known_read()
        self.downlink.read()
        self._touched = [windows_recover(self.known.devices)]
        self._replays.forget()
        self._due["checkpoint"] = time.monotonic() + _CHECKPOINT_SECONDS
        self._change(EngineState.WORKING)
        return True

    def _work(self) -> None:
        assert self.known is not None
        ours = connection.connection
        self._answerer = Answerer(self.known, self.intake, self.downlink)
        preparer = Preparer(self.known, self.intake, self._waiting)
        self._waiting = []
        try:
            while not (self._stop.is_set() and self._empty()):
                self._by_the_clock(preparer)
                prepared = preparer.take()
                if prepared is not None:
                    self._settle(prepared)
                if connection.connection is not ours:
                    raise ArchiveUnavailable("the connection was made anew, and the lock is gone")
            self._upkeep(self.ledger)
            self._upkeep(self.seen)
            self._checkpoint()
        finally:
            preparer.close()
            self._answerer.close()
            first = [] if self._under_way is None else [self._under_way]
            self._waiting = [*first, *preparer.waiting]

    def _settle(self, prepared: Prepared) -> None:
        """Store a batch, which is under way until it is committed, and have it answered."""
        assert self._answerer is not None
        self._under_way = prepared.received
        self._store(prepared)
        self._under_way = None
        self._answerer.answer(prepared.received.batch, prepared.work)
        if prepared.work.claims:
            # The key just given may be used within a second.
            self._answerer.settle()
            self._due["refresh"] = 0.0

    def _store(self, prepared: Prepared) -> None:
        assert self.known is not None
        batch, at = prepared.received.batch, prepared.received.at
        work, collected = prepared.work, prepared.collected
        self._derive(work, collected)
        parts = parts_join(collected)
        transport = self.codes.get(id(batch.transport), 0)
        plan = batch_for_loader(work, collected, self.known, self.ledger, at, transport)
        events = BatchEvents(prepared.messages, work, self.known, at)
        told = BatchResults.of(prepared.messages, work, self.known, self.downlink, at / 1_000_000)

        def beside(ids: NDArray[np.int64]) -> None:
            events.store(ids)
            parts.store()
            told.store()

        plan.batch.beside = beside
        result = self._loader.load(plan.batch) if len(plan.batch.frames) else None
        events.announce()
        told.settle()
        ledger_note(plan, result, work, self.known, self.ledger)
        self._note_touched(work)
        self.seen.note(work, prepared.messages, self.known, at)
        self._count(work, 0 if result is None else result.stored, at)

    def _derive(self, work: Work, collected: Collected) -> None:
        if collected.derive:
            assert self.known is not None
            _readings, registers = collected.together()
            derived = derive(registers, collected.derive, context_of(work, self.known))
            collected.readings += [] if derived is None else [derived]

    def _note_touched(self, work: Work) -> None:
        """Windows that moved, for the next checkpoint."""
        assert self.known is not None
        row, selector = work.row[work.new], work.selector[work.new]
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

    def _by_the_clock(self, preparer: Preparer) -> None:
        assert self.known is not None
        now = time.monotonic()
        if now >= self._due["refresh"]:
            self._due["refresh"] = now + _REFRESH_SECONDS
            self._refresh(preparer)
        if now >= self._due["upkeep"]:
            self._due["upkeep"] = now + _UPKEEP_SECONDS
            self._upkeep(self.ledger)
        if now >= self._due["seen"]:
            self._due["seen"] = now + _SEEN_SECONDS
            self._upkeep(self.seen)
        if now >= self._due["checkpoint"]:
            self._due["checkpoint"] = now + _CHECKPOINT_SECONDS
            # The windows on disk hold nothing that is not committed.
            with self._settled(preparer):
                self._checkpoint()
        if self._replays.wanted():
            with self._settled(preparer):
                # What was refused last is waiting too.
                self._upkeep(self.ledger)
                self._replays.step(self.known)

    def _refresh(self, preparer: Preparer) -> None:
        assert self.known is not None
        changes = changes_take()
        commands = changes.pop(RegistryChange.Kind.COMMANDS, None)
        if changes:
            with self._settled(preparer):
                known_refresh(self.known, changes)
        if commands:
            self.downlink.refresh(commands)

    @contextmanager
    def _settled(self, preparer: Preparer) -> Iterator[None]:
        """Every batch that was judged is stored and answered, and none is being judged."""
        assert self._answerer is not None
        with preparer.resting() as ready:
            if ready is not None:
                self._settle(ready)
            self._answerer.settle()
            yield

    def _upkeep(self, notes: Ledger | Seen) -> None:
        """Write the counts of what was refused, or when modules were last heard."""
        if not len(notes):
            return
        try:
            with transaction.atomic():
                notes.write()
        except _UNAVAILABLE:
            raise
        except DatabaseError:
            logger.exception("notes on frames could not be written, they are dropped")
        notes.written()

    def _checkpoint(self) -> None:
        assert self.known is not None
        if self._touched:
            touched = np.concatenate(self._touched)
            checkpoint_write(self.known.devices, touched, datetime.now(UTC))
            self._touched = []
