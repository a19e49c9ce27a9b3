"""The roll-up itself: takes what is dirty, sums it anew from the blocks, writes what changed.

One runs at a time, a transaction for a few days; whatever it does not finish stays dirty. Sums
depend on nothing but the archive, the trees and what hangs on them, so it may run as often as one
likes and in any order.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from django.db import connection, transaction
from django.utils import timezone
from numpy.typing import NDArray

from config.lib.locks import lock
from meters.partitions import NODE_BLOCKS, month_start, partitions_ensure
from meters.wire import cursor

from .dirty import DirtyMonths, dirty_members_take, dirty_months_mark, dirty_take
from .layout import Layout, LocalDay
from .trees import day_sums
from .work import DayWork, Work
from .writing import node_blocks_write

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

    Cursor = psycopg.Cursor[tuple[Any, ...]]

__all__ = ["RolledUp", "days_roll_up", "roll_up", "roll_up_all"]

Ints = NDArray[np.int64]

_LOCK = "meters roll-up"
# Days in one transaction: they share what is read about trees and channels.
_DAYS = 8
_TRY = "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))"
_DIRTY = (
    "SELECT EXISTS (SELECT 1 FROM meters_dirty_day) OR EXISTS (SELECT 1 FROM meters_dirty_node)"
)
_WITH_BLOCKS = """
SELECT d::date FROM generate_series(%s::date, %s::date, interval '1 day') d
WHERE EXISTS (SELECT 1 FROM meters_rolled_day r WHERE r.company_id = %s AND r.day = d::date)
    OR EXISTS (SELECT 1 FROM meters_interval_block b JOIN meters_channel c ON c.id = b.channel_id
        WHERE b.day = d::date AND c.company_id = %s)
ORDER BY d DESC
"""


class RolledUp(NamedTuple):
    """days: company days that were summed; nodes: rows' nodes that changed, counted once a day;
    more: something is still dirty.
    """

    days: int = 0
    nodes: int = 0
    more: bool = False


@transaction.atomic
def roll_up(*, now: datetime | None = None, wait: bool = True) -> RolledUp | None:
    """Bring the newest dirty days up to date; None when another one runs and `wait` is false.

    now: the instant that decides which days have begun.
    """
    if not _locked(wait=wait):
        return None
    work = Work()
    with cursor() as run:
        work.add_blocks(run, dirty_take(days=_DAYS))
        work.add_members(dirty_members_take(), days=_DAYS)
        work.add_unopened(now or timezone.now(), days=_DAYS)
        work.open_days()
        done = _do(run, work)
    return done._replace(more=_is_dirty())


def roll_up_all(*, now: datetime | None = None) -> RolledUp:
    """Until nothing is dirty any more."""
    done = RolledUp(more=True)
    while done.more:
        step = roll_up(now=now)
        assert step is not None
        done = RolledUp(done.days + step.days, done.nodes + step.nodes, step.more)
    return done


def days_roll_up(*, company_id: int, first: date, last: date) -> RolledUp:
    """Sum all days of the company that have data, from `first` to `last`, from the blocks anew."""
    with connection.cursor() as plain:
        plain.execute(_WITH_BLOCKS, [first, last, company_id, company_id])
        days = [day for (day,) in plain.fetchall()]
        plain.execute("SELECT id FROM meters_channel WHERE company_id = %s", [company_id])
        channels = np.array([pk for (pk,) in plain.fetchall()], np.int64)
    done = RolledUp()
    for start in range(0, len(days), _DAYS):
        part = _again(company_id, days[start : start + _DAYS], channels)
        done = RolledUp(done.days + part.days, done.nodes + part.nodes)
    return done


@transaction.atomic
def _again(company: int, days: Sequence[date], channels: Ints) -> RolledUp:
    _locked(wait=True)
    work = Work()
    for day in days:
        work.day(company, day).add(None, None, channels)
    with cursor() as run:
        return _do(run, work)


def _locked(*, wait: bool) -> bool:
    if wait:
        lock(_LOCK)
        return True
    with connection.cursor() as plain:
        plain.execute(_TRY, [_LOCK])
        return bool(plain.fetchone()[0])


def _is_dirty() -> bool:
    with connection.cursor() as plain:
        plain.execute(_DIRTY)
        return bool(plain.fetchone()[0])


def _do(run: Cursor, work: Work) -> RolledUp:
    days = nodes = 0
    for company, of_company in work.companies.items():
        marks: list[tuple[date, Ints, Ints]] = []
        for day, changed in _company(run, company, of_company):
            marks.append((month_start(day), of_company[day].channels, changed))
            nodes += len(changed)
        _mark_months(marks)
        _remember(company, [day for day, one in of_company.items() if one.nodes is None])
        days += len(of_company)
    return RolledUp(days, nodes)


def _company(run: Cursor, company: int, days: dict[date, DayWork]) -> list[tuple[date, Ints]]:
    """Sum days of one company; returns each with the nodes that changed."""
    partitions_ensure(NODE_BLOCKS, first=min(days), last=max(days))
    span = (min(days), max(days))
    layout = Layout.read(run, company, days=span, nodes=_nodes(days.values()))
    done = []
    for day in sorted(days, reverse=True):
        todo, local = days[day], LocalDay.of(day, layout.zone)
        chosen = layout.inside.copy()
        ids = layout.node
        if todo.nodes is not None:
            chosen &= layout.with_ancestors(todo.nodes)
            # A node that is gone has rows to be removed.
            ids = np.union1d(layout.node[chosen], todo.nodes)
        sums = day_sums(run, layout, local, chosen, todo.keys)
        done.append((day, node_blocks_write(run, local, ids, todo.keys, sums)))
    return done


def _nodes(days: Any) -> Ints | None:
    """Nodes of all days, None as soon as one needs everything."""
    each = [day.nodes for day in days]
    if any(nodes is None for nodes in each):
        return None
    return np.unique(np.concatenate(each))


def _mark_months(marks: list[tuple[date, Ints, Ints]]) -> None:
    rows = []
    for month in {mark[0] for mark in marks}:
        of_month = [mark for mark in marks if mark[0] == month]
        channels = np.unique(np.concatenate([mark[1] for mark in of_month])).tolist()
        nodes = np.unique(np.concatenate([mark[2] for mark in of_month])).tolist()
        if channels or nodes:
            rows.append(DirtyMonths(month, channels, nodes))
    dirty_months_mark(rows)


def _remember(company: int, days: list[date]) -> None:
    with connection.cursor() as plain:
        plain.execute(
            "INSERT INTO meters_rolled_day (company_id, day)"
            " SELECT %s, unnest(%s::date[]) ON CONFLICT DO NOTHING",
            [company, days],
        )
