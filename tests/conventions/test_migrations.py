"""Migrations say what they do, and two branches never take the same number."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from tests.conventions.project import APPS, ROOT

_NAME = re.compile(r"^(\d{4})_([a-z][a-z0-9_]+)$")
_NAMELESS = re.compile(r"^\d{4}_(auto(_|$)|initial$|[\d_]+$|migration)")


def _names(app: str) -> list[str]:
    return sorted(path.stem for path in (ROOT / app / "migrations").glob("[0-9]*.py"))


@pytest.mark.parametrize("app", APPS)
def test_names_say_what_is_done(app: str) -> None:
    nameless = [name for name in _names(app) if not _NAME.match(name) or _NAMELESS.match(name)]
    assert nameless == [], "rename with `makemigrations -n what_it_does`"


@pytest.mark.parametrize("app", APPS)
def test_numbers_are_unique(app: str) -> None:
    numbers = Counter(name[:4] for name in _names(app))
    assert [number for number, times in numbers.items() if times > 1] == []


@pytest.mark.parametrize(
    "name", ["0002_auto_20260101_1200", "0001_initial", "0003_0004", "0005_migration"]
)
def test_names_that_say_nothing_are_noticed(name: str) -> None:
    assert _NAMELESS.match(name)


def test_there_are_migrations_to_look_at() -> None:
    assert _names("accounts")
    assert _names("meters")
