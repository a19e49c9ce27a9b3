"""One batch from its bytes to its answers: prepared, stored in one transaction, then answered."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ingestion.answers import Answers
from ingestion.clocks import flag_ahead
from ingestion.codecs.universal_frames import read_headers
from ingestion.derivation import derive, derive_rest
from ingestion.downlink import BatchResults
from ingestion.events import BatchEvents
from ingestion.foreign.settling import apart, foreign_store
from ingestion.interval_parts import parts_join
from ingestion.keeping import batch_for_loader, ledger_note
from ingestion.pipeline import authenticate, context_of, decode, resolve

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ingestion.codecs.columns import Batch as Messages
    from ingestion.codecs.universal_frames import Headers
    from ingestion.downlink import Downlink
    from ingestion.loader import Loader
    from ingestion.pipeline import Known, Work
    from ingestion.quarantine import Ledger
    from ingestion.seen import Seen
    from ingestion.transports.intake import Batch
    from ingestion.values import Collected

__all__ = ["Figures", "Prepared", "Received", "Settler", "prepare"]


@dataclass(slots=True)
class Received:
    """A batch from when it was taken until it is stored; at: Unix microseconds."""

    batch: Batch
    at: int


@dataclass(slots=True)
class Prepared:
    """A batch that only has to be stored; its frames are in the replay windows already.

    foreign: messages of other protocols that came with it, and are stored.
    """

    received: Received
    work: Work
    messages: Messages
    collected: Collected
    foreign: Batch | None = None


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


def prepare(received: Received, known: Known, headers: Headers | None = None) -> Prepared:
    """Authenticate, accept, decode, resolve. headers: of the frames, if they are read already.

    Counters are accepted before the commit: after a failure nothing in memory is believed.
    """
    arrivals = received.batch.arrivals
    payloads = [arrival.payload for arrival in arrivals]
    work = authenticate(payloads, [arrival.source for arrival in arrivals], known, headers)
    known.devices.accept(work.row[work.new], work.selector[work.new], work.counter[work.new])
    messages = decode(work)
    return Prepared(received, work, messages, resolve(work, messages, known))


@dataclass(slots=True)
class Settler:
    """What an engine settles batches with, from when it takes up its work until it loses it.

    touched: slots (module << 2 | selector) of the windows that moved since the last checkpoint.
    """

    known: Known
    loader: Loader
    ledger: Ledger
    seen: Seen
    downlink: Downlink
    figures: Figures
    touched: list[NDArray[np.int64]]
    answers: Answers = field(init=False)

    def __post_init__(self) -> None:
        self.answers = Answers(self.downlink)
        self.answers.begin()

    def store(self, received: Received) -> Prepared:
        """Commit everything of the batch that can be stored."""
        # Once, although its messages of other protocols are stored by themselves.
        self.figures.batches += 1
        headers = read_headers([arrival.payload for arrival in received.batch.arrivals])
        if bool(headers.good.all()):
            return self._store(prepare(received, self.known, headers))
        ours, others = apart(received.batch, headers.good)
        self._store_foreign(others, received.at)
        prepared = prepare(Received(ours, received.at), self.known)
        prepared.foreign = others
        return self._store(prepared) if ours.arrivals else prepared

    def _store_foreign(self, others: Batch, at: int) -> None:
        work, values = foreign_store(
            others,
            at,
            known=self.known,
            loader=self.loader,
            ledger=self.ledger,
            seen=self.seen,
        )
        self._count(work, values, at)

    def _store(self, prepared: Prepared) -> Prepared:
        received = prepared.received
        work, collected, at = prepared.work, prepared.collected, received.at
        flag_ahead(collected, at)
        self._derive(work, collected)
        parts = parts_join(collected)
        transport = received.batch.transport.code
        plan = batch_for_loader(work, collected, self.known, self.ledger, at, transport)
        events = BatchEvents(prepared.messages, work, self.known, at)
        told = BatchResults.of(prepared.messages, work, self.known, self.downlink, at / 1_000_000)

        def beside(ids: NDArray[np.int64]) -> None:
            events.store(ids)
            parts.store()
            told.store()

        plan.batch.beside = beside
        plan.batch.rest = partial(derive_rest, context=context_of(work, self.known))
        result = self.loader.load(plan.batch) if len(plan.batch.frames) else None
        events.announce()
        told.settle()
        ledger_note(plan, result, work, self.known, self.ledger)
        self._note_touched(work)
        self.seen.note(work, prepared.messages, self.known, at)
        self._count(work, 0 if result is None else result.stored, at)
        return prepared

    def answer(self, prepared: Prepared) -> None:
        """Only of a batch that is committed."""
        batch, foreign = prepared.received.batch, prepared.foreign
        if foreign is not None:
            # No foreign device waits for an answer of ours; brokers and connections are told.
            foreign.transport.acknowledge(foreign.arrivals, [None] * len(foreign.arrivals))
        if batch.arrivals or foreign is None:
            answers = self.answers.make(prepared.work, self.known)
            batch.transport.acknowledge(batch.arrivals, answers)
            self.answers.left()

    def _derive(self, work: Work, collected: Collected) -> None:
        if collected.derive:
            readings, registers = collected.together()
            derived = derive(
                registers, collected.derive, context_of(work, self.known), arriving=readings
            )
            collected.readings += [] if derived is None else [derived]

    def _note_touched(self, work: Work) -> None:
        row, selector = work.row[work.new], work.selector[work.new]
        self.touched.append(self.known.devices.module[row] << 2 | selector)
        if len(self.touched) > 1_000:
            self.touched[:] = [np.unique(np.concatenate(self.touched))]

    def _count(self, work: Work, values: int, at: int) -> None:
        figures = self.figures
        figures.frames += len(work)
        figures.stored += len(work.new)
        figures.repeated += len(work.repeated)
        figures.values += values
        figures.delay = time.time() - at / 1_000_000
        numbers: NDArray[Any] = np.bincount(work.reason)
        for number in np.flatnonzero(numbers).tolist():
            reason = work.name_of(number)
            if reason is not None:
                figures.refused[reason] += int(numbers[number])
