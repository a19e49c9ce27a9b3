"""Opening what a transport layer encrypted, and checking who wrote it (EN 13757-7, OMS volume 2).

mode  cipher                                               opened here
0     none                                                 -
2, 3  DES-CBC, initial vector zero; with date              mode 2, with a key of 8 bytes
4     AES-128-CBC, initial vector zero                     yes
5     AES-128-CBC, vector of address and access number     yes
7     AES-128-CBC with a key of each message, vector zero  yes; its CMAC is checked as well
8-10  AES-128-CTR, -GCM, -CCM with TLS-like headers        no: told by name
13    TLS 1.2                                              no: told by name

The configuration word of modes 4, 5 and 7 (OMS volume 2, "Configuration field"), highest bit first:
B bidirectional, A accessible, S synchronous, MMMMM mode, NNNN blocks of 16 bytes, CC content,
RR repeated, H hop. In mode 2 the low byte counts encrypted bytes. Mode 7 adds an octet: DD key
derivation (bits 4 and 5), KKKK key.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

__all__ = [
    "AES_KEY_BYTES",
    "DES_KEY_BYTES",
    "FILLERS",
    "MODES",
    "Configuration",
    "cbc_opened",
    "cmac",
    "counter_opened",
    "derived",
    "des_opened",
    "matches",
]

AES_KEY_BYTES = 16
DES_KEY_BYTES = 8
_BLOCK = 16
# Two idle fillers begin what was encrypted: the check that a key fits.
FILLERS = b"\x2f\x2f"

MODES = {
    0: "none",
    2: "DES-CBC",
    3: "DES-CBC with the date",
    4: "AES-CBC, initial vector zero",
    5: "AES-CBC, initial vector of address and access number",
    7: "AES-CBC with derived keys",
    8: "AES-CTR with CMAC",
    9: "AES-GCM",
    10: "AES-CCM",
    13: "TLS",
}
# Modes whose configuration word is followed by one octet more.
_EXTENDED = frozenset({7, 13})
_BLOCK_MODES = frozenset({4, 5, 7})
_BYTE_MODES = frozenset({2, 3})


@dataclass(frozen=True, slots=True)
class Configuration:
    """The configuration word behind access number and status."""

    word: int

    @property
    def mode(self) -> int:
        return self.word >> 8 & 0x1F

    @property
    def name(self) -> str:
        return MODES.get(self.mode, "not defined")

    @property
    def encrypted(self) -> int:
        """Bytes that are encrypted, in the modes that count them."""
        if self.mode in _BLOCK_MODES:
            return (self.word >> 4 & 0x0F) * _BLOCK
        return self.word & 0xF8 if self.mode in _BYTE_MODES else 0

    @property
    def block(self) -> int:
        """Bytes that the cipher takes at once."""
        return DES_KEY_BYTES if self.mode in _BYTE_MODES else _BLOCK

    @property
    def extension(self) -> int:
        """How many bytes of configuration follow the word."""
        return int(self.mode in _EXTENDED)

    def __str__(self) -> str:
        return f"mode {self.mode}: {self.name}; {self.encrypted} encrypted bytes"


def cbc_opened(key: bytes, vector: bytes, octets: bytes) -> bytes:
    """AES-128-CBC without padding: whole blocks only."""
    decryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).decryptor()
    return decryptor.update(octets) + decryptor.finalize()


def des_opened(key: bytes, octets: bytes) -> bytes:
    """DES-CBC, initial vector zero: long broken; meters of the nineties still send it."""
    decryptor = Cipher(TripleDES(key * 3), modes.CBC(bytes(DES_KEY_BYTES))).decryptor()
    return decryptor.update(octets) + decryptor.finalize()


def counter_opened(key: bytes, counter: bytes, octets: bytes) -> bytes:
    """AES-128-CTR: what an extended link layer with a session number uses."""
    decryptor = Cipher(algorithms.AES(key), modes.CTR(counter)).decryptor()
    return decryptor.update(octets) + decryptor.finalize()


def cmac(key: bytes, octets: bytes) -> bytes:
    made = CMAC(algorithms.AES(key))
    made.update(octets)
    return made.finalize()


def derived(key: bytes, purpose: int, counter: bytes, identification: bytes) -> bytes:
    """A key of one message (key derivation function A of OMS volume 2, annex on security).

    `purpose`: 0 encryption, 1 authentication, by the meter; 16 and 17 the same by its partner.
    `counter` and `identification` (4 bytes each) stand as they are sent.
    """
    return cmac(key, bytes([purpose]) + counter + identification + b"\x07" * 7)


def matches(key: bytes, octets: bytes, code: bytes) -> bool:
    """Whether a code, cut to any length, is the CMAC of these bytes; in constant time."""
    return hmac.compare_digest(cmac(key, octets)[: len(code)], code)
