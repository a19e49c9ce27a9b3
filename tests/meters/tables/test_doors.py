"""Who may import and export, and what they meet of other companies: nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from accounts.grants import forget_grants
from accounts.models import Activity, Company, Role
from accounts.services.memberships import membership_grant
from hierarchy.models import Node
from meters.models import Meter, UsagePoint

from .conftest import Desk, complaint, messages_of, report_of, rows_of, table, wide

if TYPE_CHECKING:
    from tests.people import World

PAGES = (
    "hierarchy_node",
    "meters_usagepoint",
    "meters_telemetrymodule",
    "meters_meter",
    "meters_installation",
)
MAY = {
    "administrator": (True, True),
    "engineer": (True, True),
    "dispatcher": (False, False),
    "clerk": (False, False),
    "billing": (False, False),
    "auditor": (False, False),
    # Part of the tree: export of that part, import of nothing.
    "keeper": (False, True),
}


@pytest.mark.parametrize("page", PAGES)
def test_who_may(world: World, page: str) -> None:
    for name, (may_import, may_export) in MAY.items():
        desk = Desk(world.city.people[name], page)
        importing = [desk.client.get(desk.url("import")), desk.client.post(desk.url("import"))]
        importing.append(desk.client.post(desk.url("process_import"), {"token": "x"}))
        importing.append(desk.client.get(desk.url("import_template") + "?resource=0&format=0"))
        statuses = {answer.status_code for answer in importing}
        assert statuses == ({200} if may_import else statuses - {200}), (name, statuses)
        answer = desk.client.get(desk.url("export"))
        assert (answer.status_code == 200) is may_export, (name, answer.status_code)


def test_buttons_are_there_for_those_who_may(world: World) -> None:
    for name, (may_import, may_export) in MAY.items():
        desk = Desk(world.city.people[name])
        html = desk.client.get(desk.url("changelist")).content.decode()
        assert (desk.url("import") in html) is may_import, name
        assert (desk.url("export") in html) is may_export, name


def test_billing_may_export_where_the_administration_lets_it_in(world: World) -> None:
    role = Role.objects.create(company=world.city.company, code="b", name="Billing office")
    from django.contrib.auth.models import Permission

    for codename in ("use_admin", "export_data", "view_meters"):
        role.permissions.add(
            Permission.objects.get(codename=codename, content_type__model="company")
        )
    user = world.city.billing
    membership_grant(actor=None, user=user, company=world.city.company, role=role, accepted=True)
    forget_grants(user)
    desk = Desk(user)
    assert [row["serial"] for row in rows_of(desk.take_out())] == [
        "MET-CANARYCITY",
        "SPARE-CANARYCITY",
    ]
    assert desk.client.get(desk.url("import")).status_code == 403


@pytest.mark.parametrize("resource", [0, 1])
@pytest.mark.parametrize("page", PAGES[1:])
def test_exports_hold_one_company(world: World, page: str, resource: int) -> None:
    data = Desk(world.city.administrator, page, resource).take_out()
    assert b"CANARYCITY" in data
    assert b"CANARYHILL" not in data


def test_a_part_of_the_tree_is_all_that_its_keeper_takes_out(world: World) -> None:
    city = world.city
    far = UsagePoint.objects.create(
        company=city.company, code="FAR", resource="gas", place=city.far_building
    )
    keeper = Desk(city.keeper, "meters_usagepoint")
    assert [row["code"] for row in rows_of(keeper.take_out())] == [city.usage_point.code]
    codes = [row["usage_point_code"] for row in rows_of(Desk(city.keeper, resource=1).take_out())]
    assert city.usage_point.code in codes
    assert far.code not in codes


def test_seeing_without_export_takes_out_nothing(world: World) -> None:
    """Who may look at everything, but take out one street only, gets that street."""
    city = world.city
    UsagePoint.objects.create(
        company=city.company, code="FAR", resource="gas", place=city.far_building
    )
    auditor = Role.objects.get(code="auditor", company=None)
    membership_grant(
        actor=None, user=city.keeper, company=city.company, role=auditor, accepted=True
    )
    desk = Desk(city.keeper, "meters_usagepoint")
    assert "FAR" in desk.client.get(desk.url("changelist")).content.decode()
    assert [row["code"] for row in rows_of(desk.take_out())] == [city.usage_point.code]


REFERENCES: list[tuple[str, str, dict[str, str]]] = [
    ("meters_usagepoint", "place", {"code": "N", "resource": "gas", "place": "?apartment"}),
    ("meters_meter", "module", {"serial": "N", "type": "+", "module": "?module"}),
    ("meters_meter", "type", {"serial": "N", "type": "?device_type"}),
    (
        "meters_installation",
        "usage_point",
        {"usage_point": "?usage_point", "meter": "+spare", "installed_at": "2025-01-01"},
    ),
    (
        "meters_installation",
        "meter",
        {"usage_point": "+usage_point", "meter": "?spare", "installed_at": "2024-01-01"},
    ),
    ("hierarchy_node", "parent", {"system": "territory", "name": "N", "parent": "?street"}),
]


def _text(thing: Any) -> str:
    return str(getattr(thing, "code", "") or getattr(thing, "serial", ""))


@pytest.mark.parametrize(("page", "column", "row"), REFERENCES)
def test_foreign_and_absent_things_read_the_same(
    world: World, page: str, column: str, row: dict[str, str]
) -> None:
    city, hill = world.city, world.hill
    found = []
    for absent in ("nobody-knows-this", None):
        cells = {}
        foreign = ""
        for name, value in row.items():
            if value.startswith("?"):
                foreign = absent or _text(hill.things[value[1:]])
                value = foreign
            elif value.startswith("+"):
                value = _text(city.things[value[1:] or "device_type"])
            cells[name] = value
        if page == "hierarchy_node":
            cells["kind"] = "building"
        answer = Desk(city.administrator, page).check(table(list(cells), list(cells.values())))
        problems = messages_of(report_of(answer))
        found.append([(r, c, text.replace(foreign, "X")) for r, c, text in problems])
    assert found[0] == found[1]
    assert [c for _row, c, _text in found[0]] == [column]


def test_equal_codes_of_another_company_stay_untouched(world: World) -> None:
    city, hill = world.city, world.hill
    before = Meter.objects.filter(company=hill.company).order_by("pk").values_list()
    before = list(before)
    row = {"serial": hill.meter.serial, "type": city.device_type.code, "digits": "5"}
    report = Desk(city.engineer).bring_in(table(list(row), list(row.values())))
    assert report.counts["meters"].new == 1
    assert list(Meter.objects.filter(company=hill.company).order_by("pk").values_list()) == before


def test_an_operator_chooses_the_company(world: World) -> None:
    hill = world.hill
    desk = Desk(world.operator)
    data = table(["serial", "type"], ["OP-1", hill.device_type.code])
    answer = desk.check(data)
    assert "company" in answer.context_data["form"].errors
    desk.bring_in(data, company=hill.company.pk)
    assert Meter.objects.get(serial="OP-1").company == hill.company
    taken = desk.take_out(company=hill.company.pk)
    assert b"OP-1" in taken
    assert b"CANARYCITY" not in taken


def test_a_company_is_chosen_among_those_where_one_may_import(world: World) -> None:
    city, hill = world.city, world.hill
    third = Company.objects.create(name="Third", code="third", time_zone="UTC")
    engineer = Role.objects.get(code="engineer", company=None)
    auditor = Role.objects.get(code="auditor", company=None)
    for company, role in ((third, engineer), (hill.company, auditor)):
        membership_grant(actor=None, user=city.engineer, company=company, role=role, accepted=True)
    desk = Desk(city.engineer)
    form = desk.client.get(desk.url("import")).context_data["form"]
    assert set(form.fields["company"].queryset) == {city.company, third}
    data = table(["serial", "type"], ["X", "y"])
    assert "company" in desk.check(data, company=hill.company.pk).context_data["form"].errors


def test_rights_are_asked_for_what_a_file_writes(world: World) -> None:
    """Importing without the right to change places: rows may name places, not make them."""
    city = world.city
    from django.contrib.auth.models import Permission

    role = Role.objects.create(company=city.company, code="m", name="Meters only")
    for name in ("use_admin", "import_data", "view_hierarchy", "view_meters", "manage_meters"):
        role.permissions.add(Permission.objects.get(codename=name, content_type__model="company"))
    for name in ("view_device_types",):
        role.permissions.add(Permission.objects.get(codename=name, content_type__model="company"))
    membership_grant(actor=None, user=city.clerk, company=city.company, role=role, accepted=True)
    desk = Desk(city.clerk, resource=1)
    known = {
        "city": city.town.name,
        "street": city.street.name,
        "building": city.building.name,
        "usage_point_code": "NEW",
        "resource": "gas",
    }
    desk.bring_in(wide([known]))
    new_place = {**known, "usage_point_code": "NEW-2", "apartment": "99"}
    assert "You may not change this in the company: nodes." in complaint(
        desk.check(wide([new_place]))
    )
    assert (
        Desk(city.clerk, "hierarchy_node")
        .client.get(Desk(city.clerk, "hierarchy_node").url("import"))
        .status_code
        == 403
    )
    assert not Node.objects.filter(name="99").exists()


def test_exports_leave_a_trace(world: World) -> None:
    Desk(world.city.engineer).take_out(kind="xlsx")
    activity = Activity.objects.get(kind=Activity.Kind.EXPORT)
    assert (activity.company, activity.user) == (world.city.company, world.city.engineer)
    assert "city-meters-" in activity.detail


def test_exports_are_bounded(world: World, settings: Any) -> None:
    settings.EXPORT_MAX_ROWS = 1
    desk = Desk(world.city.engineer)
    for resource in ("0", "1"):
        form = {"resource": resource, "format": "1", "headings": "names"}
        answer = desk.client.post(desk.url("export"), form)
        assert "More than 1 row would be exported" in answer.content.decode()


def test_an_export_holds_what_the_list_shows(world: World) -> None:
    desk = Desk(world.city.engineer)
    form = {"resource": "0", "format": "1", "headings": "names"}
    answer = desk.client.post(desk.url("export") + "?q=SPARE", form)
    serials = [row["serial"] for row in rows_of(b"".join(answer.streaming_content))]
    assert serials == ["SPARE-CANARYCITY"]
    assert desk.client.get(desk.url("export") + "?status__exact=%00").status_code in {200, 302, 400}
