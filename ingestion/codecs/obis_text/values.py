"""Numbers, units, times and texts as they stand in a readout.

Source: IEC 62056-21 (value and unit), DSMR P1 companion standard (TST: YYMMDDhhmmssX with X = S in
summer and W in winter time; octet strings as hex digits).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

__all__ = ["Time", "hex_text", "is_number", "number", "symbol", "time_of"]

_NUMBER = re.compile(r"[+-]?\d{1,30}(?:\.\d{1,30})?")
_TIME = re.compile(r"([0-9]{10}|[0-9]{12})([SW]?)")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")
# A number of fewer digits is a plain number, not text in hex.
_SHORTEST_HEX = 16
# Two digits of a year from 69 on are of the last century, as in POSIX: meters start at 1970.
_PIVOT = 69
_PLACES = range(0, 12, 2)

_SYMBOLS: Mapping[str, str] = {
    "wh": "Wh",
    "kwh": "kWh",
    "mwh": "MWh",
    "gwh": "GWh",
    "w": "W",
    "kw": "kW",
    "mw": "MW",
    "varh": "varh",
    "kvarh": "kvarh",
    "mvarh": "Mvarh",
    "var": "var",
    "kvar": "kvar",
    "va": "VA",
    "kva": "kVA",
    "vah": "VAh",
    "kvah": "kVAh",
    "v": "V",
    "kv": "kV",
    "a": "A",
    "ka": "kA",
    "hz": "Hz",
    "s": "s",
    "h": "h",
    "j": "J",
    "mj": "MJ",
    "gj": "GJ",
    "gcal": "Gcal",
    "m3": "m3",
    "m³": "m3",
    "dm3": "L",
    "l": "L",
    "m3ph": "m3/h",
    "m3/h": "m3/h",
    "m^3/h": "m3/h",
    "c": "°C",
    "°c": "°C",
    "k": "K",
    "bar": "bar",
    "%": "%",
    "°": "°",
    "deg": "°",
    "min": "min",
    "m": "min",
    "d": "d",
    "mon": "mo",
}


@dataclass(frozen=True, slots=True)
class Time:
    """The meter's wall clock, None where it shows no date (meters send 632525252525W for that).

    `dst` says whether it shows summer time, None where that is not said.
    """

    value: datetime | None
    dst: bool | None

    @property
    def facts(self) -> Mapping[str, bool]:
        return {} if self.dst is None else {"dst": self.dst}


def symbol(unit: str) -> str:
    """The unit's usual symbol; one that is not known stays as it is."""
    return _SYMBOLS.get(unit.strip().lower(), unit.strip())


def is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text.strip()) is not None


def number(text: str) -> int | Decimal:
    """The exact number; only for a text that `is_number`."""
    stripped = text.strip()
    return Decimal(stripped) if "." in stripped else int(stripped)


def time_of(text: str) -> Time | None:
    """The time in a text, or None for any other."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    digits, letter = match.groups()
    year, month, day, hour, minute, second = (int(digits[at : at + 2] or 0) for at in _PLACES)
    century = 2000 if year < _PIVOT else 1900
    try:
        # The zone is the company's; the letter tells summer from winter.
        value = datetime(century + year, month, day, hour, minute, second)  # noqa: DTZ001
    except ValueError:
        return Time(None, None) if letter else None
    return Time(value, letter == "S" if letter else None)


def hex_text(text: str, *, shortest: int = _SHORTEST_HEX) -> str:
    """The text that hex digits spell, where all of it can be printed; else the digits."""
    if len(text) < shortest or not _HEX.fullmatch(text):
        return text
    octets = bytes.fromhex(text)
    try:
        decoded = octets.decode("utf-8")
    except UnicodeDecodeError:
        decoded = octets.decode("latin-1")
    return decoded if all(letter.isprintable() for letter in decoded) else text
