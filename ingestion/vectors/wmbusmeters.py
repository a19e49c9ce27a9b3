"""Telegrams published with the values that wmbusmeters gives for them, against the decoder.

What is asked of a telegram follows from the published file alone, not from what is found here:

- the identification, the maker and the medium, always;
- every number with a unit and every date, where the published driver only maps DIF and VIF
  ("language_class"), unless it stands nowhere in the opened bytes: then the driver computed it. A
  driver with code of its own computes, or reads what its maker hid: its values belong to a device
  type. They are counted when they are found, never asked; nor are numbers that stand under a VIF
  which the standard leaves to makers.

A number that its meter marks as invalid counts as found when the record is found and marked so.

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
from .wmbusmeters_units import MEDIA, MEDIUM_CODES, OFFSETS, OTHER_YEARS, UNITS, YEAR_SECONDS

__all__ = ["Judgement", "compare", "judge", "judged"]

_MAPPING_ONLY = "pure dif/vif mapping"
_PRECISION = Fraction(1, 1_000_000)
# Digits that are published behind the point.
_LAST_DIGIT = 6
# What names the telegram, not what it measures; the time stamp is a placeholder.
_NOT_VALUES = frozenset({"_", "id", "media", "meter", "name", "timestamp"})
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d)?)?")
_MAKERS_VIF = frozenset({0x7F, 0xFF})


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one telegram gave. `asked` and `found` count values; `extra` those found unasked.

    `makers` counts published values that stand under a VIF which only the maker can read, and
    `computed` those that stand nowhere in the opened bytes: neither is asked.
    """

    name: str
    telegram: Telegram | None
    reason: str = ""
    wrong: tuple[str, ...] = ()
    asked: int = 0
    missing: tuple[str, ...] = ()
    extra: int = 0
    makers: int = 0
    computed: int = 0

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
    values = list(_values(vector["expected"]))
    lost = [(field, value) for field, value in values if not _is_found(field, value, telegram)]
    sent = [(field, value) for field, value in lost if _stands(field, value, telegram.octets)]
    asked = [pair for pair in sent if not _is_makers(pair[1], telegram.items)]
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
        makers=len(sent) - len(asked),
        computed=len(lost) - len(sent),
    )


def _outcome(judgement: Judgement) -> Outcome:
    if judgement.telegram is None:
        return Outcome(judgement.name, REFUSED, judgement.reason)
    details = [*judgement.wrong, *(f"missing {value}" for value in judgement.missing)]
    if judgement.missing and judgement.reason:
        details.append(judgement.reason)
    return Outcome(judgement.name, DIFFERENT if details else EQUAL, "; ".join(details))


def _values(expected: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Numbers with a unit, and dates. Words, flags and what is null are no values here."""
    for field, value in expected.items():
        if field in _NOT_VALUES or isinstance(value, bool):
            continue
        if _is_value(field, value):
            yield field, value


def _is_value(field: str, value: Any) -> bool:
    if isinstance(value, str):
        return _DATE.fullmatch(value) is not None
    return isinstance(value, int | float | Decimal) and field.rpartition("_")[2] in UNITS


def _exact(value: float | Decimal) -> Decimal:
    """A published number as it was written."""
    return Decimal(str(value))


def _stands(field: str, value: Any, octets: bytes) -> bool:
    if isinstance(value, str):
        return _day_stands(value, octets)
    units = UNITS[field.rpartition("_")[2]]
    number = Fraction(_exact(value))
    return any(_digits_stand(number / factor, octets) for factor in set(units.values()))


def _digits_stand(number: Fraction, octets: bytes) -> bool:
    """Whether a number may be among the bytes, as an integer or as BCD, with its point anywhere.

    Numbers that were rounded, and short ones, may always be: what is asked is rather too much.
    """
    scaled = abs(number) * 10**_LAST_DIGIT
    if scaled.denominator != 1 or scaled % 10 or not scaled:
        return True
    digits = str(scaled.numerator).rstrip("0")
    texts = [digits + "0" * zeros for zeros in range(_LAST_DIGIT + 1)]
    return any(coded in octets for text in texts for coded in _codings(text))


def _codings(digits: str) -> tuple[bytes, ...]:
    """Lowest byte first: positive, negative, BCD."""
    number, size = int(digits), (int(digits).bit_length() + 8) // 8
    bcd = bytes.fromhex(digits.zfill(len(digits) + len(digits) % 2))[::-1]
    return (
        number.to_bytes(size, "little").rstrip(b"\0"),
        (-number).to_bytes(size, "little", signed=True).rstrip(b"\xff"),
        bcd,
    )


def _day_stands(value: str, octets: bytes) -> bool:
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
    media = MEDIA.get(expected.get("media", ""))
    codes = {int(identity[name], 16) for name in MEDIUM_CODES if name in identity}
    if media and codes and not codes & media:
        yield f"medium {identity.get('medium')}, published {expected['media']}"


def _is_found(field: str, value: Any, telegram: Telegram) -> bool:
    if isinstance(value, str):
        return any(_is_date(one, value) for item in telegram.items for one in _values_of(item))
    suffix = field.rpartition("_")[2]
    wanted = Fraction(_exact(value))
    if any(_is_invalid(item, wanted, suffix) for item in telegram.items):
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
    yield number + OFFSETS.get((unit, suffix), 0)
    if suffix == "y":
        yield from (number * YEAR_SECONDS / year for year in OTHER_YEARS)


def _is_makers(value: Any, items: tuple[Item, ...]) -> bool:
    """Whether a number has the digits of a record whose VIF only its maker can read (7Fh, FFh)."""
    return not isinstance(value, str) and any(
        _digits(item.value) == _digits(_exact(value))
        for item in items
        if isinstance(item.value, int | Decimal)
        and _MAKERS_VIF & set(bytes.fromhex(str(item.facts.get("vif", ""))))
    )


def _digits(number: int | Decimal) -> str:
    return "".join(map(str, Decimal(number).as_tuple().digits)).strip("0")


def _is_invalid(item: Item, wanted: Fraction, suffix: str) -> bool:
    """A record that its meter marks as invalid, published as the number that stands there."""
    if item.facts.get("valid", True) or item.unit not in UNITS[suffix]:
        return False
    return item.raw.strip("-0") == _digits(Decimal(wanted.numerator) / wanted.denominator)


def _is_date(value: Any, wanted: str) -> bool:
    if isinstance(value, datetime | date):
        text = value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
    else:
        text = value if isinstance(value, str) else ""
    return text.replace("T", " ").startswith(wanted.replace("T", " "))
