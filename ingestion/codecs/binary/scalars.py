"""Types of single values: what a `type` reads.

| type | reads |
|---|---|
| u8 … u64, s8 … s64 (any whole bytes; uint, int, i; le_, be_) | whole number |
| u8[3:4], u16[0:11], s16[4:15]; bits<3,2>; bits:2@3; u8[3+:2] | a range of bits, 0 is the least |
| u8 with `bits: [7, 5]` | the same, and moves on |
| u8:3, bits3, sbits12 | bits right behind the ones before |
| f16 f32 f64, udec sdec, uflt16 sflt16 sflt24, u32le16 … | fractions |
| bcd, sbcd | packed decimal digits |
| bool, enum, bytes, hex, base64, ascii, bitfield_string | |
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from . import readers
from .builder import ENDIANS, Scope
from .errors import Place, SchemaError
from .labels import compile_values_table, parts_text
from .limits import MAX_WIDTH
from .references import Reference, size_reference
from .state import OMITTED, Convert, Read

__all__ = ["Scalar", "endian_of", "length_of", "scalar"]

Field = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Scalar:
    """A reader, the bytes it looks at (None where they vary), and the width of a whole number.

    `low` is the first bit of a range, -1 where whole bytes are read. `numeric` types are integers
    of whole bytes that NumPy can read too, as (size, signed, endian).
    """

    read: Read
    size: int | None = None
    bits: int = 0
    low: int = -1
    first: Convert | None = None
    loose: bool = False
    numeric: tuple[int, bool, str] | None = None


_INTEGER = re.compile(r"(?:(le|be)_)?(u|s|i|uint|int)(\d{1,3})")
_RANGE = re.compile(r"(?:(le|be)_)?([us])(\d{1,3})\[(\d{1,3})(?:(\+?:)(\d{1,3}))?\]")
_OFFSET = re.compile(r"bits(?:<(\d{1,3}), ?(\d{1,3})>|:(\d{1,3})@(\d{1,3}))")
_PACKED = re.compile(r"(?:([us])\d{1,3}:|(s?)bits)(\d{1,2})")
_WORDS = re.compile(r"([usf])32(le16|be16le)")
# Long names, whose width is a length in bytes.
_LONG = {"uint": "u", "sint": "s", "int": "s"}
_FLOATS = {"f16": 2, "f32": 4, "f64": 8, "float": 4, "double": 8}
_MINIFLOATS = ("uflt16", "sflt16", "sflt24")


def endian_of(field: Field, place: Place, scope: Scope) -> str:
    endian = field.get("endian", scope.endian)
    if endian not in ENDIANS:
        raise SchemaError((*place, "endian"), "big or little")
    return str(endian)


def length_of(field: Field, place: Place, default: int = 1) -> Reference | None:
    """`length` in bytes; None for `remaining`."""
    spec = field.get("length", default)
    if spec == "remaining" or (isinstance(spec, int) and spec < 0):
        return None
    return size_reference(spec, (*place, "length"))


def scalar(field: Field, place: Place, scope: Scope, *, consume: int | None = None) -> Scalar:
    """The reader that `type` asks for. `consume` overrides how far a range of bits moves on."""
    kind = str(field.get("type", "u8")).strip().lower()
    if kind in _LONG and isinstance(field.get("length"), int):
        kind = f"{_LONG[kind]}{8 * field['length']}"
    endian = endian_of(field, place, scope)
    if consume is None and isinstance(field.get("consume"), int):
        consume = int(field["consume"])
    found = _bits(kind, field, endian, consume, place) or _numeric(kind, field, endian, place)
    build = _OTHERS.get(kind)
    if found is None and build is not None:
        found = build(field, place, endian, consume)
    if found is None:
        raise SchemaError((*place, "type"), f"no type {kind!r}")
    return found


def _width(text: str, place: Place) -> int:
    width = int(text)
    if not 0 < width <= MAX_WIDTH:
        raise SchemaError((*place, "type"), f"1 to {MAX_WIDTH} bits")
    return width


def _bytes(text: str, place: Place) -> int:
    width = _width(text, place)
    if width % 8:
        raise SchemaError((*place, "type"), "whole bytes; use bits… for others")
    return width // 8


def _order(prefix: str | None, endian: str) -> str:
    return {"le": "little", "be": "big"}.get(prefix or "", endian)


# --- ranges of bits ----------------------------------------------------------------------------


def _bits(kind: str, field: Field, endian: str, consume: int | None, place: Place) -> Scalar | None:
    if found := _RANGE.fullmatch(kind):
        prefix, sign, width, first, how, second = found.groups()
        low, high = int(first), int(second or first)
        if how == "+:":
            high = low + high - 1
        size = _bytes(width, place)
        order = _order(prefix, endian)
        return _ranged(size, min(low, high), max(low, high), order, sign == "s", consume, place)
    if found := _OFFSET.fullmatch(kind):
        low, width_ = int(found[1] or found[4]), int(found[2] or found[3])
        size = (low + width_ + 7) // 8
        return _ranged(size, low, low + width_ - 1, endian, False, consume, place)
    if found := _PACKED.fullmatch(kind):
        return _packed(found, field, endian, place)
    return None


def _ranged(
    size: int, low: int, high: int, order: str, signed: bool, consume: int | None, place: Place
) -> Scalar:
    if high >= size * 8 or size * 8 > MAX_WIDTH:
        raise SchemaError((*place, "type"), f"bits 0 to {size * 8 - 1}")
    if consume is not None and not 0 <= consume <= MAX_WIDTH:
        raise SchemaError((*place, "consume"), "a few bytes")
    width = high - low + 1
    read = readers.bit_field(size, low, width, order, signed=signed, consume=consume or 0)
    return Scalar(read, size, bits=width, low=low)


def _packed(found: re.Match[str], field: Field, endian: str, place: Place) -> Scalar:
    width = _width(found[3], place)
    signed = found[1] == "s" or found[2] == "s" or bool(field.get("signed"))
    # The sequential form of the language takes high bits first.
    order = "big" if found[1] else str(field.get("bit_order", endian))
    if order not in ENDIANS:
        raise SchemaError((*place, "bit_order"), "big or little")
    count = field.get("count") if "repeat" not in field else field["repeat"]
    counted = None if count is None else size_reference(count, (*place, "repeat"))
    read = readers.packed(width, order, signed=signed, count=counted)
    return Scalar(read, None, bits=width, loose=True)


def _key_range(size: int, field: Field, endian: str, signed: bool, place: Place) -> Scalar:
    """`bits: [high, low]` or `bits: n` beside a whole number: moves on by all of its bytes."""
    spec = field["bits"]
    ends = list(spec) if isinstance(spec, (list, tuple)) else [spec, spec]
    if len(ends) != 2 or not all(isinstance(end, int) and end >= 0 for end in ends):
        raise SchemaError((*place, "bits"), "expected [high, low] or one bit")
    consume = field.get("consume", size)
    low, high = sorted(ends)
    return _ranged(size, low, high, endian, signed, consume, (*place, "bits"))


# --- numbers -----------------------------------------------------------------------------------


def _numeric(kind: str, field: Field, endian: str, place: Place) -> Scalar | None:
    if found := _INTEGER.fullmatch(kind):
        size = _bytes(found[3], place)
        order = _order(found[1], endian)
        signed = not found[2].startswith("u")
        if field.get("bits") is not None:
            return _key_range(size, field, order, signed, place)
        # A code of its own (BCD, Gray) is one of the bits, not of a signed number.
        if field.get("encoding"):
            signed = False
        read = readers.integer(size, order, signed=signed)
        return Scalar(read, size, bits=size * 8, numeric=(size, signed, order))
    if kind in _FLOATS:
        return Scalar(readers.floating(_FLOATS[kind], endian), _FLOATS[kind])
    if found := _WORDS.fullmatch(kind):
        return Scalar(readers.word_ordered(found[1], low_first=found[2] == "le16"), 4)
    if kind in _MINIFLOATS:
        return Scalar(*readers.minifloat(kind, endian))
    return None


# --- everything else ---------------------------------------------------------------------------


def _boolean(field: Field, place: Place, endian: str, consume: int | None) -> Scalar:
    bit = field.get("bit", 0)
    if not isinstance(bit, int) or not 0 <= bit < MAX_WIDTH:
        raise SchemaError((*place, "bit"), "a bit from 0")
    return Scalar(readers.one_bit(bit, consume or 0), bit // 8 + 1, bits=1, low=bit)


def _enum(field: Field, place: Place, endian: str, consume: int | None) -> Scalar:
    size = field.get("size")
    base = field.get("base", f"u{8 * size}" if isinstance(size, int) else "u8")
    inner = {"type": base, "consume": consume}
    read = scalar(inner, place, Scope(endian))
    values = field.get("values")
    if values is None:
        return read
    table = compile_values_table(values, field.get("default", OMITTED), (*place, "values"))
    return Scalar(read.read, read.size, read.bits, read.low, table)


def _spelled_bits(field: Field, place: Place, endian: str, consume: int | None) -> Scalar:
    length = field.get("length", 2)
    if not isinstance(length, int) or not 0 < length <= 256:
        raise SchemaError((*place, "length"), "1 to 256 bytes")
    if "parts" not in field:
        # Byte by byte, in the order they come.
        endian, parts = "big", [[8 * byte, 8] for byte in reversed(range(min(length, 32)))]
        field = {**field, "parts": parts}
    read = readers.integer(length, endian, signed=False)
    return Scalar(read, length, bits=length * 8, first=parts_text(field, place))


def _formed(form: Callable[[bytes], Any]) -> Callable[..., Scalar]:
    def build(field: Field, place: Place, endian: str, consume: int | None) -> Scalar:
        return Scalar(readers.octets(length_of(field, place), form))

    return build


def _octets(field: Field, place: Place, endian: str, consume: int | None) -> Scalar:
    name, separator = str(field.get("format", "hex")), str(field.get("separator", ""))
    form = readers.FORMS.get(name)
    if form is None:
        raise SchemaError((*place, "format"), f"formats are {', '.join(readers.FORMS)}")
    if len(separator) > 8:
        raise SchemaError((*place, "separator"), "at most 8 characters")
    if separator:
        form = readers.hexadecimal(separator, upper=name.endswith("upper"))
    return Scalar(readers.octets(length_of(field, place), form))


def _digits(*, signed: bool) -> Callable[..., Scalar]:
    def build(field: Field, place: Place, endian: str, consume: int | None) -> Scalar:
        size = length_of(field, place)
        if size is None:
            raise SchemaError((*place, "length"), "packed digits need a length")
        return Scalar(readers.decimal_digits(size, endian, signed=signed))

    return build


def _nibbles(*, signed: bool) -> Callable[..., Scalar]:
    return lambda field, place, endian, consume: Scalar(readers.nibble_decimal(signed=signed), 1)


_OTHERS: dict[str, Callable[..., Scalar]] = {
    "bool": _boolean,
    "enum": _enum,
    "bitfield_string": _spelled_bits,
    "version_string": _spelled_bits,
    "bytes": _octets,
    "hex": _formed(readers.FORMS["hex"]),
    "hex:upper": _formed(readers.FORMS["hex:upper"]),
    "base64": _formed(readers.FORMS["base64"]),
    "ascii": _formed(readers.FORMS["ascii"]),
    "string": _formed(readers.FORMS["utf8"]),
    "bcd": _digits(signed=False),
    "sbcd": _digits(signed=True),
    "udec": _nibbles(signed=False),
    "sdec": _nibbles(signed=True),
}
