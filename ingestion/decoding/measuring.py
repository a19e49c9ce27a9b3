"""What readings and series share: reading type, unit, arithmetic, port."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from meters.catalogue import CatalogueEntry
from meters.definition.model import Definition, Measured
from meters.definition.vocabulary import resolved, suffixed

from .amounts import Amounts, archive_scale
from .exact import Exact, as_number, quotient
from .references import lookup, number_lookup
from .scope import Found, Scope
from .units import conversion, find_unit

__all__ = [
    "Change",
    "Number",
    "PulseWeight",
    "Target",
    "compile_arithmetic",
    "compile_port",
    "compile_pulse",
    "compile_target",
    "scale_for",
    "unit_change",
]

# The number of a value, or None where it has none, after the arithmetic of a rule.
Number = Callable[[Scope, Exact], Exact | None]
PortOf = Callable[[Scope, int | None], int | None]


class Target(NamedTuple):
    """Where a value goes."""

    register: str
    entry: CatalogueEntry


class PulseWeight(NamedTuple):
    """Units in one pulse."""

    weight: Exact
    unit: str


def compile_target(
    definition: Definition, rule: Measured
) -> Callable[[Scope, int, str], Target | None]:
    """Register and reading type of a tariff and phase, for the resource of the installed meter."""
    known = definition.vocabulary.reading_types
    made: dict[tuple[str, int, str], Target | None] = {}

    def target(scope: Scope, tariff: int, phase: str) -> Target | None:
        key = (scope.resource, tariff, phase)
        if key not in made:
            code = suffixed(resolved(rule.reading_type, scope.resource), tariff=tariff, phase=phase)
            entry = known.get(code)
            register = suffixed(rule.register, tariff=tariff, phase=phase)
            made[key] = Target(register, entry) if entry else None
        return made[key]

    return target


def compile_arithmetic(rule: Measured) -> Number:
    """mul, div and add, in this order; a factor that is not in the telegram gives no value."""
    steps: list[tuple[Callable[[Scope], Exact | None], Any]] = []
    for operand, work in ((rule.mul, _times), (rule.div, _divided), (rule.add, _plus)):
        if operand is not None:
            steps.append((number_lookup(operand), work))
    if not steps:
        return lambda scope, value: value

    def number(scope: Scope, value: Exact) -> Exact | None:
        result: Exact | None = value
        for find, work in steps:
            operand = find(scope)
            if operand is None or result is None:
                return None
            result = work(result, operand)
        return result

    return number


def _times(value: Exact, operand: Exact) -> Exact:
    return value * operand


def _divided(value: Exact, operand: Exact) -> Exact | None:
    return quotient(value, operand) if operand else None


def _plus(value: Exact, operand: Exact) -> Exact:
    return value + operand


def compile_pulse(
    pulse: Mapping[str, Any],
) -> Callable[[Scope, int | None], PulseWeight | None] | None:
    """What a pulse on a port is worth; None where the rule does not count pulses."""
    if not pulse:
        return None
    weight, unit = _operand(pulse["weight"]), _operand(pulse["unit"])

    def weighed(scope: Scope, port: int | None) -> PulseWeight | None:
        number, symbol = as_number(weight(scope, port)), unit(scope, port)
        if number is None or not isinstance(symbol, str):
            scope.warn("the installation does not say what a pulse is worth")
            return None
        return PulseWeight(number, symbol)

    return weighed


def _operand(operand: Any) -> Callable[[Scope, int | None], Any]:
    if not isinstance(operand, str) or not operand.startswith("$"):
        return lambda scope, port: operand
    space, _dot, name = operand.partition(".")
    if space == "$config":
        return lambda scope, port: scope.config(name, port)
    find = lookup(operand)

    def value(scope: Scope, port: int | None) -> Any:
        found = find(scope)
        return None if found is None else found.value

    return value


def compile_port(port: int | str | None) -> PortOf:
    """The port of a rule: as written, of the telegram, or the sub-meter that was matched."""
    if port == "n":
        return lambda scope, submeter: submeter
    if not isinstance(port, str):
        return lambda scope, submeter: port
    find = lookup(port)

    def found(scope: Scope, submeter: int | None) -> int | None:
        value = find(scope)
        return value.value if value is not None and isinstance(value.value, int) else None

    return found


class Change(NamedTuple):
    """From the unit of an item to that of a rule: number × factor + offset."""

    factor: Exact
    offset: Exact
    unit: str

    def of(self, number: Exact) -> Exact:
        return (
            number if self.factor == 1 and not self.offset else number * self.factor + self.offset
        )


# Quantities whose kelvins are a difference, not a temperature above absolute zero.
_DIFFERENCES = frozenset({"temperature_difference", "temperature difference"})


def unit_change(scope: Scope, rule: Measured, found: Found, *, worked_on: bool) -> Change | None:
    """What is done before the arithmetic; None, with a warning, where the units don't fit.

    worked_on: the rule works on the number, so that its unit may be another than the item's.
    """
    own, written = _own_unit(found), rule.unit
    known = find_unit(own) is not None
    if not written:
        if not known:
            what = f"{own} is no unit known here" if own else "no unit is known"
            scope.warn(f"{rule.register}: {what}; the definition can say `unit`")
            return None
        return Change(1, 0, own)
    if own in ("", written):
        return Change(1, 0, written)
    between = conversion(own, written)
    if between is not None:
        return Change(between.factor, between.offset, written)
    if worked_on:
        return Change(1, 0, written)
    scope.warn(f"{rule.register}: the value is in {own}, which can't be {written}")
    return None


def _own_unit(found: Found) -> str:
    quantity = found.item.facts.get("quantity") if found.item else None
    return "ΔK" if found.unit == "K" and quantity in _DIFFERENCES else found.unit


def scale_for(scope: Scope, rule: Measured, unit: str, entry: CatalogueEntry) -> Amounts | None:
    """How a unit goes to the archive of a reading type; None, with a warning, where it can't."""
    scale = archive_scale(unit, entry)
    if scale is None:
        scope.warn(f"{rule.register}: {unit or 'a number'} can't be kept as {entry.unit.value}")
    return scale
