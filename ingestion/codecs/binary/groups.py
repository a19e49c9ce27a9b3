"""Fields made of fields: objects, groups that share bytes, groups that a flag announces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..errors import DecodeError
from .builder import ENDIANS, Builder, Part, Scope
from .errors import Place, SchemaError
from .keys import BLOCKS
from .references import reference
from .state import OMITTED, Body, State, run

__all__ = ["compile_byte_group", "compile_flagged", "compile_object", "enter", "widened"]

Field = Mapping[str, Any]


def compile_object(builder: Builder, field: Field, place: Place, scope: Scope) -> Part:
    """`{type: object, name, fields}`; with `append: true` each occurrence adds to a list."""
    inner = field.get("object")
    spec = inner.get("fields") if isinstance(inner, Mapping) else field.get("fields")
    if "$ref" in field and spec is None:
        spec = [{"$ref": field["$ref"]}]
    name = field.get("name") or (inner if isinstance(inner, str) else "")
    body = builder.body(spec, (*place, "fields"), scope.deeper())
    append = bool(field.get("append"))
    if not name:
        return Part(lambda state: run(body, state), body.names, body.weight)

    def step(state: State) -> None:
        _inside(state, str(name), body, append=append)

    return Part(step, body.names | {str(name)}, body.weight)


def _inside(state: State, name: str, body: Body, *, append: bool) -> None:
    full = state.prefix + name
    count = state.counts.get(full, 0)
    state.counts[full] = count + 1
    made = enter(state, body, f"{full}[{count}]." if append or count else f"{full}.")
    state.names[name] = made
    if name.startswith("_"):
        return
    if append:
        state.tree.setdefault(name, []).append(made)
    else:
        state.tree[name] = made


def enter(state: State, body: Body, prefix: str) -> dict[str, Any]:
    """Decodes a body into a tree of its own, under a prefix of names."""
    outer_tree, outer_prefix = state.tree, state.prefix
    tree: dict[str, Any] = {}
    state.tree, state.prefix = tree, prefix
    run(body, state)
    state.tree, state.prefix = outer_tree, outer_prefix
    return tree


def compile_byte_group(builder: Builder, field: Field, place: Place, scope: Scope) -> Part:
    """Bits of the same bytes; the group's bytes are one number in the group's byte order."""
    group = field["byte_group"]
    at = (*place, "byte_group")
    builder.check_keys(group, BLOCKS["byte_group"], at)
    holder = group if isinstance(group, Mapping) else field
    members = group.get("fields", []) if isinstance(group, Mapping) else group
    size = holder.get("size", holder.get("bytes", 1))
    endian = holder.get("endian", field.get("endian", scope.endian))
    if endian not in ENDIANS or not isinstance(size, int) or not 0 < size <= 8:
        raise SchemaError(at, "size is 1 to 8 bytes, endian big or little")
    if not isinstance(members, list):
        raise SchemaError(at, "expected a list of fields")
    grouped = replace(scope, endian=str(endian))
    parts = [
        builder.body([widened(member, size, str(endian))], (*at, "fields", index), grouped.deeper())
        for index, member in enumerate(members)
    ]

    def step(state: State) -> None:
        start, end = state.pos, state.need(size)
        for part in parts:
            state.pos = start
            run(part, state)
        state.pos, state.bit = end, 0

    names = frozenset().union(*(part.names for part in parts))
    return Part(step, names, sum(part.weight for part in parts) + 1)


def widened(member: Any, size: int, endian: str) -> Any:
    """A range of bits is counted within the whole group, whatever width its type names."""
    kind = member.get("type") if isinstance(member, Mapping) else None
    if kind == "bool" and endian == "big" and isinstance(member.get("bit", 0), int):
        # A flag is read from single bytes: the lowest bits of the group are in its last one.
        byte, bit = divmod(member.get("bit", 0), 8)
        return {**member, "bit": 8 * max(0, size - 1 - byte) + bit, "consume": 0}
    if not isinstance(kind, str) or "[" not in kind or kind[:1] not in "us":
        return member
    return {**member, "type": f"{kind[0]}{size * 8}{kind[kind.index('[') :]}", "consume": 0}


def compile_flagged(builder: Builder, field: Field, place: Place, scope: Scope) -> Part:
    """Groups of fields, each there when its bit of a number read before is set."""
    spec = field.get("flagged", field)
    at = (*place, "flagged")
    if not isinstance(spec, Mapping) or not isinstance(spec.get("groups"), list):
        raise SchemaError(at, "expected {field, groups}")
    if "flagged" in field:
        builder.check_keys(spec, BLOCKS["flagged"], at)
    read = reference(spec.get("field"), (*at, "field"))
    groups = [
        _group(builder, group, (*at, "groups", index), scope)
        for index, group in enumerate(spec["groups"])
    ]

    def step(state: State) -> None:
        flags = read(state)
        if flags is OMITTED or not hasattr(flags, "__index__"):
            raise DecodeError(state.pos, f"no flags: {spec['field']} was not decoded")
        for mask, body in groups:
            if flags & mask:
                run(body, state)

    names = frozenset().union(*(body.names for _, body in groups))
    return Part(step, names, sum(body.weight for _, body in groups) + 1)


def _group(builder: Builder, group: Any, place: Place, scope: Scope) -> tuple[int, Body]:
    if not isinstance(group, Mapping):
        raise SchemaError(place, "expected {bit, fields}")
    bit = group.get("bit", 0)
    mask = group.get("mask", 1 << bit if isinstance(bit, int) and 0 <= bit < 64 else None)
    if not isinstance(mask, int) or mask < 1:
        raise SchemaError((*place, "bit"), "a bit from 0 to 63")
    return mask, builder.body(group.get("fields"), (*place, "fields"), scope.deeper())
