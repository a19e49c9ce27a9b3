"""MQTT 3.1.1 for modules that connect to us: PUBACK leaves after the commit, no broker between.

A module logs in with its device id as user (and client id) and its MQTT password. It may publish to
its own topic up, QoS 0 or 1, and subscribe to its own topic down; answers leave at QoS 0. A module
of another protocol has the user name of its login and publishes to the topics of it. It knows
nothing of us and tells more than we asked for: what it sends elsewhere is acknowledged, counted and
thrown away, subscriptions are refused, and it stays. Sessions are not kept: a CONNACK always says
so, and what was not acknowledged the module sends again. Wills and retained messages are ignored.
Who breaks a rule is closed and counted under its name; a second login of a device ends the first.
Limits are those of TCP, keep-alive and a half is the idle time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from ingestion.codecs.universal_frame import MAX_FRAME_BYTES, device_id, device_label

from .intake import Arrival, Intake
from .mqtt_packets import (
    Connect,
    ConnectCode,
    Kind,
    PacketError,
    cut,
    packet,
    publish_packet,
    read_connect,
    read_filters,
    read_publish,
)
from .mqtt_topics import belongs, down_topic, fits, source_of, up_topic
from .tcp import Connection, TcpLimits, TcpListener

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["Logins", "MqttEndpoint"]

_PINGRESP = bytes((Kind.PINGRESP, 0))
_GRANTED, _REFUSED = b"\x00", b"\x80"
# Topic, lengths and message id around a frame; a CONNECT with everything in it is shorter. What
# others send as text is longer.
_LONGEST, _LONGEST_FOREIGN = MAX_FRAME_BYTES + 100, 65_535
_NO_TOPIC = frozenset("+#\0")
_NO_KEEP_ALIVE = 1_200.0


class Logins(Protocol):
    """Who may connect."""

    loaded: bool

    def check(self, label: str, password: bytes) -> bool:
        """Whether this is the device's password. Asked for each CONNECT: no query, no waiting."""

    def topics(self, user: str, password: bytes) -> tuple[str, ...]:
        """Filters of a module of another protocol; none where user or password are wrong."""

    def topics_now(self, user: str) -> tuple[str, ...]:
        """The same of one that has logged in; none where the login has ended since."""

    def start(self) -> None:
        """The endpoint opens."""

    def stop(self) -> None:
        """The endpoint is closed."""


def _printed(user: bytes) -> str:
    """The device id as printed; "" when it is none."""
    try:
        return device_label(device_id(user.decode()))
    except ValueError:
        return ""


@dataclass(frozen=True, slots=True)
class _Rights:
    """The only topics that a device may use, and the bytes of a packet.

    ours: whether it speaks the universal protocol; the topics of others are those of their login.
    """

    up: bytes = b""
    down: bytes = b""
    longest: int = _LONGEST

    @property
    def ours(self) -> bool:
        return bool(self.up)


def _admitted(topic: bytes, filters: Sequence[str]) -> bool:
    text = topic.decode("utf-8", "replace")
    return not _NO_TOPIC.intersection(text) and any(fits(text, one) for one in filters)


class _Module(Connection):
    """The connection of one device."""

    listener: MqttEndpoint

    def __init__(self, listener: TcpListener) -> None:
        super().__init__(listener)
        self.idle_seconds = listener.limits.frame_seconds
        self.label = ""
        self.rights: _Rights | None = None
        self.subscribed = False

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        arrivals: list[Arrival] = []
        try:
            whole = self._take_whole(arrivals)
        except PacketError as error:
            self.refuse(error.rule)
            return
        if arrivals:
            self.waiting += len(arrivals)
            self.listener.received += len(arrivals)
            self.listener.gather(arrivals)
            if self.waiting >= self.listener.limits.in_flight:
                self._pause()
        if self.transport is not None and not self.transport.is_closing():
            self._expect_rest(began=whole > 0 or not self.partial)

    def _take_whole(self, arrivals: list[Arrival]) -> int:
        """Take the packets that are whole, and say how many; the login says how long others may be."""
        count = 0
        if self.rights is None:
            count = self._take_cut(arrivals, most=_LONGEST, count=1)
        if self.rights is not None:
            count += self._take_cut(arrivals, most=self.rights.longest)
        return count

    def _take_cut(self, arrivals: list[Arrival], *, most: int, count: int | None = None) -> int:
        packets, used = cut(bytes(self.buffer), most=most, count=count)
        for first, body in packets:
            self._take(first, body, arrivals)
        del self.buffer[:used]
        return len(packets)

    def _take(self, first: int, body: bytes, arrivals: list[Arrival]) -> None:
        kind = first & 0xF0
        if (kind == Kind.CONNECT) == (self.rights is not None):
            raise PacketError("protocol")
        if kind == Kind.PUBLISH:
            arrivals.extend(self._published(first, body))
            return
        answer = self._ANSWERS.get(kind)
        if answer is None:
            raise PacketError("protocol")
        self._write(answer(self, first, body))

    def _write(self, data: bytes) -> None:
        if data and self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def _connect(self, first: int, body: bytes) -> bytes:
        asked = read_connect(body)
        code = self._judge(asked) if asked.known_version else ConnectCode.VERSION
        if code != ConnectCode.ACCEPTED:
            self.listener.refused["login"] += 1
            self._write(packet(Kind.CONNACK, bytes((0, code))))
            if self.transport is not None:
                self.transport.close()
            # The rest of what came with it is not looked at.
            raise PacketError("login")
        self.idle_seconds = 1.5 * asked.keep_alive or _NO_KEEP_ALIVE
        self.listener.take_over(self)
        return packet(Kind.CONNACK, bytes((0, ConnectCode.ACCEPTED)))

    def _judge(self, asked: Connect) -> ConnectCode:
        """Whether the module may stay; then it has its rights."""
        logins, password = self.listener.logins, asked.password or b""
        if not logins.loaded:
            return ConnectCode.UNAVAILABLE
        label = _printed(asked.user or b"")
        if not logins.check(label, password):
            return self._judge_other(asked.user or b"", password)
        if asked.client_id and asked.client_id != label.encode():
            return ConnectCode.CLIENT_ID
        self.label = label
        self.rights = _Rights(up_topic(label).encode(), down_topic(device_id(label)))
        return ConnectCode.ACCEPTED

    def _judge_other(self, user: bytes, password: bytes) -> ConnectCode:
        name = user.decode("utf-8", "replace")
        if not self.listener.logins.topics(name, password):
            return ConnectCode.LOGIN
        self.label, self.rights = name, _Rights(longest=_LONGEST_FOREIGN)
        return ConnectCode.ACCEPTED

    def _published(self, first: int, body: bytes) -> Iterator[Arrival]:
        """The message, or nothing where it is thrown away."""
        topic, acknowledgement, payload = read_publish(first, body)
        assert self.rights is not None
        if first & 0x04:
            raise PacketError("qos")
        if not self.rights.ours:
            yield from self._published_by_other(topic, acknowledgement, payload)
        elif topic == self.rights.up and belongs(topic, payload):
            yield Arrival(payload, self.source, (self, acknowledgement))
        else:
            raise PacketError("topic")

    def _published_by_other(
        self, topic: bytes, acknowledgement: bytes, payload: bytes
    ) -> Iterator[Arrival]:
        filters = self.listener.logins.topics_now(self.label)
        if not filters:
            # Its password is all that speaks for it, other than a key does for ours.
            raise PacketError("revoked")
        if _admitted(topic, filters):
            yield Arrival(payload, source_of(topic, self.source), (self, acknowledgement))
        else:
            self.listener.refused["topic"] += 1
            self._write(acknowledgement)

    def _subscribe(self, first: int, body: bytes) -> bytes:
        message_id, filters = read_filters(first, body)
        codes = b"".join(map(self._grant, filters))
        return packet(Kind.SUBACK, message_id + codes)

    def _grant(self, topic: bytes) -> bytes:
        if self.rights is None or topic != self.rights.down:
            self.listener.refused["filter"] += 1
            return _REFUSED
        self.subscribed = True
        return _GRANTED

    def _unsubscribe(self, first: int, body: bytes) -> bytes:
        message_id, filters = read_filters(first, body)
        if self.rights is not None and self.rights.down in filters:
            self.subscribed = False
        return packet(Kind.UNSUBACK, message_id)

    def _ping(self, first: int, body: bytes) -> bytes:
        return _PINGRESP

    def _leave(self, first: int, body: bytes) -> bytes:
        if self.transport is not None:
            self.transport.close()
        return b""

    def _form(self, payloads: list[bytes]) -> bytes:
        return b"".join(payloads)

    def refuse(self, rule: str) -> None:
        """Close for breaking `rule`; a refused login has had its answer, and was counted."""
        if rule != "login":
            super().refuse(rule)

    _ANSWERS: ClassVar[dict[int, Callable[[Any, int, bytes], bytes]]] = {
        Kind.CONNECT: _connect,
        Kind.SUBSCRIBE: _subscribe,
        Kind.UNSUBSCRIBE: _unsubscribe,
        Kind.PINGREQ: _ping,
        Kind.DISCONNECT: _leave,
    }


class MqttEndpoint(TcpListener):
    """Listens as TCP does; each connection speaks MQTT."""

    name = "mqtt-endpoint"
    connection = _Module

    def __init__(
        self,
        intake: Intake,
        *,
        host: str,
        port: int,
        logins: Logins,
        limits: TcpLimits | None = None,
    ) -> None:
        super().__init__(intake, host=host, port=port, limits=limits)
        self.logins = logins
        self._by_label: dict[str, _Module] = {}

    def start(self) -> None:
        super().start()
        self.logins.start()

    def close(self) -> None:
        self.logins.stop()
        super().close()

    def take_over(self, module: _Module) -> None:
        """The device has logged in; an earlier connection of it ends (3.1.4)."""
        earlier = self._by_label.get(module.label)
        self._by_label[module.label] = module
        if earlier is not None:
            earlier.refuse("taken over")

    def forget(self, connection: Connection) -> None:
        super().forget(connection)
        if isinstance(connection, _Module) and self._by_label.get(connection.label) is connection:
            del self._by_label[connection.label]

    def acknowledge(self, arrivals: Sequence[Arrival], answers: Sequence[bytes | None]) -> None:
        """Every message is acknowledged: what is refused would be refused again."""
        sorted_out: dict[Connection, tuple[list[bytes], int]] = {}
        for (payload, _, (module, acknowledgement)), answer in zip(arrivals, answers, strict=True):
            packets, count = sorted_out.get(module, ([], 0))
            packets.append(acknowledgement)
            if answer is not None and module.subscribed:
                packets.append(publish_packet(down_topic(payload[1:9]), answer))
            sorted_out[module] = (packets, count + 1)
        self.hand_over(sorted_out)
