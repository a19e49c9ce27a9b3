"""MQTT passwords of modules: made, sealed for the database, opened.

A module with a claim secret knows its password already: AES-128 of one fixed block under the
secret, as 32 hexadecimal digits. The block starts with a small letter, which no nonce of the
protocol does (a device id begins with capitals), so it tells nothing about frames sealed with the
secret.
"""

from __future__ import annotations

import os
import struct

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from config.lib.crypto import CryptoError, decrypt, encrypt

__all__ = ["password_make", "password_of_secret", "password_open", "password_seal"]

_BLOCK = b"readout mqtt v1\x00"
_PURPOSE = "mqtt-login"
_BINDING = struct.Struct(">q")


def password_make() -> str:
    """128 random bits."""
    return os.urandom(16).hex()


def password_of_secret(secret: bytes) -> str:
    """The password that a module works out of its claim secret of 16 bytes."""
    # One block of a constant: a pseudo-random function, not encryption of a message.
    cipher = Cipher(AES(secret), ECB()).encryptor()  # noqa: S305  # nosec B305
    return (cipher.update(_BLOCK) + cipher.finalize()).hex()


def password_seal(password: str, *, module_id: int) -> bytes:
    """What is stored."""
    return encrypt(_BINDING.pack(module_id) + password.encode(), purpose=_PURPOSE)


def password_open(sealed: bytes, *, module_id: int) -> str:
    """The password; CryptoError when it was stored for another module or MASTER_KEY."""
    plain = decrypt(sealed, purpose=_PURPOSE)
    if plain[: _BINDING.size] != _BINDING.pack(module_id):
        raise CryptoError(f"the MQTT password of module {module_id} was stored for another one")
    return plain[_BINDING.size :].decode()
