"""A checked definition → a compiled type, whose `decode` says what a telegram means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.utils.translation import gettext as _

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.telegram import Telegram
from meters.definition.errors import Path, Problem
from meters.definition.model import Definition

from .commands import CommandError, CompiledCommand, Downlink, compile_command
from .conditions import Condition, compile_condition, compile_subject
from .decoded import Arrival, Decoded, EventSaid, Identity, Reading, Series
from .events import Events, compile_events
from .exact import as_number
from .identifying import IdentityOf, compile_identity, compile_recognition, compile_topic
from .kinds import KINDS, Decoder, LayoutError
from .moments import compile_clock
from .names import problems_of_names
from .readings import Readings, compile_readings
from .references import Lookup, lookup
from .scope import Scope, zone_of
from .series import SeriesOf, compile_series
from .suitability import problems_of_units

__all__ = ["LONGEST_PAYLOAD", "CompiledType", "compile_type"]

LONGEST_PAYLOAD = 262_144
MOST_VALUES = 100_000

_Made = TypeVar("_Made")
Rejection = tuple[Condition, str, Lookup | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledType:
    """One device type, ready to be used; it keeps nothing between telegrams."""

    definition: Definition
    decoder: Decoder = field(repr=False)
    topic: Callable[[Arrival], Mapping[str, str]] = field(repr=False)
    clock: Callable[[Scope], Any] = field(repr=False)
    identity: IdentityOf = field(repr=False)
    sequence: Lookup | None = field(repr=False)
    recognised: Callable[[Telegram, Arrival], bool] = field(repr=False)
    rejections: tuple[Rejection, ...] = field(repr=False)
    readings: tuple[Readings, ...] = field(repr=False)
    series: tuple[SeriesOf, ...] = field(repr=False)
    events: tuple[Events, ...] = field(repr=False)
    commands: Mapping[str, CompiledCommand] = field(repr=False)

    def decode(self, payload: bytes, *, context: Arrival) -> Decoded:
        """What a telegram says and means. DecodeError where it can't be read or is refused."""
        if len(payload) > LONGEST_PAYLOAD:
            raise DecodeError(LONGEST_PAYLOAD, f"longer than {LONGEST_PAYLOAD} bytes")
        telegram = self.decoder(payload, context)
        if "unread" in telegram.identity:  # who speaks is known, but a key is missing
            raise DecodeError(0, telegram.identity["unread"])
        return self.meaning(telegram, context)

    def meaning(self, telegram: Telegram, context: Arrival) -> Decoded:
        """What a telegram means that its codec has read already."""
        scope = self.scope(telegram, context)
        self._refuse(scope)
        readings: tuple[Reading, ...] = _all(self.readings, scope)
        series: tuple[Series, ...] = _all(self.series, scope)
        events: tuple[EventSaid, ...] = _all(self.events, scope)
        return Decoded(
            telegram=telegram,
            readings=readings,
            series=series,
            events=events,
            identity=self.identity(scope),
            sequence=self._sequence(scope),
            warnings=(*telegram.warnings, *scope.warnings),
        )

    def scope(self, telegram: Telegram, context: Arrival) -> Scope:
        """The telegram with what is around it, for references and conditions."""
        resources, installed = self.definition.resource, context.config.get("resource")
        scope = Scope(
            telegram=telegram,
            arrival=context,
            topic=self.topic(context),
            zone=zone_of(self.definition.clock.zone or context.config.get("zone")),
            resource=installed if installed in resources else resources[0],
        )
        scope.clock = self.clock(scope)
        return scope

    def recognises(self, telegram: Telegram, context: Arrival) -> bool:
        """Whether a telegram agrees with what `identify` says of this type."""
        return self.recognised(telegram, context)

    def identify(self, payload: bytes, *, context: Arrival) -> Identity | None:
        """Whose telegram it is, without its values; DecodeError where it can't be read."""
        return self.identity(self.scope(self.decoder(payload, context), context))

    def command(self, code: str, parameters: Mapping[str, Any], *, device: str = "") -> Downlink:
        """What to send; CommandError where there is no such command or a parameter is wrong."""
        if code not in self.commands:
            raise CommandError(_("The type has no command “%(code)s”.") % {"code": code})
        return self.commands[code].made(parameters, device)

    def confirms(self, code: str, decoded: Decoded, *, context: Arrival) -> bool:
        """Whether a telegram is the answer that confirms a command."""
        return self.commands[code].confirmed(self.scope(decoded.telegram, context))

    def _refuse(self, scope: Scope) -> None:
        for holds, why, subject in self.rejections:
            if holds(scope):
                found = subject(scope) if subject else None
                raise DecodeError(found.offset if found else 0, why)

    def _sequence(self, scope: Scope) -> int | None:
        found = self.sequence(scope) if self.sequence else None
        number = as_number(found.value) if found else None
        return int(number) if number is not None else None


def _all(rules: Iterable[Callable[[Scope], Iterator[Any]]], scope: Scope) -> tuple[Any, ...]:
    found: list[Any] = []
    for rule in rules:
        for one in rule(scope):
            found.append(one)
            if len(found) > MOST_VALUES:
                raise DecodeError(0, f"more than {MOST_VALUES} values")
    return tuple(found)


def compile_type(definition: Definition) -> CompiledType:
    """Compile once, decode often. DefinitionError with all that the rules and the codec refuse."""
    work = _Compiling(definition)
    compiled = work.compiled()
    if work.problems:
        raise definition.error(work.problems)
    return compiled


class _Compiling:
    """Collects the problems of all rules, so that they are told together."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.problems: list[Problem] = [
            *problems_of_units(definition),
            *problems_of_names(definition),
        ]

    def compiled(self) -> CompiledType:
        it = self.definition
        identify = it.identify
        sequence = identify.sequence if identify else ""
        return CompiledType(
            definition=it,
            decoder=self.decoder(),
            topic=compile_topic(identify),
            clock=self.made(("clock",), compile_clock, it.clock),
            identity=self.made(("identify",), compile_identity, it),
            sequence=self.made(("identify", "sequence"), lookup, sequence) if sequence else None,
            recognised=compile_recognition(it),
            rejections=self.each(it.reject, _rejection),
            readings=self.each(it.readings, lambda rule: compile_readings(it, rule)),
            series=self.each(it.series, lambda rule: compile_series(it, rule)),
            events=self.each(it.events, lambda rule: compile_events(it, rule)),
            commands={
                rule.code: made
                for rule, made in zip(
                    it.commands, self.each(it.commands, compile_command), strict=True
                )
            },
        )

    def decoder(self) -> Decoder:
        decode = self.definition.decode
        try:
            return KINDS[decode.kind](decode.layout)
        except LayoutError as error:
            self.fault((*decode.path, *error.path), error.reason)
            return _undecodable

    def each(self, rules: Iterable[Any], make: Callable[[Any], _Made]) -> tuple[_Made, ...]:
        return tuple(self.made(rule.path, make, rule) for rule in rules)

    def made(self, path: Path, make: Callable[..., _Made], rule: Any) -> Any:
        """What `make` makes of a rule; None and a problem where it refuses."""
        try:
            return make(rule)
        except ValueError as error:
            return self.fault(path, str(error))

    def fault(self, path: Path, message: str) -> None:
        self.problems.append(self.definition.problem(path, message))


def _undecodable(octets: bytes, arrival: Arrival) -> Telegram:
    raise DecodeError(0, "the type has no decoder")


def _rejection(rule: Any) -> Rejection:
    when = rule.when
    subject = compile_subject(when) if when.keys() & {"field", "match", "obis"} else None
    return compile_condition(when), rule.why, subject
