"""What stands in a document of a network server → values; `Fault` where it can't be used."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from ..json_paths.times import FORMATS, TimeError

__all__ = ["LONGEST_PAYLOAD", "PAYLOADS", "Fault", "eui", "level", "time_of", "whole"]

# A LoRaWAN frame has 255 bytes in all (Regional Parameters: 242 of payload at most).
LONGEST_PAYLOAD = 255
# A clock that was never set says 1970, 1980 (GPS) or the year 1.
_FIRST_YEAR = 2001
_EUI_BYTES = 8
# Powers of ten that a level may have; a zero may be written as 0.000000.
_LOWEST, _HIGHEST = -10, 2
_LONGEST_TEXT = 40
_EUI = re.compile(r"[0-9A-F]{16}")
_SEPARATORS = re.compile(r"[-:. ]")
_DIGITS = re.compile(r"[0-9]{1,10}", re.ASCII)
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})*", re.ASCII)


class Fault(ValueError):
    """A part that can't be used: the reason."""


def level(value: Any) -> Decimal | None:
    """An RSSI or SNR; None where it is odd."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return None
    try:
        found = Decimal(value) if len(str(value)) <= _LONGEST_TEXT else None
    except InvalidOperation:
        return None
    # By its digits: arithmetic on 1e999999999 would fail itself.
    near = found is not None and found.is_finite() and _LOWEST <= found.adjusted() <= _HIGHEST
    return found if near else None


def eui(value: Any) -> str | None:
    """Hexadecimal with or without separators, or base64 (ChirpStack 3 as protobuf writes it)."""
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        raise Fault("no DevEUI of 16 hexadecimal digits")
    plain = _SEPARATORS.sub("", value).upper()
    if _EUI.fullmatch(plain):
        return plain
    try:
        octets = base64.b64decode(value, validate=True)
    except ValueError:  # as binascii.Error is one
        octets = b""
    if len(octets) != _EUI_BYTES:
        raise Fault(f"{value!r} is no DevEUI of 16 hexadecimal digits")
    return octets.hex().upper()


def whole(highest: int) -> Callable[[Any], int]:
    """A reader of whole numbers, which may stand as texts."""

    def read(value: Any) -> int:
        if isinstance(value, str) and _DIGITS.fullmatch(value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= highest:
            raise Fault(f"{str(value)[:_LONGEST_TEXT]!r} is no whole number from 0 to {highest}")
        return value

    return read


def time_of(form: str) -> Callable[[Any], datetime | None]:
    """A reader of times of a form of `json_paths.times`; None from a clock that was never set."""
    convert = FORMATS[form](UTC)

    def read(value: Any) -> datetime | None:
        try:
            at = convert(value).astimezone(UTC)
        except TimeError as error:
            raise Fault(str(error)) from None
        except OverflowError:
            return None
        return at if at.year >= _FIRST_YEAR else None

    return read


def _base64(value: Any) -> bytes:
    if not isinstance(value, str):
        raise Fault("no text")
    try:
        payload = base64.b64decode(value, validate=True)
    except ValueError:  # as binascii.Error is one
        raise Fault("this is no base64") from None
    return _bounded(payload)


def _hex(value: Any) -> bytes:
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        raise Fault("this is no hexadecimal")
    return _bounded(bytes.fromhex(value))


def _bounded(payload: bytes) -> bytes:
    if len(payload) > LONGEST_PAYLOAD:
        raise Fault(f"{len(payload)} bytes, a LoRaWAN frame has {LONGEST_PAYLOAD} at most")
    return payload


PAYLOADS: dict[str, Callable[[Any], bytes]] = {"base64": _base64, "hex": _hex}
