"""The durable queues of what changed: blocks of channels, members of nodes, days of months.

The loader adds rows in the transaction that changes the blocks, triggers add rows in the one that
changes trees, connections, installations or channels; a roll-up takes them and writes its results
in one transaction too, so nothing is lost or rolled up from half a batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import connection

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

__all__ = [
    "DirtyMembers",
    "DirtyMonths",
    "DirtyRow",
    "dirty_members_leave",
    "dirty_members_take",
    "dirty_months_mark",
    "dirty_months_take",
    "dirty_take",
]


class DirtyRow(NamedTuple):
    """Channels (ascending) whose blocks of a day changed in one batch."""

    day: date
    channels: list[int]


class DirtyMembers(NamedTuple):
    """A node whose members changed on days from `first` (None: ever) to `last` (None: for ever)."""

    company_id: int
    node_id: int
    first: date | None
    last: date | None


class DirtyMonths(NamedTuple):
    """Channels and nodes of which days in the month changed."""

    month: date
    channels: list[int]
    nodes: list[int]


def dirty_take(*, days: int = 8) -> list[DirtyRow]:
    """Take the rows of the newest days that nobody else holds, oldest row first.

    They are gone once the transaction commits, and back if it does not.
    """
    return [
        DirtyRow(*row)
        for row in _take(
            "WITH taken AS (DELETE FROM meters_dirty_day WHERE id = ANY(ARRAY("
            " SELECT id FROM meters_dirty_day WHERE day = ANY(ARRAY("
            "  SELECT DISTINCT day FROM meters_dirty_day ORDER BY day DESC LIMIT %s))"
            " FOR UPDATE SKIP LOCKED)) RETURNING id, day, channels)"
            " SELECT day, channels FROM taken ORDER BY id",
            [days],
        )
    ]


def dirty_members_take(*, limit: int = 5_000) -> list[DirtyMembers]:
    """Take the oldest rows about changed members, as `dirty_take` does."""
    return [
        DirtyMembers(*row)
        for row in _take(
            "DELETE FROM meters_dirty_node WHERE id = ANY(ARRAY("
            " SELECT id FROM meters_dirty_node ORDER BY id FOR UPDATE SKIP LOCKED LIMIT %s))"
            " RETURNING company_id, node_id, first, last",
            [limit],
        )
    ]


def dirty_members_leave(rows: Sequence[DirtyMembers]) -> None:
    """Put back what is not done yet."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO meters_dirty_node (company_id, node_id, first, last)"
            " VALUES (%s, %s, %s, %s)",
            sorted(set(rows), key=str),
        )


def dirty_months_mark(rows: Sequence[DirtyMonths]) -> None:
    """Have month totals follow."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO meters_dirty_month (month, channels, nodes) VALUES (%s, %s, %s)", rows
        )


def dirty_months_take() -> DirtyMonths | None:
    """Take all rows of the newest month as one, as `dirty_take` does; None when there are none."""
    rows = _take(
        "DELETE FROM meters_dirty_month WHERE id = ANY(ARRAY(SELECT id FROM meters_dirty_month"
        " WHERE month = (SELECT max(month) FROM meters_dirty_month) FOR UPDATE SKIP LOCKED))"
        " RETURNING month, channels, nodes",
        [],
    )
    if not rows:
        return None
    channels = {channel for row in rows for channel in row[1]}
    nodes = {node for row in rows for node in row[2]}
    return DirtyMonths(rows[0][0], sorted(channels), sorted(nodes))


def _take(statement: str, parameters: list[int]) -> list[tuple[Any, ...]]:
    if not connection.in_atomic_block:
        raise RuntimeError("dirty rows are taken inside the transaction that rolls them up")
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
