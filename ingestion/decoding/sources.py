"""Where the values of a reading come from: a field, items that match, or a formula."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import NamedTuple

from ingestion.codecs.formulas import FormulaError, compile_formula, formula_weight
from meters.definition.model import Reading

from .exact import Exact, as_number, collapsed
from .matching import Hit, find_items, has_same
from .references import list_lookup, lookup, number_lookup
from .scope import Found, Scope

__all__ = ["Source", "Sources", "compile_sources"]

_REFERENCE = re.compile(r"\$(\.?[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*|\[\d{1,4}\])*)")
# Facts that tell the values of one rule apart, so that any of theirs fits.
_FREE: dict[str, Callable[[Reading], bool]] = {
    "tariff": lambda rule: rule.tariff == "all",
    "phase": lambda rule: bool(rule.spread),
}
_PHASES = {1: "L1", 2: "L2", 3: "L3", "L1": "L1", "L2": "L2", "L3": "L3"}


class Source(NamedTuple):
    """One value with what its item says of it; `number` None: there is none to take."""

    number: Exact | None
    found: Found
    submeter: int | None = None
    tariff: int = 0
    phase: str = ""


Sources = Callable[[Scope], list[Source]]


def compile_sources(rule: Reading) -> Sources:
    """ValueError or FormulaError where the rule can't be."""
    free = {key for key, is_free in _FREE.items() if is_free(rule)}
    hits = find_items(rule, free=free)
    if hits is not None:
        return _of_items(rule, hits)
    if rule.formula:
        return _of_formula(rule.formula)
    if isinstance(rule.value, str):
        return _of_field(rule)
    constant = Source(as_number(rule.value), Found(rule.value))
    return lambda scope: [constant]


def _of_items(rule: Reading, hits: Callable[[Scope], list[Hit]]) -> Sources:
    """All that match where something tells them apart, else the first."""
    several = rule.tariff == "all" or rule.port == "n" or bool(rule.spread) or _own_times(rule)

    def sources(scope: Scope) -> list[Source]:
        found = hits(scope)
        if len(found) > 1 and not several:
            names = ", ".join(hit.item.name for hit in found[:4])
            scope.warn(f"{rule.register}: {names} fit; the first was taken")
            found = found[:1]
        return [_of_hit(hit) for hit in found]

    return sources


def _own_times(rule: Reading) -> bool:
    """Whether each item has a time of its own."""
    at = rule.at if isinstance(rule.at, Mapping) else {}
    return "fact" in at or has_same(at.get("match", {}))


def _of_hit(hit: Hit) -> Source:
    found = Found(hit.item.value, hit.item.unit, hit.item)
    return Source(as_number(hit.item.value), found, hit.submeter, hit.tariff, _phase(found))


def _phase(found: Found) -> str:
    """By the item's fact, else by its place in a list."""
    fact = found.item.facts.get("phase") if found.item else None
    if isinstance(fact, int | str) and fact in _PHASES:
        return _PHASES[fact]
    return _PHASES.get(found.place + 1, "") if found.place is not None else ""


def _of_field(rule: Reading) -> Sources:
    assert isinstance(rule.value, str)
    if rule.spread:
        find_all = list_lookup(rule.value)
        return lambda scope: [_placed(found, at) for at, found in enumerate(find_all(scope))]
    find = lookup(rule.value)

    def sources(scope: Scope) -> list[Source]:
        found = find(scope)
        return [] if found is None else [_plain(found)]

    return sources


def _placed(found: Found, at: int) -> Source:
    """One value alone is the first of its list."""
    return _plain(found if found.place is not None else found._replace(place=at))


def _plain(found: Found) -> Source:
    tariff = found.item.facts.get("tariff", 0) if found.item else 0
    number = as_number(found.value)
    return Source(number, found, None, tariff if isinstance(tariff, int) else 0, _phase(found))


def _of_formula(text: str) -> Sources:
    """$references become names of the formula; without one of their numbers there is no value."""
    references: dict[str, str] = {}

    def named(match: re.Match[str]) -> str:
        return references.setdefault(match.group(1), f"v{len(references)}")

    formula = _REFERENCE.sub(named, text)
    compiled = compile_formula(formula, frozenset(references.values()))
    numbers = {name: number_lookup(f"${ref}") for ref, name in references.items()}
    first = lookup(f"${next(iter(references))}") if references else None

    weight = formula_weight(formula)

    def sources(scope: Scope) -> list[Source]:
        scope.charge(weight)
        values = {name: number(scope) for name, number in numbers.items()}
        given = {name: Fraction(value) for name, value in values.items() if value is not None}
        if len(given) < len(values):
            return []
        try:
            value = collapsed(compiled(given))
        except FormulaError as error:
            scope.warn(f"{text}: {error}")
            return []
        item = first(scope) if first else None
        return [Source(value, Found(value, "", item.item if item else None))]

    return sources
