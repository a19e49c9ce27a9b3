"""The one-time claim secret as it is printed on a module.

16 random bytes and 12 check bits over device id and secret, as 28 symbols of Crockford's base 32
in seven groups of four: `7XKD-0M3V-…`. The check finds a typing error, and a label that belongs
to another module, before anything is sent. The secret itself is the AES key of the claim.
"""

from __future__ import annotations

from zlib import crc32

from .errors import DecodeError

__all__ = ["SECRET_BYTES", "read_secret", "secret_text"]

SECRET_BYTES = 16
_SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH = 28
_CHECK_BITS = 12
# Letters that people read as a digit; U is left out of the alphabet.
_ALIKE = str.maketrans("OIL", "011")


def secret_text(device: bytes, secret: bytes) -> str:
    """What is printed for this device id and this secret of 16 bytes."""
    if len(secret) != SECRET_BYTES:
        raise ValueError(f"a claim secret has {SECRET_BYTES} bytes, not {len(secret)}")
    number = int.from_bytes(secret, "big") << _CHECK_BITS | _check(device, secret)
    symbols = [_SYMBOLS[number >> 5 * place & 31] for place in reversed(range(_LENGTH))]
    return "-".join("".join(symbols[at : at + 4]) for at in range(0, _LENGTH, 4))


def read_secret(device: bytes, text: str) -> bytes:
    """The secret of a typed text. DecodeError's offset counts symbols, without hyphens."""
    symbols = "".join(text.replace("-", "").split()).upper().translate(_ALIKE)
    number = 0
    for place, symbol in enumerate(symbols):
        value = _SYMBOLS.find(symbol)
        if value < 0:
            raise DecodeError(place, f"{symbol!r} is not a symbol of a claim secret")
        number = number << 5 | value
    if len(symbols) != _LENGTH:
        raise DecodeError(len(symbols), f"{len(symbols)} symbols, a claim secret has {_LENGTH}")
    secret = (number >> _CHECK_BITS).to_bytes(SECRET_BYTES, "big")
    if number & ((1 << _CHECK_BITS) - 1) != _check(device, secret):
        raise DecodeError(_LENGTH - 3, "mistyped, or the secret of another device")
    return secret


def _check(device: bytes, secret: bytes) -> int:
    return crc32(device + secret) & ((1 << _CHECK_BITS) - 1)
