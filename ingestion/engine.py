"""The collection engine: takes batches from the intake, stores them, and only then answers.

An engine works for the devices of the shares that it holds (`ingestion.shares`): advisory locks of
PostgreSQL on the connection that it stores with. So every replay window has one keeper; an engine
without shares is a hot standby, and with several shares several engines work side by side. After a
lost connection nothing in memory is believed: shares, registry and windows are taken anew, and the
batch that was under way is judged again, so a commit that nobody heard of is recognised.
One thread does all of a batch: threads that prepare and answer beside it wait for each other more
than for the database; more processors are used by more engines, each in a process of its own.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction

from ingestion.downlink import Downlink
from ingestion.handing_on import HandingOn
from ingestion.known import changes_take, known_read, known_refresh
from ingestion.loader import ArchiveUnavailable, Loader
from ingestion.models import RegistryChange
from ingestion.quarantine import Ledger
from ingestion.replay.replaying import Replays
from ingestion.replay_windows import Checkpoint, checkpoint_due_in, marks_lay_out, windows_recover
from ingestion.seen import Seen
from ingestion.settling import Figures, Received, Settler
from ingestion.shares import Shares

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestion.pipeline import Known
    from ingestion.transports.intake import Intake

__all__ = ["Engine", "EngineState"]

logger = logging.getLogger(__name__)

_UNAVAILABLE = (ArchiveUnavailable, OperationalError, InterfaceError)
_BACK_OFF = (0.1, 0.2, 0.5, 1.0, 2.0)
_PATIENCE = 0.25
_REFRESH_SECONDS = 1.0
_UPKEEP_SECONDS = 1.0
_SEEN_SECONDS = 10.0
_CHECKPOINT_SECONDS = 300.0


class EngineState:
    """What the engine is doing, for people and for the listeners."""

    STOPPED = "stopped"
    WAITING = "waiting for the database"
    STANDBY = "standing by: another worker collects"
    WORKING = "working"


class Engine:
    """One thread. shares: into how many the devices are divided, the same for every engine.

    relay_host: where other engines hand frames on to this one.
    """

    def __init__(
        self,
        intake: Intake,
        *,
        shares: int = 1,
        relay_host: str = "127.0.0.1",
        on_state: Callable[[str], None] | None = None,
    ) -> None:
        self.intake = intake
        self.figures = Figures()
        self.state = EngineState.STOPPED
        self.known: Known | None = None
        self.ledger = Ledger()
        self.seen = Seen()
        self.downlink = Downlink()
        self.shares = Shares(shares)
        self.handing_on = HandingOn(intake, self.shares, host=relay_host)
        self._on_state = on_state or (lambda state: None)
        self._loader = Loader()
        self._replays = Replays(self._loader, self.shares)
        self._settler: Settler | None = None
        self._stop = threading.Event()
        self._under_way: Received | None = None
        self._pending: Checkpoint | None = None
        # Taken from the intake, and to be judged again before anything else.
        self._waiting: list[Received] = []
        self._due = dict.fromkeys(("refresh", "upkeep", "seen", "checkpoint"), 0.0)
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
        self.handing_on.close()
        connection.close()

    def _finished(self, failures: int) -> bool:
        return self._stop.is_set() and (failures > 0 or self._empty())

    def _empty(self) -> bool:
        return self.intake.room() >= self.intake.limit

    def _lost(self, error: Exception, failures: int) -> None:
        if not failures:
            logger.warning("the database is away, nothing is acknowledged meanwhile: %s", error)
        self._change(EngineState.WAITING)
        self._take_back()
        connection.close()
        self._stop.wait(_BACK_OFF[min(failures, len(_BACK_OFF) - 1)])

    def _take_back(self) -> Received | None:
        """The batch that was under way is judged again before anything else."""
        received, self._under_way = self._under_way, None
        if received is not None:
            self._waiting.insert(0, received)
        return received

    def _narrow(self) -> None:
        """Find the frame that a fault of ours chokes on: halves, then the frame alone is put aside.

        It is not acknowledged, so the device keeps it; its bytes are in the log.
        """
        connection.close()
        received = self._take_back()
        if received is None:
            return
        batch = received.batch
        del self._waiting[0]
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
        """Get shares and read everything; False while other workers have them all."""
        self.shares.balance()
        if not self.shares.held:
            return False
        self._read_anew()
        return True

    def _read_anew(self) -> None:
        """Believe the database, and nothing that was in memory; nothing may be under way."""
        self.known = known_read(self.shares)
        self._loader.calendar.remember(*self.known.routes.channels())
        self.downlink.read()
        marks_lay_out(self.shares)
        touched = [windows_recover(self.known.devices, self.shares)]
        self._settler = Settler(
            self.known, self._loader, self.ledger, self.seen, self.downlink, self.figures, touched
        )
        self._replays.forget()
        self.handing_on.open()
        self._pending = None
        wait = checkpoint_due_in(self.shares, every=_CHECKPOINT_SECONDS)
        self._due["checkpoint"] = time.monotonic() + wait
        self._change(EngineState.WORKING)

    def _work(self) -> None:
        while not (self._stop.is_set() and self._empty()):
            self._by_the_clock()
            if not self.shares.held:
                return
            if self._stop.is_set():
                self.handing_on.give_up()
            received = self._next()
            if received is not None:
                self._settle(received)
            if self.shares.is_lost():
                raise ArchiveUnavailable("the connection was made anew, and the locks are gone")
        self._upkeep(self.ledger)
        while len(self.seen):
            self._upkeep(self.seen)
        while not self._checkpoint():
            pass

    def _next(self) -> Received | None:
        """A batch of frames for us; those for other engines are on their way."""
        if self._waiting:
            received = self._waiting.pop(0)
            ours = self.handing_on.ours(received.batch)
            return None if ours is None else Received(ours, received.at)
        batch = self.intake.take(timeout=_PATIENCE)
        ours = None if batch is None else self.handing_on.ours(batch)
        return None if ours is None else Received(ours, time.time_ns() // 1_000)

    def _settle(self, received: Received) -> None:
        """Store a batch, which is under way until it is committed, then answer it."""
        assert self._settler is not None
        self._under_way = received
        prepared = self._settler.store(received)
        self._under_way = None
        try:
            self._settler.answer(prepared)
        except _UNAVAILABLE:
            raise
        except Exception:
            # It is stored: devices that hear nothing send again and are then told so.
            logger.exception("a batch that is stored could not be answered")
        finally:
            self.intake.done(received.batch)
        if prepared.work.claims:
            # The key just given may be used within a second.
            self._due["refresh"] = 0.0

    def _by_the_clock(self) -> None:
        """What is due between two batches, when all that was judged is stored and answered."""
        assert self.known is not None
        now = time.monotonic()
        if now >= self._due["refresh"]:
            self._due["refresh"] = now + _REFRESH_SECONDS
            self._refresh()
        if now >= self._due["upkeep"]:
            self._due["upkeep"] = now + _UPKEEP_SECONDS
            self._upkeep(self.ledger)
        if now >= self._due["seen"]:
            self._upkeep(self.seen)
            self._due["seen"] = now if len(self.seen) else now + _SEEN_SECONDS
        if now >= self._due["checkpoint"] and self._checkpoint():
            self._due["checkpoint"] = now + _CHECKPOINT_SECONDS
        if self._replays.wanted():
            # What was refused last is waiting too.
            self._upkeep(self.ledger)
            self._replays.step(self.known)

    def _refresh(self) -> None:
        assert self.known is not None
        if self.shares.balance():
            self._read_anew()
        again = self.handing_on.look()
        self._waiting += [Received(batch, time.time_ns() // 1_000) for batch in again]
        changes = changes_take(self.shares)
        commands = changes.pop(RegistryChange.Kind.COMMANDS, None)
        if changes:
            known_refresh(self.known, changes)
        if commands:
            self.downlink.refresh(commands)

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

    def _checkpoint(self) -> bool:
        """Write a piece of the checkpoint, of a new one if none is under way; True when it is done."""
        assert self.known is not None
        assert self._settler is not None
        if self._pending is None:
            self._pending = Checkpoint(self._settler.touched, datetime.now(UTC))
            self._settler.touched.clear()
        if not self._pending.step(self.known.devices, self.shares):
            return False
        self._pending = None
        return True
