"""Tables of Modbus registers (address, name, type, scale, unit) → a map of the kind `modbus`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from .cells import Form, number_of, order_of
from .describing import Told, UnclearError, settled, told_by, width_of
from .drafting import Draft, Wishes, flow
from .headings import Entry, Table

__all__ = ["Register", "register_draft", "register_lines"]

_MOST_ASKED, _WIDEST_GAP = 100, 16
_LAST = 65_535
# First digit of an address of five or six digits → the function that reads it.
_RANGES = {3: 4, 4: 3, 1: 2}
_FUNCTIONS = (
    (r"0?x?0?1|coils?.*|0x", 1),
    (r"0?x?0?2|discrete.*|1x", 2),
    (r"0?x?0?3|holding.*|4x", 3),
    (r"0?x?0?4|input.*|3x", 4),
)
_FORMS = {("u", 2), ("s", 2), ("u", 4), ("s", 4), ("u", 6), ("u", 8), ("s", 8), ("f", 4), ("f", 8)}


class Register(NamedTuple):
    """`address` as the maker counts; `form` on the wire, size in bytes."""

    told: Told
    form: Form
    address: int
    function: int


def register_draft(table: Table, wishes: Wishes) -> Draft:
    """A draft of the kind `modbus`. What is not understood is noted with its line."""
    draft = Draft("modbus", wishes)
    registers = list(_registers(table, draft))
    draft.speaks_of(table.title, [one.told for one in registers])
    order = wishes.endian or order_of(table.title)
    register_lines(draft, registers, word_order=order)
    return draft


def register_lines(draft: Draft, registers: list[Register], *, word_order: str = "") -> None:
    """Fills the draft's layout, readings and identity from registers that were understood."""
    draft.identify = ["transport: modbus", "device: $arrival.source"]
    registers, base = _based(registers, draft)
    functions = [one.function for one in registers]
    usual = max(sorted(set(functions)), key=functions.count) if functions else 3
    draft.layout = [f"function: {usual}", f"base: {base}"]
    if word_order == "little":
        draft.layout.append("word_order: little")
    elif not word_order and any(one.form.size > 2 for one in registers):
        draft.note(
            0,
            _("The table does not tell the order of words: the high word first is assumed."),
            lost=False,
        )
    draft.layout += ["reads:", *_reads(registers), "registers:"]
    for one in registers:
        draft.layout.append(f"  - {_line(one, usual, word_order or 'big', draft)}")


def _registers(table: Table, draft: Draft) -> Iterator[Register]:
    for entry in table.entries:
        try:
            yield _register(entry, draft)
        except UnclearError as error:
            draft.note(entry.number, str(error))


def _register(entry: Entry, draft: Draft) -> Register:
    told = told_by(entry, draft)
    if told.form is not None and told.form.letter == "skip":
        raise UnclearError(_("it is reserved"))
    cell = entry.get("register")
    first = number_of(re.split(r"\s*(?:-|–|\.\.|to|,|/)\s*", cell.strip())[0]) if cell else None
    if first is None or first > 465_536:
        raise UnclearError(_("“%(text)s” is no address of a register") % {"text": cell[:40]})
    words = width_of(entry.get("words")) or _words(entry.get("size")) or _span(cell)
    return Register(told, wire_form(told, words), first, _function(entry.get("function")))


def _words(text: str) -> int:
    """A column of sizes may count bytes, where it says so; else it counts registers."""
    width = width_of(text)
    return width // 2 if re.search(r"byte|bit|байт|біт", text.lower()) else width


def _span(cell: str) -> int:
    found = re.fullmatch(r"(\d{1,6})\s*(?:-|–|\.\.|to)\s*(\d{1,6})", cell.strip())
    return max(0, int(found[2]) - int(found[1]) + 1) if found else 0


def wire_form(told: Told, words: int) -> Form:
    """The form of a value in registers. UnclearError where the kind `modbus` has none such."""
    if words < 0 or words > 64:
        raise UnclearError(_("its size is not understood"))
    if told.bits and words < 2:
        return Form("bits", 2)
    if told.form is None and not words:
        raise UnclearError(_("its type is not told"))
    form = settled(told, 2 * words)
    if form.letter == "bool":
        return Form("bool", 2)
    if form.letter == "hex" or (form.letter == "ascii" and form.size > 128):
        raise UnclearError(_("registers are numbers or texts of 64 registers at most"))
    if form.letter == "time":
        return form._replace(size=form.size or 4)
    if form.letter in {"ascii", "bcd"}:
        return form._replace(size=form.size + form.size % 2)
    if form.repeat or (form.letter, form.size) not in _FORMS:
        values = {"bits": 8 * form.size}
        raise UnclearError(_("a value of %(bits)d bits is none that registers have") % values)
    return form


def _function(text: str) -> int:
    """0 where it is not told."""
    plain = text.lower().strip()
    return next((number for pattern, number in _FUNCTIONS if re.fullmatch(pattern, plain)), 0)


def _based(registers: list[Register], draft: Draft) -> tuple[list[Register], int]:
    """Addresses such as 30001 and 40001 tell the function, and count from 1."""
    spans = {_span_of(one) for one in registers}
    if not registers or None in spans:
        if registers:
            draft.note(
                0, _("Check `base`: some makers call the first register 0, others 1."), lost=False
            )
        return [one._replace(function=one.function or 3) for one in _reachable(registers, draft)], 0
    if len(spans) == 1:
        [(base, function)] = [span for span in spans if span]
        text = _("Addresses are taken as counted from %(base)d, which function %(function)d reads.")
        draft.note(0, text % {"base": base, "function": function}, lost=False)
        return [one._replace(function=one.function or function) for one in registers], base
    return [
        one._replace(address=one.address - span[0], function=span[1])
        for one in registers
        if (span := _span_of(one))
    ], 0


def _reachable(registers: list[Register], draft: Draft) -> Iterator[Register]:
    for one in registers:
        if one.address <= _LAST:
            yield one
        else:
            draft.note(one.told.line, _("its address is beyond 65535"))


def _span_of(one: Register) -> tuple[int, int] | None:
    """As its address tells; numbers are no single bits."""
    span = _range_of(one.address)
    return None if span and span[1] < 3 and one.form.letter != "bool" else span


def _range_of(address: int) -> tuple[int, int] | None:
    """30001 … 39999 and 300001 … 365536 → base, function."""
    for unit in (10_000, 100_000):
        digit, rest = divmod(address, unit)
        if digit in _RANGES and 0 < rest <= min(unit - 1, _LAST + 1):
            return digit * unit + 1, _RANGES[digit]
    return None


def _reads(registers: list[Register]) -> Iterator[str]:
    """What is asked for: registers near each other at once."""
    ordered = sorted(registers, key=lambda one: (one.function, one.address))
    spans: list[list[int]] = []
    for one in ordered:
        last = one.address + _words_of(one) - 1
        span = spans[-1] if spans else None
        near = span and span[0] == one.function and one.address <= span[2] + _WIDEST_GAP
        if span and near and max(last, span[2]) - span[1] < _MOST_ASKED:
            span[2] = max(last, span[2])
        else:
            spans.append([one.function, one.address, last])
    for function, first, last in spans:
        yield f"  - {flow({'function': function, 'address': first, 'count': last - first + 1})}"


def _words_of(one: Register) -> int:
    return max(1, one.form.size // 2) if one.function > 2 else 1


def _line(one: Register, usual: int, order: str, draft: Draft) -> str:
    told, form = one.told, one.form
    name = draft.name_for(told.label)
    keys: dict[str, Any] = {"name": name, "address": one.address}
    if one.function != usual:
        keys["function"] = one.function
    if one.function < 3:
        draft.tell(told.label, name)
        return flow({**keys, "type": "bit"})
    if form.letter == "bits":
        return flow({**keys, "type": "bits", "bits": list(_bits(told.bits, draft))})
    keys |= _types(form)
    if told.order and told.order != order and form.size > 2:
        keys["word_order"] = told.order
    if form.letter == "time":
        draft.timed(told.label, name)
        return flow({**keys, "time": "unix"})
    if form.letter in {"u", "s", "f", "bcd"}:
        keys |= {"unit": told.unit, **_exact_scaling(told, draft)}
        draft.read(told.label, told.unit, f"value: ${name}", line=told.line)
    return flow(keys)


def _types(form: Form) -> dict[str, Any]:
    if form.letter in {"ascii", "bcd"}:
        return {"type": form.letter, "size": form.size // 2}
    letter = "u" if form.letter in {"time", "bool"} else form.letter
    return {"type": f"{letter}{8 * form.size}"}


def _exact_scaling(told: Told, draft: Draft) -> dict[str, Decimal]:
    """Scales that come to an end in decimals; others are noted and left out."""
    keys = told.scaling("mul")
    try:
        exact = told.scale.div.is_normal() and (1 / told.scale.div) * told.scale.div == 1
    except ArithmeticError:
        exact = False
    if not exact:
        draft.note(told.line, _("a division that does not come to an end is left out"), lost=False)
        keys.pop("div", None)
    return keys


def _bits(bits: Iterable[tuple[int, str]], draft: Draft) -> Iterator[dict[str, Any]]:
    for bit, label in bits:
        if bit < 16:
            name = draft.name_for(label)
            draft.tell(label, name)
            yield {"name": name, "bit": bit}
