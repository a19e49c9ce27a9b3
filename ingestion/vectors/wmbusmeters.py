"""Telegrams published with the values that wmbusmeters gives for them, against the decoder.

What is asked of a telegram follows from the published file alone, not from what is found here:

- the identification, the maker and the medium, always;
- every number with a unit and every date that is sent, where the published driver only maps DIF
  and VIF ("language_class"). A driver with code of its own computes, or reads what its maker hid: its
  values belong to a device type. They are counted when they are found, never asked; nor are
  numbers that stand under a VIF which the standard leaves to makers.

A value is found when an item equals it in its unit, converted exactly, within the six digits that
are published; a date when an item begins with it. Frames are heard in the order of the file by one
memory of formats, as a receiver would.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.telegram import Item, Telegram
from ingestion.codecs.wmbus import Formats, decode_wmbus

from .outcomes import DIFFERENT, EQUAL, REFUSED, Outcome

__all__ = ["Judgement", "compare", "judge", "judged"]

_MAPPING_ONLY = "pure dif/vif mapping"
_PRECISION = Fraction(1, 1_000_000)
# What names the telegram, not what it measures; the time stamp is a placeholder.
_NOT_VALUES = frozenset({"_", "id", "media", "meter", "name", "timestamp"})
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d)?)?")
_MAKERS_VIF = frozenset({0x7F, 0xFF})
_YEAR_SECONDS = Fraction(3652425 * 864, 100)

# Published suffix → for each of our symbols, what one of ours is in the published unit.
_ENERGY_KWH = {"Wh": Fraction(1, 1000), "kWh": Fraction(1), "J": Fraction(1, 3_600_000)}
_ENERGY_J = {"J": Fraction(1), "Wh": Fraction(3600)}
_VOLUME = {"m3": Fraction(1), "L": Fraction(1, 1000)}
_FLOW = {"m3/h": Fraction(1), "L/h": Fraction(1, 1000), "m3/min": Fraction(60)}
_POWER = {"W": Fraction(1), "kW": Fraction(1000), "J/h": Fraction(1, 3600)}
_SECONDS = {
    "s": Fraction(1),
    "min": Fraction(60),
    "h": Fraction(3600),
    "d": Fraction(86400),
    "month": _YEAR_SECONDS / 12,
    "y": _YEAR_SECONDS,
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
    "hca": _same("", "HCA", "hca", "units", "count"),
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
    "y": _scaled(_SECONDS, _YEAR_SECONDS),
}

_OFFSETS = {("°C", "f"): 32}
# A published year has as many days as its driver takes: 365.2425, or one of these.
_OTHER_YEARS = tuple(86400 * Fraction(days, 4) for days in (1460, 1461))

# Of a radio adapter, either its own medium is published or that of the meter behind it.
_MEDIUM_CODES = ("medium_code", "radio_medium_code")

# Names of media as published → codes of EN 13757-7, table of device types.
_MEDIA = {
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


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one telegram gave. `asked` and `found` count values; `extra` those found unasked.

    `makers` counts published values that stand under a VIF which only the maker can read.
    """

    name: str
    telegram: Telegram | None
    reason: str = ""
    wrong: tuple[str, ...] = ()
    asked: int = 0
    missing: tuple[str, ...] = ()
    extra: int = 0
    makers: int = 0

    @property
    def found(self) -> int:
        return self.asked - len(self.missing)


def compare(vector_file: Mapping[str, Any]) -> Iterator[Outcome]:
    """One outcome a telegram, in the order of the file."""
    return map(_outcome, judged(vector_file))


def judged(vector_file: Mapping[str, Any]) -> Iterator[Judgement]:
    """The same with what was found and what is missing."""
    formats = Formats()
    for place, vector in enumerate(vector_file["vectors"]):
        yield judge(f"{place} {vector['driver']}", vector, formats)


def judge(name: str, vector: Mapping[str, Any], formats: Formats) -> Judgement:
    """Decodes the frames of one vector in their order and judges what the last one says."""
    key = bytes.fromhex(vector["key"]) if vector["key"] else None
    telegram = None
    try:
        for frame in vector["frames"]:
            telegram = decode_wmbus(bytes.fromhex(frame["hex"]), key=key, formats=formats)
    except DecodeError as error:
        return Judgement(name, None, str(error))
    if telegram is None:
        return Judgement(name, None, "no frames")
    values = list(_values(vector["expected"], telegram.octets))
    lost = [(field, value) for field, value in values if not _is_found(field, value, telegram)]
    asked = [pair for pair in lost if not _is_makers(pair[1], telegram.items)]
    wrong = tuple(_wrong_identity(vector, telegram))
    if not vector["language_class"].startswith(_MAPPING_ONLY):
        return Judgement(name, telegram, wrong=wrong, extra=len(values) - len(lost))
    return Judgement(
        name,
        telegram,
        telegram.identity.get("unread", ""),
        wrong,
        len(values) - len(lost) + len(asked),
        tuple(f"{field} {value}" for field, value in asked),
        makers=len(lost) - len(asked),
    )


def _outcome(judgement: Judgement) -> Outcome:
    if judgement.telegram is None:
        return Outcome(judgement.name, REFUSED, judgement.reason)
    details = [*judgement.wrong, *(f"missing {value}" for value in judgement.missing)]
    if judgement.missing and judgement.reason:
        details.append(judgement.reason)
    return Outcome(judgement.name, DIFFERENT if details else EQUAL, "; ".join(details))


def _values(expected: Mapping[str, Any], octets: bytes) -> Iterator[tuple[str, Any]]:
    """Numbers with a unit, and dates. Words, flags and what is null are no values here."""
    for field, value in expected.items():
        if field in _NOT_VALUES or isinstance(value, bool):
            continue
        is_number = isinstance(value, int | float) and field.rpartition("_")[2] in UNITS
        if is_number or (
            isinstance(value, str) and _DATE.fullmatch(value) and _stands(value, octets)
        ):
            yield field, value


def _stands(value: str, octets: bytes) -> bool:
    """Whether a day is among the opened bytes: types F, G and I all code it in the same two.

    Drivers also publish days that they count back from another one: no mapping gives those.
    """
    year, month, day = (int(part) for part in value[:10].split("-"))
    low, high = year % 100 & 0x07, year % 100 >> 3
    return bytes([low << 5 | day, high << 4 | month]) in octets


def _wrong_identity(vector: Mapping[str, Any], telegram: Telegram) -> Iterator[str]:
    identity, expected = telegram.identity, vector["expected"]
    found = identity.get("id", "").lower()
    if found != str(expected["id"]).lower():
        yield f"id {found}, published {expected['id']}"
    makers = {identity.get("manufacturer"), identity.get("radio_manufacturer")}
    if vector.get("mfct") and vector["mfct"] not in makers:
        yield f"manufacturer {identity.get('manufacturer')}, published {vector['mfct']}"
    media = _MEDIA.get(expected.get("media", ""))
    codes = {int(identity[name], 16) for name in _MEDIUM_CODES if name in identity}
    if media and codes and not codes & media:
        yield f"medium {identity.get('medium')}, published {expected['media']}"


def _is_found(field: str, value: Any, telegram: Telegram) -> bool:
    if isinstance(value, str):
        return any(_is_date(one, value) for item in telegram.items for one in _values_of(item))
    suffix = field.rpartition("_")[2]
    wanted = Fraction(Decimal(repr(value)))
    if any(_is_invalid(item, wanted) for item in telegram.items):
        return True
    nearness = {item.facts.get("coding"): _nearness(item, wanted) for item in telegram.items}
    return any(
        abs(number - wanted) < nearness[item.facts.get("coding")]
        for item in telegram.items
        for value in _values_of(item)
        for number in _in_unit(value, item.unit, suffix)
    )


def _values_of(item: Item) -> list[Any]:
    """Its value; those of a profile one by one."""
    return item.value if isinstance(item.value, list) else [item.value]


def _nearness(item: Item, wanted: Fraction) -> Fraction:
    """Six digits behind the point; a binary float of 32 bits has no more than 24 bits."""
    is_float = item.facts.get("coding") == "real32"
    return _PRECISION + (abs(wanted) / 2**24 if is_float else 0)


def _in_unit(value: Any, unit: str, suffix: str) -> Iterator[Fraction]:
    """A number in the published unit; none where it has no such unit."""
    units = UNITS[suffix]
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or unit not in units:
        return
    number = Fraction(value) * units[unit]
    yield number + _OFFSETS.get((unit, suffix), 0)
    if suffix == "y":
        yield from (number * _YEAR_SECONDS / year for year in _OTHER_YEARS)


def _is_makers(value: Any, items: tuple[Item, ...]) -> bool:
    """Whether a number has the digits of a record whose VIF only its maker can read (7Fh, FFh)."""
    return not isinstance(value, str) and any(
        _digits(item.value) == _digits(Decimal(repr(value)))
        for item in items
        if isinstance(item.value, int | Decimal)
        and _MAKERS_VIF & set(bytes.fromhex(str(item.facts.get("vif", ""))))
    )


def _digits(number: int | Decimal) -> str:
    return "".join(map(str, Decimal(number).as_tuple().digits)).strip("0")


def _is_invalid(item: Item, wanted: Fraction) -> bool:
    """The lowest number of its size marks a value as invalid; it is published as a number."""
    if item.facts.get("valid", True) or wanted >= 0:
        return False
    return item.raw.strip("-0") == _digits(Decimal(wanted.numerator) / wanted.denominator)


def _is_date(value: Any, wanted: str) -> bool:
    if isinstance(value, datetime | date):
        text = value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
    else:
        text = value if isinstance(value, str) else ""
    return text.replace("T", " ").startswith(wanted.replace("T", " "))
