"""Other writers, killed connections and a database that answers with errors."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from ingestion.loader import (
    ArchiveUnavailable,
    LoadBatch,
    Loader,
    LoadResult,
    Refusal,
    load,
    loading,
)
from ingestion.loader import archive as archive_module
from ingestion.loader.failures import is_bad_data, is_race
from ingestion.models import RawFrame
from meters import wire
from meters.partitions import BLOCKS, existing, partitions_ensure
from tests.ingestion import archive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

H = 3600


@pytest.fixture
def real(transactional_db: None) -> Iterator[None]:
    """Commits are real; the archive is left empty."""
    yield
    archive.clean()


def _start() -> int:
    return archive.day_of(str(timezone.now().date() - timedelta(days=3)))


def _elsewhere(work: Callable[[], Any]) -> None:
    """Run on a connection of its own, to the end."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]


def test_many_writers_of_the_same_blocks_lose_nothing(real: None) -> None:
    ids, start = archive.channels(count=3), _start()
    rows = [(c, start + h * H, 60, c % 7 * 100 + h, 8 * (h % 2)) for c in ids for h in range(60)]
    load(archive.batch(rows))
    expected = archive.dump()
    archive.clean()
    failures: list[BaseException] = []

    def write(seed: int) -> None:
        random = np.random.default_rng(seed)
        loader = Loader()
        try:
            for part in np.array_split(random.permutation(len(rows)), 12):
                loader.load(archive.batch([rows[n] for n in part]))
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == [] and archive.dump() == expected and archive.revisions() == []


def _meanwhile(monkeypatch: pytest.MonkeyPatch, work: Callable[[], Any]) -> list[int]:
    """Do `work` on another connection after the loader's first look at the archive."""
    calls: list[int] = []
    fetch = archive_module._fetch

    def fetch_then_lose(*arguments: Any) -> Any:
        found = fetch(*arguments)
        calls.append(1)
        if len(calls) == 1:
            _elsewhere(work)
        return found

    monkeypatch.setattr(archive_module, "_fetch", fetch_then_lose)
    return calls


@pytest.mark.parametrize("existed", [False, True])
def test_a_block_that_changes_meanwhile_is_merged_anew(
    real: None, monkeypatch: pytest.MonkeyPatch, existed: bool
) -> None:
    (channel,), start = archive.channels(), _start()
    if existed:
        load(archive.batch([(channel, start, 60, 1)]))
    other = archive.batch([(channel, start + H, 60, 2), (channel, start + 2 * H, 60, 9)])
    calls = _meanwhile(monkeypatch, lambda: load(other))
    own = archive.batch([(channel, start, 60, 1), (channel, start + 2 * H, 60, 3)])
    result = load(LoadBatch(readings=own.readings, frames=archive.frames(1)))
    [(_, total, values, _)] = archive.blocks().values()
    assert values[:4] == [1, 2, 3, None] and total == 6
    assert [row[2][:3] for row in archive.revisions()] == [[1 if existed else None, 2, 9]]
    assert len(calls) > 2 and RawFrame.objects.count() == 1
    assert result.revisions == 1


def _terminate(pid: int) -> None:
    def work() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

    _elsewhere(work)


class _Fuse(psycopg.Cursor[Any]):
    """A cursor whose connection is killed before one of its statements."""

    left = 0

    def execute(self, *arguments: Any, **options: Any) -> Any:
        self._burn()
        return super().execute(*arguments, **options)

    def copy(self, *arguments: Any, **options: Any) -> Any:
        self._burn()
        return super().copy(*arguments, **options)

    def _burn(self) -> None:
        type(self).left -= 1
        if type(self).left == 0:
            _terminate(self.connection.info.backend_pid)


def _whole_batch(channel: int, other: int, start: int) -> LoadBatch:
    """New blocks, a changed one, one that fills up, registers old and new, frames."""
    rows = [(channel, start + h * H, 60, 50 + h, 0, h % 3) for h in range(30)]
    rows += [(other, start + h * H, 60, h, 0, 2) for h in range(24)]
    return LoadBatch(
        readings=archive.readings(rows),
        registers=archive.registers([(channel, start, 8), (other, start, 9)]),
        frames=archive.frames(3),
    )


def test_killed_before_any_statement_nothing_is_half_done(
    real: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    (channel, other), start = archive.channels(count=2), _start()
    seed = LoadBatch(
        readings=archive.readings([(channel, start, 60, 1), (channel, start + 40 * H, 60, 1)]),
        registers=archive.registers([(channel, start, 7)]),
    )
    monkeypatch.setattr(wire.psycopg, "Cursor", _Fuse)
    load(seed)
    before, frames, statement, killed = archive.dump(), RawFrame.objects.count(), 0, 0
    while True:
        statement += 1
        _Fuse.left = statement
        try:
            load(_whole_batch(channel, other, start))
        except ArchiveUnavailable as error:
            assert not error.permanent
            assert archive.dump() == before and RawFrame.objects.count() == frames
            assert archive.revisions() == []
            killed += 1
            continue
        break
    assert killed == statement - 1 and killed >= 12
    assert RawFrame.objects.count() == frames + 3 and len(archive.revisions()) == 1
    after = archive.dump()
    _Fuse.left = 0
    load(_whole_batch(channel, other, start))
    assert archive.dump() == after != before


def test_a_commit_with_a_warning_is_no_commit(real: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The warning that a cancelled wait for a standby leaves is raised here by hand."""
    (channel,), start = archive.channels(), _start()
    store = loading.store_frames

    def store_with_warning(run: Any, *arguments: Any) -> None:
        store(run, *arguments)
        run.execute("DO $$ BEGIN RAISE WARNING 'canceling wait for replication'; END $$")

    with monkeypatch.context() as patched:
        patched.setattr(loading, "store_frames", store_with_warning)
        with pytest.raises(ArchiveUnavailable, match="canceling wait"):
            load(archive.batch([(channel, start, 60, 1)]))
    assert load(archive.batch([(channel, start, 60, 1)])).repeated == 1


def test_what_is_committed_is_on_disk(real: None, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    store = loading.store_frames

    def store_and_look(run: Any, *arguments: Any) -> None:
        store(run, *arguments)
        seen.extend(run.execute("SHOW synchronous_commit").fetchone())

    monkeypatch.setattr(loading, "store_frames", store_and_look)
    for setting in ("off", "local", "on", "remote_apply"):
        with connection.cursor() as cursor:
            cursor.execute(f"SET synchronous_commit = {setting}")
        load(LoadBatch(frames=archive.frames(1)))
    with connection.cursor() as cursor:
        cursor.execute("RESET synchronous_commit")
    assert seen == ["on", "on", "on", "remote_apply"]


@pytest.mark.django_db
def test_races_that_never_end_are_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    def deadlock(*_arguments: Any, **_options: Any) -> LoadResult:
        raise psycopg.errors.DeadlockDetected("deadlock detected")

    monkeypatch.setattr(Loader, "_store", deadlock)
    with pytest.raises(ArchiveUnavailable, match="again and again"):
        load(LoadBatch())


@pytest.mark.django_db
def test_a_partition_dropped_meanwhile_refuses_its_values() -> None:
    loader, (channel,) = Loader(), archive.channels()
    partitions_ensure(BLOCKS, first=date(2015, 6, 1), last=date(2015, 6, 1))
    start = archive.day_of("2015-06-10")
    assert loader.load(archive.batch([(channel, start, 60, 1)])).stored == 1
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE meters_interval_block_201506")
    recent = (channel, _start(), 60, 5)
    result = loader.load(archive.batch([(channel, start + H, 60, 1), recent]))
    assert result.refused.tolist() == [Refusal.NO_PARTITION, 0] and result.stored == 1


@pytest.mark.django_db
def test_no_device_makes_a_partition() -> None:
    (channel,), before = archive.channels(), existing(BLOCKS)
    far = [archive.day_of(day) for day in ("1970-01-01", "2002-02-02", "2044-05-05", "2099-01-01")]
    result = load(archive.batch((channel, at, 60, 1) for at in far))
    assert existing(BLOCKS) == before and result.refused.all()


def _error(state: str) -> psycopg.Error:
    return psycopg.errors.lookup(state)("probe")


@pytest.mark.parametrize(
    ("state", "race", "bad"),
    [
        ("22003", False, True),  # a number out of range
        ("22021", False, True),  # a NUL in a text
        ("23502", False, True),  # a NULL where none may be
        ("23505", True, False),  # somebody else made the block
        ("40001", True, False),
        ("40P01", True, False),  # deadlock
        ("42P01", True, False),  # the partition is gone
        ("08006", False, False),  # the connection broke
        ("53100", False, False),  # disk full
        ("53300", False, False),  # too many connections
        ("55P03", False, False),  # lock not available
        ("57014", False, False),  # cancelled, perhaps by a time limit
        ("57P01", False, False),  # the server stops
        ("25006", False, False),  # read-only after a fail-over
        ("42501", False, False),  # no permission: nobody's value is to blame
        ("XX001", False, False),  # a corrupted page
    ],
)
def test_bad_data_is_told_from_an_outage(state: str, race: bool, bad: bool) -> None:
    error = _error(state)
    assert (is_race(error), is_bad_data(error)) == (race, bad)
