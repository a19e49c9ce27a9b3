"""Every main page in a browser: no error, no policy breach, no sideways scrolling, both themes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.page import assert_fits, follow

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.people import World

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ADMINISTRATOR = "administrator@city.test"
OPEN_PAGES = {"/account/login/": 200, "/account/password/reset/": 200, "/nothing-is-here/": 404}
PAGES = [
    "/",
    "/search/",
    "/search/?q=street",
    "/search/?place={building}",
    "/usage-points/{usage_point}/",
    "/account/password/change/",
    "/account/2fa/",
    "/account/sessions/",
    "/account/invitations/",
    "/admin/",
    "/admin/hierarchy/node/",
    "/admin/hierarchy/node/tree/",
    "/admin/hierarchy/node/add/",
    "/admin/hierarchy/node/{building}/change/",
    "/admin/hierarchy/node/{building}/delete/",
    "/admin/meters/meter/",
    "/admin/meters/meter/?q=nothing-of-this-name",
    "/admin/meters/meter/{meter}/change/",
    "/admin/meters/usagepoint/",
    "/admin/meters/usagepoint/{usage_point}/change/",
    "/admin/meters/telemetrymodule/{module}/change/",
    "/admin/meters/devicetype/{device_type}/change/",
]


def _address(pattern: str, world: World) -> str:
    keys = {name: getattr(thing, "pk", 0) for name, thing in world.city.things.items()}
    return pattern.format(**keys)


def _look(page: Any, address: str) -> int:
    """Open an address, check it wide and narrow; the status it answered with."""
    answer = page.goto(address)
    page.wait_for_load_state("networkidle")
    assert page.locator("h1").count() == 1, address
    assert_fits(page, address)
    return int(answer.status)


def test_pages_open_without_errors(visit: Callable[..., Any], people: World) -> None:
    with visit(ADMINISTRATOR) as page:
        for pattern in PAGES:
            address = _address(pattern, people)
            assert _look(page, address) == 200, address


def test_pages_before_sign_in_open_without_errors(visit: Callable[..., Any]) -> None:
    with visit() as page:
        for address, status in OPEN_PAGES.items():
            assert _look(page, address) == status, address


def test_sign_in_and_out(visit: Callable[..., Any]) -> None:
    with visit("clerk@city.test") as page:
        assert "Clerk" in page.locator("h1").inner_text()
        assert page.locator("a[href='/admin/']").count() == 0
        page.click("details.menu summary")
        follow(page, "details.menu button:has-text('Sign out')")
        page.goto("/")
        assert "/account/login/" in page.url


def test_one_theme_switch_governs_every_page(visit: Callable[..., Any]) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    with visit(ADMINISTRATOR, color_scheme="light") as page:
        light = page.evaluate(ground)
        page.click(".topbar__tools > .segments [data-theme-choice=dark]")
        dark = page.evaluate(ground)
        assert dark != light
        page.goto("/admin/meters/meter/")
        assert page.evaluate(ground) == dark
        page.click(".topbar__tools > .segments [data-theme-choice=auto]")
        page.goto("/")
        assert page.evaluate(ground) == light


def test_language_is_kept_with_the_account(visit: Callable[..., Any], people: World) -> None:
    with visit(ADMINISTRATOR) as page:
        follow(page, ".topbar__tools > form [value=uk]")
        assert page.locator("html").get_attribute("lang") == "uk"
    people.city.administrator.refresh_from_db()
    assert people.city.administrator.language == "uk"


def test_search_leads_to_the_usage_point(visit: Callable[..., Any], people: World) -> None:
    with visit("clerk@city.test") as page:
        page.fill(".hero-search input", f"MET-{people.city.canary}")
        page.press(".hero-search input", "Enter")
        follow(page, f"a.hit:has-text('MET-{people.city.canary}')")
        assert page.url.endswith(f"/usage-points/{people.city.usage_point.pk}/")
        assert "1.5 m³" in page.locator(".readings").inner_text()


def test_widgets_of_the_forms_work_under_the_policy(
    visit: Callable[..., Any], people: World
) -> None:
    with visit(ADMINISTRATOR) as page:
        page.goto(f"/admin/meters/usagepoint/{people.city.usage_point.pk}/change/")
        page.click(".field-place .select2-selection")
        page.locator(".select2-results__option", has_text="Far Street").first.wait_for()
        page.keyboard.press("Escape")
        page.locator(".datetimeshortcuts a[id^=calendarlink]").first.click()
        page.locator(".calendarbox table").first.wait_for()
        page.keyboard.press("Escape")
        rows = page.locator("#installations-group tr.form-row:not(.empty-form)")
        before = rows.count()
        page.click("#installations-group .add-row a")
        assert rows.count() == before + 1
