"""One session at a broker: the messages of one topic shard, by paho.

The client id is fixed for each shard and the session is kept by the broker, so a worker that takes
over a shard takes over what was not acknowledged. A part of the id is secret: whoever connects
with the id of a session ends it.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import parse_qs, unquote, urlsplit

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from .intake import Arrival
from .mqtt_packets import PacketError, read_publish
from .mqtt_stream import Stream
from .mqtt_topics import belongs, shard_filter, source_of

if TYPE_CHECKING:
    from collections import Counter

__all__ = ["BrokerAddress", "ForeignSession", "Link", "Session"]

_KEEP_ALIVE = 30
_CONNECT_SECONDS = 2.0
# A broker that accepts the connection but never grants the subscription.
_GRANT_SECONDS = 10.0
_BACK_OFF = (0.2, 0.5, 1.0, 2.0, 5.0)
_MISC_SECONDS = 1.0
# A frame has at most 1,200 bytes; a little more is worth keeping in quarantine. What others send as
# text is longer.
_LONGEST, _LONGEST_FOREIGN = 2_048, 65_535
_PORTS = {"mqtt": 1883, "mqtts": 8883}


class BrokerAddress(NamedTuple):
    """Where the broker is. Its text form shows neither user nor password."""

    host: str
    port: int
    user: str | None = None
    password: str | None = None
    encrypted: bool = False
    verified: bool = True

    @classmethod
    def parse(cls, url: str) -> BrokerAddress:
        """From mqtt://user:password@host:port or mqtts://…; ValueError: not such a URL.

        `?ssl_cert_reqs=none` takes any certificate.
        """
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ValueError("MQTT_URL is not of the form mqtt://user:password@host:1883")
        return cls(
            parts.hostname,
            parts.port or _PORTS[parts.scheme],
            unquote(parts.username) if parts.username else None,
            unquote(parts.password) if parts.password is not None else None,
            parts.scheme == "mqtts",
            parse_qs(parts.query).get("ssl_cert_reqs") != ["none"],
        )

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Link:
    """One connection of a session. Message ids mean nothing in the next one."""


class _Client(paho.Client):
    """paho, reading and writing through a `Stream`."""

    def _create_socket(self) -> Any:
        return Stream(cast("Any", super()._create_socket()))


class Session:
    """Connects, subscribes, reads; comes back from every loss. One thread uses it."""

    right = "readout/v1/#"

    def __init__(
        self, address: BrokerAddress, *, shard: str, client_id: str, refused: Counter[str]
    ) -> None:
        self.shard = shard
        self.filters: tuple[str, ...] = (shard_filter(shard),)
        self.granted = False
        self.connects = 0
        self.trouble = ""
        self.link: Link | None = None
        self._address = address
        self._refused = refused
        self._due = 0.0
        self._failures = 0
        self._misc_due = 0.0
        self._client = _configured(address, client_id)
        self._client.on_connect = self._connected
        self._client.on_subscribe = self._subscribed

    @property
    def stream(self) -> Stream | None:
        """None while there is no connection."""
        return cast("Stream | None", self._client.socket())

    def tend(self, now: float) -> bool:
        """Connect when it is time to; keep the connection alive. False: the broker is away."""
        if self.stream is None:
            if self.link is not None:
                self._lost(self.trouble or "the broker closed the connection", now)
            return now < self._due or self._connect(now)
        if now >= self._misc_due:
            self._misc_due = now + _MISC_SECONDS
            self._client.loop_misc()
            if not self.granted and now >= self._due:
                self.drop(self.trouble or "the broker does not grant the subscription", now)
        return True

    def _connect(self, now: float) -> bool:
        self.link = Link()
        self._due, self._misc_due = now + _GRANT_SECONDS, now + _MISC_SECONDS
        try:
            self._client.reconnect()
        except OSError as error:
            self._lost(error.strerror or str(error) or type(error).__name__, now)
            return False
        return True

    def read(self, now: float) -> list[Arrival]:
        """What has come, as far as it may come; the rest is acknowledged unread and counted."""
        stream, link = self.stream, self.link
        if stream is None or link is None:
            return []
        published = stream.fill()
        while self.stream is stream and stream.pending():
            self._client.loop_read()
        if self._client.want_write():
            self._client.loop_write()
        arrivals = self._arrivals(published, link, stream)
        if self.stream is stream and stream.ended:
            self.drop(self.trouble or "the broker closed the connection", now)
        return arrivals

    def _arrivals(
        self, published: list[tuple[int, bytes]], link: Link, stream: Stream
    ) -> list[Arrival]:
        arrivals = []
        for first, body in published:
            try:
                topic, acknowledgement, payload = read_publish(first, body)
            except PacketError:
                stream.ended = True
                break
            rule = self._broken_rule(topic, payload)
            if rule:
                self._refused[rule] += 1
                stream.write(acknowledgement)
            else:
                arrivals.append(Arrival(payload, self._source(topic), (link, acknowledgement)))
        return arrivals

    def _broken_rule(self, topic: bytes, payload: bytes) -> str:
        """Why a message is thrown away; "" for one that the engine may judge."""
        if len(payload) > _LONGEST:
            return "length"
        return "" if belongs(topic, payload) else "topic"

    def _source(self, topic: bytes) -> str:
        """The broker hides where a frame came from."""
        return ""

    def drop(self, why: str, now: float) -> None:
        """End the connection without a word and plan the next one."""
        stream = self.stream
        if stream is not None:
            stream.ended = True
        while stream is not None and self.stream is stream:
            # paho meets the end behind what it has not read yet, and closes.
            self._client.loop_read()
        self._lost(why, now)

    def _lost(self, why: str, now: float) -> None:
        self.link, self.granted, self.trouble = None, False, why
        self._due = now + _BACK_OFF[min(self._failures, len(_BACK_OFF) - 1)]
        self._failures += 1

    def close(self, why: str = "") -> None:
        """Send what waits and take leave; what was not acknowledged stays with the broker."""
        if self.stream is not None:
            self._client.disconnect()
        self.link, self.granted, self.trouble, self._due = None, False, why, 0.0

    def _connected(self, client: Any, userdata: Any, flags: Any, reason: Any, more: Any) -> None:
        if reason.is_failure:
            self.trouble = f"the login is refused ({reason})"
            return
        self.connects += 1
        client.subscribe([(one, 1) for one in self.filters])

    def _subscribed(self, client: Any, userdata: Any, mid: int, reasons: Any, more: Any) -> None:
        refused = [reason for reason in reasons if reason.is_failure]
        if refused:
            self.trouble = (
                f"the subscription to {', '.join(self.filters)} is refused ({refused[0]}):"
                f" give the server's user the right to {self.right}"
            )
            return
        self.granted, self.trouble, self._failures = True, "", 0


class ForeignSession(Session):
    """The messages of devices with topics of their own, as the published types name them.

    One session for all of them; the topic stands as the source.
    """

    right = "these topics"

    def __init__(
        self,
        address: BrokerAddress,
        *,
        filters: tuple[str, ...],
        client_id: str,
        refused: Counter[str],
    ) -> None:
        super().__init__(address, shard="", client_id=client_id, refused=refused)
        self.filters = filters

    def _broken_rule(self, topic: bytes, payload: bytes) -> str:
        return "length" if len(payload) > _LONGEST_FOREIGN else ""

    def _source(self, topic: bytes) -> str:
        return source_of(topic)


def _configured(address: BrokerAddress, client_id: str) -> _Client:
    client = _Client(
        CallbackAPIVersion.VERSION2,
        client_id,
        clean_session=False,
        protocol=paho.MQTTv311,
        manual_ack=True,
    )
    client.connect_timeout = _CONNECT_SECONDS
    if address.user is not None:
        client.username_pw_set(address.user, address.password)
    if address.encrypted:
        client.tls_set(cert_reqs=ssl.CERT_REQUIRED if address.verified else ssl.CERT_NONE)
        client.tls_insecure_set(not address.verified)
    client.connect_async(address.host, address.port, _KEEP_ALIVE)
    return client
