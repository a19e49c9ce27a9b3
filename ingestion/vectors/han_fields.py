"""The names that amshan gives to what meters push, and how its values compare with items.

Its powers are in W and var, energies in Wh and varh, times on the meter's clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from ingestion.codecs.telegram import Item, Telegram

__all__ = ["han_faults", "same_number"]

_OF_PHASES = {
    "active_power_import": 1,
    "active_power_export": 2,
    "reactive_power_import": 3,
    "reactive_power_export": 4,
    "current": 11,
    "voltage": 12,
    "power_factor": 13,
}
_FIELDS: dict[str, tuple[str, ...]] = {
    "list_ver_id": ("0.2.129",),
    "meter_id": ("96.1.0", "0.0.5"),
    "meter_type": ("96.1.7", "96.1.1"),
    **{
        f"{name}_l{phase}": (f"{20 * phase + c}.7.0",)
        for name, c in _OF_PHASES.items()
        for phase in (1, 2, 3)
    },
    **{name: (f"{c}.7.0",) for name, c in _OF_PHASES.items()},
    "active_power_import_total": ("1.8.0",),
    "active_power_export_total": ("2.8.0",),
    "reactive_power_import_total": ("3.8.0",),
    "reactive_power_export_total": ("4.8.0",),
}
_IDENTITY = {"meter_manufacturer_id": "manufacturer", "meter_type_id": "model"}
_TIMES = ("clock", "notification_time")
# Who sends a list that does not say so: Aidon is the one whose lists pair codes with scalers.
_MAKER_OF_LAYOUT = {"pairs": "Aidon", "positional": "Kaifa"}
_KILO = frozenset({"kW", "kWh", "kvar", "kvarh"})


def han_faults(telegram: Telegram, expected: Mapping[str, Any]) -> Iterator[str]:
    """What of the published values is missing or different."""
    for name, value in expected.items():
        if not _has(telegram, name, value):
            yield f"{name}: {value} not found"


def _has(telegram: Telegram, name: str, expected: Any) -> bool:
    if name == "meter_manufacturer":
        return _maker(telegram) == str(expected)
    if name in _IDENTITY:
        return telegram.identity.get(_IDENTITY[name]) == str(expected)
    if name == "meter_datetime":
        times = [item.value for item in telegram.items if item.name in _TIMES]
        return any(_is_moment(time, expected) for time in times)
    # What the peer has no name for stands under the numbers themselves.
    codes = _FIELDS.get(name, (name,))
    return any(_is_same(item, expected) for item in telegram.items if _numbers(item) in codes)


def _maker(telegram: Telegram) -> str:
    layouts = {item.facts.get("layout") for item in telegram.items}
    makers = [_MAKER_OF_LAYOUT[layout] for layout in layouts if layout in _MAKER_OF_LAYOUT]
    return telegram.identity.get("manufacturer") or next(iter(makers), "")


def _numbers(item: Item) -> str:
    """C.D.E of an item's code."""
    return str(item.facts.get("obis", "")).rpartition(":")[2].partition("*")[0]


def _is_same(item: Item, expected: Any) -> bool:
    if isinstance(expected, str):
        said = (item.value, item.raw, item.raw.partition("*")[0])
        return expected in said or expected.strip() in said or _is_moment(item.value, expected)
    if item.unit in _KILO and isinstance(item.value, int | Decimal):
        # The peer multiplies by binary floats and cuts the rest off.
        return int(float(item.value) * 1000) == expected or same_number(item.value * 1000, expected)
    return same_number(item.value, expected)


def _is_moment(value: object, expected: str) -> bool:
    """Wall clocks and instants are never the same; a zone may be written in either way."""
    try:
        return value == datetime.fromisoformat(expected)
    except ValueError:
        return False


def same_number(value: object, expected: object) -> bool:
    """Equal within what a binary float can tell apart."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return False
    try:
        published = Decimal(str(expected))
    except InvalidOperation:
        return False
    return abs(value - published) <= Decimal("1e-12") * max(Decimal(1), abs(published))
