"""Readouts to telegrams."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from ..cosem import Keys, unpack
from ..cosem.decode import Names, uncovered
from ..cosem.octets import Octets
from ..errors import DecodeError
from ..telegram import Item, Telegram
from .framing import Frame, framed, without_parity
from .heat import is_heat
from .items import items_of
from .lines import data_sets

__all__ = ["SMARTY_AUTHENTICATION_KEY", "decode_obis_text"]

# Published in the P1 specification of Luxembourg: the same for all meters there.
SMARTY_AUTHENTICATION_KEY = bytes.fromhex("00112233445566778899aabbccddeeff")
MAX_ITEMS = 4_096
_GENERAL_CIPHERING = b"\xdb"
_CIPHERED_STARTS = (b"\xdb", b"\xdd", b"\x7e")
_IDENTITY = {
    "meter_id_1": "id",
    "meter_id": "id",
    "serial_number": "id",
    "device_id": "id",
    "logical_device_name": "logical_device_name",
    "telegram_version": "version",
    "version_information": "version",
}
# M-Bus device types (EN 13757-3) that sub-meters are of.
_SUBMETERS = {
    2: "electricity",
    3: "gas",
    4: "heat",
    6: "hot water",
    7: "water",
    8: "heat cost",
    9: "compressed air",
    10: "cooling",
    11: "cooling",
    12: "heat",
    13: "heat and cooling",
    21: "hot water",
    22: "cold water",
}
_QUANTITIES = {
    "m3": "volume",
    "L": "volume",
    "kWh": "energy",
    "MWh": "energy",
    "GJ": "energy",
    "MJ": "energy",
}


def decode_obis_text(octets: bytes, *, keys: Keys | None = None, verify: bool = True) -> Telegram:
    """Decode a readout of IEC 62056-21 (modes A to D) or a P1 telegram of any version.

    Facts of an item: `obis`, `medium`, `channel` (of a sub-meter), `quantity`, `direction`,
    `function`, `phase`, `tariff`, `storage`; `time` of a value that tells it, and `dst`. Times are
    the meter's wall clock, naive; `dst` is True in summer and False in winter, where the readout
    says it. Units as sent, in the usual symbols. Logs are lists of mappings with `time`,
    `occurred`, `value`, `unit`. Ciphered telegrams (Luxembourg, Austria) need `keys`; without an
    authentication key Luxembourg's is taken. DecodeError where a checksum is wrong, unless
    `verify` is off.
    """
    text, shown, layers, identity = _opened(octets, keys)
    with text.placed():
        clear = without_parity(text.data)
        frame = framed(clear, verify=verify)
        found = data_sets(clear, frame.data, frame.end)
        heat = is_heat(found)
        items = _items([item for each in found for item in items_of(each, is_heat=heat)])
    if not items:
        raise DecodeError(text.place(frame.data), "the readout holds no values")
    placed = tuple(_placed(item, text) for item in items)
    layers = [*layers, *(_placed(layer, text) for layer in _layers(frame, clear))]
    bare = uncovered(len(shown), [*placed, *layers], "line end")
    return Telegram(
        kind="obis_text",
        octets=shown,
        items=placed,
        identity={**identity, **_identity(frame, items)},
        layers=tuple(sorted([*layers, *bare], key=lambda layer: layer.start)),
        warnings=() if frame.checksum else ("The readout has no checksum.",),
    )


def _opened(
    octets: bytes, keys: Keys | None
) -> tuple[Octets, bytes, list[Item], Mapping[str, str]]:
    """The text, what to show, and the layers around it."""
    if octets[:1] not in _CIPHERED_STARTS or b"/" in octets[:1]:
        return Octets.received(octets), octets, [], {}
    if keys is not None and not keys.authentication and octets[:1] == _GENERAL_CIPHERING:
        keys = replace(keys, authentication=SMARTY_AUTHENTICATION_KEY)
    unpacked = unpack(octets, keys)
    text = Octets.joined(unpacked.messages)
    return text, bytes(unpacked.shown), unpacked.layers, unpacked.identity


def _items(found: list[Item]) -> list[Item]:
    """Unique names, and what a sub-meter's type says of its readings."""
    if len(found) > MAX_ITEMS:
        raise DecodeError(0, f"more than {MAX_ITEMS} values in one readout")
    about = _submeters(found)
    names = Names()
    return [names.named(_with_submeter(item, about)) for item in found]


def _submeters(found: list[Item]) -> dict[int, dict[str, Any]]:
    """By channel: medium and id, as far as the readout tells them."""
    about: dict[int, dict[str, Any]] = {}
    for item in found:
        channel = item.facts.get("channel", 0)
        if not channel or item.facts.get("medium") != "abstract":
            continue
        of = about.setdefault(channel, {})
        if item.name.startswith("device_type") and isinstance(item.value, int):
            of |= {"medium": _SUBMETERS[item.value]} if item.value in _SUBMETERS else {}
        elif item.name.startswith(("meter_id", "device_id")) and item.value:
            of["submeter"] = str(item.value)
    return about


def _with_submeter(item: Item, about: Mapping[int, Mapping[str, Any]]) -> Item:
    if item.facts.get("medium") != "abstract" or not item.facts.get("channel"):
        return item
    facts = {**item.facts, **about.get(item.facts["channel"], {})}
    if item.facts.get("quantity") == "reading" and item.unit in _QUANTITIES:
        facts["quantity"] = _QUANTITIES[item.unit]
    return replace(item, facts=facts)


def _placed(item: Item, text: Octets) -> Item:
    start, end = text.span(item.start, item.end)
    if (start, end) == (item.start, item.end):
        return item
    return replace(item, start=start, end=end)


def _layers(frame: Frame, clear: bytes) -> list[Item]:
    """Identification, end mark and checksum."""
    pieces = (
        ("before the readout", 0, frame.start),
        ("identification", frame.start, frame.data),
        ("end mark", frame.end, min(frame.end + 1, frame.stop)),
        (frame.checksum or "checksum", frame.end + 1, frame.stop),
        ("behind the readout", frame.stop, len(clear)),
    )
    return [
        Item(name=name, value=None, start=start, end=end, raw=clear[start:end].decode("latin-1"))
        for name, start, end in pieces
        if end > start
    ]


def _identity(frame: Frame, items: list[Item]) -> Mapping[str, str]:
    identity = {"manufacturer": frame.maker, "model": frame.model} if frame.maker else {}
    for item in items:
        key = _IDENTITY.get(item.name)
        if key and isinstance(item.value, str | int | Decimal) and item.value != "":
            value = item.value if isinstance(item.value, str) else item.raw
            identity.setdefault(key, value)
    return identity
