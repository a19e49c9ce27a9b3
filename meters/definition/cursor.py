"""What an editor offers where the cursor stands, in a text that is not finished yet.

The text before the cursor is read by its indentation, and within the cursor's line by brackets: a
half-written definition is no YAML, so it can't be parsed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from .completion import choices_at, keys_at
from .errors import Path
from .vocabulary import Vocabulary

__all__ = ["Offers", "offers_at"]

_KEY = re.compile(r"""(?:"([^"]*)"|'([^']*)'|([^\s'"#{}\[\],][^:#{}\[\],]*)):(?=\s|$)""")
_FLOW = re.compile(r"""["'][^"']*["']?|[{}\[\],]|:(?=\s|$)|[^\s{}\[\],:"']+|:""")
_WORD = re.compile(r"[\w$.-]*$")
_MOST_LINES = 20_000
_LONGEST_WORD = 200


class Offers(NamedTuple):
    """`path`: to the mapping (of keys) or the value (of words); `typed`: what stands there yet."""

    path: Path
    typed: str
    keys: list[tuple[str, str]]
    words: list[str]


@dataclass(slots=True)
class _Level:
    """A key or an item of a list, at its column."""

    column: int
    step: str | int


def offers_at(text: str, line: int, column: int, vocabulary: Vocabulary) -> Offers:
    """Keys or words for the place before `column` of `line`, both counted from 1."""
    lines = text.split("\n")[: min(line, _MOST_LINES)]
    before = lines[-1][: column - 1] if len(lines) == line else ""
    levels: list[_Level] = []
    for row in lines[: line - 1]:
        if row.strip() and not row.lstrip().startswith("#"):
            _enter(levels, row)
    typed = _WORD.search(before[-_LONGEST_WORD:])
    word = typed.group() if typed else ""
    path, is_key = _place(levels, before[: len(before) - len(word)])
    keys = [pair for pair in keys_at(path) if pair[0].startswith(word)] if is_key else []
    words = [] if is_key else [one for one in choices_at(path, vocabulary) if one.startswith(word)]
    return Offers(path, word, keys, words)


def _enter(levels: list[_Level], row: str) -> tuple[str, bool]:
    """Follow a line into its list items and its key; what stands behind, and if there was a key."""
    at = len(row) - len(row.lstrip())
    while row[at : at + 2] in {"- ", "-"}:
        _item(levels, at)
        rest = row[at + 1 :]
        at += 1 + len(rest) - len(rest.lstrip())
    key = _KEY.match(row, at)
    _leave(levels, at)
    if key is None:
        return row[at:], False
    levels.append(_Level(at, next(name for name in key.groups() if name is not None)))
    return row[key.end() :].lstrip(), True


def _item(levels: list[_Level], column: int) -> None:
    """The next item of the list at a column; a list may stand right below its key."""
    while levels and levels[-1].column > column:
        levels.pop()
    top = levels[-1] if levels else None
    if top is not None and top.column == column and isinstance(top.step, int):
        top.step += 1
    else:
        levels.append(_Level(column, 0))


def _leave(levels: list[_Level], column: int) -> None:
    """End what does not reach to this column."""
    while levels and levels[-1].column >= column:
        levels.pop()


def _place(levels: list[_Level], before: str) -> tuple[Path, bool]:
    """The path at the end of a line's text, and whether a key belongs there."""
    rest, has_key = "", False
    if before.strip():
        rest, has_key = _enter(levels, before)
    else:
        _leave(levels, len(before))
    path: Path = tuple(level.step for level in levels)
    if rest[:1] in {"{", "["}:
        return _in_brackets(path, rest)
    return path, not has_key


def _in_brackets(path: Path, text: str) -> tuple[Path, bool]:
    """The same within {…} and […], as far as they are open."""
    steps: list[str | int | None] = []
    token = ""
    for match in _FLOW.finditer(text):
        found = match.group()
        if found in "{[":
            steps.append(None if found == "{" else 0)
        elif found in "}]" and steps:
            steps.pop()
        elif found == "," and steps:
            last = steps[-1]
            steps[-1] = last + 1 if isinstance(last, int) else None
        elif found == ":" and steps and steps[-1] is None:
            steps[-1] = token
        token = found.strip("'\"")
    is_key = bool(steps) and steps[-1] is None
    return (*path, *(step for step in steps if step is not None)), is_key
