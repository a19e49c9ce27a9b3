"""A real Chromium against the live server; every page is watched for errors and policy breaches."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.people import PASSWORD, World, build_world

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from playwright.sync_api import Browser, Page

CHROMIUM = "/usr/bin/chromium"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for the session; each page gets its own context."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"{CHROMIUM} is not installed: the pages can't be opened in a browser")
    from playwright.sync_api import sync_playwright

    # Playwright runs an event loop in this thread; the ORM here still runs in plain code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def people(transactional_db: None) -> World:
    """Both companies, committed, so that the live server sees them too."""
    from allauth.account.models import EmailAddress

    from accounts.models import User

    world = build_world()
    for user in User.objects.all():
        EmailAddress.objects.get_or_create(
            user=user, email=user.email, defaults={"verified": True, "primary": True}
        )
    return world


Visit = Any


@pytest.fixture
def visit(chromium: Browser, live_server: Any, people: World) -> Callable[..., Visit]:
    """`with visit("administrator@city.test", width=390) as page:` a signed-in, watched page.

    Leaving the block fails when the browser reported an error, a policy breach included.
    """

    @contextmanager
    def open_page(
        email: str | None = None, *, width: int = 1440, **options: Any
    ) -> Generator[Page]:
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, base_url=live_server.url, **options
        )
        page = context.new_page()
        problems: list[str] = []
        page.on("console", lambda message: _note(problems, message.type, message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        try:
            if email:
                sign_in(page, email)
            yield page
        finally:
            context.close()
        assert problems == []

    return open_page


def _note(problems: list[str], kind: str, text: str) -> None:
    # Answers that refuse something (409 of a move) are logged by the browser as failed loads.
    if kind == "error" and "Failed to load resource" not in text:
        problems.append(text)


def sign_in(page: Page, email: str) -> None:
    page.goto("/account/login/")
    page.fill("[name=login]", email)
    page.fill("[name=password]", PASSWORD)
    page.click("main form button[type=submit]")
    page.wait_for_url(lambda url: "/account/login" not in url)
