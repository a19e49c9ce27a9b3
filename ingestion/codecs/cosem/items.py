"""From values of a push to items: named, scaled exactly, with their bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ..telegram import NOTHING, Item, Value
from .clock import looks_like_time, read_date, read_moment
from .data import Node, Tag
from .lists import Family, Scale, family_of
from .obis import Meaning, code_from_octets, looks_like_code, meaning, written
from .octets import Octets
from .push import POSITIONAL, Reading
from .units import UNITS, scaled

__all__ = ["Maker", "item_of", "maker_of", "printable"]

# By C, D and E: the channel differs from maker to maker.
_LIST_VERSION = (0, 2, 129)
_METER_TYPES = ((96, 1, 1), (96, 1, 7))
# Kamstrup speaks of itself in channel 1: its clock, its number (1.1.0.0.5) and its type.
_OWN_NAMES = {
    (0, 1, 1, 0, 0, 255): "clock",
    (1, 1, 0, 0, 5, 255): "meter_id",
    (1, 1, 96, 1, 1, 255): "meter_type",
}


@dataclass(frozen=True, slots=True)
class Maker:
    """What a list says of its maker, for the scales that it leaves out."""

    family: Family | None
    meter_type: str

    def scale(self, each: Reading) -> Scale | None:
        if each.exponent is not None and each.unit is not None:
            return Scale(each.exponent, UNITS.get(each.unit, ""))
        if self.family is None or each.code is None:
            return None
        return self.family.scale(each.code, self.meter_type)


def maker_of(found: list[Reading]) -> Maker:
    texts = {each.code[2:5]: _text(each.node) for each in found if each.code}
    positional = any(each.layout == POSITIONAL for each in found)
    family = family_of(texts.get(_LIST_VERSION, ""), positional=positional)
    kinds = (texts[code] for code in _METER_TYPES if code in texts)
    return Maker(family, next(kinds, ""))


def item_of(octets: Octets, each: Reading, maker: Maker, name: str | None = None) -> Item:
    """One item; `name` replaces the one that its code gives."""
    known = _meaning(each)
    value, facts = _value(each.node, known)
    unit = formula = ""
    scale = maker.scale(each)
    if scale and each.node.is_number and isinstance(value, int | Decimal):
        value, unit = scaled(value, scale.exponent), scale.unit
        formula = f"× 10^{scale.exponent}" if scale.exponent else ""
    start, end = octets.span(each.start, each.end)
    return Item(
        name=name or known.name,
        value=value,
        unit=unit,
        start=start,
        end=end,
        raw=_raw(each.node),
        formula=formula,
        facts={**known.facts, "layout": each.layout, **facts},
    )


def _meaning(each: Reading) -> Meaning:
    if each.code is None:
        return Meaning(each.path)
    known = meaning(each.code)
    if each.code in _OWN_NAMES:
        name = _OWN_NAMES[each.code]
        return Meaning(name, known.quantity, name != "clock", known.facts)
    return known


def _value(node: Node, known: Meaning) -> tuple[Value, Mapping[str, Any]]:
    """The value of a plain node, and what a time says of itself."""
    if not isinstance(node.value, bytes):
        return node.value, NOTHING
    if node.tag is Tag.DATE:
        return read_date(node.value), NOTHING
    if node.tag is Tag.DATE_TIME or (looks_like_time(node.value) and not known.text):
        moment = read_moment(node.value)
        return moment.value, moment.facts
    if node.tag is Tag.TIME:
        return ":".join(f"{part:02d}" for part in node.value[:3]), NOTHING
    return _octets(node.value, known), NOTHING


def _octets(octets: bytes, known: Meaning) -> Value:
    """Text where it is text, a code where it is one, else the bytes."""
    text = octets.rstrip(b"\x00")
    if printable(text) and (text or not octets):
        return text.decode("ascii").strip()
    if looks_like_code(octets) and not known.text:
        return written(code_from_octets(octets))
    return octets


def printable(octets: bytes) -> bool:
    """ASCII text; nothing is an empty text."""
    return all(0x20 <= octet < 0x7F for octet in octets)


def _text(node: Node) -> str:
    return node.value.decode("latin-1") if isinstance(node.value, bytes) else str(node.value)


def _raw(node: Node) -> str:
    return node.value.hex() if isinstance(node.value, bytes) else str(node.value)
