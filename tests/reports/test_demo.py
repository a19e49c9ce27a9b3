"""The demo companies: exact numbers, sound trees, plausible devices, and a second load."""

from __future__ import annotations

import stat
from collections import Counter
from datetime import date
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F, Sum

from accounts.models import Company, Membership, User
from accounts.roles import SHIPPED_ROLES
from hierarchy.kinds import KINDS, kind_may_contain
from hierarchy.models import Node
from hierarchy.numbering import tree_faults
from meters.models import (
    Channel,
    Connection,
    DeviceType,
    Installation,
    InstallationReading,
    Meter,
    TelemetryModule,
    UsagePoint,
)
from meters.quantities import RESOURCE_SYSTEMS
from reports.demo.loader import CITY, HILL, demo_load
from reports.demo.people import PEOPLE, Login
from tests.snapshot import Kept

if TYPE_CHECKING:
    from pathlib import Path

TODAY = date(2026, 6, 15)
MODELS = (
    Company,
    User,
    Membership,
    Node,
    DeviceType,
    UsagePoint,
    Connection,
    TelemetryModule,
    Meter,
    Installation,
    InstallationReading,
    Channel,
)


@pytest.fixture(scope="module")
def _cities() -> Kept[Company]:
    return Kept()


@pytest.fixture
def city(db: None, _cities: Kept[Company]) -> Company:
    """City Utilities; loading it takes longer than copying it."""
    return _cities.copied_or_made(_load)


def test_numbers_of_city_utilities(city: Company) -> None:
    points = UsagePoint.objects.filter(company=city)
    assert points.count() == 1_000
    assert Node.objects.filter(company=city, kind="apartment").count() == 900
    assert set(Node.objects.filter(company=city).values_list("system", flat=True)) == set(KINDS)
    assert Counter(points.values_list("role", flat=True)) == {
        "consumption": 975,
        "balance": 20,
        "supply": 5,
    }
    supplied = set(points.filter(role="supply").values_list("resource", flat=True))
    assert supplied == set(RESOURCE_SYSTEMS)
    assert (city.time_zone, city.currency) == ("Europe/Kyiv", "UAH")


def test_every_apartment_is_metered(city: Company) -> None:
    metered = UsagePoint.objects.filter(place__kind="apartment").values("place")
    assert Node.objects.filter(kind="apartment").exclude(pk__in=metered).count() == 0


def test_second_company_is_small_and_has_water_only(city: Company) -> None:
    hill = Company.objects.get(code=HILL)
    points = UsagePoint.objects.filter(company=hill)
    assert points.count() == 60
    assert set(points.values_list("resource", flat=True)) == {"cold_water"}
    assert (hill.time_zone, hill.currency) == ("Europe/Dublin", "EUR")


def test_trees_are_valid(city: Company) -> None:
    for company in Company.objects.all():
        for system in KINDS:
            assert tree_faults(company_id=company.pk, system=system) == []
    for node in Node.objects.exclude(parent=None).select_related("parent"):
        assert kind_may_contain(node.system, node.parent.kind, node.kind), node.path


def test_points_hang_on_the_network_of_their_resource(city: Company) -> None:
    points = UsagePoint.objects.select_related("network_node", "place")
    for point in points:
        assert point.network_node is not None, point
        assert point.network_node.system == point.resource
    in_buildings = points.filter(role="consumption", place__kind="apartment")
    for point in in_buildings:
        balance = UsagePoint.objects.filter(role="balance", network_node=point.network_node)
        assert balance.count() == 1, point


def test_balance_meters_stand_in_the_building_they_balance(city: Company) -> None:
    for balance in UsagePoint.objects.filter(company=city, role="balance").select_related("place"):
        below = UsagePoint.objects.filter(role="consumption", network_node=balance.network_node)
        outside = below.exclude(
            place__tree_id=balance.place.tree_id,
            place__lft__gt=balance.place.lft,
            place__rght__lt=balance.place.rght,
        )
        assert below.exists()
        assert not outside.exists()


def test_every_point_has_exactly_one_meter_and_channels(city: Company) -> None:
    current = Installation.objects.filter(removed_at=None).values_list("usage_point", flat=True)
    assert len(current) == len(set(current)) == UsagePoint.objects.count()
    assert Meter.objects.filter(status="installed").count() == len(current)
    lacking = UsagePoint.objects.exclude(pk__in=Channel.objects.values("usage_point"))
    assert not lacking.exists()


def test_exchanges_have_closing_readings_above_opening(city: Company) -> None:
    removed = Installation.objects.exclude(removed_at=None)
    assert removed.count() == 12
    readings = InstallationReading.objects.filter(installation__in=removed)
    assert not readings.filter(closing=None).exists()
    assert not readings.filter(closing__lte=F("opening")).exists()
    # The meter that came stands on the port of the one that went.
    assert not Meter.objects.filter(status="removed").exclude(module=None).exists()


def test_devices_are_plausible(city: Company) -> None:
    meters = Meter.objects.filter(company=city)
    overdue = meters.filter(status="installed", verification_due_on__lt=TODAY).count()
    assert 0 < overdue < 100
    assert meters.filter(status="stored").count() >= 20
    assert meters.filter(module=None, status="installed").exists()
    shared = Counter(meters.exclude(module=None).values_list("module", flat=True))
    assert max(shared.values()) >= 36
    ratios = Installation.objects.filter(company=city, multiplier__gt=1)
    assert set(ratios.values_list("meter__device_type__code", flat=True)) == {
        "reference-electricity-3ph"
    }


def test_rows_pass_the_checks_of_the_forms(city: Company) -> None:
    for model in (Node, UsagePoint, TelemetryModule, Meter, Installation, Connection):
        for row in model._base_manager.order_by("pk")[:1200:97]:
            row.full_clean(exclude=["lft", "rght", "tree_id", "level"])


def test_second_load_changes_nothing(city: Company) -> None:
    Node.objects.filter(code="VERBOPIL").update(name="Renamed by somebody")
    before = _state()

    def fail(logins: list[Login]) -> None:
        raise AssertionError("logins were made a second time")

    assert not demo_load(keep=fail, today=TODAY)
    assert _state() == before


def test_interrupted_load_leaves_nothing(db: None) -> None:
    before = _state()

    def crash(logins: list[Login]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        demo_load(keep=crash, today=TODAY)
    assert _state() == before


def test_same_numbers_at_every_load(db: None) -> None:
    first, second = _load_and_undo(), _load_and_undo()
    assert first == second


def test_one_login_for_every_role(city: Company) -> None:
    held = Membership.objects.values_list("role__code", "company__code")
    assert {role for role, company in held if company != HILL} == set(SHIPPED_ROLES)
    assert ("company_administrator", HILL) in set(held)
    admin = User.objects.get(email="admin@hill.example")
    assert set(Meter.objects.visible_to(admin).values_list("company__code", flat=True)) == {HILL}


def test_credentials_file(db: None, tmp_path: Path) -> None:
    path = tmp_path / "new" / "logins.txt"
    output = _run(credentials_file=path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    heading, *lines = path.read_text().splitlines()
    assert len(lines) == len(PEOPLE)
    for line in lines:
        email, password = line.split()[-2:]
        assert User.objects.get(email=email).check_password(password)
        assert password not in output


def test_without_a_file_the_logins_are_printed(db: None) -> None:
    assert "operator@readout.example" in _run()


def test_second_run_keeps_the_file_or_says_how_to_reset(city: Company, tmp_path: Path) -> None:
    path = tmp_path / "logins.txt"
    assert "--reset-passwords" in _run(credentials_file=path)
    assert not path.exists()
    path.write_text("kept")
    assert str(path) in _run(credentials_file=path)
    assert path.read_text() == "kept"


def test_reset_gives_new_passwords(city: Company, tmp_path: Path) -> None:
    path = tmp_path / "logins.txt"
    User.objects.filter(email="clerk@city.example").delete()
    _run(credentials_file=path, reset_passwords=True)
    text = path.read_text()
    assert "clerk@city.example" not in text
    email, password = text.splitlines()[1].split()[-2:]
    assert User.objects.get(email=email).check_password(password)


def test_reset_without_the_demo_is_refused(db: None) -> None:
    with pytest.raises(CommandError, match="load_demo"):
        _run(reset_passwords=True)


def test_unwritable_file_loads_nothing(db: None, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CommandError, match="can't be written"):
        _run(credentials_file=tmp_path / "file" / "logins.txt")
    assert not Company.objects.filter(code=CITY).exists()


def _load() -> Company:
    assert demo_load(keep=_ignore, today=TODAY)
    return Company.objects.get(code=CITY)


def _ignore(logins: list[Login]) -> None:
    assert [login.email for login in logins] == [person.email for person in PEOPLE]


def _state() -> list[Any]:
    return [list(model._base_manager.order_by("pk").values()) for model in MODELS]


def _load_and_undo() -> list[Any]:
    from django.db import transaction

    found: list[Any] = []

    def read(logins: list[Login]) -> None:
        found.append(list(Meter.objects.order_by("serial").values_list("serial", "verified_on")))
        found.append(list(Node.objects.order_by("path").values_list("path", "latitude")))
        found.append(InstallationReading.objects.aggregate(Sum("opening"), Sum("closing")))
        transaction.set_rollback(True)

    with transaction.atomic():
        demo_load(keep=read, today=TODAY)
        transaction.set_rollback(True)
    return found


def _run(**options: Any) -> str:
    output = StringIO()
    call_command("load_demo", stdout=output, without_history=True, **options)
    return output.getvalue()
