"""Tables of bytes in a fixed order (byte, name, type, scale, unit) → a layout of the kind `binary`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from .cells import Form, Place, Scale, bits_told, order_of, place_of
from .describing import Told, UnclearError, settled, told_by, width_of
from .drafting import Draft, Wishes, flow
from .headings import Entry, Table

__all__ = ["byte_draft", "field_of", "field_types"]


class _Part(NamedTuple):
    """A row that was understood, at its bytes from 0; `last` -1: to the end of the telegram."""

    told: Told
    form: Form
    first: int
    last: int
    low: int | None
    high: int | None


def byte_draft(table: Table, wishes: Wishes) -> Draft:
    """A draft of the kind `binary`. What is not understood is noted with its line."""
    draft = Draft("binary", wishes)
    draft.identify = ["transport: lorawan", "device: $arrival.device"]
    parts = _counted_from_zero(list(_parts(table, draft)), table, draft)
    draft.speaks_of(table.title, [part.told for part in parts])
    endian = _endian(table, wishes, parts, draft)
    if any(part.told.form is None and part.form.letter == "u" for part in parts):
        draft.note(
            0, _("Where no type is told, whole numbers without a sign are assumed."), lost=False
        )
    draft.layout = [f"endian: {endian}", "fields:"]
    draft.layout += [f"  {line}" for line in _fields(parts, endian, draft)]
    return draft


def _parts(table: Table, draft: Draft) -> Iterator[_Part]:
    """Rows in their order. Without a column of places each begins where the one before ends."""
    placed = "place" in table.columns
    starts = sorted(_starts(table)) if placed else []
    before: Place | None = None
    end = 0
    for entry in table.entries:
        try:
            told = told_by(entry, draft)
            place = _place(entry, before) if placed else _next(entry, end, before)
            gap = next((start - place.first for start in starts if start > place.first), 0)
            part = _part(entry, told, place, gap)
        except UnclearError as error:
            draft.note(entry.number, str(error))
            continue
        before, end = Place(part.first, part.last), part.last + 1
        yield part
        yield from _told_bits(part)
        if part.last < 0 and not placed:
            end = -1


def _starts(table: Table) -> set[int]:
    """First bytes of the rows: what tells no size of its own ends where the next begins."""
    places = (place_of(entry.get("place"), entry.get("bit")) for entry in table.entries)
    return {place.first for place in places if place is not None}


def _told_bits(part: _Part) -> Iterator[_Part]:
    """The bits that a description lists are values of their own."""
    size = part.form.size
    if part.form.letter != "u" or part.form.repeat or part.low is not None:
        return
    for bit, label in part.told.bits:
        if bit < 8 * size:
            told = Told(part.told.line, label, part.form, Scale(), "", "", [])
            yield part._replace(told=told, form=Form("bits", size), low=bit, high=bit)


def _place(entry: Entry, before: Place | None) -> Place:
    cell, bits = entry.get("place"), entry.get("bit")
    place = place_of(cell, bits) if cell else None
    if place is not None:
        return place
    within = bits_told(bits or (cell if cell.lower().startswith("bit") else ""))
    if before is None or within is None or (cell and bits):
        text = (
            _("“%(text)s” is no place in the telegram")
            if cell
            else _("it has no place in the telegram")
        )
        raise UnclearError(text % {"text": cell[:40]} if cell else text)
    return before._replace(low=within[0], high=within[1])


def _next(entry: Entry, end: int, before: Place | None) -> Place:
    if end < 0:
        raise UnclearError(_("the row above it takes all bytes that are left"))
    within = bits_told(entry.get("bit")) if entry.get("bit") else None
    if within is None:
        return Place(end)
    # Bits that begin anew are those of the next byte.
    again = before is not None and not entry.get("size") and within[0] > 0
    first = before.first if before is not None and again else end
    return Place(first, None, *within)


def _part(entry: Entry, told: Told, place: Place, gap: int) -> _Part:
    width = width_of(entry.get("size"))
    if not width and (told.form is None or not told.form.letter):
        width = gap
    if place.last is not None:
        width = -1 if place.last < 0 else place.last - place.first + 1
    if place.low is not None:
        size = max(width, (place.high or 0) // 8 + 1)
        if size > 8:
            raise UnclearError(_("bits of more than 8 bytes are not read at once"))
        return _Part(told, Form("bits", size), place.first, place.first + size - 1, *place[2:])
    form = settled(told, width)
    taken = form.size * max(1, form.repeat)
    last = -1 if form.size < 0 else place.first + taken - 1
    return _Part(told, form, place.first, last, None, None)


def _counted_from_zero(parts: list[_Part], table: Table, draft: Draft) -> list[_Part]:
    if "place" not in table.columns or min((part.first for part in parts), default=0) != 1:
        return parts
    draft.note(
        0, _("The first byte of the table is 1: bytes are taken as counted from 1."), lost=False
    )
    return [
        part._replace(first=part.first - 1, last=part.last - 1 if part.last > 0 else part.last)
        for part in parts
    ]


def _endian(table: Table, wishes: Wishes, parts: list[_Part], draft: Draft) -> str:
    told = wishes.endian or order_of(table.title)
    orders = [part.told.order for part in parts if part.told.order]
    if not told and orders:
        told = max(sorted(set(orders)), key=orders.count)
    if not told and any(
        part.form.letter in {"u", "s", "f", "time"} and part.form.size > 1 for part in parts
    ):
        draft.note(
            0,
            _("The table does not tell the byte order: the highest byte first is assumed."),
            lost=False,
        )
    return told or "big"


def _fields(parts: list[_Part], endian: str, draft: Draft) -> Iterator[str]:
    """Lines of the layout from the first byte on, with what is not described skipped."""
    at = 0
    ordered = sorted(parts, key=lambda part: (part.first, part.low is not None))
    for first, group in groupby(ordered, key=lambda part: part.first):
        members = list(group)
        if at < 0 or first < at:
            for part in members:
                draft.note(part.told.line, _("its bytes are taken by another row"))
            continue
        if first > at:
            yield "- " + flow({"type": "skip", "length": first - at})
        members = _sharing(members, draft)
        if len(members) > 1 or members[0].low is not None:
            yield from _group(members, endian, draft)
        else:
            yield "- " + field_of(members[0].told, members[0].form, endian, draft)
        last = max(part.last for part in members) if all(part.last >= 0 for part in members) else -1
        at = last + 1 if last >= 0 else -1


def _sharing(members: list[_Part], draft: Draft) -> list[_Part]:
    """Parts of the same bytes: one whole value, and bits of it."""
    whole = [part for part in members if part.low is None]
    bits = [part for part in members if part.low is not None]
    kept = whole[:1] if not bits or not whole or 0 < whole[0].form.size <= 8 else []
    for part in whole[len(kept) :]:
        draft.note(part.told.line, _("its bytes are taken by another row"))
    if kept and kept[0].form.letter not in {"u", "s"} and bits:
        for part in bits:
            draft.note(part.told.line, _("its bytes are taken by another row"))
        return kept
    return [*kept, *_apart(bits, draft)]


def _apart(parts: list[_Part], draft: Draft) -> Iterator[_Part]:
    """Without those whose bits are taken by one before."""
    taken: set[int] = set()
    for part in sorted(parts, key=lambda part: part.low or 0):
        bits = set(range(part.low or 0, (part.high or 0) + 1))
        if bits & taken:
            draft.note(part.told.line, _("its bits are taken by another row"))
            continue
        taken |= bits
        yield part


def _group(members: list[_Part], endian: str, draft: Draft) -> Iterator[str]:
    """Several values of the same bytes."""
    size = max(part.last - part.first + 1 for part in members)
    yield "- byte_group:"
    yield f"    size: {size}"
    yield "    fields:"
    for part in members:
        if part.low is None:
            yield f"      - {field_of(part.told, part.form, endian, draft)}"
        else:
            yield f"      - {_bits(part, size, draft)}"


def _bits(part: _Part, size: int, draft: Draft) -> str:
    name = draft.name_for(part.told.label)
    if part.low == part.high:
        draft.tell(part.told.label, name)
        if size == 1:
            return flow({"name": name, "type": "bool", "bit": part.low})
    kind = f"u{8 * size}[{part.low}:{part.high}]"
    return flow({"name": name, "type": kind, **part.told.keys()})


def field_of(told: Told, form: Form, endian: str, draft: Draft) -> str:
    """One field as a line; its reading, event or clock goes to the draft."""
    if form.letter == "skip":
        return flow({"type": "skip", "length": form.size})
    name = draft.name_for(told.label)
    keys: dict[str, Any] = {"name": name, **field_types(form)}
    if told.order and told.order != endian and form.size > 1:
        keys["endian"] = told.order
    is_time = form.letter == "time" or (form.letter == "u" and form.size == 4 and not form.repeat)
    if (
        is_time
        and (form.letter == "time" or told.unit in {"", "s"})
        and draft.timed(told.label, name)
    ):
        return flow({**keys, "time": "unix"})
    if form.letter == "time":
        return flow({**keys, "time": "unix"})
    if form.letter in {"u", "s", "f", "bcd"}:
        keys |= told.keys()
        if not form.repeat:
            draft.read(told.label, told.unit, f"value: ${name}", line=told.line)
    if form.letter == "bool":
        draft.tell(told.label, name)
    return flow(keys)


def field_types(form: Form) -> dict[str, Any]:
    """`type` and what belongs to it."""
    if form.letter == "bool":
        return {"type": "bool", "bit": 0, "consume": max(1, form.size)}
    if form.letter in {"bcd", "ascii", "hex"}:
        return {"type": form.letter, "length": form.size if form.size > 0 else "remaining"}
    letter = "u" if form.letter == "time" else form.letter
    keys: dict[str, Any] = {"type": f"{letter}{8 * form.size}"}
    return {**keys, "repeat": form.repeat} if form.repeat else keys
