"""The draft that a table becomes: lines of a definition, and what could not be understood."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from django.utils.translation import gettext as _

from ingestion.decoding import compile_type
from meters.definition import DefinitionError, read_definition

from ..cases import quoted, written
from ..texts import code_of
from .meanings import Meaning, event_of, is_clock, meaning_of, resource_of, usual_unit

__all__ = ["Draft", "Note", "Wishes", "flow", "identifier"]

_MOST_NOTES = 100
_LONGEST_NOTE = 200
_LONGEST_NAME = 40
_RESERVED = frozenset({"port", "length", "config", "arrival", "topic", "identity", "x"})
_LETTERS = str.maketrans(
    {
        **{"а": "a", "б": "b", "в": "v", "г": "h", "ґ": "g", "д": "d", "е": "e", "є": "ie"},
        **{"ж": "zh", "з": "z", "и": "y", "і": "i", "ї": "i", "й": "i", "к": "k", "л": "l"},
        **{"м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u"},
        **{"ф": "f", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ю": "iu", "я": "ia"},
        **{"ы": "y", "э": "e", "ё": "e", "ь": "", "ъ": "", "'": "", "’": ""},
    }
)


class Wishes(NamedTuple):
    """What the person says of a table: empty where the table is to tell."""

    name: str = ""
    code: str = ""
    resource: str = ""
    endian: str = ""


class Note(NamedTuple):
    """`line`: of the file, from 1; 0: of all of it. `lost`: the line is not in the draft."""

    line: int
    text: str
    lost: bool = True

    def __str__(self) -> str:
        if not self.line:
            return self.text
        return _("Line %(line)d: %(text)s") % {"line": self.line, "text": self.text}


class Named(Protocol):
    """Anything with a name and a unit."""

    label: str
    unit: str


class _Reading(NamedTuple):
    rule: str
    comment: str
    sure: bool


@dataclass(slots=True)
class Draft:
    """`layout`: lines below `decode`, after `kind`. Names of fields are given out by `name_for`."""

    kind: str
    wishes: Wishes
    resource: str = ""
    identify: list[str] = field(default_factory=list)
    layout: list[str] = field(default_factory=list)
    clock: str = ""
    notes: list[Note] = field(default_factory=list)
    readings: list[_Reading] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    taken: set[tuple[str, int]] = field(default_factory=set)
    resources: list[str] = field(default_factory=list)

    def note(self, line: int, text: str, *, lost: bool = True) -> None:
        self.notes.append(Note(line, _cleaned(text), lost))

    def name_for(self, text: str) -> str:
        """A name that no field has yet."""
        name = identifier(re.sub(r"[(\[][^)\]]*[)\]]", " ", text))
        name = identifier(text) if name == "value" else name
        free, number = name, 1
        while free in self.names:
            number += 1
            free = f"{name}_{number}"
        self.names.add(free)
        return free

    def speaks_of(self, title: str, told: Sequence[Named]) -> None:
        """Finds the resource, unless the person said it."""
        said = f"{title} {self.wishes.name}"
        found = resource_of(said, [(one.label, one.unit) for one in told])
        self.resource = self.wishes.resource or found

    def read(self, label: str, unit: str, source: str, *, extra: str = "", line: int = 0) -> None:
        """The reading of a value, or a commented one to choose from. source: `value: $x`, `match: …`.

        unit "": the table tells none, so that its reading is at best to be chosen.
        """
        assumed = unit or usual_unit(label)
        meaning = meaning_of(label, assumed, self.resource) if assumed else None
        if meaning is None:
            return
        first = meaning.choices[0]
        sure = bool(unit) and meaning.sure and (first, meaning.tariff) not in self.taken
        if sure:
            self.taken.add((first, meaning.tariff))
            self._count(first)
        extra += "" if unit else f", unit: {quoted(assumed)}"
        comment = _why(meaning, line, assumed if not unit else "")
        self.readings.append(_Reading(_rule(meaning, source, extra), comment, sure))

    def _count(self, reading_type: str) -> None:
        resource = self.resource if reading_type == "{counted}" else reading_type.partition(".")[0]
        if resource != "device" and resource not in self.resources:
            self.resources.append(resource)

    def tell(self, label: str, name: str) -> None:
        """The event of a bit, where its name tells one."""
        code = event_of(label)
        if code:
            self.events.append(f"field: ${name}, code: {code}")

    def timed(self, label: str, name: str) -> bool:
        """Whether this value is the telegram's clock; the first of them is."""
        if self.clock or not is_clock(label):
            return False
        self.clock = f"${name}"
        return True

    def text(self) -> str:
        """The definition. It can be compiled, or what hinders is taken out and noted."""
        for _attempt in range(len(self.readings) + len(self.events) + 1):
            text = "\n".join(self._lines()) + "\n"
            try:
                compile_type(read_definition(text, name="draft"))
            except DefinitionError as error:
                if not self._spare(error):
                    return text
            else:
                return text
        return text

    def _spare(self, error: DefinitionError) -> bool:
        """A reading or an event that is refused becomes a comment, or goes."""
        problem = error.problems[0]
        found = re.match(r"(readings|events)\[(\d+)\]", problem.key)
        if found is None:
            return False
        if found[1] == "events":
            del self.events[int(found[2])]
            return True
        at = [number for number, one in enumerate(self.readings) if one.sure][int(found[2])]
        self.readings[at] = self.readings[at]._replace(
            sure=False, comment=_cleaned(problem.message)
        )
        return True

    def _lines(self) -> Iterator[str]:
        yield from self._head()
        yield "decode:"
        yield f"  kind: {self.kind}"
        yield from (f"  {line}" for line in self.layout)
        if self.clock:
            yield f"clock: {self.clock}"
        yield from self._rules()
        if self.events:
            yield "events:"
            yield from (f"  - {{{event}}}" for event in self.events)
        yield "# " + _("Paste a telegram on the right, and add it here as a test.")
        yield "tests: []"

    def _head(self) -> Iterator[str]:
        yield "# " + _("Made from a table: compare every line with the maker's document.")
        for note in self.notes[:_MOST_NOTES]:
            yield f"# {note}"
        if len(self.notes) > _MOST_NOTES:
            yield "# " + _("… and %(count)d more.") % {"count": len(self.notes) - _MOST_NOTES}
        title = _cleaned(self.wishes.name) or _("Model")
        resources = self.resources or [self.resource or "device"]
        listed = resources[0] if len(resources) == 1 else f"[{', '.join(resources)}]"
        yield f"type: {code_of(self.wishes.code) or code_of(identifier(title).replace('_', '-')) or 'new-type'}"
        yield "version: 1"
        yield f"vendor: {quoted(_('Maker'))}"
        yield f"model: {quoted(title[:100])}"
        yield f"resource: {listed}"
        if self.identify:
            yield "identify:"
            yield from (f"  {line}" for line in self.identify)

    def _rules(self) -> Iterator[str]:
        if any(one.sure for one in self.readings):
            yield "readings:"
            for one in self.readings:
                if one.sure:
                    yield f"  - {{{one.rule}}}"
        doubtful = [one for one in self.readings if not one.sure]
        if doubtful:
            yield "# " + _("Choose what these are; without the # they are lines of `readings`.")
        if len(doubtful) == len(self.readings) and doubtful:
            yield "#readings:"
        for one in doubtful:
            if one.comment:
                yield f"# {one.comment}"
            yield f"#  - {{{one.rule}}}"


def _rule(meaning: Meaning, source: str, extra: str) -> str:
    first = quoted(meaning.choices[0]) if "{" in meaning.choices[0] else meaning.choices[0]
    pulse = (
        ", pulse: {weight: $config.pulse_weight, unit: $config.pulse_unit}"
        if first == "'{counted}'"
        else ""
    )
    tariff = f", tariff: {meaning.tariff}" if meaning.tariff else ""
    return f"register: {meaning.register}, reading_type: {first}, {source}{tariff}{pulse}{extra}"


def _why(meaning: Meaning, line: int, assumed: str) -> str:
    """What is to be chosen; assumed: the unit that the table does not tell."""
    values = {"line": line, "choices": ", ".join(meaning.choices), "unit": assumed}
    if assumed:
        return _("Line %(line)d tells no unit, perhaps %(unit)s; it may be: %(choices)s") % values
    if meaning.choices[0] == "{counted}":
        return _("Line %(line)d counts pulses: say in `resource` what of") % values
    if len(meaning.choices) > 1:
        return _("Line %(line)d may be: %(choices)s") % values
    return ""


def identifier(text: str) -> str:
    """Small letters, digits and underscores; Cyrillic letters by the Ukrainian table of 2010."""
    apart = re.sub(r"(?<=[a-z0-9а-яіїєґ])(?=[A-ZА-ЯІЇЄҐ][a-zа-яіїєґ])", " ", text[:300])
    name = (
        re.sub(r"[^a-z0-9]+", "_", apart.lower().translate(_LETTERS))
        .strip("_")[:_LONGEST_NAME]
        .strip("_")
    )
    if not name:
        return "value"
    if not name[0].isalpha():
        name = f"v_{name}"
    return f"{name}_value" if name in _RESERVED else name


def _cleaned(text: str) -> str:
    """One line of letters that can be seen."""
    kept = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(kept.split())[:_LONGEST_NOTE]


def flow(values: Mapping[str, Any]) -> str:
    """A field as one line."""
    return written({name: value for name, value in values.items() if value not in (None, "")})
