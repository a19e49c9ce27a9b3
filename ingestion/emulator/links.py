"""How a fleet reaches the server: real sockets, one interface."""

from __future__ import annotations

import resource
import secrets
import selectors
import socket
import ssl
import time
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Protocol

import paho.mqtt.client as paho
from django.conf import settings
from paho.mqtt.enums import CallbackAPIVersion

from ingestion.transports.mqtt_session import BrokerAddress
from ingestion.transports.mqtt_topics import up_topic

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["TRANSPORTS", "Link", "MqttLink", "TcpLink", "UdpLink", "link_open"]

_BUFFER = 8 * 1024 * 1024
_DATAGRAM = 2048
_AT_ONCE = 5_000
# A module closes its connection so many seconds after its last frame.
_CLOSE_SECONDS = 10.0
_RECONNECT_SECONDS = 1.0
_MQTT_IN_FLIGHT = 1_000
_DOWN = "readout/v1/down/"


class Link(Protocol):
    """Frames out, frames in. Nothing is promised: what is lost is sent again by the courier."""

    def send(self, row: int, frame: bytes) -> None:
        """For the module of this row."""

    def receive(self, timeout: float) -> list[bytes]:
        """What has come; waits at most `timeout` seconds for the first."""

    def close(self) -> None: ...


class UdpLink:
    """One socket for all: the answer names the device."""

    def __init__(self, host: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        self.socket.connect((host, port))
        self._selector = selectors.DefaultSelector()
        self._selector.register(self.socket, selectors.EVENT_READ)
        self.socket.setblocking(False)

    def send(self, row: int, frame: bytes) -> None:
        # Nobody listens, or the buffer is full: lost like any datagram.
        with suppress(OSError):
            self.socket.send(frame)

    def receive(self, timeout: float) -> list[bytes]:
        found: list[bytes] = []
        if not self._selector.select(timeout):
            return found
        # A refusal of an earlier datagram is reported here.
        with suppress(OSError):
            while len(found) < _AT_ONCE:
                found.append(self.socket.recv(_DATAGRAM))
        return found

    def close(self) -> None:
        self._selector.close()
        self.socket.close()


class _Stream:
    """One connection: bytes not yet taken by the kernel, bytes not yet a frame."""

    __slots__ = ("incoming", "outgoing", "row", "socket", "used_at")

    def __init__(self, row: int, connection: socket.socket, now: float) -> None:
        self.row = row
        self.socket = connection
        self.outgoing = bytearray()
        self.incoming = bytearray()
        self.used_at = now

    def frames(self) -> list[bytes]:
        found = []
        while len(self.incoming) >= 2:
            end = 2 + int.from_bytes(self.incoming[:2], "big")
            if len(self.incoming) < end:
                break
            found.append(bytes(self.incoming[2:end]))
            del self.incoming[:end]
        return found


class TcpLink:
    """A connection for each module, opened with its first frame, closed when it has nothing to say."""

    def __init__(self, host: str, port: int) -> None:
        self.address = (host, port)
        self.family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._streams: dict[int, _Stream] = {}
        self._refused: dict[int, float] = {}
        self._selector = selectors.DefaultSelector()
        self._swept_at = 0.0
        _raise_limit()

    def send(self, row: int, frame: bytes) -> None:
        stream = self._streams.get(row) or self._connect(row)
        if stream is not None:
            stream.used_at = time.monotonic()
            stream.outgoing += len(frame).to_bytes(2, "big") + frame
            self._write(stream)

    def receive(self, timeout: float) -> list[bytes]:
        found: list[bytes] = []
        for key, events in self._selector.select(timeout):
            stream: _Stream = key.data
            if events & selectors.EVENT_WRITE:
                self._write(stream)
            if events & selectors.EVENT_READ and stream.row in self._streams:
                found += self._read(stream)
        self._sweep(time.monotonic())
        return found

    def close(self) -> None:
        for stream in list(self._streams.values()):
            self._drop(stream)
        self._selector.close()

    def _connect(self, row: int) -> _Stream | None:
        now = time.monotonic()
        if now - self._refused.get(row, -_RECONNECT_SECONDS) < _RECONNECT_SECONDS:
            return None
        connection = socket.socket(self.family, socket.SOCK_STREAM)
        connection.setblocking(False)
        connection.connect_ex(self.address)
        stream = self._streams[row] = _Stream(row, connection, now)
        self._selector.register(connection, selectors.EVENT_READ | selectors.EVENT_WRITE, stream)
        return stream

    def _write(self, stream: _Stream) -> None:
        try:
            while stream.outgoing:
                del stream.outgoing[: stream.socket.send(stream.outgoing)]
        except (BlockingIOError, InterruptedError):
            pass
        except OSError as error:
            # Not yet connected: what is to be sent waits.
            if stream.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) or not _waits(error):
                self._drop(stream, refused=True)
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if stream.outgoing else 0)
        self._selector.modify(stream.socket, wanted, stream)

    def _read(self, stream: _Stream) -> list[bytes]:
        try:
            data = stream.socket.recv(65_536)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        stream.incoming += data
        if not data:
            self._drop(stream, refused=True)
        return stream.frames()

    def _drop(self, stream: _Stream, *, refused: bool = False) -> None:
        if refused:
            self._refused[stream.row] = time.monotonic()
        self._streams.pop(stream.row, None)
        with suppress(KeyError, ValueError):
            self._selector.unregister(stream.socket)
        stream.socket.close()

    def _sweep(self, now: float) -> None:
        if now - self._swept_at < 1.0:
            return
        self._swept_at = now
        for stream in list(self._streams.values()):
            if now - stream.used_at > _CLOSE_SECONDS:
                self._drop(stream)


def _waits(error: OSError) -> bool:
    """Whether a connection is only not ready yet (ENOTCONN while it is being made)."""
    return error.errno == 107


def _raise_limit() -> None:
    """A connection is an open file; as many as the system lets us have."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class MqttLink:
    """One connection to the broker for all modules, as a gateway has it.

    The fleet speaks on the topics of its devices; the login must be allowed to use them.
    """

    def __init__(self, url: str, label: Callable[[int], str]) -> None:
        address = BrokerAddress.parse(url)
        self._label = label
        self._answers: SimpleQueue[bytes] = SimpleQueue()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"readout-emulator-{secrets.token_hex(4)}",
            clean_session=True,
        )
        self._client.max_inflight_messages_set(_MQTT_IN_FLIGHT)
        if address.user is not None:
            self._client.username_pw_set(address.user, address.password)
        if address.encrypted:
            self._client.tls_set(cert_reqs=None if address.verified else ssl.CERT_NONE)
        self._client.on_connect = self._connected
        self._client.on_message = self._arrived
        # A connection that is lost is made anew by the library's own thread.
        self._client.connect_async(address.host, address.port, keepalive=60)
        self._client.loop_start()

    def send(self, row: int, frame: bytes) -> None:
        # Without a connection it would pile up here; the courier repeats what is not acknowledged.
        if self._client.is_connected():
            self._client.publish(up_topic(self._label(row)), frame, qos=1)

    def receive(self, timeout: float) -> list[bytes]:
        found: list[bytes] = []
        with suppress(Empty):
            found.append(self._answers.get(timeout=max(timeout, 0.001)))
            while len(found) < _AT_ONCE:
                found.append(self._answers.get_nowait())
        return found

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _connected(self, client: paho.Client, *_rest: object) -> None:
        client.subscribe(f"{_DOWN}+", qos=0)

    def _arrived(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        self._answers.put(bytes(message.payload))


TRANSPORTS = ("udp", "tcp", "mqtt")


def link_open(transport: str, host: str, port: int, label: Callable[[int], str]) -> Link:
    """A link by the name of its transport; MQTT goes through the broker of the settings.

    label: device id as printed of the module of a row.
    """
    if transport == "mqtt":
        return MqttLink(settings.MQTT_URL, label)
    return TcpLink(host, port) if transport == "tcp" else UdpLink(host, port)
