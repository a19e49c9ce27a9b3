"""Several at once, and ends in the middle: nothing is lost, nothing is counted twice."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from django.db import OperationalError, connection, transaction

from meters.models import DirtyDay, NodeBlock
from meters.rollups import running
from meters.rollups.months import months_catch_up
from meters.rollups.running import roll_up, roll_up_all
from meters.tasks import nodes_roll_up
from tests.meters.rollups.town import Town, clean, naive, naive_months, stored, stored_months

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DAY = date(2026, 11, 10)
NOW = datetime(2026, 11, 12, 12, tzinfo=UTC)


@pytest.fixture
def town(transactional_db: None) -> Iterator[Town]:
    """Committed: three streets of a city with two channels each."""
    clean()
    town = Town.build()
    city, source = town.place(), town.main()
    for _number in range(3):
        street, main = town.place(city), town.main(source)
        for _channel in range(2):
            town.measured(street, main)
    yield town
    clean()


def _fill(town: Town, day: date, hourly: int) -> None:
    for channel in town.channels:
        town.block(channel, day, [hourly] * 24)


def _in_threads(*works: Callable[[], Any]) -> None:
    failures: list[BaseException] = []

    def run(work: Callable[[], Any]) -> None:
        try:
            work()
        except BaseException as failure:
            failures.append(failure)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_several_roll_ups_while_values_keep_coming(town: Town) -> None:
    def arrive() -> None:
        for number in range(12):
            _fill(town, DAY + timedelta(days=number % 3), number)

    def roll() -> None:
        for _round in range(6):
            roll_up_all(now=NOW)
            months_catch_up()

    _in_threads(arrive, roll, roll)
    roll_up_all(now=NOW)
    months_catch_up()
    assert stored(town.company) == naive(town.company)
    assert stored_months(town.company) == naive_months(town.company)


def test_one_that_does_not_wait_leaves_it_to_the_other(town: Town) -> None:
    _fill(town, DAY, 1)
    found: list[Any] = []
    with transaction.atomic():
        assert roll_up(now=NOW) is not None
        _in_threads(lambda: found.append(roll_up(now=NOW, wait=False)))
    assert found == [None]


def test_a_connection_that_breaks_in_the_middle_leaves_everything_to_do(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fill(town, DAY, 1)
    _fill(town, DAY + timedelta(days=1), 2)
    write, written = running.node_blocks_write, []

    def breaks(run: Any, day: Any, *rest: Any) -> Any:
        written.append(write(run, day, *rest))
        if len(written) == 2:
            run.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return written[-1]

    dirty = DirtyDay.objects.count()
    with monkeypatch.context() as patched:
        patched.setattr(running, "node_blocks_write", breaks)
        with pytest.raises((OperationalError, psycopg.OperationalError)):
            roll_up(now=NOW)
    connection.close()
    assert len(written) == 2
    assert NodeBlock.objects.count() == 0
    assert DirtyDay.objects.count() == dirty
    roll_up_all(now=NOW)
    assert stored(town.company) == naive(town.company)
    assert DirtyDay.objects.count() == 0


def test_the_task_does_it_all(town: Town) -> None:
    _fill(town, DAY, 3)
    nodes_roll_up()
    nodes_roll_up()
    assert stored(town.company) == naive(town.company)
    # Months wait for what else may come.
    assert stored_months(town.company) == {}
    with connection.cursor() as cursor:
        cursor.execute("UPDATE meters_dirty_month SET marked_at = now() - interval '1 minute'")
    nodes_roll_up()
    assert stored_months(town.company) == naive_months(town.company)
