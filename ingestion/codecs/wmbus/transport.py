"""The transport layer (EN 13757-7): which header follows a CI field, what it says, how it opens.

none   -
short  access number, status, configuration word
long   identification, manufacturer, version, type; then as short
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import DecodeError
from ..mbus.media import status_words
from .address import Address
from .security import (
    AES_KEY_BYTES,
    DES_KEY_BYTES,
    FILLERS,
    MODES,
    Configuration,
    cbc_opened,
    derived,
    des_opened,
    matches,
)

if TYPE_CHECKING:
    from .layers import Authentication
    from .message import Message

__all__ = ["LONG", "TRANSPORT", "Opening", "is_defined", "open_payload", "read_header"]

NONE, SHORT, LONG = "none", "short", "long"

# CI field → (header, what follows): EN 13757-7:2018, table of CI field values.
TRANSPORT: dict[int, tuple[str, str]] = {
    0x50: (NONE, "application selection"),
    0x51: (NONE, "records"),
    0x53: (LONG, "application selection"),
    0x54: (NONE, "application selection"),
    0x55: (LONG, "application selection"),
    0x5A: (SHORT, "records"),
    0x5B: (LONG, "records"),
    0x5C: (NONE, "synchronising"),
    0x60: (LONG, "cosem"),
    0x61: (SHORT, "cosem"),
    0x64: (LONG, "obis"),
    0x65: (SHORT, "obis"),
    0x66: (NONE, "application selection"),
    0x67: (SHORT, "application selection"),
    0x68: (LONG, "application selection"),
    0x69: (NONE, "format"),
    0x6A: (SHORT, "format"),
    0x6B: (LONG, "format"),
    0x6C: (LONG, "time"),
    0x6D: (LONG, "time"),
    0x6E: (SHORT, "application error"),
    0x6F: (LONG, "application error"),
    0x70: (NONE, "application error"),
    0x71: (NONE, "alarm"),
    0x72: (LONG, "records"),
    0x73: (LONG, "compact"),
    0x74: (SHORT, "alarm"),
    0x75: (LONG, "alarm"),
    0x78: (NONE, "records"),
    0x79: (NONE, "compact"),
    0x7A: (SHORT, "records"),
    0x7B: (SHORT, "compact"),
    0x7C: (LONG, "cosem"),
    0x7D: (SHORT, "cosem"),
    0x7E: (LONG, "obis"),
    0x7F: (SHORT, "obis"),
    0x80: (LONG, "nothing"),
    0x82: (LONG, "network management"),
    0x83: (NONE, "network management"),
    0x84: (LONG, "nothing"),
    0x85: (LONG, "nothing"),
    0x87: (LONG, "network management"),
    0x88: (SHORT, "network management"),
    0x89: (NONE, "network management"),
    0x8A: (SHORT, "nothing"),
    0x8B: (LONG, "nothing"),
    0x9E: (SHORT, "specific usage"),
    0x9F: (LONG, "specific usage"),
    0xC0: (LONG, "image transfer"),
    0xC1: (SHORT, "image transfer"),
    0xC2: (LONG, "image transfer"),
    0xC3: (LONG, "security information"),
    0xC4: (SHORT, "security information"),
    0xC5: (LONG, "security information"),
}

# Bits of the octet that extends the configuration word in mode 7.
_KEY_VERSION, _DERIVATION_SHIFT, _DERIVATION, _KEY_NUMBER = 0x40, 4, 0x03, 0x0F
_PERSISTENT, _DERIVED = 0, 1
# What a derived key is for: the first octet of what it is derived from.
_ENCRYPTING, _AUTHENTICATING, _TO_METER = 0x00, 0x01, 0x10
_ZERO_VECTOR = bytes(16)
_DES_MODE, _ZERO_VECTOR_MODE, _DYNAMIC_VECTOR_MODE, _DERIVED_KEY_MODE = 2, 4, 5, 7
_OPENED = frozenset({_DES_MODE, _ZERO_VECTOR_MODE, _DYNAMIC_VECTOR_MODE, _DERIVED_KEY_MODE})
_UNCOUNTED = 8
_BLOCK = 16


class Opening:
    """What a header says of how the payload is encrypted."""

    def __init__(
        self, message: Message, configuration: Configuration, access: int, extension: int
    ) -> None:
        self.message = message
        self.configuration = configuration
        self.access = access
        self.derivation = extension >> _DERIVATION_SHIFT & _DERIVATION
        # Some meters count blocks that they do not send.
        size = min(configuration.encrypted, message.left - message.left % configuration.block)
        self.ciphertext = message.rest[:size]

    def opened(self, key: bytes) -> bytes:
        mode = self.configuration.mode
        if mode == _DES_MODE:
            return des_opened(key, self.ciphertext)
        if mode == _DYNAMIC_VECTOR_MODE:
            return cbc_opened(key, self.vector, self.ciphertext)
        if mode == _DERIVED_KEY_MODE and self.derivation == _DERIVED:
            key = self.derived(key, _ENCRYPTING)
        return cbc_opened(key, _ZERO_VECTOR, self.ciphertext)

    @property
    def vector(self) -> bytes:
        """The initial vector of mode 5."""
        return self.message.meter.octets + bytes([self.access]) * 8

    def derived(self, key: bytes, purpose: int) -> bytes:
        purpose |= _TO_METER if self.message.downlink else 0
        counter = self.message.counter or b""
        return derived(key, purpose, counter, self.message.meter.number)

    @property
    def obstacle(self) -> str:
        """Why no key could open it; empty where one could."""
        configuration = self.configuration
        if configuration.mode not in _OPENED:
            return f"security mode {configuration.mode} ({configuration.name}) is not opened here"
        if configuration.mode == _DERIVED_KEY_MODE:
            if self.derivation not in {_PERSISTENT, _DERIVED}:
                return f"key derivation {self.derivation} is not defined"
            if self.derivation == _DERIVED and self.message.counter is None:
                return "keys are derived from a message counter, which is missing"
        return ""


def read_header(message: Message, header: str) -> Opening | None:
    """Reads the header; None where there is none, and so nothing is encrypted."""
    if header == NONE:
        return None
    if header == LONG:
        octets = message.take(8, "tpl.address", "identification, manufacturer, version, type")
        message.meter = Address.from_transport(octets)
    access = message.byte("tpl.acc", "access number")
    status = message.byte("tpl.status", "status")
    word = Configuration(int.from_bytes(message.octets[message.at : message.at + 2], "little"))
    message.take(2, "tpl.configuration", str(word))
    extension = message.byte("tpl.extension", "key selection") if word.extension else 0
    if extension & _KEY_VERSION and word.mode == _DERIVED_KEY_MODE:
        message.byte("tpl.key_version", "key version")
    message.identity["access_number"] = str(access)
    message.identity["status"] = f"{status:02X}"
    message.identity["status_words"] = status_words(status)
    message.identity["security_mode"] = str(word.mode)
    return Opening(message, word, access, extension)


def open_payload(
    opening: Opening, key: bytes | None, authentication: Authentication | None
) -> bool:
    """Puts plaintext in place. False where the rest stays unread: the message says why.

    Telegrams are often published opened: two fillers where ciphertext is announced say so.
    """
    message, configuration = opening.message, opening.configuration
    if not _is_closed(configuration):
        _open_uncounted(opening, key)
        return True
    if message.rest[:2] == FILLERS:
        return True
    if configuration.encrypted and not opening.ciphertext:
        reason = f"{configuration.encrypted} bytes are encrypted, {message.left} are there"
        raise DecodeError(message.at, reason)
    if opening.obstacle or key is None:
        message.unread(opening.obstacle or f"encrypted ({configuration}); no key is given")
        return False
    _check_key(configuration, key, message.at)
    _check_code(opening, key, authentication)
    plain = opening.opened(key)
    if plain[:2] != FILLERS:
        raise DecodeError(message.at, "the key does not fit: the opened bytes do not begin 2F 2F")
    message.octets[message.at : message.at + len(plain)] = plain
    return True


def _open_uncounted(opening: Opening, key: bytes | None) -> None:
    """Mode 5 with no blocks counted means plain; a few meters mean everything by it."""
    message = opening.message
    if opening.configuration.mode != _DYNAMIC_VECTOR_MODE or key is None:
        return
    whole = message.rest[: message.left // _BLOCK * _BLOCK]
    if len(key) == AES_KEY_BYTES and whole and whole[:2] != FILLERS:
        plain = cbc_opened(key, opening.vector, whole)
        if plain[:2] == FILLERS:
            message.octets[message.at : message.at + len(plain)] = plain


def is_defined(opening: Opening) -> bool:
    """Whether the standard defines the security mode; what others mean only their makers know."""
    return opening.configuration.mode in MODES


def _is_closed(configuration: Configuration) -> bool:
    """Modes from 8 on do not count what is encrypted: everything is."""
    return configuration.encrypted > 0 or configuration.mode >= _UNCOUNTED


def _check_key(configuration: Configuration, key: bytes, at: int) -> None:
    needed = DES_KEY_BYTES if configuration.mode == _DES_MODE else AES_KEY_BYTES
    if len(key) != needed:
        raise DecodeError(at, f"the key has {len(key)} bytes, mode {configuration.mode} {needed}")


def _check_code(opening: Opening, key: bytes, authentication: Authentication | None) -> None:
    """The code covers its own layer and everything from the CI field of the transport layer on."""
    message = opening.message
    if opening.configuration.mode != _DERIVED_KEY_MODE or message.counter is None:
        return
    if not authentication or not authentication.checkable:
        return
    covered = authentication.covered + bytes(message.octets[authentication.end : message.end])
    if not matches(opening.derived(key, _AUTHENTICATING), covered, authentication.code):
        raise DecodeError(
            authentication.start, "the key does not fit: the authentication code does not match"
        )
    message.identity["authenticated"] = "yes"
