"""Storing what frames say that were stored as frames before: the same pipeline, the same loader."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ingestion.clocks import flag_ahead
from ingestion.codecs.universal_frame import Key
from ingestion.derivation import derive, derive_rest
from ingestion.events import BatchEvents
from ingestion.interval_parts import parts_join
from ingestion.keeping import frame_outcomes, place_of, refusals
from ingestion.loader import Frames, LoadBatch, Precedence
from ingestion.models import FrameOutcome
from ingestion.pipeline import context_of, decode, resolve
from ingestion.replay_windows import windows_write

from .reasons import reasons_still

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ingestion.codecs.columns import Batch
    from ingestion.loader import Loader
    from ingestion.pipeline import Known, Work
    from ingestion.quarantine import Place
    from ingestion.values import Collected

    from .kept import KeptFrame

__all__ = ["resolved", "store_again"]

_REPEAT = "repeats a frame that is stored"
_CLAIM = "a claim is answered only when it comes"


def resolved(frames: Sequence[KeptFrame], work: Work, known: Known) -> tuple[Collected, Batch]:
    """Values of channels, those derived from registers too; and the decoded messages."""
    messages = decode(work)
    collected = resolve(work, messages, known)
    flag_ahead(collected, np.array([frames[at].received_at for at in work.new], np.int64))
    if collected.derive:
        readings, registers = collected.together()
        derived = derive(registers, collected.derive, context_of(work, known), arriving=readings)
        collected.readings += [] if derived is None else [derived]
    return collected, messages


def store_again(
    frames: Sequence[KeptFrame], work: Work, known: Known, loader: Loader, *, windows: bool = False
) -> dict[int, dict[Place, str]]:
    """Store what is new of `work`, and what became of its frames; windows: also those it moved.

    Returns why frames are still no data: place in `work` → where that is counted → the detail.
    """
    if not len(work):
        return {}
    collected, messages = resolved(frames, work, known)
    parts = parts_join(collected, stored_wins=True)
    others = np.setdiff1d(np.arange(len(work)), work.new)
    order = np.concatenate([work.new, others]).astype(np.int64)
    batch = _batch(frames, work, order, collected, known)
    events = BatchEvents(messages, work, known, batch.frames.received_at)

    def beside(ids: NDArray[np.int64]) -> None:
        events.store(ids)
        parts.store()
        if windows:
            slots = known.devices.module[work.row[work.new]] << 2 | work.selector[work.new]
            windows_write(known.devices, slots, datetime.now(UTC))

    batch.beside = beside
    batch.rest = partial(derive_rest, context=context_of(work, known))
    result = loader.load(batch)
    events.announce()
    return reasons_still(work, order, collected, refusals(result, batch), known, place_of)


def _batch(
    frames: Sequence[KeptFrame],
    work: Work,
    order: NDArray[np.int64],
    collected: Collected,
    known: Known,
) -> LoadBatch:
    readings, registers = collected.together()
    outcome, reason = frame_outcomes(work, order, collected, readings.frame, registers.frame)
    for place, frame in enumerate(order.tolist()):
        if place >= len(work.new) and not work.reason[frame]:
            claim = work.selector[frame] == Key.CLAIM
            outcome[place] = FrameOutcome.REFUSED if claim else FrameOutcome.STORED
            reason[place] = _CLAIM if claim else _REPEAT
    row = work.row[order]
    proven = np.arange(len(order)) < len(work.new)
    chosen = [frames[frame] for frame in order.tolist()]
    return LoadBatch(
        readings=readings,
        registers=registers,
        frames=Frames(
            id=np.array([frame.id for frame in chosen], np.int64),
            received_at=np.array([frame.received_at for frame in chosen], np.int64),
            module=np.where(row >= 0, known.devices.module[row], -1),
            counter=np.where(proven, work.counter[order], -1),
            transport=np.array([frame.transport for frame in chosen], np.uint8),
            outcome=outcome,
            source=[frame.source for frame in chosen],
            reason=reason,
            payload=[frame.payload for frame in chosen],
        ),
        precedence=Precedence.STORED,
    )
