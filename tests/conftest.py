"""Real services for every test; named people in two companies."""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.people import World
    from tests.snapshot import Kept


def pytest_collection_finish() -> None:
    """Thousands of tests and everything they import stay: looking for cycles among them again and
    again took a fifth of the run.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)


@pytest.fixture(scope="session", autouse=True)
def _own_cache(request: pytest.FixtureRequest) -> None:
    """One Valkey database a worker, else workers clear one another's.

    A connection keeps the address that it was made with, and collecting the tests may have made
    one.
    """
    from django.conf import settings
    from django.core.cache import caches

    if worker := _worker(request):
        number = 4 + int(worker.removeprefix("gw")) % 11
        settings.CACHES["default"]["LOCATION"] = f"{settings.REDIS_URL.rstrip('/')}/{number}"
        for cache in caches.all(initialized_only=True):
            cache.close()
            del caches["default"]


@pytest.fixture(scope="session")
def django_db_modify_db_settings_parallel_suffix(request: pytest.FixtureRequest) -> None:
    """One database a worker."""
    from pytest_django.fixtures import _set_suffix_to_test_databases

    if worker := _worker(request):
        _set_suffix_to_test_databases(suffix=worker)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    request: pytest.FixtureRequest,
    django_db_modify_db_settings_parallel_suffix: None,
    django_db_blocker: Any,
) -> None:
    """Workers copy a database that is migrated."""
    from django.db import connection

    from tests.template import template_made

    if _worker(request):
        with django_db_blocker.unblock():
            template = template_made(os.environ["PYTEST_XDIST_TESTRUNUID"])
        connection.settings_dict["TEST"]["TEMPLATE"] = template


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Databases of the tests; what a test has committed is taken out again, and nothing else."""
    from django.test import TransactionTestCase

    from tests.snapshot import Pristine

    with django_db_blocker.unblock():
        pristine = Pristine.take()
    with pytest.MonkeyPatch.context() as patch:
        if pristine is not None:
            patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _: pristine.restore())
        yield


def _worker(request: pytest.FixtureRequest) -> str:
    """Of xdist, gw0 …; empty in a run without it."""
    name: str = getattr(request.config, "workerinput", {}).get("workerid", "")
    return name


@pytest.fixture(autouse=True)
def _clean_cache(request: pytest.FixtureRequest, _own_cache: None) -> None:
    """Rate limits of one test must not reach the next."""
    if "embedded" not in request.keywords:
        from django.core.cache import cache

        cache.clear()


@pytest.fixture(scope="session")
def _worlds() -> Kept[World]:
    from tests.snapshot import Kept

    return Kept()


@pytest.fixture
def world(db: None, _worlds: Kept[World]) -> World:
    """Two companies with people, trees, types and meters: see tests/people.py."""
    from tests.people import build_world

    return _worlds.copied_or_made(build_world)


@pytest.fixture
def archive_tables(transactional_db: None) -> Iterator[None]:
    """Committed rows, and tables that Django does not know emptied afterwards."""
    from tests.ingestion import fleet

    fleet.clean()
    yield
    fleet.clean()
