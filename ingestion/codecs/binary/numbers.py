"""Exact arithmetic: whole numbers stay `int`, everything scaled is `Decimal`, nothing is a float.

Division and roots are carried to 50 digits, more than any exact quotient of a 32-bit value by a
power of two needs. A value without a number (division by zero, logarithm of nothing, overflow)
raises `ArithmeticError`, for which the caller leaves the value out.
"""

from __future__ import annotations

import math
from decimal import (
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    Context,
    Decimal,
    DivisionByZero,
    InvalidOperation,
    Overflow,
)
from typing import Any

import numpy as np

from .limits import MAX_BITS, MAX_POWER

__all__ = [
    "EXACT",
    "Number",
    "divided",
    "exact",
    "floor_divided",
    "is_number",
    "multiplied",
    "plus",
    "remainder",
    "rounded",
    "rounded_binary",
    "shortest",
    "to_power",
    "whole",
]

Number = int | Decimal

_TRAPS = [DivisionByZero, InvalidOperation, Overflow]
# Larger ones can't be written in a definition either, and as whole numbers cost too much.
EXACT = Context(prec=50, Emax=499, Emin=-499, traps=_TRAPS)
_WIDE = Context(prec=800, Emax=9_999, Emin=-9_999, traps=_TRAPS)
_TIES = {"even": ROUND_HALF_EVEN, "away": ROUND_HALF_UP}
_WIDTHS: dict[int, type[np.floating[Any]]] = {2: np.float16, 4: np.float32}


def exact(literal: Any) -> Number | None:
    """The number that a definition writes; a float is taken as its shortest decimal."""
    if isinstance(literal, bool):
        return None
    if isinstance(literal, int):
        return literal if literal.bit_length() <= MAX_BITS else None
    if isinstance(literal, (float, str, Decimal)):
        return _finite(str(literal))
    return None


def _finite(text: str) -> Number | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number.adjusted()) > 400:
        return None
    # 10.0 and 1e3 in a definition are whole numbers.
    return int(number) if number == number.to_integral_value() else number


def is_number(value: Any) -> bool:
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)


def plus(value: Number, addend: Number) -> Number:
    if isinstance(value, int) and isinstance(addend, int):
        total = value + addend
        if total.bit_length() > MAX_BITS:
            raise OverflowError("number too large")
        return total
    return EXACT.add(value, addend)


def multiplied(value: Number, factor: Number) -> Number:
    if isinstance(value, int) and isinstance(factor, int):
        product = value * factor
        if product.bit_length() > MAX_BITS:
            raise OverflowError("number too large")
        return product
    return EXACT.multiply(value, factor)


def divided(value: Number, divisor: Number) -> Decimal:
    return EXACT.divide(value, divisor)


def whole(value: Number) -> int:
    """Towards zero."""
    return int(value)


def remainder(value: Number, divisor: Number) -> int:
    """Of whole parts, with the sign of the divisor, so that a = idiv(a, b) × b + mod(a, b)."""
    return int(value) % int(divisor)


def floor_divided(value: Number, divisor: Number) -> int:
    return int(value) // int(divisor)


def to_power(value: Number, exponent: Number) -> Number:
    if not -MAX_POWER <= exponent <= MAX_POWER:
        raise OverflowError(exponent)
    return EXACT.power(value, exponent)


def rounded(value: Number, decimals: int, ties: str = "even") -> Number:
    """Of the exact decimal."""
    if isinstance(value, int):
        return value
    return value.quantize(Decimal(1).scaleb(-decimals), _TIES[ties], _WIDE)


def rounded_binary(value: Number, decimals: int, ties: str = "even") -> Number:
    """As the `round` stage of the language is fixed: ties are those of the nearest binary64.

    2.355 is stored as 2.35499…, so it becomes 2.35; 78.125 is a tie and becomes 78.12.
    """
    if isinstance(value, int):
        return value
    return rounded(Decimal(float(value)), decimals, ties)


def shortest(value: float, size: int) -> Decimal | None:
    """The shortest decimal that reads back as this float of `size` bytes; None for NaN, ±∞."""
    if not math.isfinite(value):
        return None
    kind = _WIDTHS.get(size)
    return Decimal(repr(value) if kind is None else str(kind(value)))
