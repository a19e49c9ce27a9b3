"""Fixed layouts in batches: one structured NumPy type, a column for each field.

A layout is fixed where every field is of whole numbers, bits, flags or padding at a place that does
not depend on the message. Columns hold what stood in the bytes as whole numbers; `exact` gives one
value as `decode` would, `scaled` all of them as integers of a decimal exponent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from ..bits import MAX_WIDTH, READ_AHEAD, unpack
from ..errors import DecodeError
from .builder import Scope
from .leaves import leaf_of
from .limits import MAX_ITEMS
from .numbers import exact
from .scalars import Scalar, scalar
from .state import OMITTED, Convert, Leaf, State
from .values import chained, compile_values

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .schema import Layout

__all__ = ["Column", "Columns", "RowLayout", "row_layout"]

# A field with one of these depends on the message, or has no bytes of its own.
_VARYING = {
    *("if", "optional", "at", "peek", "match", "switch", "flagged", "tlv", "object", "fields"),
    *("$ref", "use", "formula", "name_from", "valid_range", "encoding", "sentinel", "tail", "min"),
    *("count", "until", "byte_length", "match_value", "out_of_range"),
}
_NUMPY = {1: "u1", 2: "u2", 4: "u4", 8: "u8"}


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
class _Plan:
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
    plans: tuple[_Plan, ...]

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


def _check(plan: _Plan, column: Column) -> None:
    """A field that must hold one value does so in every row."""
    if plan.const is None:
        return
    wrong = np.flatnonzero(column.raw != plan.const)
    if len(wrong):
        found = column.raw[wrong[0]]
        raise DecodeError(0, f"{plan.leaf.name} is {found} in row {wrong[0]}, not {plan.const}")


def _column(plan: _Plan, rows: NDArray[Any], octets: NDArray[np.uint8]) -> Column:
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


def _signed(raw: NDArray[Any], plan: _Plan) -> NDArray[np.int64]:
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


# --- the layout of a definition ----------------------------------------------------------------


class _Varies(Exception):
    """The layout depends on the message."""


@dataclass(slots=True)
class _Walk:
    """The structured type as far as it is laid out."""

    endian: str
    place: int = 0
    names: list[str] | None = None
    formats: list[Any] | None = None
    offsets: list[int] | None = None
    plans: list[_Plan] | None = None

    def add(self, form: Any, offset: int) -> str:
        names, formats, offsets = self.names or [], self.formats or [], self.offsets or []
        key = f"f{len(names)}"
        self.names, self.formats, self.offsets = (
            [*names, key],
            [*formats, form],
            [*offsets, offset],
        )
        return key


def row_layout(layout: Layout) -> RowLayout | None:
    """The layout as rows, or None where it is not fixed."""
    walk = _Walk(layout.endian)
    try:
        for field in layout.fields:
            _walk(walk, field)
    except _Varies:
        return None
    plans = walk.plans or []
    names = [plan.leaf.name for plan in plans]
    if not all(names) or len(set(names)) != len(names) or not names or not walk.place:
        return None
    dtype = np.dtype(
        {
            "names": walk.names or [],
            "formats": walk.formats or [],
            "offsets": walk.offsets or [],
            "itemsize": walk.place,
        }
    )
    return RowLayout(walk.place, dtype, tuple(plans))


def _walk(walk: _Walk, field: Any) -> None:
    if not isinstance(field, Mapping) or _VARYING & set(field) or field.get("type") == "object":
        raise _Varies
    if "byte_group" in field:
        _group(walk, field)
    elif field.get("type") == "skip":
        length = field.get("length", 1)
        if not isinstance(length, int) or length < 0:
            raise _Varies
        walk.place += length
    else:
        _field(walk, field, walk.endian)


def _group(walk: _Walk, field: Mapping[str, Any]) -> None:
    from .groups import widened  # noqa: PLC0415 - the groups build on what stands here

    group = field["byte_group"]
    if not isinstance(group, Mapping):
        raise _Varies
    start, size = walk.place, group.get("size", group.get("bytes", 1))
    for member in group.get("fields", []):
        walk.place = start
        inner = widened(member, size)
        if not isinstance(inner, Mapping) or _VARYING & set(inner):
            raise _Varies
        _field(walk, inner, str(group.get("endian", walk.endian)))
    walk.place = start + size


def _field(walk: _Walk, field: Mapping[str, Any], endian: str) -> None:
    scope = Scope(endian)
    kind = field.get("type")
    if not isinstance(kind, str) or kind in {"number", "integer", "repeat", "string", "enum"}:
        raise _Varies
    found = scalar(field, (), scope)
    count = field.get("repeat")
    if count is not None and (not isinstance(count, int) or not 0 < count <= MAX_ITEMS):
        raise _Varies
    if found.loose:
        plan, size = _packed(walk, field, found, endian, count)
    elif found.numeric is not None:
        plan, size = _whole(walk, field, found, count)
    elif found.low >= 0 and count is None and found.size is not None:
        plan, size = _ranged(walk, field, found, endian)
    else:
        raise _Varies
    walk.place += size
    walk.plans = [*(walk.plans or []), plan]


def _plan(field: Mapping[str, Any], found: Scalar, key: str, **how: Any) -> _Plan:
    convert = compile_values(field, (), found.bits)
    factor, offset = _affine(field)
    first = [step for step in (found.first, convert) if step is not None]
    if "const" in field:
        if first or not isinstance(field["const"], int):
            raise _Varies
        how["const"] = field["const"]
    return _Plan(leaf_of(field, ()), key, chained(first), factor, offset, **how)


def _affine(field: Mapping[str, Any]) -> tuple[Fraction | None, Fraction]:
    if {"transform", "lookup", "time", "round"} & set(field) or field.get("type") == "bool":
        return None, Fraction(0)
    numbers = {key: exact(field.get(key, 1)) or 1 for key in ("mult", "div")}
    factor = Fraction(numbers["mult"]) / Fraction(numbers["div"])
    return factor, Fraction(exact(field.get("add", 0)) or 0)


def _form(size: int, order: str, *, signed: bool = False) -> Any:
    """A NumPy format of so many bytes, or the bytes themselves."""
    if size not in _NUMPY:
        return ("u1", (size,))
    kind = _NUMPY[size].replace("u", "i") if signed else _NUMPY[size]
    return (">" if order == "big" else "<") + kind


def _whole(
    walk: _Walk, field: Mapping[str, Any], found: Scalar, count: int | None
) -> tuple[_Plan, int]:
    size, signed, order = found.numeric or (0, False, "")
    if size not in _NUMPY and count is not None:
        raise _Varies
    form = _form(size, order, signed=signed)
    key = walk.add(form if count is None else (form, (count,)), walk.place)
    joined = None if size in _NUMPY else (size, order)
    plan = _plan(field, found, key, joined=joined, signed=signed and joined is not None)
    return plan, size * (count or 1)


def _ranged(walk: _Walk, field: Mapping[str, Any], found: Scalar, endian: str) -> tuple[_Plan, int]:
    size, signed = found.size or 0, str(field.get("type", "")).startswith("s")
    order = "little" if field.get("type") == "bool" else str(field.get("endian", endian))
    key = walk.add(_form(size, order), walk.place)
    joined = None if size in _NUMPY else (size, order)
    plan = _plan(field, found, key, low=found.low, bits=found.bits, signed=signed, joined=joined)
    return plan, int(field.get("consume", size if "bits" in field else 0) or 0)


def _packed(
    walk: _Walk, field: Mapping[str, Any], found: Scalar, endian: str, count: int | None
) -> tuple[_Plan, int]:
    """A list of packed bits that fills its bytes; single ones share bytes with their neighbours."""
    if count is None or "signed" in field or str(field["type"])[0] == "s":
        raise _Varies
    if found.bits > MAX_WIDTH:
        raise _Varies
    order = str(field.get("bit_order", endian))
    plan = _plan(field, found, "", packed=(walk.place, found.bits, count, order))
    return plan, (found.bits * count + 7) // 8
