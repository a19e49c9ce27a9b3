"""Compiling field lists: references put in, sizes watched, each field handed to who knows it.

The fields of a definition are first spliced (`$ref`, `use`), then each becomes a `Part`. What a
field may be is a table (`fields.py`), which the builder is given: parts that hold field lists of
their own call back here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .errors import Place, SchemaError
from .keys import MUTE, nearest
from .limits import MAX_DEPTH, MAX_FIELDS
from .state import Body, State, Step

__all__ = ["ENDIANS", "Builder", "Part", "Scope", "fields_of"]

ENDIANS = ("big", "little")
_PREFIX = "#/definitions/"


@dataclass(frozen=True, slots=True)
class Part:
    """One compiled field. `loose` parts may end within a byte."""

    step: Step
    names: frozenset[str] = frozenset()
    weight: int = 1
    loose: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a field stands: byte order, depth, and whether the field before it read bits."""

    endian: str = "big"
    depth: int = 0
    after_bits: bool = False

    def deeper(self) -> Scope:
        return replace(self, depth=self.depth + 1, after_bits=False)


Compile = Callable[["Builder", Mapping[str, Any], Place, Scope], Part]


@dataclass(slots=True)
class Builder:
    """One definition being compiled. `notes` are sentences about what was accepted but odd."""

    compile: Compile
    definitions: Mapping[str, Any]
    strict: bool = False
    fields: int = 0
    notes: list[tuple[Place, str]] = field(default_factory=list)

    def check_keys(self, spec: Any, known: Mapping[str, str], place: Place) -> None:
        """Notes the keys of a mapping that nobody knows; refuses them where that is asked for."""
        for key in spec if isinstance(spec, Mapping) else ():
            if key in known or key in MUTE or str(key).startswith(("x-", "_")):
                continue
            reason = nearest(str(key), known)
            if self.strict:
                raise SchemaError((*place, str(key)), reason)
            if len(self.notes) < 100:
                self.notes.append(((*place, str(key)), reason))

    def body(self, spec: Any, place: Place, scope: Scope) -> Body:
        """A field list, `{fields: [...]}`, or one field alone."""
        if scope.depth > MAX_DEPTH:
            raise SchemaError(place, f"fields nest deeper than {MAX_DEPTH}")
        parts: list[Part] = []
        for item, inner in self._spliced(fields_of(spec, place), place, ()):
            self.fields += 1
            if self.fields > MAX_FIELDS:
                raise SchemaError(place, f"more than {MAX_FIELDS} fields")
            parts.append(self.compile(self, item, inner, scope))
            scope = replace(scope, after_bits="bits" in item)
        return Body(
            tuple(_aligned(parts)),
            frozenset().union(*(part.names for part in parts)),
            sum(part.weight for part in parts) + 1,
        )

    def _spliced(
        self, items: list[Any], place: Place, seen: tuple[str, ...]
    ) -> Iterator[tuple[Mapping[str, Any], Place]]:
        for index, item in enumerate(items):
            inner = (*place, index)
            if not isinstance(item, Mapping):
                raise SchemaError(inner, "a field is a mapping of keys")
            reference = item.get("$ref", item.get("use"))
            if reference is None or "type" in item:
                yield item, inner
                continue
            name, found = self._referenced(reference, inner)
            if name in seen or len(seen) > MAX_DEPTH:
                raise SchemaError(inner, f"{name} refers to itself")
            self.fields += 1
            if self.fields > MAX_FIELDS:
                raise SchemaError(place, f"more than {MAX_FIELDS} fields")
            home: Place = ("definitions", name)
            for member, at in self._spliced(fields_of(found, home), home, (*seen, name)):
                yield _renamed(member, item), at

    def _referenced(self, reference: Any, place: Place) -> tuple[str, Any]:
        name = str(reference).removeprefix(_PREFIX).removeprefix("$")
        if name not in self.definitions:
            known = ", ".join(map(str, self.definitions)) or "none"
            raise SchemaError(place, f"no definition {name!r}; there are: {known[:200]}")
        return name, self.definitions[name]


def fields_of(spec: Any, place: Place) -> list[Any]:
    if isinstance(spec, list):
        return spec
    if isinstance(spec, Mapping):
        if isinstance(spec.get("fields"), list) and "type" not in spec and "name" not in spec:
            return list(spec["fields"])
        if isinstance(spec.get("fields"), list) and place[:1] == ("definitions",):
            return list(spec["fields"])
        return [spec]
    if spec is None:
        return []
    raise SchemaError(place, "expected a list of fields")


def _renamed(item: Mapping[str, Any], by: Mapping[str, Any]) -> Mapping[str, Any]:
    """`rename` and `prefix` beside a reference."""
    names, prefix = by.get("rename"), by.get("prefix")
    name = item.get("name")
    if not isinstance(name, str) or not (isinstance(names, Mapping) or prefix):
        return item
    renamed = names.get(name, name) if isinstance(names, Mapping) else name
    return {**item, "name": f"{prefix or ''}{renamed}"}


def _align(state: State) -> None:
    if state.bit:
        state.pos += 1
        state.bit = 0


def _aligned(parts: list[Part]) -> Iterator[Step]:
    """After packed bits the next field begins with a whole byte."""
    loose = False
    for part in parts:
        if loose and not part.loose:
            yield _align
        loose = part.loose
        yield part.step
    if loose:
        yield _align
