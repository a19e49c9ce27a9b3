"""References that cannot lead anywhere, because no word of the layout is spelled so."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from django.utils.translation import gettext as _

from meters.definition.checking import MOST_PROBLEMS
from meters.definition.errors import Path, Problem
from meters.definition.model import Definition
from meters.definition.nodes import plain

__all__ = ["problems_of_names"]

# Kinds whose items are named by the definition itself.
_NAMED_KINDS = frozenset({"binary", "json", "modbus"})
_SPACES = frozenset({"config", "arrival", "topic", "identity"})
# What codecs name without being told to.
_GIVEN = frozenset({"meters", "meter", "index", "field"})
_RULES = ("clock", "identify", "readings", "series", "events", "reject")
_MOST_COMPARED = 500
_FREE_TEXT = frozenset({"why", "description", "topic"})
_REFERENCE = re.compile(r"\$(\.?)([A-Za-z_]\w*)")
_WORD = re.compile(r"[A-Za-z_]\w*")


def problems_of_names(definition: Definition) -> Iterator[Problem]:
    """References whose first name stands nowhere in the `decode` part."""
    if definition.decode.kind not in _NAMED_KINDS:
        return
    words = set(_words(definition.decode.layout)) | _GIVEN
    yield from islice(_unknown_names(definition, words), MOST_PROBLEMS)


def _unknown_names(definition: Definition, words: set[str]) -> Iterator[Problem]:
    given = plain(definition.root)
    for rule in _RULES:
        for path, reference in _references(given.get(rule), (rule,)):
            relative, name = reference
            if name not in words and (relative or name not in _SPACES):
                yield definition.problem(path, _unknown(name, words))


def _unknown(name: str, words: set[str]) -> str:
    message = _("Nothing in `decode` is called “%(name)s”.") % {"name": name}
    # Among very many the search would take longer than it helps.
    near = difflib.get_close_matches(name[:64], sorted(words)[:_MOST_COMPARED], 1, 0.6)
    return f"{message} {_('Did you mean “%(near)s”?') % {'near': near[0]}}" if near else message


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _WORD.findall(str(key))
            yield from _words(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _words(inner)
    elif isinstance(value, str):
        yield from _WORD.findall(value)


def _references(value: Any, path: Path) -> Iterator[tuple[Path, tuple[str, str]]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key not in _FREE_TEXT:
                yield from _references(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _references(inner, (*path, index))
    elif isinstance(value, str):
        for relative, name in _REFERENCE.findall(value):
            yield path, (relative, name)
