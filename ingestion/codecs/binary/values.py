"""From what stood in the bytes to the value: encoding, sentinels, scaling, rounding, labels, time.

The order is the language's: encoding → sentinel → formula, or mult → div → add → transform →
lookup; the metering keys `round` and `time` come after the arithmetic. The order in which the keys
stand in the definition does not matter; `transform` is a list because its order does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..errors import DecodeError
from .errors import Place, SchemaError
from .expressions import compile_expression
from .labels import compile_lookup
from .limits import MAX_DECIMALS, MAX_STAGES, NAMES_COPIED_A_FIELD
from .numbers import Number, divided, exact, is_number, multiplied, plus, rounded
from .state import OMITTED, Convert, State
from .times import compile_time
from .transforms import compile_transform, number_at

__all__ = ["arithmetic", "compile_values", "spoken_formula"]

Field = Mapping[str, Any]

_MODIFIERS: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    "mult": (multiplied, "×"),
    "div": (divided, "÷"),
    "add": (plus, "+"),
}


def compile_values(field: Field, place: Place, bits: int = 0) -> Convert | None:
    """The conversion that a field asks for, or None where the raw value is the value.

    `bits` is the width of the whole number that is read, where it is one.
    """
    steps: list[Convert] = []
    if field.get("encoding") or field.get("sentinel"):
        steps.append(_decoded(field, place, bits))
    steps += arithmetic(field, place)
    return chained(steps)


def arithmetic(field: Field, place: Place) -> list[Convert]:
    """The part that computed fields share with those that are read."""
    steps: list[Convert] = []
    if "formula" in field:
        steps.append(_formula(str(field["formula"]), (*place, "formula")))
    else:
        steps += _modifiers(field, place)
        if field.get("transform"):
            steps.append(compile_transform(field["transform"], (*place, "transform")))
        if field.get("match_value"):
            steps.append(_by_range(field["match_value"], (*place, "match_value")))
    if "round" in field:
        steps.append(_rounding(field["round"], (*place, "round")))
    if field.get("out_of_range") == "omit":
        steps.append(_only_within(field, place))
    if field.get("lookup"):
        steps.append(compile_lookup(field["lookup"], (*place, "lookup")))
    if field.get("time"):
        steps.append(compile_time(field["time"], (*place, "time")))
    return steps


def chained(steps: Sequence[Convert]) -> Convert | None:
    if not steps:
        return None
    if len(steps) == 1:
        return steps[0]

    def convert(value: Any, state: State) -> Any:
        for step in steps:
            if value is OMITTED:
                return OMITTED
            value = step(value, state)
        return value

    return convert


def _modifiers(field: Field, place: Place) -> list[Convert]:
    return [
        _operation(operation, number_at(field[key], (*place, key)))
        for key, (operation, _) in _MODIFIERS.items()
        if field.get(key) is not None
    ]


def _operation(operation: Callable[[Any, Any], Any], operand: Number) -> Convert:
    def convert(value: Any, state: State) -> Any:
        try:
            return operation(value, operand)
        except ArithmeticError:
            return OMITTED
        except TypeError:
            return value

    return convert


def _rounding(spec: Any, place: Place) -> Convert:
    if not isinstance(spec, int) or not 0 <= spec <= MAX_DECIMALS:
        raise SchemaError(place, f"round to 0 … {MAX_DECIMALS} decimals")

    def convert(value: Any, state: State) -> Any:
        return rounded(value, spec) if is_number(value) else value

    return convert


def _formula(text: str, place: Place) -> Convert:
    formula, weight = compile_expression(text, place)

    def convert(value: Any, state: State) -> Any:
        # The names are copied.
        state.charge(weight + len(state.names) // NAMES_COPIED_A_FIELD)
        try:
            return formula({**state.names, "x": value, "value": value})
        except (ArithmeticError, LookupError, TypeError, ValueError):
            return OMITTED

    return convert


def _only_within(field: Field, place: Place) -> Convert:
    valid = bounds(field, place)
    if valid is None:
        raise SchemaError((*place, "out_of_range"), "needs a valid_range")
    low, high = valid

    def convert(value: Any, state: State) -> Any:
        return value if not is_number(value) or low <= value <= high else OMITTED

    return convert


def bounds(field: Field, place: Place) -> tuple[Number, Number] | None:
    """`valid_range` of a field."""
    spec = field.get("valid_range")
    if spec is None:
        return None
    if not isinstance(spec, (list, tuple)) or len(spec) != 2:
        raise SchemaError((*place, "valid_range"), "expected [least, greatest]")
    low, high = (number_at(value, (*place, "valid_range")) for value in spec)
    return low, high


# --- what stands in the bits -------------------------------------------------------------------


def _decoded(field: Field, place: Place, bits: int) -> Convert:
    sentinels = field.get("sentinel") or ()
    sentinels = frozenset(sentinels if isinstance(sentinels, (list, tuple)) else (sentinels,))
    name = field.get("encoding")
    encoding = _ENCODINGS.get(str(name)) if name else None
    if name and (encoding is None or not bits):
        raise SchemaError((*place, "encoding"), f"{', '.join(_ENCODINGS)}, on a whole number")

    def convert(value: Any, state: State) -> Any:
        if value in sentinels:
            return OMITTED
        return value if encoding is None else encoding(value, bits, state)

    return convert


def _sign_magnitude(value: int, bits: int, state: State) -> int:
    top = 1 << (bits - 1)
    return -(value & (top - 1)) if value & top else value & (top - 1)


def _bcd(value: int, bits: int, state: State) -> int:
    digits = f"{value & (1 << bits) - 1:x}"
    if not digits.isdecimal():
        raise DecodeError(max(0, state.pos - bits // 8), f"{digits} are not decimal digits")
    return int(digits)


def _gray(value: int, bits: int, state: State) -> int:
    shift = 1
    while shift < bits:
        value ^= value >> shift
        shift <<= 1
    return value


_ENCODINGS: dict[str, Callable[[int, int, State], int]] = {
    "sign_magnitude": _sign_magnitude,
    "bcd": _bcd,
    "gray": _gray,
}


def _by_range(spec: Any, place: Place) -> Convert:
    """`match_value`: arithmetic by the range that the value lies in; the first that holds."""
    if not isinstance(spec, list) or not 0 < len(spec) <= MAX_STAGES:
        raise SchemaError(place, "expected a list of {when, add, mult, div}")
    cases: list[tuple[Callable[[Any], Any], int, Convert | None]] = []
    for index, case in enumerate(spec):
        inner = (*place, index)
        if not isinstance(case, Mapping):
            raise SchemaError(inner, "expected {when, add, mult, div}")
        when, weight = compile_expression(f"x {case.get('when', '>= x')}", (*inner, "when"))
        cases.append((when, weight, chained(arithmetic(case, inner))))

    def convert(value: Any, state: State) -> Any:
        for when, weight, change in cases:
            state.charge(weight)
            if when({"x": value}):
                return value if change is None else change(value, state)
        return value

    return convert


def spoken_formula(field: Field) -> str:
    """What is done to the raw value, for people."""
    if "formula" in field:
        return str(field["formula"])
    parts = [
        f"{sign} {exact(field[key])}"
        for key, (_, sign) in _MODIFIERS.items()
        if field.get(key) is not None
    ]
    stages = field.get("transform")
    for stage in stages if isinstance(stages, list) else ():
        if isinstance(stage, Mapping):
            parts += [_spoken_stage(str(key), value) for key, value in stage.items()]
    return " ".join(parts)


def _spoken_stage(key: str, value: Any) -> str:
    return f"{_MODIFIERS[key][1]} {value}" if key in _MODIFIERS else f"{key} {value}"
