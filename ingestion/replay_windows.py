"""Frame counters that outlive the process: a checkpoint, completed by the raw frames after it.

A raw frame with a counter is stored in the transaction that stores what it says, and only frames
that were authentic have one: together they are the window. So nothing is written a frame for the
sake of the window, and a kill at any moment opens it to nobody. The checkpoint, written every few
minutes between two batches, only shortens the next start. Each share of the devices has a mark that
tells when its checkpoint was written; whoever recovers windows begins at the earliest of all marks.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from django.db import connection, transaction

from ingestion.rows import fetch_records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ingestion.registry import Devices
    from ingestion.shares import Shares

    Ints = NDArray[np.int64]

__all__ = [
    "Checkpoint",
    "checkpoint_due_in",
    "marks_lay_out",
    "sent_reserve",
    "windows_recover",
    "windows_write",
]

# Rows that tell when checkpoints were written stand under no module, a selector for each share; 0 is
# that of an installation which had no shares yet.
_MARK, _UNSHARED, _FIRST_SHARE = 0, 0, 16
# Frames of a batch have its time of receipt; a batch may have waited before it was stored.
_MARGIN = timedelta(minutes=5)
# Slots of a piece; it takes about a quarter of a second.
_PIECE = 20_000
_WRITE = """
INSERT INTO ingestion_replay_window AS w (module_id, selector, highest, seen, at)
SELECT *, %s FROM unnest(%s::bigint[], %s::smallint[], %s::bigint[], %s::bigint[])
ON CONFLICT (module_id, selector) DO UPDATE
SET highest = excluded.highest, seen = excluded.seen, at = excluded.at
"""
_MARKS = "module_id = 0 AND (selector = 0 OR selector >= 16)"
# The marks of as many shares as there are now; where they are others than before, all go back to the
# earliest, which stands for the windows of every device.
_LAY_OUT = f"""
WITH known AS (SELECT min(at) AS at, array_agg(selector ORDER BY selector) AS selectors
        FROM ingestion_replay_window WHERE {_MARKS}),
    wanted AS (SELECT array_agg(s ORDER BY s) AS selectors FROM unnest(%(selectors)s::smallint[]) s),
    gone AS (DELETE FROM ingestion_replay_window USING known, wanted
        WHERE {_MARKS} AND known.selectors IS DISTINCT FROM wanted.selectors
            AND selector <> ALL (wanted.selectors))
INSERT INTO ingestion_replay_window AS w (module_id, selector, highest, seen, at)
SELECT 0, s, 0, 0, coalesce(known.at, '2000-01-01 00:00+00') FROM known, wanted, unnest(wanted.selectors) s
WHERE known.selectors IS DISTINCT FROM wanted.selectors
ON CONFLICT (module_id, selector) DO UPDATE SET at = least(w.at, excluded.at)
"""
_SINCE = f"SELECT min(at) FROM ingestion_replay_window WHERE {_MARKS}"
_OLDEST = "SELECT min(at) FROM ingestion_replay_window WHERE module_id = 0 AND selector = ANY(%s)"
# Under no module too: the first counter for frames downward that nobody has reserved.
_SENT = 1
_RESERVE = """
INSERT INTO ingestion_replay_window AS w (module_id, selector, highest, seen, at)
VALUES (%(mark)s, %(sent)s, %(least)s + %(count)s, 0, %(at)s)
ON CONFLICT (module_id, selector) DO UPDATE
SET highest = greatest(w.highest, %(least)s) + %(count)s, at = excluded.at
RETURNING highest
"""
_WINDOWS = """
SELECT w.module_id, w.selector::int, w.highest, w.seen FROM ingestion_replay_window w
LEFT JOIN ingestion_modulekey k ON k.module_id = w.module_id AND k.selector = w.selector
    AND k.state <> 'retired'
WHERE w.module_id <> 0 AND (w.selector = 2 OR w.at >= k.created_at)
"""
# Frames sealed with an earlier key under the same selector say nothing of the present one. Counters
# of foreign protocols are written with their messages (`ingestion.foreign.counters`).
_FRAMES = """
SELECT f.module_id, ((get_byte(f.payload, 0) >> 2) & 3)::int, f.counter FROM ingestion_raw_frame f
LEFT JOIN ingestion_modulekey k ON k.module_id = f.module_id
    AND k.selector = ((get_byte(f.payload, 0) >> 2) & 3) AND k.state <> 'retired'
WHERE f.counter IS NOT NULL AND f.module_id IS NOT NULL AND f.received_at > %s
    AND f.identity IS NULL AND ((get_byte(f.payload, 0) >> 2) & 3 = 2 OR f.received_at >= k.created_at)
"""


class Checkpoint:
    """One that is being written, a piece between two batches, so that none of them waits for it.

    The mark moves when all of it is written, and to when it was begun: frames stored since then are
    read again by whoever recovers, whether their piece had been written before or after them.
    """

    def __init__(self, touched: Sequence[Ints], at: datetime) -> None:
        """touched: slots (module << 2 | selector), all that moved since the checkpoint before."""
        self._slots = np.unique(np.concatenate([np.zeros(0, np.int64), *touched]))
        self._at = at

    def step(self, devices: Devices, shares: Shares) -> bool:
        """Write the next piece; True when it was the last."""
        piece, self._slots = self._slots[:_PIECE], self._slots[_PIECE:]
        done = not len(self._slots)
        with transaction.atomic():
            windows_write(devices, piece, self._at)
            if done:
                marks = _marks_of(shares)
                nothing = [0] * len(marks)
                _write([[_MARK] * len(marks), marks, nothing, nothing], self._at)
        return done


def marks_lay_out(shares: Shares) -> None:
    """Have a mark for each share, before any engine moves one."""
    selectors = [_FIRST_SHARE + share for share in range(shares.count)]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE ingestion_replay_window IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(_LAY_OUT, {"selectors": selectors})


def checkpoint_due_in(shares: Shares, *, every: float) -> float:
    """Seconds until the next checkpoint of the shares that are held, from 0 to `every`.

    It is counted from the last one, not from the start of the process: a server that is killed again
    and again would never write any, and each start would read more frames than the one before.
    """
    with connection.cursor() as cursor:
        cursor.execute(_OLDEST, [_marks_of(shares)])
        [oldest] = cursor.fetchone()
    # None is held.
    if oldest is None:
        return every
    age: float = (datetime.now(UTC) - oldest).total_seconds()
    return min(max(every - age, 0.0), every)


def _marks_of(shares: Shares) -> list[int]:
    return [_FIRST_SHARE + share for share in sorted(shares.held)]


def windows_write(devices: Devices, touched: Ints, at: datetime) -> None:
    """Write the windows of these slots as they stand in memory, in the transaction of the caller.

    For frames received long ago: those since the last checkpoint say nothing of them.
    """
    _write(_windows_of(devices, touched), at)


def _write(columns: Sequence[Sequence[int]], at: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, [at, *map(list, columns)])


def _windows_of(devices: Devices, touched: Ints) -> list[list[int]]:
    slots = np.unique(touched)
    row, selector = devices.by_module(slots >> 2), slots & 3
    slots, row, selector = slots[row >= 0], row[row >= 0], selector[row >= 0]
    return [
        (slots >> 2).tolist(),
        selector.tolist(),
        devices.highest[row, selector].tolist(),
        devices.seen[row, selector].view(np.int64).tolist(),
    ]


def windows_recover(devices: Devices, shares: Shares | None = None) -> Ints:
    """Bring the windows to where they were; returns the slots that the next checkpoint writes.

    shares: only of devices in those that are held, whose windows nobody else moves.
    """
    _load_checkpoint(devices)
    with connection.cursor() as cursor:
        cursor.execute(_SINCE)
        [mark] = cursor.fetchone()
    since = mark - _MARGIN if mark else datetime(2000, 1, 1, tzinfo=UTC)
    frames = fetch_records(_FRAMES, [since], {"module": ">i8", "selector": ">i4", "counter": ">i8"})
    row = devices.by_module(frames["module"])
    known = (row >= 0) & (frames["selector"] < devices.keys.shape[1])
    if shares is not None and not shares.all_held:
        known &= shares.ours(devices.device.astype(np.uint64))[row]
    row, selector = row[known], frames["selector"][known].astype(np.uint8)
    devices.accept(row, selector, frames["counter"][known])
    return np.unique(devices.module[row] << 2 | selector)


def _load_checkpoint(devices: Devices) -> None:
    columns = {"module": ">i8", "selector": ">i4", "highest": ">i8", "seen": ">i8"}
    stored = fetch_records(_WINDOWS, [], columns)
    devices.highest[:], devices.seen[:] = 0, 0
    row = devices.by_module(stored["module"])
    stored, row = stored[row >= 0], row[row >= 0]
    devices.highest[row, stored["selector"]] = stored["highest"]
    devices.seen[row, stored["selector"]] = stored["seen"].view(np.uint64)


def sent_reserve(*, least: int, count: int) -> int:
    """Take `count` counters for frames downward out of use for everybody else; the first of them.

    They follow the last ones reserved, and are not below `least`. Committed when this returns, so
    they are used by nobody twice, whatever is killed.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        values = {"mark": _MARK, "sent": _SENT, "least": least, "count": count}
        cursor.execute(_RESERVE, {**values, "at": datetime.now(UTC)})
        return int(cursor.fetchone()[0]) - count
