"""Messages of foreign protocols that were kept, tried again; and stored ones decoded anew.

They are found by identity. Of a page the oldest goes first, as decoders may need what came before;
memory is that of the pages tried, never that of what comes now. As with all frames a replay only
fills what the device has not said since (`Precedence.STORED`).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from django.db import connection

from ingestion.clocks import flag_ahead
from ingestion.derivation import derive_rest
from ingestion.events import BatchEvents
from ingestion.interval_parts import parts_join
from ingestion.keeping import frame_outcomes, place_of, refusals
from ingestion.loader import Frames, LoadBatch, Precedence
from ingestion.pipeline import context_of
from ingestion.quarantine import Place, network_of
from ingestion.replay.kept import replayed_words
from ingestion.replay.reasons import reasons_still

from .counters import counters_judge_waiting, counters_write
from .messages import UNRECOGNISED, Message, identity_number
from .recognising import alternatives
from .settling import derive_too
from .work import resolved, work_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from ingestion.loader import Loader
    from ingestion.models import Reason
    from ingestion.pipeline import Known
    from ingestion.replay.kept import KeptFrame
    from ingestion.shares import Shares
    from ingestion.values import Collected

    from .devices import ForeignDevice, Memories
    from .types import ForeignType
    from .work import ForeignWork

__all__ = [
    "decoded_anew",
    "foreign_store_again",
    "identities_kept",
    "identities_of",
    "types_release",
]

_IDENTITIES = """
SELECT identity, count(*) FROM ingestion_raw_frame
WHERE outcome <> 0 AND identity IS NOT NULL AND received_at >= %s AND NOT starts_with(reason, %s)
GROUP BY identity
"""


def identities_kept(first: datetime) -> dict[str, int]:
    """Identity → messages of it that are kept since then."""
    with connection.cursor() as cursor:
        cursor.execute(_IDENTITIES, [first, replayed_words()])
        return dict(cursor.fetchall())


def identities_of(
    kept: Iterable[str], wanted: set[int] | None, known: Known, shares: Shares
) -> list[str]:
    """Those that are worth trying, as far as they are in our shares.

    wanted: modules, and negative numbers of identities; None: all that can be data now.
    """
    return sorted(
        identity
        for identity in kept
        if _is_ours(identity, shares) and _is_wanted(identity, wanted, known)
    )


def _is_ours(identity: str, shares: Shares) -> bool:
    number = np.array([-identity_number(identity)], np.uint64)
    return bool(shares.ours(number)[0])


def _is_wanted(identity: str, wanted: set[int] | None, known: Known) -> bool:
    if wanted is None:
        return not identity or bool(_modules_of(identity, known))
    asked = identity_number(identity or UNRECOGNISED) in wanted
    return asked or bool(wanted & _modules_of(identity, known))


def _modules_of(identity: str, known: Known) -> set[int]:
    return {device.module for _one, device in _found(identity, known)}


def _found(identity: str, known: Known) -> Iterator[tuple[ForeignType, ForeignDevice]]:
    scheme, _, value = identity.partition(" ")
    foreign = known.foreign
    return (
        (one, device)
        for one in foreign.types.all
        for name in alternatives(scheme, value)
        for device in foreign.find(one.id, name)
    )


def types_release(identities: Iterable[str], known: Known) -> None:
    """Somebody asks for these: their types may be tried once more though they take too long."""
    for identity in identities:
        for one, _device in _found(identity, known):
            known.foreign.breaker.release(one)


def foreign_store_again(
    frames: Sequence[KeptFrame], known: Known, loader: Loader, memories: Memories
) -> dict[int, dict[Place, str]]:
    """Store what the messages say now, and what became of each of them.

    Returns why messages are still no data: place in `frames` → where that is counted → the detail.
    """
    if not frames:
        return {}
    order, work = _judged(frames, known, memories)
    chosen = [frames[place] for place in order]
    moved = counters_judge_waiting(work, chosen, known, memories)
    at = np.array([chosen[frame].received_at for frame in work.new.tolist()], np.int64)
    collected, columns = resolved(work, known)
    flag_ahead(collected, at)
    derive_too(work, collected, known)
    parts = parts_join(collected, stored_wins=True)
    rest = np.setdiff1d(np.arange(len(work)), work.new)
    stored = np.concatenate([work.new, rest]).astype(np.int64)
    batch = _batch([chosen[place] for place in stored.tolist()], work, stored, collected, known)
    events = BatchEvents(columns, work, known, batch.frames.received_at)

    def beside(ids: NDArray[np.int64]) -> None:
        events.store(ids)
        parts.store()
        counters_write(known, moved)

    batch.beside = beside
    batch.rest = partial(derive_rest, context=context_of(work, known))
    result = loader.load(batch)
    events.announce()
    found = reasons_still(work, stored, collected, refusals(result, batch), known, _place)
    return {order[frame]: reasons for frame, reasons in found.items()}


def _judged(
    frames: Sequence[KeptFrame], known: Known, memories: Memories
) -> tuple[list[int], ForeignWork]:
    """Oldest first; the order in places of `frames`."""
    order = sorted(range(len(frames)), key=lambda place: frames[place].place)
    messages = [
        Message(frame.payload, frame.transport, frame.source, frame.received_at)
        for frame in (frames[place] for place in order)
    ]
    return order, work_of(messages, known, memories=memories)


def _batch(
    frames: Sequence[KeptFrame],
    work: ForeignWork,
    order: NDArray[np.int64],
    collected: Collected,
    known: Known,
) -> LoadBatch:
    """frames: in this order of `work`."""
    readings, registers = collected.together()
    outcome, reason = frame_outcomes(work, order, collected, readings.frame, registers.frame)
    row = work.row[order]
    module = np.where(row >= 0, known.devices.module[row] if len(known.devices) else 0, -1)
    identities = work.identities
    return LoadBatch(
        readings=readings,
        registers=registers,
        frames=Frames(
            id=np.array([frame.id for frame in frames], np.int64),
            received_at=np.array([frame.received_at for frame in frames], np.int64),
            module=module,
            counter=work.counter[order],
            transport=np.array([frame.transport for frame in frames], np.uint8),
            outcome=outcome,
            source=[frame.source for frame in frames],
            reason=reason,
            payload=[frame.payload for frame in frames],
            identity=[identities[frame] for frame in order.tolist()],
        ),
        precedence=Precedence.STORED,
    )


def _place(work: ForeignWork, frame: int, reason: Reason, known: Known) -> Place:
    if work.row[frame] >= 0:
        return place_of(work, frame, reason, known)
    return Place(reason, device=work.label(frame), network=network_of(work.sources[frame]))


def decoded_anew(frames: Sequence[KeptFrame], known: Known) -> tuple[Collected, int]:
    """Values of stored messages as their types are now; and how many could be decoded."""
    _order, work = _judged(frames, known, {})
    collected, _columns = resolved(work, known)
    at = np.array([work.messages[frame].received_at for frame in work.new.tolist()], np.int64)
    flag_ahead(collected, at)
    derive_too(work, collected, known)
    return collected, len(work.new)
