"""`$name`: what was decoded before, or came along with the message."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import DecodeError
from .errors import Place, SchemaError
from .limits import MAX_NAME
from .numbers import exact, is_number
from .state import OMITTED, State

__all__ = ["Reference", "name_template", "reference", "size_reference", "spoken"]

# Gives the value, or OMITTED where nothing of this name was decoded.
Reference = Callable[[State], Any]

_NAME = re.compile(r"\$?([A-Za-z_][\w\-]*(?:\[\])?(?:\.[\w\-]+)*)")
_TEMPLATE = re.compile(r"\$\{([\w.]+)\}")


def reference(spec: Any, place: Place) -> Reference:
    """A literal, or `$name`, `name`, `$object.member`, `$list[].member` (a list of members)."""
    literal = exact(spec) if not isinstance(spec, str) else None
    if isinstance(spec, bool) or literal is not None:
        fixed = spec if literal is None else literal
        return lambda state: fixed
    found = _NAME.fullmatch(spec.strip()) if isinstance(spec, str) else None
    if found is None:
        raise SchemaError(place, f"{spec!r} is neither a number nor a $name")
    return _by_name(found[1])


def _by_name(name: str) -> Reference:
    head, *members = name.split(".")
    if not members:
        return lambda state: state.names.get(name.removesuffix("[]"), OMITTED)
    if head.endswith("[]"):
        return _each(head.removesuffix("[]"), members)

    return lambda state: _member(state.names.get(head, OMITTED), members)


def _member(value: Any, members: list[str]) -> Any:
    for member in members:
        value = value.get(member, OMITTED) if isinstance(value, Mapping) else OMITTED
    return value


def _each(name: str, members: list[str]) -> Reference:
    def read(state: State) -> Any:
        values = state.names.get(name, OMITTED)
        if not isinstance(values, list):
            return OMITTED
        state.charge(len(values))
        found = [_member(value, members) for value in values]
        return OMITTED if OMITTED in found else found

    return read


def size_reference(spec: Any, place: Place) -> Reference:
    """As `reference`, for a number of bytes or rounds: refuses what is not a count."""
    if isinstance(spec, str) and (number := exact(spec)) is not None:
        spec = number
    read = reference(spec, place)
    if isinstance(spec, int):
        if spec < 0:
            raise SchemaError(place, "a size or count is not negative")
        return read

    def count(state: State) -> int:
        value = read(state)
        if not is_number(value) or value != int(value) or value < 0:
            raise DecodeError(state.pos, f"{spec} is not a count of bytes or rounds")
        return int(value)

    return count


def name_template(template: str, place: Place) -> Callable[[State], str]:
    """`channel_${idx}_reading` as a function of what was decoded."""
    if len(template) > MAX_NAME:
        raise SchemaError(place, f"a name has at most {MAX_NAME} characters")
    pieces = _TEMPLATE.split(template)
    texts, reads = pieces[::2], [reference(name, place) for name in pieces[1::2]]

    def resolve(state: State) -> str:
        values = [read(state) for read in reads]
        if OMITTED in values:
            raise DecodeError(state.pos, f"name {template} speaks of what was not decoded")
        parts = [texts[0]]
        for value, text in zip(values, texts[1:], strict=True):
            parts += [spoken(value)[:MAX_NAME], text]
        return "".join(parts)

    return resolve


def spoken(value: Any) -> str:
    """A value within a text: whole numbers without a fraction, no exponents in between."""
    number = exact(value) if not isinstance(value, str) else None
    if number is None:
        return str(value)
    return str(number) if isinstance(number, int) else format(number.normalize(), "f")
