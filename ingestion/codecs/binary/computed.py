"""Values without bytes of their own: literals, references, polynomials, computations, sums.

Where a value that they need is absent, they are left out; so are quotients by zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..errors import DecodeError
from .builder import Builder, Part, Scope
from .conditions import compile_condition
from .errors import Place, SchemaError
from .expressions import compile_expression
from .leaves import leaf_of
from .limits import MAX_STAGES
from .numbers import Number, divided, exact, floor_divided, is_number, multiplied, plus, remainder
from .references import Reference, reference
from .state import OMITTED, Convert, State, Step, store
from .transforms import number_at
from .values import arithmetic, chained

__all__ = ["compile_computed", "compile_literal"]

Field = Mapping[str, Any]

_OPERATIONS: dict[str, Callable[[Number, Number], Number]] = {
    "add": plus,
    "sub": lambda left, right: plus(left, multiplied(right, -1)),
    "mul": multiplied,
    "div": divided,
    "mod": remainder,
    "idiv": floor_divided,
}


def compile_literal(builder: Builder, field: Field, place: Place, scope: Scope) -> Part:
    """A constant that is said but not read."""
    value = field["value"]
    number = exact(value) if not isinstance(value, str) else None
    return _part(field, place, _fixed(value if number is None else number), None)


def compile_computed(builder: Builder, field: Field, place: Place, scope: Scope) -> Part:
    source = _source(field, place)
    if source is None:
        return compile_literal(builder, field, place, scope) if "value" in field else Part(_nothing)
    steps = arithmetic({k: v for k, v in field.items() if k != "formula"}, place)
    if field.get("type") == "integer":
        steps.append(_integral(str(field.get("name", "?"))))
    guarded = field.get("guard")
    return _part(field, place, source, chained(steps), _guard(guarded, place) if guarded else None)


def _nothing(state: State) -> None:
    return


def _fixed(value: Any) -> Reference:
    return lambda state: value


def _part(
    field: Field,
    place: Place,
    source: Reference,
    convert: Convert | None,
    guard: Callable[[State], tuple[bool, Any]] | None = None,
) -> Part:
    leaf = leaf_of(field, place)

    def step(state: State) -> None:
        passed, value = (True, OMITTED) if guard is None else guard(state)
        if passed:
            value = source(state)
            if value is not OMITTED and convert is not None:
                value = convert(value, state)
        if value is OMITTED:
            state.names.pop(leaf.name, None)
        else:
            store(state, leaf, value, "", state.pos)

    named = frozenset(name for name in (leaf.name, leaf.var) if name)
    return Part(_carried(field, place, step), named)


def _carried(field: Field, place: Place, step: Step) -> Step:
    """`carry`: within a repeat, the value before the first element that sees its own last one."""
    if "carry" not in field:
        return step
    name, first = str(field.get("name", "")), reference(field["carry"], (*place, "carry"))

    def carried(state: State) -> None:
        if name not in state.names:
            state.names[name] = first(state)
        step(state)

    return carried


def _source(field: Field, place: Place) -> Reference | None:
    if "formula" in field:
        return _formula(str(field["formula"]), (*place, "formula"))
    if "running" in field:
        return _running(field["running"], (*place, "running"))
    if "ref" in field:
        return _referred(field, place)
    if "compute" in field:
        return _computed(field["compute"], (*place, "compute"))
    return None


def _formula(text: str, place: Place) -> Reference:
    formula, weight = compile_expression(text, place)

    def compute(state: State) -> Any:
        state.charge(weight)
        try:
            return formula(state.names)
        except (ArithmeticError, LookupError, TypeError, ValueError):
            return OMITTED

    return compute


def _referred(field: Field, place: Place) -> Reference:
    read = reference(field["ref"], (*place, "ref"))
    coefficients = field.get("polynomial")
    if coefficients is None:
        return read
    if not isinstance(coefficients, list) or not 0 < len(coefficients) <= MAX_STAGES:
        raise SchemaError((*place, "polynomial"), f"1 to {MAX_STAGES} coefficients")
    numbers = [number_at(each, (*place, "polynomial")) for each in coefficients]

    def evaluate(state: State) -> Any:
        value = read(state)
        if not is_number(value):
            return OMITTED
        try:
            total = numbers[0]
            for number in numbers[1:]:
                total = plus(multiplied(total, value), number)
        except ArithmeticError:
            return OMITTED
        return total

    return evaluate


def _computed(spec: Any, place: Place) -> Reference:
    if not isinstance(spec, Mapping):
        raise SchemaError(place, "expected {op, a, b}")
    operation = _OPERATIONS.get(str(spec.get("op", "add")))
    if operation is None:
        raise SchemaError((*place, "op"), f"operations are {', '.join(_OPERATIONS)}")
    left, right = (reference(spec.get(key, 0), (*place, key)) for key in ("a", "b"))

    def compute(state: State) -> Any:
        first, second = left(state), right(state)
        if not is_number(first) or not is_number(second):
            return OMITTED
        try:
            return operation(first, second)
        except ArithmeticError:
            return OMITTED

    return compute


def _guard(spec: Any, place: Place) -> Callable[[State], tuple[bool, Any]]:
    """Whether the computation is done, and what stands in its place where not."""
    if not isinstance(spec, Mapping):
        raise SchemaError((*place, "guard"), "expected {when, else}")
    when = spec.get("when") or True
    holds = compile_condition(when, (*place, "guard", "when"))
    other = spec.get("else", OMITTED)
    number = exact(other) if not isinstance(other, str) else None
    fallback = OMITTED if other is None else other if number is None else number
    return lambda state: (holds(state), fallback)


def _integral(name: str) -> Convert:
    def convert(value: Any, state: State) -> Any:
        if is_number(value) and value != int(value):
            raise DecodeError(state.pos, f"{name} is an integer but comes to {value}")
        return int(value) if is_number(value) else value

    return convert


def _running(spec: Any, place: Place) -> Reference:
    """`running: {of: $deltas, from: $counter, direction: backward}`: the counter at each step.

    The list begins with the counter itself; `forward` adds the deltas to it one by one, `backward`
    takes them away, so that its n-th value is the counter n steps ago.
    """
    if not isinstance(spec, Mapping) or "of" not in spec:
        raise SchemaError(place, "expected {of: $list, from: $counter, direction: forward}")
    direction = spec.get("direction", "forward")
    if direction not in {"forward", "backward"}:
        raise SchemaError((*place, "direction"), "forward or backward")
    deltas = reference(spec["of"], (*place, "of"))
    base = reference(spec.get("from", 0), (*place, "from"))
    sign = 1 if direction == "forward" else -1

    def sums(state: State) -> Any:
        total, steps = base(state), deltas(state)
        if not is_number(total) or not isinstance(steps, list):
            return OMITTED
        state.charge(len(steps))
        values = [total]
        for step in steps:
            if not is_number(step):
                return OMITTED
            total = plus(total, multiplied(step, sign))
            values.append(total)
        return values

    return sums
