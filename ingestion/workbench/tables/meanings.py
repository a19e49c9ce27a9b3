"""Name and unit of a value → the reading that it is, where only one can be meant.

What two readings could be has a list of them, for a person to choose from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from ingestion.decoding.units import find_unit

__all__ = ["Meaning", "event_of", "is_clock", "meaning_of", "resource_of", "usual_unit", "words_of"]

_EL, _WATERS = "electricity", ("cold_water", "hot_water", "gas")


class Meaning(NamedTuple):
    """`choices`: reading types it may be; one and `sure`: that one. tariff 0: the total."""

    register: str
    choices: tuple[str, ...]
    sure: bool = True
    tariff: int = 0


class _Rule(NamedTuple):
    """The first whose words fit counts. `{r}`: the resource of the table; without one, a choice.
    `{?}`: a choice in any case."""

    words: str
    register: str
    reading_type: str
    others: tuple[str, ...] = ()


_ANY = ""
_EXPORT = r"\b(export\w*|return(ed)?|reverse|feed|injected|generat\w+|віддан\w*)\b"
# Delivered by whom, received by whom: makers mean one or the other.
_EITHER_WAY = r"\b(delivered|received|доставлен\w*|отриман\w*)\b"
_BATTERY = r"\b(batt?\w*|vbat|bat|supply|vdd|vcc|cell|батаре\w*|акумулятор\w*)\b"
_IMPORTED = r"\b(active|import\w*|electric\w*|grid|mains|consumed|forward|positive|активн\w*)\b"
_REGISTERS = tuple(f"{one}.volume.register" for one in _WATERS)

# Dimension of the unit → what values of it are, by their names.
_RULES: dict[str, tuple[_Rule, ...]] = {
    "energy": (
        _Rule(r"\b(heat\w*|thermal|тепл\w*)\b", "energy", "heat.energy.register"),
        _Rule(r"\b(cool\w*|холод\w*)\b", "cooling", "heat.cooling.register"),
        _Rule(_EXPORT, "energy_export", "electricity.active.export.register"),
        _Rule(_EITHER_WAY, "energy", "{?}",
              ("electricity.active.import.register", "electricity.active.export.register")),
        _Rule(_IMPORTED, "energy", "electricity.active.import.register"),
        _Rule(_ANY, "energy", "{r}", ("electricity.active.import.register", "heat.energy.register")),
    ),
    "reactive energy": (
        _Rule(_EXPORT, "reactive_export", "electricity.reactive.export.register"),
        _Rule(_EITHER_WAY, "reactive", "{?}",
              ("electricity.reactive.import.register", "electricity.reactive.export.register")),
        _Rule(_ANY, "reactive_import", "electricity.reactive.import.register"),
    ),
    "power": (
        _Rule(r"\b(heat\w*|thermal|тепл\w*)\b", "power", "heat.power"),
        _Rule(_EXPORT, "power_export", "electricity.power.export"),
        _Rule(_EITHER_WAY, "power", "{?}",
              ("electricity.power.import", "electricity.power.export")),
        _Rule(_IMPORTED, "power", "electricity.power.import"),
        _Rule(_ANY, "power", "{r}", ("electricity.power.import", "heat.power")),
    ),
    "reactive power": (_Rule(_ANY, "reactive_power", "electricity.power.reactive"),),
    "volume": (
        _Rule(r"\b(gas|газ\w*)\b", "volume", "gas.volume.register"),
        _Rule(r"\b(hot|warm|гаряч\w*)\b", "volume", "hot_water.volume.register"),
        _Rule(r"\b(cold|холодн\w*)\b", "volume", "cold_water.volume.register"),
        _Rule(_ANY, "volume", "{r}.volume.register", _REGISTERS),
    ),
    "flow": (
        _Rule(_ANY, "flow", "{r}.flow", tuple(f"{one}.flow" for one in (*_WATERS, "heat"))),
    ),
    "pressure": (
        _Rule(_ANY, "pressure", "{r}.pressure", tuple(f"{one}.pressure" for one in _WATERS)),
    ),
    "temperature": (
        _Rule(r"\b(flow|supply|forward|inlet|подач\w*)\b", "flow_temperature",
              "heat.temperature.flow"),
        _Rule(r"\b(return|outlet|back|зворот\w*)\b", "return_temperature",
              "heat.temperature.return"),
        _Rule(r"\b(water|media|medium|fluid|вод\w*)\b", "water_temperature", "{r}.temperature",
              ("cold_water.temperature", "hot_water.temperature")),
        _Rule(_ANY, "temperature", "device.temperature"),
    ),
    "voltage": (
        _Rule(_BATTERY, "battery_voltage", "device.battery.voltage"),
        _Rule(_ANY, "voltage", "{phase}", ("electricity.voltage.l1", "device.battery.voltage")),
    ),
    "current": (_Rule(_ANY, "current", "{phase}", ("electricity.current.l1",)),),
    "frequency": (_Rule(_ANY, "frequency", "electricity.frequency"),),
    "share": (
        _Rule(r"\b(batt?\w*|bat|батаре\w*|заряд\w*)\b", "battery", "device.battery.level"),
        _Rule(r"\b(hum\w*|rh|вологіст\w*)\b", "humidity", "device.humidity"),
    ),
    "level": (_Rule(_ANY, "signal", "device.signal"),),
    "count": (_Rule(_ANY, "pulses", "{counted}"),),
    "allocation": (_Rule(_ANY, "allocation", "heat.allocation.register"),),
}  # fmt: skip
# {r} of an energy or a power.
_BY_RESOURCE = {
    ("energy", _EL): "electricity.active.import.register",
    ("energy", "heat"): "heat.energy.register",
    ("power", _EL): "electricity.power.import",
    ("power", "heat"): "heat.power",
}
# Values of another moment, limits and parts, which are no reading of now.
_APART = re.compile(
    r"\b(last|previous|prev|history|historic\w*|due|max\w*|min\w*|average|avg|set ?point|alarm|"
    r"threshold|limit|demand|delta|diff\w*|day|daily|month\w*|hour\w*|year\w*|interval|neutral|"
    r"thd|angle|unbalance|config\w*|reverse volume|backflow|negative|minimal|maximal|попередн\w*|"
    r"минул\w*|середн\w*)\b"
)
_PHASE = re.compile(r"\b(?:[uviap]|l|phase|ph|voltage|current|фаз[аи])? ?([123abcr])\b(?! ?n\b)")
_BETWEEN = re.compile(r"\b(l[123] ?l[123]|line to line|ll|ab|bc|ca|u?(12|23|31))\b")
_PHASES = {"1": "l1", "2": "l2", "3": "l3", "a": "l1", "b": "l2", "c": "l3"}
_TARIFF = re.compile(r"\b(?:t|tariff|rate|тариф) ?([1-4])\b")
_TOTAL = re.compile(r"\b(total|sum|overall|all|combined|сум\w*|загальн\w*)\b")

_CLUES = {
    "gas": r"\b(gas|газ\w*)\b",
    "heat": r"\b(heat\w*|thermal|тепл\w*)\b",
    "hot_water": r"\b(hot water|warm water|dhw|гаряч\w* вод\w*)\b",
    "cold_water": r"\b(water|вод\w*)\b",
    _EL: r"\b(electric\w*|reactive|power factor|phase|електр\w*|фаз\w*)\b",
}
_ELECTRIC = frozenset({"A", "mA", "kvarh", "varh", "var", "kvar", "Hz"})
_HEAT_ONLY = frozenset({"MJ", "GJ", "Gcal", "kJ", "Mcal", "kcal"})

_EVENTS: tuple[tuple[str, str], ...] = (
    (r"\blow (batt?\w*|voltage of battery)|\bbatt?\w* (low|alarm|warning|empty)", "battery_low"),
    (r"\b(leak\w*|витік|протікання)\b", "leak"),
    (r"\b(burst|pipe break)\b", "burst"),
    (r"\b(magnet\w*|магніт\w*)\b", "magnetic_field"),
    (r"\b(reverse|back ?flow|backward flow)\b", "reverse_flow"),
    (r"\b(tamper\w*|cover|lid|case open\w*|dismantl\w*)\b", "cover_opened"),
    (r"\b(cable|wire) (cut|break)\b", "cable_cut"),
    (r"\b(dry|empty pipe|air in pipe)\b", "dry"),
    (r"\b(frost|freez\w*)\b", "frost"),
    (r"\b(power (fail\w*|loss|off|down|outage))\b", "power_fail"),
    (r"\b(meter|sensor|hardware) (fault|error|failure)\b", "meter_fault"),
)
# Word → the unit that values of this name usually have, where a table tells none.
_USUAL_UNITS = {
    r"\b(energy|енергі\w*)\b": "kWh",
    r"\b(power|потужніст\w*)\b": "W",
    r"\b(voltage|напруг\w*)\b": "V",
    r"\b(current|струм\w*)\b": "A",
    r"\b(frequency|частот\w*)\b": "Hz",
    r"\b(volume|water|об.?єм\w*)\b": "m3",
    r"\b(flow|витрат\w*)\b": "m3/h",
    r"\b(temperature|temp|температур\w*)\b": "°C",
    r"\b(humidity|вологіст\w*)\b": "%",
    r"\b(battery|батаре\w*)\b": "%",
    r"\b(pressure|тиск\w*)\b": "bar",
    r"\b(rssi|signal)\b": "dBm",
}
_CLOCK = re.compile(
    r"(device |unix |sample |measur\w+ |sending |send |current )?(time ?stamp|time|date time|datetime|clock|"
    r"epoch|unix)( (utc|unix|seconds))?|час|дата час|мітка часу"
)


def words_of(text: str) -> str:
    """Small letters with blanks between the words: activeEnergyL1 → active energy l1."""
    apart = re.sub(r"(?<=[a-z0-9а-яіїєґ])(?=[A-ZА-ЯІЇЄҐ])", " ", text)
    return re.sub(r"[\W_]+", " ", apart.lower()).strip()


def resource_of(title: str, values: Iterable[tuple[str, str]]) -> str:
    """The resource that a whole table speaks of; "" where that is none, or several.

    values: name and unit of each value.
    """
    named = [(words_of(name), unit) for name, unit in values]
    words = " ".join([words_of(title), *(name for name, _unit in named)])
    units = {unit for _name, unit in named}
    if units & _ELECTRIC or any(_is_mains(name, unit) for name, unit in named):
        return _EL
    if units & _HEAT_ONLY:
        return "heat"
    found = [one for one, pattern in _CLUES.items() if re.search(pattern, words)]
    if "heat" in found and "gas" not in found and _EL not in found:
        return "heat"
    if "hot_water" in found and not re.search(r"\bcold\b", words):
        found.remove("cold_water")
    return found[0] if len(found) == 1 else ""


def _is_mains(words: str, unit: str) -> bool:
    """Voltage, and not that of a battery."""
    voltage = unit in {"V", "kV"} or re.search(r"\b(voltage|напруг\w*)\b", words)
    return bool(voltage) and not re.search(_BATTERY, words)


def is_clock(name: str) -> bool:
    """Whether a value of this name is the time of the telegram."""
    return _CLOCK.fullmatch(words_of(name)) is not None


def event_of(name: str) -> str:
    """The event that a set bit of this name tells; "" where none is known."""
    words = words_of(name)
    return next((code for pattern, code in _EVENTS if re.search(pattern, words)), "")


def meaning_of(name: str, unit: str, resource: str = "") -> Meaning | None:
    """What a value is; None where values of this unit are nothing that is kept."""
    known = find_unit(unit)
    words = words_of(name)
    rules = _RULES.get(known.dimension, ()) if known else ()
    rule = next((one for one in rules if re.search(one.words, words)), None)
    if rule is None or known is None:
        return None
    choices, sure = _choices(rule, known.dimension, words, _resource(unit, words, resource))
    tariff = _TARIFF.search(words) if "energy" in known.dimension else None
    apart = _APART.search(words) is not None
    part = not tariff and _is_part(known.dimension, words)
    number = int(tariff[1]) if tariff else 0
    return Meaning(rule.register, choices, sure and not apart and not part, number)


def usual_unit(name: str) -> str:
    """What the unit of a value may be by its name; "" where that tells nothing."""
    words = words_of(name)
    return next((unit for one, unit in _USUAL_UNITS.items() if re.search(one, words)), "")


def _resource(unit: str, words: str, resource: str) -> str:
    if resource:
        return resource
    if unit in _HEAT_ONLY:
        return "heat"
    found = [one for one, pattern in _CLUES.items() if re.search(pattern, words)]
    return found[0] if len(found) == 1 else ""


def _choices(
    rule: _Rule, dimension: str, words: str, resource: str
) -> tuple[tuple[str, ...], bool]:
    """Reading types, and whether it is the first of them for sure."""
    target = rule.reading_type
    if target == "{phase}":
        return _of_phase(rule, dimension, words, resource)
    if target == "{counted}":
        return (target,), bool(resource)
    if target == "{?}":
        return rule.others, False
    if target == "{r}":
        found = _BY_RESOURCE.get((dimension, resource), "")
        return ((found,), True) if found else (rule.others, False)
    if "{r}" not in target:
        return (target,), True
    code = target.replace("{r}", resource)
    fits = resource in {*_WATERS, "heat"} and not code.startswith("heat.temperature")
    return ((code,), True) if fits else (rule.others, False)


def _of_phase(
    rule: _Rule, dimension: str, words: str, resource: str
) -> tuple[tuple[str, ...], bool]:
    if _BETWEEN.search(words):
        return rule.others[:1], False
    phase = _PHASE.search(words)
    found = _PHASES.get(phase[1], "") if phase else ""
    if found:
        return (f"electricity.{dimension}.{found}",), True
    return ((rule.others[0],), True) if resource == _EL else (rule.others, False)


def _is_part(dimension: str, words: str) -> bool:
    """An energy or a power of one phase: the catalogue has that of all three."""
    if dimension not in {"energy", "power", "reactive energy", "reactive power"}:
        return False
    return _PHASE.search(words) is not None and _TOTAL.search(words) is None
