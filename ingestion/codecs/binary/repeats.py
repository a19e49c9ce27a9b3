"""Repeats: elements by count, by bytes, or until the end; of fields (objects) or of one value.

`{type: repeat, name, count | count_field | byte_length | until: end, fields}` is the language's
form; `{name, type: u16, repeat: 15 | $n | until_end | until_last}` and `{name, repeat: …, fields}`
are the metering forms. `until_last` (and `until_end`) leave the bytes of `tail: {when, bytes}`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import DecodeError
from .builder import Builder, Part, Scope
from .conditions import Condition, compile_condition
from .errors import Place, SchemaError
from .groups import enter
from .leaves import leaf_of
from .limits import DEFAULT_REPEAT, MAX_ITEMS, NAMES_A_FIELD
from .references import Reference, size_reference
from .scalars import Scalar
from .state import OMITTED, Body, Convert, State, run, store

__all__ = ["compile_listed", "compile_repeat"]

Field = Mapping[str, Any]
# One element: reads it and puts it at the end of the list.
Element = Callable[[State, list[Any]], None]
# Calls the element as often as asked, and leaves `pos` behind the repeat.
Loop = Callable[[State, Element, list[Any]], None]

_TO_END = ("end", "until_end", "until_last", "last")


def compile_repeat(builder: Builder, field: Field, place: Place, scope: Scope) -> Part:
    fields = field.get("fields", field.get("items"))
    if fields is None:
        raise SchemaError(place, "a repeat has fields, or a type of its elements")
    name = str(field.get("name") or "")
    body = builder.body(fields, (*place, "fields"), scope.deeper())
    carried = _carried(fields)
    # All names of the body are forgotten before each element.
    weight = body.weight + len(body.names) // NAMES_A_FIELD
    loop = _loop(field, place, weight, strict=builder.strict)
    element = _element(field, place, name, body, body.names - carried)
    trailer = _trailer(builder, field, place, scope)
    least, count_as = _least(field, place), str(field.get("count_as") or "")

    def step(state: State) -> None:
        if trailer is not None:
            _read_trailer(state, trailer, int(field["reserve"]))
        outer = {key: state.names[key] for key in body.names if key in state.names}
        _forget(state, body.names)
        start, values = state.pos, list[Any]()
        loop(state, element, values)
        _forget(state, body.names)
        state.names.update(outer)
        _finish(state, name, count_as, values, start, least)

    names = frozenset(key for key in (name, count_as) if key)
    return Part(step, names | (trailer.names if trailer else frozenset()), body.weight)


def _finish(
    state: State, name: str, count_as: str, values: list[Any], start: int, least: int
) -> None:
    if len(values) < least:
        raise DecodeError(start, f"{name} has {len(values)} elements, at least {least} expected")
    if count_as:
        state.names[count_as] = len(values)
    if name:
        state.names[name] = values
        if not name.startswith("_"):
            state.tree[name] = values


def _forget(state: State, names: frozenset[str]) -> None:
    for name in names:
        state.names.pop(name, None)


def _carried(fields: Any) -> frozenset[str]:
    if not isinstance(fields, list):
        return frozenset()
    return frozenset(
        str(field.get("name"))
        for field in fields
        if isinstance(field, Mapping) and "carry" in field
    )


def _element(
    field: Field, place: Place, name: str, body: Body, forgotten: frozenset[str]
) -> Element:
    index = str(field.get("index") or "")
    present = field.get("present_if")
    keep: Condition | None = (
        compile_condition(present, (*place, "present_if")) if present is not None else None
    )

    def element(state: State, values: list[Any]) -> None:
        _forget(state, forgotten)
        if index:
            state.names[index] = len(values)
        traced = len(state.trace) if state.trace is not None else 0
        made = enter(state, body, f"{state.prefix}{name}[{len(values)}].")
        if keep is None or keep(state):
            values.append(made)
        elif state.trace is not None:
            del state.trace[traced:]

    return element


def compile_listed(
    builder: Builder,
    field: Field,
    place: Place,
    scope: Scope,
    single: tuple[Scalar, Convert | None],
) -> Part:
    """A list of plain values, said as one value with the span of all of them."""
    found, convert = single
    leaf, read = leaf_of(field, place), found.read
    loop, least = _loop(field, place, 1, strict=builder.strict), _least(field, place)

    def element(state: State, values: list[Any]) -> None:
        raw = read(state)
        value = raw if convert is None or raw is OMITTED else convert(raw, state)
        values.append(None if value is OMITTED else value)

    def step(state: State) -> None:
        start, values = state.pos, list[Any]()
        loop(state, element, values)
        if len(values) < least:
            raise DecodeError(start, f"{leaf.name} has {len(values)} values, {least} expected")
        store(state, leaf, values, f"{len(values)} values", start)

    return Part(step, frozenset(name for name in (leaf.name, leaf.var) if name))


# --- how often ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Bound:
    """How many elements there may be, what one costs, and whether more of them are refused.

    An existing schema's own `max` cuts a repeat short, as the language had it at first; what is
    not read is a warning.
    """

    most: int
    weight: int
    refuse: bool

    def exceeded(self, state: State, what: str) -> None:
        reason = f"{what}, at most {self.most} allowed"
        if self.refuse:
            raise DecodeError(state.pos, reason)
        state.warnings.append(f"byte {state.pos}: {reason}; the others are not read")


def _loop(field: Field, place: Place, weight: int, *, strict: bool) -> Loop:
    bound = _bound(field, place, weight, strict=strict)
    repeat = field.get("repeat")
    until = field.get("until", repeat if isinstance(repeat, str) else None)
    if until in _TO_END:
        return _until_end(field, place, bound)
    if "byte_length" in field:
        size = size_reference(field["byte_length"], (*place, "byte_length"))
        return _by_bytes(size, bound)
    count = field.get("count", field.get("count_field", repeat))
    if isinstance(count, Mapping) or count is None or isinstance(count, bool):
        if field.get("type") == "array":
            return _until_end(field, place, bound)
        raise SchemaError(place, "a repeat has count, byte_length or until: end")
    return _by_count(size_reference(count, (*place, "count")), bound)


def _bound(field: Field, place: Place, weight: int, *, strict: bool) -> _Bound:
    most = field.get("max", MAX_ITEMS if "repeat" in field else DEFAULT_REPEAT)
    if not isinstance(most, int) or most < 0:
        raise SchemaError((*place, "max"), "a number of elements")
    refuse = strict or "max" not in field or most > MAX_ITEMS
    return _Bound(min(most, MAX_ITEMS), weight, refuse)


def _least(field: Field, place: Place) -> int:
    least = field.get("min", 0)
    if not isinstance(least, int):
        raise SchemaError((*place, "min"), "a number of elements")
    return least


def _by_count(count: Reference, bound: _Bound) -> Loop:
    def loop(state: State, element: Element, values: list[Any]) -> None:
        times = count(state)
        if times > bound.most:
            bound.exceeded(state, f"{times} elements")
        for _ in range(min(times, bound.most)):
            state.charge(bound.weight)
            element(state, values)

    return loop


def _by_bytes(size: Reference, bound: _Bound) -> Loop:
    def loop(state: State, element: Element, values: list[Any]) -> None:
        outer, state.end = state.end, state.need(size(state))
        _to_end(state, element, values, bound)
        if state.pos != state.end:
            raise DecodeError(state.pos, "elements do not fill the bytes that they should")
        state.end = outer

    return loop


def _until_end(field: Field, place: Place, bound: _Bound) -> Loop:
    tail = _tail(field, place)

    def loop(state: State, element: Element, values: list[Any]) -> None:
        spared = tail(state)
        outer, state.end = state.end, state.end - spared
        if state.end < state.pos:
            raise DecodeError(
                state.pos, f"{spared} bytes expected behind, {outer - state.pos} left"
            )
        _to_end(state, element, values, bound)
        state.end = outer

    return loop


def _to_end(state: State, element: Element, values: list[Any], bound: _Bound) -> None:
    rounds = 0
    while state.pos < state.end:
        if rounds >= bound.most:
            bound.exceeded(state, "more elements")
            return
        state.charge(bound.weight)
        start, bit = state.pos, state.bit
        element(state, values)
        rounds += 1
        if (state.pos, state.bit) <= (start, bit):
            raise DecodeError(start, "an element of a repeat takes no bytes")


def _tail(field: Field, place: Place) -> Reference:
    """Bytes at the end that the repeat must not read."""
    spec = field.get("tail", field.get("reserve", 0))
    if not isinstance(spec, Mapping):
        return size_reference(spec, (*place, "tail"))
    size = size_reference(spec.get("bytes", 0), (*place, "tail", "bytes"))
    if "when" not in spec:
        return size
    holds = compile_condition(spec["when"], (*place, "tail", "when"))
    return lambda state: size(state) if holds(state) else 0


def _trailer(builder: Builder, field: Field, place: Place, scope: Scope) -> Body | None:
    """Fields in the reserved bytes, decoded before the elements, which may refer to them."""
    if "trailer" not in field:
        return None
    if not isinstance(field.get("reserve"), int):
        raise SchemaError((*place, "trailer"), "needs reserve")
    return builder.body(field["trailer"], (*place, "trailer"), scope.deeper())


def _read_trailer(state: State, trailer: Body, reserve: int) -> None:
    back = state.pos
    if state.end - reserve < back:
        raise DecodeError(back, f"{reserve} bytes expected behind, {state.end - back} left")
    state.pos = state.end - reserve
    run(trailer, state)
    state.pos = back
