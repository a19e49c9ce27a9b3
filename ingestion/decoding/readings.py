"""Rules of `readings` → closures that take values out of a telegram."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from meters.definition.model import Definition
from meters.definition.model import Reading as Rule

from .amounts import archive_integer, said
from .conditions import compile_condition
from .decoded import Reading
from .exact import Exact
from .measuring import (
    compile_arithmetic,
    compile_port,
    compile_pulse,
    compile_target,
    scale_for,
    unit_change,
)
from .moments import compile_moment
from .references import number_lookup
from .scope import Scope
from .sources import Source, compile_sources
from .weights import ELEMENT, OPERAND, READING

__all__ = ["Readings", "compile_readings"]

Readings = Callable[[Scope], Iterator[Reading]]


def compile_readings(definition: Definition, rule: Rule) -> Readings:
    """ValueError with the reason where the rule can't be compiled."""
    one = _Compiled(definition, rule).take
    if not rule.each:
        return one
    group = rule.each.removeprefix("$").removesuffix("[]")

    def of_group(scope: Scope) -> Iterator[Reading]:
        for index in range(scope.count(group)):
            scope.charge(ELEMENT)
            scope.prefix = f"{group}[{index}]."
            yield from one(scope)
        scope.prefix = ""

    return of_group


class _Compiled:
    """One rule, ready to be used."""

    def __init__(self, definition: Definition, rule: Rule) -> None:
        self.rule = rule
        self.holds = compile_condition(rule.when)
        self.sources = compile_sources(rule)
        self.target = compile_target(definition, rule)
        self.number = compile_arithmetic(rule)
        self.pulse = compile_pulse(rule.pulse)
        self.port = compile_port(rule.port)
        self.moment = compile_moment(rule.at)
        self.tariff = _compile_tariff(rule.tariff)
        worked = (rule.mul, rule.div, rule.add)
        # A value of another time than the telegram's is none of now where that time is missing.
        self.timed = isinstance(rule.at, Mapping)
        self.changed = bool(rule.formula) or any(step is not None for step in worked)
        self.weight = READING + OPERAND * sum(step is not None for step in worked)

    def take(self, scope: Scope) -> Iterator[Reading]:
        if not self.holds(scope):
            return
        sources = self.sources(scope)
        if self.rule.spread == "sum":
            sources = _summed(sources)
        for source in sources:
            scope.charge(self.weight)
            reading = self.reading(scope, source)
            if reading is not None:
                yield reading

    def reading(self, scope: Scope, source: Source) -> Reading | None:
        rule, found = self.rule, source.found
        if source.number is None:
            if found.value is not None:
                scope.warn(f"{rule.register}: {_name(source)} is no number")
            return None
        port = self._port(scope, source)
        measured = self._measured(scope, source, source.number, port)
        tariff = self.tariff(scope, source)
        if measured is None or tariff is None:
            return None
        phase = source.phase if rule.spread == "phase" else ""
        target = self.target(scope, tariff, phase)
        if target is None:
            scope.warn(f"{rule.register}: no reading type for tariff {tariff} {phase}".rstrip())
            return None
        value, unit = measured
        scale = scale_for(scope, rule, unit, target.entry)
        at = self.moment(scope, found)
        if at is None and self.timed:
            scope.warn(f"{rule.register}: the time of {_name(source)} is not known")
        if scale is None or (at is None and self.timed):
            return None
        return Reading(
            register=target.register,
            reading_type=target.entry.code,
            tariff=tariff,
            port=port,
            value=archive_integer(value, scale, target.entry, found.offset),
            said=said(value),
            unit=unit,
            at=at,
            quality=rule.quality,
            item=_name(source),
            start=found.item.start if found.item else -1,
            end=found.item.end if found.item else -1,
        )

    def _port(self, scope: Scope, source: Source) -> int | None:
        if self.rule.spread == "port" and source.found.place is not None:
            first = self.rule.port if isinstance(self.rule.port, int) else 0
            return first + source.found.place
        return self.port(scope, source.submeter)

    def _measured(
        self, scope: Scope, source: Source, number: Exact, port: int | None
    ) -> tuple[Exact, str] | None:
        """The number after the arithmetic, with its unit."""
        if self.pulse is not None:
            weight = self.pulse(scope, port)
            pulses = self.number(scope, number)
            if weight is None or pulses is None:
                return None
            return pulses * weight.weight, weight.unit
        change = unit_change(scope, self.rule, source.found, worked_on=self.changed)
        if change is None:
            return None
        value = self.number(scope, change.of(number))
        return None if value is None else (value, change.unit)


def _compile_tariff(tariff: int | str) -> Callable[[Scope, Source], int | None]:
    if tariff == "all":
        return lambda scope, source: source.tariff
    if not isinstance(tariff, str):
        return lambda scope, source: tariff
    number = number_lookup(tariff)

    def found(scope: Scope, source: Source) -> int | None:
        value = number(scope)
        return int(value) if value is not None and 0 <= value < 100 else None

    return found


def _summed(sources: list[Source]) -> list[Source]:
    """One value of all; none where a part has none."""
    numbers = [source.number for source in sources if source.number is not None]
    if not sources or len(numbers) < len(sources):
        return []
    first = sources[0]
    return [first._replace(number=sum(numbers), phase="")]


def _name(source: Source) -> str:
    return source.found.item.name if source.found.item else ""
