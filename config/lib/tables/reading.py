"""Files to sheets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from config.lib.collector import collector_paused

from .dbf_file import read_dbf
from .delimited import read_csv
from .errors import TableFileError
from .xls import read_xls
from .xlsx_reader import read_xlsx

if TYPE_CHECKING:
    from collections.abc import Callable

    from .sheets import Sheet

__all__ = ["READERS", "read_table"]

READERS: dict[str, Callable[[bytes], list[Sheet]]] = {
    "csv": read_csv,
    "xlsx": read_xlsx,
    "xls": read_xls,
    "dbf-1251": lambda data: read_dbf(data, codepage="cp1251"),
    "dbf-866": lambda data: read_dbf(data, codepage="cp866"),
}


def read_table(data: bytes, *, kind: str) -> list[Sheet]:
    """The filled sheets of a file. Raises TableFileError with one plain line for any other file."""
    if not data:
        raise TableFileError(_("The file is empty."))
    if len(data) > settings.IMPORT_MAX_BYTES:
        limit = filesizeformat(settings.IMPORT_MAX_BYTES)
        raise TableFileError(_("The file is larger than %s. Split it.") % limit)
    with collector_paused():
        sheets = [sheet for sheet in READERS[kind](data) if sheet.headers]
    if not sheets:
        raise TableFileError(_("The file holds no table: there are no headings in it."))
    return sheets
