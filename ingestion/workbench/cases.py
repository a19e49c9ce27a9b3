"""A telegram on the workbench → a test of the type, as the lines that stand in its definition."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.telegram import Item
from ingestion.decoding import CompiledType, Decoded, EventSaid, Reading, Series
from ingestion.decoding.kinds import TEXT_KINDS
from meters.catalogue import CATALOGUE

from .samples import Sample

__all__ = ["bad_case", "good_case", "quoted", "written"]

_MOST_ITEMS = 12
_EXPONENTS = {entry.code: entry.exponent for entry in CATALOGUE}
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\r": "\\r", "\n": "\\n", "\t": "\\t"}
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./:-]*")
# Names of bytes that nobody has named yet: a test of them would fail as soon as somebody does.
_UNNAMED = re.compile(r"byte_\d+|rest|checksum")


def good_case(compiled: CompiledType, sample: Sample, decoded: Decoded) -> str:
    """A test that expects exactly what came, in the form of one element of `tests`."""
    told = _telegram(compiled, _zoned(sample, decoded))
    lines = [f"- name: {quoted(_('from the workbench'))}", *told]
    rows = {
        "readings": list(map(_reading, decoded.readings)),
        "series": list(map(_series, decoded.series)),
        "events": list(map(_event, decoded.events)),
    }
    for name, found in rows.items():
        if found:
            lines += [f"  {name}:", *(f"    - {row}" for row in found)]
    if not any(rows.values()):
        lines += list(_expected(decoded))
    if decoded.identity:
        lines.append(f"  identity: {quoted(decoded.identity.value)}")
    return "\n".join(lines)


def _zoned(sample: Sample, decoded: Decoded) -> Sample:
    """Times of the meter's wall clock mean something in a zone only: the test says which."""
    zone = sample.arrival.config.get("zone")
    if zone and any(map(_has_wall_clock, decoded.telegram.items)):
        config = {"zone": zone, **sample.written.get("config", {})}
        return replace(sample, written={**sample.written, "config": config})
    return sample


def _has_wall_clock(item: Item) -> bool:
    values = (item.value, item.facts.get("time"))
    return any(isinstance(one, datetime) and one.tzinfo is None for one in values)


def bad_case(compiled: CompiledType, sample: Sample, reason: str = "") -> str:
    """A test of a telegram that is refused; without a reason: of this one, cut off.

    "" where every piece of it can be read.
    """
    octets = sample.octets
    if not reason:
        octets, reason = _cut(compiled, sample)
    if not reason:
        return ""
    name = _("refused") if octets == sample.octets else _("cut off")
    told = _telegram(compiled, replace(sample, octets=octets))
    return "\n".join([f"- name: {quoted(name)}", *told, f"  refused: {quoted(_stable(reason))}"])


def _cut(compiled: CompiledType, sample: Sample) -> tuple[bytes, str]:
    size = len(sample.octets)
    for length in dict.fromkeys((size - 1, size // 2, size // 4, 1, 0)):
        piece = sample.octets[: max(0, length)]
        try:
            compiled.decode(piece, context=replace(sample.arrival, memory={}))
        except DecodeError as error:
            if piece:
                return piece, error.reason
    return b"", ""


def _stable(reason: str) -> str:
    return reason.strip().splitlines()[0][:300]


def _telegram(compiled: CompiledType, sample: Sample) -> Iterator[str]:
    kind = compiled.definition.decode.kind
    text = _as_text(sample.octets) if kind in TEXT_KINDS else None
    yield f"  payload: {quoted(text) if text is not None else _hex(sample.octets)}"
    if text is None and kind in TEXT_KINDS:
        yield "  encoding: hex"
    for name, value in sample.written.items():
        yield f"  {name}: {written(value)}"
    for name, key in (("key", "encryption"), ("authentication_key", "authentication")):
        if sample.arrival.keys.get(key):
            yield f"  {name}: {_hex(sample.arrival.keys[key])}"
    if sample.arrival.received_at and "received_at" in compiled.definition.text:
        yield f"  received_at: {quoted(sample.arrival.received_at.isoformat())}"


def _hex(octets: bytes) -> str:
    return f"'{octets.hex()}'"


def _as_text(octets: bytes) -> str | None:
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        return None
    return text if text and all(one.isprintable() or one in "\r\n\t" for one in text) else None


def quoted(text: str) -> str:
    """A text in one line as YAML reads it back."""
    if _PLAIN.fullmatch(text) and text.lower() not in {"true", "false", "null"}:
        return text
    if text.isprintable() and "'" not in text:
        return f"'{text}'"
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(letter: str) -> str:
    """A letter within double quotes (YAML 1.2.2, 5.7)."""
    if letter in _ESCAPES:
        return _ESCAPES[letter]
    return letter if letter.isprintable() else f"\\U{ord(letter):08X}"


def written(value: Any) -> str:
    """A value in flow style."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{quoted(str(key))}: {written(each)}" for key, each in value.items())
        return f"{{{inner}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value) if isinstance(value, int) else quoted(str(value))


def _timed(row: dict[str, Any], name: str, at: date | None) -> dict[str, Any]:
    return row if at is None else {**row, name: at.isoformat()}


def _reading(one: Reading) -> str:
    row: dict[str, Any] = {"register": one.register, "value": one.said}
    row |= {"unit": one.unit} if one.unit else {}
    row |= {} if one.port is None else {"port": one.port}
    return written(_timed(row, "at", one.at))


def _series(one: Series) -> str:
    exponent = _EXPONENTS.get(one.reading_type, 0)

    def said(value: int | None) -> Decimal | None:
        return None if value is None else Decimal(value).scaleb(exponent)

    row: dict[str, Any] = {"register": one.register, "values": [said(each) for each in one.values]}
    row |= {} if one.base is None else {"base": said(one.base)}
    row |= {"step": f"{one.step}s"}
    row |= {} if one.port is None else {"port": one.port}
    return written(_timed(row, "at", one.base_time))


def _event(one: EventSaid) -> str:
    return written(one.name or one.code)


def _expected(decoded: Decoded) -> Iterator[str]:
    """Some items by name, where the type has no rules yet."""
    rows = [
        (item.name, item.value)
        for item in decoded.telegram.items
        if isinstance(item.value, int | Decimal | str) and _PLAIN.fullmatch(item.name)
    ]
    named = [row for row in rows if not _UNNAMED.fullmatch(row[0])]
    if not rows:
        yield "  readings: []"
        return
    yield "  expect:"
    for name, value in (named or rows)[:_MOST_ITEMS]:
        shown = value.isoformat() if isinstance(value, datetime) else value
        yield f"    {name}: {written(shown)}"
