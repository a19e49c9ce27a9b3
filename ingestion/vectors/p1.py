"""Published P1 telegrams against the decoder: dsmr_parser's values, units, times and CRC verdicts.

The peer's names of fields are mapped to OBIS numbers C.D.E here and nowhere else. Its instants are
those of the Netherlands, which all countries of these telegrams but Ireland share.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.obis_text import decode_obis_text
from ingestion.codecs.obis_text.values import symbol
from ingestion.codecs.telegram import Item, Telegram

from .han_fields import han_faults, same_number
from .outcomes import DIFFERENT, EQUAL, REFUSED, Outcome
from .p1_fields import P1_FIELDS

__all__ = ["compare", "compare_texts"]

_ZONE = ZoneInfo("Europe/Amsterdam")
_DEVICES = "MBUS_DEVICES"
_CHANNEL = "CHANNEL_ID"
_NO_CHECKSUM = "Failed to perform CRC validation"


def compare(vector_file: Mapping[str, Any]) -> Iterable[Outcome]:
    """Outcomes of p1_dsmr_parser.json, or of the texts of dlms_han_amshan.json."""
    for vector in vector_file.get("vectors", ()):
        yield _outcome(vector)
    yield from compare_texts(vector_file)


def _outcome(vector: Mapping[str, Any]) -> Outcome:
    name, text = str(vector["name"]), str(vector["text"]).encode("latin-1", "replace")
    verdict, error = vector.get("crc_ok"), vector.get("error")
    told = isinstance(verdict, str) and verdict.startswith(_NO_CHECKSUM)
    is_wrong = verdict is not None and verdict is not True and not told
    try:
        telegram = decode_obis_text(text)
    except DecodeError as refused:
        if not is_wrong and not error:
            return Outcome(name, REFUSED, str(refused))
        telegram = None
    if telegram is not None and (is_wrong or error):
        return Outcome(name, DIFFERENT, "a telegram that must be refused was decoded")
    if telegram is None and (error or not vector.get("expected")):
        return Outcome(name, EQUAL)
    telegram = telegram or decode_obis_text(text, verify=False)
    faults = [*_checksum_fault(telegram, verdict), *_faults(telegram, vector.get("expected") or {})]
    return Outcome(name, DIFFERENT if faults else EQUAL, "; ".join(faults))


def _checksum_fault(telegram: Telegram, verdict: object) -> Iterator[str]:
    if verdict is True and telegram.warnings:
        yield "the checksum was not found"


def _faults(telegram: Telegram, expected: Mapping[str, Any]) -> Iterator[str]:
    for name, value in expected.items():
        if name == _DEVICES:
            for device in value:
                yield from _device_faults(telegram, device)
        else:
            yield from _field_faults(telegram.items, name, value)


def _device_faults(telegram: Telegram, device: Mapping[str, Any]) -> Iterator[str]:
    channel = device[_CHANNEL]
    items = [item for item in telegram.items if item.facts.get("channel") == channel]
    for name, value in device.items():
        if name != _CHANNEL:
            yield from _field_faults(items, name, value)


def _field_faults(items: Sequence[Item], name: str, value: Any) -> Iterator[str]:
    if name not in P1_FIELDS:
        yield f"{name}: no such field is known"
        return
    found = [item for item in items if _numbers(item) in P1_FIELDS[name]]
    if not found:
        yield f"{name}: not found"
    elif not any(_is_same(item, value) for item in found):
        shown = found[0]
        yield f"{name}: {shown.value!s} {shown.unit} instead of {value}"


def _numbers(item: Item) -> str:
    """C.D.E of an item's code."""
    return str(item.facts.get("obis", "")).rpartition(":")[2].partition("*")[0]


def _is_same(item: Item, expected: Any) -> bool:
    if isinstance(expected, list):
        rows = item.value if isinstance(item.value, list) else []
        return len(rows) == len(expected) and all(map(_is_same_row, rows, expected))
    if "buffer" in expected:
        is_type = expected["buffer_type"] in (None, item.facts.get("captured"))
        return is_type and _is_same(item, expected["buffer"])
    if symbol(expected.get("unit") or "") != item.unit:
        return False
    if "datetime" in expected and not _is_instant(
        item.facts.get("time"), item.facts.get("dst"), expected["datetime"]
    ):
        return False
    return _is_same_value(item, expected["value"])


def _is_same_row(row: Mapping[str, Any], expected: Mapping[str, Any]) -> bool:
    """A row of a log."""
    times = (("time", "datetime", "dst"), ("occurred", "occurred", "occurred_dst"))
    return (
        all(
            _is_instant(row.get(ours), row.get(dst), expected[theirs])
            for ours, theirs, dst in times
            if theirs in expected
        )
        and same_number(row.get("value"), expected["value"])
        and row.get("unit", "") == symbol(expected.get("unit") or "")
    )


def _is_same_value(item: Item, expected: Any) -> bool:
    if expected is None:
        return item.value in (None, "")
    if isinstance(item.value, datetime):
        return _is_instant(item.value, item.facts.get("dst"), expected)
    sent = item.raw.partition("*")[0]
    if isinstance(expected, str):
        return expected in (sent, item.value)
    # The peer reads some texts in hex digits as a number.
    as_number = int(sent) if isinstance(item.value, str) and sent.isdecimal() else item.value
    return same_number(as_number, expected)


def _is_instant(value: object, dst: object, expected: object) -> bool:
    """Whether a wall clock with its letter for summer is the instant published in UTC."""
    if not isinstance(value, datetime) or not isinstance(expected, str):
        return value is None and expected is None
    local = value.replace(tzinfo=_ZONE, fold=0 if dst else 1)
    try:
        return local.astimezone(UTC) == datetime.fromisoformat(expected)
    except (ValueError, TypeError):
        return False


def compare_texts(vector_file: Mapping[str, Any]) -> Iterator[Outcome]:
    """The P1 texts of amshan. It publishes no verdict on checksums: it gives values all the same."""
    for vector in vector_file.get("p1_text", ()):
        name = str(vector["name"])
        try:
            text = str(vector["text"]).encode("latin-1", "replace")
            telegram = decode_obis_text(text, verify=False)
        except DecodeError as error:
            yield Outcome(name, REFUSED, str(error))
            continue
        faults = list(han_faults(telegram, vector.get("expected") or {}))
        yield Outcome(name, DIFFERENT if faults else EQUAL, "; ".join(faults))
