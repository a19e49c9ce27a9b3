"""Which layouts are fixed, and how their columns lie in a row.

A layout is fixed where every field is of whole numbers, bits, flags or padding at a place that does
not depend on the message. The fields are walked as they are written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from ..bits import MAX_WIDTH
from .builder import Scope
from .columns import Plan, RowLayout
from .groups import widened
from .leaves import leaf_of
from .limits import MAX_ITEMS
from .numbers import exact
from .scalars import Scalar, scalar
from .values import chained, compile_values

if TYPE_CHECKING:
    from .schema import Layout

__all__ = ["row_layout"]

# A field with one of these depends on the message, or has no bytes of its own.
_VARYING = {
    *("if", "optional", "at", "peek", "match", "switch", "flagged", "tlv", "object", "fields"),
    *("$ref", "use", "formula", "name_from", "valid_range", "encoding", "sentinel", "tail", "min"),
    *("count", "until", "byte_length", "match_value", "out_of_range"),
}
_NUMPY = {1: "u1", 2: "u2", 4: "u4", 8: "u8"}


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
    plans: list[Plan] | None = None

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
    group = field["byte_group"]
    if not isinstance(group, Mapping):
        raise _Varies
    start, size = walk.place, group.get("size", group.get("bytes", 1))
    for member in group.get("fields", []):
        walk.place = start
        inner = widened(member, size, str(group.get("endian", walk.endian)))
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


def _plan(field: Mapping[str, Any], found: Scalar, key: str, **how: Any) -> Plan:
    convert = compile_values(field, (), found.bits)
    factor, offset = _affine(field)
    first = [step for step in (found.first, convert) if step is not None]
    if "const" in field:
        if first or not isinstance(field["const"], int):
            raise _Varies
        how["const"] = field["const"]
    return Plan(leaf_of(field, ()), key, chained(first), factor, offset, **how)


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
) -> tuple[Plan, int]:
    size, signed, order = found.numeric or (0, False, "")
    if size not in _NUMPY and count is not None:
        raise _Varies
    form = _form(size, order, signed=signed)
    key = walk.add(form if count is None else (form, (count,)), walk.place)
    joined = None if size in _NUMPY else (size, order)
    plan = _plan(field, found, key, joined=joined, signed=signed and joined is not None)
    return plan, size * (count or 1)


def _ranged(walk: _Walk, field: Mapping[str, Any], found: Scalar, endian: str) -> tuple[Plan, int]:
    size, signed = found.size or 0, str(field.get("type", "")).startswith("s")
    order = "little" if field.get("type") == "bool" else str(field.get("endian", endian))
    key = walk.add(_form(size, order), walk.place)
    joined = None if size in _NUMPY else (size, order)
    plan = _plan(field, found, key, low=found.low, bits=found.bits, signed=signed, joined=joined)
    return plan, int(field.get("consume", size if "bits" in field else 0) or 0)


def _packed(
    walk: _Walk, field: Mapping[str, Any], found: Scalar, endian: str, count: int | None
) -> tuple[Plan, int]:
    """A list of packed bits that fills its bytes; single ones share bytes with their neighbours."""
    if count is None or "signed" in field or str(field["type"])[0] == "s":
        raise _Varies
    if found.bits > MAX_WIDTH:
        raise _Varies
    order = str(field.get("bit_order", endian))
    plan = _plan(field, found, "", packed=(walk.place, found.bits, count, order))
    return plan, (found.bits * count + 7) // 8
