"""Keys of modules at rest: encrypted with MASTER_KEY, bound to their module and selector.

The binding is part of what is encrypted, so a row that is copied to another module in the database
opens nothing there.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from config.lib.crypto import CryptoError, decrypt, encrypt

if TYPE_CHECKING:
    from ingestion.codecs.universal_frame import Key

__all__ = ["KEY_BYTES", "SEALED_BYTES", "check_value", "key_make", "key_open", "key_seal"]

KEY_BYTES = 16
_PURPOSE = "module-key"
_BINDING = struct.Struct(">qB")
# Version, nonce, tag of `config.lib.crypto`, and what is inside.
SEALED_BYTES = 1 + 12 + 16 + _BINDING.size + KEY_BYTES


def key_make() -> bytes:
    """A new AES-128 key."""
    return os.urandom(KEY_BYTES)


def key_seal(key: bytes, *, module_id: int, selector: Key | int) -> bytes:
    """What is stored of a key: `SEALED_BYTES` bytes."""
    if len(key) != KEY_BYTES:
        raise ValueError(f"a key has {KEY_BYTES} bytes, not {len(key)}")
    return encrypt(_BINDING.pack(module_id, selector) + key, purpose=_PURPOSE)


def key_open(sealed: bytes, *, module_id: int, selector: Key | int) -> bytes:
    """The key; CryptoError when it was stored for another module, selector or MASTER_KEY."""
    plain = decrypt(sealed, purpose=_PURPOSE)
    if plain[: _BINDING.size] != _BINDING.pack(module_id, selector):
        raise CryptoError(f"the key of module {module_id} was stored for another one")
    return plain[_BINDING.size :]


def check_value(key: bytes) -> str:
    """Six hexadecimal digits by which people compare keys without seeing them.

    The customary key check value: the first three bytes of a block of zeros enciphered.
    """
    # One block of zeros and nothing else is enciphered, so the mode has nothing to hide.
    encryptor = Cipher(AES(key), ECB()).encryptor()  # noqa: S305  # nosec B305
    return encryptor.update(bytes(16))[:3].hex().upper()
