"""MQTT through the embedded broker: acknowledged when stored, and nothing lost on the way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from ingestion.codecs.universal_frame import device_id
from ingestion.transports.intake import Intake
from ingestion.transports.mqtt import BrokerListener
from ingestion.transports.mqtt_session import BrokerAddress
from ingestion.transports.mqtt_topics import SHARDS, up_topic
from tests.ingestion.fleet import wait_for
from tests.ingestion.transports.broker import Client, Shelf, TlsNats, address_of, broker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from config.embedded.nats import Nats

    Start = Callable[..., BrokerListener]


@pytest.fixture(scope="module")
def service() -> Iterator[Nats]:
    with broker() as running:
        yield running


@pytest.fixture
def listen(service: Nats, request: pytest.FixtureRequest) -> Iterator[Start]:
    """Starts listeners of one installation; each test is an installation of its own."""
    made: list[BrokerListener] = []
    secret = f"{abs(hash(request.node.name)):x}"[:12]

    def start(intake: Intake, shards: str = SHARDS, **options: Any) -> BrokerListener:
        listener = BrokerListener(
            intake, address_of(service), secret=secret, shards=shards, **options
        )
        made.append(listener)
        listener.start()
        wait_for(lambda: listener.subscribed == len(shards), what="the subscription")
        return listener

    yield start
    for listener in made:
        listener.stop()
        listener.close()
        assert not listener.alive


@pytest.fixture
def device(service: Nats, request: pytest.FixtureRequest) -> Iterator[Client]:
    client = Client(address_of(service), f"device{abs(hash(request.node.name)) % 10**9}")
    yield client
    client.close()


def frame(label: str, number: int = 0) -> bytes:
    return b"\x20" + device_id(label) + number.to_bytes(4, "big") + bytes(40)


def quick() -> Intake:
    return Intake(size=100, linger=0.01)


def test_a_message_is_acknowledged_when_it_is_stored_and_not_before(
    listen: Start, device: Client
) -> None:
    label = "AAA-0000000001"
    first = listen(intake := quick())
    sent = [frame(label, number) for number in range(5)]
    for payload in sent:
        device.publish(up_topic(label), payload)
    Shelf(intake).take_all(sent)
    # As if the worker were killed with the batch in its hands.
    first.stop()
    first.close()
    second = listen(intake := quick())
    shelf = Shelf(intake)
    shelf.take_all(sent)
    shelf.settle(sent)
    wait_for(lambda: not second._outbox, what="the acknowledgements")
    second.stop()
    second.close()
    listen(intake := quick())
    assert Shelf(intake).quiet(2.0), "what is acknowledged does not come again"


def test_answers_are_published_to_the_device(listen: Start, device: Client) -> None:
    label = "AAA-0000000017"
    listen(intake := quick())
    assert device.subscribe(f"readout/v1/down/{label}")
    device.publish(up_topic(label), frame(label))
    shelf = Shelf(intake)
    shelf.take(1)
    assert not device.heard
    shelf.store(answer=b"stored")
    wait_for(lambda: device.heard, what="the answer")
    assert set(device.heard) == {(f"readout/v1/down/{label}", b"stored")}


def test_answers_at_qos_1_wait_for_a_device_that_is_away(
    listen: Start, device: Client, service: Nats
) -> None:
    label = "AAA-0000000027"
    listen(intake := quick(), answer_qos=1)
    sleeper = Client(address_of(service), "sleeper", kept=True)
    assert sleeper.subscribe(f"readout/v1/down/{label}")
    sleeper.close()
    device.publish(up_topic(label), frame(label))
    shelf = Shelf(intake)
    shelf.take(1)
    shelf.store(answer=b"stored")
    sleeper.paho.reconnect()
    sleeper.paho.loop_start()
    wait_for(lambda: sleeper.heard, what="the answer")
    assert set(sleeper.heard) == {(f"readout/v1/down/{label}", b"stored")}
    sleeper.close()


def test_two_workers_take_the_shards_they_were_given(listen: Start, device: Client) -> None:
    low, high = quick(), quick()
    listen(low, "01234")
    listen(high, "56789")
    labels = [f"BBB-{number:010d}" for number in range(40)]
    for label in labels:
        device.publish(up_topic(label), frame(label))
    for intake, shards in ((low, "01234"), (high, "56789")):
        mine, shelf = [frame(label) for label in labels if label[-1] in shards], Shelf(intake)
        shelf.take_all(mine)
        shelf.settle(mine)


def test_a_shard_moves_to_another_worker_with_what_it_has_not_acknowledged(
    listen: Start, device: Client
) -> None:
    label = "BBB-0000000103"
    leaving = listen(quick(), "3")
    leaving.stop()
    leaving.close()
    sent = [frame(label, number) for number in range(10)]
    for payload in sent:
        device.publish(up_topic(label), payload)
    listen(intake := quick(), "3")
    shelf = Shelf(intake)
    shelf.take_all(sent)
    shelf.store()


def test_a_full_intake_leaves_the_rest_with_the_broker(listen: Start, device: Client) -> None:
    label = "CCC-0000000002"
    intake = Intake(size=4, linger=0.01, limit=8)
    listener = listen(intake, "2")
    sent = [frame(label, number) for number in range(100)]
    device.publish(up_topic(label), sent[0])
    wait_for(lambda: intake.room() < 8, what="the first frame")
    for payload in sent[1:]:
        device.publish(up_topic(label), payload)
    shelf, found = Shelf(intake), []
    wait_for(lambda: intake.room() == 0, what="a full intake")
    while len(set(found)) < len(sent):
        found += shelf.take(1)
        shelf.store()
        # What one read brings, a second time at most.
        assert len(listener._gathered) <= 2 * len(sent)
    assert set(found) == set(sent)


def test_the_broker_may_be_restarted(listen: Start, service: Nats) -> None:
    label = "DDD-0000000004"
    listener = listen(intake := quick())
    sender = Client(address_of(service), "before")
    sent = [frame(label, number) for number in range(3)]
    for payload in sent:
        sender.publish(up_topic(label), payload)
    shelf = Shelf(intake)
    shelf.take_all(sent)
    sender.close()
    service.stop()
    wait_for(lambda: listener.subscribed == 0 and listener.trouble, what="the loss")
    # Acknowledgements of a connection that is gone must not reach messages of the next one.
    shelf.store(answer=b"too late")
    service.launch()
    service.wait_ready()
    wait_for(lambda: listener.subscribed == len(SHARDS), what="the subscription")
    assert listener.trouble == ""
    again = Client(address_of(service), "after")
    again.publish(up_topic(label), frame(label, 3))
    shelf.take_all([frame(label, number) for number in range(4)])
    shelf.store()
    again.close()


def test_a_frame_on_the_topic_of_another_device_is_counted_and_does_not_come_again(
    listen: Start, device: Client
) -> None:
    good, bad = "EEE-0000000005", "EEE-0000000015"
    listener = listen(intake := quick(), "5")
    device.publish(up_topic(good), frame(bad))
    device.publish(up_topic(good), frame(good))
    shelf = Shelf(intake)
    shelf.take_all([frame(good)])
    shelf.settle([frame(good)])
    refused = dict(listener.refused)
    assert refused["topic"] >= 1
    assert shelf.quiet(1.5)
    assert listener.refused == refused, "it does not come again"


@pytest.mark.parametrize("length", [2_049, 300_000, 1_000_000])
def test_a_huge_message_is_thrown_away_and_the_next_one_comes(
    listen: Start, device: Client, length: int
) -> None:
    label = "EEE-0000000107"
    listener = listen(intake := quick(), "7")
    device.publish(up_topic(label), b"\x20" + bytes(length - 1))
    device.publish(up_topic(label), frame(label))
    shelf = Shelf(intake)
    shelf.take_all([frame(label)])
    shelf.settle([frame(label)])
    assert set(listener.refused) == {"length"}
    assert listener.sessions[0].connects == 1


def test_a_refused_login_is_told_and_tried_again(service: Nats) -> None:
    wrong = address_of(service)._replace(password="wrong")  # noqa: S106
    listener = BrokerListener(quick(), wrong, secret="login", shards="0")  # noqa: S106
    listener.start()
    wait_for(lambda: "login" in listener.trouble, what="the trouble")
    wait_for(lambda: listener.sessions[0]._failures > 1, what="another try")
    assert listener.subscribed == 0
    listener.stop()
    listener.close()
    assert not listener.alive


def test_a_broker_that_is_not_there_does_not_keep_the_worker_from_stopping() -> None:
    nowhere = BrokerAddress("127.0.0.1", 1)
    listener = BrokerListener(quick(), nowhere, secret="x")  # noqa: S106
    listener.start()
    wait_for(lambda: listener.trouble, what="the trouble")
    listener.stop()
    listener.close()
    assert not listener.alive


def test_a_fault_in_the_thread_ends_neither_it_nor_a_message(
    listen: Start, device: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    label = "FFF-0000000006"
    listener = listen(intake := quick(), "6")
    once = iter([RuntimeError("on purpose")])

    def stumble() -> None:
        for error in once:
            raise error
        type(listener)._put(listener)

    monkeypatch.setattr(listener, "_put", stumble)
    device.publish(up_topic(label), frame(label))
    shelf = Shelf(intake)
    shelf.take_all([frame(label)])
    assert listener.stumbled == 1
    shelf.store()


@pytest.mark.parametrize(
    "url", ["mqtt:///nothing", "http://host", "readout@host", "mqtt://host:port"]
)
def test_an_address_that_is_none_is_an_error(url: str) -> None:
    with pytest.raises(ValueError, match=r"MQTT_URL is not of the form|Port could not be cast"):
        BrokerAddress.parse(url)


def test_an_address_keeps_its_password_to_itself() -> None:
    address = BrokerAddress.parse("mqtts://me:p%40ss@host?ssl_cert_reqs=none")
    assert address == ("host", 8883, "me", "p@ss", True, False)
    assert str(address) == "host:8883"


def test_sessions_are_left_while_the_intake_stays_full(listen: Start, device: Client) -> None:
    label = "HHH-0000000009"
    intake = Intake(size=4, linger=0.01, limit=8)
    listener = listen(intake, "9", patience=0.2)
    sent = [frame(label, number) for number in range(40)]
    for payload in sent:
        device.publish(up_topic(label), payload)
    wait_for(lambda: not listener.subscribed and listener.trouble, what="the end of the session")
    assert "no more can be taken" in listener.trouble
    shelf, found = Shelf(intake), set()
    while found != set(sent):
        found |= set(shelf.take(1))
        shelf.store()
    wait_for(lambda: listener.subscribed == 1, what="the session")
    assert listener.trouble == ""
    assert listener.stumbled == 0


def test_the_broker_may_be_reached_over_tls(tmp_path: Path) -> None:
    certificate, key = _certificate(tmp_path)
    with broker(TlsNats, certificate=str(certificate), key=str(key)) as secure:
        address = address_of(secure)._replace(encrypted=True, verified=False)
        intake = quick()
        listener = BrokerListener(intake, address, secret="tls", shards="1")  # noqa: S106
        listener.start()
        wait_for(lambda: listener.subscribed == 1, what="the subscription")
        label = "GGG-0000000001"
        sender = Client(address, "secure")
        shelf, sent = Shelf(intake), [frame(label, number) for number in range(300)]
        for payload in sent:
            sender.paho.publish(up_topic(label), payload, 1)
        shelf.take_all(sent)
        shelf.store(answer=b"answer" * 100)
        sender.close()
        listener.stop()
        listener.close()
        strict = BrokerListener(
            quick(),
            address._replace(verified=True),
            secret="tls",  # noqa: S106
            shards="1",
        )
        strict.start()
        wait_for(lambda: "CERTIFICATE" in strict.trouble.upper(), what="the refusal")
        strict.close()


def _certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )
    return paths
