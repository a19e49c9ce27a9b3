"""Wired M-Bus frames published with the values that libmbus prints, against the decoder.

A valid frame is equal when its header and every record agree: function, storage number, tariff,
subunit, quantity, unit and value, within the six digits behind the point that are published (and
what a float of 32 bits can tell). libmbus knows the 1998 edition of the standard only:

- it reads a record without the codes that narrow it (limits, phases, dates of …): where such codes
  stand, its own reading of the same bytes, recomputed here, is accepted too;
- dates marked invalid come out as 1900-01-00, centuries differ between its editions;
  flags have a sign, letters in BCD digits are counted somehow: where the record holds one of
  these, recomputed from the bytes in the same way;
- a code that its edition calls reserved matches by the bare number.

A frame that must be refused is equal when it is refused, and so is one without anything that could
be read without its maker. An application error is equal when its words agree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from itertools import zip_longest
from typing import Any

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.mbus import decode_mbus
from ingestion.codecs.mbus.header import Header, header_end, read_header
from ingestion.codecs.mbus.values import read_data, scaled
from ingestion.codecs.telegram import Item, Telegram

from . import libmbus_names as names
from .outcomes import DIFFERENT, EQUAL, REFUSED, Outcome

__all__ = ["compare"]

Published = Mapping[str, Any]
_HALF_DIGIT = Decimal("0.0000005")
_FLOAT_PRECISION = Decimal(2) ** -23
_DOUBLE_PRECISION = Decimal(2) ** -50
_NUMBER = re.compile(r"-?\d+\.\d{6}")


def compare(vector_file: Mapping[str, Any]) -> Iterator[Outcome]:
    """One outcome a frame of `mbus_libmbus.json`."""
    for key, judge in _LISTS:
        for vector in vector_file.get(key, ()):
            yield _outcome(vector, judge)


def _valid(vector: Published, telegram: Telegram) -> list[str]:
    expected = vector["expected_normalized"]
    differences = list(_header_differences(telegram, expected["slave"]))
    return differences + list(_record_differences(telegram, expected["records"]))


def _error(vector: Published, telegram: Telegram) -> list[str]:
    """An application error is printed in words; without an expectation it must be refused."""
    if vector.get("expected") is None:
        return _refusable(vector, telegram)
    said = [item for item in telegram.items if item.facts["quantity"] == "application_error"]
    words = [names.error_words(item.value) for item in said if isinstance(item.value, int)]
    published = vector["expected"]["slave"]["Error"]
    return [] if words == [published] else [f"{words} instead of {published}"]


def _refusable(vector: Published, telegram: Telegram) -> list[str]:
    """Nothing could be read without the maker: as good as refused."""
    values = [item.name for item in telegram.items if item.name != "manufacturer_data"]
    return [f"not refused: {', '.join(values)}"] if values else []


_Judge = Callable[[Published, Telegram], list[str]]
_LISTS: tuple[tuple[str, _Judge], ...] = (
    ("valid_frames", _valid),
    ("error_frames", _error),
    ("unsupported_frames", _refusable),
)


def _outcome(vector: Published, judge: _Judge) -> Outcome:
    name, must_refuse = vector["name"], judge is not _valid and vector.get("expected") is None
    try:
        telegram = decode_mbus(bytes.fromhex(vector["payload_hex"]))
    except DecodeError as error:
        return Outcome(name, EQUAL if must_refuse else REFUSED, f"refused: {error}")
    except ValueError:
        reason = "refused: the digits are no whole bytes"
        return Outcome(name, EQUAL if must_refuse else REFUSED, reason)
    differences = judge(vector, telegram)
    if differences:
        return Outcome(name, DIFFERENT, "; ".join(differences))
    return Outcome(name, EQUAL, "no values without the maker's description" if must_refuse else "")


# The header


def _header_differences(telegram: Telegram, slave: Published) -> Iterator[str]:
    identity = telegram.identity
    for field, reading in _FIELDS.items():
        published = slave.get(field, "")
        ours = reading(identity) if published else ""
        if published and ours != published:
            yield f"{field}: {ours} instead of {published}"


def _medium(identity: Mapping[str, str]) -> str:
    code = identity.get("medium_code")
    if code is None:
        return names.FIXED_MEDIA.get(identity.get("medium", ""), "")
    return names.MEDIA.get(int(code, 16), names.RESERVED)


_FIELDS: dict[str, Callable[[Mapping[str, str]], str]] = {
    "Id": lambda identity: identity.get("id", "").lstrip("0") or "0",
    "Manufacturer": lambda identity: identity.get("manufacturer", ""),
    "Version": lambda identity: identity.get("version", ""),
    "Medium": _medium,
    "AccessNumber": lambda identity: identity.get("access_number", ""),
    "Status": lambda identity: identity.get("status", ""),
    "Signature": lambda identity: identity.get("signature", ""),
}


# The records


def _record_differences(telegram: Telegram, published: Sequence[Published]) -> Iterator[str]:
    for number, (item, record) in enumerate(zip_longest(_records(telegram), published)):
        if item is None or record is None:
            yield f"record {number}: {'missing' if item is None else 'not published'}"
        else:
            for what in _one_record(telegram.octets, item, record):
                yield f"record {number} ({record.get('Quantity', '')}): {what}"


def _records(telegram: Telegram) -> list[Item]:
    """Items that stand for one record each, and the maker's part even if it is empty."""
    items = [item for item in telegram.items if not _is_element(item)]
    mark = next((layer for layer in telegram.layers if layer.name in _MARKS), None)
    if mark is None:
        return items
    items = [item for item in items if item.name != "manufacturer_data"]
    end = max((item.end for item in telegram.items), default=mark.end)
    tail = telegram.octets[mark.end : max(end, mark.end)]
    return [*items, replace(mark, value=tail)]


_MARKS = {
    "manufacturer_data_follows": "Manufacturer specific",
    "more_records_follow": "More records follow",
}


def _is_element(item: Item) -> bool:
    """One value of a load profile: the peer prints the profile as a whole."""
    return "step" in item.facts and not item.facts["modifier"].endswith("profile")


def _one_record(octets: bytes, item: Item, record: Published) -> Iterator[str]:
    if item.name in _MARKS:
        yield from _maker_part(item, record)
        return
    if "unit_code" in item.facts:
        yield from _fixed_counter(item, record)
        return
    facts = item.facts
    ours = {
        "Function": names.FUNCTIONS[facts["function"]],
        "StorageNumber": str(facts["storage"]),
        "Tariff": str(facts["tariff"]),
        "Device": str(facts["subunit"]),
    }
    for field, said in ours.items():
        if record.get(field, "0") != said:
            yield f"{field} {said} instead of {record.get(field, '0')}"
    if not any(_agrees(reading, record) for reading in _readings(octets, item)):
        value = item.value.hex() if isinstance(item.value, bytes) else str(item.value)
        yield f"{value} {item.unit} instead of {record['Value']} {record['Unit']}"


def _maker_part(item: Item, record: Published) -> Iterator[str]:
    ours = item.value.hex(" ").upper() if isinstance(item.value, bytes) else ""
    if record["Function"] != _MARKS[item.name] or record["Value"] != ours:
        yield f"{ours} instead of {record['Function']} {record['Value']}"


def _fixed_counter(item: Item, record: Published) -> Iterator[str]:
    """The counters of the fixed structure are printed as they stand, with the unit in words."""
    function = "Stored value" if item.facts["storage"] else "Actual value"
    if item.facts["unit_code"] == _HISTORIC:  # stored for us, though the status does not say so
        function = record["Function"]
    units = names.fixed_units(item.facts["unit_code"])
    published = (record["Function"], record["Unit"], record["Value"].removesuffix(".000000"))
    if published not in [(function, unit, item.raw) for unit in units]:
        yield f"{(function, units[0], item.raw)} instead of {published}"


_HISTORIC = 0x3E


class _Reading:
    """A quantity, a unit and a value that may be what the peer printed."""

    def __init__(self, header: Header, value: Any, precision: Decimal) -> None:
        self.header, self.value, self.precision = header, value, precision


def _readings(octets: bytes, item: Item) -> Iterator[_Reading]:
    """Ours first; then what the peer makes of the same bytes, where it knows less."""
    data = header_end(octets, item.start, item.end)
    header = read_header(octets[item.start : data])
    precision = _FLOAT_PRECISION if header.coding == _REAL else _DOUBLE_PRECISION
    yield _Reading(header, item.value, precision)
    narrow = _without_modifiers(header)
    raw = octets[data : item.end]
    if narrow is not header:
        yield _Reading(narrow, read_data(narrow, raw, data).value, precision)
    # The naive reading is for what it knows less of, not for faults in ours.
    if narrow is not header or header.kind != "number" or not item.facts["valid"]:
        for value in _naively(narrow, raw):
            yield _Reading(narrow, value, precision)


_REAL, _TEXT = 0x05, 0x0D
_BCD = frozenset((9, 10, 11, 12, 14))
_TIMES = (2, 4, 6)
_PLAIN, _EXTENDED = 0x7C, (0x7B, 0x7D)
_SCALING = frozenset((*range(0x70, 0x7C), 0x7D))


def _without_modifiers(header: Header) -> Header:
    """The header as the peer understands it: the code, and the first one behind if it scales."""
    vib = header.octets[header.vib_start :]
    size = 1
    if vib[0] & 0x7F == _PLAIN:
        size += 1 + vib[1]
    elif vib[0] & 0x7F in _EXTENDED and len(vib) > 1:
        size += 1
    known, codes = vib[:size], vib[size:]
    if vib[0] & 0x7F not in _EXTENDED and codes and codes[0] & 0x7F in _SCALING:
        known, codes = vib[: size + 1], vib[size + 1 :]
    if not codes:
        return header
    if len(known) > size or vib[0] & 0x7F in _EXTENDED:
        closed = known[:-1] + bytes((known[-1] & 0x7F,))
    else:
        closed = bytes((known[0] & 0x7F,)) + known[1:]
    return read_header(header.octets[: header.vib_start] + closed)


def _naively(header: Header, raw: bytes) -> Iterator[Any]:
    """Its readings of the bytes: signs, letters and times as its code has them."""
    if header.kind == "time" and len(raw) in _TIMES:
        yield from _its_times(raw)
    if header.coding in _BCD:
        yield scaled(header, _its_digits(raw))
    elif header.coding not in (_REAL, _TEXT) and raw:
        yield scaled(header, int.from_bytes(raw, "little", signed=True))


def _its_digits(raw: bytes) -> int:
    """High half-bytes above 9 count nothing, low ones as they are; Fh on top makes a minus."""
    total = 0
    for octet in reversed(raw):
        high, low = octet >> 4, octet & 0x0F
        total = total * 100 + (high * 10 if high < 10 else 0) + low
    return -total if raw[-1] >> 4 == 0x0F else total


def _its_times(raw: bytes) -> Iterator[str]:
    """Centuries as its editions have them; an invalid time stays at the start of its calendar."""
    clock = raw[:-2] if len(raw) < 6 else raw[:3]
    low, high = raw[len(clock)], raw[len(clock) + 1]
    second, minute, hour = clock if len(clock) == 3 else (0, *clock, 0, 0)[:3]
    if minute & 0x80:
        yield "1900-01-00T00:00:00Z"
    year = low >> 5 | (high & 0xF0) >> 1
    time = f"T{hour & 31:02d}:{minute & 63:02d}:{second & 63:02d}Z" if clock else ""
    for century in {1900, 2000, 1900 + 100 * (hour >> 5 & 3)}:
        yield f"{century + year:04d}-{high & 15:02d}-{low & 31:02d}{time}"


def _agrees(reading: _Reading, record: Published) -> bool:
    header = reading.header
    if record["Quantity"] == names.RESERVED:
        number = _same_number(_bare(reading), record["Value"], reading.precision)
        same = number or _same_text(reading.value, record["Value"])
        return same and record["Unit"] == names.RESERVED
    if record["Quantity"] not in _quantities(header):
        return False
    symbols, factor = _units(header)
    if record["Unit"] not in symbols:
        return False
    if isinstance(reading.value, int | Decimal) and _NUMBER.fullmatch(record["Value"]):
        value = Decimal(reading.value) * Decimal(factor)
        return _same_number(value, record["Value"], reading.precision)
    return _same_text(reading.value, record["Value"])


def _bare(reading: _Reading) -> Decimal | None:
    """The number without the scale of a code that the peer does not know."""
    if not isinstance(reading.value, int | Decimal):
        return None
    scale = Decimal(reading.header.factor).scaleb(reading.header.exponent)
    return Decimal(reading.value) / scale


def _same_number(ours: Decimal | None, published: str, precision: Decimal) -> bool:
    if ours is None or not _NUMBER.fullmatch(published):
        return False
    theirs = Decimal(published)
    return abs(ours - theirs) <= _HALF_DIGIT + abs(theirs) * precision


def _same_text(ours: Any, published: str) -> bool:
    if isinstance(ours, datetime):
        return ours.isoformat() + "Z" == published
    if isinstance(ours, date):
        return ours.isoformat() == published
    if isinstance(ours, str) and ours.isdecimal() and _NUMBER.fullmatch(published):
        return Decimal(ours) == Decimal(published)
    if ours is None:  # a record without data
        return not published
    return isinstance(ours, str) and published in (ours, ours + ":00Z", ours + "Z")


def _quantities(header: Header) -> tuple[str, ...]:
    if header.vif[:2] in ("7c", "fc"):
        return names.PLAIN_TEXT.get(header.quantity, (header.quantity,))
    return names.QUANTITIES.get(header.quantity, ())


def _units(header: Header) -> tuple[tuple[str, ...], str]:
    if header.vif[:2] in ("7c", "fc"):
        return ("-",), "1"
    if header.quantity in names.QUANTITY_UNITS:
        return names.QUANTITY_UNITS[header.quantity], "1"
    unit = names.UNITS.get(header.unit, names.Unit((header.unit,)))
    # It has no symbol for gigajoules in its second extension.
    return ((*unit.symbols, names.RESERVED) if header.unit == "J" else unit.symbols), unit.factor
