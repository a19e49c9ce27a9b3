"""MQTT logins: given, changed, revoked; told to brokers; what devices may do at the embedded one."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError, call_command

from accounts.errors import AccountsError
from ingestion import mqtt_brokers
from ingestion.codecs.claim import secret_text
from ingestion.codecs.universal_frame import device_id
from ingestion.errors import IngestionError
from ingestion.models import MqttLogin
from ingestion.mqtt_book import LoginBook
from ingestion.mqtt_brokers import FORMATS, client_secret
from ingestion.mqtt_passwords import password_of_secret
from ingestion.services.keys import claim_enter
from ingestion.services.mqtt_logins import (
    Login,
    mqtt_login_give,
    mqtt_login_revoke,
    mqtt_login_rotate,
    mqtt_logins_live,
)
from ingestion.transports.intake import Intake
from ingestion.transports.mqtt import BrokerListener
from ingestion.transports.mqtt_topics import up_topic
from tests.ingestion.fleet import wait_for
from tests.ingestion.transports.broker import Client, Shelf, address_of, broker, tell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from config.embedded.nats import Nats
    from tests.people import World

LABEL, OTHER = "RDO-0000000042", "RDO-0000000043"
SECRET = bytes(range(16))


@pytest.fixture
def module(world: World) -> Any:
    row = world.city.module
    row.address = LABEL
    row.save()
    return row


def test_a_login_is_the_same_until_it_is_changed(module: Any) -> None:
    given = mqtt_login_give(actor=None, module=module)
    assert given.label == LABEL
    assert mqtt_login_give(actor=None, module=module) == given
    rotated = mqtt_login_rotate(actor=None, module=module)
    assert rotated.password != given.password
    assert list(mqtt_logins_live()) == [rotated]
    mqtt_login_revoke(actor=None, module=module)
    assert list(mqtt_logins_live()) == []
    assert mqtt_login_give(actor=None, module=module).password != rotated.password


def test_a_module_with_a_claim_secret_knows_its_password(module: Any) -> None:
    claim_enter(actor=None, module=module, secret=secret_text(device_id(LABEL), SECRET))
    given = mqtt_login_give(actor=None, module=module)
    # As docs/mqtt.md gives it to makers of modules.
    assert given.password == "fb371106cea224107c87b37d9fa3256c" == password_of_secret(SECRET)


def test_passwords_do_not_stand_in_the_database(module: Any) -> None:
    given = mqtt_login_give(actor=None, module=module)
    row = MqttLogin.objects.get()
    assert given.password.encode() not in bytes(row.sealed)
    other = MqttLogin.objects.filter(pk=row.pk)
    other.update(sealed=b"\x01" + bytes(60))
    assert list(mqtt_logins_live()) == [], "one that can't be opened is left out"


def test_only_who_may_change_the_module_may_change_its_login(module: Any, world: World) -> None:
    for change in (mqtt_login_give, mqtt_login_rotate, mqtt_login_revoke):
        with pytest.raises((IngestionError, AccountsError)):
            change(actor=world.hill.administrator, module=module)
    assert not MqttLogin.objects.exists()
    mqtt_login_give(actor=world.city.administrator, module=module)


def test_a_module_without_a_device_id_gets_none(module: Any) -> None:
    module.address = "somewhere"
    module.save()
    with pytest.raises(IngestionError, match="no address"):
        mqtt_login_give(actor=None, module=module)


def test_the_book_follows_the_logins(module: Any) -> None:
    book = LoginBook()
    book.refresh()
    assert book.loaded
    assert not book.check(LABEL, b"")
    given = mqtt_login_give(actor=None, module=module)
    book.refresh()
    assert book.check(LABEL, given.password.encode())
    assert not book.check(LABEL, b"wrong")
    assert not book.check(OTHER, given.password.encode())
    assert not book.check("", given.password.encode())
    mqtt_login_revoke(actor=None, module=module)
    book.refresh()
    assert not book.check(LABEL, given.password.encode())
    assert len(book) == 0


def test_the_command_gives_exports_and_revokes(module: Any, tmp_path: Path) -> None:
    def run(*arguments: str) -> str:
        out = io.StringIO()
        call_command("mqtt_logins", *arguments, stdout=out)
        return out.getvalue()

    label, password = run("give", "rdo-42").split()
    assert label == LABEL
    assert run("export", "--format", "plain") == f"{LABEL}\t{password}\n"
    target = tmp_path / "passwords"
    target.write_text("older, readable by others")
    target.chmod(0o644)
    run("export", "--format", "mosquitto", "--output", str(target))
    assert target.stat().st_mode & 0o777 == 0o600
    assert target.read_text().startswith(f"{LABEL}:$7$101$")
    assert run("rotate", LABEL).split()[1] != password
    assert LABEL in run("revoke", LABEL)
    assert run("export", "--format", "plain") == ""
    with pytest.raises(CommandError, match="0 modules"):
        run("give", OTHER)
    with pytest.raises(CommandError, match="three letters"):
        run("give", "what?")
    with pytest.raises(CommandError, match="--company"):
        run("give", "--all")
    fleet = module.company.code
    assert label in run("give", "--all", "--company", fleet)
    assert run("export", "--format", "plain").count(label) == 1


def _text(name: str) -> str:
    return "\n".join(FORMATS[name]([Login(LABEL, "pass")]))


def test_brokers_find_the_password_in_the_form_they_check() -> None:
    _, _, rounds, salt, digest = (
        _text("mosquitto").partition(":")[2].replace("$", " $", 1).split("$")
    )
    made = hashlib.pbkdf2_hmac("sha512", b"pass", base64.b64decode(salt), int(rounds))
    assert base64.b64decode(digest) == made
    (user,) = json.loads(_text("emqx"))
    assert user["password_hash"] == hashlib.sha256(user["salt"].encode() + b"pass").hexdigest()
    document = json.loads(_text("rabbitmq"))
    raw = base64.b64decode(document["users"][0]["password_hash"])
    assert raw[4:] == hashlib.sha256(raw[:4] + b"pass").digest()
    (topic,) = document["topic_permissions"]
    assert topic["write"] == "^readout[.]v1[.]up[.]2[.]RDO-0000000042$"


@pytest.fixture(scope="module")
def service() -> Iterator[Nats]:
    with broker() as running:
        yield running


@pytest.fixture
def devices(service: Nats, settings: Any) -> None:
    """The broker knows two devices."""
    logins = [Login(LABEL, "secret-a"), Login(OTHER, "secret-b"), Login(OTHER, "secret-b")]
    tell(service, settings, logins)


def _device(service: Nats, name: str = LABEL, password: str = "secret-a") -> Client:
    client = Client(address_of(service), name, user=name, password=password)
    wait_for(lambda: client.reason == 0, what="the new logins")
    return client


@pytest.mark.usefixtures("devices")
def test_the_broker_reads_logins_while_it_runs_and_keeps_them_over_a_restart(
    service: Nats,
) -> None:
    _device(service).close()
    assert service.logins.stat().st_mode & 0o777 == 0o600
    service.stop()
    service.launch()
    service.wait_ready()
    _device(service).close()
    stranger = Client(address_of(service), LABEL, user=LABEL, password="secret-b")
    assert stranger.reason.is_failure
    stranger.close()


@pytest.mark.usefixtures("devices")
def test_a_device_reads_nothing_but_its_own_answers(service: Nats) -> None:
    device = _device(service)
    own = f"readout/v1/down/{LABEL}"
    foreign = ["#", "+/#", "$SYS/#", "$SYS", "$MQTT/#", "$MQTT/sub/#", "$JS/#", "readout/#"]
    foreign += ["readout/v1/up/+/+", up_topic(LABEL), "readout/v1/down/+"]
    foreign += [f"readout/v1/down/{OTHER}"]
    for qos in (0, 1):
        granted = [topic for topic in [*foreign, own] if device.subscribe(topic, qos)]
        assert granted == [own]
    server = Client(address_of(service), "server")
    for topic in [f"readout/v1/down/{OTHER}", up_topic(OTHER), "$SYS/x", own]:
        server.publish(topic, topic.encode())
    wait_for(lambda: device.heard, what="the own answer")
    assert {topic for topic, _ in device.heard} == {own}
    server.close()
    device.close()


@pytest.mark.usefixtures("devices")
def test_a_device_writes_nowhere_but_to_its_own_topic(service: Nats) -> None:
    intake = Intake(size=100, linger=0.01)
    listener = BrokerListener(intake, address_of(service), secret=client_secret())
    listener.start()
    wait_for(lambda: listener.subscribed == 10, what="the subscription")
    witness = Client(address_of(service), "witness")
    assert witness.subscribe("readout/v1/down/+")
    for topic in [up_topic(OTHER), f"readout/v1/down/{OTHER}", "$SYS/x", "readout/v1/up/9/x"]:
        # A broker may close the connection of who publishes what it must not.
        device = _device(service)
        device.paho.publish(topic, b"\x20" + device_id(OTHER) + bytes(50), 0)
        device.paho.publish(up_topic(LABEL), b"\x20" + device_id(LABEL) + bytes(50), 1)
        device.close()
    device = _device(service)
    device.publish(up_topic(LABEL), b"\x20" + device_id(LABEL) + b"last" + bytes(46))
    shelf, found = Shelf(intake), []
    while not any(b"last" in payload for payload in found):
        found += shelf.take(1)
    assert {payload[1:9] for payload in found} == {device_id(LABEL)}
    assert not witness.heard
    assert not listener.refused
    shelf.store()
    for one in (device, witness, listener):
        one.close()


@pytest.mark.usefixtures("devices")
def test_a_device_can_not_take_the_session_of_the_server(service: Nats) -> None:
    secret = client_secret()
    assert len(f"readout0{secret}") <= 23
    listener = BrokerListener(Intake(), address_of(service), secret=secret)
    listener.start()
    wait_for(lambda: listener.subscribed == 10, what="the subscription")
    for name in ("readout0", "readout", "readout-0"):
        thief = Client(address_of(service), name, user=LABEL, password="secret-a")
        assert thief.reason == 0
        thief.close()
    assert listener.subscribed == 10
    assert [session.connects for session in listener.sessions] == [1] * 10
    listener.close()


def test_the_broker_is_told_once_for_many_changes(
    module: Any, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        mqtt_login_give(actor=None, module=module)
        mqtt_login_rotate(actor=None, module=module)
    assert len(callbacks) == 1


@pytest.mark.usefixtures("devices")
def test_the_server_keeps_its_own_login_whatever_the_settings_say(
    service: Nats, settings: Any
) -> None:
    settings.MQTT_URL = "mqtt://somebody:else@elsewhere"
    assert mqtt_brokers.embedded_broker_update([Login(LABEL, "secret-c")])
    _device(service, password="secret-c").close()
    server = Client(address_of(service), "server")
    assert server.reason == 0
    server.close()


def test_without_an_embedded_broker_nothing_is_told(settings: Any, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path
    assert not mqtt_brokers.embedded_broker_update([])
    (tmp_path / "nats").mkdir()
    (tmp_path / "nats" / "nats.pid").write_text("1")
    assert not mqtt_brokers.embedded_broker_update([])
    with pytest.raises(CommandError, match="embedded broker"):
        call_command("mqtt_logins", "publish")
