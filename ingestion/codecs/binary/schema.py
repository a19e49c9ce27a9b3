"""Compiling a whole definition: layouts by port or variant, checksum, what is refused.

A definition is a Payload Schema (`fields` or `ports`, `definitions`, `endian`) or the `decode` part
of a device type of kind `binary`, which may also have `variants`, `checksum`, `reject` and
`assembly`. It is a plain mapping as read from YAML; number literals are int, Decimal or float.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .assembly import AssemblyPlan, compile_assembly
from .builder import ENDIANS, Builder, Scope
from .checksums import compile_checksum
from .compact import compact_fields
from .conditions import Condition, compile_condition
from .errors import Place, SchemaError
from .fields import compile_field
from .keys import BLOCKS, MESSAGE
from .limits import MAX_STAGES
from .state import Body, Step

__all__ = ["Layout", "Reject", "Schema", "compile_layouts"]


@dataclass(frozen=True, slots=True)
class Reject:
    """What makes a message refused after it was read."""

    holds: Condition
    why: str


@dataclass(frozen=True, slots=True)
class Layout:
    """One list of fields, when it holds, and the fields as written (for the columns)."""

    label: str
    holds: Condition | None
    body: Body
    fields: tuple[Any, ...]
    endian: str


@dataclass(frozen=True, slots=True)
class Schema:
    """A compiled definition. `ports` maps a port to its layout, None being the default."""

    layouts: tuple[Layout, ...]
    ports: Mapping[int | None, Layout]
    checksums: tuple[Step, ...]
    rejects: tuple[Reject, ...]
    assembly: AssemblyPlan | None
    notes: tuple[tuple[Place, str], ...]


def compile_layouts(definition: Mapping[str, Any], *, strict: bool = False) -> Schema:
    if not isinstance(definition, Mapping):
        raise SchemaError((), "expected a mapping")
    endian = definition.get("endian", "big")
    if endian not in ENDIANS:
        raise SchemaError(("endian",), "big or little")
    definitions = definition.get("definitions") or {}
    if not isinstance(definitions, Mapping):
        raise SchemaError(("definitions",), "expected groups of fields by name")
    builder = Builder(compile_field, definitions, strict)
    _check_keys(builder, definition)
    layouts, ports = _layouts(builder, definition, str(endian))
    return Schema(
        layouts,
        ports,
        _checksums(definition, str(endian)),
        _rejects(definition.get("reject")),
        compile_assembly(definition.get("assembly")),
        tuple(builder.notes),
    )


def _check_keys(builder: Builder, definition: Mapping[str, Any]) -> None:
    builder.check_keys(definition, MESSAGE, ())
    for name in ("variants", "reject", "checksum", "assembly", "ports"):
        spec, known = definition.get(name), BLOCKS[name]
        if isinstance(spec, list):
            for index, each in enumerate(spec):
                builder.check_keys(each, known, (name, index))
        elif name == "ports" and isinstance(spec, Mapping):
            for port, each in spec.items():
                builder.check_keys(
                    each, known, (name, port if isinstance(port, int) else str(port))
                )
        else:
            builder.check_keys(spec, known, (name,))


def _layouts(
    builder: Builder, definition: Mapping[str, Any], endian: str
) -> tuple[tuple[Layout, ...], Mapping[int | None, Layout]]:
    if definition.get("ports"):
        return (), _ports(builder, definition["ports"], endian)
    if definition.get("variants"):
        return _variants(builder, definition["variants"], endian), {}
    if "fields" not in definition and "format" not in definition:
        raise SchemaError((), "expected fields, ports or variants")
    return (_layout(builder, definition, (), endian, "", None),), {}


def _layout(
    builder: Builder,
    holder: Any,
    place: Place,
    endian: str,
    label: str,
    holds: Condition | None,
) -> Layout:
    fields: Any = holder
    if isinstance(holder, Mapping):
        endian = str(holder.get("endian", endian))
        fields = holder.get("fields", holder.get("format"))
        place = (*place, "fields")
    if isinstance(fields, str):
        names = holder.get("names") if isinstance(holder, Mapping) else None
        fields, endian = compact_fields(fields, names, endian, place)
    if endian not in ENDIANS or not isinstance(fields, list):
        raise SchemaError(place, "expected a list of fields, endian big or little")
    body = builder.body(fields, place, Scope(endian))
    return Layout(label, holds, body, tuple(fields), endian)


def _ports(builder: Builder, ports: Any, endian: str) -> dict[int | None, Layout]:
    if not isinstance(ports, Mapping):
        raise SchemaError(("ports",), "expected layouts by port")
    layouts: dict[int | None, Layout] = {}
    for key, entry in ports.items():
        port = None if str(key) in {"default", "_"} else _port(key)
        at = ("ports", key if isinstance(key, int) else str(key))
        layouts[port] = _layout(builder, entry, at, endian, f"port {key}", None)
    return layouts


def _port(key: Any) -> int:
    text = str(key)
    if not text.isdecimal() or len(text) > 5:
        raise SchemaError(("ports", text), "a port is a number")
    return int(text)


def _variants(builder: Builder, variants: Any, endian: str) -> tuple[Layout, ...]:
    if not isinstance(variants, list) or not 0 < len(variants) <= 256:
        raise SchemaError(("variants",), "expected a list of {when, fields}")
    layouts = []
    for index, variant in enumerate(variants):
        at = ("variants", index)
        if not isinstance(variant, Mapping):
            raise SchemaError(at, "expected {when, fields}")
        when = variant.get("when")
        holds = None if when is None else compile_condition(when, (*at, "when"))
        label = str(variant.get("name", f"variant {index + 1}"))
        layouts.append(_layout(builder, variant, at, endian, label, holds))
    return tuple(layouts)


def _checksums(definition: Mapping[str, Any], endian: str) -> tuple[Step, ...]:
    spec = definition.get("checksum")
    if not spec:
        return ()
    specs = spec if isinstance(spec, list) else [spec]
    if len(specs) > MAX_STAGES:
        raise SchemaError(("checksum",), "too many checksums")
    return tuple(
        compile_checksum(each, ("checksum", index) if specs is spec else ("checksum",), endian)
        for index, each in enumerate(specs)
    )


def _rejects(spec: Any) -> tuple[Reject, ...]:
    if spec is None:
        return ()
    if not isinstance(spec, list) or len(spec) > MAX_STAGES:
        raise SchemaError(("reject",), "expected a list of {when, why}")
    rejects = []
    for index, rule in enumerate(spec):
        at = ("reject", index)
        if not isinstance(rule, Mapping) or "when" not in rule:
            raise SchemaError(at, "expected {when, why}")
        holds = compile_condition(rule["when"], (*at, "when"))
        rejects.append(Reject(holds, str(rule.get("why", f"rejected by rule {index + 1}"))))
    return tuple(rejects)
