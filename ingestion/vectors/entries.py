"""Payloads published as a list of entries (type, value, unit, time), as Kamstrup's decoder gives.

An entry is found when an item of its quantity and function has its value and, where one is given,
its unit and its time; a state when the event that stands for it came, or did not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.telegram import Item
from ingestion.decoding import Arrival, Decoded
from ingestion.inspection.types import compiled_type

from .agreeing import agree, normalised
from .outcomes import DIFFERENT, EQUAL, REFUSED, Outcome

__all__ = ["compare_entries"]

# States of the info code → our event.
_STATES = {
    "Dry": "dry",
    "Reverse": "reverse_flow",
    "Leak": "leak",
    "Burst": "burst",
    "Tamper": "cover_opened",
    "Low Battery": "battery_low",
    "Low Ambient Temperature": "frost",
    "High Ambient Temperature": "32768",
}
_FUNCTIONS = {"min": "minimum", "max": "maximum"}
# What stands under a VIF of the maker's own.
_OWN = {"ALD last day": "1c", "Module type/config number": "16"}
_NO_UNIT = {"NA", "Invalid", None}


def compare_entries(name: str, kind: str, vector: Mapping[str, Any]) -> Outcome:
    """Equal when every entry is found, or what must be refused is refused."""
    expected, must_refuse = vector["expected"], bool(vector["expected"].get("errors"))
    arrival = Arrival(port=vector.get("fPort"), config={"zone": "UTC"}, memory={})
    try:
        decoded = compiled_type(kind).decode(bytes.fromhex(vector["payload_hex"]), context=arrival)
    except DecodeError as error:
        return Outcome(name, EQUAL if must_refuse else REFUSED, str(error))
    if must_refuse:
        return Outcome(name, DIFFERENT, "was read, and must be refused")
    faults = list(_faults(decoded, expected["data"]))
    return Outcome(name, DIFFERENT if faults else EQUAL, "; ".join(faults))


def _faults(decoded: Decoded, data: Mapping[str, Any]) -> Iterator[str]:
    for entry in data.get("values", ()):
        found = _state(decoded, entry) if entry["Type"] in _STATES else _quantity(decoded, entry)
        if not found:
            told = " ".join(str(entry.get(key)) for key in ("Type", "Value", "Unit", "Timestamp"))
            yield f"{told}: not decoded"
    for path in data.keys() - {"values"}:
        if not any(agree(value, data[path]) for value in _latest(decoded, path)):
            yield f"{path} = {data[path]}: not decoded"


def _latest(decoded: Decoded, path: str) -> list[Any]:
    """Values of a quantity that are not of an earlier day: `latestVolume`."""
    quantity = normalised(path.removeprefix("latest"))
    return [
        item.value
        for item in decoded.telegram.items
        if normalised(str(item.facts.get("quantity"))) == quantity
        and item.facts.get("storage") in (0, 1)
    ]


def _state(decoded: Decoded, entry: Mapping[str, Any]) -> bool:
    came = any(event.name == _STATES[entry["Type"]] for event in decoded.events)
    return came is entry["Value"]


def _quantity(decoded: Decoded, entry: Mapping[str, Any]) -> bool:
    return any(
        _is_of(item, entry["Type"])
        and agree(item.value, entry["Value"])
        and (entry.get("Unit") in _NO_UNIT or item.unit == entry["Unit"])
        and _is_at(decoded, item, entry.get("Timestamp"))
        for item in decoded.telegram.items
    )


def _is_of(item: Item, kind: str) -> bool:
    if kind in _OWN:
        return item.facts.get("modifier") == _OWN[kind]
    first, _, rest = kind.partition(" ")
    function = _FUNCTIONS.get(first.lower())
    wanted = normalised(rest if function else kind)
    is_quantity = normalised(str(item.facts.get("quantity"))) == wanted
    return is_quantity and item.facts.get("function") == (function or "instantaneous")


def _is_at(decoded: Decoded, item: Item, published: str | None) -> bool:
    """The item's own time, or that of the record of times with its storage number."""
    if published is None:
        return True
    time = datetime.fromisoformat(published).replace(tzinfo=UTC)
    own = item.facts.get("time")
    stamps = [own] if isinstance(own, datetime) else [
        other.value
        for other in decoded.telegram.items
        if other.facts.get("quantity") == "date_time"
        and other.facts.get("storage") == item.facts.get("storage")
    ]  # fmt: skip
    return any(
        isinstance(one, datetime) and one.replace(tzinfo=one.tzinfo or UTC) == time
        for one in stamps
    )
