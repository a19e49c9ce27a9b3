"""What a telegram says and means, as plain values for the page."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ingestion.codecs.telegram import Item, Telegram
from ingestion.decoding import Decoded, EventSaid, Reading, Series, TestResult
from ingestion.inspection.printing import shown
from meters.catalogue import CATALOGUE, CatalogueEntry

from .cases import written

__all__ = ["decoded_shown", "octets_shown", "telegram_shown", "test_shown"]

_MOST_ROWS = 1_000
_MOST_FACTS = 12
_LONGEST = 300
_TYPES: dict[str, CatalogueEntry] = {entry.code: entry for entry in CATALOGUE}
_SEVERITIES = {1: "notice", 2: "warning", 3: "critical"}


def octets_shown(octets: bytes) -> dict[str, Any]:
    """The bytes, and their characters where they are a text that people read."""
    return {"octets": octets.hex(), "text": _is_text(octets)}


def _is_text(octets: bytes) -> bool:
    try:
        text = octets.decode("ascii")
    except UnicodeDecodeError:
        return False
    return bool(text) and all(letter.isprintable() or letter in "\r\n\t" for letter in text)


def telegram_shown(telegram: Telegram) -> dict[str, Any]:
    """Bytes, items with their places, and who speaks."""
    items = [_item(item, layer=False) for item in telegram.items[:_MOST_ROWS]]
    items += [_item(item, layer=True) for item in telegram.layers[:_MOST_ROWS]]
    return {
        **octets_shown(telegram.octets),
        "kind": telegram.kind,
        "items": items,
        "identity": [[name, str(value)] for name, value in telegram.identity.items() if value],
        "warnings": list(telegram.warnings),
        "left_out": max(0, len(telegram.items) - _MOST_ROWS),
    }


def _item(item: Item, *, layer: bool) -> dict[str, Any]:
    facts = [(key, value) for key, value in item.facts.items() if value not in ("", None)]
    return {
        "name": item.name,
        "value": shown(item.value),
        "unit": item.unit,
        "raw": shown(item.raw),
        "formula": item.formula,
        "start": item.start,
        "end": item.end,
        "layer": layer,
        "facts": [f"{key}: {shown(value)}" for key, value in facts[:_MOST_FACTS]],
    }


def decoded_shown(decoded: Decoded) -> dict[str, Any]:
    """The telegram with its readings, series and events."""
    whose = decoded.identity
    return {
        **telegram_shown(decoded.telegram),
        "warnings": list(decoded.warnings),
        "module": f"{whose.scheme}: {whose.value}" if whose else "",
        "readings": [_reading(one) for one in decoded.readings[:_MOST_ROWS]],
        "series": [_series(one) for one in decoded.series[:_MOST_ROWS]],
        "events": [_event(one) for one in decoded.events[:_MOST_ROWS]],
    }


def _reading(one: Reading) -> dict[str, Any]:
    return {
        "register": one.register,
        "reading_type": one.reading_type,
        "value": shown(one.said),
        "unit": one.unit,
        "kept": _kept(one.reading_type, one.value),
        "at": shown(one.at),
        "port": "" if one.port is None else str(one.port),
        "quality": one.quality,
        "start": one.start,
        "end": one.end,
    }


def _series(one: Series) -> dict[str, Any]:
    return {
        "register": one.register,
        "reading_type": one.reading_type,
        "base": "–" if one.base is None else _kept(one.reading_type, one.base),
        "at": shown(one.base_time),
        "step": one.step,
        "port": "" if one.port is None else str(one.port),
        "quality": one.quality,
        "values": ["–" if each is None else _kept(one.reading_type, each) for each in one.values],
    }


def _event(one: EventSaid) -> dict[str, Any]:
    return {
        "name": one.name.replace("_", " "),
        "severity": _SEVERITIES.get(one.severity, ""),
        "at": shown(one.at),
        "detail": str(one.detail),
        "port": "" if one.port is None else str(one.port),
    }


def _kept(reading_type: str, value: int) -> str:
    """An integer of the archive in its unit."""
    entry = _TYPES.get(reading_type)
    if entry is None:
        return str(value)
    return f"{Decimal(value).scaleb(entry.exponent):f} {entry.unit.label}"


def test_shown(result: TestResult) -> dict[str, Any]:
    """One test of the type, and what became of it."""
    return {
        "name": result.name,
        "good": result.good,
        "passed": result.passed,
        "expected": [_pair(*pair) for pair in result.expected.items()],
        "got": [_pair(*pair) for pair in [*result.got.items()][:_MOST_FACTS]],
        "differences": list(result.differences),
    }


def _pair(key: str, value: Any) -> str:
    """As it stands in a definition where it is a list or a mapping."""
    if not isinstance(value, list | tuple | Mapping):
        return f"{key}: {shown(value)}"
    text = written(value)
    return f"{key}: {text if len(text) <= _LONGEST else text[: _LONGEST - 1] + '…'}"
