"""Conditions: when a field is there, which layout holds, what is refused.

A condition is one of: `$name` (neither absent, 0 nor empty); a formula; a mapping
`{field: $name, <comparison>: value}`; a mapping of names to what they must equal (`{port: 100}`);
`{all: […]}`, `{any: […]}`, `{not: …}`; a list, of which all must hold. What compares with an absent
value does not hold, but for `present: false`.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from .errors import Place, SchemaError
from .expressions import compile_expression
from .limits import CHECKS_A_FIELD, MAX_DEPTH, MAX_STAGES
from .numbers import exact
from .references import Reference, reference
from .state import OMITTED, State

__all__ = ["Condition", "compile_condition"]

Condition = Callable[[State], bool]

_REFERENCE = re.compile(r"[$!]?\$?[A-Za-z_][\w.\-]*")


def _masked(value: Any, mask: Any) -> bool:
    return bool(int(value) & int(mask))


def _unmasked(value: Any, mask: Any) -> bool:
    return not int(value) & int(mask)


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "value": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "above": operator.gt,
    "after": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "below": operator.lt,
    "before": operator.lt,
    "lte": operator.le,
    "mask": _masked,
    "clear": _unmasked,
    "bit": lambda value, bit: bool(int(value) >> int(bit) & 1),
    "in": lambda value, choices: value in choices,
}


# Keys of a comparison that are none themselves.
_BESIDES = frozenset({"field", "why", "present"})


def compile_condition(spec: Any, place: Place, depth: int = 0) -> Condition:
    if depth > MAX_DEPTH:
        raise SchemaError(place, "conditions nest too deep")
    if isinstance(spec, bool):
        return lambda state: spec
    if isinstance(spec, str):
        return _textual(spec, place)
    if isinstance(spec, list):
        return _together(spec, place, depth, all)
    if not isinstance(spec, Mapping) or not spec:
        raise SchemaError(place, f"{spec!r} is not a condition")
    if "field" in spec:
        return _compared(spec, place)
    return _combined(spec, place, depth)


def _textual(text: str, place: Place) -> Condition:
    stripped = text.strip()
    if _REFERENCE.fullmatch(stripped):
        refused = stripped.startswith("!")
        read = reference(stripped.lstrip("!"), place)
        return lambda state: _holds(read(state)) != refused
    formula, weight = compile_expression(text, place)

    def check(state: State) -> bool:
        state.charge(weight)
        try:
            return bool(formula(state.names))
        except (ArithmeticError, LookupError, TypeError, ValueError):
            return False

    return check


def _holds(value: Any) -> bool:
    return value is not OMITTED and bool(value)


def _together(specs: Any, place: Place, depth: int, every: Callable[[Any], bool]) -> Condition:
    if not isinstance(specs, list) or not 0 < len(specs) <= MAX_STAGES:
        raise SchemaError(place, f"expected a list of 1 to {MAX_STAGES} conditions")
    checks = [
        compile_condition(spec, (*place, place_), depth + 1) for place_, spec in enumerate(specs)
    ]
    return _charged(checks, every)


def _charged(checks: list[Condition], every: Callable[[Any], bool]) -> Condition:
    weight = len(checks) // CHECKS_A_FIELD

    def check(state: State) -> bool:
        state.charge(weight)
        return every(one(state) for one in checks)

    return check


def _combined(spec: Mapping[Any, Any], place: Place, depth: int) -> Condition:
    checks: list[Condition] = []
    for key, value in spec.items():
        inner = (*place, str(key))
        if key in {"all", "any"}:
            checks.append(_together(value, inner, depth, all if key == "all" else any))
        elif key == "not":
            checks.append(_denied(compile_condition(value, inner, depth + 1)))
        else:
            checks.append(_compared({"field": str(key), "eq": value}, inner))
    return _charged(checks, all)


def _denied(check: Condition) -> Condition:
    return lambda state: not check(state)


def _compared(spec: Mapping[Any, Any], place: Place) -> Condition:
    read = reference(spec["field"], (*place, "field"))
    wanted = [key for key in spec if key in _COMPARISONS]
    unknown = [key for key in spec if key not in _COMPARISONS and key not in _BESIDES]
    if unknown:
        known = ", ".join((*_COMPARISONS, "present"))
        raise SchemaError((*place, str(unknown[0])), f"not a comparison; there are {known}")
    if spec.get("present") is False:
        return lambda state: read(state) is OMITTED
    if not wanted:
        truth = "present" not in spec
        return lambda state: _holds(read(state)) if truth else read(state) is not OMITTED
    if "mask" in wanted and {"value", "eq"} & set(wanted):
        wanted.remove("mask")
        read = _of_masked(read, spec["mask"], place)
    pairs = [(_COMPARISONS[key], _operand(spec[key], (*place, key))) for key in wanted]
    return lambda state: _all_hold(state, read, pairs)


def _of_masked(read: Reference, mask: Any, place: Place) -> Reference:
    """`{mask: 0x70, value: 0x30}` compares the masked bits."""
    if not isinstance(mask, int):
        raise SchemaError((*place, "mask"), "a mask is a whole number")

    def masked(state: State) -> Any:
        value = read(state)
        return value & mask if isinstance(value, int) else OMITTED

    return masked


def _all_hold(
    state: State, read: Reference, pairs: list[tuple[Callable[[Any, Any], bool], Reference]]
) -> bool:
    value = read(state)
    if value is OMITTED:
        return False
    try:
        return all(compare(value, operand(state)) for compare, operand in pairs)
    except (ArithmeticError, TypeError, ValueError):
        return False


def _operand(spec: Any, place: Place) -> Reference:
    """A `$name`, a list of choices, or a literal: text without `$` stands for itself."""
    if isinstance(spec, str) and spec.startswith("$"):
        return reference(spec, place)
    if isinstance(spec, list):
        choices = [_literal(choice) for choice in spec]
        return lambda state: choices
    literal = _literal(spec)
    return lambda state: literal


def _literal(spec: Any) -> Any:
    number = exact(spec) if not isinstance(spec, str) else None
    return spec if number is None else number
