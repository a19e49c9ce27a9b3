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

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import Any

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.mbus import decode_mbus
from ingestion.codecs.telegram import Item, Telegram

from . import libmbus_names as names
from .libmbus_reading import agrees
from .outcomes import DIFFERENT, EQUAL, REFUSED, Outcome

__all__ = ["compare"]

Published = Mapping[str, Any]


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
    if not agrees(octets, item, record):
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
