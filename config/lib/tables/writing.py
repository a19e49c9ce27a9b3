"""Sheets to files."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from django.utils.translation import gettext as _

from .dbf_file import write_dbf
from .delimited import write_csv
from .xls import write_xls
from .xlsx_writer import write_xlsx

if TYPE_CHECKING:
    from typing import BinaryIO

    from .columns import Column

__all__ = ["WRITERS", "SheetToWrite", "rendered"]


class SheetToWrite(NamedTuple):
    """rows: lists of str, int, Decimal, date or datetime without zone; "" is an empty cell."""

    title: str
    columns: list[Column]
    headings: list[str]
    rows: Iterable[list[Any]]


Writer = Callable[["BinaryIO", list[SheetToWrite]], None]


def _csv(target: BinaryIO, sheets: list[SheetToWrite]) -> None:
    write_csv(target, sheets[0].columns, sheets[0].headings, sheets[0].rows)


def _dbf(codepage: str) -> Writer:
    return lambda target, sheets: write_dbf(target, sheets[0], codepage=codepage)


WRITERS: dict[str, Writer] = {
    "csv": _csv,
    "xlsx": write_xlsx,
    "xls": write_xls,
    "dbf-1251": _dbf("cp1251"),
    "dbf-866": _dbf("cp866"),
}


def rendered(
    columns: list[Column], rows: Iterable[Iterable[Any]], *, in_words: bool
) -> Iterable[list[Any]]:
    """Values as cells. in_words: choices and yes/no as people read them, else machine values."""
    renderers = [_renderer(column, in_words) for column in columns]
    for row in rows:
        yield [
            "" if value is None else render(value)
            for render, value in zip(renderers, row, strict=True)
        ]


def _renderer(column: Column, in_words: bool) -> Callable[[Any], Any]:
    if column.kind == "choice" and in_words:
        labels = {value: str(label) for value, label in column.choices}
        return lambda value: labels.get(value, value)
    if column.kind == "flag":
        words = {True: _("yes"), False: _("no")} if in_words else {True: "true", False: "false"}
        return lambda value: words[value]
    if column.kind == "decimal":
        return _shortest
    if column.kind == "date":
        return lambda value: value if isinstance(value, date) else ""
    return lambda value: value


def _shortest(value: Decimal) -> Decimal:
    """1.500000 → 1.5, 100 stays 100."""
    whole = value.to_integral_value()
    return whole.quantize(Decimal(1)) if value == whole else value.normalize()
