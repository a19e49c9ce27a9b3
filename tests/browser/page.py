"""What tests ask of an open page, and how they go on to the next without a race."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["assert_fits", "follow"]

WIDTHS = (390, 1440)
# What follows the window does so within the frame that draws it, and asks for one more at most.
_DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
# Empty when the page fits, else what stands out of it.
_OUTSIDE = """() => {
  const room = window.innerWidth, page = document.documentElement;
  if (page.scrollWidth <= room) return [];
  const wide = [...document.querySelectorAll("body *")].filter(
    (element) => element.getBoundingClientRect().right > room + 0.5);
  const named = wide.map((element) =>
    `${element.tagName}.${element.className} to ${element.getBoundingClientRect().right}`);
  return [`${location.pathname}: ${page.scrollWidth} in ${room}`, ...named.slice(0, 8)];
}"""


def assert_fits(page: Page, what: Any = "", *, widths: tuple[int, ...] = WIDTHS) -> None:
    """Drawn at each width, the whole page is no wider than the window: on a phone, on a desk."""
    page.wait_for_load_state("load")
    for width in widths:
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function("(width) => window.innerWidth === width", arg=width)
        page.evaluate(_DRAWN)
        assert page.evaluate(_OUTSIDE) == [], (what, width)


def follow(page: Page, selector: str) -> None:
    """Click, and wait for the page that it leads to: a click by itself does not."""
    with page.expect_navigation():
        page.click(selector)
