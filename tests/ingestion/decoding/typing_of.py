"""Making types for tests: a binary layout or a telegram of given items, and rules on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ingestion.codecs.telegram import Item, Telegram
from ingestion.decoding import Arrival, CompiledType, compile_type
from meters.definition import DefinitionError, Problem, read_definition

if TYPE_CHECKING:
    from ingestion.decoding import Decoded

__all__ = ["HEAD", "binary", "faults", "generic", "meaning", "telegram"]

HEAD = """\
type: acme
version: 1
vendor: Acme
model: One
resource: RESOURCE
"""


def generic(rules: str, *, resource: str = "cold_water") -> CompiledType:
    """A type whose items are given by the test."""
    text = f"{HEAD.replace('RESOURCE', resource)}decode: {{kind: mbus}}\n{rules}"
    return compile_type(read_definition(text, name="acme"))


def binary(fields: str, rules: str, *, resource: str = "cold_water") -> CompiledType:
    """A type of a binary layout, big endian."""
    return compile_type(read_definition(_binary(fields, rules, resource), name="acme"))


def faults(fields: str, rules: str, *, resource: str = "cold_water") -> list[Problem]:
    """What compiling such a type finds wrong."""
    try:
        binary(fields, rules, resource=resource)
    except DefinitionError as error:
        return error.problems
    return []


def _binary(fields: str, rules: str, resource: str) -> str:
    head = HEAD.replace("RESOURCE", resource)
    return f"{head}decode:\n  kind: binary\n  endian: big\n  fields: {fields}\n{rules}"


def telegram(*items: Item, identity: dict[str, str] | None = None) -> Telegram:
    return Telegram(kind="test", octets=b"", items=items, identity=identity or {})


def meaning(compiled: CompiledType, *items: Item, **arrival: Any) -> Decoded:
    """What a type makes of items."""
    return compiled.meaning(telegram(*items), Arrival(**arrival))
