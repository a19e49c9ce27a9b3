"""The workbench in a browser: a type from a telegram, seen to decode, mended, published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ingestion.services.device_types import (
    device_type_create,
    fingerprint,
    version_draft,
    version_publish,
    version_save,
)
from ingestion.workbench.starting import starter_text
from meters.models import DeviceTypeVersion
from tests.browser.page import assert_fits

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.people import World

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ENGINEER = "engineer@city.test"
# Made by hand.
JSON_TELEGRAM = '{"imei":"860000000000017","time":1700000000,"volume":12.345,"battery":87}'

# A device of nobody's: header, time, volume of 10 L, status, temperature.
OWN_LAYOUT = """type: acme-wm2
version: 1
vendor: Acme
model: WM-2
resource: cold_water
identify: {transport: lorawan, ports: [10]}
decode:
  kind: binary
  endian: big
  fields:
    - {name: header, type: u8, const: 0x21}
    - {name: at, type: u32, time: unix}
    - {name: volume, type: u32, endian: little, mult: 10, unit: L}
    - {name: status, type: u8}
    - {name: temperature, type: s8, unit: °C}
clock: $at
readings:
  - {register: volume, reading_type: cold_water.volume.register, value: $volume}
  - {register: temperature, reading_type: device.temperature, value: $temperature}
events:
  - {field: $status, bits: {0: battery_low, 2: cover_opened}}
"""


def _write(page: Any, text: str) -> None:
    page.evaluate(
        "text => document.querySelector('[data-workbench]').workbench.setValue(text)", text
    )


def _text(page: Any) -> str:
    return str(page.evaluate("document.querySelector('[data-workbench]').workbench.getValue()"))


def test_a_type_is_made_from_a_telegram_and_published(
    visit: Callable[..., Any], people: World
) -> None:
    with visit(ENGINEER) as page:
        page.goto("/admin/workbench/")
        page.fill("#start-payload", JSON_TELEGRAM)
        page.fill("#payload-code", "acme-nb1")
        page.click("text=Propose a definition")
        page.wait_for_url("**/workbench/*/")
        # It decodes at once: fields, readings, and both of its tests.
        page.wait_for_selector("text=Its tests pass", state="attached")
        result = page.locator("[data-result]")
        assert "cold_water.volume.register" in result.inner_text()
        assert page.locator(".wb-verdict:not(.wb-verdict--failed)").count() == 2
        # A field lights up its bytes when it is focused, and tells of itself.
        page.locator("tr[data-part] >> text=volume").first.focus()
        row = page.locator("tr[data-part]", has_text="volume").first
        row.focus()
        assert "12.345" in page.locator(".wb-byte.is-lit").inner_text()
        assert "volume" in page.locator(".wb-detail").inner_text()
        # A fault is shown at its line, with the key that was meant.
        good = _text(page)
        _write(page, good.replace("vendor:", "vendro:"))
        page.wait_for_selector(".wb-problems button >> text=Line 3")
        assert "vendor" in page.locator(".wb-problems").inner_text()
        page.wait_for_selector(".CodeMirror-line-fault", state="attached")
        _write(page, good)
        page.wait_for_selector(".wb-problems li", state="detached")
        page.click("text=Publish …")
        page.fill("#wb-why", "Delivered with lot 7")
        page.click("button[value=publish]")
        page.wait_for_selector(".wb-badge--published")
        assert "Delivered with lot 7" in page.locator(".subtitle").first.inner_text()
    version = DeviceTypeVersion.objects.get(device_type__code="acme-nb1")
    assert version.published_by == people.city.engineer
    assert version.registers.filter(register="volume").exists()


def test_a_layout_is_written_and_its_tests_are_added(
    visit: Callable[..., Any], people: World
) -> None:
    with visit(ENGINEER) as page:
        page.goto("/admin/workbench/")
        page.fill("#start-payload", "21 6553f100 10270000 05 12")
        page.click("text=Propose a definition")
        page.wait_for_url("**/workbench/*/")
        page.wait_for_selector(".wb-tests")
        _write(page, OWN_LAYOUT)
        # They are not offered before they are those of this text.
        page.click("[data-add-case]")
        page.wait_for_selector(".wb-tests")
        page.click("[data-add-cut]")
        page.wait_for_selector("text=Its tests pass", state="attached")
        text = _text(page)
        assert "register: volume, value: 100000, unit: L" in text
        assert "    - cover_opened" in text
        assert "refused: " in text
        # A telegram is one test: adding it again takes the place of what was expected of it.
        _write(page, text.replace("value: 100000, unit: L", "value: 7, unit: L"))
        page.wait_for_selector(".wb-verdict--failed")
        page.click("[data-add-case]")
        page.wait_for_selector(".wb-verdict--failed", state="detached")
        assert "expects now" in page.locator("[data-sample-state]").inner_text()
        assert _text(page) == text
        page.click("[data-save-button]")
        page.wait_for_selector("[data-state] >> text=Saved")
    draft = DeviceTypeVersion.objects.latest("pk")
    assert draft.definition == text


def test_pages_are_in_order_wide_and_narrow(visit: Callable[..., Any], people: World) -> None:
    with visit(ENGINEER) as page:
        page.goto("/admin/workbench/")
        page.check("input[value=binary]")
        page.get_by_role("button", name="Begin", exact=True).click()
        page.wait_for_url("**/workbench/*/")
        bench = page.url
        for address in ("/admin/workbench/", bench, f"{bench}compare/"):
            page.goto(address)
            if address == bench:
                page.wait_for_selector(".wb-tests")
            assert_fits(page, address)
            assert page.locator("h1").count() == 1


TABLE = """Byte | Name | Type | Scale | Unit
0-3 | Volume | uint32 | 0.001 | m3
4 | Odd | frob | |
4.0 | Low battery | | |
"""


def test_a_pasted_table_becomes_a_type_that_decodes(
    visit: Callable[..., Any], people: World
) -> None:
    with visit(ENGINEER) as page:
        page.goto("/admin/workbench/")
        page.click(".wb-paste summary")
        page.fill("#start-table", TABLE)
        page.select_option("#start-resource", "gas")
        page.fill("#import-code", "acme-g1")
        page.click("text=Import >> visible=true")
        page.wait_for_url("**/workbench/*/")
        assert "Line 3: the type “frob” is not known" in page.locator("main").inner_text()
        page.fill('[data-sample="payload"]', "000003e8 01")
        result = page.locator("[data-result]")
        result.get_by_text("gas.volume.register").wait_for()
        assert "battery low" in result.inner_text()


def test_versions_stand_side_by_side(visit: Callable[..., Any], people: World) -> None:
    engineer = people.city.engineer
    text = starter_text("binary")
    first = device_type_create(actor=engineer, company=people.city.company, definition=text)
    version_publish(actor=engineer, version=first, why="first")
    second = version_draft(actor=engineer, version=first)
    changed = second.definition.replace("vendor: Maker", "vendor: Acme") + "# end\n"
    base = fingerprint(second.definition)
    version_save(actor=engineer, version=second, definition=changed, base=base)
    with visit(ENGINEER) as page:
        page.goto(f"/admin/workbench/{second.pk}/compare/")
        row = page.locator("tr", has=page.locator("del", has_text="Maker"))
        assert row.locator("ins").inner_text() == "Acme"
        old, new = row.locator(".wb-old").bounding_box(), row.locator(".wb-new").bounding_box()
        assert old["y"] == new["y"] and old["x"] < new["x"]
        # Keys lead from change to change; the last is followed by the first.
        for expected in ("1", "2", "1"):
            page.keyboard.press("n")
            assert page.evaluate("document.activeElement.dataset.change") == expected
        assert page.locator("[data-at]").inner_text() == "1 / 2"
        page.keyboard.press("p")
        assert page.evaluate("document.activeElement.dataset.change") == "2"
        # What stayed is folded until somebody asks for it.
        fold = page.locator("[data-unfold]").first
        hidden = page.locator(f"#{fold.get_attribute('data-unfold')}")
        assert not hidden.is_visible()
        fold.focus()
        page.keyboard.press("Enter")
        assert hidden.is_visible()
        page.set_viewport_size({"width": 390, "height": 900})
        old, new = row.locator(".wb-old").bounding_box(), row.locator(".wb-new").bounding_box()
        assert old["x"] == new["x"] and old["y"] < new["y"]
        assert_fits(page, widths=(390,))


def test_completion_offers_keys_and_values(visit: Callable[..., Any], people: World) -> None:
    with visit(ENGINEER) as page:
        page.goto("/admin/workbench/")
        page.get_by_role("button", name="Begin", exact=True).click()
        page.wait_for_url("**/workbench/*/")
        page.wait_for_selector(".wb-tests")
        _write(page, "type: x\nversion: 1\nres")
        page.evaluate(
            "() => { const e = document.querySelector('[data-workbench]').workbench;"
            " e.focus(); e.setCursor({line: 2, ch: 3}); }"
        )
        page.keyboard.press("Control+Space")
        page.wait_for_selector(".CodeMirror-line >> text=resource:")
        page.keyboard.press("Control+Space")
        page.wait_for_selector(".CodeMirror-hint >> text=cold_water")


def test_the_editor_is_left_by_keyboard(visit: Callable[..., Any], people: World) -> None:
    with visit(ENGINEER) as page:
        page.goto("/admin/workbench/")
        page.get_by_role("button", name="Begin", exact=True).click()
        page.wait_for_url("**/workbench/*/")
        page.wait_for_selector(".wb-tests")
        page.evaluate("document.querySelector('[data-workbench]').workbench.focus()")
        inside = "document.activeElement.closest('.CodeMirror') !== null"
        assert page.evaluate(inside)
        page.keyboard.press("Tab")
        assert page.evaluate(inside)
        page.keyboard.press("Escape")
        page.keyboard.press("Tab")
        assert not page.evaluate(inside)
