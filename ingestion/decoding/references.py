"""References of a definition ($volume, $log[].at, $.x, $config.zone) → closures on a telegram.

| written | means |
|---|---|
| $name, $a.b, $list[2].x | the item of that name, or the value at that path of the tree |
| $list, $log[].x | every element of a list, or x of every element of a group |
| $.x | x of the element of the group that `each` goes through |
| $config.x | what the installation says |
| $arrival.x | port, topic, source, device, transport, received_at |
| $topic.x | the part of the topic that the template calls {x} |
| $identity.x | what the telegram says of its speaker: id, manufacturer … |
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from .exact import Exact, as_number
from .scope import Found, Scope

__all__ = ["Lookup", "Lookups", "list_lookup", "lookup", "number_lookup"]

Lookup = Callable[[Scope], Found | None]
Lookups = Callable[[Scope], list[Found]]

_ARRIVAL = ("port", "topic", "source", "device", "transport", "received_at")


def lookup(reference: str) -> Lookup:
    """One value. ValueError where the reference names nothing that can be."""
    name = reference.removeprefix("$")
    space, dot, rest = name.partition(".")
    if not space and rest:
        return lambda scope: scope.one(scope.prefix + rest)
    if dot and space in _SPACES:
        return _SPACES[space](rest)
    if "[]" in name:
        raise ValueError("a list of values, where one is needed")
    return lambda scope: scope.one(name)


def list_lookup(reference: str) -> Lookups:
    """Every value of a list."""
    name = reference.removeprefix("$")
    if name.startswith("."):
        inner = name[1:]
        return lambda scope: scope.several(scope.prefix + inner)
    group, brackets, rest = name.partition("[]")
    if brackets and rest:
        column = rest.removeprefix(".")
        return lambda scope: scope.column(group, column)
    return lambda scope: scope.several(group)


def _config(name: str) -> Lookup:
    def find(scope: Scope) -> Found | None:
        value = scope.config(name)
        return None if value is None else Found(value)

    return find


def _arrival(name: str) -> Lookup:
    if name not in _ARRIVAL:
        raise ValueError(f"of the arrival is known: {', '.join(_ARRIVAL)}")

    def find(scope: Scope) -> Found | None:
        value = getattr(scope.arrival, name)
        return None if value in (None, "") else Found(value)

    return find


def _topic(name: str) -> Lookup:
    return lambda scope: Found(scope.topic[name]) if name in scope.topic else None


def _identity(name: str) -> Lookup:
    def find(scope: Scope) -> Found | None:
        value = scope.telegram.identity.get(name)
        return None if value is None else Found(value)

    return find


_SPACES: dict[str, Callable[[str], Lookup]] = {
    "config": _config,
    "arrival": _arrival,
    "topic": _topic,
    "identity": _identity,
}


def number_lookup(operand: int | Decimal | str) -> Callable[[Scope], Exact | None]:
    """A number as written, or the number that a reference finds."""
    if not isinstance(operand, str):
        constant = as_number(operand)
        return lambda scope: constant
    find = lookup(operand)

    def number(scope: Scope) -> Exact | None:
        found = find(scope)
        return None if found is None else as_number(found.value)

    return number
