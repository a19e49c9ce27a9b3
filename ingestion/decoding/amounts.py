"""Numbers of telegrams → exact integers of the archive.

The archive keeps integers of unit × 10^exponent of the reading type. Registers are cut down to
that, never up: what is cut off is in the next register, so nothing is lost and nothing is booked
before it was used. What a sensor shows is rounded half to even.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from decimal import Context, Decimal
from fractions import Fraction
from typing import NamedTuple

from ingestion.codecs.errors import DecodeError
from meters.catalogue import CatalogueEntry
from meters.quantities import Accumulation

from .units import conversion

__all__ = ["Amounts", "archive_deltas", "archive_integer", "archive_scale", "said"]

_LARGEST = 2**63 - 1
_SHOWN = Context(prec=30)


class Amounts(NamedTuple):
    """Conversion of one unit to the archive of one reading type: value × factor + offset."""

    factor: Fraction
    offset: Fraction


def archive_scale(unit: str, entry: CatalogueEntry) -> Amounts | None:
    """How values in a unit become archive integers; None where they measure different things."""
    found = conversion(unit, str(entry.unit))
    if found is None:
        return None
    scale = Fraction(10) ** -entry.exponent
    return Amounts(found.factor * scale, found.offset * scale)


def archive_integer(value: Fraction, scale: Amounts, entry: CatalogueEntry, at: int) -> int:
    """The integer to keep. DecodeError at byte `at` where it is beyond 63 bits."""
    exact = value * scale.factor + scale.offset
    registered = entry.accumulation == Accumulation.CUMULATIVE
    return _within(math.floor(exact) if registered else round(exact), at)


def archive_deltas(
    values: Sequence[Fraction | None], base: Fraction | None, scale: Amounts, at: int
) -> list[int | None]:
    """Amounts of intervals, oldest first, such that no remainder is lost between them.

    Sums are cut down, as registers are, and the differences of the sums are kept. A missing value
    begins a new sum.
    """
    return list(_carried(values, base or Fraction(0), scale.factor, at))


def _carried(
    values: Sequence[Fraction | None], base: Fraction, factor: Fraction, at: int
) -> Iterator[int | None]:
    exact = base * factor
    for value in values:
        if value is None:
            yield None
            continue
        after = exact + value * factor
        yield _within(math.floor(after) - math.floor(exact), at)
        exact = after


def _within(value: int, at: int) -> int:
    if abs(value) > _LARGEST:
        raise DecodeError(at, "a value is larger than the archive can keep")
    return value


def said(value: Fraction) -> Decimal | int:
    """The number for people: exact where it ends, else to thirty digits."""
    if value.denominator == 1:
        return value.numerator
    return _SHOWN.divide(Decimal(value.numerator), Decimal(value.denominator))
