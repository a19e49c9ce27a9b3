"""A checked definition as dataclasses: what is compiled, shown and compared.

Fields are the keys of the language (`language.PARTS`), with what is left out filled in. `path`
leads back to the text: `Definition.problem` makes of it an error at its line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from .errors import DefinitionError, Path, Problem, dotted
from .nodes import Node, locate
from .vocabulary import Vocabulary

__all__ = [
    "Clock",
    "Command",
    "Decode",
    "Definition",
    "Event",
    "Identify",
    "Operand",
    "Reading",
    "Rejection",
    "Series",
    "Test",
]

# A number, or the text of a reference ($volume).
Operand = int | Decimal | str
Plain = Mapping[str, Any]
_NOTHING: Plain = MappingProxyType({})


def _nothing() -> Any:
    """An empty mapping, where a key is left out."""
    return field(default_factory=lambda: _NOTHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identify:
    path: Path
    transport: tuple[str, ...] = ()
    device: str = ""
    scheme: str = ""
    topic: str = ""
    ports: tuple[int, ...] = ()
    sequence: str = ""
    # manufacturer, version, medium: lists of what is allowed; a key left out allows all.
    detect: tuple[Plain, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decode:
    """`layout` is everything beside `kind`, as plain Python, for the codec of the kind."""

    path: Path
    kind: str
    layout: Plain = _nothing()


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Where the telegram's time stands; nothing set: nowhere."""

    path: Path = ()
    at: str = ""
    match: Plain = _nothing()
    obis: str = ""
    zone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What readings and series share."""

    path: Path
    register: str
    reading_type: str
    unit: str = ""
    at: str | Plain = ""
    mul: Operand | None = None
    div: Operand | None = None
    add: Operand | None = None
    pulse: Plain = _nothing()
    tariff: int | str = 0
    port: int | str | None = None
    quality: str = "valid"
    when: Plain = _nothing()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading(Measured):
    value: Operand | None = None
    match: Plain = _nothing()
    obis: str = ""
    formula: str = ""
    each: str = ""
    spread: str = ""
    interval: int = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Series(Measured):
    step: str
    deltas: str = ""
    registers: str = ""
    match: Plain = _nothing()
    base: str = ""
    floor: str = ""
    before: str = ""
    cumulative: bool = False
    direction: str = "forward"
    order: str = ""
    missing: tuple[int, ...] = ()
    # Minutes; 0: as the step says.
    interval: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    path: Path
    code: str | int = ""
    when: Plain = _nothing()
    field: str = ""
    match: Plain = _nothing()
    obis: str = ""
    bits: Mapping[int, str | int] = _nothing()
    values: Mapping[Any, str | int] = _nothing()
    mask: int | None = None
    each: str = ""
    severity: str = ""
    at: str | Plain = ""
    detail: Operand | None = None
    port: int | str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    path: Path
    code: str
    title: str = ""
    description: str = ""
    parameters: Mapping[str, Plain] = _nothing()
    payload: str = ""
    text: str = ""
    port: int | None = None
    topic: str = ""
    confirm: Plain = _nothing()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    path: Path
    when: Plain
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """`readings`, `series` and `events` are None where nothing is said of them."""

    # Not a test of pytest's.
    __test__ = False

    path: Path
    payload: tuple[str, ...]
    name: str = ""
    source: str = ""
    encoding: str = ""
    transport: str = ""
    port: int | None = None
    topic: str = ""
    address: str = ""
    device: str = ""
    received_at: str = ""
    config: Plain = _nothing()
    key: str = ""
    authentication_key: str = ""
    expect: Plain = _nothing()
    readings: tuple[Plain, ...] | None = None
    series: tuple[Plain, ...] | None = None
    events: tuple[Any, ...] | None = None
    identity: str = ""
    refused: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One device type. `resource`: those it may measure, the usual one first."""

    name: str
    text: str = field(repr=False)
    root: Node = field(repr=False, compare=False)
    vocabulary: Vocabulary = field(repr=False, compare=False)
    type: str
    version: int
    vendor: str
    model: str
    resource: tuple[str, ...]
    role: str = "meter"
    description: str = ""
    source: str = ""
    clock: Clock = field(default_factory=Clock)
    identify: Identify | None = None
    decode: Decode
    readings: tuple[Reading, ...] = ()
    series: tuple[Series, ...] = ()
    events: tuple[Event, ...] = ()
    commands: tuple[Command, ...] = ()
    reject: tuple[Rejection, ...] = ()
    tests: tuple[Test, ...] = ()

    def problem(self, path: Path, message: str) -> Problem:
        """A fault at the place of the text that a path leads to."""
        return Problem(locate(self.root, path), dotted(path), message)

    def error(self, problems: Iterable[Problem]) -> DefinitionError:
        return DefinitionError(self.name, problems)
