"""The wide sheet: what a row makes, what it matches, and what is wrong with it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from accounts.models import Activity
from hierarchy.models import Node
from hierarchy.numbering import tree_faults
from meters.models import Channel, Installation, Meter, TelemetryModule, UsagePoint

from .conftest import Desk, messages_of, report_of, wide

if TYPE_CHECKING:
    from tests.people import World

ROW = {
    "city": "Харків",
    "street": "Сумська",
    "building": "10",
    "apartment": "7",
    "usage_point_code": "CW-7",
    "usage_point_name": "Кухня",
    "resource": "холодна вода",
    "network_node": "Насосна, Ввід 10",
    "network_kind": "inlet",
    "connected_from": "01.02.2025",
    "module_serial": "000123456789",
    "module_type": "water-canarycity",
    "module_address": "0004A30B",
    "meter_serial": "00042",
    "meter_type": "water-canarycity",
    "port": "2",
    "digits": "8",
    "verified": "2024-05-14",
    "verification_due": "14.05.2032",
    "installed_at": "2025-02-01 09:30",
    "multiplier": "1,5",
    "opening": "12,345",
}


@pytest.fixture
def desk(world: World) -> Desk:
    city = world.city
    Node.objects.filter(pk=city.source.pk).update(name="Насосна", path="Насосна", code="")
    return Desk(city.engineer, resource=1)


@pytest.fixture
def row(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The words of the row are Ukrainian, whatever the catalogue holds so far."""
    from django.utils.translation import trans_real

    catalogue = trans_real.translation("uk")._catalog
    monkeypatch.setitem(catalogue._catalogs[0], "cold water", "холодна вода")
    return dict(ROW)


def _counts(report: Any) -> dict[str, tuple[int, int, int]]:
    return {name: (c.new, c.changed, c.unchanged) for name, c in report.counts.items()}


def test_a_row_makes_everything_it_names(world: World, desk: Desk, row: dict[str, str]) -> None:
    report = desk.bring_in(wide([row]), name="лютий.csv")
    assert _counts(report) == {
        "nodes": (5, 0, 0),
        "usage_points": (1, 0, 0),
        "modules": (1, 0, 0),
        "meters": (1, 0, 0),
        "installations": (1, 0, 0),
    }
    installation = Installation.objects.get(meter__serial="00042")
    point, meter = installation.usage_point, installation.meter
    assert point.place.path == "Харків, Сумська, 10, 7"
    assert point.network_node is not None
    assert (point.network_node.path, point.network_node.kind) == ("Насосна, Ввід 10", "inlet")
    assert point.connections.get().valid_from == date(2025, 2, 1)
    assert meter.module is not None
    assert (meter.module.serial, meter.port, meter.digits) == ("000123456789", 2, 8)
    assert meter.module.place == point.place
    assert (meter.status, meter.usage_point) == ("installed", point)
    # Kyiv is two hours ahead in winter.
    assert installation.installed_at == datetime(2025, 2, 1, 7, 30, tzinfo=UTC)
    assert installation.multiplier == Decimal("1.5")
    assert installation.readings.get().opening == Decimal("12.345")
    assert Channel.objects.filter(usage_point=point).count() == 2
    assert tree_faults(company_id=world.city.company.pk, system="territory") == []
    assert tree_faults(company_id=world.city.company.pk, system="cold_water") == []


def test_the_file_is_the_reason_in_the_audit(world: World, desk: Desk, row: dict[str, str]) -> None:
    desk.bring_in(wide([row]), name="лютий.csv")
    meter = Meter.objects.get(serial="00042")
    context = meter.events.order_by("pgh_id").first().pgh_context  # type: ignore[attr-defined]
    assert "лютий.csv" in context["reason"]
    assert context["user"] == world.city.engineer.pk
    activity = Activity.objects.get(kind=Activity.Kind.IMPORT)
    assert activity.company == world.city.company
    assert activity.user == world.city.engineer
    assert "лютий.csv" in activity.detail


def test_checking_changes_nothing(desk: Desk, row: dict[str, str]) -> None:
    before = Node.objects.count(), Meter.objects.count(), Activity.objects.count()
    answer = desk.check(wide([row]))
    assert report_of(answer).clean
    assert (Node.objects.count(), Meter.objects.count(), Activity.objects.count()) == before
    assert "Харків" in answer.content.decode()


def test_the_second_time_nothing_changes(desk: Desk, row: dict[str, str]) -> None:
    desk.bring_in(wide([row]))
    report = desk.bring_in(wide([row]))
    assert all(counts.written == 0 for counts in report.counts.values())


def test_what_differs_is_shown_and_changed(desk: Desk, row: dict[str, str]) -> None:
    desk.bring_in(wide([row]))
    changed = {**row, "usage_point_name": "Ванна", "digits": "6", "opening": "12.346"}
    report = desk.bring_in(wide([changed]))
    assert _counts(report)["usage_points"] == (0, 1, 0)
    fields = {field for change in report.changes for field in change.fields}
    assert ("usage_point_name", "Кухня", "Ванна") in fields
    assert ("digits", "8", "6") in fields
    assert UsagePoint.objects.get(code="CW-7").name == "Ванна"
    assert Installation.objects.get(meter__serial="00042").readings.get().opening == Decimal(
        "12.346"
    )


def test_an_empty_cell_keeps_what_is_stored(desk: Desk, row: dict[str, str]) -> None:
    desk.bring_in(wide([row]))
    bare = {"usage_point_code": "CW-7", "usage_point_name": "", "resource": ""}
    assert desk.bring_in(wide([bare])).counts["usage_points"].unchanged == 1
    assert UsagePoint.objects.get(code="CW-7").name == "Кухня"


def test_rows_share_places_and_modules(desk: Desk, row: dict[str, str]) -> None:
    second = {
        **row,
        "apartment": "8",
        "usage_point_code": "CW-8",
        "meter_serial": "00043",
        "port": "3",
    }
    report = desk.bring_in(wide([row, second]))
    assert _counts(report)["nodes"] == (6, 0, 0)
    assert _counts(report)["modules"] == (1, 0, 0)
    assert TelemetryModule.objects.get(serial="000123456789").meters.count() == 2


def test_places_may_begin_below_the_root(world: World, desk: Desk, row: dict[str, str]) -> None:
    """A file that leaves the city out still finds the street, as long as there is only one."""
    street, building = world.city.street, world.city.building
    del row["city"]
    report = desk.bring_in(wide([{**row, "street": street.name, "building": building.name}]))
    assert report.counts["nodes"].new == 2
    assert UsagePoint.objects.get(code="CW-7").place.parent == building


def test_only_a_usage_point(desk: Desk, row: dict[str, str]) -> None:
    names = ("city", "street", "building", "apartment", "usage_point_code", "resource")
    desk.bring_in(wide([{name: row[name] for name in names}]))
    assert not Installation.objects.filter(usage_point__code="CW-7").exists()


def test_two_meters_swap_their_ports(desk: Desk, row: dict[str, str]) -> None:
    second = {**row, "usage_point_code": "CW-8", "meter_serial": "00043", "port": "3"}
    desk.bring_in(wide([row, second]))
    desk.bring_in(wide([{**row, "port": "3"}, {**second, "port": "2"}]))
    ports = dict(Meter.objects.filter(module__isnull=False).values_list("serial", "port"))
    assert (ports["00042"], ports["00043"]) == (3, 2)


@pytest.mark.parametrize(
    ("cells", "column", "words"),
    [
        ({"resource": "steam"}, "resource", "none of"),
        ({"meter_type": "nobody-1"}, "meter_type", "no device type"),
        ({"digits": "13"}, "digits", "less than or equal to 12"),
        ({"digits": "eight"}, "digits", "whole number"),
        ({"port": "999"}, "port", "less than or equal to 255"),
        ({"multiplier": "0"}, "multiplier", "0.0001"),
        ({"multiplier": "1,000.5"}, "multiplier", "not a number"),
        ({"opening": "123456789"}, "opening", "more digits than the 8"),
        ({"opening": "-1"}, "opening", "greater than or equal to 0"),
        ({"opening": "1.1234567"}, "opening", "no more than 6 decimal"),
        ({"verified": "31.02.2024"}, "verified", "no such day"),
        ({"verified": "0001-01-01"}, "verified", "between 1900"),
        ({"installed_at": "2025-03-30 03:30"}, "installed_at", "skipped 03:30"),
        ({"installed_at": "2025-10-26 03:30"}, "installed_at", "twice"),
        ({"installed_at": "2025-02-01 25:00"}, "installed_at", "no such time"),
        ({"installed_at": ""}, "installed_at", "missing"),
        ({"removed_at": "2025-01-31"}, "removed_at", "after it is installed"),
        ({"closing": "13"}, "closing", "when the meter was removed"),
        ({"closing:gas.volume.register": "13"}, "closing:gas.volume.register", "no such register"),
        ({"usage_point_code": "x" * 65}, "usage_point_code", "at most 64"),
        ({"usage_point_name": "a\x07b"}, "usage_point_name", "Control characters"),
        ({"network_node": "Nowhere", "network_kind": ""}, "network_node", "no node with"),
        ({"network_kind": "apartment"}, "network_kind", "There is no"),
        ({"connected_from": ""}, "connected_from", "since which day"),
        ({"module_type": ""}, "module_type", "of which type"),
        ({"meter_serial": ""}, "meter_serial", "missing"),
        ({"place": "Харків"}, "place", "name another place"),
        ({"place": "Одеса"}, "place", "no node with"),
    ],
)
def test_a_wrong_cell_is_named(
    desk: Desk, row: dict[str, str], cells: dict[str, str], column: str, words: str
) -> None:
    report = report_of(desk.check(wide([{**row, **cells}])))
    found = messages_of(report)
    assert any(place == column and words in text for _row, place, text in found), found
    assert {number for number, _column, _text in found} == {2}


def test_a_time_that_was_twice_is_told_apart_by_its_offset(desk: Desk, row: dict[str, str]) -> None:
    desk.bring_in(wide([{**row, "installed_at": "2025-10-26 03:30+02:00"}]))
    installed = Installation.objects.get(meter__serial="00042").installed_at
    assert installed == datetime(2025, 10, 26, 1, 30, tzinfo=UTC)


def test_rows_that_contradict_each_other(desk: Desk, row: dict[str, str]) -> None:
    other = {**row, "usage_point_name": "Ванна", "meter_serial": "00043", "port": "3"}
    report = report_of(desk.check(wide([row, other])))
    found = messages_of(report)
    assert (3, "usage_point_name", "Row 2 says “Кухня” of the same usage point.") in found
    assert any(number == 3 and "00042 is installed there" in text for number, _c, text in found)


def test_ports_addresses_and_periods_that_are_taken(
    world: World, desk: Desk, row: dict[str, str]
) -> None:
    city = world.city
    taken = {
        **row,
        "module_serial": city.module.serial,
        "module_address": "",
        "port": "1",
        "usage_point_code": city.usage_point.code,
        "apartment": "",
        "building": "",
        "street": "",
        "city": "",
        "network_node": "",
        "network_kind": "",
        "connected_from": "",
    }
    other = {**row, "meter_serial": city.meter.serial, "module_address": city.module.address}
    report = report_of(desk.check(wide([taken, other])))
    found = messages_of(report)
    port = f"Port 1 of module {city.module} is taken by meter {city.meter}."
    address = f"The module {city.module} already has this network address."
    assert (2, "port", port) in found
    assert (3, "module_address", address) in found


def test_an_overlap_with_a_stored_installation(
    world: World, desk: Desk, row: dict[str, str]
) -> None:
    city = world.city
    taken = {
        "usage_point_code": city.usage_point.code,
        "meter_serial": city.spare.serial,
        "installed_at": "2025-05-01",
    }
    elsewhere = {**row, "meter_serial": city.meter.serial, "module_serial": "", "module_type": ""}
    elsewhere |= {"module_address": "", "port": ""}
    report = report_of(desk.check(wide([taken, elsewhere])))
    assert messages_of(report) == [
        (2, "installed_at", f"Meter {city.meter} is installed there in this period."),
        (3, "installed_at", f"The meter is installed at {city.usage_point} in this period."),
    ]
