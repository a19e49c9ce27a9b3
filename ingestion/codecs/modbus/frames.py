"""Modbus responses (Application Protocol 1.1b3; Serial Line 1.02; Messaging on TCP/IP 1.0b).

On a serial line: unit, function, count, data, CRC-16 (low byte first). Over TCP: transaction,
protocol 0, length, unit, function, count, data. A response carries no addresses: what was read is
known to who asked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ..errors import DecodeError
from ..telegram import Item

__all__ = ["FRAMES", "Response", "crc16", "read_image", "read_rtu", "read_tcp"]

# The longest frame on a serial line, and over TCP.
_LONGEST_RTU, _LONGEST_TCP = 256, 260
_LONGEST_IMAGE = 131_072
_ERROR_BIT = 0x80
_READING = {1: "coils", 2: "discrete inputs", 3: "holding registers", 4: "input registers"}
_EXCEPTIONS = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "server device failure",
    5: "acknowledge: the answer takes longer",
    6: "server device busy",
    7: "negative acknowledge",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target device failed to respond",
}
_POLYNOMIAL = 0xA001


class Response(NamedTuple):
    """The data of a response: `at` is its offset in the frame. `function` 0: not stated."""

    function: int
    data: bytes
    at: int
    unit: str = ""
    layers: tuple[Item, ...] = ()


def _crc_table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return tuple(table)


_CRC_TABLE = _crc_table()


def crc16(octets: bytes) -> int:
    """CRC-16/MODBUS (serial line specification, 6.2.2)."""
    crc = 0xFFFF
    for octet in octets:
        crc = crc >> 8 ^ _CRC_TABLE[(crc ^ octet) & 0xFF]
    return crc


def read_rtu(octets: bytes) -> Response:
    """A response of a serial line; DecodeError when it is none, damaged, or an exception."""
    size = len(octets)
    if not 5 <= size <= _LONGEST_RTU:
        raise DecodeError(size, f"{size} bytes; a response of a serial line has 5 to 256")
    sent, computed = int.from_bytes(octets[-2:], "little"), crc16(octets[:-2])
    if sent != computed:
        raise DecodeError(size - 2, f"the CRC is {sent:04X}, not {computed:04X}: damaged")
    check = Item(name="crc", value=sent, start=size - 2, end=size, raw=octets[-2:].hex(" "))
    return _body(octets, 0, size - 2, (check,))


def read_tcp(octets: bytes) -> Response:
    """A response over TCP; DecodeError when it is none or an exception."""
    size = len(octets)
    if not 9 <= size <= _LONGEST_TCP:
        raise DecodeError(size, f"{size} bytes; a response over TCP has 9 to 260")
    if octets[2:4] != b"\0\0":
        raise DecodeError(2, "the protocol is not 0: no Modbus")
    length = int.from_bytes(octets[4:6], "big")
    if length != size - 6:
        raise DecodeError(4, f"the length is {length}, but {size - 6} bytes follow it")
    number = int.from_bytes(octets[:2], "big")
    header = Item(name="transaction", value=number, start=0, end=2, raw=octets[:2].hex(" "))
    counted = Item(name="length", value=length, start=4, end=6, raw=octets[4:6].hex(" "))
    return _body(octets, 6, size, (header, counted))


def read_image(octets: bytes) -> Response:
    """Bare registers, one behind the other."""
    if not 2 <= len(octets) <= _LONGEST_IMAGE or len(octets) % 2:
        raise DecodeError(len(octets), f"{len(octets)} bytes are not an image of whole registers")
    return Response(0, octets, 0)


def _read_auto(octets: bytes) -> Response:
    """Over TCP when the header says so, else of a serial line."""
    header = octets[2:6]
    if header[:2] == b"\0\0" and int.from_bytes(header[2:], "big") == len(octets) - 6:
        return read_tcp(octets)
    return read_rtu(octets)


FRAMES: dict[str, Callable[[bytes], Response]] = {
    "auto": _read_auto,
    "rtu": read_rtu,
    "tcp": read_tcp,
    "image": read_image,
}


def _body(octets: bytes, at: int, end: int, layers: tuple[Item, ...]) -> Response:
    unit, function = octets[at], octets[at + 1]
    if function & _ERROR_BIT:
        code = octets[at + 2]
        name = _EXCEPTIONS.get(code, "unknown")
        raise DecodeError(at + 2, f"the device answers with exception {code}: {name}")
    if function not in _READING:
        raise DecodeError(at + 1, f"function {function} does not read; 1 to 4 do")
    count, data = octets[at + 2], octets[at + 3 : end]
    if count != len(data) or not count:
        raise DecodeError(at + 2, f"{count} bytes of data are stated, {len(data)} are there")
    if function > 2 and count % 2:
        raise DecodeError(at + 2, f"{count} bytes are not whole registers")
    heads = (
        Item(name="unit", value=unit, start=at, end=at + 1, raw=f"{unit:02x}"),
        Item(name="function", value=function, start=at + 1, end=at + 2, raw=f"{function:02x}"),
        Item(name="count", value=count, start=at + 2, end=at + 3, raw=f"{count:02x}"),
    )
    return Response(function, data, at + 3, str(unit), (*heads, *layers))
