"""Lists of devices: statements a page takes, capped counts, what a search finds and for whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from config.lib.paging import BoundedPaginator
from config.lib.search import LIMIT, search
from hierarchy.models import Node
from hierarchy.selectors import node_search
from hierarchy.services import node_create, nodes_bulk_create
from meters.models import Installation, Meter, TelemetryModule, UsagePoint
from meters.services.installations import meter_install

if TYPE_CHECKING:
    from django.db.models import Model, QuerySet

    from tests.people import Tenant, World

# Statements of a list page with rows on it, over those of a session and of the reader's grants.
# More than this is a statement a row, or a new one that somebody should know about.
BASELINES: dict[type[Model], int] = {
    Meter: 12,
    UsagePoint: 12,
    TelemetryModule: 12,
    Installation: 12,
    Node: 12,
}
LISTS = sorted(BASELINES, key=lambda model: model._meta.label)
AUTOCOMPLETES = {
    Meter: ("meters", "installation", "meter"),
    UsagePoint: ("meters", "installation", "usage_point"),
    TelemetryModule: ("meters", "meter", "module"),
    Node: ("meters", "usagepoint", "place"),
}


def _signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def _list_url(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def _add_devices(tenant: Tenant, first: int, last: int) -> None:
    """Meters first…last, each with its own module, apartment and usage point."""
    for number in range(first, last):
        apartment = node_create(
            actor=None,
            company=tenant.company,
            system="territory",
            kind="apartment",
            name=f"flat {number}",
            parent=tenant.building,
        )
        common = {"company": tenant.company}
        module = TelemetryModule.objects.create(
            **common, serial=f"M{number}", device_type=tenant.device_type, place=apartment
        )
        point = UsagePoint.objects.create(
            **common, code=f"P{number}", resource="cold_water", place=apartment
        )
        meter = Meter.objects.create(
            **common, serial=f"S{number}", device_type=tenant.device_type, module=module
        )
        at = tenant.installation.installed_at
        meter_install(actor=None, meter=meter, usage_point=point, at=at, readings={})


def _statements(client: Client, url: str, params: dict[str, str]) -> list[str]:
    client.get(url, params)
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(url, params).status_code == 200
    return [row["sql"] for row in captured]


@pytest.mark.parametrize("model", LISTS, ids=lambda model: model._meta.model_name)
@pytest.mark.parametrize("params", [{}, {"q": "flat"}], ids=["all", "search"])
@pytest.mark.parametrize("reader", ["administrator", "keeper"])
def test_statements_do_not_grow_with_rows(
    world: World, model: type[Model], params: dict[str, str], reader: str
) -> None:
    client = _signed_in(world.city.people[reader])
    _add_devices(world.city, 0, 4)
    few = _statements(client, _list_url(model), params)
    _add_devices(world.city, 4, 12)
    many = _statements(client, _list_url(model), params)
    assert len(many) == len(few), "\n".join(many)


@pytest.mark.parametrize("model", LISTS, ids=lambda model: model._meta.model_name)
def test_statements_of_a_list_page(world: World, model: type[Model]) -> None:
    client = _signed_in(world.city.administrator)
    _add_devices(world.city, 0, 3)
    found = _statements(client, _list_url(model), {})
    assert len(found) <= BASELINES[model], "\n".join(found)


@pytest.mark.parametrize("model", AUTOCOMPLETES, ids=lambda model: model._meta.model_name)
def test_statements_of_an_autocomplete(world: World, model: type[Model]) -> None:
    client = _signed_in(world.city.administrator)
    app, name, field = AUTOCOMPLETES[model]
    asked = {"app_label": app, "model_name": name, "field_name": field, "term": ""}
    _add_devices(world.city, 0, 4)
    few = _statements(client, reverse("admin:autocomplete"), asked)
    _add_devices(world.city, 4, 12)
    assert len(_statements(client, reverse("admin:autocomplete"), asked)) == len(few)


@pytest.mark.parametrize("model", LISTS, ids=lambda model: model._meta.model_name)
def test_only_columns_with_an_index_can_be_sorted_by(model: type[Model]) -> None:
    page = admin.site._registry[model]
    indexed = {field.lstrip("-") for index in model._meta.indexes for field in index.fields}
    assert page.sortable_by is not None
    assert set(page.sortable_by) <= indexed


@pytest.mark.parametrize("model", LISTS, ids=lambda model: model._meta.model_name)
def test_no_list_counts_or_joins_without_bound(world: World, model: type[Model]) -> None:
    _add_devices(world.city, 0, 3)
    client = _signed_in(world.operator)
    for sql in _statements(client, _list_url(model), {}):
        if model._meta.db_table in sql and "COUNT(" in sql:
            assert f"LIMIT {BoundedPaginator.limit + 1}" in sql


class SmallPaginator(BoundedPaginator):
    limit = 5


def test_count_stops_at_the_limit(world: World) -> None:
    _add_devices(world.city, 0, 8)
    rows = Meter.objects.order_by("serial")
    paginator = SmallPaginator(rows, 2)
    assert paginator.count == 5
    assert paginator.is_capped
    assert paginator.num_pages == 3
    assert not SmallPaginator(rows.filter(serial__in=["S1", "S2"]), 2).is_capped


def test_pages_follow_one_another(world: World) -> None:
    _add_devices(world.city, 0, 8)
    rows = Meter.objects.filter(serial__startswith="S").order_by("-serial")
    rows = rows.exclude(serial__startswith="SPARE")
    paginator = SmallPaginator(rows, 2)
    pages = [[row.serial for row in paginator.page(number)] for number in (1, 2, 3)]
    assert pages == [["S7", "S6"], ["S5", "S4"], ["S3"]]


def test_pages_of_lists_that_are_no_query(world: World) -> None:
    assert list(BoundedPaginator(["a", "b", "c"], 2).page(2)) == ["c"]


@pytest.fixture
def addresses(world: World) -> World:
    """Three apartments with meters in the city, one of the same address in the hills."""
    for tenant in (world.city, world.hill):
        for number, street in enumerate(("Каштанова вулиця", "Castle Street", "Mill Street")):
            _house(tenant, street, f"{number + 4}", f"{tenant.company.code}-{number}")
    return world


def _house(tenant: Tenant, street: str, house: str, serial: str) -> None:
    road = Node(kind="street", name=street)
    building = Node(kind="building", name=house, parent=road)
    nodes_bulk_create(company=tenant.company, system="territory", nodes=[road, building])
    point = UsagePoint.objects.create(
        company=tenant.company, code=f"P-{serial}", resource="cold_water", place=building
    )
    Meter.objects.create(
        company=tenant.company,
        serial=f"XK-{serial}",
        device_type=tenant.device_type,
        usage_point=point,
        status="installed",
    )


def _found(user: Any, text: str, model: type[Model] = Meter) -> set[str]:
    request = RequestFactory().get("/")
    request.user = user
    page = admin.site._registry[model]
    rows: QuerySet[Any] = page.get_queryset(request)
    return {str(row) for row in page.get_search_results(request, rows, text)[0]}


@pytest.mark.parametrize(
    ("text", "serials"),
    [
        ("XK-city-1", {"XK-city-1"}),
        ("xk-city", {"XK-city-0", "XK-city-1", "XK-city-2"}),
        ("city-2", {"XK-city-2"}),
        ("P-city-0", {"XK-city-0"}),
        ("castle", {"XK-city-1"}),
        ("street", {"XK-city-1", "XK-city-2"}),
        # Every word counts, in any order.
        ("street 5", {"XK-city-1"}),
        ("5 castle", {"XK-city-1"}),
        ("street 6", {"XK-city-2"}),
        ("castle mill", set()),
        # Case does not count in any alphabet.
        ("каштанова", {"XK-city-0"}),
        ("КАШТАНОВА", {"XK-city-0"}),
        ("вулиця 4", {"XK-city-0"}),
        ("ШТАН", {"XK-city-0"}),
        # Short words count where a word begins.
        ("xk", {"XK-city-0", "XK-city-1", "XK-city-2"}),
        ("ca", {"XK-city-1"}),
        ("tr", set()),
        ("ву", {"XK-city-0"}),
        # What has no letter or digit is found nowhere; what looks like a pattern is none.
        ("%", set()),
        ("street %", {"XK-city-1", "XK-city-2"}),
        ("XK_city", set()),
        ("XK%1", set()),
        ("\\", set()),
        ("castle\x00", {"XK-city-1"}),
        ("nothing-like-it", set()),
    ],
)
def test_what_a_search_finds(addresses: World, text: str, serials: set[str]) -> None:
    known = _found(addresses.city.administrator, text)
    assert known - {f"MET-{addresses.city.canary}", f"SPARE-{addresses.city.canary}"} == serials


def test_blank_search_finds_everything(addresses: World) -> None:
    everything = set(Meter.objects.visible_to(addresses.city.administrator))
    assert len(_found(addresses.city.administrator, "  ")) == len(everything) > 3


def test_search_shows_only_what_the_reader_may_see(addresses: World) -> None:
    assert _found(addresses.hill.administrator, "castle") == {"XK-hill-1"}
    assert _found(addresses.hill.administrator, "XK-city-1") == set()
    assert _found(addresses.operator, "castle") == {"XK-city-1", "XK-hill-1"}
    assert _found(addresses.stranger, "castle") == set()
    assert _found(addresses.city.keeper, "castle") == set()
    assert _found(addresses.city.keeper, "main") == {f"MET-{addresses.city.canary}"}


def test_limit_cuts_what_the_reader_sees_and_nothing_else(
    addresses: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The rows of others must not use the limit up.
    monkeypatch.setattr("config.lib.search.LIMIT", 1)
    assert _found(addresses.hill.administrator, "castle") == {"XK-hill-1"}
    assert len(_found(addresses.city.administrator, "street")) == 1


def test_what_begins_with_the_text_survives_the_limit(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    company, device_type = world.city.company, world.city.device_type
    serials = [*(f"0{number}777" for number in range(8)), "777"]
    Meter.objects.bulk_create(
        Meter(company=company, serial=serial, device_type=device_type) for serial in serials
    )
    monkeypatch.setattr("config.lib.search.LIMIT", 2)
    found = search(Meter.objects.all(), ("^serial",), "777")
    assert "777" in {meter.serial for meter in found}
    assert LIMIT > 100


def test_streets_are_found_before_their_apartments(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("config.lib.search.LIMIT", 1)
    road = Node(kind="street", name="Linden Alley")
    flats = [Node(kind="apartment", name=f"{number}", parent=road) for number in range(5)]
    nodes_bulk_create(company=world.city.company, system="territory", nodes=[road, *flats])
    found = node_search(
        user=world.city.administrator,
        company_id=world.city.company.pk,
        system="territory",
        text="linden",
    )
    assert found[0].name == "Linden Alley"


def test_resource_filter_also_finds_meters_in_store(world: World) -> None:
    client = _signed_in(world.city.administrator)
    page = client.get(_list_url(Meter), {"resource": "cold_water"}).content.decode()
    assert f"SPARE-{world.city.canary}" in page
    page = client.get(_list_url(Meter), {"resource": "gas"}).content.decode()
    assert f"SPARE-{world.city.canary}" not in page


def test_verification_filter(world: World) -> None:
    from datetime import timedelta
    from zoneinfo import ZoneInfo

    from django.utils import timezone

    # The day of who looks, which begins before that of UTC.
    today = timezone.localdate(timezone=ZoneInfo(world.city.company.time_zone))
    dates = {"late": today - timedelta(days=1), "soon": today, "fine": today + timedelta(days=400)}
    for serial, day in dates.items():
        Meter.objects.create(
            company=world.city.company,
            serial=f"V-{serial}",
            device_type=world.city.device_type,
            verification_due_on=day,
        )
    client = _signed_in(world.city.administrator)
    for choice, shown in (("overdue", "V-late"), ("soon", "V-soon")):
        page = client.get(_list_url(Meter), {"verification": choice}).content.decode()
        assert {name for name in ("V-late", "V-soon", "V-fine") if name in page} == {shown}


def test_keeper_of_a_network_node_sees_what_hangs_on_it(world: World) -> None:
    from accounts.models import Role, User
    from accounts.services.memberships import membership_grant

    city = world.city
    user = User.objects.create_user("zone@city.test", None)
    role = Role.objects.get(code="engineer", company=None)
    membership_grant(
        actor=None, user=user, company=city.company, role=role, node=city.source, accepted=True
    )
    _add_devices(city, 0, 2)
    assert set(Meter.objects.visible_to(user)) == {city.meter}
    assert set(Installation.objects.visible_to(user)) == {city.installation}
    assert not TelemetryModule.objects.visible_to(user).exists()
