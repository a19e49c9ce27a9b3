"""Storing the values of a batch: all together, or, after a refusal, without the ones that spoil it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import psycopg
from django.db import transaction

from .archive import ArchiveChange, Origin, store_readings
from .batch import LoadBatch, LoadResult, Refusal, Registers
from .failures import is_bad_data
from .placing import Placed
from .registers import store_registers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Cursor = psycopg.Cursor[tuple[Any, ...]]

__all__ = ["Work", "store_isolating", "store_together"]


@dataclass(slots=True)
class Work:
    """What is to be stored: placed readings, good rows of the registers; and the result so far.

    presume_new: see `store_registers`; met: register readings that stood in the archive before.
    """

    placed: Placed
    registers: Registers
    register_rows: Ints
    result: LoadResult
    presume_new: bool = False
    met: int = 0


def store_together(run: Cursor, work: Work, readings: Origin, registers: Origin) -> ArchiveChange:
    """Store all of it; an error of the database is the caller's."""
    change = store_readings(run, work.placed, readings, work.result.refused)
    rows = work.register_rows
    registered = store_registers(
        run,
        work.registers.take(rows),
        registers._replace(frame_id=registers.frame_id[rows]),
        presume_new=work.presume_new,
    )
    work.result.registers_stored += registered.stored
    work.met += registered.met
    return change


def store_isolating(
    run: Cursor, batch: LoadBatch, work: Work, readings: Origin, registers: Origin
) -> list[ArchiveChange]:
    """Store what can be stored: halve the frames until those that spoil the rest stand alone."""
    units = _Units(batch, work)
    changes: list[ArchiveChange] = []
    waiting = [units.all()]
    while waiting:
        chosen = waiting.pop()
        part = units.part(work, chosen)
        stored_before = work.result.registers_stored
        try:
            with transaction.atomic():
                changes.append(store_together(run, part, readings, registers))
        except psycopg.Error as error:
            if not is_bad_data(error):
                raise
            work.result.registers_stored = stored_before
            if len(chosen) == 1:
                _refuse(work, units, part, int(chosen[0]), error)
            else:
                # The first half is taken next: order of receipt.
                middle = len(chosen) // 2
                waiting += [chosen[middle:], chosen[:middle]]
    return changes


class _Units:
    """What is refused as a whole: a frame, or a row that came without one.

    Frames have their index as number, rows without a frame follow behind.
    """

    def __init__(self, batch: LoadBatch, work: Work) -> None:
        self.frames = len(batch.frames)
        first = work.placed.first
        frame = batch.readings.frame[first]
        self.reading = np.where(frame >= 0, frame, self.frames + first)
        frame = batch.registers.frame[work.register_rows]
        after = self.frames + len(batch.readings)
        self.register = np.where(frame >= 0, frame, after + work.register_rows)

    def all(self) -> Ints:
        return np.unique(np.concatenate([self.reading, self.register])).astype(np.int64)

    def part(self, work: Work, chosen: Ints) -> Work:
        """The work of these units; its result is the one of the whole."""
        readings = np.isin(self.reading, chosen)
        registers = np.isin(self.register, chosen)
        return Work(
            work.placed.take(readings), work.registers, work.register_rows[registers], work.result
        )


def _refuse(work: Work, units: _Units, part: Work, unit: int, error: psycopg.Error) -> None:
    result = work.result
    result.refused[part.placed.rows] = Refusal.DATABASE
    result.refused_registers[part.register_rows] = Refusal.DATABASE
    if unit < units.frames:
        result.details[unit] = error.diag.message_primary or str(error)
