"""`transform`: stages of arithmetic in the order written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .errors import Place, SchemaError
from .limits import CHECKS_A_FIELD, DEAR, MAX_DECIMALS, MAX_POWER, MAX_STAGES
from .numbers import (
    EXACT,
    Number,
    divided,
    exact,
    is_number,
    multiplied,
    plus,
    rounded_binary,
    to_power,
)
from .state import OMITTED, Convert, State

__all__ = ["compile_transform", "number_at"]

Stage = Callable[[Number], Any]


def number_at(spec: Any, place: Place) -> Number:
    """A number literal of the definition."""
    number = exact(spec)
    if number is None:
        shown = spec if isinstance(spec, str) else type(spec).__name__
        raise SchemaError(place, f"{shown} is not a number that can be used")
    return number


def _root(value: Number) -> Number:
    return EXACT.sqrt(max(0, value))


def _logarithm(value: Number) -> Any:
    return EXACT.ln(value) if value > 0 else OMITTED


def _logarithm10(value: Number) -> Any:
    return EXACT.log10(value) if value > 0 else OMITTED


def _plain(value: Number) -> Number:
    return value if value >= 0 else EXACT.minus(value) if not isinstance(value, int) else -value


_UNARY: dict[str, Stage] = {
    "sqrt": _root,
    "abs": _plain,
    "log": _logarithm,
    "log10": _logarithm10,
}
_BINARY: dict[str, Callable[[Number, Number], Any]] = {
    "mult": multiplied,
    "div": divided,
    "add": plus,
    "sub": lambda value, operand: plus(value, multiplied(operand, -1)),
    "pow": to_power,
    "floor": lambda value, operand: max(value, operand),
    "ceiling": lambda value, operand: min(value, operand),
}


def compile_transform(spec: Any, place: Place) -> Convert:
    if not isinstance(spec, list) or len(spec) > MAX_STAGES:
        raise SchemaError(place, f"expected a list of at most {MAX_STAGES} stages")
    stages = [part for index, stage in enumerate(spec) for part in _stages(stage, (*place, index))]
    weight = len(stages) // CHECKS_A_FIELD + sum(
        DEAR.get(str(key), 0) for stage in spec for key in stage
    )

    def convert(value: Any, state: State) -> Any:
        if not is_number(value):
            return value
        state.charge(weight)
        try:
            for stage in stages:
                value = stage(value)
                if value is OMITTED:
                    return OMITTED
        except ArithmeticError:
            return OMITTED
        return value

    return convert


def _stages(spec: Any, place: Place) -> list[Stage]:
    """One stage of the list; where it holds several operations, they go in the table's order."""
    if not isinstance(spec, Mapping) or not spec:
        raise SchemaError(place, "a stage holds one operation")
    if "op" in spec or "round" in spec:
        return [_rounding(spec, place)]
    stages = [_UNARY[key] for key in _UNARY if spec.get(key)]
    stages += [_with(_BINARY[key], spec, key, place) for key in _BINARY if key in spec]
    if "clamp" in spec:
        stages.append(_clamp(spec["clamp"], (*place, "clamp")))
    unknown = set(spec) - set(_UNARY) - set(_BINARY) - {"clamp"}
    if unknown:
        raise SchemaError((*place, str(min(unknown, key=str))), "not an operation of transform")
    return stages


def _with(
    operation: Callable[[Number, Number], Any], spec: Mapping[Any, Any], key: str, place: Place
) -> Stage:
    operand = number_at(spec[key], (*place, key))
    if key == "pow" and not -MAX_POWER <= operand <= MAX_POWER:
        raise SchemaError((*place, key), f"powers go to {MAX_POWER}")
    return lambda value: operation(value, operand)


def _clamp(spec: Any, place: Place) -> Stage:
    if not isinstance(spec, (list, tuple)) or len(spec) < 2:
        raise SchemaError(place, "expected [least, greatest]")
    low, high = number_at(spec[0], place), number_at(spec[1], place)
    return lambda value: max(low, min(high, value))


def _rounding(spec: Mapping[Any, Any], place: Place) -> Stage:
    operation = spec.get("op", "round")
    decimals, ties = spec.get("decimals", spec.get("round", 0)), spec.get("ties", "even")
    if operation != "round":
        raise SchemaError((*place, "op"), f"{operation!r} is not an operation; round is")
    if isinstance(decimals, bool):
        decimals = 0
    if not isinstance(decimals, int) or not 0 <= decimals <= MAX_DECIMALS:
        raise SchemaError((*place, "decimals"), f"round to 0 … {MAX_DECIMALS} decimals")
    if ties not in {"even", "away"}:
        raise SchemaError((*place, "ties"), "ties go to even or away")
    return lambda value: rounded_binary(value, decimals, ties)
