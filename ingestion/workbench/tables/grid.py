"""A table as somebody copied it → rows of cells with the numbers of their lines.

Comma, semicolon and tab separated files (RFC 4180 quoting), tables of Markdown, and columns that
two or more blanks keep apart, as a PDF gives them.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from typing import NamedTuple

from django.utils.translation import gettext as _

from ..proposing import ProposalError

__all__ = ["LARGEST_TABLE", "Row", "grid_of", "separator_of"]

LARGEST_TABLE = 262_144
_MOST_LINES = 2_000
_MOST_CELLS = 64
_LONGEST_CELL = 600
_SEPARATORS = ("\t", ";", "|", ",")
_RULE = re.compile(r"[\s|:+=_-]*")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Row(NamedTuple):
    """`number`: the line that it begins on, from 1. Cells are stripped and in one line each."""

    number: int
    cells: tuple[str, ...]


def grid_of(text: str) -> list[Row]:
    """Rows with something in them. ProposalError where it is no table that can be read."""
    if len(text) > LARGEST_TABLE:
        raise ProposalError(_("The table is larger than 256 kB; cut it to one kind of telegram."))
    if _CONTROL.search(text):
        raise ProposalError(
            _("This is no text: save the table as CSV, or copy its cells and paste them.")
        )
    lines = text.splitlines()
    if len(lines) > _MOST_LINES:
        values = {"count": len(lines), "limit": _MOST_LINES}
        message = _("The table has %(count)d lines; %(limit)d are allowed.")
        raise ProposalError(message % values)
    rows = [_row(number, cells) for number, cells in _cells(lines)]
    return [row for row in rows if any(row.cells)]


def _row(number: int, cells: list[str]) -> Row:
    kept = (" ".join(cell[:_LONGEST_CELL].split()) for cell in cells[:_MOST_CELLS])
    return Row(number, tuple(kept))


def _cells(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    separator = separator_of(lines)
    if separator in {"|", ""}:
        for number, line in enumerate(lines, 1):
            if not _RULE.fullmatch(line):
                yield number, _split(line.strip(), separator)
        return
    reader = csv.reader(lines, delimiter=separator)
    begins = 1
    try:
        for cells in reader:
            yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        values = {"line": begins, "why": error}
        raise ProposalError(_("Line %(line)d can't be read: %(why)s.") % values) from None


def _split(line: str, separator: str) -> list[str]:
    if separator:
        return line.strip("|").split("|")
    return re.split(r"\s{2,}", line)


def separator_of(lines: list[str]) -> str:
    """The sign that most lines have; "" where columns are kept apart by blanks."""
    filled = [line for line in lines if line.strip()]
    having = {sign: sum(sign in line for line in filled) for sign in _SEPARATORS}
    best = max(_SEPARATORS, key=lambda sign: having[sign])
    return best if filled and 2 * having[best] > len(filled) else ""
