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
from functools import lru_cache
from typing import NamedTuple

from ingestion.codecs.errors import DecodeError
from meters.catalogue import CatalogueEntry
from meters.quantities import Accumulation

from .exact import Exact, collapsed
from .units import conversion

__all__ = ["Amounts", "archive_deltas", "archive_integer", "archive_scale", "said"]

_LARGEST = 2**63 - 1
_SHOWN = Context(prec=30)


class Amounts(NamedTuple):
    """Conversion of one unit to the archive of one reading type: value × factor + offset."""

    factor: Exact
    offset: Exact


def archive_scale(unit: str, entry: CatalogueEntry) -> Amounts | None:
    """How values in a unit become archive integers; None where they measure different things."""
    return _scale(unit, entry.unit.value, entry.exponent)


@lru_cache(maxsize=1_024)
def _scale(unit: str, kept: str, exponent: int) -> Amounts | None:
    found = conversion(unit, kept)
    if found is None:
        return None
    scale = Fraction(10) ** -exponent
    return Amounts(collapsed(found.factor * scale), collapsed(found.offset * scale))


def archive_integer(value: Exact, scale: Amounts, entry: CatalogueEntry, at: int) -> int:
    """The integer to keep. DecodeError at byte `at` where it is beyond 63 bits."""
    registered = entry.accumulation == Accumulation.CUMULATIVE
    if registered and not scale.offset:
        # As below, without fractions: most of all values are registers.
        top = value.numerator * scale.factor.numerator
        return _within(top // (value.denominator * scale.factor.denominator), at)
    exact = value * scale.factor + scale.offset
    return _within(math.floor(exact) if registered else round(exact), at)


def archive_deltas(
    values: Sequence[Exact | None], base: Exact | None, scale: Amounts, at: int
) -> list[int | None]:
    """Amounts of intervals, oldest first, such that no remainder is lost between them.

    Sums are cut down, as registers are, and the differences of the sums are kept. A missing value
    begins a new sum.
    """
    known = [value for value in (base, *values) if value is not None]
    # Over one denominator everything is whole.
    common = math.lcm(*(value.denominator for value in known)) * scale.factor.denominator
    times = common * scale.factor
    return list(_carried(values, int((base or 0) * times), times, common, at))


def _carried(
    values: Sequence[Exact | None], total: int, times: Exact, common: int, at: int
) -> Iterator[int | None]:
    kept = total // common
    for value in values:
        if value is None:
            yield None
            continue
        total += int(value * times)
        before, kept = kept, total // common
        yield _within(kept - before, at)


def _within(value: int, at: int) -> int:
    if abs(value) > _LARGEST:
        raise DecodeError(at, "a value is larger than the archive can keep")
    return value


def said(value: Exact) -> Decimal | int:
    """The number for people: exact where it ends, else to thirty digits."""
    if value.denominator == 1:
        return value.numerator
    return _SHOWN.divide(Decimal(value.numerator), Decimal(value.denominator))
