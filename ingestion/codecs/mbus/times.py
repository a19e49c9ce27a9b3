"""Dates and times of EN 13757-3, Annex A: types F, G, I and J.

All are wall-clock times of the meter, whose zone is not sent: naive. A part that stands for "every"
or "not set", or the flag "invalid", makes the whole invalid; it is then given as text in the form
of a date, with the numbers that stood there ("2000-00-00").
"""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

__all__ = ["READERS", "Moment"]

# Two digits of a year up to 80 belong to this century (Annex A, note to type G).
_LAST_OF_2000 = 80


class Moment(NamedTuple):
    """A date, a wall-clock time, or text where it is no real one or only a time of day."""

    value: date | datetime | str
    valid: bool
    summer_time: bool = False


def _year(low: int, high: int) -> int:
    """Seven bits that stand in the top of two bytes: low three, then high four."""
    return low >> 5 | (high & 0xF0) >> 1


def _century(hundreds: int, year: int) -> int:
    """The hundreds count from 1900, but only 1 is trusted: old meters leave them out, and some of
    this century send 2.
    """
    if hundreds == 1 or year <= _LAST_OF_2000 or year > 99:
        return 2000 + year
    return 1900 + year


def type_g(raw: bytes) -> Moment:
    """A date in 16 bits."""
    day, month, year = raw[0] & 0x1F, raw[1] & 0x0F, _year(raw[0], raw[1])
    full = _century(0, year)
    try:
        if year > 99:
            raise ValueError
        return Moment(date(full, month, day), True)
    except ValueError:
        return Moment(f"{full:04d}-{month:02d}-{day:02d}", False)


def _instant(parts: tuple[int, ...], *, whole: bool, flag: bool, summer: bool) -> Moment:
    """`parts` as datetime takes them; `whole` says that a year of two digits stood there."""
    if whole and not flag:
        try:
            return Moment(datetime(*parts), True, summer)  # type: ignore[arg-type] # noqa: DTZ001
        except ValueError:
            pass
    year, month, day, hour, minute, *second = parts
    text = f"{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}"
    return Moment(text + "".join(f":{part:02d}" for part in second), False, summer)


def type_f(raw: bytes) -> Moment:
    """A date with hour and minute in 32 bits."""
    minute, hour, low, high = raw
    year = _year(low, high)
    parts = (_century(hour >> 5 & 3, year), high & 0x0F, low & 0x1F, hour & 0x1F, minute & 0x3F)
    flag, summer = bool(minute & 0x80), bool(hour & 0x80)
    return _instant(parts, whole=year <= 99, flag=flag, summer=summer)


def type_i(raw: bytes) -> Moment:
    """A date with hour, minute and second in 48 bits; week and day of week are left."""
    second, minute, hour, low, high, _ = raw
    year = _year(low, high)
    parts = (_century(0, year), high & 0x0F, low & 0x1F, hour & 0x1F, minute & 0x3F, second & 0x3F)
    flag, summer = bool(minute & 0x80), bool(second & 0x40)
    return _instant(parts, whole=year <= 99, flag=flag, summer=summer)


def type_j(raw: bytes) -> Moment:
    """A time of day in 24 bits, as text."""
    second, minute, hour = raw[0] & 0x3F, raw[1] & 0x3F, raw[2] & 0x1F
    valid = second < 60 and minute < 60 and hour < 24
    return Moment(f"{hour:02d}:{minute:02d}:{second:02d}", valid)


# By the number of bytes.
READERS = {2: type_g, 3: type_j, 4: type_f, 6: type_i}
