"""A file with bad rows imports nothing and lists exactly these."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hierarchy.models import Node
from meters.models import Meter, UsagePoint

from .conftest import Desk, book, complaint, report_of, rows_of, wide
from .test_wide import ROW

if TYPE_CHECKING:
    from tests.people import World

# One wrong cell a row, of every kind of thing.
FLAWS: list[dict[str, str]] = [
    {"digits": "0"},
    {"resource": "steam"},
    {"meter_type": "nobody"},
    {"module_type": "nobody"},
    {"installed_at": "yesterday"},
    {"opening": "1e5"},
    {"apartment": "a" * 201},
    {"connected_from": "2025-13-01"},
    {"role": "thief"},
    {"usage_point_code": ""},
]


def _rows(count: int, bad: int) -> list[dict[str, str]]:
    rows = []
    step = count // bad
    for number in range(count):
        row = {
            **ROW,
            "resource": "cold_water",
            "role": "consumption",
            "network_node": "",
            "network_kind": "",
            "connected_from": "",
            "apartment": str(number),
            "usage_point_code": f"P{number}",
            "module_serial": f"M{number}",
            "module_address": f"A{number}",
            "meter_serial": f"{number:06d}",
        }
        index, rest = divmod(number, step)
        if rest == 0 and index < bad:
            row |= FLAWS[index % len(FLAWS)]
        rows.append(row)
    return rows


@pytest.mark.parametrize("dry", [True, False])
def test_thirty_seven_bad_rows(world: World, dry: bool) -> None:
    rows = _rows(400, 37)
    bad = [number for number, row in enumerate(rows, start=2) if _is_bad(row)]
    assert len(bad) == 37
    before = Node.objects.count(), UsagePoint.objects.count(), Meter.objects.count()
    desk = Desk(world.city.engineer, resource=1)
    if dry:
        report = report_of(desk.check(wide(rows)))
    else:
        report = _imported_at_once(world, wide(rows))
    assert [problem.row for problem in report.problems] == bad
    assert len(report.bad_rows) == 37
    assert (Node.objects.count(), UsagePoint.objects.count(), Meter.objects.count()) == before


def _is_bad(row: dict[str, str]) -> bool:
    return any(all(row.get(key) == value for key, value in flaw.items()) for flaw in FLAWS)


def _imported_at_once(world: World, data: bytes) -> Any:
    from config.lib.tables.reading import read_table
    from meters.tables.resources import WideResource

    resource = WideResource(company=world.city.company, actor=world.city.engineer)
    return resource.import_data(read_table(data, kind="csv"), dry_run=False, file_name="x").report


def test_the_page_shows_and_hands_out_the_errors(world: World) -> None:
    desk = Desk(world.city.engineer, resource=1)
    answer = desk.check(wide(_rows(80, 4)))
    html = answer.content.decode()
    assert "4 rows have errors, so nothing was imported." in html
    assert "confirm_form" not in answer.context_data
    link = answer.context_data["errors_url"]
    listed = rows_of(desk.client.get(link).content)
    assert [row["Row"] for row in listed] == ["2", "22", "42", "62"]
    assert [row["Column"] for row in listed] == ["digits", "resource", "meter_type", "module_type"]
    assert listed[1]["Value"] == "steam"
    assert Desk(world.city.administrator).client.get(link).status_code == 404


def test_one_bad_sheet_stops_the_others(world: World) -> None:
    city = world.city
    sheets = {
        "nodes": [["system", "kind", "name", "code"], ["territory", "city", "Lviv", "L"]],
        "usage_points": [
            ["code", "resource", "place"],
            ["NEW-1", "gas", "L"],
            ["NEW-2", "gas", "nowhere"],
        ],
        "meters": [["serial", "type", "digits"], ["N1", city.device_type.code, "99"]],
        "installations": [
            ["usage_point", "meter", "installed_at"],
            ["NEW-1", "N1", "2025-01-01"],
            ["NEW-2", "N1", "2025-01-01"],
        ],
    }
    desk = Desk(city.engineer, resource=2)
    report = report_of(desk.check(book(sheets), kind="xlsx"))
    # What is installed there is not blamed for the meter and the point that are wrong.
    found = [(problem.sheet, problem.row, problem.column) for problem in report.problems]
    assert found == [("usage_points", 3, "place"), ("meters", 2, "digits")]
    assert not Node.objects.filter(code="L").exists()
    sheets["usage_points"].pop()
    sheets["installations"].pop()
    sheets["meters"][1][2] = "9"
    desk.bring_in(book(sheets), kind="xlsx")
    assert UsagePoint.objects.get(code="NEW-1").installations.count() == 1


def test_a_confirmed_file_is_checked_again(world: World) -> None:
    city = world.city
    desk = Desk(city.engineer, resource=1)
    [row] = _rows(1, 1)
    row["digits"] = "8"
    answer = desk.check(wide([row]))
    Meter.objects.filter(pk=city.spare.pk).update(serial="000000", module=city.module, port=9)
    row_of_other = {"serial": "X", "device_type": city.device_type, "company": city.company}
    Meter.objects.create(**row_of_other, module=None)
    UsagePoint.objects.filter(pk=city.usage_point.pk).update(code="P0", resource="gas")
    second = desk.confirm(answer)
    assert second.status_code == 200
    assert second.context_data["report"].problem_count == 1
    assert not Node.objects.filter(name="Харків").exists()


def test_a_file_is_confirmed_once_and_by_the_one_who_checked_it(world: World) -> None:
    desk = Desk(world.city.engineer, resource=1)
    [row] = _rows(1, 1)
    row["digits"] = "8"
    answer = desk.check(wide([row]))
    colleague = Desk(world.city.administrator, resource=1)
    assert "somebody else" in colleague.confirm(answer).content.decode()
    elsewhere = Desk(world.city.engineer, "meters_usagepoint", 1)
    assert "elsewhere" in elsewhere.confirm(answer).content.decode()
    assert desk.confirm(answer).status_code == 302
    assert Meter.objects.filter(serial="000000").count() == 1
    again = desk.client.post(
        desk.url("process_import"),
        {"token": answer.context_data["confirm_form"].initial["token"]},
        follow=True,
    )
    assert "The file is gone." in again.content.decode()


def test_a_token_that_was_changed(world: World) -> None:
    desk = Desk(world.city.engineer)
    answer = desk.client.post(desk.url("process_import"), {"token": "abc:def:ghi"})
    assert answer.status_code == 200
    assert "Upload the file again" in answer.content.decode()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"\n\n", "no headings"),
        (b"usage_point_code\n", "no row below"),
        (b"usage_point_code,volume\nA,1\n", "no column “volume”"),
        (b"meter_serial,METER_SERIAL\nA,1\n", "mean the same"),
        (b"meter_serial,meter: serial number\nA,1\n", "mean the same"),
        (b'meter_serial\n"A', "Line 2"),
        (b"\x00\x01\x02", "no text"),
    ],
)
def test_a_file_that_is_no_table(world: World, data: bytes, words: str) -> None:
    desk = Desk(world.city.engineer, resource=1)
    assert words in complaint(desk.check(data))
