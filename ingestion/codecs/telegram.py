"""What a telegram says, item by item, with the bytes that say it: what every kind of codec gives.

The universal protocol has columns of its own (`columns.py`); all other kinds decode to this. Spans
count bytes in `Telegram.octets`, which is what was received, or its plaintext where it was
encrypted: an editor colours them, a lineage page explains them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

__all__ = ["NOTHING", "Item", "Telegram", "Value"]

# Numbers are exact: never a float. An aware datetime is an instant; a naive one is the wall clock
# of the meter, whose zone only its company knows. A list or a mapping is a repeat or an object.
Value = Decimal | int | str | bool | bytes | datetime | date | list[Any] | Mapping[str, Any] | None

NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing said.

    `name` is unique in its telegram where the kind can make it so. `unit` is a symbol: m3, L, kWh,
    Wh, J, W, m3/h, °C, K, bar, V, A, var, varh, VA, Hz, %, s, count; "" for none. `raw` is what
    stood in the bytes and `formula` what was done to it, both for people. `facts` are what a
    mapping may ask for (quantity, function, storage, tariff, subunit, obis …), in the words of the
    kind's module.
    """

    name: str
    value: Value
    unit: str = ""
    start: int = -1
    end: int = -1
    raw: str = ""
    formula: str = ""
    facts: Mapping[str, Any] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Telegram:
    """One decoded message.

    `identity` tells who speaks (manufacturer, id, version, medium, system_title … as text).
    `layers` are the bytes around the items: headers, checksums, padding. `warnings` are sentences
    for people about what was odd but did not make the message unusable.
    """

    kind: str
    octets: bytes
    items: tuple[Item, ...]
    identity: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    layers: tuple[Item, ...] = ()
    warnings: tuple[str, ...] = ()
    # The same values as a tree, where the kind has one (JSON, binary schemas).
    tree: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
