"""Servers, databases and processes of the fault runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.faults.running import Listener
    from tests.faults.server import Server
    from tests.faults.site import Site, Stage


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The database that `site` copies is only made where some test asks for it by this marker."""
    for item in items:
        if "site" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.django_db)


@pytest.fixture
def counts(record_property: Callable[[str, Any], None]) -> Callable[..., None]:
    """Print these numbers after the run (tests.faults.counts)."""

    def tell(**numbers: Any) -> None:
        text = ", ".join(f"{name.replace('_', ' ')} {value:,}" for name, value in numbers.items())
        record_property("counts", text)

    return tell


@pytest.fixture(scope="session")
def site(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The server of the tests, with a fleet in a copy of their database."""
    import os

    from django.db import connection

    from tests.faults.site import Site

    connection.close()
    settings = connection.settings_dict
    template = settings["TEST"].get("TEMPLATE") or settings["NAME"]
    url = os.environ["DATABASE_URL"]
    made = Site(url, tmp_path_factory.mktemp("site"), template=str(template))
    yield made
    made.close()


@pytest.fixture
def stage(site: Site, tmp_path: Path) -> Iterator[Stage]:
    """A database with the fleet, and processes that end with the test."""
    with site.stage(tmp_path) as made:
        yield made


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A durable PostgreSQL of our own, to be killed."""
    from tests.faults.server import Server

    made = Server(tmp_path_factory.mktemp("server"))
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
