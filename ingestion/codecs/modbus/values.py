"""How the bytes of registers become values: types, and the order of words and bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from ..floats import float_decimal
from ..telegram import Value

__all__ = ["ORDERS", "TYPES", "RegisterType", "UnusableValue", "reorder", "unix_time"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class UnusableValue(ValueError):
    """Bytes that the type cannot have; the message is the reason."""


@dataclass(frozen=True, slots=True)
class RegisterType:
    """`size` in registers (0: stated by the map); `read` takes its bytes, highest first."""

    size: int
    read: Callable[[bytes], Value]
    is_number: bool = True


def _unsigned(octets: bytes) -> int:
    return int.from_bytes(octets, "big")


def _signed(octets: bytes) -> int:
    return int.from_bytes(octets, "big", signed=True)


def _float(octets: bytes) -> Decimal | None:
    return float_decimal(octets)


def _bcd(octets: bytes) -> int:
    digits = octets.hex()
    if not digits.isdecimal():
        raise UnusableValue(f"{digits} is not a number in BCD")
    return int(digits)


def _ascii(octets: bytes) -> str:
    """Text up to its first zero byte, without blanks around it."""
    text = octets.partition(b"\0")[0]
    if any(octet < 0x20 or octet > 0x7E for octet in text):
        raise UnusableValue(f"{text.hex(' ')} is not a text")
    return text.decode("ascii").strip()


TYPES: dict[str, RegisterType] = {
    "u16": RegisterType(1, _unsigned),
    "s16": RegisterType(1, _signed),
    "u32": RegisterType(2, _unsigned),
    "s32": RegisterType(2, _signed),
    "u48": RegisterType(3, _unsigned),
    "u64": RegisterType(4, _unsigned),
    "s64": RegisterType(4, _signed),
    "f32": RegisterType(2, _float),
    "f64": RegisterType(4, _float),
    "bcd": RegisterType(0, _bcd),
    "ascii": RegisterType(0, _ascii, is_number=False),
    "bits": RegisterType(0, _unsigned),
}
ORDERS = {"big": False, "little": True}


def reorder(words_turned: bool, bytes_turned: bool, size: int) -> Callable[[bytes], bytes] | None:
    """What puts the bytes of `size` registers highest first; None where they stand so already."""
    places = [2 * word + half for word in range(size) for half in (0, 1)]
    if bytes_turned:
        places = [place ^ 1 for place in places]
    if words_turned:
        places = [places[2 * word + half] for word in reversed(range(size)) for half in (0, 1)]
    if places == list(range(2 * size)):
        return None
    return lambda octets: bytes(octets[place] for place in places)


def unix_time(seconds: object) -> datetime:
    """The instant of seconds since 1970."""
    if not isinstance(seconds, int) or not 0 <= seconds <= 0xFFFFFFFF:
        raise UnusableValue(f"{seconds} is no count of seconds since 1970")
    return _EPOCH + timedelta(seconds=seconds)
