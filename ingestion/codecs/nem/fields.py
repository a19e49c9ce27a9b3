"""Fields of records: dates, times, amounts, qualities, units and data streams.

Source: AEMO, Meter Data File Format Specification NEM12 & NEM13 (fields, quality methods, units of
measurement); MSATS Procedures, National Metering Identifier (suffixes of data streams). All times
are market time, UTC+10 the whole year. "Export" of the market is what leaves its network for the
customer: here it is import, as the customer's meter counts it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import NamedTuple

from .records import Record

__all__ = [
    "MARKET_TIME",
    "QUALITIES",
    "Quality",
    "Uom",
    "amount",
    "direction_of",
    "moment",
    "number_of",
    "quality",
    "uom_of",
]

MARKET_TIME = timezone(timedelta(hours=10), "UTC+10")
QUALITIES: Mapping[str, str] = {
    "A": "actual",
    "E": "estimated",
    "F": "final substituted",
    "N": "null",
    "S": "substituted",
    "V": "variable",
}
_METHOD = re.compile(r"[ANV]|[EFS]\d\d")
_AMOUNT = re.compile(r"\d{1,15}(?:\.\d{0,9})?|\.\d{1,9}")
_SIGNED = re.compile(r"[+-]?(?:\d{1,15}(?:\.\d{0,9})?|\.\d{1,9})")
_REASON = re.compile(r"\d{1,3}")
# Digits → parts of a time; seconds are left out by some senders.
_TIMES = frozenset({8, 12, 14})
_CUTS = ((0, 4), (4, 6), (6, 8), (8, 10), (10, 12), (12, 14))
_SHOWN = 24
_NUMBERS = frozenset("123456789")


class Quality(NamedTuple):
    """What is said of values: `method` as sent (A, S14 …), reason code and its words."""

    method: str
    reason: int | None = None
    text: str = ""

    @property
    def word(self) -> str:
        return QUALITIES[self.method[0]]


class Uom(NamedTuple):
    """A unit of measurement in its usual symbol, and what it measures."""

    unit: str
    quantity: str


def _scaled(symbol: str, quantity: str, prefixes: str = "Mk ") -> dict[str, Uom]:
    units = [prefix.strip() + symbol for prefix in prefixes]
    return {unit.upper(): Uom(unit, quantity) for unit in units}


_UOMS: Mapping[str, Uom] = {
    **_scaled("Wh", "active energy"),
    **_scaled("varh", "reactive energy"),
    **_scaled("VAh", "apparent energy"),
    **_scaled("W", "active power"),
    **_scaled("var", "reactive power"),
    **_scaled("VA", "apparent power"),
    **_scaled("V", "voltage", "k "),
    **_scaled("A", "current", "k "),
    "PF": Uom("", "power factor"),
}
# First letters of a suffix: average, master and check metering of each direction.
_DIRECTIONS: Mapping[str, str] = {
    **dict.fromkeys("DEFPQR", "import"),
    **dict.fromkeys("ABCJKL", "export"),
}


def uom_of(text: str) -> Uom | None:
    """The unit in any case of letters; None for one that the format does not have."""
    return _UOMS.get(text.upper())


def direction_of(suffix: str) -> str:
    """import, export, or "" where the suffix tells no direction of energy."""
    return _DIRECTIONS.get(suffix[:1].upper(), "")


def number_of(suffix: str) -> int | None:
    """The meter or element that a suffix such as E1 counts; registers that are read have none."""
    letter, number = suffix[:1], suffix[1:]
    return int(number) if letter.isalpha() and number in _NUMBERS else None


def amount(text: str, *, signed: bool = False) -> int | Decimal | None:
    """An exact number; None for anything else."""
    if not (_SIGNED if signed else _AMOUNT).fullmatch(text):
        return None
    return Decimal(text) if "." in text else int(text)


def moment(record: Record, index: int, what: str, *, is_date: bool = False) -> datetime:
    """A date (its first moment) or a time of a record, in market time. DecodeError otherwise."""
    text = record.field(index)
    found = _moment(text) if (len(text) == 8) is is_date else None
    if found is None:
        raise record.refused(f"“{text[:_SHOWN]}” is no {what}", index)
    return found


def _moment(text: str) -> datetime | None:
    if len(text) not in _TIMES or not (text.isascii() and text.isdecimal()):
        return None
    year, month, day, hour, minute, second = (int(text[at:end] or 0) for at, end in _CUTS)
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=MARKET_TIME)
    except ValueError:
        return None


def quality(record: Record, index: int) -> Quality:
    """Quality method, reason code and reason from three fields on. DecodeError otherwise."""
    method, reason, text = (record.field(index + at) for at in range(3))
    if not _METHOD.fullmatch(method):
        raise record.refused(f"“{method[:_SHOWN]}” is no quality method", index)
    if reason and not _REASON.fullmatch(reason):
        raise record.refused(f"“{reason[:_SHOWN]}” is no reason code", index + 1)
    return Quality(method, int(reason) if reason else None, text)
