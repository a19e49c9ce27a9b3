"""What a test expects beside what came.

Numbers agree when the one that came, rounded to the digits of the one expected, is it; a number
expected as a whole one must come exactly; true and false are also 1 and 0. Times agree as instants,
or as wall clocks where either has no zone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.utils.translation import gettext as _

from meters.definition.durations import seconds_of
from meters.definition.model import Test

from .amounts import archive_integer, archive_scale
from .compiling import CompiledType
from .decoded import Arrival, Decoded, EventSaid, Reading, Series
from .exact import as_number
from .references import list_lookup, lookup
from .scope import Scope

__all__ = ["agree", "differences_of"]

_MISSING = object()


def differences_of(
    compiled: CompiledType, test: Test, decoded: Decoded, arrival: Arrival
) -> Iterator[str]:
    """What is not as expected, a sentence each."""
    scope = compiled.scope(decoded.telegram, arrival)
    for name, wanted in test.expect.items():
        got = _named(scope, str(name), wanted)
        if not agree(got, wanted):
            yield _different(str(name), wanted, got)
    if test.identity and (decoded.identity is None or decoded.identity.value != test.identity):
        got = decoded.identity.value if decoded.identity else _MISSING
        yield _different("identity", test.identity, got)
    readings, series = _Reading(compiled), _Series(compiled)
    yield from _rows("readings", test.readings, decoded.readings, readings, readings.said)
    yield from _rows("series", test.series, decoded.series, series, series.said)
    yield from _rows("events", test.events, decoded.events, _is_event, _event_said)


def _different(name: str, wanted: Any, got: Any) -> str:
    shown = _("nothing") if got is _MISSING else _shown(got)
    return _("%(name)s: expected %(wanted)s, got %(got)s") % {
        "name": name,
        "wanted": _shown(wanted),
        "got": shown,
    }


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        text = f"[{', '.join(map(_shown, value))}]"
    else:
        text = "–" if value is None else _as_text(value)
    return text if len(text) <= 200 else f"{text[:199]}…"


def _as_text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _named(scope: Scope, name: str, wanted: Any) -> Any:
    """The value of an item, a path or a $reference."""
    try:
        if isinstance(wanted, list):
            found = list_lookup(name)(scope)
            if found and not (len(found) == 1 and isinstance(found[0].value, list)):
                return [one.value for one in found]
        one = lookup(name)(scope)
    except ValueError:
        return _MISSING
    return _MISSING if one is None else one.value


def agree(got: Any, wanted: Any) -> bool:
    """Whether a value is the one expected."""
    if got is _MISSING:
        return False
    if isinstance(wanted, Mapping):
        return isinstance(got, Mapping) and all(
            agree(got.get(key, _MISSING), value) for key, value in wanted.items()
        )
    if isinstance(wanted, list | tuple):
        return (
            isinstance(got, list | tuple)
            and len(got) == len(wanted)
            and all(map(agree, got, wanted))
        )
    if isinstance(got, date):
        return _same_time(got, wanted)
    if isinstance(got, bytes):
        return isinstance(wanted, str) and got.hex() == wanted.replace(" ", "").lower()
    if isinstance(wanted, int | Decimal) and not isinstance(wanted, bool):
        return _same_number(got, wanted)
    if isinstance(wanted, bool):
        return isinstance(got, int) and got == wanted
    return bool(got == wanted and type(got) is type(wanted))


def _same_number(got: Any, wanted: int | Decimal) -> bool:
    number = as_number(got)
    if number is None:
        return False
    exponent = wanted.as_tuple().exponent if isinstance(wanted, Decimal) else 0
    if not isinstance(exponent, int) or exponent >= 0:
        return number == as_number(wanted)
    half = Fraction(1, 2 * 10**-exponent)
    return abs(number - Fraction(wanted)) <= half


def _same_time(got: date, wanted: Any) -> bool:
    if isinstance(wanted, int) and isinstance(got, datetime) and got.tzinfo:
        return got.timestamp() == wanted
    if not isinstance(wanted, str):
        return False
    try:
        time = datetime.fromisoformat(wanted)
    except ValueError:
        return False
    if not isinstance(got, datetime):
        return time == datetime(got.year, got.month, got.day)  # noqa: DTZ001 both are dates
    if got.tzinfo and not time.tzinfo:
        return got.astimezone(UTC).replace(tzinfo=None) == time
    if time.tzinfo and not got.tzinfo:
        return False
    return bool(got == time)


def _rows(
    name: str,
    wanted: Sequence[Any] | None,
    got: Sequence[Any],
    same: Callable[[Any, Any], bool],
    said: Callable[[Any], str],
) -> Iterator[str]:
    """All rows that are expected must come, in any order, and no other."""
    if wanted is None:
        return
    left, unmet = list(got), []
    for row in wanted:
        fit = next((one for one in left if same(row, one)), None)
        if fit is None:
            unmet.append(row)
        else:
            left.remove(fit)
    for row in unmet:
        near = next((one for one in left if _is_of(row, one)), None)
        if near is not None:
            left.remove(near)
        yield _different(name, _row(row), _MISSING if near is None else said(near))
    for one in left:
        yield _different(name, _("nothing"), said(one))


def _is_of(row: Any, one: Reading | Series | EventSaid) -> bool:
    """Whether what came is of the register that was expected, with other values."""
    if isinstance(one, EventSaid) or not isinstance(row, Mapping):
        return False
    return row["register"] in {one.register, one.register.partition(".")[0]}


def _row(row: Any) -> str:
    if isinstance(row, Mapping):
        return ", ".join(f"{key} {_shown(value)}" for key, value in row.items())
    return str(row)


def _place(one: Reading | Series) -> dict[str, Any]:
    return {"tariff": one.tariff or None, "port": one.port}


def _told(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if value not in (None, "")}


def _event_said(one: EventSaid) -> str:
    return f"{one.name} {one.at.isoformat() if one.at else ''}".strip()


class _Measured:
    """Expected numbers in the unit they are written in → integers of the archive."""

    def __init__(self, compiled: CompiledType) -> None:
        self.types = compiled.definition.vocabulary.reading_types

    def kept(self, wanted: Mapping[str, Any], reading_type: str, value: Any) -> Any:
        entry, number = self.types[reading_type], as_number(value)
        scale = archive_scale(wanted.get("unit", entry.unit.value), entry)
        if scale is None or number is None:
            return None
        return archive_integer(number, scale, entry, 0)

    def same_place(self, wanted: Mapping[str, Any], one: Reading | Series) -> bool:
        register = one.register.partition(".")[0]
        return (
            wanted["register"] in {one.register, register}
            and wanted.get("tariff", one.tariff) == one.tariff
            and wanted.get("port", one.port) == one.port
        )


class _Reading(_Measured):
    def __call__(self, wanted: Mapping[str, Any], one: Reading) -> bool:
        return (
            self.same_place(wanted, one)
            and self.kept(wanted, one.reading_type, wanted["value"]) == one.value
            and ("at" not in wanted or (one.at is not None and _same_time(one.at, wanted["at"])))
        )

    def said(self, one: Reading) -> str:
        row = {"register": one.register, "value": one.said, "unit": one.unit, **_place(one)}
        return _row(_told({**row, "at": one.at}))


class _Series(_Measured):
    def __call__(self, wanted: Mapping[str, Any], one: Series) -> bool:
        return (
            self.same_place(wanted, one)
            and tuple(self.kept(wanted, one.reading_type, value) for value in wanted["values"])
            == one.values
            and self._same_base(wanted, one)
            and ("at" not in wanted or _same_time(one.base_time, wanted["at"]))
            and ("step" not in wanted or seconds_of(wanted["step"]) == one.step)
        )

    def said(self, one: Series) -> str:
        """In the unit of the reading type, as a test without a unit says it."""
        entry = self.types[one.reading_type]

        def number(value: int | None) -> Decimal | None:
            return None if value is None else Decimal(value).scaleb(entry.exponent)

        values = [number(each) for each in one.values]
        row: dict[str, Any] = {"register": one.register, "values": values}
        row |= {"unit": entry.unit.label, "base": number(one.base), "step": f"{one.step}s"}
        return _row(_told({**row, **_place(one), "at": one.base_time}))

    def _same_base(self, wanted: Mapping[str, Any], one: Series) -> bool:
        if "base" not in wanted:
            return True
        return bool(self.kept(wanted, one.reading_type, wanted["base"]) == one.base)


def _is_event(wanted: Any, one: EventSaid) -> bool:
    if not isinstance(wanted, Mapping):
        return wanted in (one.name, one.code)
    severities = {"notice": 1, "warning": 2, "critical": 3}
    return (
        wanted["code"] in (one.name, one.code)
        and ("at" not in wanted or (one.at is not None and _same_time(one.at, wanted["at"])))
        and wanted.get("detail", one.detail) == one.detail
        and severities.get(wanted.get("severity", ""), one.severity) == one.severity
    )
