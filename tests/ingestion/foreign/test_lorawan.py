"""Uplinks of LoRaWAN modules, from network servers through a real broker to the archive."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ingestion.collection import Collection
from ingestion.foreign.explaining import explained, told_by
from ingestion.foreign.replaying import decoded_anew
from ingestion.known import known_of
from ingestion.models import FrameOutcome, ModuleInput, Quarantine, RawFrame, Reason, Transport
from ingestion.replay.kept import frames_of_modules
from meters.models import ModuleState
from tests.ingestion import fleet
from tests.ingestion.archive import dump
from tests.ingestion.codecs.lorawan.written import EUI, WRITERS, things_event, written
from tests.ingestion.fleet import wait_for
from tests.ingestion.foreign import site
from tests.ingestion.transports.broker import Client, address_of, broker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from accounts.models import Company
    from config.embedded.nats import Nats
    from meters.models import TelemetryModule, UsagePoint

pytestmark = pytest.mark.usefixtures("archive_tables")

TOPICS = "v3/+/devices/+/+, application/#,lns/#"
UP = "v3/city@tenant/devices/meter-1/up"
REGISTER, VOLUME = "cold_water.volume.register", "cold_water.volume"
# Another maker's: the DevEUI as people write it.
ADEUNIS, ADEUNIS_EUI = "00-18-b2-00-00-00-0b-20", "0018B20000000B20"


@pytest.fixture(scope="module")
def service() -> Iterator[Nats]:
    with broker(ack_wait="5s") as running:
        yield running


@pytest.fixture
def collection(service: Nats, settings: Any) -> Iterator[Collection]:
    settings.MQTT_URL, settings.INGEST_LINGER = service.url, 0.005
    settings.INGEST_MQTT_TOPICS = TOPICS
    made = Collection(host="127.0.0.1", udp_port=-1, tcp_port=-1, mqtt_port=-1)
    made.start()
    wait_for(lambda: made.broker and made.broker.subscribed_topics, what="the topics")
    yield made
    made.stop()


@pytest.fixture
def server(service: Nats) -> Iterator[Client]:
    client = Client(address_of(service), "network-server")
    yield client
    client.close()


def dragino(pulses: int, at: datetime) -> bytes:
    """Pulses and when the module sent them, by its own clock; port 2."""
    head = b"\x01" + pulses.to_bytes(3, "big") + bytes(3)
    return head + int(at.timestamp()).to_bytes(4, "big")


def adeunis(pulses: int) -> bytes:
    """Counters of both inputs; the module has no clock; port 1."""
    return b"\x46\x40" + pulses.to_bytes(4, "big") + bytes(4)


def heard(hours: int) -> datetime:
    """A whole second so long ago."""
    return site.hours_ago(hours).astimezone(UTC)


def pulse_module(
    city: Company, type_name: str, address: str, *, port: int
) -> tuple[TelemetryModule, UsagePoint]:
    kind = site.publish(city, site.shipped(type_name))
    module = site.module(city, kind, address)
    ModuleInput.objects.create(module=module, port=port, pulse_weight=10)
    return module, site.install(module, {REGISTER: 0}, port=port)


def entered(collection: Collection, address: str) -> None:
    """The engine knows the module, its inputs and its meter."""

    def found() -> bool:
        known = collection.engine.known
        if known is None or not len(known.routes):
            return False
        devices = [known.foreign.find(one.id, address) for one in known.foreign.types.all]
        return any("ports" in device.config for some in devices for device in some)

    wait_for(found, what=f"{address} in the engine")


def handled(collection: Collection, messages: int) -> None:
    wait_for(lambda: collection.engine.figures.frames == messages, what="all messages")


def test_documents_of_each_server_become_readings_of_the_networks_time(
    collection: Collection, server: Client
) -> None:
    module, point = pulse_module(fleet.company(), "adeunis_pulse", ADEUNIS, port=0)
    entered(collection, ADEUNIS)
    expected = []
    for place, name in enumerate(WRITERS):
        at = heard(20) + timedelta(minutes=place)
        document = written(
            name, adeunis(100 + place), port=1, counter=place, at=at, eui=ADEUNIS_EUI
        )
        server.publish(f"lns/{name}", document)
        expected.append((at, 1_000 + 10 * place))
    found = wait_for(
        lambda: rows if len(rows := site.registers(point, REGISTER)) == len(expected) else None,
        what="the readings",
    )
    assert found == expected
    rows = RawFrame.objects.order_by("id")
    assert [row.counter for row in rows] == list(range(len(WRITERS)))
    assert {(row.transport, row.module_id) for row in rows} == {(Transport.MQTT, module.pk)}
    wait_for(lambda: ModuleState.objects.filter(module=module, signal_dbm=-43), what="the signal")


def history(part: int) -> bytes:
    """A third of a day's hourly pulses, as many in an hour as its number; port 1."""
    hours = (range(1, 11), range(11, 23), range(23, 24))[part]
    counters = (256).to_bytes(4, "big") + bytes(4) if part == 0 else b""
    pairs = [hour.to_bytes(2, "big") + bytes(2) for hour in hours]
    return bytes((0x48, 0x40, part)) + counters + b"".join(pairs)


def test_a_day_that_comes_in_three_uplinks_is_put_together(
    collection: Collection, server: Client
) -> None:
    _module, point = pulse_module(fleet.company(), "adeunis_pulse", ADEUNIS, port=0)
    entered(collection, ADEUNIS)
    sent = heard(2).replace(minute=0, second=0)
    for part in range(3):
        at = sent + timedelta(seconds=40 * part)
        document = written("things", history(part), port=1, counter=part, at=at, eui=ADEUNIS_EUI)
        server.publish(UP, document)
        handled(collection, part + 1)
    shown = [2_560 + 5 * hour * (hour + 1) for hour in range(24)]
    expected = [(sent - timedelta(hours=23 - hour), shown[hour]) for hour in range(24)]
    found = wait_for(
        lambda: rows if len(rows := site.registers(point, REGISTER)) == 24 else None,
        what="the readings",
    )
    assert found == expected
    # The register of the next day tells the hour that no telegram tells.
    sent += timedelta(hours=1)
    server.publish(UP, written("things", adeunis(540), port=1, counter=3, at=sent, eui=ADEUNIS_EUI))
    handled(collection, 4)
    hours = [*(10 * hour for hour in range(1, 24)), 5_400 - shown[-1]]
    assert site.intervals(point, VOLUME)[-24:] == hours


def test_a_module_with_a_clock_of_its_own_keeps_its_time(
    collection: Collection, server: Client
) -> None:
    module, point = pulse_module(fleet.company(), "dragino_cpl01", EUI.lower(), port=1)
    entered(collection, EUI)
    sent, at = heard(5), heard(4)
    server.publish(UP, written("things", dragino(123, sent), at=at))
    found = wait_for(lambda: site.registers(point, REGISTER), what="the reading")
    assert found == [(sent, 1_230)]
    row = RawFrame.objects.get()
    assert (row.source, row.outcome) == (f"mqtt:{UP}", FrameOutcome.STORED)
    assert json.loads(bytes(row.payload))["uplink_message"]["f_cnt"] == 17
    lines = "\n".join(explained(row))
    assert f"dev_eui: {EUI}" in lines
    assert "total_pulse" in lines
    assert "00 00 7b" in lines
    [register] = [told for told in told_by([row], [module.pk]) if told.kind == "register"]
    assert (register.at, register.value) == (int(sent.timestamp()), 1_230)
    day = timedelta(days=1)
    kept = frames_of_modules(
        [module.pk], first=row.received_at - day, end=row.received_at + day, limit=10
    )
    collected, decoded = decoded_anew(kept, known_of([module.pk]))
    _readings, registers = collected.together()
    assert (decoded, registers.value.tolist()) == (1, [1_230])


def test_what_an_unknown_module_sent_waits_until_it_is_entered(
    collection: Collection, server: Client
) -> None:
    city = fleet.company()
    kind = site.publish(city, site.shipped("dragino_cpl01"))
    wait_for(lambda: collection.engine.known and collection.engine.known.foreign.types.all)
    at = heard(6)
    server.publish(UP, written("things", dragino(50, at), at=at))
    row = site.waiting(reason=Reason.UNKNOWN_DEVICE)
    assert (row.device, row.detail) == (f"dev_eui {EUI}", f"dragino-cpl01, dev_eui {EUI}")
    module = site.module(city, kind, "70:b3:d5:7e:d0:05:1a:2b")
    site.waiting(module=module)
    ModuleInput.objects.create(module=module, port=1, pulse_weight=10)
    point = site.install(module, {REGISTER: 0})
    assert wait_for(lambda: site.registers(point, REGISTER), what="the reading") == [(at, 500)]
    wait_for(lambda: not Quarantine.objects.filter(resolved_at=None).exists())


def test_a_repeated_counter_changes_nothing_and_a_new_session_begins_anew(
    collection: Collection, server: Client
) -> None:
    _module, point = pulse_module(fleet.company(), "adeunis_pulse", ADEUNIS, port=0)
    entered(collection, ADEUNIS)

    def send(name: str, pulses: int, counter: int, at: datetime) -> None:
        told: dict[str, Any] = {"port": 1, "counter": counter, "at": at, "eui": ADEUNIS_EUI}
        server.publish(UP, written(name, adeunis(pulses), **told))

    at = heard(9)
    send("loriot", 10, 3, at)
    send("loriot", 20, 4, at + timedelta(hours=1))
    wait_for(lambda: len(site.registers(point, REGISTER)) == 2, what="the readings")
    before = dump()
    # The same once more, with all its gateways, and sent again for want of an acknowledgement.
    send("loriot-gateways", 20, 4, at + timedelta(hours=1))
    send("loriot", 20, 4, at + timedelta(hours=1, seconds=30))
    handled(collection, 4)
    assert dump() == before
    assert RawFrame.objects.count() == 2
    # An old one.
    send("loriot", 10, 3, at + timedelta(seconds=5))
    assert site.waiting(reason=Reason.REPLAYED).detail == "counter 3 came before"
    assert dump() == before
    # The module began again, which nobody told.
    send("loriot", 30, 0, at + timedelta(hours=2))
    wait_for(lambda: len(site.registers(point, REGISTER)) == 3, what="the new session")
    # It joined again at once, which the network told.
    server.publish(UP, json.dumps(things_event("join_accept", ADEUNIS_EUI)).encode())
    send("things", 40, 0, at + timedelta(hours=2, minutes=5))
    wait_for(lambda: len(site.registers(point, REGISTER)) == 4, what="after the join")


def test_events_of_the_network_are_no_noise(collection: Collection, server: Client) -> None:
    module, _point = pulse_module(fleet.company(), "dragino_cpl01", EUI, port=1)
    entered(collection, EUI)
    server.publish(UP, json.dumps(things_event("join_accept")).encode())
    server.publish(UP, json.dumps(things_event("downlink_ack")).encode())
    server.publish(UP, json.dumps(things_event("join_accept", ADEUNIS_EUI)).encode())
    handled(collection, 3)
    [row] = wait_for(lambda: list(RawFrame.objects.all()), what="the join of a known module")
    assert (row.module_id, row.outcome, row.reason) == (module.pk, FrameOutcome.STORED, "")
    assert any("nothing to read here" in line for line in explained(row))
    assert not Quarantine.objects.exists()


def test_a_spoilt_document_is_refused_with_a_plain_reason(
    collection: Collection, server: Client
) -> None:
    module, _point = pulse_module(fleet.company(), "dragino_cpl01", EUI, port=1)
    entered(collection, EUI)
    document = json.loads(written("things", dragino(1, heard(1)), at=heard(1)))
    document["uplink_message"]["frm_payload"] = "AQID?"
    server.publish(UP, json.dumps(document).encode())
    row = site.waiting(reason=Reason.UNDECODABLE)
    assert row.module == module
    assert row.detail.startswith("LoRaWAN uplink, byte ")
    assert row.detail.endswith("payload: this is no base64")
    server.publish(UP, written("things", b"\x01", port=9, counter=18, at=heard(1)))
    again = "dragino-cpl01: port 9, the type knows 2, 4, 5"
    wait_for(lambda: Quarantine.objects.filter(detail=again).exists(), what="the other port")
