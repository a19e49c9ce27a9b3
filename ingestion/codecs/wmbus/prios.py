"""PRIOS, the radio frames of Diehl's IZAR modules: a maker's own content behind CI A0 to A7.

    state (3)  period · battery, leakage, blocked · other alarms
    kind (1)
    enciphered: 4B  volume (4)  [volume at the target date (4)  target date (2, type G)]

Volumes are litres, lowest byte first. The cipher is a shift register of 32 bits (taps 1, 2, 11, 31)
that starts with the module's key and the header. It hides little: nearly all modules have one of
the two keys they are sold with, which have long been published.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from ..mbus.times import type_g
from .makers_items import record_item

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..telegram import Item
    from .message import Message

__all__ = ["read_prios"]

_MAKERS = frozenset({"SAP", "HYD", "DME", "EWT", "SPL"})
_CI = range(0xA0, 0xA8)
_SHIPPED = (bytes.fromhex("39bc8a10e66d83f8"), bytes.fromhex("51728910e66d83f8"))
_KEY_BYTES = 8
_OPENED = 0x4B
# Where the state, the kind, and the enciphered part start; how long the two frames are.
_STATE, _KIND, _CIPHER = 11, 14, 15
_SHORT, _LONG = 20, 26
_REGISTER = 0xFFFFFFFF

# (byte of the state, bit) → what it tells.
_ALARMS = {
    (0, 7): "general",
    (1, 7): "leakage",
    (1, 6): "leakage_before",
    (1, 5): "blocked",
    (2, 7): "backward_flow",
    (2, 6): "flow_too_low",
    (2, 5): "flow_too_high",
    (2, 4): "submerged",
    (2, 3): "sensor_fraud",
    (2, 2): "sensor_fraud_before",
    (2, 1): "mechanical_fraud",
    (2, 0): "mechanical_fraud_before",
}


def read_prios(message: Message, key: bytes | None) -> bool:
    """Reads such a frame to its end. False, and nothing changed, where it is none."""
    frame = bytes(message.octets)
    is_makers = message.sender.manufacturer in _MAKERS and frame[_STATE - 1] in _CI
    if not is_makers or len(frame) not in (_SHORT, _LONG):
        return False
    keys = (key,) if key and len(key) == _KEY_BYTES else _SHIPPED
    plain = next((one for one in (_opened(frame, key) for key in keys) if _fits(one)), None)
    if plain is None:
        return False
    message.take(3, "prios.state", "period, battery, alarms")
    message.take(1, "prios.kind")
    message.octets[_CIPHER:] = plain
    message.byte("prios.check", "the key fits")
    message.items += _items(bytes(message.octets))
    message.at = message.end
    return True


def _opened(frame: bytes, key: bytes) -> bytes:
    register = 0
    for octets in (key[:4], key[4:], frame[2:6], frame[6:10], frame[10:14]):
        register ^= int.from_bytes(octets, "big")
    plain = bytearray()
    for octet in frame[_CIPHER:]:
        for _ in range(8):
            bit = (register >> 1 ^ register >> 2 ^ register >> 11 ^ register >> 31) & 1
            register = (register << 1 | bit) & _REGISTER
        plain.append(octet ^ register & 0xFF)
    return bytes(plain)


def _fits(plain: bytes) -> bool:
    """One known byte, and in long frames a day that exists."""
    return plain[0] == _OPENED and (len(plain) == _SHORT - _CIPHER or type_g(plain[9:11]).valid)


def _items(octets: bytes) -> Iterator[Item]:
    state = octets[_STATE:_KIND]
    yield _volume(octets, _CIPHER + 1, storage=0)
    if len(octets) == _LONG:
        yield _volume(octets, _CIPHER + 5, storage=1)
        yield record_item("date", type_g(octets[24:26]).value, "", (24, 26), octets, storage=1)
    battery = Decimal(state[1] & 0x1F) / 2
    yield record_item("battery_remaining_time", battery, "y", (12, 13), octets)
    yield record_item("transmission_period", 4 << (state[0] & 0x0F), "s", (11, 12), octets)
    alarms = [name for (byte, bit), name in _ALARMS.items() if state[byte] >> bit & 1]
    yield record_item("alarms", " ".join(alarms), "", (11, 14), octets)
    # Each by itself, too, so that a rule can ask for one of several.
    for name in alarms:
        yield record_item(f"alarm_{name}", True, "", (11, 14), octets)


def _volume(octets: bytes, start: int, *, storage: int) -> Item:
    litres = int.from_bytes(octets[start : start + 4], "little")
    span = (start, start + 4)
    return record_item("volume", Decimal(litres).scaleb(-3), "m3", span, octets, storage=storage)
