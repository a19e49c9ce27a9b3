"""Exact scaling, lookups and markers for "no measurement", as layouts write them.

Keys: `mul`, `div`, `add` (value × mul ÷ div + add), `lookup` (raw → name), `invalid` (a list).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from .mapping import Section, exact

__all__ = [
    "LookupFault",
    "Number",
    "compile_invalid",
    "compile_lookup",
    "compile_scale",
    "shown",
    "spelling",
]

Number = int | Decimal
Named = str | int | bool
_SHOWN = 40


class LookupFault(ValueError):
    """A value that a lookup does not know."""


def compile_scale(section: Section) -> tuple[Callable[[Number], Number] | None, str]:
    """What is done to a number and its formula for people; None where nothing is.

    Whole numbers stay integers as long as factor and offset are whole.
    """
    factor = section.number("mul", "1") * _inverse(section)
    offset = section.number("add", "0")
    if factor == 1 and not offset:
        return None, ""
    parts = [f"× {factor.normalize():f}" if factor != 1 else "", f"{offset:+f}" if offset else ""]
    by, plus = _whole(factor), _whole(offset)
    return lambda number: number * by + plus, " ".join(filter(None, parts))


def _whole(number: Decimal) -> Number:
    return int(number) if number == number.to_integral_value() else number


def _inverse(section: Section) -> Decimal:
    """One over `div`, when that is a decimal that ends: 3 has none."""
    divisor = section.number("div", "1")
    if divisor:
        inverse = 1 / divisor
        if inverse * divisor == 1:
            return inverse
    raise section.error("div", f"dividing by {divisor} is not exact: scale the reading instead")


def compile_invalid(section: Section) -> frozenset[str]:
    """The spellings (see `spelling`) of values that mean "no measurement"."""
    return frozenset(spelling(value) for value in section.listed("invalid"))


def compile_lookup(section: Section) -> Callable[[object], Named]:
    """Raw value → what it means; LookupFault for one that is not listed."""
    names: dict[str, Named] = {}
    for key, value in section.section("lookup").values.items():
        if not isinstance(value, str | int | bool):
            raise section.error("lookup", f"{key} must lead to a text, a number or true/false")
        names[spelling(key)] = value

    def look(value: object) -> Named:
        found = names.get(spelling(value))
        if found is None:
            raise LookupFault(f"{shown(value)} is not among the values that the field knows")
        return found

    return look


def spelling(value: object) -> str:
    """One spelling for values that are the same: 1, 1.0 and "1" of a layout and of a message."""
    if isinstance(value, bool):
        return str(value).lower()
    number = exact(value)
    return str(value) if number is None else f"{number.normalize():f}"


def shown(value: object) -> str:
    """A value in a complaint, cut short."""
    if isinstance(value, list | Mapping):
        return "a list" if isinstance(value, list) else "an object"
    return repr(value[:_SHOWN]) if isinstance(value, str) else str(value)
