"""The fixed data structure, EN 1434-3:1997 (CI 73h, and 77h highest byte first):

    identification (4) access number (1) status (1) medium and units (2) counter 1 (4) counter 2 (4)

Of the status, bit 0 says that the counters are binary, not BCD; bit 1 that they were stored at a
fixed date. Each of the two unit bytes holds a unit (6 bits) and two bits of the medium.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from ..errors import DecodeError
from ..telegram import Item
from .media import status_words
from .transport import Transport

__all__ = ["SIZE", "read_fixed"]

SIZE = 16
_BINARY, _STORED = 0x01, 0x02
_STATE_BITS = 0xFC
_SAME_AS_FIRST = 0x3E

_MEDIA = (
    "other", "oil", "electricity", "gas", "heat", "steam", "hot water", "water",
    "heat cost allocator", "reserved", "gas (mode 2)", "heat (mode 2)", "hot water (mode 2)",
    "water (mode 2)", "heat cost allocator (mode 2)", "reserved",
)  # fmt: skip

# First code, quantity, unit, exponent of the first code, how many codes.
_DECADES = (
    (0x02, "energy", "Wh", 0, 9),
    (0x0B, "energy", "J", 3, 9),
    (0x14, "power", "W", 0, 9),
    (0x1D, "power", "J/h", 3, 9),
    (0x26, "volume", "m3", -6, 9),
    (0x2F, "volume_flow", "m3/h", -6, 9),
    (0x38, "temperature", "°C", -3, 1),
    (0x39, "hca_units", "", 0, 1),
    (0x3F, "dimensionless", "", 0, 1),
)
_UNITS: dict[int, tuple[str, str, int]] = {
    first + index: (quantity, unit, exponent + index)
    for first, quantity, unit, exponent, count in _DECADES
    for index in range(count)
}
# Digits of a clock and of a calendar: given as they stand.
_DIGITS = {0x00: "time", 0x01: "date"}


def read_fixed(
    octets: bytes, start: int, end: int, *, big_endian: bool
) -> tuple[Transport, tuple[Item, ...]]:
    """Who speaks and the two counters. Raises DecodeError if there are not exactly 16 bytes.

    Facts of a counter: quantity, function ("instantaneous"), storage (1 where it was stored at a
    fixed date), tariff 0, subunit 0, modifier "", `unit_code` as sent, valid.
    """
    if end - start != SIZE:
        raise DecodeError(start, f"the fixed structure has {SIZE} bytes, {end - start} are here")
    number = _ordered(octets[start : start + 4], big_endian=big_endian)
    access, status, units = octets[start + 4], octets[start + 5], octets[start + 6 : start + 8]
    # In mode 2 the two unit bytes are one number, sent highest byte first.
    first, second = units[::-1] if big_endian else units
    medium = _MEDIA[first >> 6 | second >> 6 << 2]
    state = status_words(status & _STATE_BITS)
    identity = {
        "id": number.hex().upper(),
        "medium": medium,
        "access_number": str(access),
        "status": f"{status:02X}",
        "status_words": state,
    }
    layers = (
        _layer(octets, "id", identity["id"], start, start + 4),
        _layer(octets, "access_number", access, start + 4, start + 5),
        _layer(octets, "status", status, start + 5, start + 6),
        _layer(octets, "medium", medium, start + 6, start + 8),
    )
    counters = _counters(octets, start, (first & 0x3F, second & 0x3F), big_endian=big_endian)
    return Transport(identity, layers, end), counters


def _counters(
    octets: bytes, start: int, codes: tuple[int, int], *, big_endian: bool
) -> tuple[Item, Item]:
    first, second = codes
    status = octets[start + 5]
    # The second may say: the same unit as the first, stored at a fixed date.
    again = second == _SAME_AS_FIRST
    stored = bool(status & _STORED)
    places = (
        ("counter_1", start + 8, first, first, stored),
        ("counter_2", start + 12, second, first if again else second, stored or again),
    )
    one, two = (
        _Counter(name, at, _ordered(octets[at : at + 4], big_endian=big_endian), sent, unit, then)
        for name, at, sent, unit, then in places
    )
    binary = bool(status & _BINARY)
    return _item(one, binary=binary), _item(two, binary=binary)


class _Counter(NamedTuple):
    """Four bytes, highest first, and where they stood."""

    name: str
    start: int
    raw: bytes
    sent: int
    code: int
    stored: bool


def _item(counter: _Counter, *, binary: bool) -> Item:
    code = counter.code
    quantity, unit, exponent = _UNITS.get(code, (_DIGITS.get(code, "reserved"), "", 0))
    number = _number(counter.raw, binary=binary)
    value = counter.raw.hex() if code in _DIGITS else _scaled(number, exponent)
    return Item(
        name=counter.name,
        value=value,
        unit=unit,
        start=counter.start,
        end=counter.start + 4,
        raw=counter.raw.hex() if number is None else str(number),
        formula=f"× 10^{exponent}" if exponent else "",
        facts={
            "quantity": quantity,
            "function": "instantaneous",
            "storage": int(counter.stored),
            "tariff": 0,
            "subunit": 0,
            "modifier": "",
            "unit_code": counter.sent,
            "valid": value is not None,
        },
    )


def _number(raw: bytes, *, binary: bool) -> int | None:
    """A counter, highest byte first; None where a digit of a decimal one is none."""
    if binary:
        return int.from_bytes(raw, "big", signed=True)
    digits = raw.hex()
    negative, body = digits[:1] == "f", digits.removeprefix("f")
    if not body.isdecimal():
        return None
    return -int(body) if negative else int(body)


def _scaled(number: int | None, exponent: int) -> int | Decimal | None:
    if number is None:
        return None
    return number * 10**exponent if exponent >= 0 else Decimal(number).scaleb(exponent)


def _ordered(raw: bytes, *, big_endian: bool) -> bytes:
    return raw if big_endian else raw[::-1]


def _layer(octets: bytes, name: str, value: str | int, start: int, end: int) -> Item:
    return Item(name=name, value=value, start=start, end=end, raw=octets[start:end].hex())
