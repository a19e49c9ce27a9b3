"""Rules of `events` → closures that say what happened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from meters.definition.model import Definition
from meters.definition.model import Event as Rule
from meters.definition.vocabulary import EventWord

from .conditions import bits_of, compile_condition, compile_subject, key_of
from .decoded import EventSaid
from .measuring import compile_port
from .moments import compile_moment
from .references import number_lookup
from .scope import Found, Scope
from .weights import CHECK, ELEMENT, EVENT

__all__ = ["Events", "compile_events"]

Events = Callable[[Scope], Iterator[EventSaid]]
# The codes that hold in a telegram.
Codes = Callable[[Scope], list[str | int]]

_SEVERITIES = {"notice": 1, "warning": 2, "critical": 3}
_LARGEST_DETAIL = 2**31 - 1


def compile_events(definition: Definition, rule: Rule) -> Events:
    """ValueError with the reason where the rule can't be compiled."""
    compiled = _Compiled(definition, rule)
    if not rule.each:
        return compiled.take
    group = rule.each.removeprefix("$").removesuffix("[]")

    def of_group(scope: Scope) -> Iterator[EventSaid]:
        for index in range(scope.count(group)):
            scope.charge(ELEMENT)
            scope.prefix = f"{group}[{index}]."
            yield from compiled.take(scope)
        scope.prefix = ""

    return of_group


class _Compiled:
    def __init__(self, definition: Definition, rule: Rule) -> None:
        self.rule = rule
        self.words = definition.vocabulary.events
        self.codes = _compile_codes(rule)
        self.weight = CHECK + len(rule.bits) // 8
        self.moment = compile_moment(rule.at)
        self.port = compile_port(rule.port)
        self.detail = number_lookup(rule.detail) if rule.detail is not None else None

    def take(self, scope: Scope) -> Iterator[EventSaid]:
        scope.charge(self.weight)
        for code in self.codes(scope):
            scope.charge(EVENT)
            word = self.words[code] if isinstance(code, str) else EventWord(code, 1)
            severity = _SEVERITIES.get(self.rule.severity, word.severity)
            yield EventSaid(
                code=word.code,
                name=str(code),
                severity=severity,
                at=self.moment(scope, Found(None)),
                detail=self._detail(scope),
                port=self.port(scope, None),
            )

    def _detail(self, scope: Scope) -> int:
        value = self.detail(scope) if self.detail else None
        within = value is not None and -_LARGEST_DETAIL <= value <= _LARGEST_DETAIL
        return int(value) if value is not None and within else 0


def _compile_codes(rule: Rule) -> Codes:
    if rule.code != "":
        return _by_condition(rule)
    find = compile_subject(_subject(rule))
    if rule.bits:
        return _by_bits(find, sorted(rule.bits.items()))
    return _by_values(find, {key_of(key): code for key, code in rule.values.items()}, rule.mask)


def _subject(rule: Rule) -> dict[str, Any]:
    given = {"field": rule.field, "match": rule.match, "obis": rule.obis}
    return {key: value for key, value in given.items() if value}


def _by_condition(rule: Rule) -> Codes:
    """A code without `when` holds when its field is there and is not 0."""
    given = [rule.code]
    if rule.when:
        holds = compile_condition(rule.when)
        return lambda scope: given if holds(scope) else []
    find, mask = compile_subject(_subject(rule)), -1 if rule.mask is None else rule.mask

    def codes(scope: Scope) -> list[str | int]:
        found = find(scope)
        return given if found is not None and (bits_of(found) or 0) & mask else []

    return codes


def _by_bits(find: Callable[[Scope], Found | None], table: list[tuple[int, str | int]]) -> Codes:
    def codes(scope: Scope) -> list[str | int]:
        found = find(scope)
        bits = bits_of(found) if found is not None else None
        return [code for bit, code in table if bits is not None and bits >> bit & 1]

    return codes


def _by_values(
    find: Callable[[Scope], Found | None], table: dict[Any, str | int], mask: int | None
) -> Codes:
    def codes(scope: Scope) -> list[str | int]:
        found = find(scope)
        if found is None:
            return []
        key = key_of(found.value)
        if mask is not None:
            bits = bits_of(found)
            key = None if bits is None else bits & mask
        return [table[key]] if key in table else []

    return codes
