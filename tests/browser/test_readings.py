"""Pages of readings in a browser: charts drawn, walked by keyboard, trees opened, no breach."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ingestion.codecs.universal_messages import IntervalProfile
from meters.models import Quality, ReadingType
from tests.browser.page import assert_fits
from tests.reports.archive import DAY, block, channel_of, clean, frame, keyed, node_block

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.people import World

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CLERK = "clerk@city.test"
HOURS = [*[1200] * 6, None, None, *[900] * 16]


@pytest.fixture
def measured(people: World) -> Iterator[World]:
    """City Utilities with a day of readings, sums of nodes and a frame."""
    clean()
    city = people.city
    quality = bytes([Quality.ESTIMATED, Quality.QUESTIONABLE, *[0] * 4, 1, 1, *[0] * 16])
    block(channel_of(city), DAY, HOURS, quality=quality)
    block(channel_of(city), DAY - timedelta(days=1), [800] * 24)
    kind = ReadingType.objects.get(code="cold_water.volume")
    for node in (city.town, city.street, city.building, city.source, city.inlet):
        node_block(node, DAY, HOURS, reading_type=kind)
    node_block(city.source, DAY, [1500] * 24, reading_type=kind, flow="supply")
    frame(keyed(city), 1, IntervalProfile(1, 0, 1_767_225_600, 60, (5, None, 6), 1000))
    yield people
    clean()


def test_every_page_of_readings_opens_without_a_breach(
    visit: Callable[..., Any], measured: World
) -> None:
    city = measured.city
    point, module = city.usage_point.pk, city.module.pk
    pages = [
        "/",
        *(
            f"/usage-points/{point}/?date={DAY}&period={kind}&compare=1"
            for kind in ("day", "week", "month", "year")
        ),
        f"/usage-points/{point}/?date=2024-01-01",
        f"/channels/{channel_of(city).pk}/value/?day={DAY}&slot=1",
        f"/networks/?system=cold_water&date={DAY}",
        f"/networks/?system=territory&resource=cold_water&date={DAY}&sort=worst",
        f"/networks/?system=cold_water&date={DAY}&sort=worst",
        f"/nodes/{city.source.pk}/?date={DAY}",
        f"/nodes/{city.building.pk}/?resource=gas",
        "/modules/?state=silent",
        "/modules/",
        f"/modules/{module}/frames/",
        f"/modules/{module}/frames/?frame=900001",
        "/quarantine/",
    ]
    with visit(CLERK) as page:
        for address in pages:
            answer = page.goto(address)
            assert answer.status == 200, address
            page.wait_for_load_state("load")
            assert page.locator("h1").count() == 1, address
            assert_fits(page, address)


def test_chart_is_walked_by_keyboard_and_opens_a_value(
    visit: Callable[..., Any], measured: World
) -> None:
    with visit(CLERK) as page:
        page.goto(f"/usage-points/{measured.city.usage_point.pk}/?date={DAY}")
        page.wait_for_selector(".chart canvas")
        page.focus("[data-chart-stage]")
        page.keyboard.press("Home")
        told = page.locator("[data-chart-told]")
        assert "1.200 m³" in told.text_content() and "estimated" in told.text_content()
        for _ in range(6):
            page.keyboard.press("ArrowRight")
        assert "no value" in told.text_content()
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: "/value/" in url)
        assert "slot=5" in page.url


def test_chart_is_painted_in_both_themes(visit: Callable[..., Any], measured: World) -> None:
    painted = """() => {
        const canvas = document.querySelector('.chart canvas');
        const all = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
        const seen = new Set();
        for (let at = 0; at < all.length; at += 4) {
            if (all[at + 3] > 250) seen.add(`${all[at]},${all[at + 1]},${all[at + 2]}`);
        }
        return [...seen];
    }"""
    ink = """(() => { const probe = document.querySelector('.legend');
        probe.style.color = 'var(--ro-cold_water)';
        const found = getComputedStyle(probe).color.match(/\\d+/g).slice(0, 3).join(',');
        probe.style.color = ''; return found; })()"""
    with visit(CLERK, color_scheme="light") as page:
        page.goto(f"/usage-points/{measured.city.usage_point.pk}/?date={DAY}")
        page.wait_for_selector(".chart canvas")
        light = page.evaluate(ink)
        assert light in page.evaluate(painted)
        page.click(".topbar__tools > .segments [data-theme-choice=dark]")
        dark = page.evaluate(ink)
        assert dark != light
        page.wait_for_function(f"({painted})().includes('{dark}')")


def test_period_and_comparison_are_chosen_on_the_page(
    visit: Callable[..., Any], measured: World
) -> None:
    with visit("billing@city.test") as page:
        page.goto(f"/usage-points/{measured.city.usage_point.pk}/?date={DAY}")
        page.click("a:has-text('Compare with the period before')")
        page.wait_for_url(lambda url: "compare=1" in url)
        assert "19.200" in page.locator(".tally").inner_text()
        page.click(".stepper a[rel=prev]")
        page.wait_for_url(lambda url: str(DAY - timedelta(days=1)) in url)
        page.click(".periods .tab:has-text('Month')")
        page.wait_for_url(lambda url: "period=month" in url)
        with page.expect_download() as download:
            page.click("a[download]")
        assert download.value.suggested_filename.endswith(".csv")


def test_tree_opens_and_closes_a_level_at_a_time(
    visit: Callable[..., Any], measured: World
) -> None:
    city = measured.city
    with visit(CLERK) as page:
        page.goto(f"/networks/?system=territory&resource=cold_water&date={DAY}")
        # The only town is open already; its streets are there to choose from.
        street = page.locator(f"tr[data-branch='{city.street.pk}']")
        street.wait_for()
        assert page.locator(f"tr[data-branch='{city.building.pk}']").count() == 0
        street.locator("[data-toggle]").press("Enter")
        page.locator(f"tr[data-branch='{city.building.pk}']").wait_for()
        street.locator("[data-toggle]").click()
        page.wait_for_selector(f"tr[data-branch='{city.building.pk}']", state="detached")
        page.click(f"tr[data-branch='{city.street.pk}'] a")
        page.wait_for_url(lambda url: f"/nodes/{city.street.pk}/" in url)


def test_overview_renews_itself(visit: Callable[..., Any], measured: World) -> None:
    with visit(CLERK) as page:
        page.goto("/")
        with page.expect_response(lambda answer: "/live/" in answer.url, timeout=15_000) as asked:
            pass
        assert asked.value.status == 200
        page.locator(".overview__live .card__head").first.wait_for()


def test_bytes_and_their_meaning_light_up_together(
    visit: Callable[..., Any], measured: World
) -> None:
    with visit(CLERK) as page:
        page.goto(f"/modules/{measured.city.module.pk}/frames/?frame=900001")
        page.locator(".bytes .byte").nth(3).hover()
        lit = page.locator("tr.is-lit")
        assert "device" in lit.inner_text() and "RDO-0000004711" in lit.inner_text()
        assert page.locator(".bytes .byte.is-lit").count() == 8
