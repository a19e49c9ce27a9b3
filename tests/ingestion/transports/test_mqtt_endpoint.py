"""Modules that speak MQTT straight to us, over real sockets."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from ingestion.codecs.universal_frame import device_id
from ingestion.transports.intake import Intake
from ingestion.transports.mqtt_endpoint import MqttEndpoint
from ingestion.transports.mqtt_packets import Kind, packet, publish_packet
from ingestion.transports.mqtt_session import BrokerAddress
from ingestion.transports.mqtt_topics import up_topic
from ingestion.transports.tcp import TcpLimits
from tests.ingestion.fleet import wait_for
from tests.ingestion.transports.broker import Client, Shelf, read_packets

if TYPE_CHECKING:
    from collections.abc import Iterator

LABEL, OTHER, PASSWORD = "RDO-0000001234", "RDO-0000005678", "correct"
# A module of another protocol.
SOCKET = "m7-ups"
UP, DOWN = up_topic(LABEL).encode(), f"readout/v1/down/{LABEL}".encode()
ACCEPTED, CLIENT_ID, UNAVAILABLE, LOGIN = ((0x20, bytes((0, code))) for code in (0, 2, 3, 4))


class Book:
    """Two devices with one password."""

    def __init__(self) -> None:
        self.loaded = True
        self.running = False
        self.revoked = False

    def check(self, label: str, password: bytes) -> bool:
        return label in {LABEL, OTHER} and password == PASSWORD.encode()

    def topics(self, user: str, password: bytes) -> tuple[str, ...]:
        mine = user == SOCKET and password == PASSWORD.encode()
        return self.topics_now(user) if mine else ()

    def topics_now(self, user: str) -> tuple[str, ...]:
        return ("tele/ups/SENSOR", "gw/+/ups/#") if user == SOCKET and not self.revoked else ()

    def start(self) -> None:
        self.running = True

    def stop(self) -> None:
        self.running = False


@pytest.fixture
def intake() -> Intake:
    return Intake(size=100, linger=0.01)


@pytest.fixture
def endpoint(intake: Intake) -> Iterator[MqttEndpoint]:
    yield from _running(intake, TcpLimits())


@pytest.fixture
def hasty(intake: Intake) -> Iterator[MqttEndpoint]:
    """Patience of 0.3 s for everything, 4 frames in flight."""
    yield from _running(intake, TcpLimits(frame_seconds=0.3, idle_seconds=0.3, in_flight=4))


def _running(intake: Intake, limits: TcpLimits) -> Iterator[MqttEndpoint]:
    made = MqttEndpoint(intake, host="127.0.0.1", port=0, logins=Book(), limits=limits)
    made.start()
    yield made
    made.stop()
    made.close()
    assert not made.alive
    assert not made.logins.running


def frame(label: str = LABEL, number: int = 0) -> bytes:
    return b"\x20" + device_id(label) + number.to_bytes(4, "big") + bytes(40)


def connect_packet(
    user: str = LABEL, password: str = PASSWORD, *, client: str = "", keep_alive: int = 60
) -> bytes:
    texts = [text.encode() for text in (client, user, password)]
    fields = b"".join(len(text).to_bytes(2, "big") + text for text in texts)
    return packet(Kind.CONNECT, b"\x00\x04MQTT\x04\xc2" + keep_alive.to_bytes(2, "big") + fields)


def subscribe_packet(*filters: bytes) -> bytes:
    body = b"".join(len(text).to_bytes(2, "big") + text + b"\x01" for text in filters)
    return packet(Kind.SUBSCRIBE | 2, b"\x00\x07" + body)


def opened(endpoint: MqttEndpoint, *packets: bytes) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", endpoint.port))
    client.sendall(b"".join(packets))
    return client


def test_puback_leaves_when_the_frame_is_stored_and_not_before(
    endpoint: MqttEndpoint, intake: Intake
) -> None:
    with opened(endpoint, connect_packet(), publish_packet(UP, frame(), 9)) as client:
        assert read_packets(client, 1) == [ACCEPTED]
        shelf = Shelf(intake)
        assert shelf.take(1) == [frame()]
        assert shelf.taken[0].arrivals[0].source == "127.0.0.1"
        client.sendall(b"\xc0\x00")
        assert read_packets(client, 1) == [(Kind.PINGRESP, b"")], "and no PUBACK"
        shelf.store()
        assert read_packets(client, 1) == [(Kind.PUBACK, b"\x00\x09")]


def test_answers_go_to_a_module_that_has_subscribed(endpoint: MqttEndpoint, intake: Intake) -> None:
    client = Client(BrokerAddress("127.0.0.1", endpoint.port), LABEL, user=LABEL, password=PASSWORD)
    shelf = Shelf(intake)
    client.paho.publish(UP.decode(), frame(number=1), 1)
    shelf.take(1)
    shelf.store(answer=b"unheard")
    assert client.subscribe(DOWN.decode())
    sent = client.paho.publish(UP.decode(), frame(number=2), 1)
    shelf.take(1)
    shelf.store(answer=b"answer")
    sent.wait_for_publish(10)
    wait_for(lambda: client.heard, what="the answer")
    assert list(client.heard) == [(DOWN.decode(), b"answer")]
    client.close()


@pytest.mark.parametrize("client_id", ["", "tasmota_4F2A10"])
def test_a_module_of_another_protocol_publishes_to_its_topics(
    endpoint: MqttEndpoint, intake: Intake, client_id: str
) -> None:
    text = b'{"a": "' + b"x" * 60_000 + b'"}'
    sent = [publish_packet(b"tele/ups/SENSOR", text, 1), publish_packet(b"gw/a/ups/b/c", b"2", 2)]
    with opened(endpoint, connect_packet(SOCKET, client=client_id), *sent) as client:
        assert read_packets(client, 1) == [ACCEPTED]
        shelf = Shelf(intake)
        assert shelf.take(2) == [text, b"2"]
        sources = [one.source for batch in shelf.taken for one in batch.arrivals]
        assert sources == ["mqtt@127.0.0.1/tele/ups/SENSOR", "mqtt@127.0.0.1/gw/a/ups/b/c"]
        client.sendall(b"\xc0\x00")
        assert read_packets(client, 1) == [(Kind.PINGRESP, b"")], "and no PUBACK"
        shelf.store()
        assert read_packets(client, 2) == [(Kind.PUBACK, b"\x00\x01"), (Kind.PUBACK, b"\x00\x02")]
    assert not endpoint.refused


def test_what_it_says_elsewhere_is_thrown_away_and_it_stays(
    endpoint: MqttEndpoint, intake: Intake
) -> None:
    topics = (
        b"tele/ups/STATE",
        b"tele/other/SENSOR",
        UP,
        DOWN,
        b"$SYS/x",
        b"gw/+/ups/x",
        b"gw/a/ups/#",
    )
    sent = [publish_packet(topic, frame(), at) for at, topic in enumerate(topics, 1)]
    with opened(endpoint, connect_packet(SOCKET), *sent) as client:
        acknowledged = [(Kind.PUBACK, bytes((0, at))) for at in range(1, len(topics) + 1)]
        assert read_packets(client, 1 + len(topics)) == [ACCEPTED, *acknowledged]
        client.sendall(subscribe_packet(b"cmnd/ups/#", b"tele/ups/SENSOR", b"#", DOWN))
        assert read_packets(client, 1) == [(Kind.SUBACK, b"\x00\x07" + b"\x80" * 4)]
        client.sendall(publish_packet(b"tele/ups/SENSOR", b"said", 9))
        shelf = Shelf(intake)
        assert shelf.take(1) == [b"said"]
        shelf.store(answer=b"unheard")
        assert read_packets(client, 1) == [(Kind.PUBACK, b"\x00\x09")]
    assert dict(endpoint.refused) == {"topic": len(topics), "filter": 4}


def test_a_login_that_is_taken_away_ends_the_connection(
    endpoint: MqttEndpoint, intake: Intake
) -> None:
    with opened(endpoint, connect_packet(SOCKET)) as client:
        assert read_packets(client, 1) == [ACCEPTED]
        endpoint.logins.revoked = True  # type: ignore[attr-defined]
        client.sendall(publish_packet(b"tele/ups/SENSOR", b"late", 1))
        assert read_packets(client, 1) == []
    assert dict(endpoint.refused) == {"revoked": 1}
    assert Shelf(intake).quiet(0.1)


@pytest.mark.parametrize(
    ("rule", "sent"),
    [
        ("qos", b"\x34" + publish_packet(b"tele/ups/SENSOR", b"x", 1)[1:]),
        ("length", publish_packet(b"tele/ups/SENSOR", bytes(65_536), 1)),
        ("protocol", connect_packet(SOCKET)),
    ],
)
def test_rules_that_close_a_module_of_another_protocol(
    endpoint: MqttEndpoint, intake: Intake, rule: str, sent: bytes
) -> None:
    with opened(endpoint, connect_packet(SOCKET), sent) as client:
        assert read_packets(client, 2) in ([ACCEPTED], [])
    assert dict(endpoint.refused) == {rule: 1}
    assert Shelf(intake).quiet(0.1)


def test_qos_0_is_stored_too(endpoint: MqttEndpoint, intake: Intake) -> None:
    with opened(endpoint, connect_packet(), publish_packet(UP, frame())) as client:
        assert read_packets(client, 1) == [ACCEPTED]
        shelf = Shelf(intake)
        assert shelf.take(1) == [frame()]
        shelf.store(answer=b"unheard")
        client.sendall(b"\xc0\x00")
        assert read_packets(client, 1) == [(Kind.PINGRESP, b"")]


@pytest.mark.parametrize(
    ("first", "answer"),
    [
        (connect_packet(password="wrong"), LOGIN),  # noqa: S106
        (connect_packet("RDO-0000009999"), LOGIN),
        (connect_packet("somebody"), LOGIN),
        (connect_packet(SOCKET, "wrong"), LOGIN),
        (connect_packet("M7-UPS"), LOGIN),
        (connect_packet(client=OTHER), CLIENT_ID),
        (connect_packet(client="readout0"), CLIENT_ID),
        (packet(Kind.CONNECT, b"\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x00"), (0x20, b"\x00\x01")),
    ],
)
def test_a_refused_login_is_answered_and_closed(
    endpoint: MqttEndpoint, first: bytes, answer: tuple[int, bytes]
) -> None:
    with opened(endpoint, first, publish_packet(UP, frame(), 1)) as client:
        assert read_packets(client, 2) == [answer], "and the connection is closed"
    wait_for(lambda: endpoint.connections == 0, what="the end")
    assert dict(endpoint.refused) == {"login": 1}
    assert endpoint.received == 0


def test_until_logins_are_known_modules_are_sent_away(endpoint: MqttEndpoint) -> None:
    endpoint.logins.loaded = False
    with opened(endpoint, connect_packet()) as client:
        assert read_packets(client, 2) == [UNAVAILABLE]


@pytest.mark.parametrize("client", ["", LABEL])
def test_a_device_id_may_be_written_as_people_do(endpoint: MqttEndpoint, client: str) -> None:
    with opened(endpoint, connect_packet("rdo-1234", client=client)) as module:
        assert read_packets(module, 1) == [ACCEPTED]


@pytest.mark.parametrize(
    ("rule", "sent"),
    [
        ("topic", publish_packet(up_topic(OTHER).encode(), frame(OTHER), 1)),
        ("topic", publish_packet(UP, frame(OTHER), 1)),
        ("topic", publish_packet(DOWN, frame(), 1)),
        ("topic", publish_packet(b"$SYS/x", frame(), 1)),
        ("qos", b"\x34" + publish_packet(UP, frame(), 1)[1:]),
        ("publish", b"\x36" + publish_packet(UP, frame(), 1)[1:]),
        ("length", publish_packet(UP, bytes(1_301), 1)),
        ("length", b"\x30\xff\xff\xff\xff\xff"),
        ("protocol", connect_packet()),
        ("protocol", b"\x50\x02\x00\x01"),
        ("subscribe", packet(Kind.SUBSCRIBE | 2, b"\x00\x01")),
        ("short", packet(Kind.SUBSCRIBE | 2, b"\x00\x01\x00\x09abc")),
    ],
)
def test_who_breaks_a_rule_is_closed(
    endpoint: MqttEndpoint, intake: Intake, rule: str, sent: bytes
) -> None:
    with opened(endpoint, connect_packet(), sent) as client:
        packets = read_packets(client, 2)
        assert packets in ([ACCEPTED], [])
    assert dict(endpoint.refused) == {rule: 1}
    assert Shelf(intake).quiet(0.1)


def test_nothing_is_taken_before_the_login(endpoint: MqttEndpoint, intake: Intake) -> None:
    with opened(endpoint, publish_packet(UP, frame(), 1), connect_packet()) as client:
        assert read_packets(client, 1) == []
    assert dict(endpoint.refused) == {"protocol": 1}
    assert Shelf(intake).quiet(0.1)


def test_foreign_filters_are_refused_and_the_own_one_granted(endpoint: MqttEndpoint) -> None:
    foreign = (b"#", b"$SYS/#", b"+/v1/down/+", f"readout/v1/down/{OTHER}".encode(), UP)
    with opened(endpoint, connect_packet(), subscribe_packet(*foreign, DOWN)) as client:
        packets = read_packets(client, 2)
    assert packets == [ACCEPTED, (Kind.SUBACK, b"\x00\x07" + b"\x80" * 5 + b"\x00")]
    assert endpoint.refused["filter"] == 5


def test_a_second_login_ends_the_first(endpoint: MqttEndpoint, intake: Intake) -> None:
    with opened(endpoint, connect_packet()) as first:
        assert read_packets(first, 1) == [ACCEPTED]
        with opened(endpoint, connect_packet(), publish_packet(UP, frame(), 3)) as second:
            assert read_packets(first, 1) == []
            assert read_packets(second, 1) == [ACCEPTED]
            shelf = Shelf(intake)
            shelf.take(1)
            shelf.store()
            assert read_packets(second, 1) == [(Kind.PUBACK, b"\x00\x03")]
    assert dict(endpoint.refused) == {"taken over": 1}


def test_a_connection_without_a_login_is_closed(hasty: MqttEndpoint) -> None:
    with opened(hasty) as silent, opened(hasty, connect_packet()[:9]) as slow:
        assert read_packets(silent, 1) == []
        assert read_packets(slow, 1) == []
    assert hasty.refused == {"idle": 1, "slow": 1}


def test_keep_alive_says_how_long_a_module_may_be_silent(hasty: MqttEndpoint) -> None:
    with opened(hasty, connect_packet(keep_alive=1)) as client:
        assert read_packets(client, 1) == [ACCEPTED]
        assert read_packets(client, 1) == []
    assert hasty.refused == {"idle": 1}


def test_a_module_reads_on_only_so_far_ahead(hasty: MqttEndpoint, intake: Intake) -> None:
    frames = [frame(number=number) for number in range(200)]
    shelf = Shelf(intake)
    with opened(hasty, connect_packet(keep_alive=0)) as client:
        assert read_packets(client, 1) == [ACCEPTED]
        found: list[bytes] = []
        for number, payload in enumerate(frames):
            client.sendall(publish_packet(UP, payload, number + 1))
        while len(found) < len(frames):
            found += shelf.take(1)
            shelf.store()
        assert found == frames
        pubacks = read_packets(client, len(frames))
    assert pubacks == [(Kind.PUBACK, n.to_bytes(2, "big")) for n in range(1, 201)]


def test_leaving_and_unsubscribing_are_understood(endpoint: MqttEndpoint, intake: Intake) -> None:
    leave = packet(Kind.UNSUBSCRIBE | 2, b"\x00\x08" + len(DOWN).to_bytes(2, "big") + DOWN)
    with opened(endpoint, connect_packet(), subscribe_packet(DOWN), leave) as client:
        assert read_packets(client, 3)[2] == (Kind.UNSUBACK, b"\x00\x08")
        client.sendall(publish_packet(UP, frame(), 1))
        shelf = Shelf(intake)
        shelf.take(1)
        shelf.store(answer=b"unheard")
        assert read_packets(client, 1) == [(Kind.PUBACK, b"\x00\x01")]
        client.sendall(b"\xe0\x00")
        assert read_packets(client, 1) == []
    assert not endpoint.refused
