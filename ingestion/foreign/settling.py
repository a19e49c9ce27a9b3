"""A batch of foreign messages from its bytes to the archive, in one transaction of its own."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ingestion.clocks import flag_ahead
from ingestion.derivation import derive, derive_rest
from ingestion.events import BatchEvents
from ingestion.interval_parts import parts_join
from ingestion.keeping import batch_for_loader, ledger_note
from ingestion.pipeline import context_of

from .counters import counters_judge, counters_write
from .messages import Message
from .work import resolved, work_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ingestion.loader import Loader
    from ingestion.pipeline import Known
    from ingestion.quarantine import Ledger
    from ingestion.seen import Seen
    from ingestion.transports.intake import Batch
    from ingestion.values import Collected

    from .work import ForeignWork

__all__ = ["apart", "derive_too", "foreign_store"]


def apart(batch: Batch, good: NDArray[np.bool_]) -> tuple[Batch, Batch]:
    """Frames with a good header of the universal protocol, and the messages that have none."""
    ours = [arrival for arrival, mine in zip(batch.arrivals, good, strict=True) if mine]
    others = [arrival for arrival, mine in zip(batch.arrivals, good, strict=True) if not mine]
    return replace(batch, arrivals=ours), replace(batch, arrivals=others)


def foreign_store(
    batch: Batch, at: int, *, known: Known, loader: Loader, ledger: Ledger, seen: Seen
) -> tuple[ForeignWork, int]:
    """Commit everything that can be stored; returns how many values. at: Unix microseconds."""
    transport = batch.transport.code
    messages = [Message(one.payload, transport, one.source, at) for one in batch.arrivals]
    work = work_of(messages, known)
    moved = counters_judge(work, known)
    collected, columns = resolved(work, known)
    flag_ahead(collected, at)
    derive_too(work, collected, known)
    parts = parts_join(collected)
    plan = batch_for_loader(work, collected, known, ledger, at, transport)
    identities = work.identities
    plan.batch.frames.identity = [identities[frame] for frame in plan.frames.tolist()]
    events = BatchEvents(columns, work, known, at)

    def beside(ids: NDArray[np.int64]) -> None:
        events.store(ids)
        parts.store()
        counters_write(known, moved)

    plan.batch.beside = beside
    plan.batch.rest = partial(derive_rest, context=context_of(work, known))
    result = loader.load(plan.batch) if len(plan.batch.frames) else None
    events.announce()
    ledger_note(plan, result, work, known, ledger)
    seen.note(work, columns, known, at)
    for frame in work.new.tolist():
        module = int(known.devices.module[work.row[frame]])
        known.foreign.note(module, work.digest(frame), at)
    return work, 0 if result is None else result.stored


def derive_too(work: ForeignWork, collected: Collected, known: Known) -> None:
    """Intervals that new registers tell."""
    if collected.derive:
        readings, registers = collected.together()
        derived = derive(registers, collected.derive, context_of(work, known), arriving=readings)
        collected.readings += [] if derived is None else [derived]
