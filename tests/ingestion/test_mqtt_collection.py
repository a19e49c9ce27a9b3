"""MQTT from a module to the archive: the whole service, a real broker, real sockets."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest
from django.core.cache import cache

from ingestion.collection import Collection
from ingestion.engine import EngineState
from ingestion.health import Meter, health_publish, health_read
from ingestion.models import Quarantine, Reason, Transport
from ingestion.services.mqtt_logins import mqtt_login_give
from ingestion.transports.mqtt_packets import Kind, publish_packet
from ingestion.transports.mqtt_session import BrokerAddress
from ingestion.transports.mqtt_topics import up_topic
from meters.models import TelemetryModule
from tests.ingestion import fleet
from tests.ingestion.fleet import acknowledged, profile, wait_for
from tests.ingestion.transports.broker import Client, address_of, broker, read_packets
from tests.ingestion.transports.test_mqtt_endpoint import connect_packet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from config.embedded.nats import Nats
    from tests.ingestion.fleet import Module

    Start = Callable[[], Collection]

pytestmark = pytest.mark.usefixtures("archive_tables")


@pytest.fixture(scope="module")
def service() -> Iterator[Nats]:
    # On a busy machine a commit may take longer than a second.
    with broker(ack_wait="5s") as running:
        yield running


@pytest.fixture
def start(service: Nats, settings: Any) -> Iterator[Start]:
    settings.MQTT_URL, settings.INGEST_LINGER = service.url, 0.005
    made: list[Collection] = []

    def collection() -> Collection:
        one = Collection(host="127.0.0.1", udp_port=0, tcp_port=0, mqtt_port=0)
        made.append(one)
        one.start()
        return one

    yield collection
    for one in made:
        if one.engine.alive:
            one.stop()


@pytest.fixture
def device(service: Nats) -> Iterator[Client]:
    client = Client(address_of(service), "gateway")
    assert client.subscribe("readout/v1/down/+")
    yield client
    client.close()


def collecting(collection: Collection) -> Collection:
    wait_for(lambda: collection.broker and collection.broker.subscribed == 10, what="the broker")
    wait_for(lambda: collection.port(Transport.MQTT), what="the endpoint")
    wait_for(lambda: collection.listeners[Transport.MQTT].logins.loaded, what="the logins")
    return collection


def publish(device: Client, module: Module, frame: bytes) -> None:
    device.publish(up_topic(module.row.address), frame)


def stored() -> list[tuple[Any, ...]]:
    return fleet.rows("SELECT transport, source, outcome FROM ingestion_raw_frame ORDER BY id")


def test_a_frame_from_the_broker_is_stored_and_answered(start: Start, device: Client) -> None:
    module = fleet.module(fleet.company(), 1)
    collecting(start())
    frame = module.frame(profile(range(24)))
    publish(device, module, frame)
    wait_for(lambda: device.heard, what="the answer")
    topic, answer = device.heard[0]
    assert topic == "readout/v1/down/RDO-0000000001"
    assert acknowledged(module, answer) == 1
    assert stored() == [(Transport.MQTT, "", 0)]


def test_a_frame_from_a_module_is_stored_then_acknowledged_and_answered(start: Start) -> None:
    module = fleet.module(fleet.company(), 1)
    login = mqtt_login_give(actor=None, module=module.row)
    port = collecting(start()).port(Transport.MQTT)
    assert port is not None
    client = Client(BrokerAddress("127.0.0.1", port), "", user=login.label, password=login.password)
    assert client.subscribe(f"readout/v1/down/{login.label}")
    client.publish(up_topic(login.label), module.frame(profile(range(24))))
    assert stored() == [(Transport.MQTT, "127.0.0.1", 0)], "before PUBACK"
    wait_for(lambda: client.heard, what="the answer")
    assert acknowledged(module, client.heard[0][1]) == 1
    client.close()


def test_a_login_given_while_it_runs_is_good_soon(start: Start) -> None:
    port = collecting(start()).port(Transport.MQTT)
    login = mqtt_login_give(actor=None, module=fleet.module(fleet.company(), 1).row)

    def accepted() -> bool:
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(connect_packet(login.label, login.password))
            return read_packets(client, 1) == [(Kind.CONNACK, b"\x00\x00")]

    wait_for(accepted, what="the login")


def test_networks_of_a_company_bind_modules_that_connect_to_us(start: Start) -> None:
    module = fleet.module(fleet.company(allowed_subnets=["10.0.0.0/8"]), 1)
    login = mqtt_login_give(actor=None, module=module.row)
    collection = collecting(start())
    with socket.create_connection(("127.0.0.1", collection.port(Transport.MQTT) or 0)) as client:
        client.sendall(connect_packet(login.label, login.password))
        frame = module.frame(profile(range(24)))
        client.sendall(publish_packet(up_topic(login.label).encode(), frame, 1))
        assert len(read_packets(client, 2)) == 2
    assert collection.engine.figures.refused == {Reason.FOREIGN_SOURCE: 1}
    assert collection.engine.figures.stored == 0


def test_what_was_stored_but_not_acknowledged_comes_again_and_changes_nothing(
    start: Start, device: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    modules = [fleet.module(fleet.company(), number) for number in range(1, 6)]
    first = collecting(start())
    assert first.broker is not None
    # As if the worker were killed between the commit and its acknowledgements.
    monkeypatch.setattr(first.broker, "acknowledge", lambda arrivals, answers: None)
    for module in modules:
        publish(device, module, module.frame(profile(range(24))))
    wait_for(lambda: first.engine.figures.stored == 5, what="the commit")
    first.stop()
    assert not device.heard
    before = fleet.rows("SELECT * FROM meters_interval_block ORDER BY 1, 2")
    second = collecting(start())
    wait_for(lambda: len(device.heard) == 5, what="the answers")
    assert second.engine.figures.stored == 0
    assert second.engine.figures.repeated == 5
    assert fleet.rows("SELECT * FROM meters_interval_block ORDER BY 1, 2") == before
    assert len(stored()) == 5


def test_bad_frames_cost_no_good_one_and_do_not_come_again(start: Start, device: Client) -> None:
    good, wrong = fleet.module(fleet.company(), 1), fleet.module(fleet.company(), 2)
    collection = collecting(start())
    sealed = wrong.frame(profile(range(24)))
    for payload in (b"", b"no frame", sealed[:-1] + b"?", bytes(2_000)):
        publish(device, wrong, payload)
    stranger = fleet.Module(TelemetryModule(address="RDO-0000000099"), bytes(range(16)))
    publish(device, stranger, stranger.frame(profile(range(24))))
    publish(device, good, good.frame(profile(range(24))))
    figures = collection.engine.figures
    wait_for(lambda: figures.frames == 6, what="all six")
    assert figures.stored == 1
    reasons = {Reason.MALFORMED: 1, Reason.WRONG_KEY: 1, Reason.UNKNOWN_DEVICE: 3}
    assert figures.refused == reasons
    wait_for(lambda: Quarantine.objects.count() == 4, what="the quarantine")
    # What is long enough to be something waits for a type that reads it.
    assert {(row.reason, row.device): row.count for row in Quarantine.objects.all()} == {
        (Reason.MALFORMED, ""): 1,
        (Reason.WRONG_KEY, "RDO-0000000002"): 1,
        (Reason.UNKNOWN_DEVICE, "?"): 2,
        (Reason.UNKNOWN_DEVICE, "RDO-0000000099"): 1,
    }
    wait_for(lambda: device.heard, what="the answer")
    collection.stop()
    again = collecting(start())
    publish(device, good, good.frame(profile(range(24))))
    wait_for(lambda: again.engine.figures.frames, what="the next frame")
    assert again.engine.figures.frames == 1, "nothing came again"


def test_a_second_worker_leaves_the_broker_to_the_first_and_takes_over(
    start: Start, device: Client
) -> None:
    module = fleet.module(fleet.company(), 1)
    first = collecting(start())
    second = start()
    wait_for(lambda: second.engine.state == EngineState.STANDBY, what="the second")
    assert second.broker is None
    first.stop()
    publish(device, module, module.frame(profile(range(24))))
    collecting(second)
    wait_for(lambda: device.heard, what="the answer")
    assert second.engine.figures.stored == 1


def test_a_broker_that_is_away_keeps_nobody_else_waiting(start: Start, settings: Any) -> None:
    settings.MQTT_URL = "mqtt://127.0.0.1:1"
    module = fleet.module(fleet.company(), 1)
    collection = start()
    wait_for(lambda: collection.port(Transport.UDP), what="the port")
    sender = fleet.Sender(collection.port(Transport.UDP) or 0)
    assert acknowledged(module, sender.ask(module.frame(profile(range(24))))) == 1
    sender.close()


def test_health_tells_of_broker_and_endpoint(start: Start) -> None:
    collection = collecting(start())
    cache.clear()
    health_publish(Meter().read(collection))
    health = health_read()
    assert health is not None
    told = health["listeners"]
    assert (told["broker"]["shards"], told["broker"]["subscribed"]) == (10, 10)
    assert told["broker"]["trouble"] == ""
    assert told["mqtt"]["port"] == collection.port(Transport.MQTT)
    assert told["mqtt"]["connections"] == 0


def test_a_worker_may_leave_broker_and_endpoint_alone(settings: Any) -> None:
    settings.INGEST_MQTT_SHARDS, settings.INGEST_MQTT_PORT = "", -1
    collection = Collection(udp_port=0, tcp_port=0)
    assert Transport.MQTT not in collection.ports
    collection._tend_broker()
    assert collection.broker is None


def test_a_mistake_in_the_settings_is_told_at_the_start(settings: Any) -> None:
    settings.INGEST_MQTT_SHARDS = "0-x"
    with pytest.raises(ValueError, match="substring not found|not digits"):
        Collection()
