"""Which frames become raw frames, with which outcome, and how the rest is counted."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from django.utils.translation import override

from ingestion.loader import Frames, LoadBatch, Refusal
from ingestion.models import FrameOutcome, Reason
from ingestion.quarantine import REPLAYABLE, Kept, Place, network_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ingestion.loader import LoadResult
    from ingestion.pipeline import Known, Work
    from ingestion.quarantine import Ledger
    from ingestion.values import Collected

__all__ = ["Plan", "batch_for_loader", "frame_outcomes", "ledger_note", "place_of", "refusals"]

# Where a clock is wrong; a month that the archive was not prepared for can be made.
_OUT_OF_TIME = frozenset({Refusal.TOO_OLD, Refusal.IN_FUTURE})


@dataclass(slots=True)
class Plan:
    """batch: for the loader; its frames are those of `work.new`, then the refused ones kept.

    frames: place in `work` of each. reasons: of frames that were understood only in part.
    """

    batch: LoadBatch
    frames: NDArray[np.int64]
    reasons: dict[int, dict[Reason, str]]
    at: int


def batch_for_loader(
    work: Work, collected: Collected, known: Known, ledger: Ledger, at: int, transport: int
) -> Plan:
    """Everything of a batch that is stored in one transaction."""
    kept = _kept(work, ledger, at)
    frames = np.concatenate([work.new, kept]).astype(np.int64)
    readings, registers = collected.together()
    outcome, reason = frame_outcomes(work, frames, collected, readings.frame, registers.frame)
    row = work.row[frames]
    module = np.where(row >= 0, known.devices.module[row] if len(known.devices) else 0, -1)
    proven = np.zeros(len(frames), np.bool_)
    proven[: len(work.new)] = True
    batch = LoadBatch(
        readings=readings,
        registers=registers,
        frames=Frames(
            received_at=np.full(len(frames), at, np.int64),
            module=module,
            counter=np.where(proven, work.counter[frames], -1),
            transport=np.full(len(frames), transport, np.uint8),
            outcome=outcome,
            source=[work.sources[frame] for frame in frames.tolist()],
            reason=reason,
            payload=[work.payloads[frame] for frame in frames.tolist()],
        ),
    )
    return Plan(batch, frames, collected.refused, at)


def frame_outcomes(
    work: Work,
    frames: NDArray[np.int64],
    collected: Collected,
    *rows_of_frames: NDArray[np.int32],
) -> tuple[NDArray[np.uint8], list[str]]:
    """Outcome and reason of frames of `work`, the new ones first; rows_of_frames: of what is stored."""
    outcome = np.full(len(frames), FrameOutcome.STORED, np.uint8)
    reason = [""] * len(frames)
    for place in np.flatnonzero(work.reason[frames]).tolist():
        frame = int(frames[place])
        found = work.reason_of(frame)
        assert found is not None
        outcome[place] = FrameOutcome.QUARANTINED if found in REPLAYABLE else FrameOutcome.REFUSED
        reason[place] = _sentence(found, work.why(frame))
    stored = np.zeros(len(frames), np.bool_)
    if collected.refused:
        for rows in rows_of_frames:
            stored[rows] = True
    for place, reasons in collected.refused.items():
        outcome[place] = FrameOutcome.PARTLY if stored[place] else FrameOutcome.QUARANTINED
        reason[place] = "; ".join(_sentence(*item) for item in reasons.items())
    return outcome, reason


def _sentence(reason: Reason, detail: str) -> str:
    """In English: what is stored is not in the language of whoever runs the server."""
    with override(None):
        label = str(reason.label)
    return f"{label} ({detail})" if detail else label


def _kept(work: Work, ledger: Ledger, at: int) -> NDArray[np.int64]:
    """Of the frames that were refused before they were opened: those there is room for."""
    refused = np.flatnonzero(work.reason)
    if len(refused) and len(work.new):
        refused = refused[~np.isin(refused, work.new)]
    if not len(refused):
        return np.zeros(0, np.int64)
    groups: dict[tuple[int, str], list[int]] = defaultdict(list)
    for frame, number in zip(refused.tolist(), work.reason[refused].tolist(), strict=True):
        groups[number, work.sources[frame]].append(frame)
    kept: list[int] = []
    for (number, source), frames in groups.items():
        reason = work.name_of(number)
        assert reason is not None
        network = network_of(source)
        room = ledger.room(len(frames), reason=reason, network=network, now=at / 1_000_000)
        kept += frames[:room]
    return np.array(sorted(kept), np.int64)


def ledger_note(
    plan: Plan, result: LoadResult | None, work: Work, known: Known, ledger: Ledger
) -> None:
    """Count what was refused, once it is committed; `result`: None when nothing was loaded."""
    ids = [] if result is None else result.frame_ids.tolist()
    kept = {
        frame: Kept(number, plan.at)
        for frame, number in zip(plan.frames.tolist(), ids, strict=True)
        if work.reason[frame]
    }
    _note_refused(plan, work, known, ledger, kept)
    for place, reasons in plan.reasons.items():
        frame = int(plan.frames[place])
        for reason, detail in reasons.items():
            where = place_of(work, frame, reason, known)
            ledger.add(where, 1, plan.at, detail=detail, kept=[Kept(ids[place], plan.at)])
    if result is not None:
        for reason, texts in refusals(result, plan.batch).items():
            for place, text in texts.items():
                where = place_of(work, int(plan.frames[place]), reason, known)
                ledger.add(where, 1, plan.at, detail=text, kept=[Kept(ids[place], plan.at)])


def refusals(result: LoadResult, batch: LoadBatch) -> dict[Reason, dict[int, str]]:
    """What the loader refused: reason → place of the frame → the detail."""
    rest = frozenset(Refusal) - _OUT_OF_TIME
    return {
        Reason.OUT_OF_TIME: result.frame_reasons(batch, _OUT_OF_TIME),
        Reason.NOT_STORABLE: result.frame_reasons(batch, rest),
    }


def _note_refused(
    plan: Plan, work: Work, known: Known, ledger: Ledger, kept: dict[int, Kept]
) -> None:
    """Frames of unknown devices beyond those kept are counted together, by network."""
    bulk: dict[tuple[Reason, str], int] = defaultdict(int)
    refused = np.flatnonzero(work.reason)
    rows = work.row[refused].tolist()
    for frame, row in zip(refused.tolist(), rows, strict=True):
        reason = work.reason_of(frame)
        assert reason is not None
        if row >= 0:
            where = place_of(work, frame, reason, known)
        elif frame in kept:
            where = ledger.place(reason, work.label(frame), network_of(work.sources[frame]))
        else:
            bulk[reason, work.sources[frame]] += 1
            continue
        mine = [kept[frame]] if frame in kept else []
        detail = work.why(frame) if mine else ""
        ledger.add(where, 1, plan.at, detail=detail, kept=mine)
    for (reason, source), count in bulk.items():
        ledger.add(Place(reason, network=network_of(source)), count, plan.at)


def place_of(work: Work, frame: int, reason: Reason, known: Known) -> Place:
    """Where a frame of a known device is counted."""
    row = int(work.row[frame])
    devices = known.devices
    return Place(reason, int(devices.module[row]), int(devices.company[row]), work.label(frame))
