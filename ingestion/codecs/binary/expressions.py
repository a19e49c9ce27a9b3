"""Formulas: arithmetic over numeric names, compiled once, exact, of bounded cost.

The grammar is Python's expressions without calls other than the functions below, attributes,
subscripts and texts. `$name` is a value decoded before, `x` (or `value`) the field's own raw value;
C's `a ? b : c` and `&&`, `||`, `!` are understood. A name without a number leaves the value out.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, NamedTuple

from .errors import Place, SchemaError
from .limits import DEAR, MAX_BITS, MAX_DECIMALS, MAX_FORMULA, MAX_NODES, NODES_A_FIELD
from .numbers import EXACT, Number, divided, exact, is_number, multiplied, plus, rounded, to_power

__all__ = ["Expression", "Formula", "compile_expression"]

Names = Mapping[str, Any]
# Gives a number or a truth; raises ArithmeticError or LookupError where there is none.
Expression = Callable[[Names], Any]


class Formula(NamedTuple):
    """weight: what one evaluation costs, in fields."""

    value: Expression
    weight: int


_REFERENCE = re.compile(r"\$([A-Za-z_]\w*)")
_TERNARY = re.compile(r"([^?]+)\?([^?:]+):([^?:]+)")


def _bounded(value: int) -> int:
    if value.bit_length() > MAX_BITS:
        raise OverflowError("number too large")
    return value


def _negated(value: Number) -> Number:
    return -value if isinstance(value, int) else EXACT.minus(value)


def _shifted(left: Number, right: Number) -> int:
    if not 0 <= right <= 64:
        raise OverflowError("shift out of range")
    return _bounded(_whole(left) << _whole(right))


def _shifted_back(left: Number, right: Number) -> int:
    if not 0 <= right <= MAX_BITS:
        raise OverflowError("shift out of range")
    return _whole(left) >> _whole(right)


def _whole(value: Number) -> int:
    if value != int(value):
        raise ArithmeticError("not a whole number")
    return int(value)


def _floor_divided(left: Number, right: Number) -> Number:
    if isinstance(left, int) and isinstance(right, int):
        return left // right
    return _floor(divided(left, right))


def _remainder(left: Number, right: Number) -> Number:
    return plus(left, _negated(multiplied(_floor_divided(left, right), right)))


def _power(left: Number, right: Number) -> Number:
    if isinstance(left, int) and isinstance(right, int) and 0 <= right <= 64:
        if left.bit_length() * right > MAX_BITS:
            raise OverflowError("power too large")
        return int(left**right)
    return to_power(left, right)


def _floor(value: Number) -> int:
    return int(Decimal(value).to_integral_value(ROUND_FLOOR))


def _ceiling(value: Number) -> int:
    return int(Decimal(value).to_integral_value(ROUND_CEILING))


def _positive(value: Number) -> Number:
    if value <= 0:
        raise ArithmeticError("no logarithm")
    return value


def _round(value: Number, decimals: Number = 0) -> Number:
    if not 0 <= decimals <= MAX_DECIMALS:
        raise OverflowError("too many decimals")
    result = rounded(value, int(decimals))
    return result if decimals else int(result)


_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: plus,
    ast.Sub: lambda left, right: plus(left, _negated(right)),
    ast.Mult: multiplied,
    ast.Div: divided,
    ast.FloorDiv: _floor_divided,
    ast.Mod: _remainder,
    ast.Pow: _power,
    ast.LShift: _shifted,
    ast.RShift: _shifted_back,
    ast.BitAnd: lambda left, right: _whole(left) & _whole(right),
    ast.BitOr: lambda left, right: _whole(left) | _whole(right),
    ast.BitXor: lambda left, right: _whole(left) ^ _whole(right),
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.UAdd: lambda value: value,
    ast.USub: _negated,
    ast.Not: operator.not_,
    ast.Invert: lambda value: ~_whole(value),
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": lambda value: value if value >= 0 else _negated(value),
    "min": min,
    "max": max,
    "int": int,
    "round": _round,
    "floor": _floor,
    "ceil": _ceiling,
    "pow": _power,
    "sqrt": lambda value: EXACT.sqrt(value),
    "log": lambda value: EXACT.ln(_positive(value)),
    "log10": lambda value: EXACT.log10(_positive(value)),
}


def compile_expression(text: str, place: Place) -> Formula:
    """The formula as a function of the names; `SchemaError` on what is not allowed in one."""
    if len(text) > MAX_FORMULA:
        raise SchemaError(place, f"a formula has at most {MAX_FORMULA} characters")
    source = _REFERENCE.sub(r"\1", text.strip()).replace("&&", " and ").replace("||", " or ")
    source = re.sub(r"!(?!=)", " not ", source)
    if choice := _TERNARY.fullmatch(source):
        source = f"({choice[2]}) if ({choice[1]}) else ({choice[3]})"
    try:
        tree = ast.parse(source.strip(), mode="eval")
        nodes = list(ast.walk(tree))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise SchemaError(place, f"not a formula: {text[:60]!r}") from error
    if len(nodes) > MAX_NODES:
        reason = f"a formula has at most {MAX_NODES} nodes, this has {len(nodes)}"
        raise SchemaError(place, reason)
    return Formula(_compiled(tree.body, place), _weight(nodes))


def _weight(nodes: list[ast.AST]) -> int:
    return 1 + sum(map(_dear, nodes)) + len(nodes) // NODES_A_FIELD


def _dear(node: ast.AST) -> int:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        exponent = node.right.value if isinstance(node.right, ast.Constant) else None
        return 1 if isinstance(exponent, int) else DEAR["pow"]
    return DEAR.get(node.id, 0) if isinstance(node, ast.Name) else 0


def _compiled(node: ast.expr, place: Place) -> Expression:
    for kind, build in _NODES:
        if isinstance(node, kind):
            return build(node, place)
    raise SchemaError(place, f"{type(node).__name__.lower()} is not allowed in a formula")


def _constant(node: ast.Constant, place: Place) -> Expression:
    number = node.value if isinstance(node.value, bool) else exact(node.value)
    if number is None or isinstance(node.value, str):
        raise SchemaError(place, f"{node.value!r} is not a number")
    return lambda names: number


def _name(node: ast.Name, place: Place) -> Expression:
    key = node.id

    def read(names: Names) -> Any:
        value = names[key]
        if not is_number(value) and not isinstance(value, bool):
            raise LookupError(key)
        return value

    return read


def _binary(node: ast.BinOp, place: Place) -> Expression:
    operation = _BINARY.get(type(node.op))
    if operation is None:
        raise SchemaError(place, f"{type(node.op).__name__} is not allowed in a formula")
    left, right = _compiled(node.left, place), _compiled(node.right, place)
    return lambda names: operation(left(names), right(names))


def _unary(node: ast.UnaryOp, place: Place) -> Expression:
    operation, operand = _UNARY[type(node.op)], _compiled(node.operand, place)
    return lambda names: operation(operand(names))


def _boolean(node: ast.BoolOp, place: Place) -> Expression:
    parts = [_compiled(value, place) for value in node.values]
    every = all if isinstance(node.op, ast.And) else any
    return lambda names: every(part(names) for part in parts)


def _comparison(node: ast.Compare, place: Place) -> Expression:
    operations = [_COMPARE.get(type(op)) for op in node.ops]
    if None in operations:
        raise SchemaError(place, "only numbers are compared in a formula")
    parts = [_compiled(value, place) for value in (node.left, *node.comparators)]

    def compare(names: Names) -> bool:
        values = [part(names) for part in parts]
        pairs = zip(operations, values, values[1:], strict=False)
        return all(op(left, right) for op, left, right in pairs if op)

    return compare


def _choice(node: ast.IfExp, place: Place) -> Expression:
    test, yes, no = (_compiled(part, place) for part in (node.test, node.body, node.orelse))
    return lambda names: yes(names) if test(names) else no(names)


def _call(node: ast.Call, place: Place) -> Expression:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name not in _FUNCTIONS or node.keywords or not node.args:
        raise SchemaError(place, f"functions of a formula are {', '.join(sorted(_FUNCTIONS))}")
    function, parts = _FUNCTIONS[name], [_compiled(part, place) for part in node.args]

    def call(names: Names) -> Any:
        try:
            return function(*(part(names) for part in parts))
        except TypeError as error:
            raise ArithmeticError(f"{name} cannot take these") from error

    return call


_NODES: tuple[tuple[Any, Callable[[Any, Place], Expression]], ...] = (
    (ast.Constant, _constant),
    (ast.Name, _name),
    (ast.BinOp, _binary),
    (ast.UnaryOp, _unary),
    (ast.BoolOp, _boolean),
    (ast.Compare, _comparison),
    (ast.IfExp, _choice),
    (ast.Call, _call),
)
