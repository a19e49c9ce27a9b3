"""Units and media as wmbusmeters prints them, in ours: data of `wmbusmeters.py`."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

__all__ = ["MEDIA", "MEDIUM_CODES", "OFFSETS", "OTHER_YEARS", "UNITS", "YEAR_SECONDS"]

YEAR_SECONDS = Fraction(3652425 * 864, 100)

# Published suffix → for each of our symbols, what one of ours is in the published unit.
_ENERGY_KWH = {"Wh": Fraction(1, 1000), "kWh": Fraction(1), "J": Fraction(1, 3_600_000)}
_ENERGY_J = {"J": Fraction(1), "Wh": Fraction(3600)}
_VOLUME = {"m3": Fraction(1), "L": Fraction(1, 1000)}
_FLOW = {
    "m3/h": Fraction(1),
    "L/h": Fraction(1, 1000),
    "m3/min": Fraction(60),
    "m3/s": Fraction(3600),
}
_POWER = {"W": Fraction(1), "kW": Fraction(1000), "J/h": Fraction(1, 3600)}
_SECONDS = {
    "s": Fraction(1),
    "min": Fraction(60),
    "h": Fraction(3600),
    "d": Fraction(86400),
    "month": YEAR_SECONDS / 12,
    "y": YEAR_SECONDS,
}
_PLAIN = {symbol: Fraction(1) for symbol in ("", "count")}


def _scaled(units: Mapping[str, Fraction], size: Fraction | int) -> dict[str, Fraction]:
    return {symbol: factor / size for symbol, factor in units.items()}


def _same(*symbols: str, size: Fraction | int = 1) -> dict[str, Fraction]:
    return {symbol: Fraction(1) / size for symbol in symbols}


UNITS: dict[str, dict[str, Fraction]] = {
    "kwh": _ENERGY_KWH,
    "wh": _scaled(_ENERGY_KWH, Fraction(1, 1000)),
    "mj": _scaled(_ENERGY_J, 10**6),
    "gj": _scaled(_ENERGY_J, 10**9),
    "m3": _VOLUME,
    "l": _scaled(_VOLUME, Fraction(1, 1000)),
    "m3h": _FLOW,
    "lh": _scaled(_FLOW, Fraction(1, 1000)),
    "kw": _scaled(_POWER, 1000),
    "w": _POWER,
    "kvarh": _same("varh", size=1000),
    "kvah": _same("VAh", size=1000),
    "kvar": _same("var", size=1000),
    "kva": _same("VA", size=1000),
    "var": _same("var"),
    "va": _same("VA"),
    # A difference of temperatures is published in °C; its unit is K.
    "c": _same("°C", "K"),
    "k": _same("K"),
    "f": _same("°F") | {"°C": Fraction(9, 5)},
    "v": _same("V"),
    "mv": _same("V", size=Fraction(1, 1000)),
    "a": _same("A"),
    "ma": _same("A", size=Fraction(1, 1000)),
    "hz": _same("Hz"),
    "bar": _same("bar"),
    "pa": _same("bar", size=Fraction(1, 100_000)),
    "hca": _same("", "count"),
    "rh": _same("%"),
    "pct": _same("%"),
    "dbm": _same("dBm"),
    "deg": _same("°"),
    "kg": _same("kg"),
    "factor": _PLAIN,
    "counter": _PLAIN,
    "s": _SECONDS,
    "min": _scaled(_SECONDS, 60),
    "h": _scaled(_SECONDS, 3600),
    "d": _scaled(_SECONDS, 86400),
    "month": _scaled(_SECONDS, _SECONDS["month"]),
    "y": _scaled(_SECONDS, YEAR_SECONDS),
}

OFFSETS = {("°C", "f"): 32}
# A published year has as many days as its driver takes: 365.2425, or one of these.
OTHER_YEARS = tuple(86400 * Fraction(days, 4) for days in (1460, 1461))

# Of a radio adapter, either its own medium is published or that of the meter behind it.
MEDIUM_CODES = ("medium_code", "radio_medium_code")

# Names of media as published → codes of EN 13757-7, table of device types.
MEDIA = {
    "other": {0x00},
    "oil": {0x01},
    "electricity": {0x02},
    "gas": {0x03},
    "heat": {0x04},
    "steam": {0x05},
    "warm water": {0x06},
    "water": {0x07},
    "heat cost allocation": {0x08},
    "heat cost allocator": {0x08},
    "compressed air": {0x09},
    "cooling load volume at outlet": {0x0A},
    "cooling load volume at inlet": {0x0B},
    "heat volume at inlet": {0x0C},
    "heat/cooling load": {0x0D},
    "bus/system component": {0x0E},
    "unknown": {0x0F},
    "hot water": {0x15},
    "cold water": {0x16},
    "pressure": {0x18},
    "a/d converter": {0x19},
    "smoke detector": {0x1A},
    "room sensor (eg temperature or humidity)": {0x1B},
    "room sensor": {0x1B},
    "breaker (electricity)": {0x20},
    "valve (gas or water)": {0x21},
    "repeater": {0x32},
    "radio converter (system side)": {0x36},
    "radio converter (meter side)": {0x37},
    "bidirectional repeater": {0x32},
}
