"""XLSX written row by row with openpyxl; texts are text, numbers numbers, dates dates."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from .neutral import neutralised

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

    from .columns import Column
    from .writing import SheetToWrite

__all__ = ["write_xlsx"]

# What a double holds exactly; longer decimals are written as text.
_DIGITS = 15
_FORMATS = {date: "yyyy-mm-dd", datetime: "yyyy-mm-dd hh:mm:ss"}


def write_xlsx(target: BinaryIO, sheets: Iterable[SheetToWrite]) -> None:
    """Write the sheets into `target`; one row is in memory at a time."""
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    for sheet in sheets:
        page = book.create_sheet(sheet.title[:31])
        page.freeze_panes = "A2"
        _set_widths(page, sheet.columns, sheet.headings)
        page.append([_text(page, heading, bold=True) for heading in sheet.headings])
        for row in _rows(page, sheet.rows):
            page.append(row)
    book.save(target)


def _set_widths(page: WriteOnlyWorksheet, columns: list[Column], headings: list[str]) -> None:
    from openpyxl.utils import get_column_letter

    for index, (column, heading) in enumerate(zip(columns, headings, strict=True), start=1):
        wanted = max(column.width, min(len(heading) + 2, 40))
        page.column_dimensions[get_column_letter(index)].width = wanted


def _rows(page: WriteOnlyWorksheet, rows: Iterable[Any]) -> Iterator[list[Any]]:
    for row in rows:
        yield [_cell(page, value) for value in row]


def _cell(page: WriteOnlyWorksheet, value: Any) -> Any:
    if value == "" or value is None:
        return None
    if isinstance(value, str):
        return _text(page, value) if value[0] in _STARTS else value
    if isinstance(value, Decimal):
        exact = len(value.normalize().as_tuple().digits) <= _DIGITS
        return value if exact else f"{value:f}"
    if type(value) in _FORMATS:
        return _dated(page, value)
    return value


# What openpyxl or a spreadsheet might take for something else than text.
_STARTS = "=+-@'\t\r\n\uff1d\uff0b\uff0d\uff20#"


def _text(page: WriteOnlyWorksheet, value: str, *, bold: bool = False) -> Any:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    cell = WriteOnlyCell(page, neutralised(value))
    cell.data_type = "s"
    if bold:
        cell.font = Font(bold=True)
    return cell


def _dated(page: WriteOnlyWorksheet, value: date | datetime) -> Any:
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(page, value)
    cell.number_format = _FORMATS[type(value)]
    return cell
