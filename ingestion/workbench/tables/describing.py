"""What a row of a table says of one value, whatever the telegram that it stands in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from .cells import (
    Form,
    Scale,
    bits_in_text,
    form_of,
    order_of,
    scale_of,
    scale_told,
    unit_of,
    unit_told,
)
from .drafting import Draft
from .headings import Entry

__all__ = ["Told", "UnclearError", "labelled", "settled", "told_by", "width_of"]

_PULSES = re.compile(r"\b(pulses?|impulses?|pulse count\w*|імпульс\w*)\b")
_SPARE = re.compile(r"reserved?|rfu|padding|unused|spare|dummy|резерв\w*")
_LONGEST_LABEL = 80
_OPEN = re.compile(r"n|x|var(iable)?|rest|remaining|until end|\.\.\.|…")
_FLOATS = {2, 4, 8}


class UnclearError(ValueError):
    """A row that is left out; the message says why."""


@dataclass(slots=True)
class Told:
    """form None: the row does not say; unit "": none, or none that is known."""

    line: int
    label: str
    form: Form | None
    scale: Scale
    unit: str
    order: str
    bits: list[tuple[int, str]]

    def scaling(self, mult: str = "mult") -> dict[str, Decimal]:
        """Keys of arithmetic that change something; kinds differ in the name of the first."""
        pairs = ((mult, self.scale.mult, 1), ("div", self.scale.div, 1), ("add", self.scale.add, 0))
        return {name: value for name, value, idle in pairs if value != idle}

    def keys(self, mult: str = "mult") -> dict[str, Any]:
        return {**self.scaling(mult), "unit": self.unit}


def labelled(entry: Entry) -> str:
    """The name of a value. UnclearError where there is none, or a cell is a spreadsheet's formula."""
    if any(cell.startswith("=") for cell in entry.cells.values()):
        raise UnclearError(_("a cell has a formula of a spreadsheet; put its value there"))
    label = entry.get("name") or re.split(r"[,;]", entry.get("text"))[0]
    if not any(letter.isalpha() for letter in label):
        raise UnclearError(_("it has no name"))
    return label[:_LONGEST_LABEL]


def told_by(entry: Entry, draft: Draft) -> Told:
    """What the cells say; doubts are noted in the draft. UnclearError where a cell is not understood."""
    label, text = labelled(entry), entry.get("text")
    form = form_of(entry.get("type")) if entry.get("type") else None
    if entry.get("type") and form is None and re.search(r"\w", entry.get("type")):
        values = {"type": entry.get("type")[:40]}
        raise UnclearError(_("the type “%(type)s” is not known") % values)
    scale = _scale(entry, draft)
    unit = _unit(entry, draft, scale)
    if not unit and _PULSES.search(label.lower()):
        unit = "count"
    sign = form_of(entry.get("sign")) if form is None else None
    if _SPARE.fullmatch(label.lower()):
        form = Form("skip", form.size if form else 0)
    return Told(
        line=entry.number,
        label=label,
        form=form or sign or _form_told(entry),
        scale=scale,
        unit=unit,
        order=order_of(entry.get("order")) or order_of(entry.get("type")) or order_of(text),
        bits=bits_in_text(text),
    )


def _form_told(entry: Entry) -> Form | None:
    """By the description, and by what LPP writes behind the resolution: 0.1 °C Signed MSB."""
    for meaning in ("text", "scale"):
        form = form_of(entry.get(meaning))
        if form is not None and form.letter in {"", "u", "s", "f", "bcd"}:
            return form
    return None


def _scale(entry: Entry, draft: Draft) -> Scale:
    found: list[Scale] = []
    for meaning, divides in (("scale", False), ("divider", True), ("add", False)):
        cell = entry.get(meaning)
        scale = scale_of(cell.lstrip("+-") if meaning == "add" else cell, divides=divides)
        if scale is None:
            values = {"text": cell[:40]}
            raise UnclearError(_("the scale “%(text)s” is not understood") % values)
        if meaning == "add" and cell and scale != Scale():
            amount = -scale.mult if cell.startswith("-") else scale.mult
            scale = Scale(add=amount)
        found.append(scale)
    scale, divider, added = found
    if scale.doubtful:
        text = _("scale %(scale)s is taken as value × %(scale)s; it may be a divisor")
        draft.note(entry.number, text % {"scale": scale.mult}, lost=False)
    if scale == Scale() and divider == Scale():
        scale = scale_told(entry.get("text")) or scale
    return scale._replace(div=scale.div * divider.div, add=scale.add + added.add)


def _unit(entry: Entry, draft: Draft, scale: Scale) -> str:
    cell = entry.get("unit")
    if not re.search(r"\w|%", cell):
        told = scale_told(entry.get("text"))
        found = scale.unit or unit_told(entry.get("name")) or unit_told(entry.get("text"))
        return found or (told.unit if told else "")
    if unit := unit_of(cell):
        return unit
    if (told := scale_of(cell)) is not None and told.unit and scale == Scale():
        values = {"text": cell[:40]}
        raise UnclearError(
            _("“%(text)s” has a scale and a unit: keep them in two columns") % values
        )
    draft.note(
        entry.number, _("the unit “%(unit)s” is not known") % {"unit": cell[:40]}, lost=False
    )
    return ""


def width_of(text: str) -> int:
    """Bytes by a cell of sizes: 0 not told, -1 all that follow. UnclearError for anything else."""
    plain = " ".join(text.lower().strip(" ()[]").split())
    if not re.search(r"\w|…", plain):
        return 0
    if _OPEN.fullmatch(plain):
        return -1
    found = re.fullmatch(r"(\d{1,4}) ?(bytes?|b|octets?|bits?|байти?|біти?)?", plain)
    if found is None:
        raise UnclearError(_("the size “%(text)s” is not understood") % {"text": text[:40]})
    size, sort = int(found[1]), found[2] or ""
    if not sort.startswith(("bit", "біт")):
        return size
    if size % 8:
        raise UnclearError(
            _("%(count)d bits are no whole bytes; say which bits they are") % {"count": size}
        )
    return size // 8


def settled(told: Told, width: int) -> Form:
    """The form with its size, by the bytes that the row takes (0: not told, -1: the rest).

    UnclearError where they contradict each other, or the size is told nowhere.
    """
    form = told.form or Form("")
    if form.letter in {"ascii", "hex", "bcd", "skip"}:
        size = form.size or width
        if not size or (size < 0 and form.letter == "bcd"):
            raise UnclearError(_("it is not said how many bytes it takes"))
        return form._replace(size=size)
    if form.letter == "bool" or form.letter == "time":
        return form._replace(size=max(1, width) if form.letter == "bool" else width or form.size)
    if not form.letter:
        return _unnamed(form, width)
    if form.letter == "f" and width in _FLOATS:
        return form._replace(size=width)
    return _matched(form, width)


def _unnamed(form: Form, width: int) -> Form:
    if width == 0:
        raise UnclearError(_("it is not said how many bytes it takes"))
    if width < 0 or width > 8:
        return Form("hex", width)
    return Form("s" if form.signed else "u", width)


def _matched(form: Form, width: int) -> Form:
    if width in {0, form.size}:
        return form
    if form.size == 1 and 1 < width <= 8 and not form.repeat:
        return form._replace(size=width)
    if width > 0 and width % form.size == 0 and form.letter in {"u", "s", "f"}:
        return form._replace(repeat=width // form.size)
    values = {"width": width, "size": form.size * 8}
    text = _("it takes %(width)d bytes, but its type has %(size)d bits")
    raise UnclearError(text % values if width > 0 else _("its size contradicts its type"))
