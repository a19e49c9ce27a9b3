"""The fleet that goes on sending: three ways to the server, little work, now and then a fault."""

from __future__ import annotations

import logging
import time
from random import Random
from typing import TYPE_CHECKING

import numpy as np
from django.conf import settings
from django.db import connection

from ingestion.codecs.universal import encode
from ingestion.codecs.universal_messages import Hello
from ingestion.emulator.courier import Courier, Manners, Parcel
from ingestion.emulator.ledger import Ledger
from ingestion.emulator.links import link_open
from ingestion.emulator.memory import Memory
from ingestion.emulator.meters import joined
from ingestion.emulator.misbehaviour import Misbehaviour, Mischief
from ingestion.emulator.responding import Responder

from .sending import MQTT, ON_BATTERY, TCP, UDP, Voices

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping, Sequence

    from accounts.models import Company

    from .sending import Ints

__all__ = ["Live"]

logger = logging.getLogger(__name__)

_TRANSPORTS = {UDP: "udp", TCP: "tcp", MQTT: "mqtt"}
# Each way waits so long for answers in a turn, so the fleet wakes about three times a second.
_PAUSE = 0.1
_TELL_SECONDS = 1.0
_REPORT_SECONDS = 60.0
# After a longer rest there is more to tell: so many values in a profile.
_MOST = 240
# A device that nobody entered, and a module with another's key, every so many seconds on average.
_STRANGER_SECONDS = 150.0
_WRONG_KEY_SECONDS = 240.0
# Mains modules show that they live between their reports; all of them within this time.
_HELLO_SECONDS = 300.0
_RULES = Misbehaviour(loss=0.01, dup=0.01, corrupt=0.002)
_STRANGERS = 7


class Live:
    """Made once; `run` until stopped. Counts are those of this process.

    ports: where the server listens, by name of the transport; at least one, or a broker.
    """

    def __init__(
        self,
        companies: Sequence[Company],
        *,
        host: str,
        ports: Mapping[str, int],
        spread: float,
    ) -> None:
        self.voices = Voices(companies)
        # Nothing is asked of the database from here on.
        connection.close()
        self.spread = spread
        self.started = time.time()
        self.random = Random()  # noqa: S311 - when a fault happens is nobody's secret
        broker = {"mqtt": 0} if settings.MQTT_URL else {}
        known = {name: port for name, port in ports.items() if name != "mqtt"} | broker
        ways = [way for way, name in _TRANSPORTS.items() if name in known]
        self._first = ways[0]
        # Modules whose way is closed go another.
        self.voices.way[~np.isin(self.voices.way, ways)] = self._first
        self.couriers = {
            way: Courier(
                self.voices.stock.modules,
                link_open(
                    _TRANSPORTS[way],
                    host,
                    known[_TRANSPORTS[way]],
                    self.voices.stock.modules.label,
                ),
                Ledger(),
                Mischief(_RULES, way),
                Manners(window=200, back_off=2.0),
            )
            for way in ways
        }
        self.memory = Memory()
        for courier in self.couriers.values():
            Responder(courier, self.voices.stock.meters, self.memory)
        self._due = {"tell": 0.0, "report": 0.0, "stranger": 0.0, "wrong key": 0.0, "hello": 0.0}
        labels = enumerate(self.voices.labels)
        self._mains = [row for row, label in labels if not label.startswith(ON_BATTERY)]

    def run(
        self,
        stop: threading.Event,
        *,
        seconds: float | None,
        tell_every: float,
        tell: Callable[[str], None],
    ) -> None:
        """Until `stop` is set, or so many seconds; tell: called with a line now and then."""
        end = None if seconds is None else time.monotonic() + seconds
        told_at = time.monotonic()
        tell(f"{len(self.voices.labels)} modules, {len(self.voices.stock.meters)} registers")
        while not stop.is_set() and (end is None or time.monotonic() < end):
            self.turn()
            if time.monotonic() - told_at >= tell_every:
                told_at = time.monotonic()
                tell(self.summary())
        tell(self.summary())

    def turn(self) -> None:
        """One round: tell what is due, misbehave, deliver."""
        now = time.monotonic()
        if self._is_due("tell", now, _TELL_SECONDS):
            told = self.voices.tell(time.time(), spread=self.spread, most=_MOST)
            self.memory.keep(told)
            self._post(joined(told))
        if self._is_due("report", now, _REPORT_SECONDS):
            for courier in self.couriers.values():
                courier.report()
        if self._mains and self._is_due("hello", now, _HELLO_SECONDS / len(self._mains)):
            self._hello(self.random.choice(self._mains))
        self._misbehave(now)
        for courier in self.couriers.values():
            courier.step(_PAUSE)

    def summary(self) -> str:
        parts = []
        for way, courier in self.couriers.items():
            score = courier.score
            parts.append(
                f"{_TRANSPORTS[way]} {score.acknowledged} acknowledged, {courier.waiting} waiting"
            )
        return "; ".join(parts)

    def close(self) -> None:
        for courier in self.couriers.values():
            courier.link.close()

    def _post(self, parcels: list[Parcel]) -> None:
        ways: Ints = self.voices.way
        for way, courier in self.couriers.items():
            courier.post(parcel for parcel in parcels if ways[parcel.row] == way)

    def _hello(self, row: int) -> None:
        now = int(time.time())
        hello = Hello(now, int(now - self.started), (1, 4, 2), 0, -60 - row % 30, 0x0C, 0)
        self._post([Parcel(row, encode([hello]))])

    def _misbehave(self, now: float) -> None:
        """Past the courier: nobody waits for an answer to these."""
        rows = len(self.voices.labels)
        if not rows:
            return
        if self._is_due("stranger", now, _STRANGER_SECONDS * self.random.uniform(0.5, 1.5)):
            number = 0xE0_0000_0000 + self.random.randrange(_STRANGERS)
            frame = b"\x20RDW" + number.to_bytes(5, "big") + self._noise()
            self.couriers[self._first].link.send(0, frame)
        if self._is_due("wrong key", now, _WRONG_KEY_SECONDS * self.random.uniform(0.5, 1.5)):
            row = min(3, rows - 1)
            device = int(self.voices.stock.modules.device[row]).to_bytes(8, "big")
            frame = b"\x20" + device + self._noise()
            self.couriers[self._first].link.send(0, frame)

    def _noise(self) -> bytes:
        """A counter, and what no key opens."""
        return self.random.randrange(1, 1 << 20).to_bytes(4, "big") + self.random.randbytes(45)

    def _is_due(self, name: str, now: float, seconds: float) -> bool:
        if now < self._due[name]:
            return False
        self._due[name] = now + seconds
        return True
