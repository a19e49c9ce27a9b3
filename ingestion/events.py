"""What devices tell besides values: stored with the batch, once, and told upward after its commit."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from django.db import connection

from ingestion.codecs.universal_messages import MODULE_PORT
from ingestion.models import Reason
from meters.models import EventCode
from meters.models.events import severity_of
from meters.signals import events_loaded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ingestion.codecs.columns import Batch
    from ingestion.pipeline import Known, Work
    from ingestion.quarantine import Place

    Ints = NDArray[np.int64]

__all__ = ["BatchEvents", "events_announce", "refusals_store"]

logger = logging.getLogger(__name__)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A module that is gone meanwhile, and a port without a meter, are left out by the joins.
_STORE = """
INSERT INTO meters_deviceevent (company_id, module_id, meter_id, port, code, severity, at,
    has_clock, received_at, detail, count, frame_id)
SELECT m.company_id, m.id, t.id, nullif(s.port, -1), s.code, s.severity, s.at, s.has_clock,
    s.received_at, s.detail, 1, s.frame
FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::smallint[], %s::timestamptz[], %s::bool[],
    %s::timestamptz[], %s::bigint[], %s::bigint[])
    s(module, port, code, severity, at, has_clock, received_at, detail, frame)
JOIN meters_telemetrymodule m ON m.id = s.module
LEFT JOIN meters_meter t ON t.module_id = m.id AND t.port = s.port
ON CONFLICT (module_id, at, code, port, detail) DO NOTHING
RETURNING id
"""
# Of refusals one row an hour and module, however many frames a flood brings.
_COUNT = """
INSERT INTO meters_deviceevent AS e (company_id, module_id, code, severity, at, has_clock,
    received_at, detail, count)
SELECT m.company_id, m.id, s.code, s.severity, date_trunc('hour', s.at), false, max(s.at), 0,
    sum(s.count)
FROM unnest(%s::bigint[], %s::int[], %s::smallint[], %s::timestamptz[], %s::bigint[])
    s(module, code, severity, at, count)
JOIN meters_telemetrymodule m ON m.id = s.module
GROUP BY m.company_id, m.id, s.code, s.severity, date_trunc('hour', s.at)
ON CONFLICT (module_id, at, code, port, detail) DO UPDATE
SET count = e.count + excluded.count, received_at = greatest(e.received_at, excluded.received_at)
RETURNING id, xmax = 0
"""
_REFUSALS = {
    Reason.FOREIGN_SOURCE: EventCode.FOREIGN_SOURCE,
    Reason.REPLAYED: EventCode.REPLAYED,
    Reason.WRONG_KEY: EventCode.WRONG_KEY,
}


@dataclass(slots=True)
class EventRows:
    """Events of a batch in columns. frame: place of each one's frame among those stored;
    received_at: Unix microseconds; at: Unix seconds, 0 where the device has no clock."""

    module: Ints
    port: Ints
    code: Ints
    at: Ints
    detail: Ints
    frame: Ints
    received_at: Ints

    def __len__(self) -> int:
        return len(self.module)


class BatchEvents:
    """Events of a batch, from before it is stored until they are told."""

    def __init__(self, messages: Batch, work: Work, known: Known, received_at: Ints | int) -> None:
        """received_at: Unix microseconds, of all frames, or of each of those stored, by place."""
        self._rows = _events_of(messages, work, known, received_at)
        self._made: list[int] = []

    def store(self, frame_ids: Ints) -> None:
        """In the transaction that stores the frames (`LoadBatch.beside`)."""
        self._made = _store(self._rows, frame_ids)

    def announce(self) -> None:
        """After its commit."""
        if self._made:
            times = [_time(at) for at in self._rows.received_at.tolist()]
            events_announce(self._made, first=min(times), last=max(times))


def _events_of(messages: Batch, work: Work, known: Known, received_at: Ints | int) -> EventRows:
    """Of the new frames that may speak; those under the wrong key may not."""
    told = messages.events
    if len(told):
        told = told.take(work.reason[work.new[told.frame]] == 0)
    frame = told.frame.astype(np.int64)
    row = work.row[work.new[frame]] if len(frame) else frame
    return EventRows(
        known.devices.module[row],
        told.port.astype(np.int64),
        told.code.astype(np.int64),
        told.time,
        told.detail.astype(np.int64),
        frame,
        np.full(len(frame), received_at) if isinstance(received_at, int) else received_at[frame],
    )


def _store(rows: EventRows, frame_ids: Ints) -> list[int]:
    """Insert those that are new, in the transaction of the caller; returns their ids."""
    if not len(rows):
        return []
    received = [_time(at) for at in rows.received_at.tolist()]
    seconds = rows.at.tolist()
    at = [_time(s * 1_000_000) if s else r for s, r in zip(seconds, received, strict=True)]
    columns: list[Any] = [
        rows.module.tolist(),
        np.where(rows.port == MODULE_PORT, -1, rows.port).tolist(),
        rows.code.tolist(),
        [int(severity_of(code)) for code in rows.code.tolist()],
        at,
        [bool(second) for second in seconds],
        received,
        rows.detail.tolist(),
        frame_ids[rows.frame].tolist(),
    ]
    with connection.cursor() as cursor:
        cursor.execute(_STORE, columns)
        return [row[0] for row in cursor.fetchall()]


def events_announce(
    made: Sequence[int], *, first: datetime | None = None, last: datetime | None = None
) -> None:
    """Tell of events by their ids; when the first and the last of them were received."""
    if not made:
        return
    answers = events_loaded.send_robust(EventRows, events=list(made), first_at=first, last_at=last)
    for receiver, answer in answers:
        if isinstance(answer, Exception):
            logger.error("%r failed after events were loaded", receiver, exc_info=answer)


def refusals_store(counts: Mapping[Place, tuple[int, int]]) -> list[int]:
    """Events of frames that were refused as foreign, repeated or forged: (how many, when last).

    In the transaction of the caller; returns the ids of the events that are new.
    """
    rows = [
        (place.module, int(_REFUSALS[place.reason]), _time(at), count)
        for place, (count, at) in counts.items()
        if place.module and place.reason in _REFUSALS
    ]
    if not rows:
        return []
    module, code, at, count = map(list, zip(*rows, strict=True))
    severity = [int(severity_of(number)) for number in code]
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [module, code, severity, at, count])
        return [row[0] for row in cursor.fetchall() if row[1]]


def _time(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
