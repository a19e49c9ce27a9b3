"""What stands in the data of a record: EN 13757-3:2018, clause 6.3.3 and Annex A, exact.

Whole numbers become int, others Decimal; a binary float becomes the shortest decimal that reads
back as the same float. A value that the meter marks as invalid is None, or text where the bytes
still say something.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Context, Decimal
from typing import NamedTuple

from ..errors import DecodeError
from ..floats import float_decimal
from ..telegram import Value
from . import times
from .header import Header

__all__ = [
    "SPECIAL",
    "VARIABLE",
    "Reading",
    "data_end",
    "element_size",
    "read_data",
    "scaled",
]

SPECIAL, VARIABLE = 0x0F, 0x0D
_REAL = 0x05
_SIZES = (0, 1, 2, 3, 4, 4, 6, 8, 0, 1, 2, 3, 4, -1, 6, -1)
_NAMES = (
    "no data", "int8", "int16", "int24", "int32", "real32", "int48", "int64", "selection",
    "BCD 2", "BCD 4", "BCD 6", "BCD 8", "variable", "BCD 12", "special",
)  # fmt: skip
_INTEGERS = frozenset((1, 2, 3, 4, 6, 7))
_DECIMALS = frozenset((9, 10, 11, 12, 14))
# More digits than any number here has: nothing is ever rounded.
_EXACT = Context(prec=400)


class Reading(NamedTuple):
    """A value and whether it is a good one. `raw` is what stood there, for people."""

    value: Value
    valid: bool
    raw: str
    coding: str
    summer_time: bool = False


def data_end(coding: int, octets: bytes, start: int, end: int) -> int:
    """Where the data of a record end; raises DecodeError if they are cut short."""
    size = _SIZES[coding] if coding != VARIABLE else _variable_size(octets, start, end)
    if start + size > end:
        reason = f"{_NAMES[coding]} needs {size} bytes, {max(0, end - start)} are left"
        raise DecodeError(start, reason)
    return start + size


def element_size(coding: int) -> int:
    """Bytes of one element of a profile; 0 where elements of the kind cannot be."""
    return max(0, _SIZES[coding])


def read_data(header: Header, raw: bytes, offset: int) -> Reading:
    """The value of data that `data_end` has measured; `offset` is where they stood."""
    coding = header.coding
    if coding == VARIABLE:
        return _variable(header, raw, offset)
    name = _NAMES[coding]
    if coding in _INTEGERS:
        return _integer(header, raw, name)
    if coding in _DECIMALS:
        return _decimal(header, raw, name)
    if coding == _REAL:
        return _real(header, raw, name)
    return Reading(None, True, "", name)


def scaled(header: Header, number: int | Decimal) -> int | Decimal:
    """A number of the data in the unit of its header."""
    scale = header.scale
    product: int | Decimal
    if not isinstance(number, int):
        product = _plain(_EXACT.multiply(number, scale))
    elif isinstance(scale, int):
        product = number * scale
    else:
        product = _EXACT.multiply(number, scale)
    if header.offset_exponent is not None:
        return _plain(_EXACT.add(product, Decimal(1).scaleb(header.offset_exponent)))
    return product


def _plain(number: Decimal) -> int | Decimal:
    """Whole numbers as int wherever they came without digits behind the point."""
    if not number:
        number = abs(number)
    return number if number.as_tuple().exponent < 0 else int(number)  # type: ignore[operator]


def _integer(header: Header, raw: bytes, name: str) -> Reading:
    """Type B: the lowest number says "invalid". Types C and D have no sign."""
    if header.kind == "time" and len(raw) in times.READERS:
        return _moment(raw, name)
    if header.kind in ("flags", "unsigned"):
        number = int.from_bytes(raw, "little")
        return Reading(scaled(header, number), True, str(number), name)
    number = int.from_bytes(raw, "little", signed=True)
    if header.kind == "digits":
        return _named(header, raw, name)
    if number == -1 << (8 * len(raw) - 1):
        return Reading(None, False, str(number), name)
    return Reading(scaled(header, number), True, str(number), name)


def _named(header: Header, raw: bytes, name: str) -> Reading:
    """A number that names something, without a sign; eight bytes are a whole secondary address."""
    if len(raw) == 8 and header.quantity == "enhanced_identification":
        return Reading(raw[:4][::-1].hex().upper(), True, raw.hex(), name)
    text = str(int.from_bytes(raw, "little"))
    return Reading(text, True, text, name)


def _moment(raw: bytes, name: str) -> Reading:
    value, valid, summer_time = times.READERS[len(raw)](raw)
    return Reading(value, valid, raw.hex(), name, summer_time)


def _decimal(header: Header, raw: bytes, name: str) -> Reading:
    """Type A: two digits a byte, lowest first; Fh on top is a minus, other letters are faults."""
    digits = raw[::-1].hex()
    negative = digits[:1] == "f"
    body = digits[1:] if negative else digits
    if not body.isdecimal():
        return Reading(None, False, digits, name)
    if header.kind in ("digits", "text") and not negative:
        return Reading(digits, True, digits, name)
    number = -int(body) if negative else int(body)
    return Reading(scaled(header, number), True, digits, name)


def _real(header: Header, raw: bytes, name: str) -> Reading:
    number = float_decimal(raw[::-1])
    if number is None:
        return Reading(None, False, raw.hex(), name)
    return Reading(scaled(header, number), True, str(number), name)


# Data of variable length: the first byte says of which kind and how long they are (table 5).
# First byte, last byte, size of what follows by that byte, how it is read.
_Sized = Callable[[int], int]
_VARIABLE_KINDS: tuple[tuple[int, int, _Sized, str], ...] = (
    (0x00, 0xBF, lambda code: code, "text"),
    (0xC0, 0xC9, lambda code: code - 0xC0, "positive BCD"),
    (0xD0, 0xD9, lambda code: code - 0xD0, "negative BCD"),
    (0xE0, 0xEF, lambda code: code - 0xE0, "binary"),
    (0xF0, 0xF4, lambda code: 4 * (code - 0xEC), "binary"),
    (0xF5, 0xF5, lambda code: 48, "binary"),
    (0xF6, 0xF6, lambda code: 64, "binary"),
)


def _variable_kind(code: int, offset: int) -> tuple[int, str]:
    for first, last, size, kind in _VARIABLE_KINDS:
        if first <= code <= last:
            return size(code), kind
    raise DecodeError(offset, f"{code:02X}h is a reserved length of variable data")


def _variable_size(octets: bytes, start: int, end: int) -> int:
    if start >= end:
        raise DecodeError(start, "the data end before the length of variable data")
    return 1 + _variable_kind(octets[start], start)[0]


def _variable(header: Header, raw: bytes, offset: int) -> Reading:
    _, kind = _variable_kind(raw[0], offset)
    body = raw[1:]
    if header.profile:
        return Reading(body, True, body.hex(), "profile")
    if kind == "text":
        text = body[::-1].decode("latin-1").replace("\0", "")
        return Reading(text, True, body.hex(), kind)
    if kind == "binary":
        return _binary(header, body)
    digits = body[::-1].hex()
    if not digits.isdecimal():
        return Reading(None, not digits, digits, kind)
    number = -int(digits) if kind == "negative BCD" else int(digits)
    return Reading(scaled(header, number), True, digits, kind)


def _binary(header: Header, body: bytes) -> Reading:
    """A number up to 64 bits; longer ones are keys, pictures and other bytes."""
    if header.kind == "time" and len(body) in times.READERS:
        return _moment(body, "binary")
    if header.kind == "flags" or not 0 < len(body) <= 8:
        return Reading(body, True, body.hex(), "binary")
    signed = header.kind != "unsigned"
    number = int.from_bytes(body, "little", signed=signed)
    return Reading(scaled(header, number), True, str(number), "binary")
