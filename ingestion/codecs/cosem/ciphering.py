"""Ciphered APDUs of DLMS, security suites 0, 1 and 2.

Source: Green Book, "Security of xDLMS APDUs": AES-GCM with a 12-byte tag, initialisation vector =
system title (8) and invocation counter (4), additional authenticated data = security control and
authentication key (general-ciphering: and its header). Security control: bits 0..3 suite, 4
authenticated, 5 encrypted, 6 broadcast key, 7 compressed. Wrapped keys: RFC 3394.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hmac import compare_digest

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

from ..errors import DecodeError
from .data import DataReader
from .octets import Octets

__all__ = ["CIPHERED_TAGS", "Envelope", "Keys", "opened", "read_envelope"]

_TAG_SIZE = 12
_FULL_TAG = 16
_TITLE_SIZE = 8
_KEY_SIZES = {0: 16, 1: 16, 2: 32}

GENERAL_GLO = 0xDB
GENERAL_DED = 0xDC
GENERAL = 0xDD
# glo- and ded- of each service: they carry no system title.
_SERVICES = frozenset({*range(0xC8, 0xD8), 0x21, 0x25, 0x26, 0x28, 0x2C, 0x2D, 0x2E, 0x36, 0x38})
CIPHERED_TAGS = frozenset({GENERAL_GLO, GENERAL_DED, GENERAL}) | _SERVICES


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys of one device: 16 bytes each, 32 in suite 2.

    `broadcast` replaces `encryption` where the security control says so; `master` opens wrapped
    keys; `system_title` serves the APDUs that do not carry one.
    """

    encryption: bytes = field(repr=False)
    authentication: bytes = field(default=b"", repr=False)
    broadcast: bytes = field(default=b"", repr=False)
    master: bytes = field(default=b"", repr=False)
    system_title: bytes = b""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A ciphered APDU before it is opened. Numbers are places in the octets that it stood in.

    `content` is behind the invocation counter, up to the tag or the end. `header` is what
    general-ciphering adds to the authenticated data.
    """

    title: bytes
    control: int
    counter: int
    start: int
    content: Octets
    tag: bytes
    end: int
    header: bytes = b""
    wrapped_key: bytes = b""

    @property
    def suite(self) -> int:
        return self.control & 0x0F

    @property
    def is_authenticated(self) -> bool:
        return bool(self.control & 0x10)

    @property
    def is_encrypted(self) -> bool:
        return bool(self.control & 0x20)

    @property
    def is_broadcast(self) -> bool:
        return bool(self.control & 0x40)

    @property
    def is_compressed(self) -> bool:
        return bool(self.control & 0x80)


def read_envelope(octets: Octets) -> Envelope:
    """The header of a ciphered APDU; its first byte must be one of CIPHERED_TAGS."""
    reader = DataReader(octets.data, 1)
    title, header, wrapped = b"", b"", b""
    if octets.data[0] == GENERAL:
        title, header, wrapped = _general_header(reader)
    elif octets.data[0] in (GENERAL_GLO, GENERAL_DED):
        title = reader.octet_string("the system title")
    size = reader.count("the ciphered content")
    start, end = reader.offset, reader.offset + size
    if size > reader.left:
        raise DecodeError(start, f"ciphered content of {size} bytes, {reader.left} are left")
    control = reader.unsigned(1, "the security control byte")
    counter = reader.unsigned(4, "the invocation counter")
    tag_size = _TAG_SIZE if control & 0x10 else 0
    if reader.offset + tag_size > end:
        raise DecodeError(start, "the ciphered content is shorter than its tag")
    content = octets.cut(reader.offset, end - tag_size)
    tag = octets.data[end - tag_size : end]
    return Envelope(title, control, counter, start, content, tag, end, header, wrapped)


def _general_header(reader: DataReader) -> tuple[bytes, bytes, bytes]:
    """System title, authenticated header and wrapped key of general-ciphering."""
    start = reader.offset
    reader.octet_string("the transaction id")
    title = reader.octet_string("the originator's system title")
    for what in ("the recipient's system title", "the date-time", "the other information"):
        reader.octet_string(what)
    header = reader.data[start : reader.offset]
    place = reader.offset
    if not reader.within(1, 0, 1, "the presence of key information"):
        return title, header, b""
    choice = reader.within(1, 0, 2, "the kind of key information")
    if choice == 2:
        raise DecodeError(place, "keys by agreement are not supported")
    reader.unsigned(1, "the id of the key")
    wrapped = reader.octet_string("the wrapped key") if choice == 1 else b""
    return title, header, wrapped


def opened(envelope: Envelope, keys: Keys) -> Octets:
    """The plaintext, at the same places; DecodeError where the keys do not fit."""
    _refuse_unsupported(envelope)
    key, title = _key(envelope, keys), envelope.title or keys.system_title
    if len(title) != _TITLE_SIZE:
        raise DecodeError(0, f"the system title has {len(title)} bytes, not {_TITLE_SIZE}")
    vector = title + envelope.counter.to_bytes(4, "big")
    content = envelope.content.data
    plain = _counter_mode(key, vector, content) if envelope.is_encrypted else content
    if envelope.is_authenticated:
        extra = bytes([envelope.control]) + keys.authentication + envelope.header
        _check_tag(envelope, key, vector, extra, plain)
    return envelope.content.opened(plain)


def _refuse_unsupported(envelope: Envelope) -> None:
    if envelope.suite not in _KEY_SIZES:
        raise DecodeError(envelope.start, f"security suite {envelope.suite} is not known")
    if envelope.is_compressed:
        raise DecodeError(envelope.start, "compressed content is not supported")


def _key(envelope: Envelope, keys: Keys) -> bytes:
    key = keys.broadcast if envelope.is_broadcast and keys.broadcast else keys.encryption
    if envelope.wrapped_key:
        key = _unwrapped(envelope, keys)
    size = _KEY_SIZES[envelope.suite]
    if len(key) != size:
        reason = f"suite {envelope.suite} needs a key of {size} bytes, not {len(key)}"
        raise DecodeError(envelope.start, reason)
    return key


def _unwrapped(envelope: Envelope, keys: Keys) -> bytes:
    try:
        return aes_key_unwrap(keys.master, envelope.wrapped_key)
    except (InvalidUnwrap, ValueError):
        reason = "the key in the message is wrapped in another master key"
        raise DecodeError(envelope.start, reason) from None


def _check_tag(envelope: Envelope, key: bytes, vector: bytes, extra: bytes, plain: bytes) -> None:
    """The tag is made again and compared: the one-shot cipher takes tags of 16 bytes only."""
    if envelope.is_encrypted:
        whole = AESGCM(key).encrypt(vector, plain, extra)
    else:
        whole = AESGCM(key).encrypt(vector, b"", extra + plain)
    expected = whole[-_FULL_TAG:][:_TAG_SIZE]
    if not compare_digest(expected, envelope.tag):
        raise DecodeError(envelope.end - _TAG_SIZE, "the tag does not fit: wrong key or damaged")


def _counter_mode(key: bytes, vector: bytes, content: bytes) -> bytes:
    """GCM's own encryption: counter mode from block 2, block 1 being kept for the tag."""
    decryptor = Cipher(AES(key), CTR(vector + b"\x00\x00\x00\x02")).decryptor()
    return decryptor.update(content) + decryptor.finalize()
