"""COSEM messages to telegrams: what is inside is found, named, scaled and placed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..errors import DecodeError
from ..telegram import Item, Telegram
from .apdu import TIME_PART, Apdu, Attribute, read_apdu
from .ciphering import Keys
from .clock import read_moment
from .items import item_of, maker_of
from .obis import code_from_octets
from .octets import Octets
from .push import Reading, readings
from .unpack import Unpacked, unpack

__all__ = ["Names", "decode_cosem", "uncovered"]

MAX_ITEMS = 4_096
NOTIFICATION_TIME = "notification_time"
_IDENTITY = {
    "list_version": "list_version",
    "meter_id": "id",
    "meter_type": "type",
    "logical_device_name": "logical_device_name",
}


def decode_cosem(octets: bytes, *, keys: Keys | None = None) -> Telegram:
    """Decode what came over HDLC, the wrapper or M-Bus frames, or an APDU or a body alone.

    Facts of an item: `obis` ("1-0:1.8.0"), `medium`, `channel`, `quantity`, `direction`,
    `function`, `phase`, `tariff`, `storage`, `layout`; of a time `dst` and the states of the clock.
    Without a code an item is named by its place, `value_0_1`. Times are aware where the deviation
    is given, else the wall clock. Identity: manufacturer, id, type, list_version, system_title,
    invocation_counter. DecodeError for anything else; a ciphered message needs `keys`, and
    `read_envelopes` tells whose.
    """
    unpacked = unpack(octets, keys)
    collected = _Collected(unpacked)
    for message in unpacked.messages:
        with message.placed():
            collected.add(message)
    return collected.telegram()


class _Collected:
    """Items of all messages of one capture."""

    def __init__(self, unpacked: Unpacked) -> None:
        self._unpacked = unpacked
        self._items: list[Item] = []
        self._names = Names()

    def add(self, message: Octets) -> None:
        if message.data[:1] == b"/":
            raise DecodeError(0, "the message holds a text, no COSEM data: decode it as obis_text")
        apdu = read_apdu(message.data)
        self._add_parts(message, apdu)
        self._add_readings(message, [one for value in apdu.values for one in _readings(value)])

    def _add_parts(self, message: Octets, apdu: Apdu) -> None:
        for part in apdu.parts:
            if part.name == TIME_PART and apdu.time:
                start, end = message.span(part.start, part.end)
                self._add(_time_item(apdu.time, start, end))
            else:
                self._unpacked.layer(part.name, message, part.start, part.end, part.raw)
        self._unpacked.behind(message, apdu.end)

    def _add_readings(self, message: Octets, found: list[Reading]) -> None:
        maker = maker_of(found)
        for each in found:
            self._add(item_of(message, each, maker))
        if maker.family:
            self._unpacked.identity["manufacturer"] = maker.family.manufacturer

    def _add(self, item: Item) -> None:
        """Add under a name not yet taken; who speaks is told by the first of each kind."""
        if len(self._items) >= MAX_ITEMS:
            raise DecodeError(0, f"more than {MAX_ITEMS} values in one message")
        key = _IDENTITY.get(item.name)
        if key and isinstance(item.value, str) and item.value:
            self._unpacked.identity.setdefault(key, item.value)
        self._items.append(self._names.named(item))

    def telegram(self) -> Telegram:
        unpacked = self._unpacked
        if not self._items:
            raise DecodeError(0, "the message holds no values")
        bare = uncovered(len(unpacked.shown), [*self._items, *unpacked.layers], "structure")
        return Telegram(
            kind="cosem",
            octets=bytes(unpacked.shown),
            items=tuple(self._items),
            identity=unpacked.identity,
            layers=tuple(sorted([*unpacked.layers, *bare], key=lambda layer: layer.start)),
            warnings=tuple(unpacked.warnings),
        )


class Names:
    """Names given so far in one telegram."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def free(self, name: str) -> str:
        """The name, or with the first number behind it that makes it a new one."""
        number = self._counts[name] = self._counts.get(name, 0) + 1
        if number == 1:
            return name
        numbered = f"{name}_{number}"
        return self.free(name) if numbered in self._counts else self.free(numbered)

    def named(self, item: Item) -> Item:
        """The item under a free name."""
        name = self.free(item.name)
        return item if name == item.name else replace(item, name=name)


def _readings(value: Attribute) -> Iterable[Reading]:
    code = code_from_octets(value.obis) if value.obis else None
    return readings(value.node, code=code)


def _time_item(octets: bytes, start: int, end: int) -> Item:
    """The time in the header of a message."""
    moment = read_moment(octets)
    facts = {"quantity": "time", **moment.facts}
    return Item(
        name=NOTIFICATION_TIME,
        value=moment.value,
        start=start,
        end=end,
        raw=octets.hex(),
        facts=facts,
    )


def uncovered(size: int, items: Iterable[Item], name: str) -> list[Item]:
    """Layers over the bytes that no item covers, so that every byte has an explanation."""
    bare, reached = [], 0
    for item in sorted(items, key=lambda item: item.start):
        if item.start > reached:
            bare.append(Item(name=name, value=None, start=reached, end=item.start))
        reached = max(reached, item.end)
    if reached < size:
        bare.append(Item(name=name, value=None, start=reached, end=size))
    return bare
