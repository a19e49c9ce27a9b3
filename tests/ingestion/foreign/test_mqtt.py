"""Devices with MQTT topics of their own, through a real broker, with the whole service."""

from __future__ import annotations

import json
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ingestion.collection import Collection
from ingestion.models import FrameOutcome, Quarantine, RawFrame, Reason, Transport
from tests.ingestion import fleet
from tests.ingestion.archive import dump
from tests.ingestion.fleet import wait_for
from tests.ingestion.foreign import site
from tests.ingestion.transports.broker import Client, address_of, broker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from config.embedded.nats import Nats

pytestmark = pytest.mark.usefixtures("archive_tables")

REGISTER = "electricity.active.import.register"


@pytest.fixture
def service() -> Iterator[Nats]:
    with broker(ack_wait="5s") as running:
        yield running


@pytest.fixture
def collection(service: Nats, settings: Any) -> Iterator[Collection]:
    settings.MQTT_URL, settings.INGEST_LINGER = service.url, 0.005
    made = Collection(host="127.0.0.1", udp_port=-1, tcp_port=-1, mqtt_port=-1)
    made.start()
    yield made
    made.stop()


def tasmota(at: Any, total: str) -> bytes:
    """As in https://github.com/arendst/Tasmota/issues/4956, of another time."""
    [payload] = [
        row["payload"]
        for row in site.vectors("mqtt_json_real.json")["vectors"]
        if row["source"].endswith("/4956") and "01:29:07" in row["payload"]
    ]
    said = json.loads(payload.replace("91.135", total))
    said["Time"] = at.strftime("%Y-%m-%dT%H:%M:%S")
    return json.dumps(said).encode()


def test_a_socket_at_a_broker_from_its_topic_to_the_archive(
    service: Nats, collection: Collection
) -> None:
    city = fleet.company()
    kind = site.publish(city, site.shipped("tasmota_energy"))
    wait_for(lambda: collection.broker and collection.broker.subscribed_topics, what="the topics")
    device = Client(address_of(service), "socket")
    first, second = site.hours_ago(3), site.hours_ago(2)
    device.publish("tele/ups/SENSOR", tasmota(first, "91.135"))
    row = site.waiting(reason=Reason.UNKNOWN_DEVICE)
    assert (row.device, row.detail) == ("topic ups", "tasmota-energy, topic ups")
    point = site.install(site.module(city, kind, "ups"), {REGISTER: 0}, port=0)
    [(at, value)] = wait_for(lambda: site.registers(point, REGISTER), what="the reading")
    assert (at, value) == (first.astimezone(UTC), 91_135)
    device.publish("tele/ups/SENSOR", tasmota(second, "91.635"))
    wait_for(lambda: len(site.registers(point, REGISTER)) == 2, what="the second")
    wait_for(lambda: not Quarantine.objects.filter(resolved_at=None).exists())
    before = dump()
    device.publish("tele/ups/SENSOR", tasmota(second, "91.635"))
    device.publish("tele/ups/SENSOR", tasmota(first + timedelta(0), "91.135"))
    wait_for(lambda: RawFrame.objects.count() == 4, what="the repeats")
    assert dump() == before
    device.publish("tele/ups/SENSOR", b'{"Time":"2019-01-17T01:29:07","Wifi":{"RSSI":80}}')
    assert "energy is missing" in site.waiting(reason=Reason.UNDECODABLE).detail
    device.close()
    found = RawFrame.objects.order_by("id").values_list("transport", "source", "outcome")
    stored = (Transport.MQTT, "mqtt:tele/ups/SENSOR", FrameOutcome.STORED)
    assert list(found)[:4] == [stored] * 4
