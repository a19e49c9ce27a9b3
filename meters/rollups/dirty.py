"""The durable queue of blocks that changed.

The loader adds rows in the transaction that changes the blocks; a roll-up takes them and writes
its results in one transaction too, so nothing is lost or rolled up from half a batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.db import connection

if TYPE_CHECKING:
    from datetime import date

__all__ = ["DirtyRow", "dirty_take"]


class DirtyRow(NamedTuple):
    """Channels (ascending) whose blocks of a day changed in one batch."""

    day: date
    channels: list[int]


def dirty_take(*, limit: int = 200) -> list[DirtyRow]:
    """Take the oldest rows that nobody else holds, oldest first; inside a transaction.

    They are gone once that transaction commits, and back if it does not.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("dirty rows are taken inside the transaction that rolls them up")
    with connection.cursor() as cursor:
        # The inner plan is an index scan that stops at the limit.
        cursor.execute(
            "WITH taken AS (DELETE FROM meters_dirty_day WHERE id = ANY(ARRAY("
            " SELECT id FROM meters_dirty_day ORDER BY id FOR UPDATE SKIP LOCKED LIMIT %s))"
            " RETURNING id, day, channels) SELECT day, channels FROM taken ORDER BY id",
            [limit],
        )
        return [DirtyRow(*row) for row in cursor.fetchall()]
