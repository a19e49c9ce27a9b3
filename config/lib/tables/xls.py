"""XLS (BIFF8): read with xlrd, written with xlwt."""

from __future__ import annotations

import os
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.translation import gettext as _

from .errors import TableFileError
from .excel_numbers import number_text, serial_text
from .neutral import neutralised, restored
from .sheets import ERROR_VALUE, Budget, NumberedRow, Sheet, Unreadable, sheet_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO

    from .writing import SheetToWrite

__all__ = ["XLS_ROWS", "read_xls", "write_xls"]

# The format has no room for more.
XLS_ROWS = 65_535
_SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_DIGITS = 15
_FORMATS = {date: "yyyy-mm-dd", datetime: "yyyy-mm-dd hh:mm:ss"}


def read_xls(data: bytes) -> list[Sheet]:
    """Sheets in the order of the workbook; a formula counts with the result that was saved."""
    if len(data) > settings.IMPORT_MAX_XLS_BYTES:
        raise TableFileError(_("The XLS file is too large. Save it as XLSX, or split it."))
    if not data.startswith(_SIGNATURE):
        raise TableFileError(_("This is not an XLS file, or it is damaged."))
    if "EncryptedPackage".encode("utf-16-le") in data:
        raise TableFileError(_("The file is protected with a password. Save it without."))
    budget = Budget()
    with _opened(data) as book:
        return [_sheet(book, index, budget) for index in range(book.nsheets)]


def _opened(data: bytes) -> Any:
    import xlrd

    try:
        with open(os.devnull, "w") as silence:
            book = xlrd.open_workbook(
                file_contents=data, on_demand=True, ragged_rows=True, logfile=silence
            )
            for index in range(min(book.nsheets, settings.IMPORT_MAX_SHEETS)):
                book.sheet_by_index(index)
    except Exception as error:
        # xlrd meets damaged files with whatever its parsing happens to stumble over.
        if "encrypted" in str(error).lower():
            text = _("The file is protected with a password. Save it without.")
            raise TableFileError(text) from error
        raise TableFileError(_("This is not an XLS file, or it is damaged.")) from error
    return book


def _sheet(book: Any, index: int, budget: Budget) -> Sheet:
    budget.add_sheet()
    page = book.sheet_by_index(index)
    rows = []
    for number in range(page.nrows):
        width = page.row_len(number)
        budget.add_row(width)
        cells = [
            _text(kind, value, book.datemode, budget)
            for kind, value in zip(page.row_types(number), page.row_values(number), strict=True)
        ]
        if any(cells):
            rows.append(NumberedRow(number + 1, cells))
    name = page.name
    book.unload_sheet(index)
    return sheet_of(name, rows)


def _text(kind: int, value: Any, datemode: int, budget: Budget) -> str:
    import xlrd

    if kind == xlrd.XL_CELL_TEXT:
        return budget.text(restored(value))
    if kind == xlrd.XL_CELL_NUMBER:
        return budget.text(number_text(repr(value)))
    if kind == xlrd.XL_CELL_DATE:
        try:
            return budget.text(serial_text(repr(value), from_1904=bool(datemode)))
        except (ValueError, OverflowError):
            return Unreadable(repr(value), _("This is not a date."))
    if kind == xlrd.XL_CELL_BOOLEAN:
        return "true" if value else "false"
    if kind == xlrd.XL_CELL_ERROR:
        return Unreadable("#", str(ERROR_VALUE))
    return ""


def write_xls(target: BinaryIO, sheets: Sequence[SheetToWrite]) -> None:
    """Write the sheets into `target`; raises TableFileError past the rows of the format."""
    import xlwt

    book = xlwt.Workbook(encoding="utf-8")
    styles = {kind: xlwt.easyxf(num_format_str=code) for kind, code in _FORMATS.items()}
    bold, plain = xlwt.easyxf("font: bold on"), xlwt.Style.default_style
    for sheet in sheets:
        page = book.add_sheet(sheet.title[:31])
        page.set_panes_frozen(True)
        page.set_horz_split_pos(1)
        for index, heading in enumerate(sheet.headings):
            page.write(0, index, neutralised(heading), bold)
        for number, row in enumerate(sheet.rows, start=1):
            if number > XLS_ROWS:
                text = _("An XLS sheet holds %d rows at most. Choose another format.")
                raise TableFileError(text % XLS_ROWS)
            for index, value in enumerate(row):
                if value != "" and value is not None:
                    page.write(number, index, _value(value), styles.get(type(value), plain))
        page.flush_row_data()
    book.save(target)
    for index in range(len(sheets)):
        # The library leaves the file that rows were flushed to for the collector to close.
        if spool := book.get_sheet(index).row_tempfile:
            spool.close()


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return neutralised(value)
    if isinstance(value, Decimal):
        exact = len(value.normalize().as_tuple().digits) <= _DIGITS
        return float(value) if exact else f"{value:f}"
    return value
