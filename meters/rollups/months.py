"""Month totals, made anew from days: exact, and the same however often.

Of channels from their blocks, of nodes from their days.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection, transaction

from config.lib.locks import lock
from meters.partitions import month_add

from .dirty import dirty_months_take

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

__all__ = ["months_catch_up", "months_refresh", "node_months_refresh"]

# The blocks of a month are one partition, looked up by (day, channel). `expected` is counted once
# for each time zone and interval: the last slot of a day may be cut short by a clock change, and a
# daily value is one slot however long its day is.
_REFRESH = """
WITH days AS (
    SELECT d::date AS day FROM generate_series(%(first)s::date, %(next)s::date - 1, '1 day') d
), owners AS (
    SELECT c.id AS channel_id, o.time_zone, c.interval_minutes
    FROM meters_channel c JOIN accounts_company o ON o.id = c.company_id
    WHERE c.id = ANY(%(channels)s)
), shapes AS (
    SELECT time_zone, interval_minutes, sum(
        CASE WHEN interval_minutes = 1440 THEN 1 ELSE ceil(extract(epoch FROM
            (day + 1)::timestamp AT TIME ZONE time_zone - day::timestamp AT TIME ZONE time_zone
        ) / 60 / interval_minutes) END) AS expected
    FROM (SELECT DISTINCT time_zone, interval_minutes FROM owners) shape CROSS JOIN days
    GROUP BY time_zone, interval_minutes
), sums AS (
    SELECT b.channel_id, sum(b.total) AS total,
        sum(coalesce(cardinality(array_remove(b.small, NULL)),
            cardinality(array_remove(b."values", NULL)),
            cardinality(array_remove(b.wide, NULL)))) AS received,
        sum(CASE WHEN b.quality IS NULL THEN 0 ELSE (
            SELECT count(*) FROM generate_series(0, length(b.quality) - 1) slot
            WHERE get_byte(b.quality, slot) & 7 = 3) END) AS estimated
    FROM meters_interval_block b
    WHERE b.day = ANY(ARRAY(SELECT day FROM days))
        AND b.day >= %(first)s AND b.day < %(next)s
        AND b.channel_id = ANY(%(channels)s)
    GROUP BY b.channel_id
)
INSERT INTO meters_month_total AS t (channel_id, month, total, received, estimated, expected)
SELECT channel_id, %(first)s, coalesce(total, 0), coalesce(received, 0), coalesce(estimated, 0),
    expected
FROM owners JOIN shapes USING (time_zone, interval_minutes) LEFT JOIN sums USING (channel_id)
ORDER BY channel_id
ON CONFLICT (month, channel_id) DO UPDATE SET total = excluded.total,
    received = excluded.received, estimated = excluded.estimated, expected = excluded.expected
WHERE (t.total, t.received, t.estimated, t.expected)
    IS DISTINCT FROM (excluded.total, excluded.received, excluded.estimated, excluded.expected)
"""


@transaction.atomic
def months_refresh(*, month: date, channels: Sequence[int]) -> int:
    """Bring the totals of a calendar month up to its blocks; returns how many rows changed.

    month: its first day; channels: ids, those that do not exist are passed over.
    """
    # One at a time: a sum over older blocks must not be written after one over newer blocks.
    lock(f"month totals {month}")
    with connection.cursor() as cursor:
        cursor.execute(
            _REFRESH,
            {"first": month, "next": month_add(month, 1), "channels": sorted(set(channels))},
        )
        return int(cursor.rowcount)


# One look-up a node and day; all days of the month are in one partition.
_REFRESH_NODES = """
WITH days AS (
    SELECT d::date AS day FROM generate_series(%(first)s::date, %(next)s::date - 1, '1 day') d
), sums AS (
    SELECT b.node_id, b.reading_type_id, b.flow, sum(b.total) AS total,
        sum(b.expected) AS expected, sum(b.received) AS received, sum(b.estimated) AS estimated
    FROM meters_node_block b
    WHERE b.day = ANY(ARRAY(SELECT day FROM days)) AND b.day >= %(first)s AND b.day < %(next)s
        AND b.node_id = ANY(%(nodes)s)
    GROUP BY b.node_id, b.reading_type_id, b.flow
), gone AS (
    DELETE FROM meters_node_month t WHERE t.month = %(first)s AND t.node_id = ANY(%(nodes)s)
        AND NOT EXISTS (SELECT 1 FROM sums s WHERE (s.node_id, s.reading_type_id, s.flow)
            = (t.node_id, t.reading_type_id, t.flow))
)
INSERT INTO meters_node_month AS t
    (month, node_id, reading_type_id, flow, total, expected, received, estimated)
SELECT %(first)s, node_id, reading_type_id, flow, total, expected, received, estimated
FROM sums ORDER BY node_id
ON CONFLICT (month, node_id, reading_type_id, flow) DO UPDATE SET total = excluded.total,
    expected = excluded.expected, received = excluded.received, estimated = excluded.estimated
WHERE (t.total, t.expected, t.received, t.estimated)
    IS DISTINCT FROM (excluded.total, excluded.expected, excluded.received, excluded.estimated)
"""
_DUE = """
SELECT EXISTS (SELECT 1 FROM meters_dirty_month
    WHERE marked_at <= now() - %s * interval '1 second')
"""


@transaction.atomic
def node_months_refresh(*, month: date, nodes: Sequence[int]) -> int:
    """Bring the totals of a calendar month up to the days of the nodes; returns rows written."""
    lock(f"month totals {month}")
    with connection.cursor() as cursor:
        cursor.execute(
            _REFRESH_NODES,
            {"first": month, "next": month_add(month, 1), "nodes": sorted(set(nodes))},
        )
        return int(cursor.rowcount)


def months_catch_up(*, waited: int = 0) -> int:
    """Bring months up to their days where something has been dirty for `waited` seconds; returns
    how many months that were. Waiting gathers what belongs together.
    """
    count = 0
    while _is_due(waited) and _month_catch_up():
        count += 1
    return count


@transaction.atomic
def _month_catch_up() -> bool:
    dirty = dirty_months_take()
    if dirty is None:
        return False
    months_refresh(month=dirty.month, channels=dirty.channels)
    node_months_refresh(month=dirty.month, nodes=dirty.nodes)
    return True


def _is_due(waited: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_DUE, [waited])
        return bool(cursor.fetchone()[0])
