"""DBF (dBase III/IV, FoxPro without memos) in code pages 866 and 1251.

Read and written here: the `dbf` library takes N fields through floats both ways, so a register of
18 digits comes back as another number, and believes the record count of the header. The tests
read what is written with that library.
Layout: 32 bytes (version, date, record count, header length, record length, …, language driver at
29), 32 bytes a field (name 11, type 1, …, length at 16, decimals at 17), 0x0D, then records of
fixed length that begin with a space, or with "*" when deleted.
"""

from __future__ import annotations

import csv
import struct
import tempfile
from decimal import Decimal
from itertools import repeat
from typing import TYPE_CHECKING, NamedTuple

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from .errors import TableFileError
from .excel_numbers import number_text
from .sheets import Budget, NumberedRow, Sheet, Unreadable, sheet_of

if TYPE_CHECKING:
    from typing import BinaryIO, TextIO

    from .columns import Column
    from .writing import SheetToWrite

__all__ = ["DBF_TEXT", "read_dbf", "write_dbf"]

# Bytes a text field holds.
DBF_TEXT = 254
_VERSIONS = {0x02, 0x03, 0x04, 0x05, 0x30, 0x31, 0x32, 0x43, 0x63, 0x83, 0x8B, 0xCB, 0xF5, 0xFB}
# Language drivers that say what the text is; the others leave it to whoever sends the file.
_DRIVERS = {0x26: "cp866", 0x65: "cp866", 0x57: "cp1251", 0xC9: "cp1251"}
_TRUTH = {b"T": "true", b"t": "true", b"Y": "true", b"y": "true"}
_FALSEHOOD = {b"F": "false", b"f": "false", b"N": "false", b"n": "false"}


# Kinds of columns that are no text.
_TYPES = {"integer": "N", "decimal": "N", "date": "D", "flag": "L"}


class _WrittenField(NamedTuple):
    name: str
    kind: str
    size: int
    places: int


class _Field(NamedTuple):
    name: str
    kind: str
    start: int
    end: int


def read_dbf(data: bytes, *, codepage: str) -> list[Sheet]:
    """The one sheet of a DBF file. codepage: of its texts, unless the file says which it is."""
    count, header, length = _checked_header(data)
    fields = _fields(data, header, length)
    codepage = _DRIVERS.get(data[29], codepage)
    budget = Budget()
    budget.add_row(len(fields))
    rows = [NumberedRow(0, [field.name for field in fields])]
    for number in range(count):
        start = header + number * length
        if data[start] == 0x2A:
            continue
        budget.add_row(len(fields))
        record = data[start : start + length]
        cells = [
            _cell(field, record[field.start : field.end], codepage, budget) for field in fields
        ]
        if any(cells):
            rows.append(NumberedRow(number + 1, cells))
    return [sheet_of("", rows)]


def _checked_header(data: bytes) -> tuple[int, int, int]:
    if len(data) < 65 or data[0] not in _VERSIONS:
        raise _damaged()
    count, header, length = struct.unpack_from("<IHH", data, 4)
    if header < 65 or header > len(data) or length < 2:
        raise _damaged()
    if count > settings.IMPORT_MAX_ROWS:
        Budget.refuse_rows()
    if header + count * length > len(data):
        text = _("The DBF file is cut short: it should hold %(said)d records and holds %(held)d.")
        held = (len(data) - header) // length
        raise TableFileError(text % {"said": count, "held": held})
    return count, header, length


def _fields(data: bytes, header: int, length: int) -> list[_Field]:
    fields: list[_Field] = []
    start = 1
    for offset in range(32, header, 32):
        if data[offset] == 0x0D or offset + 32 > header:
            break
        raw = data[offset : offset + 32]
        kind = chr(raw[11]).upper()
        # Clipper keeps the upper byte of a long text's length where decimals stand else.
        size = raw[16] + (raw[17] << 8 if kind == "C" else 0)
        name = raw[:11].partition(b"\0")[0].decode("cp866").strip()
        if kind not in "CNFDLI0":
            text = _("Column %(name)s is of type %(kind)s, which is not read. Use text or numbers.")
            raise TableFileError(text % {"name": name, "kind": kind if kind.isalnum() else "?"})
        fields.append(_Field(name, kind, start, start + size))
        start += size
        if len(fields) > settings.IMPORT_MAX_COLUMNS:
            Budget.refuse_columns()
    if not fields or start != length:
        raise _damaged()
    return [field for field in fields if field.kind != "0"]


def _damaged() -> TableFileError:
    return TableFileError(_("This is not a DBF file, or it is damaged."))


def _cell(field: _Field, raw: bytes, codepage: str, budget: Budget) -> str:
    if field.kind == "C":
        try:
            return budget.text(raw.rstrip(b" \0").decode(codepage))
        except UnicodeDecodeError:
            return Unreadable("?", _("The text is not in the code page of the file."))
    if field.kind == "I":
        return str(int.from_bytes(raw, "little", signed=True))
    if field.kind == "L":
        return _TRUTH.get(raw) or _FALSEHOOD.get(raw, "")
    return _plain_cell(field, raw.strip(b" \0").decode("ascii", "replace"), budget)


def _plain_cell(field: _Field, text: str, budget: Budget) -> str:
    if field.kind == "D":
        return f"{text[:4]}-{text[4:6]}-{text[6:]}" if text and text != "00000000" else ""
    if not text or text == ".":
        return ""
    try:
        return budget.text(number_text(text, is_double=False))
    except ValueError:
        return Unreadable(text[:40], _("This is not a number."))


def write_dbf(target: BinaryIO, sheet: SheetToWrite, *, codepage: str) -> None:
    """Write one sheet into `target`.

    Raises TableFileError for texts that the code page or the length of a field can't hold: a
    question mark in a name, or half of it, would be taken for the truth by whoever reads it.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as spool:
        widths, count = _spooled(spool, sheet, codepage)
        fields = [
            _field(column, width) for column, width in zip(sheet.columns, widths, strict=True)
        ]
        target.write(_header(fields, count, codepage))
        spool.seek(0)
        for cells in csv.reader(spool):
            record = map(_encoded, fields, cells, repeat(codepage))
            target.write(b" " + b"".join(record))
        target.write(b"\x1a")


def _spooled(spool: TextIO, sheet: SheetToWrite, codepage: str) -> tuple[list[int], int]:
    """Rows go through a file once, to learn how wide each text has to be and how many they are."""
    widths = [1] * len(sheet.columns)
    texts = [index for index, column in enumerate(sheet.columns) if column.kind not in _TYPES]
    writer = csv.writer(spool)
    count = 0
    for count, row in enumerate(sheet.rows, start=1):
        cells = [str(value) for value in row]
        for index in texts:
            size = _size(cells[index], sheet.columns[index], count, codepage)
            widths[index] = max(widths[index], size)
        writer.writerow(cells)
    return widths, count


def _size(text: str, column: Column, number: int, codepage: str) -> int:
    try:
        size = len(text.encode(codepage))
    except UnicodeEncodeError as error:
        message = _(
            "Row %(row)d, %(column)s: %(codepage)s has no “%(letter)s”. Choose another one."
        )
        letter = text[error.start]
        names = {"row": number, "column": column.name, "codepage": codepage, "letter": letter}
        raise TableFileError(message % names) from error
    if size > DBF_TEXT:
        message = _("Row %(row)d, %(column)s: longer than the %(limit)d letters of a DBF field.")
        raise TableFileError(message % {"row": number, "column": column.name, "limit": DBF_TEXT})
    return size


def _field(column: Column, width: int) -> _WrittenField:
    kind = _TYPES.get(column.kind, "C")
    if column.kind == "integer":
        return _WrittenField(column.dbf, kind, 10, 0)
    if column.kind == "decimal":
        # A place for the sign and one for the point.
        return _WrittenField(column.dbf, kind, min(column.digits + 2, 20), column.decimals)
    return _WrittenField(column.dbf, kind, {"D": 8, "L": 1}.get(kind, width), 0)


def _header(fields: list[_WrittenField], count: int, codepage: str) -> bytes:
    today = timezone.localdate()
    driver = next(number for number, name in _DRIVERS.items() if name == codepage and number > 0x60)
    length = 1 + sum(field.size for field in fields)
    start = struct.pack(
        *("<BBBBIHH17xB2x", 0x03, today.year - 1900, today.month, today.day),
        *(count, 32 + 32 * len(fields) + 1, length, driver),
    )
    described = [
        struct.pack(
            "<11sc4xBB14x",
            field.name.encode("ascii"),
            field.kind.encode(),
            field.size,
            field.places,
        )
        for field in fields
    ]
    return start + b"".join(described) + b"\r"


def _encoded(field: _WrittenField, text: str, codepage: str) -> bytes:
    """A cell in the width of its field: numbers to the right, all else to the left."""
    if field.kind == "N" and text:
        return f"{Decimal(text):{field.size}.{field.places}f}".encode("ascii")
    if field.kind == "D":
        text = text.replace("-", "")
    elif field.kind == "L":
        text = {"true": "T", "false": "F"}.get(text, "?")
    return text.encode(codepage).ljust(field.size)
