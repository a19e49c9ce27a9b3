"""`match` and `switch`: which fields follow, by a value read before or right here.

Keys of cases: `1`, `0x1F`, `"1"`, `"[1, 2, 3]"`, `2..5`, `0x10..0x1F`, texts, `_` or `default`.
A value that no case names is refused unless a default says otherwise (`skip`, or fields).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..errors import DecodeError
from .builder import Builder, Part, Scope
from .errors import Place, SchemaError
from .keys import BLOCKS
from .labels import integer_key
from .limits import RANGES_A_FIELD
from .numbers import is_number
from .references import reference
from .state import OMITTED, Body, Leaf, State, run, store

__all__ = ["chosen_fields", "compile_match"]

Field = Mapping[str, Any]

_DEFAULTS = {"_", "default"}


class _Cases:
    """What each value leads to: exact ones in a table, then ranges in their order."""

    def __init__(self) -> None:
        self.exact: dict[Any, Body] = {}
        self.ranges: list[tuple[int, int, Body]] = []
        self.default: Body | None = None
        self.refuse = True

    def find(self, value: Any) -> Body | None:
        body = self.exact.get(value)
        if body is not None or not is_number(value):
            return body
        for low, high, body in self.ranges:
            if low <= value <= high:
                return body
        return None

    def bodies(self) -> list[Body]:
        found = [*self.exact.values(), *(body for _, _, body in self.ranges)]
        return [*found, self.default] if self.default else found


def compile_match(builder: Builder, field: Field, place: Place, scope: Scope) -> Part:
    spec, at = _spec(field, place)
    if at != place:
        builder.check_keys(spec, BLOCKS["match"], at)
    cases = _cases(builder, spec, at, scope)
    read = _discriminator(spec, at, scope)

    def step(state: State) -> None:
        value = read(state)
        if value is OMITTED:
            raise DecodeError(state.pos, f"no value to match: {spec.get('field')}")
        body = cases.find(value) if _hashable(value) else None
        body = cases.default if body is None else body
        if body is not None:
            run(body, state)
        elif cases.refuse:
            raise DecodeError(state.pos, f"no case for {value}")

    names = frozenset().union(*(body.names for body in cases.bodies()))
    weight = max((body.weight for body in cases.bodies()), default=0) + 1
    weight += len(cases.ranges) // RANGES_A_FIELD
    return Part(step, names | _own_names(spec), weight)


def chosen_fields(field: Field, value: Any) -> Any:
    """The fields, as written, that a `match` by a value read before leads to; None: no fields."""
    cases: Any = _Cases()
    listed = field.get("cases", {})
    if isinstance(listed, list):
        listed = {_listed_key(case, ()): case for case in listed}
    for key, fields in listed.items():
        _enter(cases, key, _body(fields), ())
    found = cases.find(value)
    default = field.get("default")
    otherwise = _body(default) if isinstance(default, list | Mapping) else cases.default
    return otherwise if found is None else found


def _hashable(value: Any) -> bool:
    return not isinstance(value, (list, dict))


def _own_names(spec: Field) -> frozenset[str]:
    return frozenset(str(spec[key]) for key in ("name", "var") if spec.get(key))


def _spec(field: Field, place: Place) -> tuple[Field, Place]:
    """All spellings as {field | length | remaining, cases, default}."""
    for key in ("match", "switch"):
        inner = field.get(key)
        if isinstance(inner, Mapping):
            return {**inner, "field": inner.get("field", inner.get("on"))}, (*place, key)
        if isinstance(inner, str):
            return {**field, "field": inner, "name": None, "length": None}, place
    found = field.get("on", field.get("field"))
    return {**field, "field": found, "name": None, "length": None}, place


def _discriminator(spec: Field, place: Place, scope: Scope) -> Callable[[State], Any]:
    sources = [key for key in ("field", "length", "remaining") if spec.get(key) is not None]
    if len(sources) > 1:
        raise SchemaError(place, "a match takes one of field, length and remaining")
    if sources == ["field"]:
        return reference(spec["field"], (*place, "field"))
    if sources == ["remaining"]:
        return lambda state: state.end - state.pos
    if not sources:
        return _peeked
    return _inline(spec, place, scope)


def _peeked(state: State) -> Any:
    """The older form without a name looks at the next byte."""
    return state.octets[state.pos] if state.pos < state.end else OMITTED


def _inline(spec: Field, place: Place, scope: Scope) -> Callable[[State], Any]:
    size, order = spec["length"], scope.endian
    if not isinstance(size, int) or not 0 < size <= 8:
        raise SchemaError((*place, "length"), "1 to 8 bytes")
    leaf = Leaf(name=str(spec.get("name") or "_match"), var=str(spec.get("var") or ""))

    def read(state: State) -> int:
        start, end = state.pos, state.need(size)
        value = int.from_bytes(state.octets[start:end], order)  # type: ignore[arg-type]
        state.pos = end
        store(state, leaf, value, value, start)
        return value

    return read


def _cases(builder: Builder, spec: Field, place: Place, scope: Scope) -> _Cases:
    cases = _Cases()
    listed = spec.get("cases", {})
    if isinstance(listed, list):
        listed = {_listed_key(case, (*place, "cases")): case for case in listed}
    if not isinstance(listed, Mapping):
        raise SchemaError((*place, "cases"), "expected cases by value")
    for key, fields in listed.items():
        at = (*place, "cases", _step(key))
        body = builder.body(_body(fields), at, scope.deeper())
        _enter(cases, key, body, at)
    default = spec.get("default")
    if default == "skip":
        cases.refuse = False
    elif isinstance(default, (list, Mapping)):
        cases.default = builder.body(_body(default), (*place, "default"), scope.deeper())
    return cases


def _step(key: Any) -> str | int:
    return key if isinstance(key, int) else str(key)


def _listed_key(case: Any, place: Place) -> Any:
    key = case.get("case") if isinstance(case, Mapping) else None
    if key is None:
        raise SchemaError(place, "each case has a `case` and `fields`")
    return tuple(key) if isinstance(key, list) else key


def _body(fields: Any) -> Any:
    return fields.get("fields", []) if isinstance(fields, Mapping) and "case" in fields else fields


def _enter(cases: _Cases, key: Any, body: Body, place: Place) -> None:
    if isinstance(key, str):
        text = key.strip()
        if text in _DEFAULTS:
            cases.default = body
            return
        if ".." in text:
            low, high = (integer_key(end.strip()) for end in text.split("..", 1))
            if low is None or high is None:
                raise SchemaError(place, f"{key!r} is not a range")
            cases.ranges.append((low, high, body))
            return
        if text.startswith("[") and text.endswith("]"):
            key = tuple(part.strip() for part in text[1:-1].split(","))
    for value in key if isinstance(key, (tuple, list)) else (key,):
        number = integer_key(value)
        cases.exact.setdefault(value if number is None else number, body)
        if isinstance(value, str):
            cases.exact.setdefault(value, body)
