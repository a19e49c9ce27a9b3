"""Units and exact conversion between them, by fractions.

A unit is so many base units of its dimension, plus an offset where its zero lies elsewhere. Joule
and watt-hour are one dimension: 1 Wh = 3600 J. The calorie is that of the International Steam
Tables (4.1868 J), which heat meters mean; gallon and foot are those of the United States.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from .exact import Exact, collapsed

__all__ = ["UNITS", "Conversion", "Unit", "conversion", "find_unit"]


class Unit(NamedTuple):
    """value in base units = value × factor + offset."""

    dimension: str
    factor: Fraction
    offset: Fraction = Fraction(0)


class Conversion(NamedTuple):
    """value in the other unit = value × factor + offset."""

    factor: Exact
    offset: Exact


_JOULE = Fraction(1, 3_600)
_CALORIE = Fraction(41_868, 10_000) * _JOULE
_GALLON = Fraction(3_785_411_784, 10**12)
_CUBIC_FOOT = Fraction(28_316_846_592, 10**12)
_K, _M, _G = 10**3, 10**6, 10**9
_ZERO_CELSIUS = Fraction(27_315, 100)

# Dimension → symbol → base units in one.
_SCALES: dict[str, dict[str, Fraction | int]] = {
    "energy": {
        "Wh": 1,
        "kWh": _K,
        "MWh": _M,
        "GWh": _G,
        "J": _JOULE,
        "kJ": _K * _JOULE,
        "MJ": _M * _JOULE,
        "GJ": _G * _JOULE,
        "cal": _CALORIE,
        "kcal": _K * _CALORIE,
        "Mcal": _M * _CALORIE,
        "Gcal": _G * _CALORIE,
    },
    "power": {
        "mW": Fraction(1, _K),
        "W": 1,
        "kW": _K,
        "MW": _M,
        "J/h": _JOULE,
        "kJ/h": _K * _JOULE,
        "MJ/h": _M * _JOULE,
        "GJ/h": _G * _JOULE,
    },
    "reactive energy": {"varh": 1, "kvarh": _K, "Mvarh": _M},
    "reactive power": {"var": 1, "kvar": _K, "Mvar": _M},
    "apparent energy": {"VAh": 1, "kVAh": _K, "MVAh": _M},
    "apparent power": {"VA": 1, "kVA": _K, "MVA": _M},
    "volume": {
        "m3": 1,
        "hL": Fraction(1, 10),
        "dm3": Fraction(1, _K),
        "L": Fraction(1, _K),
        "mL": Fraction(1, _M),
        "cm3": Fraction(1, _M),
        "gal": _GALLON,
        "ft3": _CUBIC_FOOT,
    },
    "flow": {
        "m3/h": 1,
        "m3/min": 60,
        "m3/s": 3_600,
        "L/h": Fraction(1, _K),
        "L/min": Fraction(60, _K),
        "L/s": Fraction(3_600, _K),
        "mL/h": Fraction(1, _M),
        "gal/min": 60 * _GALLON,
    },
    "mass": {"kg": 1, "g": Fraction(1, _K), "t": _K},
    "mass flow": {"kg/h": 1, "t/h": _K},
    "voltage": {"V": 1, "mV": Fraction(1, _K), "kV": _K},
    "current": {"A": 1, "mA": Fraction(1, _K), "kA": _K},
    "frequency": {"Hz": 1, "mHz": Fraction(1, _K), "kHz": _K},
    "pressure": {
        "bar": 1,
        "mbar": Fraction(1, _K),
        "Pa": Fraction(1, 10**5),
        "hPa": Fraction(1, _K),
        "kPa": Fraction(1, 100),
        "MPa": 10,
    },
    "share": {"%": 1, "‰": Fraction(1, 10)},
    "level": {"dBm": 1},
    "time": {"s": 1, "ms": Fraction(1, _K), "min": 60, "h": 3_600, "d": 86_400},
    "count": {"count": 1},
    # Units of heat cost allocators.
    "allocation": {"HCA": 1},
    # Apart from temperatures: a difference has no zero to shift.
    "temperature difference": {"ΔK": 1, "Δ°F": Fraction(5, 9)},
}
_OFFSET_SCALES = {
    "degC": Unit("temperature", Fraction(1)),
    "K": Unit("temperature", Fraction(1), -_ZERO_CELSIUS),
    "degF": Unit("temperature", Fraction(5, 9), Fraction(-160, 9)),
}
UNITS: dict[str, Unit] = {
    **{
        symbol: Unit(dimension, Fraction(factor))
        for dimension, scales in _SCALES.items()
        for symbol, factor in scales.items()
    },
    **_OFFSET_SCALES,
}
# Other ways to write the same.
_SPELLINGS = {
    "°C": "degC",
    "℃": "degC",
    "C": "degC",
    "Cel": "degC",
    "°F": "degF",
    "F": "degF",
    "m³": "m3",
    "m³/h": "m3/h",
    "m3h": "m3/h",
    "l": "L",
    "litre": "L",
    "l/h": "L/h",
    "ml": "mL",
    "hl": "hL",
    "l/min": "L/min",
    "l/s": "L/s",
    "kVArh": "kvarh",
    "VArh": "varh",
    "VAr": "var",
    "kVAr": "kvar",
    "percent": "%",
    "pulses": "count",
    "counts": "count",
}


@lru_cache(maxsize=1_024)
def find_unit(symbol: str) -> Unit | None:
    """The unit of a symbol in any of its spellings; None: not known here."""
    return UNITS.get(_SPELLINGS.get(symbol, symbol))


@lru_cache(maxsize=4_096)
def conversion(source: str, target: str) -> Conversion | None:
    """From one unit to another; None where one is not known, or they measure different things."""
    one, other = find_unit(source), find_unit(target)
    if one is None or other is None or one.dimension != other.dimension:
        return None
    offset = (one.offset - other.offset) / other.factor
    return Conversion(collapsed(one.factor / other.factor), collapsed(offset))
