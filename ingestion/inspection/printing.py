"""A telegram as lines of text: a table of its items, and its bytes one stretch after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise

from django.utils.translation import gettext as _

from ingestion.codecs.telegram import Item, Telegram
from ingestion.decoding import Decoded, EventSaid, Reading, Series
from meters.definition.vocabulary import shipped_vocabulary

__all__ = ["byte_lines", "meaning_lines", "shown", "table_lines", "tabulated"]

_WIDEST = 60
_HEX_A_LINE = 16


def table_lines(telegram: Telegram) -> Iterator[str]:
    """Who speaks, the items as a table, and what was odd."""
    yield f"{telegram.kind}, {len(telegram.octets)} " + _("bytes")
    for name, value in telegram.identity.items():
        yield f"  {name}: {value}"
    head = (_("name"), _("value"), _("unit"), _("facts"))
    rows = [(item.name, shown(item.value), item.unit, _facts(item)) for item in telegram.items]
    yield from tabulated([head, *rows])
    for warning in telegram.warnings:
        yield f"! {warning}"


def meaning_lines(decoded: Decoded) -> Iterator[str]:
    """What the telegram means by its type: whose it is, readings, series and events."""
    if decoded.identity:
        yield ""
        yield f"{decoded.identity.scheme}: {decoded.identity.value}"
    for head, rows in (
        (
            (_("register"), _("port"), _("reading type"), _("value"), _("time")),
            map(_reading, decoded.readings),
        ),
        (
            (_("series"), _("port"), _("reading type"), _("begins"), _("step"), _("values")),
            map(_series, decoded.series),
        ),
        ((_("event"), _("severity"), _("time"), _("detail")), map(_event, decoded.events)),
    ):
        table = [head, *rows]
        if len(table) > 1:
            yield ""
            yield from tabulated(table)
    for warning in decoded.warnings[len(decoded.telegram.warnings) :]:
        yield f"! {warning}"


def _reading(one: Reading) -> tuple[str, ...]:
    told = f"{shown(one.said)} {one.unit}"
    return (one.register, shown(one.port), one.reading_type, told, shown(one.at))


def _series(one: Series) -> tuple[str, ...]:
    step = f"{one.step} s"
    entry = shipped_vocabulary().reading_types[one.reading_type]
    scaled = [
        None if value is None else Decimal(value).scaleb(entry.exponent) for value in one.values
    ]
    values = f"{entry.unit} {shown(scaled)}"
    return (one.register, shown(one.port), one.reading_type, shown(one.base_time), step, values)


def _event(one: EventSaid) -> tuple[str, ...]:
    return (one.name, str(one.severity), shown(one.at), str(one.detail))


def byte_lines(telegram: Telegram) -> Iterator[str]:
    """Offset, hex, name, what stood there, and what it came to; bytes nobody explains are marked."""
    head = (_("byte"), _("hex"), _("name"), _("raw"), _("result"))
    placed = [item for item in (*telegram.layers, *telegram.items) if item.start >= 0]
    placed.sort(key=lambda item: (item.start, -item.end))
    rows = [
        row for part in _stretches(placed, len(telegram.octets)) for row in _rows(telegram, part)
    ]
    return tabulated([head, *rows])


def _stretches(placed: Sequence[Item], size: int) -> Iterator[Item]:
    """The items in order of their bytes, with an item of no name for every gap."""
    reached = 0
    for item in placed:
        if item.start > reached:
            yield Item(name="", value=None, start=reached, end=item.start)
        yield item
        reached = max(reached, item.end)
    if reached < size:
        yield Item(name="", value=None, start=reached, end=size)


def _rows(telegram: Telegram, item: Item) -> Iterator[tuple[str, ...]]:
    cuts = [*range(item.start, max(item.end, item.start + 1), _HEX_A_LINE), item.end]
    result = f"{shown(item.value)} {item.unit}".strip() if item.name else ""
    result += f"  ({item.formula})" if item.formula else ""
    for place, (start, end) in enumerate(pairwise(cuts)):
        octets = telegram.octets[start:end].hex(" ")
        if place:
            yield (str(start), octets, "", "", "")
        else:
            yield (str(start), octets, item.name or "·", _cut(item.raw), result)


def _facts(item: Item) -> str:
    told = (
        f"{name}={shown(value)}" for name, value in item.facts.items() if value not in ("", None)
    )
    return " ".join(told)


def shown(value: object) -> str:
    """A value on one line. Numbers are written out in full, never as a power of ten."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, bytes):
        return value.hex(" ")
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "–"}[value]
    if isinstance(value, date):
        return str(value)
    if isinstance(value, list | tuple):
        return _cut("[" + ", ".join(map(shown, value)) + "]")
    return _cut(str(value))


def _cut(text: str) -> str:
    printable = "".join(letter if letter.isprintable() else "·" for letter in text)
    return printable if len(printable) <= _WIDEST else f"{printable[: _WIDEST - 1]}…"


def tabulated(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows in columns that stand below each other; the last column is as wide as it is."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield _line(row, widths).rstrip()


def _line(row: Iterable[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
