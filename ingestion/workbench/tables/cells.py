"""What makers write in the cells of their tables: places, forms of numbers, scales, units.

Each reader gives None, or "", for what it does not understand: nothing is guessed silently.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from ingestion.decoding.units import find_unit

__all__ = [
    "Form",
    "Place",
    "Scale",
    "bits_in_text",
    "bits_told",
    "form_of",
    "number_of",
    "order_of",
    "place_of",
    "scale_of",
    "scale_told",
    "unit_of",
    "unit_told",
]

_LARGEST_BYTE = 4_096
_EMPTY = frozenset({"", "-", "–", "—", "/", "n/a", "na", "none", "n.a.", "no", "."})


class Place(NamedTuple):
    """Bytes from `first` to `last`, counted as written; last None: one that is told by its form,
    -1: all that follow. Bits from 0, the lowest, where it is a part of them."""

    first: int
    last: int | None = None
    low: int | None = None
    high: int | None = None


class Form(NamedTuple):
    """letter: u, s, f, bcd, ascii, hex, bool, time, skip, or "" where only the sign is told (then
    `signed`). size in bytes, 0 where it is not told; repeat: elements of a list, 0 for one
    value."""

    letter: str
    size: int = 0
    repeat: int = 0
    signed: bool | None = None


class Scale(NamedTuple):
    """raw × mult ÷ div + add. doubtful: it may be meant the other way round."""

    mult: Decimal = Decimal(1)
    div: Decimal = Decimal(1)
    add: Decimal = Decimal(0)
    unit: str = ""
    doubtful: bool = False


_BIT_PART = r"(?:[.\s,(\[]*bits?\s*|\.|\[)(\d{1,2})(?:\s*(?:-|–|\.\.|to|:|…)\s*(\d{1,2}))?[\])\s]*"
_PLACE = re.compile(
    r"(0x[0-9a-f]{1,4}|\d{1,5})"
    r"(?:\s*(?:-|–|—|\.\.\.?|…|~|to|\bдо\b|:)\s*(0x[0-9a-f]{1,4}|\d{1,5}|n|end|x|…)?|(\s*\+))?"
)
_BITS = re.compile(r"(0x[0-9a-f]{1,4}|\d{1,5})" + _BIT_PART)
_BITS_ALONE = re.compile(r"(?:bits?|b|біти?)?\s*(\d{1,2})(?:\s*(?:-|–|\.\.|to|:|…)\s*(\d{1,2}))?")
_BITS_IN_TEXT = re.compile(
    r"\bbit\s*#?(\d{1,2})\s*[:=\-–]\s*([^,;:=]{2,60}?)(?=[,;.]|\s*\bbit\b|$)"
)


def number_of(text: str) -> int | None:
    """A whole number, in decimal or 0x…; "40001" and "0x9C41"."""
    found = re.fullmatch(r"(0x[0-9a-f]{1,4})|([0-9a-f]{1,4})h|(\d{1,6})", text.strip().lower())
    if found is None:
        return None
    based = found[1] or (f"0x{found[2]}" if found[2] else None)
    return int(based, 16) if based else int(found[3])


def place_of(text: str, bits: str = "") -> Place | None:
    """`0`, `0-3`, `2..5`, `0x04`, `1,2`, `4.3`, `4[3:5]`, `4 bit 3`, `5-n`; `bits` of a cell of its
    own."""
    plain = re.sub(r"\b(bytes?|octets?|offset|no\.?|байти?)|[#№]", " ", text.lower()).strip(" ()[]")
    plain = _listed(" ".join(plain.split()))
    if part := _BITS.fullmatch(text.lower().replace("byte", "").strip()):
        return _bits(Place(_integer(part[1])), part[2], part[3])
    found = _PLACE.fullmatch(plain)
    if found is None:
        return None
    first, last = _integer(found[1]), found[2]
    ends = -1 if found[3] or (not (last or "").isalnum() and plain != found[1]) else None
    if last and re.fullmatch(r"n|end|x|…", last):
        ends = -1
    elif last:
        ends = _integer(last)
    if ends is not None and ends >= 0 and ends < first:
        first, ends = ends, first
    if max(first, ends or 0) > _LARGEST_BYTE:
        return None
    alone = _BITS_ALONE.fullmatch(bits.lower().strip())
    place = Place(first, ends)
    return _bits(place, alone[1], alone[2]) if alone else place


def bits_told(bits: str) -> tuple[int, int] | None:
    """Lowest and highest bit of a cell such as `3`, `0-2`, `bit 7`."""
    found = _BITS_ALONE.fullmatch(bits.lower().strip())
    if found is None:
        return None
    place = _bits(Place(0), found[1], found[2])
    return (place.low or 0, place.high or 0) if place else None


def bits_in_text(text: str) -> list[tuple[int, str]]:
    """`bit0: leak, bit1: low battery` → the bits and their names."""
    return [(int(bit), name.strip()) for bit, name in _BITS_IN_TEXT.findall(text.lower())]


def _bits(place: Place, one: str, other: str | None) -> Place | None:
    low, high = sorted((int(one), int(other or one)))
    return place._replace(low=low, high=high) if high < 64 else None


def _listed(text: str) -> str:
    """`1, 2, 3` and `1 & 2` → `1-3`."""
    numbers = re.split(r"\s*[,&+]\s*", text)
    if len(numbers) > 1 and all(one.isdecimal() and len(one) < 6 for one in numbers):
        values = [int(one) for one in numbers]
        if values == list(range(values[0], values[0] + len(values))):
            return f"{values[0]}-{values[-1]}"
    return text


def _integer(text: str) -> int:
    return int(text, 16 if text.startswith("0x") else 10)


# Names of forms, the first that is found counts; what is not told there is told by bits and sign.
_FORMS: tuple[tuple[re.Pattern[str], Form], ...] = tuple(
    (re.compile(pattern), form)
    for pattern, form in (
        (r"\b(reserved|rfu|padding|unused|spare|dummy|резерв)\b", Form("skip")),
        (r"\b(unix|epoch|time_t|posix)\b", Form("time", 4)),
        (r"\bbcd\b", Form("bcd")),
        (r"\b(bool|boolean|flag)\b", Form("bool")),
        (r"\b(ascii|string|char ?\[\d+\]|text|utf ?8|рядок)", Form("ascii")),
        (r"\b(hex|bytes|raw|array|octet string|byte ?\[\d+\])\b", Form("hex")),
        (r"\b(double|float ?64|f64|real64|lreal)\b", Form("f", 8)),
        (r"\b(half|float ?16|f16)\b", Form("f", 2)),
        (r"\b(float|float ?32|f32|real|single|ieee ?754|ieee)\b", Form("f", 4)),
        (r"\b(uchar|unsigned char|byte|usint)\b", Form("u", 1)),
        (r"\b(signed char|char|sint)\b", Form("s", 1)),
        (r"\b(ushort|unsigned short|word)\b", Form("u", 2)),
        (r"\b(signed short|short)\b", Form("s", 2)),
        (r"\b(ulong|unsigned long|unsigned int|dword|udint)\b", Form("u", 4)),
        (r"\b(signed long|long|dint)\b", Form("s", 4)),
        (r"\b(bit ?fields?|bit ?maps?|bit ?masks?|bits|flags|enum\w*)\b", Form("", signed=False)),
        (r"\b(unsigned|uint|беззнаков\w*)\b", Form("", signed=False)),
        (r"\b(signed|int|integer|знаков\w*|complement)\b", Form("", signed=True)),
    )
)
_SIZED = re.compile(
    r"\b(u|s|i|f|uint|sint|int|integer|unsigned|signed|float|unsigned int|signed int|bcd|real)"
    r"[ _-]?(8|16|24|32|40|48|56|64)(?: ?-?bits?)?(?:_t|_?[bl]e)?\b"
)
_BITS_FIRST = re.compile(
    r"\b(8|16|24|32|40|48|56|64) ?-? ?(?:bits? ?-?)?(unsigned|signed|uint|int|float|u|s)?"
    r"(?: ?int(?:eger)?)?\b"
)
_SIGNS = {
    **dict.fromkeys(("u", "uint", "unsigned", "unsigned int"), "u"),
    **dict.fromkeys(("s", "i", "sint", "int", "integer", "signed", "signed int"), "s"),
    **dict.fromkeys(("f", "float", "real"), "f"),
    "bcd": "bcd",
}


def form_of(text: str) -> Form | None:
    """uint16, U16, int16_t, "unsigned 16 bit", "16uint", float, BCD8, word, char[8], u8[4] …"""
    plain = re.sub(r"[^\w\[\] -]+", " ", text.lower())
    count = re.search(r"\[(\d{1,4})\]", plain)
    if sized := _SIZED.search(plain):
        form = Form(_SIGNS[sized[1]], int(sized[2]) // 8)
        if form.letter == "bcd":  # BCD8: digits or bits, which the other columns must tell
            return Form("bcd")
        return form._replace(repeat=int(count[1]) if count else 0)
    for pattern, form in _FORMS:
        if pattern.search(plain):
            bits = _BITS_FIRST.search(plain)
            if form.letter in {"", "f"} and bits:
                letter = form.letter or ("s" if form.signed else "u")
                return Form(letter, int(bits[1]) // 8)
            if count and form.letter in {"ascii", "hex"}:
                return form._replace(size=int(count[1]))
            return form
    if bits := _BITS_FIRST.fullmatch(plain.strip()):
        letter = _SIGNS.get(bits[2] or "", "")
        return Form(letter or "", int(bits[1]) // 8)
    return None


def order_of(text: str) -> str:
    """little, big, or "" where nothing is told."""
    plain = text.lower()
    if re.search(
        r"little|\ble\b|_le\b|lsb first|lsb[- ]?msb|low byte first|\blsb\b|intel|cdab", plain
    ):
        return "little"
    if re.search(r"big|\bbe\b|_be\b|msb|high byte first|motorola|abcd", plain):
        return "big"
    return ""


_NUMBER = r"\d{1,12}(?:\.\d{1,12})?(?:e[+-]?\d{1,2})?"
_SIGNED = rf"[+-]?\s*{_NUMBER}"
_OPERATED = re.compile(
    r"(?:u?int\d*|float|[a-z_ ]{0,20}?)\s*"
    rf"([*x×·/÷:])\s*({_NUMBER})\s*(?:([+-])\s*({_NUMBER}))?\s*(.*)"
)
_FRACTION = re.compile(rf"1\s*/\s*({_NUMBER})\s*(.*)")
_POWER = re.compile(r"10\s*(?:\^|\*\*)\s*\(?([+-]?\d{1,2})\)?\s*(.*)")
_PLAIN = re.compile(rf"({_NUMBER})\s*([^\d].*)?")
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_ASIDE = re.compile(
    r"\b(per bit|per lsb|per digit|signed|unsigned|msb|lsb)\b|/\s*(bit|lsb|digit)\b"
)


def scale_of(text: str, *, divides: bool = False) -> Scale | None:
    """`0.1`, `/10`, `x0.01`, `1/100`, `10^-3`, `0.1 °C`, `raw*0.1-40`; divides: a divisor's column.

    None where it is something else.
    """
    plain = re.sub(r"10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", lambda one: f"10^{one[1].translate(_SUPERSCRIPTS)}", text)
    plain = re.sub(r"(?<=\d),(?=\d)", ".", plain).strip()
    bare = _ASIDE.sub(" ", plain.lower()).strip()
    if bare in _EMPTY or bare in {"1", "x1", "*1", "/1"}:
        return Scale()
    tail = plain[len(plain) - len(bare) :] if plain.lower().endswith(bare) else bare
    try:
        scale = _scale(bare, divides=divides)
    except InvalidOperation:
        return None
    if scale is None or not scale.mult or not scale.div:
        return None
    unit = unit_of(_cut_like(tail, scale.unit)) if scale.unit else ""
    return None if scale.unit and not unit else scale._replace(unit=unit)


def _cut_like(text: str, end: str) -> str:
    """The end of a text as it was written, before it was put in small letters."""
    return text[len(text) - len(end) :] if text.lower().endswith(end) else end


def _scale(text: str, *, divides: bool) -> Scale | None:
    if found := _POWER.fullmatch(text):
        return Scale(mult=Decimal(1).scaleb(int(found[1])), unit=found[2].strip())
    if found := _FRACTION.fullmatch(text):
        return Scale(div=Decimal(found[1]), unit=found[2].strip())
    if found := _OPERATED.fullmatch(text):
        sign, number, added, amount, unit = found.groups()
        add = Decimal(f"{added}{amount}") if added else Decimal(0)
        if sign in "/÷:":
            return Scale(div=Decimal(number), add=add, unit=unit.strip())
        return Scale(mult=Decimal(number), add=add, unit=unit.strip())
    found = _PLAIN.fullmatch(text)
    if found is None:
        return None
    number, unit = Decimal(found[1]), (found[2] or "").strip()
    if divides:
        return Scale(div=number, unit=unit)
    return Scale(mult=number, unit=unit, doubtful=number > 1 and not unit)


# How makers write units → the symbol of the language; small letters, without dots and brackets.
_UNITS = {
    "kwh": "kWh", "wh": "Wh", "mwh": "MWh", "kw": "kW", "w": "W", "mj": "MJ", "gj": "GJ", "kj": "kJ",
    "kvarh": "kvarh", "varh": "varh", "kvar": "kvar", "var": "var", "kva": "kVA", "va": "VA",
    "kvah": "kVAh", "vah": "VAh", "gcal": "Gcal",
    "v": "V", "volt": "V", "volts": "V", "a": "A", "amp": "A", "amps": "A", "ampere": "A",
    "hz": "Hz", "hertz": "Hz", "m3": "m3", "m^3": "m3", "m³": "m3", "cubic meter": "m3",
    "cubic meters": "m3", "cubic metre": "m3", "cubic metres": "m3", "cbm": "m3",
    "l": "L", "liter": "L", "liters": "L", "litre": "L", "litres": "L", "dm3": "L", "ml": "mL",
    "m3/h": "m3/h", "m³/h": "m3/h", "m^3/h": "m3/h", "l/h": "L/h", "l/min": "L/min",
    "l/s": "L/s", "°c": "°C", "℃": "°C", "c": "°C", "deg c": "°C", "degc": "°C", "celsius": "°C",
    "degree celsius": "°C", "degrees celsius": "°C", "°f": "°F", "k": "K", "%": "%",
    "percent": "%", "%rh": "%", "rh%": "%", "% rh": "%", "dbm": "dBm", "s": "s", "sec": "s",
    "second": "s", "seconds": "s", "min": "min", "minute": "min", "minutes": "min", "h": "h",
    "hour": "h", "hours": "h", "ms": "ms", "bar": "bar", "mbar": "mbar", "pa": "Pa", "hpa": "hPa",
    "kpa": "kPa", "pulse": "count", "pulses": "count", "imp": "count", "impulses": "count",
    "квт·год": "kWh", "квт*год": "kWh", "квт год": "kWh", "кварг": "kvarh",
    "вт": "W", "квт": "kW", "в": "V", "мв": "mV", "ма": "mA", "гц": "Hz", "м3": "m3", "м³": "m3",
    "л": "L", "м3/год": "m3/h", "м³/год": "m3/h", "л/год": "L/h", "гкал": "Gcal", "гдж": "GJ",
    "мдж": "MJ", "°с": "°C", "с": "s", "імп": "count", "дбм": "dBm", "бар": "bar", "кпа": "kPa",
}  # fmt: skip
# Where the size of a letter tells milli from mega.
_EXACT = {"mV": "mV", "mA": "mA", "mW": "mW", "MW": "MW", "mHz": "mHz", "MPa": "MPa", "mL": "mL"}


def unit_of(text: str) -> str:
    """The symbol of a unit; "" where it is none that is known here."""
    plain = " ".join(text.strip(" ()[].,").split())
    if plain in _EXACT:
        return _EXACT[plain]
    symbol = _UNITS.get(plain.lower())
    if symbol is None and plain.lower() in {"mv", "ma"}:
        symbol = f"m{plain[1:].upper()}"
    if symbol is None and len(plain) <= 12 and find_unit(plain) is not None:
        symbol = plain
    return symbol or ""


_UNIT_TOLD = re.compile(r"\bunits?\s*[:=]?\s*([^\s,;()]{1,12})", re.IGNORECASE)
_IN_BRACKETS = re.compile(r"[\[(]([^\])]{1,14})[\])]")
_RESOLUTION = re.compile(
    r"\b(?:resolution|scale|factor|scaling)\s*[:=]?\s*([^,;()]{1,24})", re.IGNORECASE
)
_SIGNED_STEP = re.compile(r"\b(?:un)?signed\b[ ,]*(\d[\d.,]*\s?[^\s\d,;()]{1,5})", re.IGNORECASE)
_DIVIDED = re.compile(r"\b(?:u?int|[us])\d{1,2}(?:_t)?\s*([/*x×]\s*\d[\d.]*)", re.IGNORECASE)


def unit_told(text: str) -> str:
    """The unit that a name or a description tells: `Voltage [V]`, `INT16, Unit: °C`."""
    found = [*_UNIT_TOLD.findall(text), *_IN_BRACKETS.findall(text)]
    return next((unit for one in found if (unit := unit_of(one))), "")


def scale_told(text: str) -> Scale | None:
    """The scale that a description tells: `INT16/10`, `Resolution: 0.1 °C`."""
    for pattern in (_DIVIDED, _RESOLUTION, _SIGNED_STEP):
        for one in pattern.findall(text):
            scale = scale_of(one)
            if scale is not None:
                return scale
    return None
