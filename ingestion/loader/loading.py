"""The one way into the archive: a batch, one transaction."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from django.db import connection, transaction

from ingestion.models.frames import FRAMES
from meters.blocks import distinct
from meters.partitions import BLOCKS, REGISTERS
from meters.signals import readings_loaded
from meters.wire import bigints, cursor

from .archive import ArchiveChange, Origin, store_readings
from .batch import Frames, LoadBatch, LoadResult
from .calendar import DAY, ChannelCalendar
from .errors import ArchiveUnavailable, Raced
from .failures import BadData, translated
from .frames import frame_ids, outcomes, steps_for, store_frames
from .isolation import Work, store_isolating, store_together
from .placing import Windows, place, place_registers

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg
    from numpy.typing import NDArray

    Cursor = psycopg.Cursor[tuple[Any, ...]]

__all__ = ["Loader", "load"]

logger = logging.getLogger(__name__)

# Each time a batch is loaded anew another process has finished with blocks it wanted, so the
# limit is only met when something else is wrong.
_ATTEMPTS = 25
_DAY_MICROSECONDS = DAY * 1_000_000
# What is acknowledged must be on disk, whatever the server's default is. Joins go from the batch
# to the archive, row by row in order: writers that meet do not wait for each other in circles.
_BEGIN = """
SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit')
        WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, true),
    set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
    set_config('jit', 'off', true),
    ARRAY(SELECT nextval('ingestion_raw_frame_id_seq') FROM generate_series(1, %s))
"""
_MARK_DIRTY = "INSERT INTO meters_dirty_day (day, channels) VALUES (%s, %s)"


class Loader:
    """Loads batches; keeps what it learned of channels and partitions between them."""

    def __init__(self, calendar: ChannelCalendar | None = None) -> None:
        self.calendar = calendar or ChannelCalendar()
        self._blocks = Windows(BLOCKS)
        self._registers = Windows(REGISTERS)
        self._frames = Windows(FRAMES)
        # What came last was new; so will be what comes next, until the database says otherwise.
        self._presume_new = True

    def load(self, batch: LoadBatch) -> LoadResult:
        """Store everything of the batch that can be stored, in one transaction, and commit it.

        Rows that can't be stored are refused in the result, with their frames; the others are
        stored all the same. Not to be called inside a transaction. Loading the same batch again
        changes nothing in the archive. Raises ArchiveUnavailable when nothing was stored (or when
        nobody can say whether it was) and the whole batch has to come again later.
        """
        result = self._load(batch)
        if len(result.channels):
            _announce(result)
        return result

    def _load(self, batch: LoadBatch) -> LoadResult:
        isolating = False
        for _attempt in range(_ATTEMPTS):
            try:
                with translated(), _confirmed_commit():
                    work = self._prepare(batch, presume_new=self._presume_new and not isolating)
                    with transaction.atomic(durable=True):
                        result = self._store(batch, work, isolating=isolating)
                    self._presume_new = not (work.met or isolating)
                    return result
            except Raced:
                self._presume_new = False
                self._forget()
            except BadData:
                # Found while storing all together: now each frame on its own, where need be.
                isolating = True
        raise ArchiveUnavailable("other processes changed the same blocks again and again")

    def _prepare(self, batch: LoadBatch, *, presume_new: bool) -> Work:
        placed, refused, missing = place(batch.readings, self.calendar, self._blocks)
        refused_registers = place_registers(batch.registers, self.calendar, self._registers)
        received = self._frames.refuse(batch.frames.received_at // _DAY_MICROSECONDS)
        if bool(received.any()):
            raise ArchiveUnavailable(
                "frames have a time of receipt for which no partition is kept: is the clock right?"
            )
        return Work(
            placed,
            batch.registers,
            np.flatnonzero(refused_registers == 0),
            LoadResult(refused=refused, refused_registers=refused_registers, missing=missing),
            presume_new,
        )

    def _store(self, batch: LoadBatch, work: Work, *, isolating: bool) -> LoadResult:
        result = work.result
        with cursor() as run:
            ids = _begin(run, batch.frames)
            readings = Origin(
                _ids_of(ids, batch.readings.frame), batch.user_id, batch.note, batch.precedence
            )
            registers = readings._replace(frame_id=_ids_of(ids, batch.registers.frame))
            if isolating:
                changes = store_isolating(run, batch, work, readings, registers)
            else:
                changes = [store_together(run, work, readings, registers)]
            changes += self._store_rest(run, batch, changes)
            _sum_up(result, changes)
            _mark_dirty(run, changes)
            store_frames(run, batch.frames, ids, *outcomes(batch, result))
            if batch.beside is not None:
                batch.beside(ids)
        result.frame_ids = ids
        return result

    def _store_rest(
        self, run: Cursor, batch: LoadBatch, changes: list[ArchiveChange]
    ) -> list[ArchiveChange]:
        """What the values just stored leave for the intervals around them."""
        channels = [row for change in changes for row in change.told_channels]
        if batch.rest is None or not channels:
            return []
        days = [row for change in changes for row in change.told_days]
        made = batch.rest(np.concatenate(channels), np.concatenate(days))
        placed, refused, _missing = place(made, self.calendar, self._blocks)
        nobody = np.full(len(made), -1, np.int64)
        return [store_readings(run, placed, Origin(nobody, batch.user_id, batch.note), refused)]

    def _forget(self) -> None:
        for windows in (self._blocks, self._registers, self._frames):
            windows.forget()


def _begin(run: Cursor, frames: Frames) -> NDArray[np.int64]:
    """Settings of the transaction; returns the ids of its frames."""
    count = len(frames) if frames.id is None else 0
    row = run.execute(_BEGIN, (steps_for(count),)).fetchone()
    assert row is not None
    return frame_ids(row[-1], count) if frames.id is None else frames.id


def _ids_of(ids: Any, frame: Any) -> Any:
    """Id of the frame of each row, −1 for none."""
    return np.append(ids, -1)[frame]


def _sum_up(result: LoadResult, changes: list[ArchiveChange]) -> None:
    for change in changes:
        for name in ("stored", "repeated", "new_blocks", "changed_blocks", "revisions"):
            setattr(result, name, getattr(result, name) + getattr(change, name))
    days = np.concatenate([np.zeros(0, np.int64), *(row for one in changes for row in one.days)])
    if not len(days):
        return
    channels = np.concatenate([row for one in changes for row in one.channels])
    result.channels = distinct(np.sort(channels))
    result.first_day, result.last_day = _date(int(days.min())), _date(int(days.max()))


def _mark_dirty(run: Cursor, changes: list[ArchiveChange]) -> None:
    """A row a day, with the channels whose blocks of that day changed."""
    days = [row for change in changes for row in change.days]
    if not days:
        return
    day = np.concatenate(days)
    channel = np.concatenate([row for change in changes for row in change.channels])
    order = np.lexsort((channel, day))
    day, channel = day[order], channel[order]
    ends = np.flatnonzero(np.diff(day, append=-1)) + 1
    for part, end in zip(np.split(channel, ends), ends, strict=False):
        run.execute(_MARK_DIRTY, (_date(int(day[end - 1])), bigints(distinct(part))))


def _date(number: int) -> date:
    return date(1970, 1, 1) + timedelta(days=number)


def _announce(result: LoadResult) -> None:
    answers = readings_loaded.send_robust(
        Loader, channels=result.channels, first_day=result.first_day, last_day=result.last_day
    )
    for receiver, answer in answers:
        if isinstance(answer, Exception):
            logger.error("%r failed after readings were loaded", receiver, exc_info=answer)


@contextmanager
def _confirmed_commit() -> Iterator[None]:
    """Fail when a commit only seems to have worked.

    A commit that waits for a standby and is cancelled answers with success and a warning, and what
    it wrote is gone after a fail-over. So a warning means: not acknowledged.
    """
    warnings: list[str] = []

    def notice(diagnostic: psycopg.errors.Diagnostic) -> None:
        if diagnostic.severity_nonlocalized == "WARNING":
            warnings.append(diagnostic.message_primary or "")

    connection.ensure_connection()
    raw: Any = connection.connection
    raw.add_notice_handler(notice)
    try:
        yield
    finally:
        raw.remove_notice_handler(notice)
    if warnings:
        raise ArchiveUnavailable(f"the database committed with a warning: {warnings[0]}")


_LOADER = Loader()


def load(batch: LoadBatch) -> LoadResult:
    """`Loader.load` of a loader that all callers in this process share."""
    return _LOADER.load(batch)
