"""Clocks of meters: seconds (or other steps) since an epoch, and packed digits.

`time: unix` counts seconds from 1970-01-01 UTC. `time: {epoch: 2013-01-01, unit: s, local: true}`
counts from another day; with `local` the wall clock of the meter is meant and the value has no
zone. `time: {digits: YYMMDDhhmmss}` reads the decimal digits of the raw text (hex, bcd as text).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from .errors import Place, SchemaError
from .numbers import EXACT, is_number
from .state import OMITTED, Convert, State

__all__ = ["compile_time", "epoch_of"]

_EPOCHS = {
    "unix": datetime(1970, 1, 1, tzinfo=UTC),
    "gps": datetime(1980, 1, 6, tzinfo=UTC),
    "2000": datetime(2000, 1, 1, tzinfo=UTC),
}
_UNITS: dict[str, Decimal | int] = {
    "us": Decimal("0.000001"),
    "ms": Decimal("0.001"),
    "s": 1,
    "min": 60,
    "h": 3_600,
    "d": 86_400,
}
_PARTS = {"Y": "year", "M": "month", "D": "day", "h": "hour", "m": "minute", "s": "second"}


def compile_time(spec: Any, place: Place) -> Convert:
    if isinstance(spec, str):
        spec = {"epoch": spec}
    if not isinstance(spec, Mapping):
        raise SchemaError(place, "expected unix or {epoch: …, unit: …}")
    if "digits" in spec:
        return _from_digits(str(spec["digits"]), (*place, "digits"), local=_local(spec))
    epoch = _epoch(spec.get("epoch", "unix"), (*place, "epoch"))
    unit = _UNITS.get(str(spec.get("unit", "s")))
    if unit is None:
        raise SchemaError((*place, "unit"), f"units are {', '.join(_UNITS)}")
    return _since(epoch.replace(tzinfo=None) if _local(spec) else epoch, unit)


def epoch_of(spec: Any) -> datetime | None:
    """Since when whole seconds are counted; None where something else is counted, or otherwise."""
    spec = {"epoch": spec} if isinstance(spec, str) else spec
    if not isinstance(spec, Mapping) or "digits" in spec or _local(spec):
        return None
    if str(spec.get("unit", "s")) != "s":
        return None
    return _epoch(spec.get("epoch", "unix"), ())


def _local(spec: Mapping[Any, Any]) -> bool:
    return bool(spec.get("local", False))


def _epoch(spec: Any, place: Place) -> datetime:
    known = _EPOCHS.get(str(spec))
    if known is not None:
        return known
    try:
        if isinstance(spec, str):
            spec = datetime.fromisoformat(spec)
        if isinstance(spec, date) and not isinstance(spec, datetime):
            spec = datetime(spec.year, spec.month, spec.day, tzinfo=UTC)
    except ValueError:
        spec = None
    if not isinstance(spec, datetime):
        raise SchemaError(place, f"an epoch is a date or one of {', '.join(_EPOCHS)}")
    return spec.astimezone(UTC) if spec.tzinfo else spec.replace(tzinfo=UTC)


def _since(epoch: datetime, unit: Decimal | int) -> Convert:
    def convert(value: Any, state: State) -> Any:
        if not is_number(value):
            return OMITTED
        try:
            micros = EXACT.multiply(EXACT.multiply(value, unit), 1_000_000)
            return epoch + timedelta(microseconds=int(micros))
        except (OverflowError, ArithmeticError):
            state.warnings.append(f"byte {state.last}: {value} is no time")
            return OMITTED

    return convert


def _from_digits(layout: str, place: Place, *, local: bool) -> Convert:
    unknown = set(layout) - set(_PARTS) - {"_"}
    if unknown or not {"Y", "M", "D"} <= set(layout):
        raise SchemaError(place, "digits are written as YYMMDDhhmmss, '_' for one to skip")
    spans = {
        part: [place for place, letter in enumerate(layout) if letter == key]
        for key, part in _PARTS.items()
    }
    century = 2_000 if len(spans["year"]) <= 2 else 0

    def convert(value: Any, state: State) -> Any:
        text = str(value).zfill(len(layout))
        try:
            parts = {
                part: int("".join(text[place] for place in places))
                for part, places in spans.items()
                if places
            }
            parts["year"] += century
            return datetime(**parts, tzinfo=None if local else UTC)  # type: ignore[arg-type]
        except (ValueError, IndexError):
            state.warnings.append(f"{text} is no time")
            return OMITTED

    return convert
