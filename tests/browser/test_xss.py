"""S7, long form: hostile texts everywhere, every page opened in Chromium, and no script runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import transaction

from tests.browser.test_pages import ADMINISTRATOR
from tests.security.pages import admin_pages, outside_pages
from tests.security.test_xss import MARK, poison

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.people import World

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow_security,
    pytest.mark.django_db(transaction=True),
]

# Each would set the mark: as an element, as a handler, out of a script or a style, as an address.
PAYLOADS = (
    f'"><img src=x onerror={MARK}=1>',
    f"'-({MARK}=1)-'",
    f"</script><script>{MARK}=1</script>",
    f"</title><svg onload={MARK}=1>",
    f"javascript:{MARK}=1",
)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_script_of_a_text_runs(visit: Callable[..., Any], people: World, payload: str) -> None:
    with transaction.atomic():
        assert poison(people, payload) > 20
    shown = 0
    with visit(ADMINISTRATOR) as page:
        for address in [*admin_pages(people.city), *outside_pages(people.city)]:
            answer = page.request.get(address)
            is_page = answer.headers.get("content-type", "").startswith("text/html")
            if answer.status != 200 or not is_page:
                continue
            page.goto(address)
            page.wait_for_load_state("networkidle")
            shown += MARK in page.content()
            assert page.evaluate(f"typeof {MARK}") == "undefined", address
    # Had the texts not been shown, nothing would have been tested.
    assert shown > 25
