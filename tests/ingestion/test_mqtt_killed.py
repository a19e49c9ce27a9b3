"""kill -9 of the collection service under load over MQTT, both ways (RELIABILITY D1)."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from config.embedded.ports import service_port
from ingestion.services.mqtt_logins import mqtt_login_give
from ingestion.transports.mqtt_topics import up_topic
from tests.ingestion import fleet
from tests.ingestion.fleet import acknowledged, profile, wait_for
from tests.ingestion.transports.broker import broker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from config.embedded.nats import Nats
    from tests.ingestion.fleet import Module

pytestmark = pytest.mark.usefixtures("archive_tables")

_IN_FLIGHT = 8
_PATIENCE = 2.0
_HOUR = 3_600


class Worker:
    """The service, killed and started again on the same port."""

    def __init__(self, service: Nats, log: Path) -> None:
        self.port = service_port(None)
        self.log = log
        name = connection.settings_dict["NAME"]
        url = urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}"))
        self.environment = {**os.environ, "DATABASE_URL": url, "MQTT_URL": service.url}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.ingestion.mqtt_worker", str(self.port)],
                cwd=Path(__file__).resolve().parents[2],
                env=self.environment,
                stdin=subprocess.PIPE,
                stderr=log,
            )

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.communicate()

    def end(self) -> None:
        assert self.process is not None
        self.process.communicate(timeout=60)
        assert self.process.returncode == 0, self.log.read_text()[-3_000:]


class Device:
    """One module: eight frames under way, the same ones again until the server acknowledges."""

    def __init__(self, module: Module, client: paho.Client, start: int) -> None:
        self.module = module
        self.client = client
        self.start = start
        self.waiting: dict[int, tuple[bytes, float]] = {}
        self.done: list[int] = []
        self.lock = threading.Lock()
        label = module.row.address
        self.up, self.down = up_topic(label), f"readout/v1/down/{label}"
        client.message_callback_add(self.down, self._answered)

    def _answered(self, client: Any, userdata: Any, message: Any) -> None:
        counter = acknowledged(self.module, message.payload)
        with self.lock:
            if self.waiting.pop(counter, None) is not None:
                self.done.append(counter)

    def go_on(self, *, more: bool) -> None:
        """Send what is due."""
        now = time.monotonic()
        with self.lock:
            while more and len(self.waiting) < _IN_FLIGHT:
                counter = self.module.counter + 1
                values = profile([counter], start=self.start + counter * _HOUR, opening=counter)
                self.waiting[counter] = (self.module.frame(values), 0.0)
            due = [
                (counter, frame)
                for counter, (frame, at) in self.waiting.items()
                if now - at > _PATIENCE
            ]
            for counter, frame in due:
                self.waiting[counter] = (frame, now)
        for _, frame in due:
            if self.client.is_connected():
                self.client.publish(self.up, frame, 1)


def _client(port: int, user: str, password: str, downs: list[str]) -> paho.Client:
    client = paho.Client(CallbackAPIVersion.VERSION2, user, protocol=paho.MQTTv311)
    client.username_pw_set(user, password)
    client.reconnect_delay_set(1, 1)
    client.on_connect = lambda *details: client.subscribe([(down, 0) for down in downs])
    with contextlib.suppress(ConnectionRefusedError):
        client.connect_async("127.0.0.1", port, 30)
    client.loop_start()
    return client


def _devices(service: Nats, worker: Worker) -> list[Device]:
    """Half of them at the broker, half of them at the service."""
    start = fleet.day_start(400)
    modules = [fleet.module(fleet.company(), number) for number in range(1, 7)]
    gateway = _client(service.port, "readout", service.password, ["readout/v1/down/+"])
    devices = [Device(module, gateway, start) for module in modules[:3]]
    for module in modules[3:]:
        login = mqtt_login_give(actor=None, module=module.row)
        down = f"readout/v1/down/{login.label}"
        own = _client(worker.port, login.label, login.password, [down])
        devices.append(Device(module, own, start))
    return devices


@pytest.fixture
def service() -> Iterator[Nats]:
    with broker() as running:
        yield running


@pytest.mark.parametrize(
    "kills", [pytest.param(2, id="short"), pytest.param(20, id="long", marks=pytest.mark.faults)]
)
def test_nothing_acknowledged_is_lost_or_doubled_when_the_service_is_killed(
    service: Nats, tmp_path: Path, kills: int
) -> None:
    worker = Worker(service, tmp_path / "worker.log")
    devices = _devices(service, worker)
    worker.start()

    def progress(count: int, *, more: bool = True) -> bool:
        for device in devices:
            device.go_on(more=more)
        return all(len(device.done) >= count for device in devices)

    def settled() -> bool:
        return progress(0, more=False) and not any(device.waiting for device in devices)

    for number in range(kills):
        count = 20 * (number + 1)
        wait_for(lambda count=count: progress(count), what="acknowledgements", seconds=90)
        worker.kill()
        worker.start()
    wait_for(settled, what="the rest", seconds=90)
    for client in {device.client for device in devices}:
        client.disconnect()
        client.loop_stop()
    worker.end()
    for device in devices:
        told = sorted(device.done)
        assert told == list(range(1, device.module.counter + 1))
        stored = fleet.rows(
            "SELECT counter FROM ingestion_raw_frame WHERE module_id = %s AND outcome = 0"
            " ORDER BY counter",
            device.module.row.pk,
        )
        assert [counter for (counter,) in stored] == told, "each once, none missing"
        (total,) = fleet.rows(
            "SELECT sum(total) FROM meters_interval_block WHERE channel_id = %s",
            device.module.channel(),
        )
        assert total == (sum(told),)
