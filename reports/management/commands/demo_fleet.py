"""`manage.py demo_fleet`: the demo's modules go on sending, until they are stopped."""

from __future__ import annotations

import logging
import signal
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import OperationalError
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from ingestion.health import health_read
from reports.demo.live import Live
from reports.demo.loader import demo_companies
from reports.demo.sending import SPREAD

if TYPE_CHECKING:
    from argparse import ArgumentParser

logger = logging.getLogger(__name__)

_WAIT_SECONDS = 1.0
_TOLD_SECONDS = 300.0
# A worker that listens on some of its ports gets this long for the others (waits of a second).
_PATIENCE = 20


class Command(BaseCommand):
    """UDP, TCP and the broker of the settings; goes on where the archive ends."""

    help = "Let the telemetry modules of the demo companies send, over UDP, TCP and MQTT."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=settings.INGEST_HOST)
        parser.add_argument("--spread", type=float, default=SPREAD, help="seconds of the reports")
        parser.add_argument("--seconds", type=float, default=None, help="end after so long")

    def handle(
        self, *args: Any, host: str, spread: float, seconds: float | None, **options: Any
    ) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_arguments: stop.set())
        ports = self._ports(stop)
        live = self._live(ports, host, spread, stop)
        if live is None:
            # Somebody may have removed the demo's companies: then there is nothing to send.
            stop.wait()
            return
        try:
            live.run(stop, seconds=seconds, tell_every=_TOLD_SECONDS, tell=self._tell)
        finally:
            live.close()

    def _ports(self, stop: threading.Event) -> dict[str, int]:
        """Where the worker of this copy listens; another copy may have the usual ports."""
        found: dict[str, int] = {}
        begin, patience = datetime.now(UTC), _PATIENCE
        while not stop.is_set() and patience:
            found = _listening(begin)
            if {"udp", "tcp"} <= found.keys():
                break
            patience -= bool(found)
            stop.wait(_WAIT_SECONDS)
        return found

    def _live(
        self, ports: dict[str, int], host: str, spread: float, stop: threading.Event
    ) -> Live | None:
        while not stop.is_set():
            try:
                companies = demo_companies()
                if not companies:
                    self._tell(_("The demo is not loaded: run `manage.py load_demo` first."))
                    return None
                return Live(companies, host=host, ports=ports, spread=spread)
            except OperationalError as error:
                logger.warning("the database does not answer yet: %s", error)
                stop.wait(_WAIT_SECONDS)
        return None

    def _tell(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _listening(since: datetime) -> dict[str, int]:
    """Ports by transport, as a worker told them after `since`."""
    try:
        health = health_read() or {}
    except RedisError as error:
        logger.warning("the cache does not answer yet: %s", error)
        return {}
    if not health or datetime.fromisoformat(health["at"]) < since:
        return {}
    return {name: int(row["port"]) for name, row in health["listeners"].items()}
