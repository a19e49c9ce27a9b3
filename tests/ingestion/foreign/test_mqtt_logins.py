"""MQTT logins for modules of other protocols: whose topics they are, and that they are no one else's."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import call_command

from accounts.errors import AccountsError
from ingestion.collection import Collection
from ingestion.errors import IngestionError
from ingestion.models import MqttLogin, RawFrame, Reason, Transport
from ingestion.mqtt_book import LoginBook
from ingestion.mqtt_brokers import FORMATS
from ingestion.mqtt_rights import Listening, heard_as, rights_of
from ingestion.services.mqtt_logins import (
    Login,
    mqtt_login_give,
    mqtt_login_label,
    mqtt_login_revoke,
    mqtt_login_rotate,
    mqtt_logins_live,
)
from ingestion.transports.mqtt_session import BrokerAddress
from meters.models import TelemetryModule
from tests.ingestion import fleet
from tests.ingestion.admin.test_admin import browser
from tests.ingestion.fleet import wait_for
from tests.ingestion.foreign import site
from tests.ingestion.transports.broker import Client, address_of, broker, tell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from config.embedded.nats import Nats
    from meters.models import DeviceType
    from tests.people import World

REGISTER = "electricity.active.import.register"
ADD = "/admin/ingestion/mqttlogin/add/"
TASMOTA = Listening("tele/{device}/SENSOR", "device", "topic")


def type_text(template: str, topic: str) -> str:
    """A type of one's own that listens to the template; topic: one that fits it."""
    return f"""\
type: own-socket
version: 1
vendor: Own
model: Socket
resource: electricity
identify: {{transport: mqtt, topic: '{template}'}}
decode:
  kind: json
  fields:
    - {{name: energy, path: total, type: decimal, unit: kWh, required: true}}
readings:
  - {{register: energy, reading_type: {REGISTER}, value: $energy}}
tests:
  - name: good
    topic: {topic}
    payload: '{{"total": 1}}'
    readings: [{{register: energy, value: 1, unit: kWh}}]
  - {{name: bad, topic: {topic}, payload: '{{"id": "b"}}', refused: energy is missing}}
"""


@pytest.fixture
def kind(world: World) -> DeviceType:
    return site.publish(world.city.company, site.shipped("tasmota_energy"))


@pytest.fixture
def module(world: World, kind: DeviceType) -> TelemetryModule:
    return site.module(world.city.company, kind, "ups")


def test_the_rights_are_the_topics_of_the_type_with_the_address(module: TelemetryModule) -> None:
    given = mqtt_login_give(actor=None, module=module)
    assert given.label == f"m{module.pk}-ups"
    assert given.topics == ("tele/ups/SENSOR",)
    assert list(mqtt_logins_live()) == [given]
    assert mqtt_login_give(actor=None, module=module) == given
    rotated = mqtt_login_rotate(actor=None, module=module)
    assert (rotated.label, rotated.topics) == (given.label, given.topics)
    assert rotated.password != given.password
    assert mqtt_login_label(MqttLogin.objects.get()) == given.label
    mqtt_login_revoke(actor=None, module=module)
    assert not list(mqtt_logins_live())


@pytest.mark.parametrize(
    ("template", "part", "rights"),
    [
        ("shellies/{device}/status/#", "device", ["shellies/m1/status/#"]),
        ("{device}/{what}", "device", ["m1/+"]),
        ("gw/{site}/tasmota_{device}/+", "device", ["gw/+/tasmota_m1/+"]),
        ("shellies/+/{x}", "", ["shellies/m1/+", "shellies/+/m1"]),
        ("shellies/#", "", ["shellies/m1/#"]),
        ("+/{x}/em:0", "", ["m1/+/em:0"]),
    ],
)
def test_a_template_gives_the_rights(template: str, part: str, rights: list[str]) -> None:
    assert list(rights_of(Listening(template, part, "topic"), "m1")) == rights


@pytest.mark.parametrize(
    "address",
    [
        "",
        "a/b",
        "+",
        "#",
        "a b",
        "a.b",
        "*",
        ">",
        "$SYS",
        "ü",
        "a\x00",
        "a\n",
        "x" * 65,
        "..",
        "a:b",
        "-_-",
    ],
)
def test_an_address_that_is_no_safe_level_is_refused(address: str) -> None:
    with pytest.raises(IngestionError, match="another network address"):
        rights_of(TASMOTA, address)


@pytest.mark.parametrize(
    ("template", "address"),
    [
        ("{device}/v1/up/4/x", "readout"),
        ("{device}/data", "ReadOut"),
        ("readout/{device}/up", "v1"),
        ("$SYS/{device}", "m1"),
        ("{site}/{device}/up", "v1"),
        ("+/{device}", "m1"),
        ("v1.0/{device}", "m1"),
        (">/{device}", "m1"),
        ("a/*/{device}", "m1"),
        ("/{device}/x", "m1"),
        ("a b/{device}", "m1"),
    ],
)
def test_a_topic_that_is_not_safe_gives_no_right(template: str, address: str) -> None:
    with pytest.raises(IngestionError, match="Change the topic"):
        rights_of(Listening(template, "device", "topic"), address)


def test_who_is_heard_where_types_share_topics() -> None:
    other = Listening("tele/{unit}", "unit", "topic")
    crossed = Listening("{a}/{b}/SENSOR", "a", "topic")
    imei = Listening("tele/{device}/+", "device", "imei")
    rights = ["tele/ups/SENSOR"]
    assert heard_as(rights, [(1, TASMOTA)]) == {(1, "UPS")}
    assert heard_as(rights, [(2, other)]) == set()
    assert heard_as(rights, [(3, crossed)]) == {(3, "TELE")}
    assert heard_as(["tele/007/SENSOR"], [(4, imei)]) == {(4, "007"), (4, "7")}
    for wide in (["tele/+/SENSOR"], ["tele/#"], ["+/ups/#", "tele/+/SENSOR"]):
        with pytest.raises(IngestionError, match="speak for another"):
            heard_as(wide, [(1, TASMOTA)])


def test_a_company_gets_no_login_for_the_module_of_another(
    world: World, module: TelemetryModule, kind: DeviceType
) -> None:
    mqtt_login_give(actor=world.city.administrator, module=module)
    for change in (mqtt_login_give, mqtt_login_rotate, mqtt_login_revoke):
        with pytest.raises((IngestionError, AccountsError)):
            change(actor=world.hill.administrator, module=module)
    # Nor by a module of its own that messages would take for the other, however it is written.
    hill = world.hill.company
    copy = site.publish(hill, site.shipped("tasmota_energy"))
    for address in ("ups", "UPS", "u-p_s"):
        row = site.module(hill, copy, address)
        with pytest.raises(IngestionError, match="Another module is found"):
            mqtt_login_give(actor=world.hill.administrator, module=row)
    # Nor by a type of its own that calls another level of the same topics the device.
    for address, template, why in [
        ("SENSOR", "tele/{site}/{device}", "speak for another"),
        ("SENSOR", "tele/+/{device}", "speak for another"),
        ("SENSOR", "tele/{site}/{device}/#", "speak for another"),
        ("tele", "{device}/+/SENSOR", "speak for another"),
        ("tele", "{device}/ups/SENSOR", "Another module is found"),
    ]:
        own = site.publish(hill, type_text(template, re.sub(r"{\w+}|[+#]", "b", template)))
        crossed, _new = TelemetryModule.objects.get_or_create(
            company=hill, device_type=own, serial=address, address=address
        )
        with pytest.raises(IngestionError, match=why):
            mqtt_login_give(actor=world.hill.administrator, module=crossed)
    assert [login.label for login in mqtt_logins_live()] == [f"m{module.pk}-ups"]


def test_a_new_address_gives_no_new_right(module: TelemetryModule) -> None:
    first = mqtt_login_give(actor=None, module=module)
    module.address = "other"
    module.save()
    assert not list(mqtt_logins_live())
    again = mqtt_login_give(actor=None, module=module)
    assert again == Login(f"m{module.pk}-other", first.password, ("tele/other/SENSOR",))
    assert list(mqtt_logins_live()) == [again]


def test_a_type_without_a_topic_is_told_to_have_one(world: World) -> None:
    own = site.publish(world.city.company, site.shipped("shelly_pro_3em"))
    row = site.module(world.city.company, own, "AABBCCDDEEFF")
    with pytest.raises(IngestionError, match="listens to no topic"):
        mqtt_login_give(actor=None, module=row)


def test_no_module_speaks_for_a_network_server(module: TelemetryModule, settings: Any) -> None:
    settings.INGEST_MQTT_TOPICS = "application/#, tele/+/SENSOR"
    with pytest.raises(IngestionError, match="network server"):
        mqtt_login_give(actor=None, module=module)


def test_the_own_endpoint_knows_the_topics_of_a_login(module: TelemetryModule) -> None:
    login = mqtt_login_give(actor=None, module=module)
    book = LoginBook()
    assert book.topics(login.label, login.password.encode()) == ()
    book.refresh()
    assert book.topics(login.label, login.password.encode()) == login.topics
    assert book.topics(login.label, b"wrong") == book.topics(login.label, b"") == ()
    assert book.topics("", login.password.encode()) == book.topics("m0-ups", b"") == ()
    assert not book.check("", login.password.encode())
    again = mqtt_login_rotate(actor=None, module=module)
    book.refresh()
    assert book.topics(login.label, login.password.encode()) == ()
    assert book.topics(again.label, again.password.encode()) == again.topics
    mqtt_login_revoke(actor=None, module=module)
    book.refresh()
    assert book.topics(again.label, again.password.encode()) == () and len(book) == 0


def _text(name: str, *logins: Login) -> str:
    return "\n".join(FORMATS[name](logins))


def test_other_brokers_get_the_rights() -> None:
    login = Login("m7-ups", "pass", ("tele/ups/SENSOR", "gw/+/ups/#"))
    universal = Login("RDO-0000000042", "pass")
    assert _text("mosquitto", login).startswith("m7-ups:$7$101$")
    assert _text("mosquitto-acl", universal, login).splitlines() == [
        "user m7-ups",
        "topic deny readout/#",
        "topic write tele/ups/SENSOR",
        "topic write gw/+/ups/#",
    ]
    assert json.loads(_text("emqx", login))[0]["user_id"] == "m7-ups"
    assert _text("emqx-acl", universal, login).splitlines() == [
        '{allow, {username, "m7-ups"}, publish, ["tele/ups/SENSOR", "gw/+/ups/#"]}.',
        '{deny, {username, "m7-ups"}, all, ["#"]}.',
    ]
    [topic] = json.loads(_text("rabbitmq", login))["topic_permissions"]
    for name, may in {
        "tele.ups.SENSOR": True,
        "gw.a.ups.b.c": True,
        "tele.ups2.SENSOR": False,
        "tele.ups.SENSOR.x": False,
        "readout.v1.up.4.RDO-1": False,
    }.items():
        assert bool(re.search(topic["write"], name)) == may, name
        assert not re.search(topic["read"], name)


def test_the_page_shows_all_that_a_device_needs(
    world: World, module: TelemetryModule, settings: Any
) -> None:
    settings.MQTT_URL = "mqtts://readout:very-secret@mqtt.city.example:8883"
    client = browser(world.city.engineer)
    page = client.post(ADD, {"module": module.pk}).content.decode()
    [login] = mqtt_logins_live()
    for text in (
        login.label,
        login.password,
        "tele/ups/SENSOR",
        "mqtt.city.example",
        "8883",
        "Straight to the server",
    ):
        assert text in page
    assert "very-secret" not in page
    listed = client.get("/admin/ingestion/mqttlogin/").content.decode()
    assert login.label in listed and login.password not in listed
    again = browser(world.hill.engineer).post(ADD, {"module": module.pk}).content.decode()
    assert login.password not in again
    bad = site.module(world.city.company, module.device_type, "a.b")
    assert "another network address" in client.post(ADD, {"module": bad.pk}).content.decode()


def test_the_command_takes_network_addresses(module: TelemetryModule) -> None:
    out = io.StringIO()
    call_command("mqtt_logins", "give", "ups", "--company", module.company.code, stdout=out)
    label, password, topic = out.getvalue().split()
    assert Login(label, password, (topic,)) == next(mqtt_logins_live())
    call_command("mqtt_logins", "revoke", "ups", stdout=out)
    assert not list(mqtt_logins_live())


@pytest.fixture(scope="module")
def service() -> Iterator[Nats]:
    with broker(ack_wait="5s") as running:
        yield running


def _device(service: Nats, login: Login, name: str = "socket") -> Client:
    return Client(address_of(service), name, user=login.label, password=login.password)


def test_a_foreign_device_publishes_to_its_topics_and_reads_nothing(
    service: Nats, settings: Any
) -> None:
    login = Login("m7-ups", "secret-of-ups", ("tele/ups/SENSOR", "gw/ups/#"))
    tell(service, settings, [login, Login("RDO-0000000042", "secret-a")])
    witness = Client(address_of(service), "witness")
    assert all(witness.subscribe(topic) for topic in ("tele/#", "gw/#", "readout/#", "stat/#"))
    for topic in (
        "tele/other/SENSOR",
        "tele/ups",
        "tele/ups/SENSOR/x",
        "readout/v1/up/2/RDO-0000000042",
        "readout/v1/down/RDO-0000000042",
        "$SYS/x",
        "$MQTT/sub/x",
        "stat/ups",
    ):
        # A broker may close the connection of who publishes what it must not.
        bad = _device(service, login)
        bad.paho.publish(topic, b"forged", 0)
        bad.paho.publish(topic, b"forged", 1)
        bad.close()
    device = _device(service, login)
    for topic in ("#", "+/#", "tele/ups/SENSOR", "tele/#", "$SYS/#", "$MQTT/sub/#", "$JS/#"):
        assert not device.subscribe(topic, 0), topic
        assert not device.subscribe(topic, 1), topic
    device.publish("tele/ups/SENSOR", b"one")
    device.publish("gw/ups/a/b", b"two")
    wait_for(lambda: len(witness.heard) >= 2, what="both messages")
    assert set(witness.heard) == {("tele/ups/SENSOR", b"one"), ("gw/ups/a/b", b"two")}
    assert not device.heard
    for one in (device, witness):
        one.close()


def _is_refused(service: Nats, login: Login) -> bool:
    client = _device(service, login)
    client.close()
    return bool(client.reason.is_failure)


@pytest.mark.usefixtures("archive_tables")
def test_from_the_login_of_a_socket_to_the_archive(service: Nats, settings: Any) -> None:
    city = fleet.company()
    kind = site.publish(city, site.shipped("tasmota_energy"))
    ups, other = site.module(city, kind, "ups"), site.module(city, kind, "washer")
    points = [site.install(row, {REGISTER: 0}, port=0) for row in (ups, other)]
    login = mqtt_login_give(actor=None, module=ups)
    tell(service, settings, mqtt_logins_live())
    settings.INGEST_LINGER = 0.005
    collection = Collection(host="127.0.0.1", udp_port=-1, tcp_port=-1, mqtt_port=-1)
    collection.start()
    try:
        wait_for(lambda: collection.broker and collection.broker.subscribed_topics)
        at = site.hours_ago(3).strftime("%Y-%m-%dT%H:%M:%S")
        payload = json.dumps({"Time": at, "ENERGY": {"Total": 91.135}}).encode()
        forger = _device(service, login)
        forger.paho.publish("tele/washer/SENSOR", payload, 1)
        forger.close()
        device = _device(service, login)
        device.publish("tele/ups/SENSOR", payload)
        [(_at, value)] = wait_for(lambda: site.registers(points[0], REGISTER), what="the reading")
        assert value == 91_135
        device.close()
        assert not site.registers(points[1], REGISTER)
        sources = set(RawFrame.objects.values_list("source", flat=True))
        assert sources == {"mqtt:tele/ups/SENSOR"}
    finally:
        collection.stop()
    mqtt_login_revoke(actor=None, module=ups)
    tell(service, settings, mqtt_logins_live())
    assert _is_refused(service, login)


@pytest.mark.usefixtures("archive_tables")
def test_straight_to_the_server_from_the_networks_of_the_company(settings: Any) -> None:
    city = fleet.company()
    closed = fleet.company("closed", allowed_subnets=["10.20.0.0/16"])
    settings.INGEST_LINGER, settings.MQTT_URL = 0.005, ""
    collection = Collection(host="127.0.0.1", udp_port=-1, tcp_port=-1, mqtt_port=0)
    kind = site.publish(city, site.shipped("tasmota_energy"))
    ups, far = site.module(city, kind, "ups"), site.module(closed, kind, "far")
    points = [site.install(row, {REGISTER: 0}, port=0) for row in (ups, far)]
    logins = [mqtt_login_give(actor=None, module=row) for row in (ups, far)]
    collection.start()
    try:
        endpoint = wait_for(lambda: collection.listeners.get(Transport.MQTT), what="the endpoint")
        wait_for(lambda: endpoint.logins.loaded, what="the logins")
        at = site.hours_ago(3).strftime("%Y-%m-%dT%H:%M:%S")
        payload = json.dumps({"Time": at, "ENERGY": {"Total": 91.135}}).encode()
        address = BrokerAddress("127.0.0.1", endpoint.port)
        for name, login in zip(("far", "ups"), reversed(logins), strict=True):
            device = Client(address, name, user=login.label, password=login.password)
            assert device.reason == 0
            assert not device.subscribe("cmnd/#")
            device.publish(f"tele/{'far' if name == 'ups' else 'ups'}/SENSOR", payload)
            device.publish(f"tele/{name}/SENSOR", payload)
            device.close()
        [(_at, value)] = wait_for(lambda: site.registers(points[0], REGISTER), what="the reading")
        assert value == 91_135
        assert site.waiting(reason=Reason.FOREIGN_SOURCE).module == far
        assert not site.registers(points[1], REGISTER)
        assert endpoint.refused == {"topic": 2, "filter": 2}
        stored = RawFrame.objects.get(module=ups)
        assert stored.source == "mqtt@127.0.0.1/tele/ups/SENSOR"
    finally:
        collection.stop()
