"""What the table of keys cannot say: words of the catalogue, zones, topics, templates."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from .checking import MOST_PROBLEMS
from .errors import Path, Problem
from .model import Command, Definition, Event, Measured, Reading, Series
from .templates import TemplateError, holes_of, topic_pattern
from .vocabulary import resolved, suffixed

__all__ = ["problems_of_meaning"]

PHASES = ("L1", "L2", "L3")
_MAKERS_OWN = range(32_768, 65_536)
# So many words are listed where none is near the one that was written.
_FEW = 40


def problems_of_meaning(definition: Definition) -> list[Problem]:
    """What is wrong although every key is in its place."""
    return list(islice(_problems(definition), MOST_PROBLEMS))


def _problems(definition: Definition) -> Iterator[Problem]:
    for measured in (*definition.readings, *definition.series):
        yield from _of_reading_type(definition, measured)
    for event in definition.events:
        yield from _of_event(definition, event)
    for command in definition.commands:
        yield from _of_command(definition, command)
    yield from _of_names(definition)
    yield from _of_zone(definition)
    yield from _of_topic(definition)


def codes_of(definition: Definition, measured: Measured) -> Iterator[str]:
    """Every reading type that values of this rule may get."""
    phases = PHASES if isinstance(measured, Reading) and measured.spread == "phase" else ("",)
    tariff = measured.tariff if isinstance(measured.tariff, int) else 0
    for resource in definition.resource:
        code = resolved(measured.reading_type, resource)
        yield from (suffixed(code, tariff=tariff, phase=phase) for phase in phases)


def _of_reading_type(definition: Definition, measured: Measured) -> Iterator[Problem]:
    known = definition.vocabulary.reading_types
    for code in codes_of(definition, measured):
        if code not in known:
            path = (*measured.path, "reading_type")
            what = code or measured.reading_type
            yield definition.problem(path, _no_such(_("reading type"), what, known))
    if isinstance(measured, Series) and measured.base and measured.registers:
        message = _("`base` belongs to deltas: registers say their values themselves.")
        yield definition.problem((*measured.path, "base"), message)


def _no_such(what: str, word: str, known: Iterable[str]) -> str:
    message = _("There is no %(what)s “%(word)s”.") % {"what": what, "word": word[:64]}
    words = sorted(known)
    if near := difflib.get_close_matches(word[:64], words, 1, 0.6):
        return f"{message} {_('Did you mean “%(near)s”?') % {'near': near[0]}}"
    if len(words) > _FEW:
        return message
    return f"{message} {_('Known are %(words)s.') % {'words': ', '.join(words)}}"


def _of_event(definition: Definition, event: Event) -> Iterator[Problem]:
    tables: dict[str, Mapping[Any, str | int]] = {"bits": event.bits, "values": event.values}
    if event.code != "":
        yield from _of_code(definition, (*event.path, "code"), event.code)
    for key, table in tables.items():
        for entry, code in table.items():
            path = (*event.path, key, entry)
            yield from _of_code(definition, path, code)
            if key == "bits" and not (isinstance(entry, int) and 0 <= entry < 64):
                yield definition.problem(path, _("A bit is a number from 0 to 63."))


def _of_code(definition: Definition, path: Path, code: str | int) -> Iterator[Problem]:
    known = definition.vocabulary.events
    if isinstance(code, str) and code not in known:
        yield definition.problem(path, _no_such(_("event"), code, known))
    if isinstance(code, int) and code not in _MAKERS_OWN:
        yield definition.problem(path, _("A maker's own event has a number from 32768 to 65535."))


def _of_command(definition: Definition, command: Command) -> Iterator[Problem]:
    key = "payload" if command.payload else "text"
    template = command.payload or command.text
    try:
        holes = holes_of(template, typed=bool(command.payload))
    except TemplateError as error:
        yield definition.problem((*command.path, key), str(error))
        return
    for hole in holes:
        if hole.name not in command.parameters:
            message = _no_such(_("parameter"), hole.name, command.parameters)
            yield definition.problem((*command.path, key), message)
    for name, parameter in command.parameters.items():
        path = (*command.path, "parameters", name)
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,31}", str(name)):
            yield definition.problem(path, _("A parameter is named in small letters."))
        if parameter["type"] == "choice" and not parameter.get("choices"):
            yield definition.problem(path, _("The key “%(key)s” is missing.") % {"key": "choices"})


def _of_names(definition: Definition) -> Iterator[Problem]:
    codes = [command.code for command in definition.commands]
    for command in definition.commands:
        if codes.count(command.code) > 1:
            message = _("Two commands have the code “%(code)s”.") % {"code": command.code}
            yield definition.problem((*command.path, "code"), message)


def _of_zone(definition: Definition) -> Iterator[Problem]:
    zone = definition.clock.zone
    if not zone:
        return
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        message = _("“%(zone)s” is not a time zone. Use an IANA name such as Europe/Kyiv.")
        yield definition.problem(("clock", "zone"), message % {"zone": zone})


def _of_topic(definition: Definition) -> Iterator[Problem]:
    if definition.identify and definition.identify.topic:
        try:
            topic_pattern(definition.identify.topic)
        except TemplateError as error:
            yield definition.problem(("identify", "topic"), str(error))
