"""Servers, databases and processes of the fault runs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.faults.running import Listener
    from tests.faults.server import Server
    from tests.faults.site import Site, Stage


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The database that is copied is only made where some test asks for it by this marker."""
    for item in items:
        if {"site", "server"} & {*getattr(item, "fixturenames", ())}:
            item.add_marker(pytest.mark.django_db)


@pytest.fixture
def counts(record_property: Callable[[str, Any], None]) -> Callable[..., None]:
    """Print these numbers after the run (tests.faults.counts)."""

    def tell(**numbers: Any) -> None:
        text = ", ".join(f"{name.replace('_', ' ')} {value:,}" for name, value in numbers.items())
        record_property("counts", text)

    return tell


@pytest.fixture(scope="session")
def migrated(django_db_setup: None) -> str:
    """Address of the database of the tests."""
    from django.db import connection

    from tests.faults.site import with_database

    return with_database(os.environ["DATABASE_URL"], str(connection.settings_dict["NAME"]))


@pytest.fixture(scope="session")
def site(migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The server of the tests, with a fleet in a copy of their database."""
    from tests.faults.site import Site

    made = Site(os.environ["DATABASE_URL"], tmp_path_factory.mktemp("site"), migrated=migrated)
    yield made
    made.close()


@pytest.fixture
def stage(site: Site, tmp_path: Path) -> Iterator[Stage]:
    """A database with the fleet, and processes that end with the test."""
    with site.stage(tmp_path) as made:
        yield made


@pytest.fixture(scope="session")
def server(migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A durable PostgreSQL of our own, to be killed."""
    from tests.faults.server import Server

    made = Server(tmp_path_factory.mktemp("server"), migrated=migrated)
    yield made
    made.close()


@pytest.fixture
def own_stage(server: Server, tmp_path: Path) -> Iterator[Stage]:
    """A database with the fleet in the server of our own."""
    with server.site.stage(tmp_path) as made:
        yield made
        server.revive()


@pytest.fixture(scope="module")
def served(
    site: Site, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Stage, Listener]]:
    """A stage and a service for tests that share them, each with devices of its own."""
    with site.stage(tmp_path_factory.mktemp("served")) as made:
        listener = made.listener()
        listener.wait_open()
        yield made, listener
        listener.finish()
