"""A broker of a test's own, and plain MQTT clients that behave as devices do."""

from __future__ import annotations

import contextlib
import secrets
import socket
import ssl
import tempfile
import threading
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from config.embedded.nats import Nats
from config.embedded.state import DataFolder
from ingestion.mqtt_brokers import embedded_broker_update
from ingestion.services.mqtt_logins import Login
from ingestion.transports.mqtt_packets import cut
from ingestion.transports.mqtt_session import BrokerAddress
from tests.ingestion.fleet import wait_for

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from ingestion.transports.intake import Batch, Intake


class _Nats(Nats):
    """Sends again after a second what was not acknowledged."""

    ack_wait = "1s"


class TlsNats(_Nats):
    """Takes encrypted connections only."""

    certificate = ""
    key = ""

    def prepare(self) -> None:
        super().prepare()
        tls = f'tls {{ cert_file: "{self.certificate}", key_file: "{self.key}" }}'
        text = self.signature.read_text()
        self.signature.write_text(text.replace("mqtt {", f"mqtt {{\n  {tls}"))

    def ready(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2):
                return True
        except OSError:
            return False


@contextlib.contextmanager
def broker(kind: type[Nats] = _Nats, **options: str) -> Iterator[Nats]:
    """The embedded broker, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="readout-broker-") as place:
        folder = DataFolder(Path(place))
        folder.create()
        service = kind(folder, temporary=True)
        for name, value in options.items():
            setattr(service, name, value)
        service.spawn()
        service.wait_ready()
        try:
            yield service
        finally:
            service.stop()


def address_of(service: Nats) -> BrokerAddress:
    return BrokerAddress.parse(service.url)


class Client:
    """paho as a device uses it: connected, or refused."""

    def __init__(
        self,
        address: BrokerAddress,
        name: str,
        *,
        user: str | None = None,
        password: str | None = None,
        kept: bool = False,
    ) -> None:
        """kept: the broker keeps the session, and messages, while it is away."""
        self.heard: deque[tuple[str, bytes]] = deque()
        self.reason: Any = None
        self.grants: deque[list[Any]] = deque()
        self.lost = threading.Event()
        self.paho = paho.Client(
            CallbackAPIVersion.VERSION2, name, clean_session=not kept, protocol=paho.MQTTv311
        )
        self.paho.username_pw_set(user or address.user, password or address.password)
        self.paho.reconnect_delay_set(1, 1)
        self.paho.on_connect = self._connected
        self.paho.on_subscribe = lambda c, u, mid, reasons, p: self.grants.append(reasons)
        self.paho.on_message = lambda c, u, m: self.heard.append((m.topic, m.payload))
        self.paho.on_disconnect = lambda *details: self.lost.set()
        if address.encrypted:
            self.paho.tls_set(cert_reqs=ssl.CERT_NONE)
            self.paho.tls_insecure_set(True)
        self.paho.connect(address.host, address.port)
        self.paho.loop_start()
        wait_for(lambda: self.reason is not None, what="the broker's answer")

    def _connected(self, client: Any, userdata: Any, flags: Any, reason: Any, more: Any) -> None:
        self.reason = reason

    def subscribe(self, topic: str, qos: int = 1) -> bool:
        """Whether it was granted."""
        before = len(self.grants)
        self.paho.subscribe(topic, qos)
        wait_for(lambda: len(self.grants) > before, what="the SUBACK")
        return not self.grants[-1][0].is_failure

    def publish(self, topic: str, payload: bytes, qos: int = 1) -> None:
        """Returns once the broker has acknowledged."""
        self.paho.publish(topic, payload, qos).wait_for_publish(30)

    def close(self) -> None:
        self.paho.disconnect()
        self.paho.loop_stop()


def tell(service: Nats, settings: Any, logins: Iterable[Login]) -> None:
    """Have the broker read these logins; returns once it has done so.

    Who connects while it reads them may be sent away again, and his subscriptions are lost.
    """
    settings.VAR_DIR, settings.MQTT_URL = service.folder.root, service.url
    mark = Login("told", secrets.token_hex(8), ("told",))
    assert embedded_broker_update([*logins, mark])

    def known() -> bool:
        client = Client(address_of(service), "told", user=mark.label, password=mark.password)
        client.close()
        return bool(client.reason == 0)

    wait_for(known, what="the new logins")


class Shelf:
    """Stands where the engine does: takes batches and stores them when it is told to."""

    def __init__(self, intake: Intake) -> None:
        self.intake = intake
        self.taken: list[Batch] = []

    def take(self, frames: int) -> list[bytes]:
        """Payloads of the next batches, at least so many; nothing is acknowledged yet."""
        found: list[bytes] = []

        def enough() -> bool:
            batch = self.intake.take(timeout=0.05)
            if batch is not None:
                self.taken.append(batch)
                found.extend(arrival.payload for arrival in batch.arrivals)
            return len(found) >= frames

        wait_for(enough, what=f"{frames} frames")
        return found

    def take_all(self, payloads: Collection[bytes]) -> None:
        """Until each of these has come, in any order; a busy broker may send one twice.

        Fails when any other comes.
        """
        missing = set(payloads)
        while missing:
            found = self.take(1)
            assert set(found) <= set(payloads)
            missing -= set(found)

    def store(self, *, answer: bytes | None = None) -> None:
        """Acknowledge what was taken."""
        for batch in self.taken:
            batch.transport.acknowledge(batch.arrivals, [answer] * len(batch.arrivals))
            self.intake.done(batch)
        self.taken.clear()

    def quiet(self, seconds: float = 0.5) -> bool:
        """Whether nothing comes for so long."""
        return self.intake.take(timeout=seconds) is None

    def settle(self, payloads: Collection[bytes]) -> None:
        """Store what was taken, and what is still on its way a second time, until nothing comes."""
        self.store()
        while (batch := self.intake.take(timeout=1.5)) is not None:
            assert {arrival.payload for arrival in batch.arrivals} <= set(payloads)
            self.taken.append(batch)
            self.store()


def read_packets(client: socket.socket, count: int) -> list[tuple[int, bytes]]:
    """So many packets, fewer when the peer closes."""
    client.settimeout(10)
    data, packets = b"", []
    while len(packets) < count:
        try:
            part = client.recv(65_536)
        except ConnectionResetError:
            part = b""
        if not part:
            break
        data += part
        found, used = cut(data, most=1_000_000)
        packets += found
        data = data[used:]
    return packets
