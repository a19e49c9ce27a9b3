"""Whether the units of a definition can be kept in the archive of its reading types."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from meters.definition.errors import Problem
from meters.definition.meaning import codes_of
from meters.definition.model import Definition, Measured

from .amounts import archive_scale
from .units import UNITS, find_unit

__all__ = ["problems_of_units"]


def problems_of_units(definition: Definition) -> Iterator[Problem]:
    """Units that are unknown, or that measure something else than the reading type."""
    for rule in (*definition.readings, *definition.series):
        written = rule.pulse.get("unit", "") if rule.pulse else rule.unit
        if written and not written.startswith("$"):
            key = ("pulse", "unit") if rule.pulse else ("unit",)
            yield from _of_rule(definition, rule, written, key)


def _of_rule(
    definition: Definition, rule: Measured, unit: str, key: tuple[str, ...]
) -> Iterator[Problem]:
    path = (*rule.path, *key)
    if find_unit(unit) is None:
        message = _("There is no unit “%(unit)s”; known are %(known)s.")
        known = ", ".join(UNITS)
        yield definition.problem(path, message % {"unit": unit, "known": known})
        return
    for code in codes_of(definition, rule):
        entry = definition.vocabulary.reading_types[code]
        if archive_scale(unit, entry) is None:
            message = _("%(unit)s can't be kept as %(kept)s, the unit of %(code)s.")
            values = {"unit": unit, "kept": entry.unit.value, "code": code}
            yield definition.problem(path, message % values)
