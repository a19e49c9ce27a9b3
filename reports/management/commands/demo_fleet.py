"""`manage.py demo_fleet`: the demo's modules go on sending, until they are stopped."""

from __future__ import annotations

import logging
import signal
import threading
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import OperationalError
from django.utils.translation import gettext as _

from reports.demo.live import Live
from reports.demo.loader import demo_companies
from reports.demo.sending import SPREAD

if TYPE_CHECKING:
    from argparse import ArgumentParser

logger = logging.getLogger(__name__)

_WAIT_SECONDS = 2.0
_TOLD_SECONDS = 300.0


class Command(BaseCommand):
    """UDP, TCP and the broker of the settings; goes on where the archive ends."""

    help = "Let the telemetry modules of the demo companies send, over UDP, TCP and MQTT."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=settings.INGEST_HOST)
        parser.add_argument("--udp-port", type=int, default=settings.INGEST_UDP_PORT)
        parser.add_argument("--tcp-port", type=int, default=settings.INGEST_TCP_PORT)
        parser.add_argument("--spread", type=float, default=SPREAD, help="seconds of the reports")
        parser.add_argument("--seconds", type=float, default=None, help="end after so long")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_arguments: stop.set())
        live = self._live(options, stop)
        if live is None:
            # Somebody may have removed the demo's companies: then there is nothing to send.
            stop.wait()
            return
        try:
            live.run(stop, seconds=options["seconds"], tell_every=_TOLD_SECONDS, tell=self._tell)
        finally:
            live.close()

    def _live(self, options: dict[str, Any], stop: threading.Event) -> Live | None:
        while not stop.is_set():
            try:
                companies = demo_companies()
                if not companies:
                    self._tell(_("The demo is not loaded: run `manage.py load_demo` first."))
                    return None
                return Live(
                    companies,
                    host=options["host"],
                    udp_port=options["udp_port"],
                    tcp_port=options["tcp_port"],
                    spread=options["spread"],
                )
            except OperationalError as error:
                logger.warning("the database does not answer yet: %s", error)
                stop.wait(_WAIT_SECONDS)
        return None

    def _tell(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
