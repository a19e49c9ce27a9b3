"""A collection service: intake, engine and listeners, watched over.

Several services may run side by side, on one machine on the same ports (SO_REUSEPORT): each works
for its shares of the devices (`ingestion.shares`), and hands on what arrives for another.

UDP, TCP and MQTT have ports of ours; the MQTT broker is connected to as well, where one is given.

Listeners are open only while the engine works: a standby that listened would take frames that
nobody stores. They stay open while the database is away: the intake fills, then nothing more is
read, and devices send again what was not acknowledged. A port that is taken is tried again.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings

from ingestion.engine import Engine, EngineState
from ingestion.health import Meter, health_publish
from ingestion.models import Transport
from ingestion.mqtt_book import LoginBook
from ingestion.mqtt_brokers import client_secret
from ingestion.transports.intake import Intake
from ingestion.transports.mqtt import BrokerListener
from ingestion.transports.mqtt_endpoint import MqttEndpoint
from ingestion.transports.mqtt_session import BrokerAddress
from ingestion.transports.mqtt_topics import SHARDS, filters_of, shards_of
from ingestion.transports.tcp import TcpListener
from ingestion.transports.udp import UdpListener

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Collection"]

logger = logging.getLogger(__name__)

_TICK_SECONDS = 0.5
_RETRY_TICKS = 10
_HEALTH_TICKS = 4
_LISTENING = frozenset({EngineState.WORKING, EngineState.WAITING})


class Collection:
    """All transports with one engine. Started and stopped by `ingestion.bootsteps`."""

    def __init__(
        self,
        *,
        host: str | None = None,
        udp_port: int | None = None,
        tcp_port: int | None = None,
        mqtt_port: int | None = None,
    ) -> None:
        self.host = settings.INGEST_HOST if host is None else host
        self.ports = {
            Transport.UDP: settings.INGEST_UDP_PORT if udp_port is None else udp_port,
            Transport.TCP: settings.INGEST_TCP_PORT if tcp_port is None else tcp_port,
            Transport.MQTT: settings.INGEST_MQTT_PORT if mqtt_port is None else mqtt_port,
        }
        self.ports = {transport: port for transport, port in self.ports.items() if port >= 0}
        # A mistake in the settings is told at the start, not by a thread.
        self._shards = shards_of(settings.INGEST_MQTT_SHARDS)
        self._topics = filters_of(settings.INGEST_MQTT_TOPICS)
        self._address = BrokerAddress.parse(settings.MQTT_URL) if settings.MQTT_URL else None
        self.intake = Intake(
            size=settings.INGEST_BATCH, linger=settings.INGEST_LINGER, limit=settings.INGEST_HELD
        )
        self.engine = Engine(
            self.intake, shares=settings.INGEST_SHARES, relay_host=settings.INGEST_RELAY_HOST
        )
        self.listeners: dict[Transport, Any] = {}
        self.broker: BrokerListener | None = None
        self._complained: set[Transport] = set()
        self._meter = Meter()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="collection", daemon=True)

    def start(self) -> None:
        os.register_at_fork(after_in_child=self._leave_to_parent)
        self.engine.start()
        self._thread.start()

    def stop(self) -> None:
        """Read no more, store and answer what is held, then close."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=5)
        for listener in self._all():
            listener.stop()
        self.engine.stop()
        self._close()

    def port(self, transport: Transport) -> int | None:
        """Where it listens now; None while it does not."""
        listener = self.listeners.get(transport)
        return None if listener is None else int(listener.port)

    def _watch(self) -> None:
        tick = 0
        while not self._stop.wait(_TICK_SECONDS if tick else 0.05):
            if self.engine.state not in _LISTENING:
                self._close()
            elif self.engine.state == EngineState.WORKING:
                self._tend_broker()
                if self._due(tick):
                    self._open()
            if tick % _HEALTH_TICKS == 0 and self.engine.state != EngineState.STANDBY:
                health_publish(self._meter.read(self))
            tick += 1 if self.listeners else 0

    def _due(self, tick: int) -> bool:
        missing = set(self.ports) - set(self.listeners)
        return bool(missing - self._complained) or (bool(missing) and tick % _RETRY_TICKS == 0)

    def _open(self) -> None:
        for transport, port in self.ports.items():
            if transport in self.listeners:
                continue
            try:
                if self.engine.shares.all_held:
                    _check_free(self.host, port, _KINDS[transport])
                listener = _LISTENERS[transport](self.intake, self.host, port)
                listener.code = int(transport)
                listener.start()
            except OSError as error:
                self._complain(transport, port, error)
            else:
                self.listeners[transport] = listener
                self._complained.discard(transport)
                logger.info(
                    "listening on %s port %d, %s", transport.label, listener.port, self.host
                )

    def _tend_broker(self) -> None:
        """Have sessions for the topic shards that are ours; each has one client id everywhere."""
        wanted = self._broker_shards() if self._address is not None else ""
        topics = self._broker_topics()
        if self.broker is not None and (self.broker.shards, self.broker.topics) != (wanted, topics):
            self.broker.stop()
            self.broker.close()
            self.broker = None
        if self.broker is None and self._address is not None and (wanted or topics):
            self.broker = BrokerListener(
                self.intake,
                self._address,
                secret=client_secret(),
                shards=wanted,
                topics=topics,
                answer_qos=settings.INGEST_MQTT_ANSWER_QOS,
            )
            self.broker.code = int(Transport.MQTT)
            self.broker.start()

    def _broker_shards(self) -> str:
        """Topic shards are dealt out to the shares of devices in turn."""
        held, count = self.engine.shares.held, self.engine.shares.count
        return "".join(shard for shard in self._shards if SHARDS.index(shard) % count in held)

    def _broker_topics(self) -> tuple[str, ...]:
        """Filters of the topics of published types, and those of the settings.

        One service at a time has the session for them.
        """
        known = self.engine.known
        if known is None or 0 not in self.engine.shares.held:
            return ()
        return tuple(sorted({*known.foreign.types.topics, *self._topics}))

    def _all(self) -> list[Any]:
        return [*self.listeners.values(), *([] if self.broker is None else [self.broker])]

    def _complain(self, transport: Transport, port: int, error: OSError) -> None:
        if transport not in self._complained:
            self._complained.add(transport)
            logger.error(
                "%s port %d on %s can't be used (%s): nothing is received there. It is tried again"
                " every few seconds; give another port in INGEST_%s_PORT",
                transport.label,
                port,
                self.host,
                error.strerror or error,
                transport.name,
            )

    def _close(self) -> None:
        for listener in self._all():
            listener.stop()
            listener.close()
        self.listeners, self.broker = {}, None

    def _leave_to_parent(self) -> None:
        """In a process forked later: close the sockets, which would hold the ports for it too."""
        ports = {listener.port for listener in self.listeners.values()}
        for entry in Path("/proc/self/fd").iterdir() if ports else ():
            with suppress(OSError, ValueError):
                _close_if_at(int(entry.name), ports)


def _close_if_at(descriptor: int, ports: set[int]) -> None:
    found = socket.socket(fileno=descriptor)
    name = found.getsockname()
    if isinstance(name, tuple) and len(name) > 1 and name[1] in ports:
        found.close()
    else:
        found.detach()


def _check_free(host: str, port: int, kind: socket.SocketKind) -> None:
    """OSError when anybody listens there: listeners share ports, so binding alone would not tell."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family, kind)) as probe:
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))


_KINDS = {
    Transport.UDP: socket.SOCK_DGRAM,
    Transport.TCP: socket.SOCK_STREAM,
    Transport.MQTT: socket.SOCK_STREAM,
}
_LISTENERS: dict[Transport, Callable[[Intake, str, int], Any]] = {
    Transport.UDP: lambda intake, host, port: UdpListener(intake, host=host, port=port),
    Transport.TCP: lambda intake, host, port: TcpListener(intake, host=host, port=port),
    Transport.MQTT: lambda intake, host, port: MqttEndpoint(
        intake, host=host, port=port, logins=LoginBook()
    ),
}
