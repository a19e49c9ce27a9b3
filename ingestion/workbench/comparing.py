"""Two texts side by side: lines that went, came, changed and stayed, with their changed words.

The cost is bounded: texts that are too much alike or too unlike to be matched line by line within
it are shown as one whole that was replaced.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import groupby, zip_longest
from typing import NamedTuple

__all__ = ["Comparison", "Row", "Section", "Side", "Word", "compared"]

_CONTEXT = 3
_LEAST_FOLDED = 4
_MOST_LINES, _MOST_MATCHES = 4_000, 1_000_000
_MOST_PAIRED, _MOST_WORDS, _MOST_MARKED = 60, 200, 500
_LIKE = 0.3
_KEY = re.compile(r"\s*(?:- )?\{?\s*([\w$.-]+\s*:\s*(?:[\w$.-]+,)?)")
_WORD = re.compile(r"\w+|\s+|[^\w\s]")


class Word(NamedTuple):
    """A piece of a line."""

    text: str
    changed: bool


class Side(NamedTuple):
    """A line of one text; numbers from 1."""

    number: int
    words: tuple[Word, ...]


class Row(NamedTuple):
    """kind: same, changed, gone or new. `change`: the number of the change that begins here, else 0."""

    kind: str
    before: Side | None
    after: Side | None
    change: int = 0


class Section(NamedTuple):
    """Rows that follow each other; `folded` ones stay as they were, and nobody needs to read them."""

    folded: bool
    rows: tuple[Row, ...]


class Comparison(NamedTuple):
    """`sections` is empty where nothing differs."""

    sections: tuple[Section, ...]
    changes: int


def compared(before: str, after: str) -> Comparison:
    """All lines of both texts, those far from any change folded."""
    if before == after:
        return Comparison((), 0)
    rows = list(_counted(_rows(*_lines(before, after))))
    return Comparison(tuple(_sections(rows)), sum(row.change > 0 for row in rows))


def _lines(before: str, after: str) -> tuple[list[str], list[str]]:
    """Lines of both; the end of the last line is one only where the other text has none."""
    old, new = before.split("\n"), after.split("\n")
    if not old[-1] and not new[-1]:
        return old[:-1], new[:-1]
    return old, new


def _rows(old: list[str], new: list[str]) -> Iterator[Row]:
    """Kinds, sides and words; changes are counted afterwards."""
    marked = 0
    for tag, i1, i2, j1, j2 in _steps(old, new):
        if tag == "equal":
            for at in range(i2 - i1):
                yield Row("same", _plain(i1 + at, old), _plain(j1 + at, new))
            continue
        for left, right in _pairs(old[i1:i2], new[j1:j2]):
            one = None if left is None else _plain(i1 + left, old)
            other = None if right is None else _plain(j1 + right, new)
            if one and other and marked < _MOST_MARKED:
                marked += 1
                one, other = _marked(one, other)
            yield Row(_kind(one, other), one, other)


def _kind(before: Side | None, after: Side | None) -> str:
    if before and after:
        return "changed"
    return "gone" if before else "new"


def _plain(at: int, lines: Sequence[str]) -> Side:
    return Side(at + 1, (Word(lines[at], changed=False),))


def _steps(old: list[str], new: list[str]) -> list[tuple[str, int, int, int, int]]:
    """As difflib's opcodes. What is alike at both ends is not looked at again."""
    head = _alike(old, new)
    tail = _alike(old[head:][::-1], new[head:][::-1])
    left, right = old[head : len(old) - tail], new[head : len(new) - tail]
    steps = [("equal", 0, head, 0, head)] if head else []
    if _is_cheap(left, right):
        found = SequenceMatcher(None, left, right, autojunk=False).get_opcodes()
    else:
        found = [("replace", 0, len(left), 0, len(right))]
    steps += [(tag, i1 + head, i2 + head, j1 + head, j2 + head) for tag, i1, i2, j1, j2 in found]
    if tail:
        steps.append(("equal", len(old) - tail, len(old), len(new) - tail, len(new)))
    return steps


def _alike(old: Sequence[str], new: Sequence[str]) -> int:
    """How many lines are equal from the beginning."""
    pairs = enumerate(zip(old, new, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(old), len(new)))


def _is_cheap(left: list[str], right: list[str]) -> bool:
    if max(len(left), len(right)) > _MOST_LINES:
        return False
    counts = Counter(right)
    return sum(counts[line] for line in left) <= _MOST_MATCHES


def _pairs(old: list[str], new: list[str]) -> list[tuple[int | None, int | None]]:
    """Lines that were changed into each other, and those that only went or came."""
    if not old or not new or max(len(old), len(new)) > _MOST_PAIRED:
        return list(zip_longest(range(len(old)), range(len(new))))
    likeness = [[_likeness(one, other) for other in new] for one in old]
    return _best(likeness, len(old), len(new))


def _likeness(one: str, other: str) -> float:
    """Words that both have, of all; 0 where they are too few, and the key is another."""
    keys = [_KEY.match(text) for text in (one, other)]
    if keys[0] and keys[1] and keys[0][1] == keys[1][1]:
        return 1.0
    left, right = (Counter(re.findall(r"\w+", text)) for text in (one, other))
    every = (left | right).total()
    share = (left & right).total() / every if every else 0.0
    return share if share >= _LIKE else 0.0


def _best(
    likeness: list[list[float]], rows: int, columns: int
) -> list[tuple[int | None, int | None]]:
    """The pairing in order with the greatest sum of likeness."""
    sums = [[0.0] * (columns + 1) for _row in range(rows + 1)]
    for i in reversed(range(rows)):
        for j in reversed(range(columns)):
            paired = likeness[i][j] + sums[i + 1][j + 1] if likeness[i][j] else 0.0
            sums[i][j] = max(paired, sums[i + 1][j], sums[i][j + 1])
    found: list[tuple[int | None, int | None]] = []
    i = j = 0
    while i < rows and j < columns:
        if likeness[i][j] and sums[i][j] == likeness[i][j] + sums[i + 1][j + 1]:
            found.append((i, j))
            i, j = i + 1, j + 1
        elif sums[i][j] == sums[i + 1][j]:
            found.append((i, None))
            i += 1
        else:
            found.append((None, j))
            j += 1
    return [
        *found,
        *((at, None) for at in range(i, rows)),
        *((None, at) for at in range(j, columns)),
    ]


def _marked(one: Side, other: Side) -> tuple[Side, Side]:
    """The same lines with their changed words."""
    left, right = (_WORD.findall(side.words[0].text) for side in (one, other))
    if max(len(left), len(right)) > _MOST_WORDS:
        return one, other
    steps = SequenceMatcher(None, left, right, autojunk=False).get_opcodes()
    return (
        one._replace(words=_words(left, [(tag, i1, i2) for tag, i1, i2, _j1, _j2 in steps])),
        other._replace(words=_words(right, [(tag, j1, j2) for tag, _i1, _i2, j1, j2 in steps])),
    )


def _words(words: list[str], steps: list[tuple[str, int, int]]) -> tuple[Word, ...]:
    return tuple(
        Word("".join(words[first:end]), changed=tag != "equal")
        for tag, first, end in steps
        if first < end
    )


def _counted(rows: Iterator[Row]) -> Iterator[Row]:
    """Rows that differ one after the other are one change."""
    number, inside = 0, False
    for row in rows:
        differs = row.kind != "same"
        if differs and not inside:
            number += 1
            row = row._replace(change=number)
        inside = differs
        yield row


def _sections(rows: list[Row]) -> Iterator[Section]:
    """Lines further from a change than the context are folded, unless they are very few."""
    changed = [at for at, row in enumerate(rows) if row.kind != "same"]
    near = {
        at + step
        for at in changed
        for step in range(-_CONTEXT, _CONTEXT + 1)
        if 0 <= at + step < len(rows)
    }
    runs = [
        (far, [rows[at] for at in run])
        for far, run in groupby(range(len(rows)), key=lambda at: at not in near)
    ]
    shown: list[Row] = []
    for far, run in runs:
        if far and len(run) >= _LEAST_FOLDED:
            if shown:
                yield Section(folded=False, rows=tuple(shown))
            yield Section(folded=True, rows=tuple(run))
            shown = []
        else:
            shown += run
    if shown:
        yield Section(folded=False, rows=tuple(shown))
