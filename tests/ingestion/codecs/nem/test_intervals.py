"""NEM12: amounts, times, qualities and units of days, and every way a file can be wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from ingestion.codecs.errors import DecodeError
from ingestion.codecs.nem import decode_nem

from .writing import day, interval_file, lines, stream

_ONES = ["1"] * 48
_DAY = day("20240301", _ONES)


def test_a_day_is_one_list_of_exact_amounts_in_market_time() -> None:
    values = ["0.105", ".5", "7"] + ["0"] * 45
    telegram = decode_nem(interval_file(stream(), day("20240301", values)))
    (item,) = telegram.items
    assert item.value == [Decimal("0.105"), Decimal("0.5"), 7] + [0] * 45
    assert (item.name, item.unit) == ("e1_20240301", "kWh")
    assert item.facts["time"] == datetime(2024, 2, 29, 14, tzinfo=UTC)
    assert item.facts["end"] == datetime(2024, 3, 1, 14, tzinfo=UTC)
    assert item.facts["updated"] == datetime(2024, 3, 1, 14, 15, tzinfo=UTC)
    told = {
        "nmi": "NAAA000001",
        "suffix": "E1",
        "number": 1,
        "quantity": "active energy",
        "direction": "import",
        "register": "1",
        "stream": "N1",
        "meter": "M0001",
        "function": "interval",
        "quality": "actual",
        "method": "A",
        "step": 1800,
    }
    assert told.items() <= item.facts.items()
    assert telegram.octets[item.start : item.end].startswith(b"300,20240301,0.105,")
    assert telegram.identity == {
        "format": "NEM12",
        "id": "NAAA000001",
        "meter": "M0001",
        "created": "202403021000",
        "sender": "MDP1",
        "receiver": "RET1",
    }
    assert telegram.warnings == ()


@pytest.mark.parametrize(("minutes", "count"), [(5, 288), (15, 96), (30, 48)])
def test_every_grid_of_the_market(minutes: int, count: int) -> None:
    (item,) = decode_nem(
        interval_file(stream(minutes=minutes), day("20240301", range(count)))
    ).items
    assert item.value == list(range(count))
    assert item.facts["step"] == minutes * 60


@pytest.mark.parametrize(
    ("uom", "unit", "quantity"),
    [
        ("MWh", "MWh", "active energy"),
        ("KWH", "kWh", "active energy"),
        ("wh", "Wh", "active energy"),
        ("MVArh", "Mvarh", "reactive energy"),
        ("kVarh", "kvarh", "reactive energy"),
        ("VARH", "varh", "reactive energy"),
        ("kVAh", "kVAh", "apparent energy"),
        ("kW", "kW", "active power"),
        ("kVAr", "kvar", "reactive power"),
        ("MVA", "MVA", "apparent power"),
        ("V", "V", "voltage"),
        ("kA", "kA", "current"),
        ("pf", "", "power factor"),
    ],
)
def test_units_in_any_case_of_letters(uom: str, unit: str, quantity: str) -> None:
    (item,) = decode_nem(interval_file(stream(uom=uom), _DAY)).items
    assert (item.unit, item.facts["quantity"]) == (unit, quantity)


@pytest.mark.parametrize(
    ("suffix", "direction"),
    [("E1", "import"), ("B1", "export"), ("Q1", "import"), ("K1", "export"), ("V1", None)],
)
def test_the_suffix_tells_the_direction_as_the_meter_counts(
    suffix: str, direction: str | None
) -> None:
    (item,) = decode_nem(interval_file(stream(suffix), _DAY)).items
    assert item.facts.get("direction") == direction


def test_parts_of_a_day_have_a_quality_each() -> None:
    values = [str(number) for number in range(1, 49)]
    telegram = decode_nem(
        interval_file(
            stream(),
            day("20240301", values, "V,,,20240302001500,"),
            "400,1,20,F14,76,",
            "400,21,24,A,,",
            "400,25,48,S14,1,Fault",
        )
    )
    told = [
        (item.value[0], item.value[-1], item.facts["quality"], item.facts["method"])  # type: ignore[index]
        for item in telegram.items
    ]
    assert told == [
        (1, 20, "final substituted", "F14"),
        (21, 24, "actual", "A"),
        (25, 48, "substituted", "S14"),
    ]
    first, second, third = telegram.items
    assert (first.facts["reason"], "reason" in second.facts) == (76, False)
    assert (third.facts["reason"], third.facts["reason_text"]) == (1, "Fault")
    assert second.facts["time"] == datetime(2024, 3, 1, 0, tzinfo=UTC)
    assert second.facts["end"] == datetime(2024, 3, 1, 2, tzinfo=UTC)
    assert telegram.octets[second.start : second.end] == b"21,22,23,24"
    assert len({item.name for item in telegram.items}) == 3


def test_null_intervals_have_no_value() -> None:
    rows = (stream(), day("20240301", [0] * 48, "V,,,,"), "400,1,47,A,,", "400,48,48,N,,")
    actual, null = decode_nem(interval_file(*rows)).items
    assert actual.value == [0] * 47
    assert (null.value, null.facts["quality"]) == ([None], "null")


def test_what_is_odd_is_warned_of() -> None:
    nulls = day("20240301", _ONES, "N,,,,")
    strange = stream("X1", uom="furlong", minutes=10, nmi="N1")
    telegram = decode_nem(interval_file(stream(), nulls, strange, day("20240301", ["1"] * 144)))
    assert [warning.partition(": ")[2] for warning in telegram.warnings] == [
        "null intervals 1 to 48 have values.",
        "intervals of 10 minutes are not of the format.",
        "the NMI N1 has less than 10 characters.",
        "the configuration E1B1Q1K1 does not name X1.",
        "the unit “furlong” is not one of the format.",
    ]
    assert "id" not in telegram.identity
    assert telegram.tree["nmis"] == 2


def test_every_byte_is_explained() -> None:
    telegram = decode_nem(
        interval_file(stream(), day("20240301", _ONES, "V,,,,"), "400,1,48,A,,", "500,N,,,12.5")
    )
    covered = {
        place
        for part in (*telegram.items, *telegram.layers)
        for place in range(part.start, part.end)
    }
    assert covered == set(range(len(telegram.octets)))


@pytest.mark.parametrize(
    ("rows", "line", "why"),
    [
        ((_DAY,), 2, "a record 300 can't stand behind a record 100"),
        ((stream(),), 3, "a record 900 can't stand behind a record 200"),
        ((stream(), _DAY, "250,NAAA000001"), 4, "there is no record “250”"),
        ((stream(), _DAY, "", _DAY), 4, "the line is empty"),
        ((stream(), _DAY, "900", stream()), 5, "behind the end record"),
        ((stream(), "500,N,,,"), 3, "a record 500 can't stand behind a record 200"),
        ((stream() + ",1,2", _DAY), 2, "12 fields, and a record 200 has 10"),
        (("200,NAAA000001,E1,1,E1,N1,M1,kWh", _DAY), 2, "8 fields"),
        ((stream(minutes=7), _DAY), 2, "do not divide a day"),
        ((stream(minutes=0), _DAY), 2, "do not divide a day"),
        ((stream(nmi=""), _DAY), 2, "is no NMI"),
        ((stream("E1X"), _DAY), 2, "is no suffix"),
        ((stream(), day("20240301", ["1"] * 47)), 3, "47 values, and a day has 48"),
        ((stream(), day("20240301", ["1"] * 96)), 3, "96 values, and a day has 48"),
        ((stream(minutes=15), _DAY), 3, "48 values, and a day has 96"),
        ((stream(), day("20240301", _ONES, ",,,,")), 3, "48 values, and a day has 48"),
        ((stream(), day("20240301", _ONES, "A,,,,,9")), 3, "behind the last"),
        ((stream(), day("20240301", ["1"] * 47 + ["-1"])), 3, "“-1”, value 48, is no amount"),
        ((stream(), day("20240301", ["1"] * 47 + [""])), 3, "“”, value 48, is no amount"),
        ((stream(), day("20240301", ["1"] * 47 + ["1e9"])), 3, "“1e9”, value 48"),
        ((stream(), day("20240230", _ONES)), 3, "“20240230” is no date"),
        ((stream(), day("2024030", _ONES)), 3, "is no date"),
        ((stream(), day("20240301", _ONES, "A,,,20240301,")), 3, "is no time"),
        ((stream(), day("20240301", _ONES, "S,76,,,")), 3, "“S” is no quality method"),
        ((stream(), day("20240301", _ONES, "A14,76,,,")), 3, "“A14” is no quality method"),
        ((stream(), day("20240301", _ONES, "S14,7x,,,")), 3, "“7x” is no reason code"),
        ((stream(), _DAY, _DAY), 4, "is not later than the day before"),
        ((stream(), day("20240302", _ONES), _DAY), 4, "is not later than the day before"),
        ((stream(), _DAY, stream(), _DAY), 5, "stands there a second time"),
        ((stream(), _DAY, "400,1,48,A,,"), 4, "no varying quality"),
        ((stream(), day("20240301", _ONES, "V,,,,")), 3, "interval 1 is told by no record 400"),
    ],
)  # fmt: skip
def test_what_breaks_the_format_is_refused_with_its_line(
    rows: tuple[str, ...], line: int, why: str
) -> None:
    with pytest.raises(DecodeError, match=why) as refused:
        decode_nem(interval_file(*rows))
    assert refused.value.reason.startswith(f"line {line}: ")
    before = sum(len(row) + 2 for row in ("100,NEM12,202403021000,MDP1,RET1", *rows)[: line - 1])
    assert refused.value.offset >= before


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        (("1,20,A,,", "22,48,A,,"), "intervals 22 to 48, where 21 comes next"),
        (("1,20,A,,", "20,48,A,,"), "intervals 20 to 48, where 21 comes next"),
        (("1,20,A,,",), "interval 21 is told by no record 400"),
        (("1,49,A,,",), "“49” is no interval of a day of 48"),
        (("0,48,A,,",), "“0” is no interval of a day of 48"),
        (("5,3,A,,",), "intervals 5 to 3"),
        (("1,48,V,,",), "a part of a day can't have a varying quality"),
        (("1,48,A,,,7",), "7 fields, and a record 400 has 6"),
    ],
)
def test_parts_that_do_not_make_a_day_are_refused(parts: tuple[str, ...], why: str) -> None:
    rows = [f"400,{part}" for part in parts]
    with pytest.raises(DecodeError, match=why):
        decode_nem(interval_file(stream(), day("20240301", _ONES, "V,,,,"), *rows))


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"", "the file is empty"),
        (b"\r\n\r\n", "the file is empty"),
        (lines("200,NAAA000001"), "line 1: the file does not begin with a header"),
        (lines("", stream(), _DAY, "900"), "line 1: the file does not begin with a header"),
        (lines("100,NEM14,202403021000,A,B", "900"), "“NEM14” is neither NEM12 nor NEM13"),
        (lines("100,NEM12,2024,A,B", "900"), "“2024” is no time"),
        (lines("100,NEM12,202403021000,A,B", stream(), _DAY), "line 3: the end record"),
        (lines("100,NEM12,202403021000,A,B", "900"), "the file holds no values"),
        (lines("100,NEM12,202403021000,A,B,C", "900"), "6 fields, and a record 100 has 5"),
        (lines("100,NEM12,202403021000,A,B", "900,1"), "2 fields, and a record 900 has 1"),
    ],
)
def test_files_that_are_not_whole_are_refused(octets: bytes, why: str) -> None:
    with pytest.raises(DecodeError, match=why):
        decode_nem(octets)


def test_fields_left_out_or_padded_at_the_end_of_a_line_are_no_fault() -> None:
    padding = "," * 30
    rows = (f"200,NAAA000001,E1,1,E1,N1,M1,KWH,30{padding}", day("20240301", _ONES, "A"))
    plain = lines(f"100,NEM12,202403021000,A,B{padding}", *rows, f"900{padding}", "", "")
    assert decode_nem(b"\xef\xbb\xbf" + plain).items[0].value == [1] * 48
    assert decode_nem(plain.replace(b"\r", b"").rstrip()).items[0].value == [1] * 48
