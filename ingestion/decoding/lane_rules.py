"""Single rules in columns: readings and events of messages of one shape.

Everything is refused, by `Varies`, whose columns would not be exactly what the closures of
`readings` and `events` say.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ingestion.codecs.binary.shapes import Varies
from meters.quantities import Accumulation

from .amounts import archive_scale
from .conditions import key_of
from .exact import as_number
from .lane_view import LIMIT, Line, archived, cell_of, is_absent, moment_of, reckoned
from .measuring import compile_pulse, compile_target, unit_change
from .scope import Found

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ingestion.codecs.binary.shapes import Cell, Shape
    from meters.catalogue import CatalogueEntry
    from meters.definition.model import Definition, Event, Measured, Reading

    from .lane_view import Moment, View
    from .measuring import Target
    from .scope import Scope

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

__all__ = ["CONFIG", "EventLane", "Facts", "Kept", "Measuring", "ReadingLane", "Values", "constant"]

_LARGEST_DETAIL = 2**31 - 1
# What the installation says.
CONFIG = "$config."


class Values(NamedTuple):
    """Values at instants, one a row. row: the message; at: Unix seconds, 0: that of receipt."""

    row: Ints
    at: Ints
    value: Ints
    port: int | None
    register: str
    reading_type: str
    quality: str


class Facts(NamedTuple):
    """Events of one code. at: Unix seconds, 0: not said."""

    row: Ints
    at: Ints
    port: int | None
    code: int
    detail: int


class Measuring:
    """What lanes of readings and of series share."""

    def __init__(self, definition: Definition, rule: Measured) -> None:
        if rule.when or not (rule.port is None or isinstance(rule.port, int)):
            raise Varies
        if isinstance(rule.tariff, str) and rule.tariff != "all":
            raise Varies
        if isinstance(rule.mul, str) or isinstance(rule.add, str):
            raise Varies
        self.rule = rule
        self.target = compile_target(definition, rule)
        self.port = rule.port if isinstance(rule.port, int) else None
        self.pulse = compile_pulse(rule.pulse)
        self.changed = any(step is not None for step in (rule.mul, rule.div, rule.add))
        self.asked = tuple(
            (operand.removeprefix(CONFIG), self.port) for operand in _operands(rule.pulse)
        )

    def line(self, cell: Cell, scope: Scope, kept: Kept) -> Line | None:
        """From a cell to the archive, without the offset of units; None where there is no way."""
        line = Line(cell.factor, cell.offset)
        if self.pulse is not None:
            weight = self.pulse(scope, self.port)
            if weight is None or weight.unit != kept.unit:
                return None
            return self.arithmetic(line).then(weight.weight)
        change = unit_change(scope, self.rule, Found(None, cell.unit), worked_on=self.changed)
        if change is None or change.unit != kept.unit:
            return None
        return self.arithmetic(line.then(change.factor, change.offset))

    def arithmetic(self, line: Line) -> Line:
        rule = self.rule
        if rule.mul is not None:
            line = line.then(constant(rule.mul))
        if rule.div is not None and not isinstance(rule.div, str):
            divisor = constant(rule.div)
            if not divisor:
                raise Varies
            line = line.then(1 / Fraction(divisor))
        return line if rule.add is None else line.then(1, constant(rule.add))

    def kept(self, cell: Cell, scope: Scope, tariff: int) -> Kept | None:
        """Where the value goes, and how its unit becomes that of the archive."""
        target = self.target(scope, tariff, "")
        unit = self.unit(cell, scope)
        scale = archive_scale(unit, target.entry) if target is not None and unit else None
        if target is None or scale is None:
            return None
        return Kept(target, unit or "", Line(Fraction(scale.factor), Fraction(scale.offset)))

    def unit(self, cell: Cell, scope: Scope) -> str | None:
        if self.pulse is not None:
            weight = self.pulse(scope, self.port)
            return None if weight is None else weight.unit
        change = unit_change(scope, self.rule, Found(None, cell.unit), worked_on=self.changed)
        return None if change is None else change.unit


class Kept(NamedTuple):
    target: Target
    unit: str
    scale: Line

    @property
    def entry(self) -> CatalogueEntry:
        return self.target.entry

    @property
    def registered(self) -> bool:
        return self.entry.accumulation == Accumulation.CUMULATIVE


def _operands(pulse: Mapping[str, Any]) -> list[str]:
    """What a weight asks installations for; it may ask for nothing else."""
    asked = [one for one in pulse.values() if isinstance(one, str) and one.startswith("$")]
    if not all(one.startswith(CONFIG) for one in asked):
        raise Varies
    return asked


def constant(operand: Any) -> Any:
    number = as_number(operand) if isinstance(operand, int | Decimal) else None
    if number is None:
        raise Varies
    return number


class ReadingLane(Measuring):
    """One rule of `readings`: a field, or that of every element of a group."""

    def __init__(self, definition: Definition, rule: Reading, shape: Shape, clock: Moment) -> None:
        super().__init__(definition, rule)
        if rule.match or rule.obis or rule.formula or rule.spread or rule.tariff == "all":
            raise Varies
        self.group = rule.each.removeprefix("$").removesuffix("[]")
        cell = cell_of(rule.value if isinstance(rule.value, str) else "", shape, self.group)
        if cell is not None and (cell.kind != "number" or cell.listed):
            raise Varies
        # A group that another case of the layout has is not there.
        self.cell = cell if bool(cell and cell.group) == bool(self.group) else None
        if cell is not None and self.cell is None:
            raise Varies
        self.moment = moment_of(rule.at, shape, self.group) if rule.at else clock
        self.divisor = self._divisor(rule, shape)

    def _divisor(self, rule: Reading, shape: Shape) -> Cell | None:
        if not isinstance(rule.div, str):
            return None
        cell = cell_of(rule.div, shape)
        if cell is None or not cell.is_plain or cell.group or cell.listed or rule.add is not None:
            raise Varies
        return cell

    def take(self, view: View, scope: Scope) -> Values | None:
        cell = self.cell
        if cell is None:
            return None
        tariff = self.rule.tariff if isinstance(self.rule.tariff, int) else 0
        kept = self.kept(cell, scope, tariff)
        line = self.line(cell, scope, kept) if kept is not None else None
        if kept is None or line is None:
            view.good[:] = False
            return None
        raw, divisor = view.raw(cell), view.raw(self.divisor) if self.divisor else None
        line = line.then(kept.scale.factor, kept.scale.offset)
        if divisor is not None and line.offset:
            view.good[:] = False
            return None
        top, bottom = reckoned(view, raw, line, divisor)
        value = archived(top, bottom, registered=kept.registered)
        told = ~is_absent(raw, cell)
        at = self.moment(view)
        at = np.zeros((1, 1), np.int64) if at is None else at
        row = np.broadcast_to(np.arange(len(raw))[:, None], raw.shape)
        quality = self.rule.quality
        name = kept.target.register, kept.entry.code
        return Values(
            row[told], np.broadcast_to(at, raw.shape)[told], value[told], self.port, *name, quality
        )


class EventLane:
    """One rule of `events`: a flag, bits or values of a field."""

    def __init__(self, definition: Definition, rule: Event, shape: Shape, clock: Moment) -> None:
        if rule.when or rule.match or rule.obis or rule.each or not rule.field:
            raise Varies
        if not (rule.port is None or isinstance(rule.port, int)):
            raise Varies
        self.port = rule.port if isinstance(rule.port, int) else None
        self.cell = cell_of(rule.field, shape)
        if self.cell is not None and not (self.cell.is_plain or self.cell.kind == "flag"):
            raise Varies
        if self.cell is not None and (self.cell.listed or self.cell.group):
            raise Varies
        if max([rule.mask or 0, *(1 << bit for bit in rule.bits)], default=0) >= LIMIT:
            raise Varies
        self.rule, self.words = rule, definition.vocabulary.events
        self.moment = moment_of(rule.at, shape) if rule.at else clock
        detail = 0 if rule.detail is None else constant(rule.detail)
        self.detail = int(detail) if abs(detail) <= _LARGEST_DETAIL else 0

    def take(self, view: View) -> list[Facts]:
        if self.cell is None:
            return []
        raw, at = view.raw(self.cell)[:, 0], self.moment(view)
        there = ~is_absent(raw, self.cell)
        when = np.zeros(len(raw), np.int64) if at is None else at[:, 0]
        found = []
        for code, holds in self._codes(raw):
            row = np.flatnonzero(holds & there)
            number = self.words[code].code if isinstance(code, str) else code
            if len(row):
                found.append(Facts(row, when[row], self.port, number, self.detail))
        return found

    def _codes(self, raw: Ints) -> list[tuple[str | int, Bools]]:
        rule = self.rule
        if rule.code != "":
            return [(rule.code, raw & (-1 if rule.mask is None else rule.mask) != 0)]
        if rule.bits:
            return [(code, raw >> bit & 1 == 1) for bit, code in sorted(rule.bits.items())]
        masked = raw if rule.mask is None else raw & rule.mask
        table = {key_of(key): code for key, code in rule.values.items()}
        return [(code, masked == int(key)) for key, code in table.items() if _is_number(key)]


def _is_number(key: Any) -> bool:
    return isinstance(key, int) and abs(key) < LIMIT
