"""What one field of a JSON layout makes of the value that its path found."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from ..mapping import MappingError, Section
from ..scaling import LookupFault, compile_invalid, compile_lookup, compile_scale, shown, spelling
from ..telegram import NOTHING, Value
from .query import Find, PathError, compile_path, path_width
from .text import Node, plain
from .times import FORMATS, ReadTime, TimeError, compile_pattern, read_zone

__all__ = [
    "FIELD_KEYS",
    "Field",
    "Settings",
    "ValueFault",
    "compile_field",
    "find_path",
    "width_of",
]

FIELD_KEYS = [
    "name",
    "path",
    "type",
    "unit",
    "time",
    "zone",
    "decimal_mark",
    "mul",
    "div",
    "add",
    "lookup",
    "invalid",
    "required",
    "spread",
    "facts",
]
_LONGEST_TEXT = 40
_MARKS = {".": ".", ",": ","}
_SPREADS = {"phase": "phase", "index": "index"}
_BOOLEANS = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}
_NUMBERS = {
    mark: re.compile(rf"[+-]?[0-9]+(?:{re.escape(mark)}[0-9]+)?(?:[eE][+-]?[0-9]{{1,2}})?")
    for mark in _MARKS
}

Convert = Callable[[object], Value]


class ValueFault(ValueError):
    """A found value that its field cannot take; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for all fields of a layout that state nothing else."""

    zone: str = "meter"
    decimal_mark: str = "."


@dataclass(frozen=True, slots=True)
class Field:
    """A compiled field: `find` its value, `convert` it; `convert` raises ValueFault."""

    name: str
    path: str
    width: int
    unit: str
    find: Find
    convert: Convert
    formula: str
    required: bool
    spread: str
    facts: Mapping[str, object]


def find_path(section: Section, key: str) -> Find:
    """The compiled path under a key of a layout."""
    try:
        return compile_path(section.text(key))
    except PathError as error:
        raise section.error(key, str(error)) from error


def width_of(section: Section, key: str) -> int:
    """How often the path under a key goes through a document; the path was compiled before."""
    return path_width(section.text(key)) if key in section.values else 0


def compile_field(section: Section, settings: Settings) -> Field:
    """One field of `fields`; MappingError names the key that is wrong."""
    section.only(FIELD_KEYS)
    convert, formula = _conversion(section, settings)
    find = find_path(section, "path")
    return Field(
        name=section.text("name"),
        path=section.text("path"),
        width=path_width(section.text("path")),
        unit=section.text("unit", ""),
        find=find,
        convert=_unless_invalid(section, convert),
        formula=formula,
        required=section.boolean("required", default=False),
        spread=section.choice("spread", _SPREADS, None) if "spread" in section.values else "",
        facts=_facts(section),
    )


def _facts(section: Section) -> Mapping[str, object]:
    facts = section.section("facts").values
    return MappingProxyType(dict(facts)) if facts else NOTHING


def _conversion(section: Section, settings: Settings) -> tuple[Convert, str]:
    if "time" in section.values:
        return _as_time(_time(section, settings)), ""
    mark = section.choice("decimal_mark", _MARKS, settings.decimal_mark)
    scaled = {"mul", "div", "add"} & section.values.keys()
    kind = section.choice("type", _TYPES, "decimal" if scaled else "any")
    if "lookup" in section.values:
        return _looked_up(section, kind(mark)), ""
    if not scaled:
        return kind(mark), ""
    if kind not in (_decimal, _integer):
        raise section.error("type", "only numbers are scaled")
    return _scaled(section, kind(mark))


def _as_time(read: ReadTime) -> Convert:
    def convert(value: object) -> Value:
        try:
            return read(value)
        except TimeError as error:
            raise ValueFault(str(error)) from error

    return convert


def _time(section: Section, settings: Settings) -> ReadTime:
    value = section.values["time"]
    own = Section(value, (*section.path, "time")) if isinstance(value, Mapping) else section
    if own is not section:
        own.only(("format", "zone"))
    form = own.text("format", "iso") if own is not section else section.text("time")
    try:
        zone = read_zone(own.text("zone", settings.zone))
        make = FORMATS.get(form)
        return make(zone) if make else compile_pattern(form, zone)
    except TimeError as error:
        raise section.error("time", str(error)) from error


def _unless_invalid(section: Section, convert: Convert) -> Convert:
    """Values that mean "no measurement" become None before anything is made of them."""
    markers = compile_invalid(section)
    if not markers:
        return convert
    return lambda value: None if spelling(value) in markers else convert(value)


def _looked_up(section: Section, convert: Convert) -> Convert:
    look = compile_lookup(section)

    def find(value: object) -> Value:
        try:
            return look(convert(value))
        except LookupFault as error:
            raise ValueFault(str(error)) from error

    return find


def _scaled(section: Section, convert: Convert) -> tuple[Convert, str]:
    scale, formula = compile_scale(section)
    if scale is None:
        return convert, formula
    return lambda value: scale(convert(value)), formula  # type: ignore[arg-type]


def _any(mark: str) -> Convert:
    return lambda value: plain(Node(value))  # type: ignore[arg-type,return-value]


def _decimal(mark: str) -> Convert:
    pattern = _NUMBERS[mark]

    def convert(value: object) -> Decimal | int:
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            return value
        text = value.strip() if isinstance(value, str) else ""
        if len(text) > _LONGEST_TEXT or not pattern.fullmatch(text):
            raise ValueFault(f"{shown(value)} is not a number with the decimal mark {mark!r}")
        number = Decimal(text.replace(mark, "."))
        return int(text) if text.lstrip("+-").isdecimal() else number

    return convert


def _integer(mark: str) -> Convert:
    to_number = _decimal(mark)

    def convert(value: object) -> int:
        number = to_number(value)
        if not isinstance(number, int | Decimal) or number != int(number):
            raise ValueFault(f"{shown(value)} is not a whole number")
        return int(number)

    return convert


def _text(mark: str) -> Convert:
    def convert(value: object) -> str:
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise ValueFault(f"{shown(value)} is not a text")
        return str(value)

    return convert


def _boolean(mark: str) -> Convert:
    def convert(value: object) -> bool:
        found = _BOOLEANS.get(str(value).lower()) if isinstance(value, str | int) else None
        if found is None:
            raise ValueFault(f"{shown(value)} is neither true nor false")
        return found

    return convert


def _octets(read: Callable[[str], bytes], name: str) -> Callable[[str], Convert]:
    def convert(value: object) -> bytes:
        try:
            return read(value if isinstance(value, str) else "?")
        except (ValueError, binascii.Error) as error:
            raise ValueFault(f"{shown(value)} is not {name}") from error

    return lambda mark: convert


def _from_base64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


_TYPES: dict[str, Callable[[str], Convert]] = {
    "any": _any,
    "decimal": _decimal,
    "integer": _integer,
    "text": _text,
    "boolean": _boolean,
    "hex": _octets(bytes.fromhex, "hex"),
    "base64": _octets(_from_base64, "base64"),
}


def check_names(sections: list[Section]) -> None:
    """Names of one level are all different and can be named in a formula."""
    seen: set[str] = set()
    for section in sections:
        name = section.text("name")
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,59}", name, re.ASCII):
            raise section.error("name", "a name has letters, digits and _ and starts with a letter")
        if name in seen:
            raise MappingError((*section.path, "name"), f"{name} stands twice")
        seen.add(name)
