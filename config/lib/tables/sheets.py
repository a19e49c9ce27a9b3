"""A sheet as every format delivers it: a name, headings, and rows of text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from .errors import TableFileError

__all__ = [
    "ERROR_VALUE",
    "FORMULA",
    "Budget",
    "Cell",
    "NumberedRow",
    "Row",
    "Sheet",
    "Unreadable",
    "sheet_of",
]


class Unreadable(str):
    """A cell without a usable value: the text is what stood there, `reason` why it is no use."""

    __slots__ = ("reason",)
    reason: str

    def __new__(cls, text: str, reason: str) -> Unreadable:
        made = super().__new__(cls, text)
        made.reason = reason
        return made


Cell = str  # "" is an empty cell; an Unreadable is a str too
Row = list[str]

FORMULA = gettext_lazy("The cell holds a formula. Paste its result as a value.")
ERROR_VALUE = gettext_lazy("The cell shows an error of the spreadsheet.")
TOO_LONG = gettext_lazy("The text is longer than %(limit)d characters.")


# Equal texts share one object as long as there are not too many different ones.
_REMEMBERED = 20_000


class NumberedRow(NamedTuple):
    """A row with the number people see beside it."""

    number: int
    cells: Row


@dataclass(slots=True)
class Sheet:
    """Headings stand in the first row that is not empty; empty rows below are left out."""

    name: str
    headers: Row = field(default_factory=list)
    rows: list[NumberedRow] = field(default_factory=list)


class Budget:
    """Counts what a reader takes from a file and stops it at the limits."""

    def __init__(self) -> None:
        self.rows = self.cells = self.sheets = 0
        self._texts: dict[str, str] = {}

    def add_sheet(self) -> None:
        self.sheets += 1
        if self.sheets > settings.IMPORT_MAX_SHEETS:
            limit = settings.IMPORT_MAX_SHEETS
            raise TableFileError(_("The file has more than %d sheets.") % limit)

    def add_row(self, width: int) -> None:
        """Call for each row of the file, empty ones included."""
        self.rows += 1
        self.cells += width
        if self.rows > settings.IMPORT_MAX_ROWS + settings.IMPORT_MAX_SHEETS:
            self.refuse_rows()
        if width > settings.IMPORT_MAX_COLUMNS:
            self.refuse_columns()
        if self.cells > settings.IMPORT_MAX_CELLS:
            limit = settings.IMPORT_MAX_CELLS
            raise TableFileError(_("The file has more than %d filled cells. Split it.") % limit)

    def text(self, value: str) -> Cell:
        """The cell of a text: trimmed, of bounded length, equal texts stored once."""
        value = value.strip(" \u00a0\r\n")
        limit = settings.IMPORT_MAX_CELL_LENGTH
        if len(value) > limit:
            return Unreadable(value[:40] + "…", TOO_LONG % {"limit": limit})
        if len(self._texts) > _REMEMBERED:
            self._texts.clear()
        return self._texts.setdefault(value, value)

    @staticmethod
    def refuse_rows() -> None:
        limit = settings.IMPORT_MAX_ROWS
        text = ngettext(
            "The file has more than %d row. Split it.",
            "The file has more than %d rows. Split it.",
            limit,
        )
        raise TableFileError(text % limit)

    @staticmethod
    def refuse_columns() -> None:
        limit = settings.IMPORT_MAX_COLUMNS
        text = ngettext(
            "The file has more than %d column.", "The file has more than %d columns.", limit
        )
        raise TableFileError(text % limit)


def sheet_of(name: str, numbered: list[NumberedRow]) -> Sheet:
    """A sheet from its filled rows: the first holds the headings."""
    if not numbered:
        return Sheet(name)
    headers = numbered[0].cells
    while headers and not headers[-1]:
        headers.pop()
    return Sheet(name, headers, numbered[1:])
