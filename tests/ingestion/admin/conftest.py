"""The browser of the pages' tests."""

from tests.browser.conftest import chromium, people, visit

__all__ = ["chromium", "people", "visit"]
