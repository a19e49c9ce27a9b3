"""Pages of readings: who sees what, what they say, what strange addresses bring."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Activity
from ingestion.codecs.universal_messages import IntervalProfile
from ingestion.models import Quarantine
from meters.models import (
    BlockRevision,
    ModuleState,
    NodeBlock,
    Quality,
    ReadingType,
    RegisterReading,
    TelemetryModule,
)
from tests.reports.archive import DAY, block, channel_of, frame, keyed, node_block

if TYPE_CHECKING:
    from django.test import Client

    from tests.people import Tenant, World

pytestmark = pytest.mark.django_db
LARGEST = 2**63


# Raw frames have partitions of their own from two days ago on.
LATELY = DAY + timedelta(days=18)


def day_start(tenant: Tenant) -> int:
    zone = ZoneInfo(tenant.company.time_zone)
    return int(datetime(LATELY.year, LATELY.month, LATELY.day, tzinfo=zone).timestamp())


def as_of(client: Client, user: Any) -> Client:
    client.force_login(user)
    return client


def text_of(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200, url
    return answer.content.decode()


def point_url(world: World, **query: Any) -> str:
    words = "&".join(f"{key}={value}" for key, value in query.items())
    return f"{reverse('usage_point', args=[world.city.usage_point.pk])}?{words}"


def test_point_shows_values_with_units_marks_and_ways_to_their_origin(
    world: World, client: Client
) -> None:
    channel = channel_of(world.city)
    block(channel, DAY, [1250, None, *[3] * 22], quality=bytes([Quality.ESTIMATED, 1, *[0] * 22]))
    page = text_of(as_of(client, world.city.clerk), point_url(world, date=DAY))
    assert "1.250" in page and "m³" in page
    assert "estimated" in page and "no value" in page
    assert f"/channels/{channel.pk}/value/?day={DAY}&amp;slot=0" in page
    assert "1.316" in page, "the total"
    assert 'style="' not in page


def test_first_visit_shows_the_last_day_that_has_values(world: World, client: Client) -> None:
    block(channel_of(world.city), DAY, [7] * 24)
    page = text_of(as_of(client, world.city.clerk), point_url(world))
    assert "0.168" in page


def test_registers_of_the_period_are_listed(world: World, client: Client) -> None:
    block(channel_of(world.city), DAY, [7] * 24)
    register = channel_of(world.city, "cold_water.volume.register")
    at = datetime.combine(DAY, datetime.min.time(), UTC) + timedelta(hours=12)
    RegisterReading.objects.create(channel=register, at=at, value=123_456, quality=0, kind=1)
    page = text_of(as_of(client, world.city.clerk), point_url(world, date=DAY))
    assert "123.456 m³" in page


def test_the_file_holds_what_the_page_shows_and_is_noted(world: World, client: Client) -> None:
    block(channel_of(world.city), DAY, [1250, None, *[3] * 22])
    url = reverse("usage_point_csv", args=[world.city.usage_point.pk])
    answer = as_of(client, world.city.billing).get(f"{url}?date={DAY}&compare=1")
    assert answer["Content-Disposition"].startswith("attachment; filename=")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(rows) == 25 and rows[0][2] == "amount, m³"
    assert rows[1][2] == "1.250" and rows[1][0].startswith(f"{DAY}T00:00+")
    assert rows[2][2] == "" and rows[2][3] == "no value"
    assert Activity.objects.filter(kind="export", user=world.city.billing).exists()
    # Whoever may look but not take along has no such file.
    assert as_of(client, world.city.clerk).get(url).status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        "channel=999999999999999999999&period=nothing&date=never",
        "date=9999-12-31&period=year&compare=1",
        "date=0001-01-01&period=week",
        "channel=-1&date=2026-02-30",
        "period=%00&date=%F0%9F%92%A7",
    ],
)
def test_strange_questions_are_answered(world: World, client: Client, query: str) -> None:
    block(channel_of(world.city), DAY, [1] * 24)
    as_of(client, world.city.clerk)
    channel, point = channel_of(world.city).pk, world.city.usage_point.pk
    module, company = world.city.module.pk, world.city.company.pk
    for url in (
        f"/usage-points/{point}/",
        f"/nodes/{world.city.inlet.pk}/",
        "/networks/",
        f"/networks/rows/?parent={world.city.street.pk}&depth=99999999999999999999",
        f"/networks/?company={company}&system=none&sort=none&after=%00:x",
        f"/modules/?company={company}&state=x&page=999",
        f"/quarantine/?company={company}&reason=x&page=-1",
        f"/modules/{module}/frames/?state=x",
    ):
        answer = client.get(f"{url}{'&' if '?' in url else '?'}{query}")
        assert answer.status_code == 200, (url, query)
    for url in (
        f"/channels/{channel}/value/?slot=99&{query}",
        f"/modules/{module}/frames/?frame=1&day=9999-12-31",
        f"/modules/{module}/frames/?frame={LARGEST}",
        f"/channels/{LARGEST}/value/",
        f"/usage-points/{LARGEST}/readings.csv",
        f"/nodes/{LARGEST}/",
        f"/networks/rows/?parent={LARGEST}",
        "/networks/rows/",
        "/networks/?company=x",
    ):
        assert client.get(url).status_code == 404, url


def test_a_value_is_traced_to_its_revisions_and_frames(world: World, client: Client) -> None:
    channel, module = channel_of(world.city), keyed(world.city)
    start = day_start(world.city)
    port = world.city.meter.port
    old = frame(
        module,
        1,
        IntervalProfile(port, 0, start, 60, tuple([4] * 24), 1000),
    )
    new = frame(
        module,
        2,
        IntervalProfile(port, 0, start + 7 * 3600, 60, (9, None)),
    )
    block(channel, LATELY, [*[4] * 7, 9, *[4] * 16])
    BlockRevision.objects.create(
        id=1,
        channel=channel,
        day=LATELY,
        interval_minutes=60,
        total=96,
        values=[4] * 24,
        replaced_at=datetime.now(UTC),
        reason=1,
        frame_id=new.id,
        user_id=world.city.engineer.pk,
        note="Looked at <b>it</b>",
    )
    client = as_of(client, world.city.clerk)
    page = text_of(client, f"/channels/{channel.pk}/value/?day={LATELY}&slot=7")
    assert "0.004 m³" in page and "0.009 m³" in page
    assert f"frame={old.id}&amp;" in page and f"frame={new.id}&amp;" in page
    assert str(world.city.engineer) in page
    assert "Looked at &lt;b&gt;it&lt;/b&gt;" in page
    # Another hour: only the first frame speaks of it.
    other = text_of(client, f"/channels/{channel.pk}/value/?day={LATELY}&slot=3")
    assert f"frame={old.id}&amp;" in other and "what the counter moved" in other
    assert other.count("what the counter moved") == 1


def test_a_frame_is_explained_to_whoever_may_see_it(world: World, client: Client) -> None:
    module = keyed(world.city)
    start = day_start(world.city)
    kept = frame(module, 3, IntervalProfile(1, 0, start, 60, (5, 6), 1000))
    url = f"/modules/{module.pk}/frames/?frame={kept.id}&at={start + 3600}"
    page = text_of(as_of(client, world.city.clerk), url)
    assert "RDO-0000004711" in page and "opening register" in page
    assert 'class="is-wanted"' in page
    for person in (world.hill.administrator, world.stranger):
        assert as_of(client, person).get(url).status_code == 404
    # The frame of another module is nobody's under this one.
    theirs = TelemetryModule.objects.create(
        company=world.city.company, serial="M-2", device_type=world.city.device_type
    )
    answer = as_of(client, world.city.clerk).get(f"/modules/{theirs.pk}/frames/?frame={kept.id}")
    assert answer.status_code == 404


def test_a_frame_that_no_key_opens_shows_no_contents(world: World, client: Client) -> None:
    module = keyed(world.city)
    foreign = frame(module, 4, IntervalProfile(1, 0, 1_767_225_600, 60, (5,), 1), key=bytes(16))
    garbage = frame(module, 5, IntervalProfile(1, 0, 1_767_225_600, 60, (5,), 1))
    client = as_of(client, world.city.clerk)
    page = text_of(client, f"/modules/{module.pk}/frames/?frame={foreign.id}")
    assert "no key of the module opens it" in page and "base time" not in page
    type(garbage).objects.filter(id=garbage.id).delete()
    kept = type(garbage).objects.create(
        id=garbage.id,
        received_at=timezone.now(),
        module=module,
        transport=2,
        outcome=3,
        source="192.0.2.1",
        payload=b"\x00no frame",
    )
    page = text_of(client, f"/modules/{module.pk}/frames/?frame={kept.id}")
    assert "not a frame of the universal protocol" in page and "00 6e 6f" in page


def test_no_page_shows_a_key(world: World, client: Client) -> None:
    from tests.reports.archive import KEY

    module = keyed(world.city)
    kept = frame(module, 6, IntervalProfile(1, 0, 1_767_225_600, 60, (5,), 1))
    client = as_of(client, world.city.administrator)
    page = text_of(client, f"/modules/{module.pk}/frames/?frame={kept.id}").lower()
    assert KEY.hex() not in page and KEY.hex(" ") not in page


def test_overview_compares_the_same_hours_and_counts_what_waits(
    world: World, client: Client
) -> None:
    city = world.city
    kind = ReadingType.objects.get(code="cold_water.volume")
    today = datetime.now(ZoneInfo(city.company.time_zone)).date()
    node_block(city.town, today, [1000, 2000, None, *[None] * 21], reading_type=kind)
    week_ago = today - timedelta(days=7)
    node_block(city.town, week_ago, [2000, 2000, *[9000] * 22], reading_type=kind)
    node_block(city.town, today - timedelta(days=1), [1, None] * 12, reading_type=kind)
    Quarantine.objects.create(
        reason="wrong_key",
        company=city.company,
        module=city.module,
        count=41,
        first_at=timezone.now(),
        last_at=timezone.now(),
    )
    ModuleState.objects.create(module=city.module, last_seen_at=timezone.now() - timedelta(days=3))
    page = text_of(as_of(client, city.clerk), "/")
    assert "<b>3.00</b> m³" in page
    assert "−25 %" in page and "4.00 m³" in page, "against the first two hours only"
    assert "<b>50 %</b>" in page, "of yesterday's values"
    assert "1 of 1" in page and "41" in page
    assert "system=cold_water" in page
    # The third hour has values of four meters in ten: it is shown, and compared when it is whole.
    rows = NodeBlock.objects.filter(node=city.town, day=today)
    hours = [1000, 2000, 900, *[None] * 21]
    rows.update(hours=hours, channels=10, reporting=10, expected=240, received=12)
    page = text_of(as_of(client, city.clerk), "/")
    assert "<b>3.00</b> m³" in page and "−25 %" in page
    assert page.count("spark__now--awaited") == 22
    # Hill Waterworks has nothing yet: its page says what to do instead of being empty.
    assert "No readings yet" in text_of(as_of(client, world.hill.clerk), "/")


def test_balance_of_a_network_is_opened_level_by_level(world: World, client: Client) -> None:
    city = world.city
    kind = ReadingType.objects.get(code="cold_water.volume")
    for node in (city.source, city.inlet):
        node_block(node, DAY, [100] * 24, reading_type=kind)
    node_block(city.source, DAY, [125] * 24, reading_type=kind, flow="supply")
    client = as_of(client, city.clerk)
    page = text_of(client, f"/networks/?system=cold_water&date={DAY}")
    # The only source is open already.
    assert page.index(f">{city.source.name}<") < page.index(f">{city.inlet.name}<")
    assert "3.000" in page and "+0.600" in page and "+20.0" in page
    rows = text_of(client, f"/networks/rows/?parent={city.source.pk}&date={DAY}")
    assert city.inlet.name in rows and "not metered" in rows and "2.400" in rows
    assert rows.lstrip().startswith("<table")
    node = text_of(client, f"/nodes/{city.source.pk}/?date={DAY}")
    assert "3.000" in node and city.inlet.name in node
    for person in (world.hill.clerk, world.stranger):
        strange = as_of(client, person)
        assert strange.get(f"/nodes/{city.source.pk}/").status_code == 404
        assert strange.get(f"/networks/rows/?parent={city.source.pk}").status_code == 404


def test_worst_parts_of_a_network_come_first_wherever_they_are(
    world: World, client: Client
) -> None:
    city = world.city
    kind = ReadingType.objects.get(code="cold_water.volume")
    node_block(city.source, DAY, [100] * 24, reading_type=kind)
    node_block(city.inlet, DAY, [100] * 24, reading_type=kind)
    # A tenth is lost before the inlet, a third behind it.
    for node in (city.source, city.inlet):
        node_block(node, DAY, [150] * 24, reading_type=kind, flow="balance")
    node_block(city.source, DAY, [166] * 24, reading_type=kind, flow="supply")
    client = as_of(client, city.clerk)
    page = text_of(client, f"/networks/?system=cold_water&date={DAY}&sort=worst")
    lost, noted = page.index("+33.3"), page.index("+9.6")
    assert lost < noted
    assert page.index(f">{city.inlet.name}<") < page.index(f">{city.source.name}<")
    assert "share--bad" in page and "share--ok" in page


def test_a_day_that_goes_on_tells_no_completeness(world: World, client: Client) -> None:
    city = world.city
    kind = ReadingType.objects.get(code="cold_water.volume")
    today = datetime.now(ZoneInfo(city.company.time_zone)).date()
    node_block(city.town, today, [100, *[None] * 23], reading_type=kind)
    node_block(city.town, DAY, [100, *[None] * 23], reading_type=kind)
    client = as_of(client, city.clerk)
    query = "system=territory&resource=cold_water"
    assert "<meter" not in text_of(client, f"/networks/?{query}&date={today}")
    assert "4.1 %" in text_of(client, f"/networks/?{query}&date={DAY}")


def test_keeper_of_a_street_counts_only_the_street(world: World, client: Client) -> None:
    city = world.city
    kind = ReadingType.objects.get(code="cold_water.volume")
    today = datetime.now(ZoneInfo(city.company.time_zone)).date()
    node_block(city.town, today, [9000] * 24, reading_type=kind)
    node_block(city.street, today, [100] * 24, reading_type=kind)
    page = text_of(as_of(client, city.keeper), "/")
    assert "<b>2.40</b> m³" in page
    tree = text_of(client, f"/networks/?system=territory&resource=cold_water&date={today}")
    assert city.street.name in tree and city.other_street.name not in tree


def test_lists_behind_the_numbers_stay_within_the_company(world: World, client: Client) -> None:
    Quarantine.objects.create(
        reason="no_meter",
        company=world.city.company,
        module=world.city.module,
        detail=f"port 9 {world.city.canary}",
        count=3,
        first_at=timezone.now(),
        last_at=timezone.now(),
    )
    client = as_of(client, world.city.clerk)
    page = text_of(client, "/quarantine/?reason=no_meter")
    assert world.city.canary in page and "Put the meter on this port" in page
    modules = text_of(client, "/modules/")
    assert f"MOD-{world.city.canary}" in modules and world.hill.canary not in modules
    assert client.get(f"/modules/?company={world.hill.company.pk}").status_code == 404
    assert world.city.canary not in text_of(as_of(client, world.hill.clerk), "/quarantine/")


def test_pages_ask_the_database_a_bounded_number_of_times(
    world: World, client: Client, django_assert_max_num_queries: Any
) -> None:
    channel = channel_of(world.city)
    for number in range(30):
        block(channel, DAY - timedelta(days=number), [1] * 24)
    client = as_of(client, world.city.clerk)
    with django_assert_max_num_queries(45):
        client.get(point_url(world, date=DAY, period="year", compare=1))
    with django_assert_max_num_queries(60):
        client.get("/")
