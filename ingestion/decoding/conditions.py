"""`when` and the like: what must hold of a telegram → closures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from .exact import Exact, as_number
from .matching import first_item, matching_items
from .references import Lookup, lookup, number_lookup
from .scope import Found, Scope
from .weights import CHECK

__all__ = ["Condition", "always", "compile_condition", "compile_subject", "key_of"]

Condition = Callable[[Scope], bool]
Test = Callable[[Scope, Found], bool]


def always(scope: Scope) -> bool:
    """No condition."""
    return True


def compile_condition(rule: Mapping[str, Any]) -> Condition:
    """All keys must hold together; an empty rule always holds."""
    if not rule:
        return always
    for key, join in (("all", all), ("any", any)):
        if key in rule:
            return _joined([compile_condition(one) for one in rule[key]], join)
    if "not" in rule:
        inner = compile_condition(rule["not"])
        return lambda scope: not inner(scope)
    return _of_subject(rule)


def _joined(parts: list[Condition], join: Callable[[Any], bool]) -> Condition:
    return lambda scope: join(part(scope) for part in parts)


def compile_subject(rule: Mapping[str, Any]) -> Lookup:
    """The value that a `field`, `match` or `obis` points at."""
    if "field" in rule:
        return lookup(rule["field"])
    return first_item(matching_items(rule.get("match") or {"obis": rule["obis"]}))


def _of_subject(rule: Mapping[str, Any]) -> Condition:
    find = compile_subject(rule)
    wanted = rule.get("present", True)
    tests = [make(rule) for key, make in _TESTS.items() if key in rule]
    if "mask" in rule and "value" not in rule:
        tests.append(_any_bit(rule["mask"]))

    def holds(scope: Scope) -> bool:
        scope.charge(CHECK)
        found = find(scope)
        if found is None or found.value is None:
            return not wanted
        return bool(wanted) and all(test(scope, found) for test in tests)

    return holds


def bits_of(found: Found) -> int | None:
    """A field as bits; None where it is no whole number."""
    value = found.value
    if isinstance(value, Decimal) and value.is_finite() and value == int(value):
        value = int(value)
    return int(value) if isinstance(value, int) else None


def key_of(value: Any) -> Any:
    """One form for what is equal: 1 and 1.0 are one number, bytes are hex."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list | dict | Mapping):
        return None
    return value if isinstance(value, bool | str) or value is None else as_number(value)


def _bit(rule: Mapping[str, Any]) -> Test:
    mask = 1 << rule["bit"]
    return _any_bit(mask)


def _any_bit(mask: int) -> Test:
    return lambda scope, found: bool((bits_of(found) or 0) & mask)


def _value(rule: Mapping[str, Any]) -> Test:
    values = rule["value"] if isinstance(rule["value"], list) else [rule["value"]]
    wanted, mask = {key_of(value) for value in values}, rule.get("mask")
    if mask is None:
        return lambda scope, found: key_of(found.value) in wanted

    def masked(scope: Scope, found: Found) -> bool:
        bits = bits_of(found)
        return bits is not None and bits & mask in wanted

    return masked


def _compared(key: str, holds: Callable[[Exact, Exact], bool]) -> Callable[[Any], Test]:
    def make(rule: Mapping[str, Any]) -> Test:
        limit = number_lookup(rule[key])

        def test(scope: Scope, found: Found) -> bool:
            value, bound = as_number(found.value), limit(scope)
            return value is not None and bound is not None and holds(value, bound)

        return test

    return make


def _in_time(key: str, holds: Callable[[Any, Any], bool]) -> Callable[[Any], Test]:
    def make(rule: Mapping[str, Any]) -> Test:
        other = lookup(rule[key])

        def test(scope: Scope, found: Found) -> bool:
            bound = other(scope)
            if bound is None:
                return False
            one, two = found.value, bound.value
            if _both_walls(one, two):
                return holds(one, two)
            first, second = scope.instant(found), scope.instant(bound)
            return first is not None and second is not None and holds(first, second)

        return test

    return make


def _both_walls(one: Any, two: Any) -> bool:
    """Two times of one wall clock are compared without its zone."""
    times = isinstance(one, datetime) and isinstance(two, datetime)
    if times:
        return one.tzinfo is None and two.tzinfo is None
    return type(one) is type(two) is date


_TESTS: dict[str, Callable[[Mapping[str, Any]], Test]] = {
    "bit": _bit,
    "value": _value,
    "above": _compared("above", lambda value, bound: value > bound),
    "below": _compared("below", lambda value, bound: value < bound),
    "after": _in_time("after", lambda one, two: one > two),
    "before": _in_time("before", lambda one, two: one < two),
}
