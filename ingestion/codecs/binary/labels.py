"""Tables that turn numbers into words: `lookup`, `enum`, and bits spelled as text."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ..errors import DecodeError
from .errors import Place, SchemaError
from .limits import MAX_NAME, MAX_STAGES
from .numbers import is_number
from .references import spoken
from .state import OMITTED, Convert, State

__all__ = ["compile_lookup", "compile_values_table", "integer_key", "parts_text"]

_VALUE = "${value}"


def integer_key(key: Any) -> int | None:
    """A key of a table as a whole number: 1, "1", "0x1F", 1.0."""
    if isinstance(key, bool):
        return None
    if isinstance(key, (int, float, Decimal)):
        return int(key) if key == int(key) else None
    try:
        return int(str(key), 0)
    except ValueError:
        pass
    try:
        return int(str(key))
    except ValueError:
        return None


def compile_lookup(spec: Any, place: Place) -> Convert:
    """A list is counted from 0 and refuses what lies beyond it; a mapping may have gaps.

    A gap takes `default` (which may quote `${value}`), else the field is left out.
    """
    if isinstance(spec, (list, tuple)):
        return _counted(list(spec))
    if isinstance(spec, Mapping):
        return _mapped(spec, place)
    raise SchemaError(place, "expected a list or a mapping of labels")


def _index(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    return value


def _counted(labels: list[Any]) -> Convert:
    def convert(value: Any, state: State) -> Any:
        index = _index(value)
        if isinstance(index, int) and 0 <= index < len(labels):
            return labels[index]
        if not is_number(value):
            return value
        raise DecodeError(state.pos, f"{value} is not in a table of {len(labels)} labels")

    return convert


def _mapped(spec: Mapping[Any, Any], place: Place) -> Convert:
    labels = {}
    for key, label in spec.items():
        number = integer_key(key)
        labels[key if number is None else number] = label
    default = labels.pop("default", OMITTED)
    quoted = isinstance(default, str) and _VALUE in default
    if quoted and len(default) > MAX_NAME:
        raise SchemaError((*place, "default"), f"at most {MAX_NAME} characters")

    def convert(value: Any, state: State) -> Any:
        label = labels.get(_index(value), OMITTED)
        if label is not OMITTED:
            return label
        return default.replace(_VALUE, spoken(value)[:MAX_NAME]) if quoted else default

    return convert


def compile_values_table(spec: Any, default: Any, place: Place) -> Convert:
    """`values` of an enum: what is not in it takes the default, or is said to be unknown."""
    if isinstance(spec, (list, tuple)):
        spec = dict(enumerate(spec))
    if not isinstance(spec, Mapping):
        raise SchemaError(place, "expected the labels of the enum")
    labels = {integer_key(key): _label(label) for key, label in spec.items()}

    def convert(value: Any, state: State) -> Any:
        if value in labels:
            return labels[value]
        return f"unknown({value})" if default is OMITTED else default

    return convert


def _label(label: Any) -> Any:
    return label["name"] if isinstance(label, Mapping) and "name" in label else label


_PART_FORMATS = {"decimal": "d", "hex": "x", "hex:upper": "X"}


def parts_text(field: Mapping[str, Any], place: Place) -> Convert:
    """`bitfield_string`: bits of a number, each part spelled, joined: v1.2.52."""
    parts = [
        _part(part, (*place, "parts", index)) for index, part in enumerate(_parts(field, place))
    ]
    prefix, delimiter = str(field.get("prefix", "")), str(field.get("delimiter", "."))
    if len(prefix) + len(delimiter) > MAX_NAME:
        raise SchemaError(place, f"prefix and delimiter have at most {MAX_NAME} characters")

    def convert(value: Any, state: State) -> str:
        spelled = (format(value >> low & mask, form) for low, mask, form in parts)
        return prefix + delimiter.join(spelled)

    return convert


def _parts(field: Mapping[str, Any], place: Place) -> list[Any]:
    parts = field.get("parts", [])
    if not isinstance(parts, list) or len(parts) > MAX_STAGES:
        raise SchemaError((*place, "parts"), "expected a list of [first bit, width, format]")
    return parts


def _part(part: Any, place: Place) -> tuple[int, int, str]:
    if not isinstance(part, (list, tuple)) or not 2 <= len(part) <= 3:
        raise SchemaError(place, "expected [first bit, width, format]")
    low, width = part[0], part[1]
    form = _PART_FORMATS.get(str(part[2]) if len(part) == 3 else "decimal")
    if not isinstance(low, int) or not isinstance(width, int) or form is None:
        raise SchemaError(place, f"bits are numbers, formats are {', '.join(_PART_FORMATS)}")
    if not 0 <= low <= 2_048 or not 0 < width <= 2_048:
        raise SchemaError(place, "bits out of range")
    return low, (1 << width) - 1, form
