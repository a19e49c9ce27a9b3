"""Times in JSON documents: ISO 8601 / RFC 3339 texts, seconds or milliseconds since 1970, patterns.

A time with an offset, and every count since 1970, is an instant. A time without one is the wall
clock of the meter, given as a naive datetime, unless the layout states `zone: utc` or an offset.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

__all__ = ["FORMATS", "TimeError", "compile_pattern", "read_zone", "unix_time"]

ReadTime = Callable[[object], datetime]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The end of the year 9999, the last that a datetime can hold.
_LAST_SECOND = 253_402_300_799
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?"
    r" ?([Zz]|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)
_OFFSET = re.compile(r"([+-])(\d\d)(?::?(\d\d))?", re.ASCII)
_PATTERN_PARTS = {
    "YYYY": r"(?P<year>\d{4})",
    "YY": r"(?P<short>\d\d)",
    "MM": r"(?P<month>\d\d)",
    "DD": r"(?P<day>\d\d)",
    "hh": r"(?P<hour>\d\d)",
    "mm": r"(?P<minute>\d\d)",
    "ss": r"(?P<second>\d\d)",
}
_PATTERN = re.compile("|".join(_PATTERN_PARTS))
_LONGEST = 40


class TimeError(ValueError):
    """A value that is not the time it should be, or a format that is none; the reason as text."""


def read_zone(text: str) -> timezone | None:
    """`meter` (none: the wall clock), `utc` or an offset such as +03:00."""
    if text in ("meter", "utc"):
        return UTC if text == "utc" else None
    if _OFFSET.fullmatch(text) is None:
        raise TimeError("the zone is meter, utc, or an offset such as +03:00")
    return _offset(text)


def _offset(text: str) -> timezone:
    if text in "Zz":
        return UTC
    match = _OFFSET.fullmatch(text)
    if match is None or int(match[2]) > 14 or int(match[3] or 0) > 59:
        raise TimeError(f"{text!r} is not an offset from UTC")
    away = timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
    return timezone(-away if match[1] == "-" else away)


def _built(zone: timezone | None, *parts: int) -> datetime:
    try:
        return datetime(*parts, tzinfo=zone)  # type: ignore[arg-type,misc]
    except ValueError as error:
        raise TimeError(f"no such time: {error}") from error


def _iso(zone: timezone | None) -> ReadTime:
    def read(value: object) -> datetime:
        match = _ISO.fullmatch(value.strip()) if isinstance(value, str) else None
        if match is None:
            raise TimeError(f"{_shown(value)} is not a time of ISO 8601")
        *parts, fraction, offset = match.groups()
        micro = int((fraction or "").ljust(6, "0")[:6])
        own = _offset(offset) if offset else zone
        return _built(own, *(int(part or 0) for part in parts), micro)

    return read


def unix_time(value: object, per_second: int = 1) -> datetime:
    """The instant of a count since 1970; TimeError when it is none or far away."""
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < _LONGEST:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise TimeError(f"{_shown(value)} is not a count since 1970")
    if not 0 <= value <= _LAST_SECOND * per_second:
        raise TimeError(f"{_shown(value)} is no time after 1970")
    return _EPOCH + timedelta(microseconds=int(value * (1_000_000 // per_second)))


def _unix(zone: timezone | None) -> ReadTime:
    return unix_time


def _unix_ms(zone: timezone | None) -> ReadTime:
    return lambda value: unix_time(value, 1000)


# Format → maker of its reader for a zone.
FORMATS: dict[str, Callable[[timezone | None], ReadTime]] = {
    "iso": _iso,
    "unix": _unix,
    "unix_ms": _unix_ms,
}


def compile_pattern(pattern: str, zone: timezone | None) -> ReadTime:
    """A reader of texts such as `DD.MM.YYYY hh:mm:ss`."""
    expression = _expression(pattern)

    def read(value: object) -> datetime:
        text = str(value) if isinstance(value, str | int) else ""
        match = expression.fullmatch(text) if len(text) <= _LONGEST else None
        if match is None:
            raise TimeError(f"{_shown(value)} is not written as {pattern}")
        found = {name: int(digits) for name, digits in match.groupdict().items()}
        year = found["year"] if "year" in found else 2000 + found["short"]
        clock = (found.get(name, 0) for name in ("hour", "minute", "second"))
        return _built(zone, year, found["month"], found["day"], *clock)

    return read


def _expression(pattern: str) -> re.Pattern[str]:
    if len(pattern) > _LONGEST:
        raise TimeError(f"a pattern of {len(pattern)} characters, {_LONGEST} are allowed")
    parts, at = [], 0
    for part in _PATTERN.finditer(pattern):
        parts += [re.escape(pattern[at : part.start()]), _PATTERN_PARTS[part[0]]]
        at = part.end()
    try:
        expression = re.compile("".join([*parts, re.escape(pattern[at:])]), re.ASCII)
    except re.error as error:
        raise TimeError(f"the pattern names a part twice: {pattern}") from error
    if not {"month", "day"} <= expression.groupindex.keys() or not (
        expression.groupindex.keys() & {"year", "short"}
    ):
        raise TimeError("the pattern needs YYYY or YY, MM and DD")
    return expression


def _shown(value: object) -> str:
    return repr(value)[:_LONGEST]
