"""CSV: read in the encodings and with the separators that spreadsheets write, written as UTF-8."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.translation import gettext as _

from .errors import TableFileError
from .neutral import neutralised, restored
from .sheets import Budget, NumberedRow, sheet_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .columns import Column
    from .sheets import Sheet

__all__ = ["read_csv", "write_csv"]

_BOMS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_SEPARATORS = ",;\t"


def read_csv(data: bytes) -> list[Sheet]:
    """The one sheet of a CSV file. UTF-8, UTF-16 with its mark, or else Windows-1251."""
    text = _decoded(data)
    separator = _separator(text)
    if '"' not in text and text.count("\n") > settings.IMPORT_MAX_ROWS + 1:
        # Without quotes every line is a row: nothing has to be split to see it.
        Budget.refuse_rows()
    budget = Budget()
    rows: list[NumberedRow] = []
    reader = csv.reader(_lines(text, separator), delimiter=separator, strict=True)
    try:
        for number, cells in enumerate(reader, start=1):
            budget.add_row(len(cells))
            row = [budget.text(restored(cell)) for cell in cells]
            if any(row):
                rows.append(NumberedRow(number, row))
    except csv.Error as error:
        message = _("Line %d is not in CSV format: a quote is missing, or a field has no end.")
        raise TableFileError(message % reader.line_num) from error
    return [sheet_of("", rows)]


def write_csv(target: Any, columns: list[Column], headings: list[str], rows: Iterable[Any]) -> None:
    """One sheet into the binary file `target`, with a mark so that spreadsheets know UTF-8."""
    wrapper = io.TextIOWrapper(target, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(wrapper)
    writer.writerow([neutralised(heading) for heading in headings])
    writer.writerows(_written(columns, rows))
    wrapper.detach()


def _written(columns: list[Column], rows: Iterable[Any]) -> Iterator[list[str]]:
    is_text = [column.is_text for column in columns]
    for row in rows:
        yield [
            neutralised(text) if plain else text
            for plain, text in zip(is_text, map(str, row), strict=True)
        ]


def _decoded(data: bytes) -> str:
    encoding = next((name for mark, name in _BOMS.items() if data.startswith(mark)), "utf-8")
    for name in (encoding, "cp1251"):
        try:
            text = data.decode(name)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            break
        return text if "\n" in text else text.replace("\r", "\n")
    raise TableFileError(_("This is not a CSV file: it holds bytes that are no text."))


def _lines(text: str, separator: str) -> Iterator[str]:
    """Lines with their ends, none of them so long that its cells alone would fill the memory."""
    start, size = 0, len(text)
    longest = settings.IMPORT_MAX_COLUMNS * settings.IMPORT_MAX_CELL_LENGTH
    while start < size:
        end = text.find("\n", start, start + longest + 1) + 1
        if not end and size - start > longest:
            Budget.refuse_columns()
        line = text[start : end or size]
        # Quoted cells may hold separators too, but not that many.
        if line.count(separator) > 20 * settings.IMPORT_MAX_COLUMNS:
            Budget.refuse_columns()
        yield line
        start = end or size


def _separator(text: str) -> str:
    """The one that splits the headings into most parts; a single column needs none."""
    first = text[: settings.IMPORT_MAX_CELL_LENGTH * 50].lstrip("\r\n").split("\n", 1)[0]
    return max(_SEPARATORS, key=first.count)
