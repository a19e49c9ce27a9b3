"""Files made to exhaust the server are refused in one line and with little memory (S10)."""

from __future__ import annotations

import io
import random
import struct
import tracemalloc
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from config.lib.tables.errors import TableFileError
from config.lib.tables.reading import READERS, read_table

from .conftest import Desk, book, complaint, table

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.people import World

MEMORY = 100 * 1024 * 1024
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
HEAD = f'<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns="{MAIN}"><sheetData>'
TAIL = "</sheetData></worksheet>"


def _parts(**changed: bytes) -> bytes:
    """A small XLSX with some of its parts replaced."""
    source = zipfile.ZipFile(io.BytesIO(table(["serial"], ["1"], kind="xlsx")))
    target = io.BytesIO()
    names = {"sheet": "xl/worksheets/sheet1.xml", "styles": "xl/styles.xml"}
    names |= {"workbook": "xl/workbook.xml", "texts": "xl/sharedStrings.xml"}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as copy:
        for info in source.infolist():
            key = next((key for key, name in names.items() if name == info.filename), "")
            copy.writestr(info.filename, changed.get(key, source.read(info.filename)))
        for name, data in changed.items():
            if names.get(name, name) not in copy.namelist():
                copy.writestr(names.get(name, name), data)
    return target.getvalue()


def _noise(size: int) -> bytes:
    return random.Random(1).randbytes(size).hex().encode()  # noqa: S311


def _billion_laughs() -> bytes:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(12))
    return _parts(sheet=f"<!DOCTYPE x [{entities}]><x>&l11;</x>".encode())


def _external_entity() -> bytes:
    return _parts(
        sheet=b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><worksheet>&e;</worksheet>'
    )


def _numbered(prefix: str) -> str:
    """Rows that compress no better than those of an honest sheet."""
    chance = random.Random(2)  # noqa: S311
    p = prefix
    return "".join(
        f"<{p}row><{p}c><{p}v>{chance.random()}</{p}v></{p}c></{p}row>" for _ in range(150_000)
    )


def _many_rows() -> bytes:
    return _parts(sheet=(HEAD + _numbered("") + TAIL).encode())


def _many_rows_of_another_prefix() -> bytes:
    head = HEAD.replace("<worksheet xmlns=", "<worksheet xmlns:x=")
    return _parts(sheet=(head + _numbered("x:") + TAIL).encode())


def _endless_row() -> bytes:
    cells = "".join(f"<c><v>{number}</v></c>" for number in range(400_000))
    return _parts(sheet=(HEAD + f"<row>{cells}</row>" + TAIL).encode())


def _deep() -> bytes:
    return _parts(sheet=HEAD.encode() + b"<a>" * 300_000)


def _distinct_names() -> bytes:
    names = "".join(f"<n{number:x}/>" for number in range(500_000))
    return _parts(sheet=(HEAD + names + TAIL).encode())


def _distinct_attributes() -> bytes:
    names = "".join(f'<c a{number:x}=""/>' for number in range(500_000))
    return _parts(sheet=(HEAD + names + TAIL).encode())


def _endless_attribute() -> bytes:
    return _parts(sheet=HEAD.encode() + b'<c a="' + _noise(6_000_000))


def _text_bomb() -> bytes:
    texts = f'<sst xmlns="{MAIN}"><si><t>'.encode() + b"A" * 200_000_000
    return _parts(texts=texts)


def _styles_bomb() -> bytes:
    return _parts(styles=b"<styleSheet>" + b"<a/>" * 3_000_000 + b"</styleSheet>")


def _many_parts() -> bytes:
    return _parts(**{f"part{number}.xml": b"" for number in range(20_000)})


def _lying_size() -> bytes:
    data = bytearray(_parts(sheet=(HEAD + "<row/>" * 200_000 + TAIL).encode()))
    start = data.find(b"PK\x01\x02")
    while start >= 0:
        struct.pack_into("<I", data, start + 24, 100)
        start = data.find(b"PK\x01\x02", start + 4)
    return bytes(data)


def _dbf(count: int = 1, header: int = 65, length: int = 11, body: bytes = b" 1234567890") -> bytes:
    start = struct.pack("<BBBBIHH17xBxx", 3, 125, 1, 1, count, header, length, 0x65)
    return start + struct.pack("<11sc4xBB14x", b"SERIAL", b"C", 10, 0) + b"\r" + body


BOMBS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "entities": ("xlsx", _billion_laughs),
    "external entity": ("xlsx", _external_entity),
    "many rows": ("xlsx", _many_rows),
    "many rows behind a prefix": ("xlsx", _many_rows_of_another_prefix),
    "endless row": ("xlsx", _endless_row),
    "deep nesting": ("xlsx", _deep),
    "distinct names": ("xlsx", _distinct_names),
    "distinct attributes": ("xlsx", _distinct_attributes),
    "endless attribute": ("xlsx", _endless_attribute),
    "text bomb": ("xlsx", _text_bomb),
    "styles bomb": ("xlsx", _styles_bomb),
    "many parts": ("xlsx", _many_parts),
    "lying sizes": ("xlsx", _lying_size),
    "far cell": (
        "xlsx",
        lambda: _parts(sheet=(HEAD + '<row r="1"><c r="XFD1"><v>1</v></c></row>' + TAIL).encode()),
    ),
    "DTD in UTF-16": (
        "xlsx",
        lambda: _parts(sheet='<!DOCTYPE x [<!ENTITY e "1">]><x/>'.encode("utf-16")),
    ),
    "not a zip": ("xlsx", lambda: b"PK\x03\x04" + _noise(10_000)),
    "a text": ("xlsx", lambda: b"serial,type\n1,2\n"),
    "password": ("xlsx", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1_000)),
    "wide csv": ("csv", lambda: b"," * 300),
    "long csv": ("csv", lambda: b"serial\n" + b"1\n" * 150_000),
    "endless csv line": ("csv", lambda: b"a,b\n" + b"," * 20_000_000),
    "endless csv text": ("csv", lambda: b"a,b\n" + b"x" * 20_000_000),
    "long field": ("csv", lambda: b'serial\n"' + b"x" * 200_000 + b'"\n'),
    "open quote": ("csv", lambda: b'serial\n"' + b"1,2\n" * 500_000),
    "binary csv": ("csv", lambda: bytes(1_000)),
    "too many records": ("dbf-866", lambda: _dbf(count=2**32 - 1)),
    "lying records": ("dbf-866", lambda: _dbf(count=90_000)),
    "lying length": ("dbf-866", lambda: _dbf(length=200)),
    "lying header": ("dbf-866", lambda: _dbf(header=60_000)),
    "empty records": ("dbf-866", lambda: _dbf(length=0)),
    "no dbf": ("dbf-866", lambda: b"\x03" + _noise(100)),
    "memo": ("dbf-866", lambda: _dbf().replace(b"SERIAL\0\0\0\0\0C", b"SERIAL\0\0\0\0\0M")),
    "no xls": ("xls", lambda: _noise(1_000)),
    "circle of sectors": ("xls", lambda: _compound(struct.pack("<I", 0) * 128)),
    "sectors outside": ("xls", lambda: _compound(struct.pack("<I", 2**31 - 9) * 128)),
    "encrypted": (
        "xls",
        lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le") * 50,
    ),
    "large xls": ("xls", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(13 * 1024 * 1024)),
}


def _compound(table_of_sectors: bytes) -> bytes:
    """An OLE2 file ([MS-CFB]) whose allocation table is as given."""
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    head += struct.pack(
        "<HHHHH6xIIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, 1, 1, 0, 0, 0
    )
    return head.ljust(512, b"\0") + table_of_sectors + bytes(512 * 8)


@pytest.mark.parametrize("name", BOMBS)
def test_hostile_file(name: str) -> None:
    kind, make = BOMBS[name]
    data = make()
    tracemalloc.start()
    try:
        with pytest.raises(TableFileError) as refused:
            read_table(data, kind=kind)
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "\n" not in str(refused.value)
    assert peak < MEMORY, f"{peak / 1e6:.0f} MB"


@pytest.mark.parametrize("kind", READERS)
def test_mutated_files_are_read_or_refused(kind: str) -> None:
    """Nothing else than TableFileError comes out, whatever bytes go in."""
    chance = random.Random(20250131)  # noqa: S311
    whole = table(["serial", "type", "digits"], ["Їжак", "b", "3"], ["=1", "b", "4"], kind=kind)
    for _attempt in range(300):
        data = bytearray(whole)
        for _change in range(chance.randint(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        if chance.random() < 0.3:
            del data[chance.randrange(1, len(data)) :]
        try:
            read_table(bytes(data), kind=kind)
        except TableFileError:
            continue


@pytest.mark.parametrize("name", ["entities", "password", "not a zip", "lying records", "no xls"])
def test_the_page_says_it_in_one_line(world: World, name: str) -> None:
    kind, make = BOMBS[name]
    desk = Desk(world.city.engineer)
    assert complaint(desk.check(make(), kind=kind))


def test_names_without_a_known_extension(world: World) -> None:
    desk = Desk(world.city.engineer)
    answer = desk.check(b"serial\n1\n", name="meters.exe", format="")
    assert "should end in" in complaint(answer)


def test_a_file_over_the_limit(world: World, settings: Any) -> None:
    settings.IMPORT_MAX_BYTES = 10
    assert "larger than 10" in complaint(Desk(world.city.engineer).check(b"serial\n1234567\n"))


def test_formulas_are_not_evaluated() -> None:
    sheet = (
        HEAD
        + (
            '<row r="1"><c r="A1" t="inlineStr"><is><t>serial</t></is></c></row>'
            '<row r="2"><c r="A2"><f>1+1</f><v>2</v></c></row>'
            '<row r="3"><c r="A3" t="e"><v>#N/A</v></c></row>'
            '<row r="4"><c r="A4"><v>123456789012</v></c></row>'
            '<row r="5"><c r="A5"><v>1.23456789012E+11</v></c></row>'
            '<row r="6"><c r="A6"><v>0.30000000000000004</v></c></row>'
        )
        + TAIL
    )
    [found] = read_table(_parts(sheet=sheet.encode()), kind="xlsx")
    cells = [row.cells[0] for row in found.rows]
    assert [getattr(cell, "reason", "")[:12] for cell in cells[:2]] == [
        "The cell hol",
        "The cell sho",
    ]
    assert cells[2:] == ["123456789012", "123456789012", "0.3"]


def test_dates_of_spreadsheets() -> None:
    from openpyxl import Workbook

    made = Workbook()
    page = made.active
    from datetime import UTC, date, datetime

    page.append(["installed_at", "verified"])
    page.append([datetime(2025, 1, 31, 9, 30, tzinfo=UTC).replace(tzinfo=None), date(2024, 2, 29)])
    target = io.BytesIO()
    made.save(target)
    [sheet] = read_table(target.getvalue(), kind="xlsx")
    assert sheet.rows[0].cells == ["2025-01-31 09:30:00", "2024-02-29"]


def test_exports_hold_no_formula(world: World) -> None:
    from openpyxl import load_workbook

    city = world.city
    city.usage_point.name = "=cmd|' /C calc'!A0"
    city.usage_point.save()
    desk = Desk(city.engineer, "meters_usagepoint")
    cells = [
        cell
        for row in load_workbook(io.BytesIO(desk.take_out(kind="xlsx"))).active.iter_rows()
        for cell in row
    ]
    assert {cell.data_type for cell in cells} <= {"s", "n", "d", "b"}
    assert not [cell for cell in cells if str(cell.value or "")[:1] in "=+@\t\r" and cell.value]
    assert b",'=cmd|' /C calc'!A0," in desk.take_out(kind="csv")


def test_several_sheets_have_to_be_named(world: World) -> None:
    data = book({"meters": [["serial"], ["1"]], "plan": [["a"], ["b"]]})
    assert "No table is called “plan”" in complaint(
        Desk(world.city.engineer, resource=2).check(data, kind="xlsx")
    )
    assert "several sheets" in complaint(Desk(world.city.engineer).check(data, kind="xlsx"))
