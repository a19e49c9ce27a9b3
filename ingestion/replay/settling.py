"""Bringing the counts of the quarantine up to date after the frames of some devices were tried."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction

from ingestion.quarantine import NEVER_DATA

if TYPE_CHECKING:
    from ingestion.quarantine import Place

    from .kept import KeptFrame

__all__ = ["Still", "quarantine_settle"]

# A row that was counted up meanwhile has frames that were not tried: it goes on waiting.
_RESOLVE = """
UPDATE ingestion_quarantine SET waiting = 0, resolved_at = now()
WHERE device = ANY(%s) AND reason <> ALL(%s) AND resolved_at IS NULL AND last_at <= %s
"""
_WAITING = """
INSERT INTO ingestion_quarantine AS q (reason, module_id, company_id, device, network, detail,
    count, kept, waiting, first_at, last_at, last_frame, last_frame_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (reason, module_id, device, network) DO UPDATE SET
    waiting = excluded.waiting, resolved_at = NULL,
    count = greatest(q.count, excluded.count), kept = greatest(q.kept, excluded.kept),
    detail = coalesce(nullif(excluded.detail, ''), q.detail),
    first_at = least(q.first_at, excluded.first_at), last_at = greatest(q.last_at, excluded.last_at),
    last_frame = excluded.last_frame, last_frame_at = excluded.last_frame_at
"""


class Still:
    """Frames that were tried and are still no data for one reason."""

    def __init__(self) -> None:
        self.count = 0
        self.detail = ""
        self._first: tuple[datetime, int] | None = None
        self._last: tuple[datetime, int] | None = None

    def add(self, frame: KeptFrame, detail: str) -> None:
        """Count a frame."""
        self.count += 1
        self.detail = detail or self.detail
        self._first = min(self._first or frame.place, frame.place)
        self._last = max(self._last or frame.place, frame.place)

    def row(self, place: Place) -> list[Any]:
        """Parameters of the row in the quarantine."""
        assert self._first is not None and self._last is not None
        where = [place.reason, place.module or None, place.company or None]
        names = [place.device, place.network]
        times = [self._first[0], self._last[0], self._last[1], self._last[0]]
        return [*where, *names, self.detail[:300], *[self.count] * 3, *times]


@transaction.atomic
def quarantine_settle(
    *, devices: Iterable[str], started: datetime, still: Mapping[Place, Still]
) -> None:
    """All kept frames of these devices were tried since `started`; `still` did not become data.

    devices: as they are listed in the quarantine.
    """
    labels = list(devices)
    with connection.cursor() as cursor:
        cursor.execute(_RESOLVE, [labels, [str(reason) for reason in NEVER_DATA], started])
        rows = [found.row(place) for place, found in still.items()]
        if rows:
            cursor.executemany(_WAITING, rows)
