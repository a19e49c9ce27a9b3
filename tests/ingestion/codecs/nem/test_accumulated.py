"""NEM13: two reads of a register and what was used between them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.nem import decode_nem

from .writing import READS, read_file


def test_reads_and_quantity_are_items_of_their_own() -> None:
    telegram = decode_nem(read_file(READS, "550,N,,S,SO12"))
    previous, current, quantity = telegram.items
    assert [item.value for item in telegram.items] == [
        Decimal("9990.5"),
        Decimal("10.5"),
        Decimal("20.0"),
    ]
    assert [item.unit for item in telegram.items] == ["", "", "kWh"]
    assert (previous.facts["storage"], current.facts["storage"]) == (1, 0)
    assert (previous.facts["method"], current.facts["method"]) == ("A", "S61")
    assert (current.facts["reason"], current.facts["reason_text"]) == (45, "Locked gate")
    assert current.facts["time"] == datetime(2024, 2, 1, 0, 15, tzinfo=UTC)
    assert quantity.facts["time"] == previous.facts["time"]
    assert quantity.facts["end"] == current.facts["time"]
    assert (quantity.facts["function"], quantity.facts["direction"]) == ("interval", "import")
    assert "number" not in quantity.facts
    assert telegram.octets[current.start : current.end] == b"000010.5"


@pytest.mark.parametrize(
    ("before", "after", "used", "unit"),
    [
        ("00100", "00120", "20", "kWh"),
        ("99990", "00010", "20", "kWh"),
        ("00120", "00100", "-20", "kWh"),
        ("00100", "00120", "-20", "kWh"),
        ("00100", "00120", "800", ""),
        ("00100.5", "00101.0", "0.5", "kWh"),
    ],
)
def test_reads_have_the_unit_of_the_quantity_where_they_differ_by_it(
    before: str, after: str, used: str, unit: str
) -> None:
    row = READS.replace("009990.5", before).replace("000010.5", after).replace("20.0", used)
    telegram = decode_nem(read_file(row))
    assert [item.unit for item in telegram.items] == [unit, unit, "kWh"]
    assert bool(telegram.warnings) is not bool(unit)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (",E,", ",X,", "“X” is no direction"),
        ("009990.5", "-1", "“-1” is no register read"),
        ("000010.5", "", "“” is no register read"),
        ("20240201101500", "20231231000000", "not later than the previous"),
        ("20240201101500", "20240101093000", "not later than the previous"),
        ("20240101093000", "20240101253000", "is no time"),
        ("S61", "V", "a read can't have a varying quality"),
        ("S61", "S6", "“S6” is no quality method"),
        (",20.0,", ",,", "“” is no quantity"),
        (",20.0,", ",2O,", "“2O” is no quantity"),
        ("20240501", "20240532", "is no date"),
        ("20240203000000", "20240203000000,1", "24 fields, and a record 250 has 23"),
        (",1,11,11,", ",1,,11,", "is no suffix"),
    ],
)
def test_what_breaks_the_format_is_refused(old: str, new: str, why: str) -> None:
    assert old in READS
    with pytest.raises(DecodeError, match=f"line 2: .*{why}"):
        decode_nem(read_file(READS.replace(old, new, 1)))


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ((READS, READS), "line 3: .* a second time"),
        (("550,N,,S,",), "line 2: a record 550 can't stand behind a record 100"),
        ((READS, "550,N,,Z,"), "line 3: “Z” is no transaction code"),
        ((READS, "300,20240101"), "line 3: there is no record “300”"),
    ],
)
def test_records_out_of_place_are_refused(rows: tuple[str, ...], why: str) -> None:
    with pytest.raises(DecodeError, match=why):
        decode_nem(read_file(*rows))
