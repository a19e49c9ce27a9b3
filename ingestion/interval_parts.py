"""Parts of intervals that other frames brought: kept until the channel's interval is complete.

A module that counts quarter-hours for an hourly channel may report at any of them. What is there of
an hour waits in a table, written in the transaction of its frame; with the last part the hour gets
its value, and its parts go. Engines write it, each for its own devices: what another one kept
meanwhile is never deleted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
from django.db import connection

from ingestion.regridding import Parts, summed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ingestion.values import Collected

__all__ = ["KEPT_DAYS", "PartsPlan", "parts_forget", "parts_join"]

# As long as modules keep their intervals for archive requests.
KEPT_DAYS = 40
_WANTED = """unnest(%s::bigint[], %s::smallint[], %s::timestamptz[], %s::timestamptz[])
    WITH ORDINALITY w(channel, minutes, first, until, number)"""
_SAME = """p.channel_id = w.channel AND p.minutes = w.minutes
    AND p.start >= w.first AND p.start < w.until"""
_READ = f"""
SELECT w.number - 1, extract(epoch FROM p.start)::bigint, p.value, p.quality
FROM {_WANTED} JOIN ingestion_interval_part p ON {_SAME}
"""
_DELETE = f"DELETE FROM ingestion_interval_part p USING {_WANTED} WHERE {_SAME}"
_WRITE = """
INSERT INTO ingestion_interval_part (channel_id, minutes, start, value, quality)
SELECT * FROM unnest(%s::bigint[], %s::smallint[], %s::timestamptz[], %s::bigint[], %s::smallint[])
ON CONFLICT (channel_id, minutes, start) DO UPDATE
SET value = excluded.value, quality = excluded.quality, kept_at = now()
WHERE (ingestion_interval_part.value, ingestion_interval_part.quality)
    IS DISTINCT FROM (excluded.value, excluded.quality)
"""
_FORGET = "DELETE FROM ingestion_interval_part WHERE kept_at < now() - make_interval(days => %s)"


@dataclass(slots=True)
class PartsPlan:
    """What becomes of the table when the batch is stored; `store` may be called again.

    complete: slots that have got their value, a row each; waiting: parts of all the others.
    """

    complete: Parts
    waiting: Parts

    def store(self) -> None:
        """In the transaction that stores the frames."""
        rows = self.waiting
        with connection.cursor() as cursor:
            if len(self.complete):
                cursor.execute(_DELETE, _wanted(self.complete))
            if len(rows):
                times = [_time(at) for at in rows.start.tolist()]
                numbers = (rows.value.tolist(), rows.quality.tolist())
                columns = (rows.channel.tolist(), rows.minutes.tolist(), times, *numbers)
                cursor.execute(_WRITE, columns)


def parts_join(collected: Collected, *, stored_wins: bool = False) -> PartsPlan:
    """Complete the slots of this batch with the parts kept; their values join the readings.

    stored_wins: of two that tell the same part equally well the one kept counts, as in a replay.
    """
    nothing = Parts()
    if not collected.parts:
        return PartsPlan(nothing, nothing)
    arriving = Parts.joined(collected.parts)
    touched = _slots(arriving)
    kept = _read(touched)
    order = [arriving, kept] if stored_wins else [kept, arriving]
    made, waiting = summed(Parts.joined(order))
    if len(made):
        # A sum whose last part was kept belongs to a frame of this batch all the same.
        collected.readings.append(made)
    return PartsPlan(touched.take(_without(touched, waiting)), waiting)


def parts_forget() -> int:
    """Delete parts whose interval was never completed; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, [KEPT_DAYS])
        return int(cursor.rowcount)


def _keys(parts: Parts) -> NDArray[np.int64]:
    return np.stack([parts.channel, parts.minutes, parts.slot], axis=1)


def _slots(parts: Parts) -> Parts:
    """One row a slot and length of parts."""
    _unique, first = np.unique(_keys(parts), axis=0, return_index=True)
    return parts.take(first)


def _without(slots: Parts, waiting: Parts) -> NDArray[np.int64]:
    """Which of the slots none of these parts lies in."""
    incomplete = set(map(tuple, _keys(waiting).tolist()))
    rows = [at for at, key in enumerate(_keys(slots).tolist()) if tuple(key) not in incomplete]
    return np.array(rows, np.int64)


def _read(touched: Parts) -> Parts:
    with connection.cursor() as cursor:
        cursor.execute(_READ, _wanted(touched))
        rows = np.array(cursor.fetchall(), np.int64).reshape(-1, 4)
    kept = touched.take(rows[:, 0])
    kept.start, kept.value = rows[:, 1], rows[:, 2]
    kept.quality, kept.frame = rows[:, 3].astype(np.uint8), np.full(len(rows), -1, np.int64)
    return kept


def _wanted(touched: Parts) -> list[list[object]]:
    return [
        touched.channel.tolist(),
        touched.minutes.tolist(),
        [_time(at) for at in touched.slot.tolist()],
        [_time(at) for at in touched.end.tolist()],
    ]


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
