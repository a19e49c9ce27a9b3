"""Formulas of device types: arithmetic on names, exact, compiled once into closures.

The grammar is that of simpleeval without what this needs least: + - * / // % ** ( ), comparisons,
`a if test else b`, and, or, not, bit operations on whole numbers, and the functions of `FUNCTIONS`.
simpleeval itself walks the tree at each evaluation and reads 0.1 as a binary float; here a literal
is the decimal that was written and every result a fraction, so nothing is rounded.

Bounds: 1,000 characters, 200 nodes, depth 30, powers from -64 to 64, numbers of 512 bits.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

__all__ = ["FUNCTIONS", "Formula", "FormulaError", "compile_formula", "formula_weight"]

LONGEST = 1_000
MOST_NODES = 200
MOST_DEPTH = 30
MOST_BITS = 512
LARGEST_POWER = 64

Names = Mapping[str, Fraction]
# Gives the value; raises FormulaError where there is none.
Formula = Callable[[Names], Fraction]


class FormulaError(ValueError):
    """A formula that is refused, or that has no value for these names; the reason as text."""


def compile_formula(text: str, names: frozenset[str]) -> Formula:
    """A formula over these names. FormulaError for what is unknown or beyond the bounds."""
    if len(text) > LONGEST:
        raise FormulaError(f"the formula is longer than {LONGEST} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise FormulaError("this is no formula") from None
    if sum(1 for _node in ast.walk(tree)) > MOST_NODES:
        raise FormulaError(f"the formula has more than {MOST_NODES} parts")
    compiled = _Compiling(text.strip(), names).node(tree.body, 0)
    return lambda values: _guarded(compiled, values)


def formula_weight(text: str) -> int:
    """What one evaluation of a formula that compiles may cost, in microseconds or so."""
    tree = ast.parse(text.strip(), mode="eval")
    return sum(_WEIGHTS.get(type(node), 1) for node in ast.walk(tree))


def _guarded(compiled: Formula, values: Names) -> Fraction:
    try:
        return compiled(values)
    except ZeroDivisionError:
        raise FormulaError("division by zero") from None


def _bounded(value: Fraction) -> Fraction:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > MOST_BITS:
        raise FormulaError("a number of the formula grows too large")
    return value


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1 or abs(exponent) > LARGEST_POWER:
        raise FormulaError(f"powers are whole and at most {LARGEST_POWER}")
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if bits * abs(exponent) > MOST_BITS + LARGEST_POWER:
        raise FormulaError("a number of the formula grows too large")
    return Fraction(base ** int(exponent))


def _whole(value: Fraction) -> int:
    if value.denominator != 1:
        raise FormulaError("bit operations need whole numbers")
    return value.numerator


def _on_bits(work: Callable[[int, int], int]) -> Callable[[Fraction, Fraction], Fraction]:
    def combined(left: Fraction, right: Fraction) -> Fraction:
        if work in {operator.lshift, operator.rshift} and not 0 <= right <= LARGEST_POWER:
            raise FormulaError(f"shifts are from 0 to {LARGEST_POWER}")
        return Fraction(work(_whole(left), _whole(right)))

    return combined


def _floored(left: Fraction, right: Fraction) -> Fraction:
    return Fraction(left // right)


_BINARY: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: _floored,
    ast.Mod: operator.mod,
    ast.Pow: _power,
    ast.BitAnd: _on_bits(operator.and_),
    ast.BitOr: _on_bits(operator.or_),
    ast.BitXor: _on_bits(operator.xor),
    ast.LShift: _on_bits(operator.lshift),
    ast.RShift: _on_bits(operator.rshift),
}
_UNARY: dict[type[ast.unaryop], Callable[[Fraction], Fraction]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Not: lambda value: Fraction(not value),
    ast.Invert: lambda value: Fraction(~_whole(value)),
}
_COMPARE: dict[type[ast.cmpop], Callable[[Fraction, Fraction], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def _rounded(value: Fraction, digits: Fraction = Fraction(0)) -> Fraction:
    if digits.denominator != 1 or abs(digits) > LARGEST_POWER:
        raise FormulaError(f"rounding is to whole digits, at most {LARGEST_POWER}")
    return Fraction(round(value, int(digits)))


# Name → the function and how many arguments it takes, at least and at most.
FUNCTIONS: dict[str, tuple[Callable[..., Fraction], int, int]] = {
    "abs": (abs, 1, 1),
    "min": (min, 1, 16),
    "max": (max, 1, 16),
    "floor": (lambda value: Fraction(math.floor(value)), 1, 1),
    "ceil": (lambda value: Fraction(math.ceil(value)), 1, 1),
    "round": (_rounded, 1, 2),
}


# Fractions of 512 bits are reduced after each of these.
_WEIGHTS: dict[type[ast.AST], int] = {ast.BinOp: 6, ast.Pow: 6, ast.Call: 4, ast.Compare: 3}


class _Compiling:
    """Nodes of one formula → closures."""

    def __init__(self, text: str, names: frozenset[str]) -> None:
        self.text = text
        self.names = names

    def node(self, node: ast.AST, depth: int) -> Formula:
        if depth > MOST_DEPTH:
            raise FormulaError(f"the formula nests deeper than {MOST_DEPTH}")
        make = _MAKERS.get(type(node))
        if make is None:
            raise FormulaError("formulas have numbers, names and arithmetic only")
        return make(self, node, depth + 1)

    def constant(self, node: ast.Constant, depth: int) -> Formula:
        if isinstance(node.value, bool):
            value = Fraction(node.value)
        elif isinstance(node.value, int | float):
            value = self._written(node)
        else:
            raise FormulaError("formulas have numbers, names and arithmetic only")
        return lambda _values: value

    def _written(self, node: ast.Constant) -> Fraction:
        """The literal as it stands in the text; a float of Python would not be exact."""
        literal = (ast.get_source_segment(self.text, node) or "").replace("_", "")
        if isinstance(node.value, int):
            return _bounded(Fraction(node.value))
        exponent = literal.lower().partition("e")[2]
        if len(literal) > LARGEST_POWER or (exponent and abs(int(exponent)) > LARGEST_POWER):
            raise FormulaError("a number of the formula is too long")
        return Fraction(literal)

    def name(self, node: ast.Name, depth: int) -> Formula:
        name = node.id
        if name not in self.names:
            raise FormulaError(f"the formula has no name {name}")
        return lambda values: values[name]

    def binary(self, node: ast.BinOp, depth: int) -> Formula:
        left, right = self.node(node.left, depth), self.node(node.right, depth)
        work = _BINARY.get(type(node.op))
        if work is None:
            raise FormulaError("formulas have numbers, names and arithmetic only")
        return lambda values: _bounded(work(left(values), right(values)))

    def unary(self, node: ast.UnaryOp, depth: int) -> Formula:
        inner, work = self.node(node.operand, depth), _UNARY[type(node.op)]
        return lambda values: work(inner(values))

    def compare(self, node: ast.Compare, depth: int) -> Formula:
        tests = [_COMPARE.get(type(one)) for one in node.ops]
        parts = [self.node(one, depth) for one in (node.left, *node.comparators)]
        if None in tests:
            raise FormulaError("numbers are compared by == != < <= > >=")

        def compared(values: Names) -> Fraction:
            numbers = [part(values) for part in parts]
            pairs = zip(tests, numbers, numbers[1:], strict=False)
            return Fraction(all(test(left, right) for test, left, right in pairs if test))

        return compared

    def boolean(self, node: ast.BoolOp, depth: int) -> Formula:
        parts = [self.node(one, depth) for one in node.values]
        join = all if isinstance(node.op, ast.And) else any
        return lambda values: Fraction(join(part(values) for part in parts))

    def choice(self, node: ast.IfExp, depth: int) -> Formula:
        test, then = self.node(node.test, depth), self.node(node.body, depth)
        other = self.node(node.orelse, depth)
        return lambda values: then(values) if test(values) else other(values)

    def call(self, node: ast.Call, depth: int) -> Formula:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in FUNCTIONS or node.keywords:
            raise FormulaError(f"formulas know the functions {', '.join(FUNCTIONS)}")
        work, least, most = FUNCTIONS[name]
        if not least <= len(node.args) <= most:
            raise FormulaError(f"{name} takes {least} to {most} numbers")
        parts = [self.node(one, depth) for one in node.args]
        return lambda values: work(*(part(values) for part in parts))


_MAKERS: dict[type[ast.AST], Callable[[_Compiling, Any, int], Formula]] = {
    ast.Constant: _Compiling.constant,
    ast.Name: _Compiling.name,
    ast.BinOp: _Compiling.binary,
    ast.UnaryOp: _Compiling.unary,
    ast.Compare: _Compiling.compare,
    ast.BoolOp: _Compiling.boolean,
    ast.IfExp: _Compiling.choice,
    ast.Call: _Compiling.call,
}
