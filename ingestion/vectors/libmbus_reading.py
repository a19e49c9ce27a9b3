"""Whether a record says what libmbus printed for it, in its words and with its limits.

Ours is tried first; where libmbus knows less, what it makes of the same bytes (see `libmbus.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from ingestion.codecs.mbus.header import Header, header_end, read_header
from ingestion.codecs.mbus.values import read_data, scaled
from ingestion.codecs.telegram import Item

from . import libmbus_names as names

__all__ = ["agrees"]

Published = Mapping[str, Any]
_HALF_DIGIT = Decimal("0.0000005")
_FLOAT_PRECISION = Decimal(2) ** -23
_DOUBLE_PRECISION = Decimal(2) ** -50
_NUMBER = re.compile(r"-?\d+\.\d{6}")


def agrees(octets: bytes, item: Item, record: Published) -> bool:
    """Quantity, unit and value of a published record; `item` stands for its bytes in `octets`."""
    return any(_agrees(reading, record) for reading in _readings(octets, item))


class _Reading(NamedTuple):
    """A quantity, a unit and a value that may be what the peer printed."""

    header: Header
    value: Any
    precision: Decimal


def _readings(octets: bytes, item: Item) -> Iterator[_Reading]:
    """Ours first; then what the peer makes of the same bytes, where it knows less."""
    data = header_end(octets, item.start, item.end)
    header = read_header(octets[item.start : data])
    precision = _FLOAT_PRECISION if header.coding == _REAL else _DOUBLE_PRECISION
    yield _Reading(header, item.value, precision)
    narrow = _without_modifiers(header)
    raw = octets[data : item.end]
    if narrow is not header:
        yield _Reading(narrow, read_data(narrow, raw, data).value, precision)
    # The naive reading is for what it knows less of, not for faults in ours.
    if narrow is not header or header.kind != "number" or not item.facts["valid"]:
        for value in _naively(narrow, raw):
            yield _Reading(narrow, value, precision)


_REAL, _TEXT = 0x05, 0x0D
_BCD = frozenset((9, 10, 11, 12, 14))
_TIMES = (2, 4, 6)
_PLAIN, _EXTENDED = 0x7C, (0x7B, 0x7D)
_SCALING = frozenset((*range(0x70, 0x7C), 0x7D))


def _without_modifiers(header: Header) -> Header:
    """The header as the peer understands it: the code, and the first one behind if it scales."""
    vib = header.octets[header.vib_start :]
    size = 1
    if vib[0] & 0x7F == _PLAIN:
        size += 1 + vib[1]
        if size > len(vib):  # the order of 2018, which it does not know
            return header
    elif vib[0] & 0x7F in _EXTENDED and len(vib) > 1:
        size += 1
    known, codes = vib[:size], vib[size:]
    if vib[0] & 0x7F not in _EXTENDED and codes and codes[0] & 0x7F in _SCALING:
        known, codes = vib[: size + 1], vib[size + 1 :]
    if not codes:
        return header
    if len(known) > size or vib[0] & 0x7F in _EXTENDED:
        closed = known[:-1] + bytes((known[-1] & 0x7F,))
    else:
        closed = bytes((known[0] & 0x7F,)) + known[1:]
    return read_header(header.octets[: header.vib_start] + closed)


def _naively(header: Header, raw: bytes) -> Iterator[Any]:
    """Its readings of the bytes: signs, letters and times as its code has them."""
    if header.kind == "time" and len(raw) in _TIMES:
        yield from _its_times(raw)
    if header.coding in _BCD:
        yield scaled(header, _its_digits(raw))
    elif header.coding not in (_REAL, _TEXT) and raw:
        yield scaled(header, int.from_bytes(raw, "little", signed=True))


def _its_digits(raw: bytes) -> int:
    """High half-bytes above 9 count nothing, low ones as they are; Fh on top makes a minus."""
    total = 0
    for octet in reversed(raw):
        high, low = octet >> 4, octet & 0x0F
        total = total * 100 + (high * 10 if high < 10 else 0) + low
    return -total if raw[-1] >> 4 == 0x0F else total


def _its_times(raw: bytes) -> Iterator[str]:
    """Centuries as its editions have them; an invalid time stays at the start of its calendar."""
    clock = raw[:-2] if len(raw) < 6 else raw[:3]
    low, high = raw[len(clock)], raw[len(clock) + 1]
    second, minute, hour = clock if len(clock) == 3 else (0, *clock, 0, 0)[:3]
    if minute & 0x80:
        yield "1900-01-00T00:00:00Z"
    year = low >> 5 | (high & 0xF0) >> 1
    time = f"T{hour & 31:02d}:{minute & 63:02d}:{second & 63:02d}Z" if clock else ""
    for century in {1900, 2000, 1900 + 100 * (hour >> 5 & 3)}:
        yield f"{century + year:04d}-{high & 15:02d}-{low & 31:02d}{time}"


def _agrees(reading: _Reading, record: Published) -> bool:
    header = reading.header
    if record["Quantity"] == names.RESERVED:
        number = _same_number(_bare(reading), record["Value"], reading.precision)
        same = number or _same_text(reading.value, record["Value"])
        return same and record["Unit"] == names.RESERVED
    if record["Quantity"] not in _quantities(header):
        return False
    symbols, factor = _units(header)
    if record["Unit"] not in symbols:
        return False
    if isinstance(reading.value, int | Decimal) and _NUMBER.fullmatch(record["Value"]):
        value = Decimal(reading.value) * Decimal(factor)
        return _same_number(value, record["Value"], reading.precision)
    return _same_text(reading.value, record["Value"])


def _bare(reading: _Reading) -> Decimal | None:
    """The number without the scale of a code that the peer does not know."""
    if not isinstance(reading.value, int | Decimal):
        return None
    scale = Decimal(reading.header.factor).scaleb(reading.header.exponent)
    return Decimal(reading.value) / scale


def _same_number(ours: Decimal | None, published: str, precision: Decimal) -> bool:
    if ours is None or not _NUMBER.fullmatch(published):
        return False
    theirs = Decimal(published)
    return abs(ours - theirs) <= _HALF_DIGIT + abs(theirs) * precision


def _same_text(ours: Any, published: str) -> bool:
    if isinstance(ours, datetime):
        return ours.isoformat() + "Z" == published
    if isinstance(ours, date):
        return ours.isoformat() == published
    if isinstance(ours, str) and ours.isdecimal() and _NUMBER.fullmatch(published):
        return Decimal(ours) == Decimal(published)
    if ours is None:  # a record without data
        return not published
    return isinstance(ours, str) and published in (ours, ours + ":00Z", ours + "Z")


def _quantities(header: Header) -> tuple[str, ...]:
    if header.vif[:2] in ("7c", "fc"):
        return names.PLAIN_TEXT.get(header.quantity, (header.quantity,))
    return names.QUANTITIES.get(header.quantity, ())


def _units(header: Header) -> tuple[tuple[str, ...], str]:
    if header.vif[:2] in ("7c", "fc"):
        return ("-",), "1"
    if header.quantity in names.QUANTITY_UNITS:
        return names.QUANTITY_UNITS[header.quantity], "1"
    unit = names.UNITS.get(header.unit, names.Unit((header.unit,)))
    # It has no symbol for gigajoules in its second extension.
    return ((*unit.symbols, names.RESERVED) if header.unit == "J" else unit.symbols), unit.factor
