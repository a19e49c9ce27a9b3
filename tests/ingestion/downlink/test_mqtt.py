"""Commands over MQTT: through a broker, and by the server's own port."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ingestion.codecs.universal_messages import Command as CommandMessage
from ingestion.codecs.universal_messages import CommandResult, Hello, ResultStatus
from ingestion.collection import Collection
from ingestion.models import Transport
from ingestion.services.mqtt_logins import mqtt_login_give
from ingestion.transports.mqtt_session import BrokerAddress
from ingestion.transports.mqtt_topics import up_topic
from meters.models import Command, CommandKind, CommandState
from meters.services.commands import command_request
from tests.ingestion import fleet
from tests.ingestion.fleet import wait_for
from tests.ingestion.transports.broker import Client, address_of, broker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from config.embedded.nats import Nats
    from tests.ingestion.fleet import Module

pytestmark = pytest.mark.usefixtures("archive_tables")

HELLO = Hello(1, 1, (1, 0, 0))


@pytest.fixture(scope="module")
def service() -> Iterator[Nats]:
    with broker(ack_wait="5s") as running:
        yield running


@pytest.fixture
def collection(service: Nats, settings: Any) -> Iterator[Collection]:
    settings.MQTT_URL, settings.INGEST_LINGER = service.url, 0.005
    one = Collection(host="127.0.0.1", udp_port=-1, tcp_port=-1, mqtt_port=0)
    one.start()
    wait_for(lambda: one.broker and one.broker.subscribed == 10, what="the broker")
    wait_for(lambda: one.port(Transport.MQTT), what="the endpoint")
    wait_for(lambda: one.listeners[Transport.MQTT].logins.loaded, what="the logins")
    yield one
    one.stop()


def carried(module: Module, client: Client, collection: Collection) -> Command:
    """A command from its request to the module's result, over this client."""
    made = command_request(actor=None, module=module.row, kind=CommandKind.SEND_STATUS)
    wait_for(lambda: len(collection.engine.downlink), what="the memory")
    client.publish(up_topic(module.row.address), module.frame(HELLO))
    wait_for(lambda: client.heard, what="the answer")
    topic, frame = client.heard.popleft()
    assert topic == f"readout/v1/down/{module.row.address}"
    [_, command] = module.answer(frame)
    assert isinstance(command, CommandMessage) and command.request == made.request
    done = CommandResult(made.request, ResultStatus.DONE, 5)
    client.publish(up_topic(module.row.address), module.frame(done))
    wait_for(lambda: client.heard, what="the second answer")
    assert len(module.answer(client.heard.popleft()[1])) == 1
    made.refresh_from_db()
    return made


def test_through_a_broker(service: Nats, collection: Collection) -> None:
    module = fleet.module(fleet.company(), 1)
    wait_for(lambda: len(collection.engine.known.devices), what="the module")  # type: ignore[union-attr]
    client = Client(address_of(service), "gateway")
    assert client.subscribe("readout/v1/down/+")
    try:
        made = carried(module, client, collection)
    finally:
        client.close()
    assert (made.state, made.attempts) == (CommandState.CONFIRMED, 1)


def test_by_the_own_port(collection: Collection) -> None:
    module = fleet.module(fleet.company(), 1)
    login = mqtt_login_give(actor=None, module=module.row)
    port = collection.port(Transport.MQTT) or 0
    logins = collection.listeners[Transport.MQTT].logins
    wait_for(lambda: logins.check(login.label, login.password.encode()), what="the login")
    wait_for(lambda: len(collection.engine.known.devices), what="the module")  # type: ignore[union-attr]
    address = BrokerAddress("127.0.0.1", port)
    client = Client(address, "", user=login.label, password=login.password)
    assert client.subscribe(f"readout/v1/down/{login.label}")
    try:
        made = carried(module, client, collection)
    finally:
        client.close()
    assert (made.state, made.attempts) == (CommandState.CONFIRMED, 1)
