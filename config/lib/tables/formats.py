"""File formats as django-import-export offers them to choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from import_export.formats.base_formats import Format

from .reading import read_table
from .writing import WRITERS

if TYPE_CHECKING:
    from typing import BinaryIO

    from .sheets import Sheet
    from .writing import SheetToWrite

__all__ = ["FORMATS", "TableFormat"]


class TableFormat(Format):
    """Reads bytes into sheets, writes sheets into a file; limits and safety are built in."""

    KIND: ClassVar[str]
    TITLE: ClassVar[str]
    EXTENSION: ClassVar[str]
    CONTENT_TYPE: ClassVar[str]
    MANY_SHEETS: ClassVar[bool] = False

    def __init__(self, encoding: str | None = None) -> None:
        self.encoding = encoding

    def get_title(self) -> str:
        return self.TITLE

    def get_extension(self) -> str:
        return self.EXTENSION

    def get_content_type(self) -> str:
        return self.CONTENT_TYPE

    def can_import(self) -> bool:
        return True

    def can_export(self) -> bool:
        return True

    def create_dataset(self, in_stream: bytes) -> list[Sheet]:
        """Raises TableFileError with one plain line for a file of any other kind."""
        return read_table(in_stream, kind=self.KIND)

    def write(self, target: BinaryIO, sheets: list[SheetToWrite]) -> None:
        """Write the sheets while their rows are read."""
        WRITERS[self.KIND](target, sheets)


class Xlsx(TableFormat):
    KIND, TITLE, EXTENSION, MANY_SHEETS = "xlsx", "XLSX (Excel)", "xlsx", True
    CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Csv(TableFormat):
    KIND, TITLE, EXTENSION = "csv", "CSV (UTF-8)", "csv"
    CONTENT_TYPE = "text/csv; charset=utf-8"


class Xls(TableFormat):
    KIND, TITLE, EXTENSION, MANY_SHEETS = "xls", "XLS (Excel 97)", "xls", True
    CONTENT_TYPE = "application/vnd.ms-excel"


class Dbf1251(TableFormat):
    KIND, TITLE, EXTENSION = "dbf-1251", "DBF (Windows-1251)", "dbf"
    CONTENT_TYPE = "application/x-dbf"


class Dbf866(TableFormat):
    KIND, TITLE, EXTENSION = "dbf-866", "DBF (DOS 866)", "dbf"
    CONTENT_TYPE = "application/x-dbf"


FORMATS: tuple[type[TableFormat], ...] = (Xlsx, Csv, Xls, Dbf1251, Dbf866)
