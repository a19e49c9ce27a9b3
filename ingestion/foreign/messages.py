"""A message of a foreign protocol, and what its bytes tell before any type has read it."""

from __future__ import annotations

import re
import zlib
from typing import NamedTuple

from ingestion.codecs.lorawan import Uplink
from ingestion.models import Transport
from ingestion.transports.mqtt_topics import topic_and_address

__all__ = [
    "UNRECOGNISED",
    "Message",
    "identity_number",
    "identity_text",
    "looks_like_ours",
    "normal",
]

# Stands for the device where no type recognises a message.
UNRECOGNISED = "?"
_LONGEST_IDENTITY = 64
_SHORTEST = 8
_TRANSPORTS: dict[int, str] = {Transport.UDP: "udp", Transport.TCP: "tcp", Transport.MQTT: "mqtt"}
# No source begins so.
_RADIO_MARK = "lorawan:"
_SEPARATORS = re.compile(r"[^0-9A-Z]+")
# The version of the universal protocol in the upper bits of the first byte.
_VERSION_BITS, _VERSION = 0xE0, 0x20
_IDENTIFICATION_LINE = 0x2F


class Message(NamedTuple):
    """As received. source: an address, what `mqtt_topics.source_of` makes of a topic, or "".

    received_at: microseconds.

    uplink: where the payload was taken out of a LoRaWAN network server's document, what that says;
    received_at is when the network heard it then.
    """

    payload: bytes
    transport: int
    source: str
    received_at: int
    uplink: Uplink | None = None

    @property
    def sender(self) -> str:
        """What tells senders apart as well as can be before anything is read."""
        return self.source if self.uplink is None else _RADIO_MARK + self.uplink.dev_eui

    @property
    def topic(self) -> str:
        """The MQTT topic, "" where it came otherwise."""
        return topic_and_address(self.source)[0]

    @property
    def address(self) -> str:
        """Where it came from, "" where a broker hides it."""
        return topic_and_address(self.source)[1]

    @property
    def way(self) -> str:
        """The transport in the words of definitions; "" for an import."""
        if self.uplink is not None:
            return "lorawan"
        return _TRANSPORTS.get(self.transport, "")


def looks_like_ours(payload: bytes) -> bool:
    """A spoilt frame of the universal protocol, or too little to be anything."""
    if len(payload) < _SHORTEST or payload[0] == _IDENTIFICATION_LINE:
        return len(payload) < _SHORTEST
    letters = payload[1:4]
    if not (letters.isascii() and letters.isalpha()):
        return False
    return letters.isupper() or payload[0] & _VERSION_BITS == _VERSION


def normal(identity: str) -> str:
    """An identity as it is compared: capital letters and digits only."""
    return _SEPARATORS.sub("", identity.upper())


def identity_text(scheme: str, value: str) -> str:
    """How an identity is shown and stored; the same device always gives the same text."""
    if not value.isprintable():
        value = "".join(letter for letter in value if letter.isprintable())
    return f"{scheme} {value}"[:_LONGEST_IDENTITY]


def identity_number(identity: str) -> int:
    """A negative number for an identity, where requests name devices by numbers."""
    return -zlib.crc32(identity.encode()) - 1
