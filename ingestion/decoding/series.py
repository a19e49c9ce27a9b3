"""Rules of `series` → closures: lists of a telegram as values at even steps, oldest first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.telegram import Item
from meters.definition.durations import seconds_of
from meters.definition.model import Definition
from meters.definition.model import Series as Rule
from meters.quantities import Accumulation

from .amounts import Amounts, archive_deltas, archive_integer
from .conditions import compile_condition
from .decoded import Series
from .exact import Exact, as_number
from .matching import matching_items
from .measuring import (
    Change,
    PulseWeight,
    Target,
    compile_arithmetic,
    compile_port,
    compile_pulse,
    compile_target,
    scale_for,
    unit_change,
)
from .moments import compile_moment, floored
from .references import list_lookup, lookup, number_lookup
from .scope import Found, Scope
from .weights import OPERAND, VALUE

__all__ = ["SeriesOf", "compile_series"]

SeriesOf = Callable[[Scope], Iterator[Series]]
Numbers = list[Exact | None]
_PULSES = Change(1, 0, "count")

_LONGEST_STEP = 366 * 86_400
# What a step is prefixed with that the item says itself.
_FACT = "$fact."
_YEARS = range(1971, 9_000)


class _Listed(NamedTuple):
    """The numbers of a list, oldest first, with their unit."""

    values: Numbers
    base: Exact | None
    unit: str
    first: Found


def compile_series(definition: Definition, rule: Rule) -> SeriesOf:
    """ValueError with the reason where the rule can't be compiled."""
    return _Compiled(definition, rule).take


class _Compiled:
    """One rule, ready to be used."""

    def __init__(self, definition: Definition, rule: Rule) -> None:
        if rule.cumulative and not (rule.deltas and rule.base):
            raise ValueError("cumulative is for deltas with a base")
        self.rule = rule
        self.holds = compile_condition(rule.when)
        self.lists = _compile_lists(rule)
        self.base = lookup(rule.base) if rule.base else None
        self.step = _compile_step(rule.step)
        self.floor = seconds_of(rule.floor) if rule.floor else None
        self.before = _compile_step(rule.before) if rule.before else None
        self.target = compile_target(definition, rule)
        self.number = compile_arithmetic(rule)
        self.pulse = compile_pulse(rule.pulse)
        self.port = compile_port(rule.port)
        self.moment = compile_moment(rule.at)
        self.tariff = number_lookup(0 if rule.tariff == "all" else rule.tariff)
        self.missing = frozenset(rule.missing)
        worked = sum(step is not None for step in (rule.mul, rule.div, rule.add))
        self.changed, self.weight = bool(worked), VALUE + OPERAND * worked
        self.backward = rule.direction == "backward"
        away = "newest_first" if self.backward else "oldest_first"
        self.reverse = (rule.order or away) == "newest_first"

    def take(self, scope: Scope) -> Iterator[Series]:
        if not self.holds(scope):
            return
        for found in self.lists(scope):
            yield from self._one_list(scope, found)

    def _one_list(self, scope: Scope, found: list[Found]) -> Iterator[Series]:
        at = self._at(scope, found)
        if not found:
            return
        step = self.step(scope, found[0])
        if step is None or at is None:
            missing = "time" if step else "step"
            scope.warn(f"{self.rule.register}: the {missing} of the series is not known")
            return
        port = self.port(scope, None)
        listed = self._listed(scope, found, port)
        tariff = int(self.tariff(scope) or 0)
        target = self.target(scope, tariff, "")
        if listed is None or target is None:
            return
        scale = scale_for(scope, self.rule, listed.unit, target.entry)
        if scale is not None:
            yield self._series(target, scale, listed, at, step, tariff, port)

    def _at(self, scope: Scope, found: list[Found]) -> datetime | None:
        at = self.moment(scope, found[0]) if found else None
        if at is not None and self.before is not None:
            seconds = self.before(scope, found[0])
            at = None if seconds is None else _moved(at, -seconds, found[0].offset)
        if at is None or self.floor is None:
            return at
        return floored(at, self.floor, scope)

    def _listed(self, scope: Scope, found: list[Found], port: int | None) -> _Listed | None:
        """Numbers and base in one unit."""
        scope.charge(len(found) * self.weight)
        base = self.base(scope) if self.base else None
        if self.pulse is not None:
            weight = self.pulse(scope, port)
            if weight is None:
                return None
            change = Change(1, 0, weight.unit)
            numbers = [self._weighed(scope, one, weight) for one in found]
            opening = self._weighed(scope, base, weight) if base else None
        else:
            made = self._change(scope, found[0])
            if made is None:
                return None
            change = made
            numbers = [self._one(scope, one, change) for one in found]
            own = self._change(scope, base) if base else None
            opening = self._one(scope, base, own) if base and own else None
        if self.reverse:
            numbers.reverse()
        return _Listed(numbers, opening, change.unit, found[0])

    def _change(self, scope: Scope, found: Found) -> Change | None:
        return unit_change(scope, self.rule, found, worked_on=self.changed)

    def _one(self, scope: Scope, found: Found, change: Change) -> Exact | None:
        """The number of an element; all of a list have the unit of its first."""
        number = as_number(found.value)
        if number is None or number in self.missing:
            return None
        return self.number(scope, change.of(number))

    def _weighed(self, scope: Scope, found: Found, weight: PulseWeight) -> Exact | None:
        pulses = self._one(scope, found, _PULSES)
        return None if pulses is None else pulses * weight.weight

    def _series(
        self,
        target: Target,
        scale: Amounts,
        listed: _Listed,
        at: datetime,
        step: int,
        tariff: int,
        port: int | None,
    ) -> Series:
        offset, rule = listed.first.offset, self.rule
        if rule.cumulative:
            listed = listed._replace(values=_registers(listed, backward=self.backward))
        if (rule.deltas and not rule.cumulative) or (
            rule.match and target.entry.accumulation == Accumulation.DELTA
        ):
            kind, base, values = "deltas", *self._deltas(target, scale, listed)
            intervals = len(values)
        else:
            kind = "registers" if _is_counted(target) else "samples"
            base, intervals = None, len(listed.values) - 1
            values = [
                None if value is None else archive_integer(value, scale, target.entry, offset)
                for value in listed.values
            ]
        return Series(
            register=target.register,
            reading_type=target.entry.code,
            tariff=tariff,
            port=port,
            kind=kind,
            base=base,
            base_time=_moved(at, -step * intervals if self.backward else 0, offset),
            step=step,
            values=tuple(values),
            quality=rule.quality,
            item=listed.first.item.name if listed.first.item else "",
        )

    def _deltas(
        self, target: Target, scale: Amounts, listed: _Listed
    ) -> tuple[int | None, list[int | None]]:
        """The register before the first interval, and the amounts."""
        base, offset = listed.base, listed.first.offset
        if base is not None and self.backward:
            # The register at the end; with a gap the one at the beginning is not known.
            known = [value for value in listed.values if value is not None]
            base = base - sum(known) if len(known) == len(listed.values) else None
        values = archive_deltas(listed.values, base, scale, offset)
        if base is None:
            return None, values
        return archive_integer(
            base, scale, target.entry._replace(accumulation=Accumulation.CUMULATIVE), offset
        ), values


def _registers(listed: _Listed, *, backward: bool) -> Numbers:
    """The register at each step, from the base on; beyond a missing amount it is not known."""
    found: Numbers = [listed.base]
    for amount in reversed(listed.values) if backward else listed.values:
        before = found[-1]
        used = -amount if backward and amount is not None else amount
        found.append(None if before is None or used is None else before + used)
    return found[::-1] if backward else found


def _is_counted(target: Target) -> bool:
    return target.entry.accumulation == Accumulation.CUMULATIVE


def _compile_lists(rule: Rule) -> Callable[[Scope], list[list[Found]]]:
    """The lists that become series: one by a reference, or that of every item that matches."""
    if not rule.match:
        reference = rule.deltas or rule.registers
        find = list_lookup(reference)
        if "[]" in reference:
            return lambda scope: [_in_place(find(scope))]
        return lambda scope: [find(scope)]
    hits = matching_items(rule.match)
    return lambda scope: [_elements(scope, hit.item) for hit in hits(scope)]


def _in_place(found: list[Found]) -> list[Found]:
    """A gap where an element of a group has no value, so that the others keep their steps."""
    last = found[-1].place if found else None
    if last is None or last == len(found) - 1:
        return found
    known = {one.place: one for one in found}
    gap = found[0]._replace(value=None)
    return [known.get(place, gap) for place in range(last + 1)]


def _elements(scope: Scope, item: Item) -> list[Found]:
    """Every element of an item's list; one value alone is a list of it."""
    values = item.value if isinstance(item.value, list) else [item.value]
    scope.charge(len(values))
    return [Found(value, item.unit, item, place) for place, value in enumerate(values)]


def _compile_step(step: str) -> Callable[[Scope, Found], int | None]:
    """Seconds of a step: as written, or what a field, an item's fact or the installation says."""
    seconds = seconds_of(step)
    if seconds is not None:
        return lambda scope, first: seconds
    if step.startswith(_FACT):
        name = step.removeprefix(_FACT)
        return lambda scope, first: _seconds(
            as_number(first.item.facts.get(name)) if first.item else None
        )
    number = number_lookup(step)
    return lambda scope, first: _seconds(number(scope))


def _seconds(value: Exact | None) -> int | None:
    if value is None or value.denominator != 1 or not 0 < value <= _LONGEST_STEP:
        return None
    return int(value)


def _moved(at: datetime, seconds: int, offset: int) -> datetime:
    try:
        moved = (at + timedelta(seconds=seconds)).astimezone(UTC)
    except OverflowError:
        raise DecodeError(offset, "the series begins before time does") from None
    if moved.year not in _YEARS:
        raise DecodeError(offset, f"the series begins in the year {moved.year}")
    return moved
