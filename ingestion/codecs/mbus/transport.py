"""The header between CI field and records, EN 13757-7:2018, clause 7:

    long    identification (4, BCD) manufacturer (2) version (1) device type (1) and the short one
    short   access number (1) status (1) configuration or signature (2)

Lowest byte first; in mode 2 of the 1997 edition highest byte first.
"""

from __future__ import annotations

from typing import NamedTuple

from ..errors import DecodeError
from ..telegram import Item
from .media import manufacturer_code, medium_name, status_words

__all__ = ["LONG", "SHORT", "Transport", "read_long", "read_short"]

LONG, SHORT = 12, 4


class Transport(NamedTuple):
    """Who speaks, as text by the names of `Telegram.identity`, and the bytes that say it."""

    identity: dict[str, str]
    layers: tuple[Item, ...]
    end: int


def read_long(octets: bytes, start: int, end: int, *, big_endian: bool = False) -> Transport:
    """The long header at `start`; raises DecodeError if the bytes end at `end` before it does."""
    _present(start, end, LONG)
    number = _ordered(octets[start : start + 4], big_endian=big_endian)
    maker = _ordered(octets[start + 4 : start + 6], big_endian=big_endian)
    version, medium = octets[start + 6], octets[start + 7]
    identity = {
        "manufacturer": manufacturer_code(int.from_bytes(maker, "big")),
        "id": number.hex().upper(),
        "version": str(version),
        "medium": medium_name(medium),
        "medium_code": f"{medium:02X}",
    }
    layers = (
        _layer("id", identity["id"], start, number),
        _layer("manufacturer", identity["manufacturer"], start + 4, maker),
        _layer("version", version, start + 6, octets[start + 6 : start + 7]),
        _layer("medium", identity["medium"], start + 7, octets[start + 7 : start + 8]),
    )
    rest = read_short(octets, start + 8, end, big_endian=big_endian)
    return Transport(identity | rest.identity, layers + rest.layers, rest.end)


def read_short(octets: bytes, start: int, end: int, *, big_endian: bool = False) -> Transport:
    """The short header at `start`; raises DecodeError if the bytes end at `end` before it does."""
    _present(start, end, SHORT)
    access, status = octets[start], octets[start + 1]
    signature = _ordered(octets[start + 2 : start + 4], big_endian=big_endian)
    identity = {
        "access_number": str(access),
        "status": f"{status:02X}",
        "status_words": status_words(status),
        "signature": signature.hex().upper(),
    }
    layers = (
        _layer("access_number", access, start, octets[start : start + 1]),
        _layer(
            "status", status, start + 1, octets[start + 1 : start + 2], identity["status_words"]
        ),
        _layer("signature", identity["signature"], start + 2, signature),
    )
    return Transport(identity, layers, start + SHORT)


def _present(start: int, end: int, size: int) -> None:
    if end - start < size:
        raise DecodeError(start, f"the header has {size} bytes, {max(0, end - start)} are left")


def _ordered(raw: bytes, *, big_endian: bool) -> bytes:
    return raw if big_endian else raw[::-1]


def _layer(name: str, value: str | int, start: int, raw: bytes, formula: str = "") -> Item:
    return Item(
        name=name, value=value, start=start, end=start + len(raw), raw=raw.hex(), formula=formula
    )
