"""Contents of Techem's own, behind CI A0 to A2, as analyses of them were published.

    kind (1)  day of the last reading (2)  value then (2 or 3)
    today (1 or 2)  consumption since (2 or 3)  …

Lowest byte first. A day has 5 bits, its month 4, its year 7; today's year is not sent, it is the
next such day after that of the reading. Nothing checks these bytes, so only devices whose layout is
known by type and version are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from .makers_items import record_item

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..telegram import Item
    from .message import Message

__all__ = ["read_techem"]

_MAKER = "TCH"
_CI = range(0xA0, 0xA3)
_DAY_READ = (1, 3)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Places count from the byte behind the CI field. `factor` leads to `unit`.

    A meter goes on from its last reading, an allocator begins anew: `goes_on`. `sent` is the day of
    the telegram.
    """

    quantity: str
    unit: str
    factor: Decimal
    read: tuple[int, int]
    since: tuple[int, int]
    sent: tuple[int, int] | None = None
    goes_on: bool = True
    temperatures: tuple[tuple[str, tuple[int, int]], ...] = ()

    @property
    def size(self) -> int:
        """Bytes that must be there."""
        return max(end for _, end in (self.since, *(span for _, span in self.temperatures)))


_WATER = _Layout("volume", "m3", Decimal("0.1"), (3, 5), (7, 9), (5, 7))
# (device type, version) → what it sends.
_LAYOUTS = {
    (0x62, 0x74): _WATER,  # mk-radio 3, warm
    (0x72, 0x74): _WATER,  # mk-radio 3, cold
    (0x43, 0x39): _Layout("energy", "Wh", Decimal(1000), (3, 6), (7, 10)),  # compact V
    (0xC3, 0x27): _Layout("energy", "J", Decimal(1_000_000), (3, 6), (7, 10)),  # vario 4
    (0x80, 0x69): _Layout(  # FHKV data III
        "hca_units",
        "",
        Decimal(1),
        (3, 5),
        (7, 9),
        (5, 7),
        goes_on=False,
        temperatures=(("room_temperature", (9, 11)), ("radiator_temperature", (11, 13))),
    ),
}


def read_techem(message: Message, key: bytes | None) -> bool:  # noqa: ARG001  as all readers
    """Reads such a content to its end. False, and nothing changed, where it is none."""
    sender, content = message.sender, message.rest
    ci = message.octets[message.at - 1]
    layout = _LAYOUTS.get((sender.octets[7], sender.version))
    if sender.manufacturer != _MAKER or ci not in _CI or layout is None:
        return False
    if len(content) < layout.size or _day_read(content) is None:
        return False
    start = message.at
    message.byte("techem.kind")
    message.items += _items(layout, bytes(message.octets), start, content)
    message.at = start + layout.size
    if message.left:
        message.opaque("manufacturer_data", "history and state")
    return True


def _items(layout: _Layout, octets: bytes, start: int, content: bytes) -> Iterator[Item]:
    def placed(span: tuple[int, int]) -> tuple[int, int]:
        return start + span[0], start + span[1]

    def number(span: tuple[int, int]) -> int:
        return int.from_bytes(content[slice(*span)], "little")

    before, since = number(layout.read), number(layout.since)
    day = _day_read(content)
    total = (before * layout.goes_on + since) * layout.factor
    span = (layout.read[0] if layout.goes_on else layout.since[0], layout.since[1])
    yield record_item(layout.quantity, _plain(total), layout.unit, placed(span), octets)
    read = _plain(before * layout.factor)
    yield record_item(layout.quantity, read, layout.unit, placed(layout.read), octets, 1)
    yield record_item("date", day, "", placed(_DAY_READ), octets, 1)
    if layout.sent and day and (sent := _next_day(number(layout.sent), day)):
        yield record_item("date", sent, "", placed(layout.sent), octets)
    for quantity, place in layout.temperatures:
        degrees = Decimal(number(place)).scaleb(-2)
        yield record_item(quantity, degrees, "°C", placed(place), octets)


def _plain(number: Decimal) -> Decimal | int:
    return int(number) if number == int(number) and number.as_tuple().exponent == 0 else number


def _day_read(content: bytes) -> date | None:
    coded = int.from_bytes(content[slice(*_DAY_READ)], "little")
    return _day(2000 + (coded >> 9), coded >> 5 & 0x0F, coded & 0x1F)


def _next_day(coded: int, read: date) -> date | None:
    """The next day after `read` with the day and month that stand in these bits."""
    days = (_day(year, coded >> 9 & 0x0F, coded >> 4 & 0x1F) for year in (read.year, read.year + 1))
    return next((day for day in days if day and day > read), None)


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
