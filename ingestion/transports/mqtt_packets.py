"""Packets of MQTT 3.1.1 (OASIS standard, 2014): cut from a stream, read, and put together.

A packet is one byte of type and flags, the length of the rest (1 to 4 bytes, seven bits each,
lowest first), then the rest: here a pair (first byte, body).
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "Connect",
    "ConnectCode",
    "Kind",
    "PacketError",
    "cut",
    "packet",
    "publish_packet",
    "read_connect",
    "read_filters",
    "read_publish",
]

_LEVEL = 4


class PacketError(Exception):
    """The bytes break a rule of MQTT; `rule` names it in a word."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


class Kind(IntEnum):
    """Upper four bits of the first byte (table 2.1)."""

    CONNECT = 0x10
    CONNACK = 0x20
    PUBLISH = 0x30
    PUBACK = 0x40
    SUBSCRIBE = 0x80
    SUBACK = 0x90
    UNSUBSCRIBE = 0xA0
    UNSUBACK = 0xB0
    PINGREQ = 0xC0
    PINGRESP = 0xD0
    DISCONNECT = 0xE0


class ConnectCode(IntEnum):
    """Return codes of a CONNACK (table 3.1)."""

    ACCEPTED = 0
    VERSION = 1
    CLIENT_ID = 2
    UNAVAILABLE = 3
    LOGIN = 4


class Connect(NamedTuple):
    """What a CONNECT says, apart from its will."""

    known_version: bool
    keep_alive: int
    client_id: bytes
    user: bytes | None
    password: bytes | None


def cut(data: bytes, *, most: int, count: int | None = None) -> tuple[list[tuple[int, bytes]], int]:
    """Whole packets at the front of `data`, and how many bytes they took; `count` of them at most.

    PacketError when a length is impossible or more than `most`.
    """
    packets: list[tuple[int, bytes]] = []
    at, end = 0, len(data)
    while end - at >= 2 and len(packets) != count:
        length, body = data[at + 1], at + 2
        if length & 0x80:
            length, body = _long_length(data, at + 1)
        if length > most:
            raise PacketError("length")
        if body == 0 or body + length > end:
            break
        packets.append((data[at], data[body : body + length]))
        at = body + length
    return packets, at


def _long_length(data: bytes, at: int) -> tuple[int, int]:
    """Length of two to four bytes, and where the body begins; 0 where bytes of it are missing."""
    length = 0
    for place in range(4):
        if at + place >= len(data):
            return 0, 0
        byte = data[at + place]
        length |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return length, at + place + 1
    raise PacketError("length")


def packet(first: int, body: bytes) -> bytes:
    """The packet as sent."""
    length = len(body)
    if length < 0x80:
        return bytes((first, length)) + body
    out = bytearray((first,))
    while length >= 0x80:
        out.append(length & 0x7F | 0x80)
        length >>= 7
    out.append(length)
    return bytes(out) + body


def publish_packet(topic: bytes, payload: bytes, message_id: int | None = None) -> bytes:
    """PUBLISH at QoS 0, or at QoS 1 where an id is given."""
    head = len(topic).to_bytes(2, "big") + topic
    if message_id is None:
        return packet(Kind.PUBLISH, head + payload)
    return packet(Kind.PUBLISH | 0x02, head + message_id.to_bytes(2, "big") + payload)


def read_publish(first: int, body: bytes) -> tuple[bytes, bytes, bytes]:
    """Topic, the PUBACK that answers it (empty at QoS 0), payload. PacketError: malformed."""
    quality = first >> 1 & 3
    end = 2 + int.from_bytes(body[:2], "big")
    start = end + 2 if quality else end
    if quality == 3 or len(body) < start or end == 2:
        raise PacketError("publish")
    acknowledgement = b"\x40\x02" + body[end:start] if quality else b""
    return body[2:end], acknowledgement, body[start:]


def read_connect(body: bytes) -> Connect:
    """The fields of a CONNECT (3.1); PacketError: malformed."""
    parts = _Parts(body)
    name, level, flags = parts.text(), parts.byte(), parts.byte()
    if name != b"MQTT" or level != _LEVEL:
        return Connect(False, 0, b"", None, None)
    if flags & 0x01:
        raise PacketError("connect")
    keep_alive = int.from_bytes(parts.take(2), "big")
    client_id = parts.text()
    if flags & 0x04:
        parts.text()
        parts.text()
    user = parts.text() if flags & 0x80 else None
    password = parts.text() if flags & 0x40 else None
    return Connect(True, keep_alive, client_id, user, password)


def read_filters(first: int, body: bytes) -> tuple[bytes, list[bytes]]:
    """Message id and filters of a SUBSCRIBE or UNSUBSCRIBE; PacketError: malformed."""
    with_quality = first & 0xF0 == Kind.SUBSCRIBE
    parts = _Parts(body)
    message_id = parts.take(2)
    filters = list(_filters(parts, with_quality=with_quality))
    if first & 0x0F != 0x02 or not filters:
        raise PacketError("subscribe")
    return message_id, filters


def _filters(parts: _Parts, *, with_quality: bool) -> Iterator[bytes]:
    while parts.left:
        yield parts.text()
        if with_quality and parts.byte() > 2:
            raise PacketError("subscribe")


class _Parts:
    """Fields taken off the front of a body, one after the other."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._body) - self._at

    def take(self, count: int) -> bytes:
        if count > self.left:
            raise PacketError("short")
        self._at += count
        return self._body[self._at - count : self._at]

    def byte(self) -> int:
        return self.take(1)[0]

    def text(self) -> bytes:
        return self.take(int.from_bytes(self.take(2), "big"))
