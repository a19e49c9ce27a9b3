"""One field: its wrappers (if, optional, at, peek), then what it is, by a table of keys and types.

Keys with a meaning only for other tools or for encoding are accepted and do nothing here; a key
that nobody knows is noted, and refused where the definition is read strictly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..errors import DecodeError
from .builder import Builder, Part, Scope
from .computed import compile_computed, compile_literal
from .conditions import compile_condition
from .errors import Place, SchemaError
from .groups import compile_byte_group, compile_flagged, compile_object
from .keys import FIELD
from .leaves import leaf_of
from .matching import compile_match
from .numbers import exact
from .references import size_reference
from .repeats import compile_listed, compile_repeat
from .scalars import Scalar, scalar
from .state import OMITTED, Convert, Leaf, State, Step, mark, store
from .tlv import compile_tlv
from .values import chained, compile_values

__all__ = ["compile_field"]

Field = Mapping[str, Any]


def compile_field(builder: Builder, field: Field, place: Place, scope: Scope) -> Part:
    builder.check_keys(field, FIELD, place)
    part = _core(builder, field, place, scope)
    for key, wrap in _WRAPPERS:
        if key in field and field[key] is not False:
            part = wrap(part, field, (*place, key), scope)
    return part


def _core(builder: Builder, field: Field, place: Place, scope: Scope) -> Part:
    kind = field.get("type")
    kind = kind.strip().lower() if isinstance(kind, str) else kind
    if not isinstance(kind, str):
        for key, build in _CONSTRUCTS:
            if key in field:
                return build(builder, field, place, scope)
        if kind is not None:
            raise SchemaError((*place, "type"), f"no type {kind!r}")
        if builder.strict or "name" not in field:
            raise SchemaError(place, "a field needs a type")
    elif kind == "string" and "value" in field:
        return compile_literal(builder, field, place, scope)
    elif kind in _TYPES:
        return _TYPES[kind](builder, field, place, scope)
    if "repeat" in field and "bits" not in str(kind)[:5]:
        return compile_listed(builder, field, place, scope, _single(field, place, scope))
    return _scalar_part(field, place, scope)


def _scalar_part(field: Field, place: Place, scope: Scope) -> Part:
    found, convert = _single(field, place, scope)
    bits = f"{found.low}:{found.low + found.bits - 1}" if found.low >= 0 else ""
    leaf = leaf_of(field, place, bits)
    step = _const(field, place, leaf, found, convert)
    names = frozenset(name for name in (leaf.name, leaf.var) if name)
    return Part(step, names, loose=found.loose)


def _single(field: Field, place: Place, scope: Scope) -> tuple[Scalar, Convert | None]:
    """The reader and the conversion of a field that is one value."""
    found = scalar(field, place, scope)
    convert = compile_values(field, place, found.bits)
    if isinstance(field.get("repeat"), (int, str)) and found.loose:
        convert = None if convert is None else _each(convert)
    steps = [step for step in (found.first, convert) if step is not None]
    return found, chained(steps)


def _each(convert: Convert) -> Convert:
    """On every value of a packed list; what is left out stands as None."""

    def converted(values: Any, state: State) -> Any:
        made = (convert(value, state) for value in values)
        return [None if value is OMITTED else value for value in made]

    return converted


def _const(field: Field, place: Place, leaf: Leaf, found: Scalar, convert: Convert | None) -> Step:
    step = _reading(leaf, found, convert)
    if "const" not in field:
        return step
    wanted, name = field["const"], leaf.name
    number = exact(wanted) if not isinstance(wanted, str) else None
    wanted = wanted if number is None else number

    def check(state: State) -> None:
        start = state.pos
        step(state)
        if state.names.get(name) != wanted:
            raise DecodeError(start, f"{name} is {state.names.get(name)}, expected {wanted}")

    return check


def _reading(leaf: Leaf, found: Scalar, convert: Convert | None) -> Step:
    read, size = found.read, found.size or 0

    def step(state: State) -> None:
        start = state.pos
        raw = read(state)
        value = raw if convert is None or raw is OMITTED else convert(raw, state)
        if value is OMITTED:
            state.names.pop(leaf.name, None)
            mark(state, leaf.name or "_", start, raw)
        else:
            # Packed bits may end within the byte at `pos`.
            store(state, leaf, value, raw, start, max(start + size, state.pos + bool(state.bit)))

    return step


def _skip(builder: Builder, field: Field, place: Place, scope: Scope) -> Part:
    spec = field.get("length", 1)
    remaining = spec == "remaining" or (isinstance(spec, int) and spec < 0)
    size = None if remaining else size_reference(spec, (*place, "length"))

    def step(state: State) -> None:
        start = state.pos
        end = state.end if size is None else state.need(size(state))
        state.pos = max(start, end)
        mark(state, str(field.get("name", "_")), start)

    return Part(step)


# --- wrappers ----------------------------------------------------------------------------------


def _if(part: Part, field: Field, place: Place, scope: Scope) -> Part:
    holds, step = compile_condition(field["if"], place), part.step

    def conditional(state: State) -> None:
        if holds(state):
            step(state)

    return Part(conditional, part.names, part.weight, part.loose)


def _optional(part: Part, field: Field, place: Place, scope: Scope) -> Part:
    step = part.step

    def perhaps(state: State) -> None:
        if state.pos < state.end:
            step(state)

    return Part(perhaps, part.names, part.weight, part.loose)


def _at(part: Part, field: Field, place: Place, scope: Scope) -> Part:
    """Read at a fixed place: from the start, or before the end where negative."""
    offset, step = field["at"], part.step
    if isinstance(offset, bool) or not isinstance(offset, int):
        raise SchemaError(place, "a byte from the start, or before the end where negative")

    def elsewhere(state: State) -> None:
        back = state.pos, state.bit
        state.pos, state.bit = (offset if offset >= 0 else state.end + offset), 0
        if not 0 <= state.pos <= state.end:
            raise DecodeError(back[0], f"the message has no byte {offset}")
        step(state)
        state.pos, state.bit = back

    return Part(elsewhere, part.names, part.weight)


def _peek(part: Part, field: Field, place: Place, scope: Scope) -> Part:
    """Read without moving on; behind a field with `bits`, its bytes once more."""
    step, again = part.step, scope.after_bits and "bits" in field

    def peek(state: State) -> None:
        back = state.pos, state.bit, state.last
        if again:
            state.pos = state.last
        step(state)
        state.pos, state.bit, state.last = back

    return Part(peek, part.names, part.weight)


_WRAPPERS: tuple[tuple[str, Callable[[Part, Field, Place, Scope], Part]], ...] = (
    ("at", _at),
    ("peek", _peek),
    ("if", _if),
    ("optional", _optional),
)
_Construct = Callable[[Builder, Field, Place, Scope], Part]
# A field without a type is known by the first of these keys that it has.
_CONSTRUCTS: tuple[tuple[str, _Construct], ...] = (
    ("byte_group", compile_byte_group),
    ("match", compile_match),
    ("switch", compile_match),
    ("flagged", compile_flagged),
    ("tlv", compile_tlv),
    ("object", compile_object),
    ("repeat", compile_repeat),
    ("compute", compile_computed),
    ("fields", compile_object),
)
_TYPES: dict[str, _Construct] = {
    "skip": _skip,
    "number": compile_computed,
    "integer": compile_computed,
    "object": compile_object,
    "repeat": compile_repeat,
    "array": compile_repeat,
    "match": compile_match,
    "switch": compile_match,
    "tlv": compile_tlv,
    "flagged": compile_flagged,
    "byte_group": compile_byte_group,
}
