"""Rules of `series` in columns: lists of messages of one shape."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ingestion.codecs.binary.shapes import Varies
from meters.definition.durations import seconds_of

from .exact import as_number
from .lane_rules import CONFIG, Measuring
from .lane_view import LIMIT, Line, archived, cell_of, is_absent, moment_of, reckoned
from .moments import floored

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ingestion.codecs.binary.shapes import Cell, Shape
    from meters.definition.model import Definition, Series

    from .lane_rules import Kept
    from .lane_view import Moment, View
    from .scope import Scope

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

__all__ = ["Lists", "SeriesLane"]

_EARLIEST = int(datetime(1971, 1, 1, tzinfo=UTC).timestamp())
_LATEST = int(datetime(8_999, 12, 31, tzinfo=UTC).timestamp())
_LONGEST_STEP = 366 * 86_400


class Lists(NamedTuple):
    """Values at even steps, a row a message. base: where `based`."""

    row: Ints
    base_time: Ints
    base: Ints
    based: Bools
    value: Ints
    missing: Bools
    step: int
    kind: str
    port: int | None
    register: str
    reading_type: str
    quality: str


class SeriesLane(Measuring):
    """One rule of `series`."""

    rule: Series

    def __init__(self, definition: Definition, rule: Series, shape: Shape, clock: Moment) -> None:
        super().__init__(definition, rule)
        if rule.match or isinstance(rule.div, str):
            raise Varies
        self.cell = cell_of(rule.deltas or rule.registers, shape)
        if self.cell is None:
            # These messages have no such list.
            return
        if rule.before or rule.cumulative:
            raise Varies
        if self.cell.kind != "number" or not _is_list(self.cell):
            raise Varies
        self.base = cell_of(rule.base, shape) if rule.base else None
        if self.base is not None and (self.base.kind != "number" or self.base.count != 1):
            raise Varies
        if rule.at == "$arrival.received_at":
            raise Varies
        self.moment = moment_of(rule.at, shape) if rule.at else clock
        self.step = seconds_of(rule.step)
        if self.step is None:
            self.asked += ((self._step_name(rule), None),)
        self.floor = seconds_of(rule.floor) if rule.floor else None
        self.backward = rule.direction == "backward"
        away = "newest_first" if self.backward else "oldest_first"
        self.reverse = (rule.order or away) == "newest_first"

    def _step_name(self, rule: Series) -> str:
        if not rule.step.startswith(CONFIG):
            raise Varies
        return rule.step.removeprefix(CONFIG)

    def _seconds(self, scope: Scope) -> int | None:
        if self.step is not None:
            return self.step
        value = as_number(scope.config(self._step_name(self.rule)))
        whole = value is not None and value.denominator == 1 and 0 < value <= _LONGEST_STEP
        return int(value) if value is not None and whole else None

    def take(self, view: View, scope: Scope) -> Lists | None:
        cell = self.cell
        if cell is None:
            return None
        tariff = self.rule.tariff if isinstance(self.rule.tariff, int) else 0
        kept, at, step = self.kept(cell, scope, tariff), self.moment(view), self._seconds(scope)
        line = self.line(cell, scope, kept) if kept is not None else None
        if kept is None or line is None or at is None or step is None:
            view.good[:] = False
            return None
        base_time = self._begins(view, at[:, 0], scope)
        raw = view.raw(cell)[:, :: -1 if self.reverse else 1]
        missing = is_absent(raw, cell) | self._is_missing(raw, cell)
        if cell.group and cell.absent:
            view.good &= ~is_absent(raw, cell).any(axis=1)
        if self.rule.deltas:
            kind, count = "deltas", cell.count
            told = self._deltas(view, scope, kept, line, raw, missing)
        else:
            kind, count = "registers" if kept.registered else "samples", cell.count - 1
            top, bottom = reckoned(view, raw, line.then(*kept.scale))
            nothing = np.zeros(len(raw), np.int64)
            told = nothing, nothing > 0, archived(top, bottom, registered=kept.registered)
        begin = base_time - (step * count if self.backward else 0)
        view.good &= (begin >= _EARLIEST) & (begin <= _LATEST)
        row = np.arange(len(raw))
        return Lists(
            row=row,
            base_time=begin,
            base=told[0],
            based=told[1],
            value=told[2],
            missing=missing,
            step=step,
            kind=kind,
            port=self.port,
            register=kept.target.register,
            reading_type=kept.entry.code,
            quality=self.rule.quality,
        )

    def _begins(self, view: View, at: Ints, scope: Scope) -> Ints:
        view.good &= at != 0
        if self.floor is None:
            return at
        moments, place = np.unique(at, return_inverse=True)
        begins = [
            int(floored(datetime.fromtimestamp(one, UTC), self.floor, scope).timestamp())
            for one in moments.tolist()
        ]
        return np.array(begins, np.int64)[place]

    def _is_missing(self, raw: Ints, cell: Cell) -> Bools:
        """Numbers of the device that the rule says are none."""
        if not cell.factor:
            raise Varies
        raws = [(Fraction(one) - cell.offset) / cell.factor for one in self.rule.missing]
        whole = [int(one) for one in raws if one.denominator == 1 and abs(one) < LIMIT]
        return np.isin(raw, np.array(whole, np.int64))

    def _deltas(
        self, view: View, scope: Scope, kept: Kept, line: Line, raw: Ints, missing: Bools
    ) -> tuple[Ints, Bools, Ints]:
        """Bases, which of them are known, and amounts such that sums are cut down."""
        if kept.scale.offset:
            raise Varies
        each = line.then(kept.scale.factor)
        own, based = Line(Fraction(0), Fraction(0)), np.zeros(len(raw), np.bool_)
        first = np.zeros((len(raw), 1), np.int64)
        if self.base is not None:
            begins = self.line(self.base, scope, kept)
            if begins is None:
                view.good[:] = False
            else:
                own, first = begins.then(kept.scale.factor), view.raw(self.base)
                based = ~(is_absent(first, self.base) | self._is_missing(first, self.base))[:, 0]
        bottom = math.lcm(each.whole()[2], own.whole()[2])
        shared = _reckoned_over(view, raw, each, bottom, raw.shape[1] + 2)
        shared = np.where(missing, 0, shared)
        opening = _reckoned_over(view, first, own, bottom, 2)[:, 0]
        if self.backward:
            opening = opening - shared.sum(axis=1)
            based = based & ~missing.any(axis=1)
        opening = np.where(based, opening, 0)
        sums = np.concatenate([opening[:, None], shared], axis=1).cumsum(axis=1) // bottom
        return sums[:, 0], based, np.diff(sums, axis=1)


def _is_list(cell: Cell) -> bool:
    return cell.listed or bool(cell.group)


def _reckoned_over(view: View, raw: Ints, line: Line, bottom: int, terms: int) -> Ints:
    """Numerators over a common denominator, so small that so many add up."""
    top, plus = int(line.factor * bottom), int(line.offset * bottom)
    most = (LIMIT // terms - 1 - abs(plus)) // max(1, abs(top))
    if bottom >= LIMIT or most <= 0:
        raise Varies
    fits = np.abs(raw) <= most
    view.good &= fits.all(axis=1)
    return np.asarray(np.where(fits, raw, 0) * top + plus)
