"""Dates and times of COSEM: octets in which any part may be left open.

Source: Blue Book, clause "Date and time formats": year (2), month, day, weekday, hour, minute,
second, hundredths, deviation (2, minutes from local time to UTC) and clock status.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone

__all__ = ["STATUS_BITS", "Moment", "looks_like_time", "read_date", "read_moment"]

_OPEN = 0xFF
_NO_DEVIATION = -0x8000
# Zones reach 14 hours from UTC.
_FURTHEST = 840
_SIZE = 12
# A range in which a meter's clock may stand; other octets of this length are no times.
_YEARS = range(1980, 2200)

STATUS_BITS = {
    0x01: "clock_invalid",
    0x02: "clock_doubtful",
    0x04: "clock_other_base",
    0x08: "clock_status_invalid",
    0x80: "dst",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant where the deviation is known, else the meter's wall clock; None when open."""

    value: datetime | None
    facts: Mapping[str, bool] = field(default_factory=dict)


def read_moment(octets: bytes) -> Moment:
    """Twelve octets of date-time. Parts below the hour that are left open count as 0."""
    year, month, day = int.from_bytes(octets[:2], "big"), octets[2], octets[3]
    hour, minute, second, hundredths = octets[5:9]
    low = [0 if part == _OPEN else part for part in (minute, second, hundredths)]
    try:
        # The zone comes from the deviation, or is not known.
        naive = datetime(year, month, day, hour, low[0], low[1], low[2] * 10_000)  # noqa: DTZ001
        value = _with_zone(naive, int.from_bytes(octets[9:11], "big", signed=True))
    except (ValueError, OverflowError):
        return Moment(None, _status(octets[11]))
    return Moment(value, _status(octets[11]))


def _with_zone(naive: datetime, deviation: int) -> datetime:
    if not -_FURTHEST <= deviation <= _FURTHEST:
        return naive
    return naive.replace(tzinfo=timezone(timedelta(minutes=-deviation)))


def _status(octet: int) -> Mapping[str, bool]:
    """What the clock says of itself; the octet 255 says nothing."""
    if octet == _OPEN:
        return {}
    return {name: True for bit, name in STATUS_BITS.items() if octet & bit}


def read_date(octets: bytes) -> date | None:
    """Five octets of date."""
    try:
        return date(int.from_bytes(octets[:2], "big"), octets[2], octets[3])
    except ValueError:
        return None


def looks_like_time(octets: bytes) -> bool:
    """Whether an octet string is a date-time: no other sign tells it from text or numbers."""
    if len(octets) != _SIZE or int.from_bytes(octets[:2], "big") not in _YEARS:
        return False
    weekday, deviation = octets[4], int.from_bytes(octets[9:11], "big", signed=True)
    plausible = weekday <= 7 or weekday == _OPEN
    zone = deviation == _NO_DEVIATION or -_FURTHEST <= deviation <= _FURTHEST
    return plausible and zone and read_moment(octets).value is not None
