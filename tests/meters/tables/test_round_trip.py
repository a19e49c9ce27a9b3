"""An exported file that is imported again changes nothing, in every format."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from hierarchy.services import node_create
from meters.models import Installation, Meter, TelemetryModule, UsagePoint
from meters.services.installations import meter_install, meter_remove

from .conftest import KINDS, Desk, rows_of

if TYPE_CHECKING:
    from tests.people import World

# Page and table: each kind alone, and the wide sheet.
PAGES = [
    ("hierarchy_node", 0),
    ("meters_usagepoint", 0),
    ("meters_usagepoint", 1),
    ("meters_telemetrymodule", 0),
    ("meters_meter", 0),
    ("meters_installation", 0),
]
EVIL = ("=1+1", "+380 44", "-5", "@home", "'=quoted", "''-twice", "#REF!", "Їжак, „Ґанок“")


@pytest.fixture
def city(world: World) -> Any:
    """Names that a spreadsheet would take for something else, and values that need every digit."""
    city = world.city
    for number, name in enumerate(EVIL):
        node_create(
            actor=None,
            company=city.company,
            system="territory",
            kind="building",
            name=name,
            code=f"0{number}",
            parent=city.street,
            latitude=Decimal("-50.450101"),
            longitude=Decimal("30.523400"),
        )
        place = node_create(
            actor=None,
            company=city.company,
            system="territory",
            kind="apartment",
            name=name,
            parent=city.building,
        )
        point = UsagePoint.objects.create(
            company=city.company,
            code=f"{number:04d}",
            name=name,
            resource="cold_water",
            place=place,
        )
        module = TelemetryModule.objects.create(
            company=city.company,
            serial=f"12345678901{number}",
            device_type=city.device_type,
            address=name,
        )
        meter = Meter.objects.create(
            company=city.company,
            serial=f"0000{number}",
            device_type=city.device_type,
            module=module,
            port=number,
            digits=12,
            verified_on=date(2024, 2, 29),
            verification_due_on=date(2032, 2, 28),
        )
        # 03:30 in Kyiv was twice on that morning; this is the second one.
        meter_install(
            actor=None,
            meter=meter,
            usage_point=point,
            at=datetime(2025, 10, 26, 1, 30, 0, number, tzinfo=UTC),
            readings={"cold_water.volume.register": Decimal("123456789012.123456")},
            multiplier=Decimal("0.0001"),
            reason=name,
        )
    return city


def _stored() -> list[Any]:
    return [
        sorted(map(repr, model.objects.order_by("pk").values()))
        for model in (UsagePoint, TelemetryModule, Meter, Installation)
    ]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "dbf-866"])
@pytest.mark.parametrize("headings", ["names", "words"])
def test_nothing_changes(city: Any, kind: str, headings: str) -> None:
    before = _stored()
    for page, resource in PAGES:
        desk = Desk(city.engineer, page, resource)
        data = desk.take_out(kind=kind, headings=headings)
        report = desk.bring_in(data, kind=kind)
        written = {name: counts for name, counts in report.counts.items() if counts.written}
        assert written == {}, (page, resource, report.changes)
        assert sum(counts.unchanged for counts in report.counts.values()) >= len(EVIL)
    assert _stored() == before


@pytest.mark.parametrize("kind", ["xlsx", "xls"])
def test_several_sheets_change_nothing(city: Any, kind: str) -> None:
    desk = Desk(city.engineer, resource=2)
    report = desk.bring_in(desk.take_out(kind=kind), kind=kind)
    assert [counts.written for counts in report.counts.values()] == [0, 0, 0, 0, 0]
    assert report.counts["nodes"].unchanged == 8 + 2 * len(EVIL)


def test_a_removed_meter_keeps_its_closing_reading(city: Any) -> None:
    installation = Installation.objects.get(meter__serial="00001")
    at = datetime(2025, 12, 1, 8, tzinfo=UTC)
    closing = {"cold_water.volume.register": Decimal("999999999999.000001")}
    meter_remove(actor=None, installation=installation, at=at, readings=closing)
    desk = Desk(city.engineer, "meters_installation")
    data = desk.take_out(kind="xlsx")
    [row] = [row for row in rows_of(data, kind="xlsx") if row["meter"] == "00001"]
    assert row["closing:cold_water.volume.register"] == "999999999999.000001"
    assert row["removed_at"] == "2025-12-01 10:00:00"
    assert desk.bring_in(data, kind="xlsx").counts["installations"].written == 0


def test_an_emptied_company_is_filled_again_by_the_wide_sheet(city: Any) -> None:
    desk = Desk(city.engineer, resource=1)
    data = desk.take_out(kind="xlsx")
    Installation.objects.filter(company=city.company).delete()
    Meter.objects.filter(company=city.company).delete()
    report = desk.bring_in(data, kind="xlsx")
    assert report.counts["meters"].new == len(EVIL) + 2
    assert report.counts["installations"].new == len(EVIL) + 1
    assert desk.take_out(kind="csv") == Desk(city.engineer, resource=1).take_out(kind="csv")
    serials = set(Meter.objects.filter(company=city.company).values_list("serial", flat=True))
    assert {"00000", "00007"} <= serials
    opening = Installation.objects.get(meter__serial="00000").readings.get().opening
    assert opening == Decimal("123456789012.123456")


def test_letters_that_a_code_page_lacks_are_refused(city: Any) -> None:
    desk = Desk(city.engineer, "hierarchy_node")
    form = {"resource": "0", "format": str(KINDS.index("dbf-866")), "headings": "names"}
    answer = desk.client.post(desk.url("export"), form)
    [[message]] = answer.context_data["form"].errors.values()
    assert "cp866" in message
    assert "Choose another" in message


def test_dbf_is_read_by_the_library_that_billing_uses(city: Any, tmp_path: Any) -> None:
    import dbf

    path = tmp_path / "points.dbf"
    path.write_bytes(Desk(city.engineer, "meters_usagepoint").take_out(kind="dbf-1251"))
    with dbf.Table(str(path)) as found:
        names = {record.NAME.strip() for record in found}
    assert "Їжак, „Ґанок“" in names
