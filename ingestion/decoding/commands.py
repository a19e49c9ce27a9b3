"""Commands: parameters that a person filled in → the bytes or the text that is sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from ingestion.errors import IngestionError
from meters.definition.durations import seconds_of
from meters.definition.model import Command
from meters.definition.templates import WIRE_TYPES, WireType, holes_of

from .conditions import Condition, always, compile_condition

__all__ = ["CommandError", "CompiledCommand", "Downlink", "compile_command"]

_HOLE = re.compile(r"\{([^{}]*)\}")
_WORD = re.compile(r"[A-Za-z0-9_.:+-]{1,64}")


class CommandError(IngestionError):
    """A command that can't be sent so; the message is for the person who ordered it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Downlink:
    """What is sent. `within`: seconds to wait for the answer, None where none confirms it."""

    payload: bytes
    port: int | None
    topic: str
    within: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledCommand:
    """`made(parameters, device)` is the downlink; `confirmed` tells the answer."""

    made: Callable[[Mapping[str, Any], str], Downlink]
    confirmed: Condition


def compile_command(command: Command) -> CompiledCommand:
    confirm = command.confirm
    within = seconds_of(confirm.get("within", "1h")) if confirm else None
    encode = _bytes_of(command.payload) if command.payload else _text_of(command.text)

    def made(parameters: Mapping[str, Any], device: str) -> Downlink:
        values = _values(command, parameters)
        return Downlink(
            payload=encode(values),
            port=command.port,
            topic=command.topic.replace("{device}", device),
            within=within,
        )

    holds = compile_condition(confirm["when"]) if confirm else always
    return CompiledCommand(made=made, confirmed=holds)


def _values(command: Command, parameters: Mapping[str, Any]) -> dict[str, Any]:
    unknown = set(parameters) - set(command.parameters)
    if unknown:
        name = min(unknown)
        raise CommandError(_("The command has no parameter “%(name)s”.") % {"name": name})
    found = {}
    for name, rule in command.parameters.items():
        value = parameters.get(name, rule.get("default"))
        if value is None:
            raise CommandError(_("The parameter “%(name)s” is missing.") % {"name": name})
        found[name] = _CHECKS[rule["type"]](name, rule, value)
    return found


def _whole(name: str, rule: Mapping[str, Any], value: Any) -> int:
    number = _decimal(name, rule, value)
    if number != int(number):
        raise CommandError(_("“%(name)s” must be a whole number.") % {"name": name})
    return int(number)


def _decimal(name: str, rule: Mapping[str, Any], value: Any) -> Decimal:
    try:
        number = Decimal(str(value)[:64])
    except InvalidOperation:
        number = Decimal("NaN")
    if isinstance(value, bool) or not number.is_finite() or abs(number.adjusted()) > 30:
        raise CommandError(_("“%(name)s” must be a number.") % {"name": name})
    least, most = rule.get("least"), rule.get("most")
    if (least is not None and number < least) or (most is not None and number > most):
        bounds = {"name": name, "least": _shown(least), "most": _shown(most)}
        raise CommandError(_("“%(name)s” must lie between %(least)s and %(most)s.") % bounds)
    return number * Decimal(rule.get("mul", 1))


def _shown(bound: Any) -> str:
    return "…" if bound is None else str(bound)


def _choice(name: str, rule: Mapping[str, Any], value: Any) -> int | str:
    choices = rule["choices"]
    if value not in choices:
        names = ", ".join(map(str, choices))
        raise CommandError(
            _("“%(name)s” must be one of %(names)s.") % {"name": name, "names": names}
        )
    chosen: int | str = choices[value]
    return chosen


def _word(name: str, rule: Mapping[str, Any], value: Any) -> str:
    """Letters and digits only: nothing that could leave its place in a text."""
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        raise CommandError(_("“%(name)s” must be one word.") % {"name": name})
    return value


_CHECKS: dict[str, Callable[[str, Mapping[str, Any], Any], Any]] = {
    "whole": _whole,
    "decimal": _decimal,
    "choice": _choice,
    "word": _word,
}


def _bytes_of(template: str) -> Callable[[Mapping[str, Any]], bytes]:
    """Stretches of hex and holes, alternating."""
    parts = _HOLE.split(template)
    constants = [bytes.fromhex(part) for part in parts[::2]]
    holes = holes_of(template, typed=True)

    def encode(values: Mapping[str, Any]) -> bytes:
        octets = constants[0]
        for hole, constant in zip(holes, constants[1:], strict=True):
            octets += _wired(hole.name, values[hole.name], WIRE_TYPES[hole.wire]) + constant
        return octets

    return encode


def _wired(name: str, value: Any, wire: WireType) -> bytes:
    if not wire.size:
        return str(value).encode("ascii")
    if not isinstance(value, int | Decimal) or value != int(value):
        raise CommandError(_("“%(name)s” must be a whole number.") % {"name": name})
    try:
        return _packed(int(value), wire)
    except (OverflowError, ValueError):
        message = _("“%(name)s” does not fit into %(size)d bytes.")
        raise CommandError(message % {"name": name, "size": wire.size}) from None


def _packed(value: int, wire: WireType) -> bytes:
    if not wire.bcd:
        octets = value.to_bytes(wire.size, "big", signed=wire.signed)
        return octets[::-1] if wire.order == "little" else octets
    digits = f"{value:0{wire.size * 2}d}"
    if value < 0 or len(digits) > wire.size * 2:
        raise OverflowError
    octets = bytes.fromhex(digits)
    return octets[::-1] if wire.order == "little" else octets


def _text_of(template: str) -> Callable[[Mapping[str, Any]], bytes]:
    names = {hole.name for hole in holes_of(template, typed=False)}

    def encode(values: Mapping[str, Any]) -> bytes:
        def filled(match: re.Match[str]) -> str:
            return str(values[match.group(1)]) if match.group(1) in names else match.group(0)

        return _HOLE.sub(filled, template).encode()

    return encode
