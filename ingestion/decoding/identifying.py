"""Whose telegram it is, and whether it is one of this type at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ingestion.codecs.telegram import Telegram
from meters.definition.model import Definition, Identify
from meters.definition.templates import topic_pattern

from .decoded import Arrival, Identity
from .references import Lookup, lookup
from .scope import Found, Scope

__all__ = [
    "IdentityOf",
    "compile_identity",
    "compile_recognition",
    "compile_topic",
    "scheme_of",
]

IdentityOf = Callable[[Scope], Identity | None]

_MBUS_KINDS = frozenset({"mbus", "wmbus"})
# Where the number comes from → what sort it is; (reference, scheme).
_SCHEMES = {
    "$topic.": "topic",
    "$arrival.source": "source",
    "$arrival.device": "dev_eui",
    "$imei": "imei",
}


def compile_topic(identify: Identify | None) -> Callable[[Arrival], Mapping[str, str]]:
    """The named parts of the topic a telegram came on."""
    if identify is None or not identify.topic:
        return lambda arrival: {}
    pattern = topic_pattern(identify.topic)

    def parts(arrival: Arrival) -> Mapping[str, str]:
        match = pattern.fullmatch(arrival.topic)
        return match.groupdict() if match else {}

    return parts


def compile_identity(definition: Definition) -> IdentityOf:
    """By the definition's `device`, else by what the kind and the transport know."""
    identify = definition.identify or Identify(path=("identify",))
    if identify.device:
        scheme = identify.scheme or scheme_of(identify.device, definition.decode.kind)
        return _by_field(lookup(identify.device), scheme)
    if definition.decode.kind in _MBUS_KINDS:
        return _by_address
    if "{device}" in identify.topic:
        return _by_field(lookup("$topic.device"), identify.scheme or "topic")
    return _by_field(lookup("$arrival.device"), identify.scheme or "dev_eui")


def scheme_of(reference: str, kind: str) -> str:
    """What sort of number a reference leads to."""
    if reference.startswith("$identity.") and kind in _MBUS_KINDS:
        return "mbus"
    return next((word for head, word in _SCHEMES.items() if reference.startswith(head)), "serial")


def _by_field(find: Lookup, scheme: str) -> IdentityOf:
    def identity(scope: Scope) -> Identity | None:
        value = _text(find(scope))
        return Identity(scheme=scheme, value=value) if value else None

    return identity


def _text(found: Found | None) -> str:
    value = None if found is None else found.value
    if isinstance(value, bytes):
        return value.hex()
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _by_address(scope: Scope) -> Identity | None:
    """Maker and number: neither alone is unique on the air."""
    said = scope.telegram.identity
    if not said.get("id"):
        return None
    parts = [said[key] for key in ("manufacturer", "id") if said.get(key)]
    return Identity(scheme="mbus", value="-".join(parts))


def compile_recognition(definition: Definition) -> Callable[[Telegram, Arrival], bool]:
    """Whether a telegram agrees with all that `identify` says."""
    identify = definition.identify
    if identify is None:
        return lambda telegram, arrival: True
    pattern = topic_pattern(identify.topic) if identify.topic else None

    def recognised(telegram: Telegram, arrival: Arrival) -> bool:
        return (
            _one_of(identify.transport, arrival.transport)
            and _one_of(identify.ports, arrival.port)
            and (pattern is None or pattern.fullmatch(arrival.topic) is not None)
            and _detected(identify.detect, telegram.identity)
        )

    return recognised


def _one_of(allowed: tuple[Any, ...], value: Any) -> bool:
    """Nothing is said on one side: nothing contradicts."""
    return not allowed or value in (None, "") or value in allowed


def _detected(rows: tuple[Mapping[str, Any], ...], said: Mapping[str, str]) -> bool:
    return not rows or any(
        all(_said(said, key) in allowed for key, allowed in row.items()) for row in rows
    )


# Key of a detection → key of a telegram's identity, and the base its number is written in.
_SAID = {
    "manufacturer": ("manufacturer", 0),
    "version": ("version", 10),
    "medium": ("medium_code", 16),
}


def _said(said: Mapping[str, str], key: str) -> Any:
    name, base = _SAID[key]
    text = said.get(name, "")
    if not base:
        return text
    try:
        return int(text, base)
    except ValueError:
        return None
