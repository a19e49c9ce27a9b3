"""The layers between link and transport: extended link layer (EN 13757-4), AFL (EN 13757-7).

Extended link layer, lowest byte first:
8C  CC ACC                                     8E  CC ACC M2 A2
8D  CC ACC SN CRC                              8F  CC ACC M2 A2 SN CRC
86  CC ACC ECL and what ECL selects
M2 and A2 are the receiver's address. With SN (session number) everything behind it may be
encrypted, the checksum of the payload included, by AES-128-CTR; the counter starts with
M A CC SN, two bytes of frame number and one of block number.

Authentication and fragmentation layer, 90 AFLL FCL and what FCL selects:
MCL (1) message control, KI (2) key information, MCR (4) message counter, MAC, ML (2) length.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import DecodeError
from .address import Address
from .checksum import crc16
from .security import AES_KEY_BYTES, counter_opened

if TYPE_CHECKING:
    from .message import Message

__all__ = ["EXTENDED_LINK", "Authentication", "read_authentication", "read_extended_link"]


@dataclass(frozen=True, slots=True)
class _Parts:
    receiver: bool = False
    session: bool = False


EXTENDED_LINK = {
    0x8C: _Parts(),
    0x8D: _Parts(session=True),
    0x8E: _Parts(receiver=True),
    0x8F: _Parts(receiver=True, session=True),
    0x86: _Parts(),
}
_SELECTIVE = 0x86
# The bits of CC that a repeater changes: H and R. They count as 0 in the counter block.
_REPEATED = 0x12

_ENCRYPTED = 1
_SESSION_KINDS = {0: "not encrypted", _ENCRYPTED: "AES-128-CTR"}


def read_extended_link(message: Message, ci: int, key: bytes | None) -> None:
    """Reads one; where the rest stays encrypted, the message is read to its end."""
    parts = EXTENDED_LINK[ci]
    control = message.byte("ell.cc", "communication control")
    access = message.byte("ell.acc", "access number")
    message.identity["access_number"] = str(access)
    if ci == _SELECTIVE and message.byte("ell.ecl", "extended control"):
        message.unread("the extended link layer has optional fields that are not known here")
        return
    if parts.receiver:
        receiver = Address.from_link(message.take(8, "ell.receiver", "address of the receiver"))
        message.identity["receiver"] = f"{receiver.manufacturer} {receiver.identification}"
    if parts.session:
        _read_session(message, control, key)


def _read_session(message: Message, control: int, key: bytes | None) -> None:
    start = message.at
    session = message.take(4, "ell.sn", "session number, time and kind of encryption")
    kind = session[3] >> 5
    message.identity["ell_security"] = _SESSION_KINDS.get(kind, f"kind {kind}, not defined")
    if message.left < 2:
        raise DecodeError(message.at, "the checksum of the payload is missing")
    if _checksum_fits(message.rest):
        message.take(2, "ell.crc", "checksum of the payload")
        return
    if kind != _ENCRYPTED:
        raise DecodeError(message.at, "the checksum of the payload does not match")
    if key is None:
        message.unread("encrypted on the extended link layer; no key is given")
        return
    _open_session(message, session, control, key, start)


def _open_session(message: Message, session: bytes, control: int, key: bytes, start: int) -> None:
    if len(key) != AES_KEY_BYTES:
        raise DecodeError(start, f"the key has {len(key)} bytes, {AES_KEY_BYTES} are needed")
    counter = message.sender.octets + bytes([control & ~_REPEATED & 0xFF]) + session + bytes(3)
    plain = counter_opened(key, counter, message.rest)
    if not _checksum_fits(plain):
        raise DecodeError(
            message.at, "the key does not fit: the checksum of the opened payload does not match"
        )
    message.octets[message.at : message.end] = plain
    message.take(2, "ell.crc", "checksum of the payload")


def _checksum_fits(octets: bytes) -> bool:
    return crc16(octets[2:]) == int.from_bytes(octets[:2], "little")


_MORE_FRAGMENTS, _MESSAGE_CONTROL, _LENGTH, _COUNTER, _CODE, _KEY = 14, 13, 12, 11, 10, 9
_FRAGMENT = 0x00FF
# Bytes of the code by its type (low four bits of the message control field).
_CODE_BYTES = {0: 0, 3: 2, 4: 4, 5: 8, 6: 12, 7: 16, 8: 12}
# Which fields the code covers besides the transport layer (bits of the message control field).
_COVERS_LENGTH, _COVERS_COUNTER, _COVERS_KEY = 0x40, 0x20, 0x10
# AES-GMAC: its code needs more than the key, so it is not checked.
_GMAC = 8


@dataclass(frozen=True, slots=True)
class Authentication:
    """A code and the bytes of this layer that it covers; the transport layer starts at `end`."""

    start: int
    end: int
    code: bytes = b""
    covered: bytes = b""
    checkable: bool = False


def read_authentication(message: Message) -> Authentication | None:
    """Reads the layer; None where it is one of several fragments, which are kept unread."""
    start = message.at
    size = message.byte("afl.length")
    end = message.at + size
    if end > message.end:
        raise DecodeError(start, f"the authentication layer announces {size} bytes")
    control = message.number(2, "afl.fcl", "fragmentation control")
    fields = _read_fields(message, control)
    if message.at != end:
        raise DecodeError(start, f"the authentication layer announces {size} bytes, not its own")
    if control >> _MORE_FRAGMENTS & 1 or control & _FRAGMENT > 1:
        message.unread(f"fragment {control & _FRAGMENT} of a longer message")
        return None
    message.counter = fields["counter"] or message.counter
    if message.counter:
        message.identity["message_counter"] = str(int.from_bytes(message.counter, "little"))
    return _authentication(start, end, fields)


def _read_fields(message: Message, control: int) -> dict[str, bytes]:
    """The optional fields in their order; empty where they are not there."""
    fields = dict.fromkeys(("control", "key", "counter", "code", "length"), b"")
    if control >> _MESSAGE_CONTROL & 1:
        fields["control"] = message.take(1, "afl.mcl", "message control")
    if control >> _KEY & 1:
        fields["key"] = message.take(2, "afl.ki", "key information")
    if control >> _COUNTER & 1:
        fields["counter"] = message.take(4, "afl.mcr", "message counter")
    if control >> _CODE & 1:
        fields["code"] = _read_code(message, fields["control"])
    if control >> _LENGTH & 1:
        fields["length"] = message.take(2, "afl.ml", "message length")
    return fields


def _read_code(message: Message, control: bytes) -> bytes:
    kind = control[0] & 0x0F if control else -1
    size = _CODE_BYTES.get(kind)
    if size is None:
        raise DecodeError(message.at, "the length of the authentication code is not known")
    return message.take(size, "afl.mac", "authentication code")


def _authentication(start: int, end: int, fields: dict[str, bytes]) -> Authentication:
    control = fields["control"]
    covers = control[0] if control else 0
    covered = control
    covered += fields["key"] if covers & _COVERS_KEY else b""
    covered += fields["counter"] if covers & _COVERS_COUNTER else b""
    covered += fields["length"] if covers & _COVERS_LENGTH else b""
    checkable = bool(fields["code"]) and covers & 0x0F != _GMAC
    return Authentication(start, end, fields["code"], covered, checkable)
