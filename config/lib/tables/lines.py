"""Sheets of known columns, read line by line into values; wrong cells go to the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import CellError
from .report import Problem
from .sheets import Unreadable
from .values import parser_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

    from .columns import Column, Table
    from .report import Report
    from .sheets import NumberedRow, Sheet

__all__ = ["Line", "LineSheet"]


class LineSheet:
    """A sheet whose headings were matched with a table."""

    def __init__(self, sheet: Sheet, table: Table, report: Report) -> None:
        self.name, self.table, self.report = sheet.name, table, report
        self._sheet = sheet
        self._columns = table.match(sheet.headers)
        self.positions = {column.name: place for place, column in self._columns.items()}

    def lines(self, zone: ZoneInfo) -> Iterator[Line]:
        """Every filled row with its values; each wrong cell is reported once."""
        parsers = [
            (place, column, parser_of(column, zone)) for place, column in self._columns.items()
        ]
        for row in self._sheet.rows:
            line = Line(self, row)
            for place, column, parse in parsers:
                cell = row.cells[place] if place < len(row.cells) else ""
                if not cell:
                    continue
                try:
                    if isinstance(cell, Unreadable):
                        raise CellError(cell.reason)
                    line.values[column.name] = parse(cell)
                except CellError as error:
                    line.fail(column.name, str(error))
            yield line

    def heading(self, name: str) -> str:
        """Of a column as the file has it, else as people read it; "" for the row as a whole."""
        place = self.positions.get(name)
        if place is not None:
            return self._sheet.headers[place]
        found: list[Column] = [column for column in self.table.columns if column.name == name]
        return str(found[0].heading) if found else ""


class Line:
    """One row: values by machine name of the column. Empty and wrong cells have none."""

    __slots__ = ("_bad", "_row", "_sheet", "values")

    def __init__(self, sheet: LineSheet, row: NumberedRow) -> None:
        self._sheet, self._row = sheet, row
        self.values: dict[str, Any] = {}
        self._bad: frozenset[str] = frozenset()

    @property
    def number(self) -> int:
        return self._row.number

    @property
    def sheet(self) -> str:
        return self._sheet.name

    @property
    def is_bad(self) -> bool:
        return bool(self._bad)

    def heading(self, name: str) -> str:
        """Of a column, as people read it in this file."""
        return self._sheet.heading(name)

    def is_bad_at(self, name: str) -> bool:
        return name in self._bad

    def fail(self, name: str, message: str) -> None:
        """Report the cell of a column; once a cell is reported, nothing more is said of it."""
        if name in self._bad:
            return
        self._bad |= {name}
        place = self._sheet.positions.get(name, -1)
        shown = 0 <= place < len(self._row.cells) and not self._sheet.table.secret
        value = self._row.cells[place] if shown else ""
        heading = self._sheet.heading(name)
        self._sheet.report.add_problem(
            Problem(self.sheet, self.number, heading, str(value)[:200], message)
        )
