"""Integers of the archive as people read them: scaled, grouped, with their unit."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from django.utils.formats import number_format

if TYPE_CHECKING:
    from meters.models import ReadingType

__all__ = ["Scale", "scale_of", "short"]


@dataclass(frozen=True, slots=True)
class Scale:
    """value × 10^shift is the amount in `unit`."""

    shift: int
    unit: str

    @property
    def decimals(self) -> int:
        return max(0, -self.shift)

    def exact(self, value: int | Decimal) -> Decimal:
        return Decimal(value).scaleb(self.shift)

    def text(self, value: int | Decimal | None) -> str:
        """With every decimal that the archive keeps; "" for no value."""
        if value is None:
            return ""
        return number_format(self.exact(value), self.decimals, force_grouping=True)

    def short(self, value: int | Decimal | None) -> str:
        """Rounded to what the eye takes in."""
        return "" if value is None else short(self.exact(value))


def scale_of(kind: ReadingType) -> Scale:
    """From the stored unit to the displayed one, which may be a thousand of it (Wh, kWh)."""
    thousand = kind.display_unit == f"k{kind.unit}"
    return Scale(kind.exponent - 3 * thousand, kind.display_unit)


def short(value: Decimal) -> str:
    """Three figures or so; whole numbers from a hundred on."""
    size = abs(value)
    decimals = 0 if size >= 100 or not value else 1 if size >= 10 else 2 if size >= 1 else 3
    return number_format(round(value, decimals), decimals, force_grouping=True)
