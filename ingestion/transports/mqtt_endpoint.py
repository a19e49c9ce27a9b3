"""MQTT 3.1.1 for modules that connect to us: PUBACK leaves after the commit, no broker between.

A module logs in with its device id as user (and client id) and its MQTT password. It may publish to
its own topic up, QoS 0 or 1, and subscribe to its own topic down; answers leave at QoS 0. Sessions
are not kept: a CONNACK always says so, and what was not acknowledged the module sends again. Wills
and retained messages are ignored. Who breaks a rule is closed and counted under its name; a second
login of a device ends the first. Limits are those of TCP, keep-alive and a half is the idle time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from ingestion.codecs.universal_frame import MAX_FRAME_BYTES, device_id, device_label

from .intake import Arrival, Intake
from .mqtt_packets import (
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
from .mqtt_topics import belongs, down_topic, up_topic
from .tcp import Connection, TcpLimits, TcpListener

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Logins", "MqttEndpoint"]

_PINGRESP = bytes((Kind.PINGRESP, 0))
_GRANTED, _REFUSED = b"\x00", b"\x80"
# Topic, lengths and message id around a frame; a CONNECT with everything in it is shorter.
_LONGEST = MAX_FRAME_BYTES + 100
_NO_KEEP_ALIVE = 1_200.0


class Logins(Protocol):
    """Who may connect."""

    loaded: bool

    def check(self, label: str, password: bytes) -> bool:
        """Whether this is the device's password. Asked for each CONNECT: no query, no waiting."""

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
class _Topics:
    """The only ones that a device may use."""

    up: bytes
    down: bytes


class _Module(Connection):
    """The connection of one device."""

    listener: MqttEndpoint

    def __init__(self, listener: TcpListener) -> None:
        super().__init__(listener)
        self.idle_seconds = listener.limits.frame_seconds
        self.label = ""
        self.topics: _Topics | None = None
        self.subscribed = False

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        arrivals: list[Arrival] = []
        try:
            packets, used = cut(bytes(self.buffer), most=_LONGEST)
            for first, body in packets:
                self._take(first, body, arrivals)
        except PacketError as error:
            self.refuse(error.rule)
            return
        del self.buffer[:used]
        if arrivals:
            self.waiting += len(arrivals)
            self.listener.received += len(arrivals)
            self.listener.gather(arrivals)
            if self.waiting >= self.listener.limits.in_flight:
                self._pause()
        if self.transport is not None and not self.transport.is_closing():
            self._expect_rest(began=bool(packets) or not self.partial)

    def _take(self, first: int, body: bytes, arrivals: list[Arrival]) -> None:
        kind = first & 0xF0
        if (kind == Kind.CONNECT) == (self.topics is not None):
            raise PacketError("protocol")
        if kind == Kind.PUBLISH:
            arrivals.append(self._published(first, body))
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
        label = _printed(asked.user or b"")
        code = self._judge(label, asked.client_id, asked.password or b"")
        code = code if asked.known_version else ConnectCode.VERSION
        if code != ConnectCode.ACCEPTED:
            self.listener.refused["login"] += 1
            self._write(packet(Kind.CONNACK, bytes((0, code))))
            if self.transport is not None:
                self.transport.close()
            # The rest of what came with it is not looked at.
            raise PacketError("login")
        self.label = label
        self.topics = _Topics(up_topic(label).encode(), down_topic(device_id(label)))
        self.idle_seconds = 1.5 * asked.keep_alive or _NO_KEEP_ALIVE
        self.listener.take_over(self)
        return packet(Kind.CONNACK, bytes((0, ConnectCode.ACCEPTED)))

    def _judge(self, label: str, client_id: bytes, password: bytes) -> ConnectCode:
        if not self.listener.logins.loaded:
            return ConnectCode.UNAVAILABLE
        if not self.listener.logins.check(label, password):
            return ConnectCode.LOGIN
        if client_id and client_id != label.encode():
            return ConnectCode.CLIENT_ID
        return ConnectCode.ACCEPTED

    def _published(self, first: int, body: bytes) -> Arrival:
        topic, acknowledgement, payload = read_publish(first, body)
        if first & 0x04:
            raise PacketError("qos")
        if self.topics is None or topic != self.topics.up or not belongs(topic, payload):
            raise PacketError("topic")
        return Arrival(payload, self.source, (self, acknowledgement))

    def _subscribe(self, first: int, body: bytes) -> bytes:
        message_id, filters = read_filters(first, body)
        codes = b"".join(map(self._grant, filters))
        return packet(Kind.SUBACK, message_id + codes)

    def _grant(self, topic: bytes) -> bytes:
        if self.topics is None or topic != self.topics.down:
            self.listener.refused["filter"] += 1
            return _REFUSED
        self.subscribed = True
        return _GRANTED

    def _unsubscribe(self, first: int, body: bytes) -> bytes:
        message_id, filters = read_filters(first, body)
        if self.topics is not None and self.topics.down in filters:
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
