"""Fixed layouts in batches: one structured NumPy type, a column for each field.

Columns hold what stood in the bytes as whole numbers; `exact` gives one
value as `decode` would, `scaled` all of them as integers of a decimal exponent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from ..bits import READ_AHEAD, unpack
from ..errors import DecodeError
from .state import OMITTED, Convert, Leaf, State

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Column", "Columns", "Plan", "RowLayout"]


@dataclass(frozen=True, slots=True)
class Column:
    """One field of all rows: `raw` has a row for each message, and a second axis for a list.

    A value is raw × factor + offset where `factor` is not None; else it is a label, a flag or a
    time, as `exact` says.
    """

    leaf: Leaf
    raw: NDArray[Any]
    factor: Fraction | None
    offset: Fraction
    convert: Convert | None

    @property
    def unit(self) -> str:
        return self.leaf.unit

    def exact(self, row: int) -> Any:
        """The value of one row, or OMITTED; a list where the field is one."""
        cell = self.raw[row]
        if self.raw.ndim == 1:
            return self._value(cell.item())
        values = (self._value(one) for one in cell.tolist())
        return [None if value is OMITTED else value for value in values]

    def _value(self, raw: Any) -> Any:
        if self.convert is None:
            return raw
        return self.convert(raw, State(b"", None, {}, traced=False))

    def scaled(self, exponent: int) -> NDArray[np.int64]:
        """Values × 10^exponent as whole numbers; `ValueError` where they are none."""
        if self.factor is None:
            raise ValueError(f"{self.leaf.name} is not a number")
        factor, offset = self.factor * 10**exponent, self.offset * 10**exponent
        top = factor.numerator * self.raw.astype(np.int64)
        if factor.denominator != 1 and (top % factor.denominator).any():
            raise ValueError(f"{self.leaf.name} has more digits than {exponent}")
        if offset.denominator != 1:
            raise ValueError(f"{self.leaf.name} has more digits than {exponent}")
        result: NDArray[np.int64] = top // factor.denominator + offset.numerator
        return result


Columns = Mapping[str, Column]


@dataclass(frozen=True, slots=True)
class Plan:
    """How one column comes out of the structured rows: field, then shift and mask, or bits."""

    leaf: Leaf
    key: str
    convert: Convert | None
    factor: Fraction | None
    offset: Fraction
    low: int = 0
    bits: int = 0
    signed: bool = False
    # Packed bits: first byte, width, count, byte order of the bits; or bytes to be put together.
    packed: tuple[int, int, int, str] | None = None
    joined: tuple[int, str] | None = None
    # What every row must have here, or None.
    const: Any = None


@dataclass(frozen=True, slots=True)
class RowLayout:
    """A fixed layout: the structured type of a row and how columns are taken from it."""

    size: int
    dtype: np.dtype[Any]
    plans: tuple[Plan, ...]

    def read(self, payloads: Sequence[bytes]) -> Columns:
        """Messages of one length, not shorter than the layout, as columns by name."""
        length = len(payloads[0])
        if length < self.size or any(len(payload) != length for payload in payloads):
            raise DecodeError(0, f"a batch has messages of one length, at least {self.size} bytes")
        octets = np.frombuffer(b"".join(payloads), np.uint8).reshape(len(payloads), length)
        octets = np.ascontiguousarray(octets[:, : self.size])
        rows = octets.view(self.dtype)[:, 0]
        columns = {plan.leaf.name: _column(plan, rows, octets) for plan in self.plans}
        for plan in self.plans:
            _check(plan, columns[plan.leaf.name])
        return {name: column for name, column in columns.items() if column.leaf.shown}


def _check(plan: Plan, column: Column) -> None:
    """A field that must hold one value does so in every row."""
    if plan.const is None:
        return
    wrong = np.flatnonzero(column.raw != plan.const)
    if len(wrong):
        found = column.raw[wrong[0]]
        raise DecodeError(0, f"{plan.leaf.name} is {found} in row {wrong[0]}, not {plan.const}")


def _column(plan: Plan, rows: NDArray[Any], octets: NDArray[np.uint8]) -> Column:
    if plan.packed is not None:
        raw = _unpacked(octets, *plan.packed)
    else:
        raw = rows[plan.key]
        if plan.joined is not None:
            raw = _joined(raw, *plan.joined)
        if plan.bits:
            raw = raw >> raw.dtype.type(plan.low) & raw.dtype.type((1 << plan.bits) - 1)
        if plan.signed:
            raw = _signed(raw, plan)
    return Column(plan.leaf, raw, plan.factor, plan.offset, plan.convert)


def _joined(raw: NDArray[Any], size: int, order: str) -> NDArray[Any]:
    """Bytes of 24, 40 … bits as numbers."""
    places = range(size) if order == "little" else range(size - 1, -1, -1)
    total = np.zeros(raw.shape[:-1], np.uint64)
    for byte, place in enumerate(places):
        total |= raw[..., byte].astype(np.uint64) << np.uint64(8 * place)
    return total


def _signed(raw: NDArray[Any], plan: Plan) -> NDArray[np.int64]:
    width = plan.bits or (plan.joined[0] * 8 if plan.joined else 64)
    wide = raw.astype(np.int64)
    return np.where(wide >> (width - 1) & 1, wide - (1 << width), wide) if width < 64 else wide


def _unpacked(
    octets: NDArray[np.uint8], first: int, width: int, count: int, order: str
) -> NDArray[np.int64]:
    packed = np.ascontiguousarray(octets[:, first : first + (width * count + 7) // 8])
    if order == "big":
        return unpack(packed, width, count)
    return _unpacked_little(packed, width, count)


def _unpacked_little(packed: NDArray[np.uint8], width: int, count: int) -> NDArray[np.int64]:
    """As `bits.unpack`, with the low bits of a byte first: out of 64-bit words at every byte."""
    length, size = packed.shape
    padded = np.zeros((length, size + READ_AHEAD), np.uint8)
    padded[:, :size] = packed
    words = np.ndarray((length, size + 1), "<u8", padded, 0, (size + READ_AHEAD, 1))
    starts = np.arange(count) * width
    values = words[:, starts >> 3] >> (starts & 7).astype(np.uint64)
    return (values & np.uint64((1 << width) - 1)).astype(np.int64)
