"""A running collector for tests of the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.ingestion.fleet import Collector, Sender


@pytest.fixture
def collect(archive_tables: None) -> Iterator[Callable[[], Collector]]:
    """Starts a collector; the one before must have been stopped."""
    from tests.ingestion.fleet import Collector

    started: list[Collector] = []

    def start() -> Collector:
        started.append(Collector().start())
        return started[-1]

    yield start
    for one in started:
        if one.engine.alive:
            one.stop()


@pytest.fixture
def send() -> Iterator[Callable[[Collector], Sender]]:
    """A UDP sender to a collector."""
    from tests.ingestion.fleet import Sender

    made: list[Sender] = []

    def to(collector: Collector) -> Sender:
        made.append(Sender(collector.udp.port))
        return made[-1]

    yield to
    for one in made:
        one.close()
