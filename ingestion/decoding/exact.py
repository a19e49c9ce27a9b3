"""Exact numbers: whole ones as int, all others as Fraction.

Most numbers of meters are whole, and int is ten times as quick. Never divide two of them by `/`:
that of two ints is a float; `quotient` is exact.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

__all__ = ["Exact", "as_number", "collapsed", "quotient"]

Exact = int | Fraction
# Beyond this no meter counts; a Fraction of such a number would take the memory instead.
_LARGEST_EXPONENT = 400


def collapsed(value: Fraction) -> Exact:
    """A whole number as int."""
    return value.numerator if value.denominator == 1 else value


def quotient(value: Exact, divisor: Exact) -> Exact:
    """Exact division; the divisor is not 0."""
    return collapsed(Fraction(value) / divisor)


def as_number(value: Any) -> Exact | None:
    """The exact number of a decoded value; None where it is none."""
    if isinstance(value, int):
        return None if isinstance(value, bool) else value
    if isinstance(value, Fraction):
        return collapsed(value)
    if not isinstance(value, Decimal) or not value.is_finite():
        return None
    return collapsed(Fraction(value)) if abs(value.adjusted()) < _LARGEST_EXPONENT else None
