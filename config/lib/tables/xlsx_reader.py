"""XLSX (ECMA-376): sheets of text cells, read as a stream within limits.

Numbers come exactly as the file writes them, dates by their number format as ISO text, formulas
are never evaluated: a cell with one is reported to whoever sent the file.
"""

from __future__ import annotations

import posixpath

from django.conf import settings
from django.utils.translation import gettext as _

from .archive import Archive, damaged
from .errors import TableFileError
from .excel_numbers import is_date_format, number_text, serial_text
from .neutral import restored
from .sheets import ERROR_VALUE, FORMULA, Budget, NumberedRow, Sheet, Unreadable, sheet_of
from .xml_stream import XmlStream

__all__ = ["read_xlsx"]

# ECMA-376 part 1, 18.8.30: built-in formats that show dates or times.
_BUILT_IN_DATES = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}


def read_xlsx(data: bytes) -> list[Sheet]:
    """Visible and hidden sheets in the order of the workbook."""
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        text = _("The file is protected with a password, or it is an XLS. Save it as a plain XLSX.")
        raise TableFileError(text)
    archive = Archive(data)
    workbook = _Workbook()
    path = _target(archive, "", "/officeDocument", "xl/workbook.xml")
    workbook.feed(archive.chunks(path))
    relations = _relations(archive, path)
    texts, styles = _Texts(), _Styles()
    for kind, reader in (("/sharedStrings", texts), ("/styles", styles)):
        for target, relation in relations.values():
            if relation.endswith(kind) and archive.has(target):
                reader.feed(archive.chunks(target))
    budget = Budget()
    found = [
        (name, relations[key][0])
        for name, key in workbook.sheets
        if key in relations and relations[key][1].endswith("/worksheet")
    ]
    for _name, part in found:
        archive.count_rows(part)
    return [
        _Rows(budget, texts.found, styles.dates, workbook.from_1904).sheet(
            name, archive.chunks(part)
        )
        for name, part in found
    ]


def _relations(archive: Archive, part: str) -> dict[str, tuple[str, str]]:
    """Id → (part it leads to, type) of the relations of a part."""
    folder, name = posixpath.split(part)
    path = posixpath.join(folder, "_rels", f"{name}.rels")
    if not archive.has(path):
        return {}
    reader = _Relations()
    reader.feed(archive.chunks(path))
    return {
        key: (posixpath.normpath(posixpath.join("/" + folder, target)).lstrip("/"), kind)
        for key, (target, kind) in reader.found.items()
    }


def _target(archive: Archive, part: str, kind: str, default: str) -> str:
    found = [path for path, name in _relations(archive, part).values() if name.endswith(kind)]
    path = found[0] if found else default
    if not archive.has(path):
        raise damaged()
    return path


class _Relations(XmlStream):
    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, tuple[str, str]] = {}

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "Relationship" and attributes.get("TargetMode") != "External":
            self.found[attributes.get("Id", "")] = (
                attributes.get("Target", ""),
                attributes.get("Type", ""),
            )

    def end(self, name: str) -> None: ...

    def text(self, data: str) -> None: ...


class _Workbook(XmlStream):
    """Names of the sheets with their relation, and from when days are counted."""

    def __init__(self) -> None:
        super().__init__()
        self.sheets: list[tuple[str, str]] = []
        self.from_1904 = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "workbookPr":
            self.from_1904 = attributes.get("date1904") in {"1", "true", "on"}
        elif name == "sheet":
            relation = next((value for key, value in attributes.items() if key.endswith(":id")), "")
            self.sheets.append((attributes.get("name", "")[:100], relation))
            if len(self.sheets) > settings.IMPORT_MAX_SHEETS:
                limit = settings.IMPORT_MAX_SHEETS
                raise TableFileError(_("The file has more than %d sheets.") % limit)

    def end(self, name: str) -> None: ...

    def text(self, data: str) -> None: ...


class _Styles(XmlStream):
    """Which cell styles show dates."""

    def __init__(self) -> None:
        super().__init__()
        self.dates: set[str] = set()
        self._formats: dict[str, bool] = {}
        self._in_cells = False
        self._index = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "numFmt":
            code = attributes.get("formatCode", "")[:200]
            self._formats[attributes.get("numFmtId", "")] = is_date_format(code)
        elif name == "cellXfs":
            self._in_cells = True
        elif name == "xf" and self._in_cells:
            key = attributes.get("numFmtId", "0")
            built_in = key.isdecimal() and len(key) < 9 and int(key) in _BUILT_IN_DATES
            if self._formats.get(key, built_in):
                self.dates.add(str(self._index))
            self._index += 1

    def end(self, name: str) -> None:
        if name == "cellXfs":
            self._in_cells = False

    def text(self, data: str) -> None: ...


class _Words(XmlStream):
    """Collects the text of one thing at a time, not much more than a cell may hold."""

    def __init__(self) -> None:
        super().__init__()
        self._words: list[str] = []
        self._length = 0
        self._listening = False
        self._phonetic = False

    def listen(self) -> None:
        self._listening = True

    def text(self, data: str) -> None:
        if self._listening and not self._phonetic:
            self._length += len(data)
            if self._length <= settings.IMPORT_MAX_CELL_LENGTH + len(data):
                self._words.append(data)

    def take(self) -> str:
        """The text so far; the next one begins empty."""
        words = "".join(self._words)
        self._words.clear()
        self._length, self._listening = 0, False
        return words


class _Texts(_Words):
    """The shared strings; their readings for Japanese are left out."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "t":
            self.listen()
        elif name == "rPh":
            self._phonetic = True

    def end(self, name: str) -> None:
        if name == "t":
            self._listening = False
        elif name == "rPh":
            self._phonetic = False
        elif name == "si":
            self.found.append(self.take())


class _Rows(_Words):
    """The rows of one sheet."""

    def __init__(self, budget: Budget, texts: list[str], dates: set[str], from_1904: bool) -> None:
        super().__init__()
        self._budget, self._texts, self._dates = budget, texts, dates
        self._from_1904 = from_1904
        self._rows: list[NumberedRow] = []
        self._row: list[str] = []
        self._number = self._column = 0
        self._columns: dict[str, int] = {}
        self._kind = self._style = self._value = ""
        self._formula = False

    def sheet(self, name: str, pieces: object) -> Sheet:
        self._budget.add_sheet()
        self.feed(pieces)  # type: ignore[arg-type]
        return sheet_of(name, self._rows)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "c":
            reference = attributes.get("r", "")
            self._column = self._column_of(reference) if reference else self._column + 1
            self._kind = attributes.get("t", "n")
            self._style = attributes.get("s", "")
            self._value, self._formula = "", False
        elif name in {"v", "t"}:
            self.listen()
        elif name == "f":
            self._formula = True
        elif name == "row":
            number = attributes.get("r", "")
            known = number.isdecimal() and len(number) < 8
            self._number = int(number) if known else self._number + 1
            self._row, self._column = [], 0
        elif name == "rPh":
            self._phonetic = True

    def end(self, name: str) -> None:
        if name == "c":
            self._place(self._cell())
        elif name == "v":
            self._value = self.take()
        elif name == "t":
            self._listening = False
        elif name == "is":
            self._value = self.take()
        elif name == "row":
            self._budget.add_row(len(self._row))
            if any(self._row):
                self._rows.append(NumberedRow(self._number, self._row))
        elif name == "rPh":
            self._phonetic = False

    def _column_of(self, reference: str) -> int:
        letters = reference.rstrip("0123456789")
        column = self._columns.get(letters)
        if column is None:
            if not (letters.isascii() and letters.isalpha() and len(letters) <= 3):
                raise damaged()
            column = 0
            for letter in letters.upper():
                column = column * 26 + ord(letter) - 64
            self._columns[letters] = column
        return column

    def _place(self, cell: str) -> None:
        if not cell:
            return
        if self._column > settings.IMPORT_MAX_COLUMNS:
            self._budget.refuse_columns()
        missing = self._column - 1 - len(self._row)
        if missing > 0:
            self._row.extend([""] * missing)
        if missing < 0:
            self._row[self._column - 1] = cell
        else:
            self._row.append(cell)

    def _cell(self) -> str:
        if self._formula:
            return Unreadable(self._value[:40] or "=", str(FORMULA))
        value, kind = self._value, self._kind
        if not value:
            return ""
        if kind == "n":
            return self._number_cell(value)
        if kind == "s":
            return self._budget.text(restored(self._shared(value)))
        if kind == "e":
            return Unreadable(value[:40], str(ERROR_VALUE))
        if kind == "b":
            return "true" if value == "1" else "false"
        if kind == "d":
            return self._budget.text(value.replace("T", " "))
        return self._budget.text(restored(value))

    def _shared(self, value: str) -> str:
        if not (value.isdecimal() and len(value) < 10 and int(value) < len(self._texts)):
            raise damaged()
        return self._texts[int(value)]

    def _number_cell(self, value: str) -> str:
        raw = value.strip()[:60]
        try:
            if self._style in self._dates:
                return self._budget.text(serial_text(raw, from_1904=self._from_1904))
            return self._budget.text(number_text(raw))
        except (ValueError, OverflowError):
            return Unreadable(raw, _("This is not a number."))
