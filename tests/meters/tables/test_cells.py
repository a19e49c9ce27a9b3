"""Small pieces: cells made harmless, numbers and dates read exactly, headings recognised."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from config.lib.tables.columns import Column, Table, normalised
from config.lib.tables.errors import CellError, TableFileError
from config.lib.tables.excel_numbers import is_date_format, number_text, serial_text
from config.lib.tables.neutral import neutralised, restored
from config.lib.tables.values import local_text, parser_of
from meters.tables.columns import WIDE_LAYOUT, WORKBOOK_LAYOUTS
from meters.tables.registers import register_columns

KYIV = ZoneInfo("Europe/Kyiv")
TABLES = [layout.table for layout in (*WORKBOOK_LAYOUTS, WIDE_LAYOUT)]


@given(st.text(alphabet=st.one_of(st.sampled_from("'=+-@\t\r\n＝"), st.characters())))
def test_what_is_made_harmless_is_restored(text: str) -> None:
    made = neutralised(text)
    assert restored(made) == text
    assert not made.startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("1", "1"),
        ("100", "100"),
        ("1.50", "1.5"),
        ("1.5E3", "1500"),
        ("-0.5", "-0.5"),
        ("0", "0"),
        ("0.10000000000000001", "0.1"),
        ("0.30000000000000004", "0.3"),
        ("123456789012", "123456789012"),
        ("1E-6", "0.000001"),
    ],
)
def test_numbers_of_spreadsheets(raw: str, text: str) -> None:
    assert number_text(raw) == text


@pytest.mark.parametrize("raw", ["NaN", "1E999999", "", "x", "Infinity"])
def test_no_numbers(raw: str) -> None:
    with pytest.raises(ValueError, match=".*"):
        number_text(raw)


def test_exact_numbers_keep_all_digits() -> None:
    assert number_text("123456789012.123456", is_double=False) == "123456789012.123456"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("45688", "2025-01-31"),
        ("45688.395833333336", "2025-01-31 09:30:00"),
        ("45688.5000000116", "2025-01-31 12:00:00.001"),
    ],
)
def test_days_of_spreadsheets(raw: str, text: str) -> None:
    assert serial_text(raw) == text


def test_days_counted_from_1904() -> None:
    assert serial_text("44226", from_1904=True) == "2025-01-31"


@pytest.mark.parametrize(
    ("code", "is_date"),
    [
        ("yyyy-mm-dd", True),
        ("[$-422]d mmmm yyyy;@", True),
        ("[h]:mm", True),
        ("General", False),
        ("0.00", False),
        ('#,##0 "dm3"', False),
        ("[Red]0;[Blue]0", False),
    ],
)
def test_formats_that_show_dates(code: str, is_date: bool) -> None:
    assert is_date_format(code) is is_date


def _parse(kind: Any, cell: str, **more: Any) -> Any:
    column = Column(name="c", heading="c", dbf="C", kind=kind, **more)
    return parser_of(column, KYIV)(cell)


@pytest.mark.parametrize(
    ("cell", "value"),
    [("1,5", "1.5"), ("1 234,5", "1234.5"), ("1\u00a0234.5", "1234.5"), ("-3", "-3")],
)
def test_decimals(cell: str, value: str) -> None:
    assert _parse("decimal", cell) == Decimal(value)


@pytest.mark.parametrize("cell", ["1.234,5", "1e5", "NaN", "0x10", "١", "1.", ",5", "--1"])
def test_no_decimals(cell: str) -> None:
    if cell == "١":
        # Arabic digits are digits to Python; they mean the same number.
        assert _parse("decimal", cell) == 1
        return
    with pytest.raises(CellError):
        _parse("decimal", cell)


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2025-01-31", datetime(2025, 1, 30, 22, tzinfo=UTC)),
        ("31.01.2025 09:30", datetime(2025, 1, 31, 7, 30, tzinfo=UTC)),
        ("2025-07-01T09:30:15.5", datetime(2025, 7, 1, 6, 30, 15, 500_000, tzinfo=UTC)),
        ("2025-01-31 09:30Z", datetime(2025, 1, 31, 9, 30, tzinfo=UTC)),
        ("2025-10-26 03:30 +0300", datetime(2025, 10, 26, 0, 30, tzinfo=UTC)),
    ],
)
def test_moments(cell: str, moment: datetime) -> None:
    assert _parse("moment", cell) == moment


@pytest.mark.parametrize(
    "cell", ["2025-02-30", "31/01/2025", "2025-01-31 9", "9999-01-01", "2025-01-31 09:30+99:00"]
)
def test_no_moments(cell: str) -> None:
    with pytest.raises(CellError):
        _parse("moment", cell)


@given(st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)))  # noqa: DTZ001
def test_moments_are_written_so_that_they_are_read_back(naive: datetime) -> None:
    moment = naive.replace(tzinfo=UTC)
    assert _parse("moment", str(local_text(moment, KYIV))) == moment


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_headings_of_a_table_are_distinct(table: Table) -> None:
    names = [normalised(column.name) for column in table.columns]
    assert len(set(names)) == len(names)
    for code, _language in settings.LANGUAGES:
        with override(code):
            headings = [normalised(str(column.heading)) for column in table.columns]
        assert len(set(headings)) == len(headings), code


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_dbf_names_are_short_and_distinct(table: Table) -> None:
    names = [column.dbf for column in table.columns]
    assert len(set(names)) == len(names)
    assert [name for name in names if len(name) > 10 or not name.isascii()] == []


def test_headings_are_recognised_in_both_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.utils.translation import trans_real

    catalogue = trans_real.translation("uk")._catalog
    monkeypatch.setitem(catalogue._catalogs[0], "serial number", "заводський номер")
    [table] = [table for table in TABLES if table.name == "meters"]
    for heading in ("serial", "SERIAL ", "Serial  Number", "Заводський НОМЕР"):
        assert table.match([heading])[0].name == "serial"
    with pytest.raises(TableFileError, match="mean the same"):
        table.match(["serial", "заводський номер"])


def test_every_register_has_its_columns() -> None:
    names = {item.column.name for item in register_columns()}
    assert {"opening", "closing", "opening:heat.energy.register"} <= names
    assert "opening:heat.power" not in names
