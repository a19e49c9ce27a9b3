"""Encryption of what must not lie open in the database, and keyed fingerprints.

The master key stands outside the database (MASTER_KEY: 32 bytes in base64). Every purpose has a
key of its own (HKDF-SHA256, RFC 5869), so a value encrypted for one can't be passed off as
another's. Values are AES-256-GCM with a random 96-bit nonce (NIST SP 800-38D).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

__all__ = ["CryptoError", "decrypt", "derived_key", "encrypt", "keyed_hash"]

_VERSION = b"\x01"
_NONCE_BYTES = 12


class CryptoError(Exception):
    """The master key is unusable, or a value was not encrypted with it for this purpose."""


def derived_key(purpose: str) -> bytes:
    """The 32-byte key of a purpose such as "totp"."""
    return _derive(settings.MASTER_KEY, purpose)


def encrypt(plain: bytes, *, purpose: str) -> bytes:
    """One version byte, the nonce, the ciphertext with its tag."""
    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(derived_key(purpose)).encrypt(nonce, plain, purpose.encode())
    return _VERSION + nonce + sealed


def decrypt(sealed: bytes, *, purpose: str) -> bytes:
    """What `encrypt` was given; CryptoError when anything about it was changed."""
    if sealed[:1] != _VERSION:
        raise CryptoError(f"unknown version of an encrypted value ({purpose})")
    nonce, rest = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    try:
        return AESGCM(derived_key(purpose)).decrypt(nonce, rest, purpose.encode())
    except (InvalidTag, ValueError) as error:
        raise CryptoError(
            f"a value can't be decrypted ({purpose}): it was changed, or MASTER_KEY is another one"
        ) from error


def keyed_hash(data: bytes, *, purpose: str) -> bytes:
    """HMAC-SHA256 under the key of the purpose: 32 bytes nobody can forge without it."""
    return hmac.new(derived_key(purpose), data, hashlib.sha256).digest()


@lru_cache(maxsize=32)
def _derive(master_key: str, purpose: str) -> bytes:
    try:
        master = base64.b64decode(master_key, validate=True)
    except (binascii.Error, ValueError) as error:
        raise CryptoError("MASTER_KEY is not base64") from error
    if len(master) != 32:
        raise CryptoError("MASTER_KEY must be 32 bytes in base64: `openssl rand -base64 32`")
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(master)
