"""Content of BFW's heat cost allocator 240 radio: the maker's own, although it is announced as records.

    fillers 2F 2F
    hours since the month began (1)  1F  units at the due date (2)  units now (2)  not known (2)
    units of 18 months, the oldest first (27)  date (3)

Units have their highest byte first; two months share three bytes: low byte, both high halves, low
byte. The date is day, month, year in BCD. Sources: hours and the units at the due date and now, the
analysis in wmbusmeters/wmbusmeters, issue 266; how months and date are packed was worked out from
the telegrams published there, so for other devices of this maker it stays to be confirmed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from .makers_items import record_item
from .security import FILLERS

if TYPE_CHECKING:
    from ..telegram import Item
    from .message import Message

__all__ = ["read_bfw"]

_MAKER, _VERSION, _ALLOCATOR = "BFW", 2, 0x08
_SIZE = 40
_PREVIOUS, _CURRENT, _MONTHS, _DATE = (4, 6), (6, 8), (10, 37), (37, 40)
# Storage numbers: 0 now, 1 the due date, then the months, the latest first.
_FIRST_MONTH = 2


def read_bfw(message: Message) -> bool:
    """Reads such a content to its end. False, and nothing changed, where it is of another device."""
    meter, content = message.meter, message.rest
    if (meter.manufacturer, meter.version, meter.medium) != (_MAKER, _VERSION, _ALLOCATOR):
        return False
    if content[: len(FILLERS)] != FILLERS:
        return False
    if len(content) != _SIZE:
        message.opaque("manufacturer_data", "the maker's own content, of a length not known here")
        return True
    start, octets = message.at, bytes(message.octets)
    message.take(len(FILLERS), "apl.fillers")
    message.byte("bfw.hours", "hours since the month began")
    message.byte("bfw.kind")
    message.items += _items(octets, start, content)
    message.at = start + _SIZE
    return True


def _items(octets: bytes, start: int, content: bytes) -> Iterator[Item]:
    for storage, (begin, end) in enumerate((_CURRENT, _PREVIOUS)):
        units = int.from_bytes(content[begin:end], "big")
        yield record_item("hca_units", units, "", (start + begin, start + end), octets, storage)
    for storage, (units, place) in enumerate(_months(content), _FIRST_MONTH):
        span = (start + place, start + place + 2)
        yield record_item("hca_units", units, "", span, octets, storage)
    if day := _day(content[slice(*_DATE)]):
        yield record_item("date", day, "", (start + _DATE[0], start + _DATE[1]), octets)


def _months(content: bytes) -> Iterator[tuple[int, int]]:
    """Units and where their two bytes begin, the latest month first."""
    first, end = _MONTHS
    for place in range(end - 3, first - 1, -3):
        older, halves, later = content[place : place + 3]
        yield (halves & 0x0F) << 8 | later, place + 1
        yield (halves >> 4) << 8 | older, place


def _day(coded: bytes) -> date | None:
    """A date in BCD, None where it is none."""
    digits = coded.hex()
    if not digits.isdecimal():
        return None
    day, month, year = (int(digits[at : at + 2]) for at in (0, 2, 4))
    try:
        return date(2000 + year, month, day)
    except ValueError:
        return None
