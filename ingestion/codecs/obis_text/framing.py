"""Where a readout begins and ends in what was received, and whether its checksum fits.

Source: IEC 62056-21 (identification, data message with STX, ETX and block check character, mode D)
and DSMR P1 companion standard (CRC-16/ARC over everything from "/" to "!", four hex digits).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import DecodeError

__all__ = ["Frame", "crc_arc", "framed", "without_parity"]

MAX_SIZE = 65_536
_STX, _ETX = b"\x02", b"\x03"
_CRC = re.compile(rb"[0-9A-Fa-f]{4}(?![0-9A-Fa-f])")
_IDENTIFICATION = re.compile(
    rb"/(?P<maker>[A-Za-z]{3})(?P<baud>.)(?:\\\w)*(?P<text>[^\r\n]{0,80})\r?\n"
)
_DATA_SET = re.compile(rb"[0-9A-Z][0-9A-Z:.*&-]{0,31}\([^()\r\n]{0,256}\)")
_END = re.compile(rb"(?:^|(?<=[\r\n)]))[ \t]*!")


def _table() -> tuple[int, ...]:
    rows = []
    for row in range(256):
        for _ in range(8):
            row = row >> 1 ^ 0xA001 if row & 1 else row >> 1
        rows.append(row)
    return tuple(rows)


_TABLE = _table()


@dataclass(frozen=True, slots=True)
class Frame:
    """Places in what was received: `start` of the whole, data, its end, and behind the checksum.

    `maker` and `model` are of the identification line, empty without one. `checksum` is its name,
    or empty where the readout has none.
    """

    start: int
    data: int
    end: int
    stop: int
    maker: str = ""
    model: str = ""
    checksum: str = ""


def crc_arc(octets: bytes) -> int:
    """CRC-16/ARC: polynomial 8005 reflected, starting with 0."""
    check = 0
    for octet in octets:
        check = check >> 8 ^ _TABLE[(check ^ octet) & 0xFF]
    return check


def without_parity(octets: bytes) -> bytes:
    """Seven data bits where every byte has even parity in its eighth: a line read as 8N1."""
    if all(octet < 0x80 for octet in octets) or any(octet.bit_count() & 1 for octet in octets):
        return octets
    return bytes(octet & 0x7F for octet in octets)


def framed(octets: bytes, *, verify: bool) -> Frame:
    """Find the readout; DecodeError where none is, where it has no end, or is damaged."""
    if len(octets) > MAX_SIZE:
        raise DecodeError(MAX_SIZE, f"a readout of {len(octets)} bytes; {MAX_SIZE} are allowed")
    head = _IDENTIFICATION.search(octets)
    if head is None:
        return _bare(octets, verify=verify)
    start, data = head.span()
    end = _end_mark(octets, data)
    stop, checksum = _checksum(octets, start, data, end, verify=verify)
    maker, model = head["maker"].decode(), head["text"].decode("latin-1").strip()
    return Frame(start, data, end, stop, maker, model, checksum)


def _bare(octets: bytes, *, verify: bool) -> Frame:
    """A data block without identification."""
    head = _DATA_SET.search(octets)
    if head is None:
        raise DecodeError(0, "no identification (/XXX…) and no data set (1.8.0(…)) in the text")
    stx = octets.rfind(_STX, 0, head.start())
    start = stx if stx >= 0 else head.start()
    mark = _END.search(octets, head.end())
    end = mark.end() - 1 if mark else len(octets)
    if not mark:
        return Frame(start, head.start(), end, end)
    stop, checksum = _checksum(octets, start, head.start(), end, verify=verify)
    return Frame(start, head.start(), end, stop, checksum=checksum)


def _end_mark(octets: bytes, data: int) -> int:
    mark = _END.search(octets, data)
    if mark is None:
        raise DecodeError(len(octets), "the readout has no end: no line starts with !")
    return mark.end() - 1


def _checksum(octets: bytes, start: int, data: int, end: int, *, verify: bool) -> tuple[int, str]:
    """Where the checksum ends and which one it is."""
    crc = _CRC.match(octets, end + 1)
    if crc:
        _compare(end + 1, "CRC", crc_arc(octets[start : end + 1]), int(crc[0], 16), 4, verify)
        return crc.end(), "crc16"
    stx = octets.find(_STX, max(start - 1, 0), end)
    etx = octets.find(_ETX, end, end + 4)
    if stx >= 0 and 0 <= etx < len(octets) - 1:
        computed = 0
        for octet in octets[stx + 1 : etx + 1]:
            computed ^= octet & 0x7F
        _compare(etx + 1, "block check", computed, octets[etx + 1] & 0x7F, 2, verify)
        return etx + 2, "bcc"
    return end + 1, ""


def _compare(place: int, name: str, computed: int, given: int, digits: int, verify: bool) -> None:
    if verify and computed != given:
        reason = f"{name}: computed {computed:0{digits}X}, given {given:0{digits}X}"
        raise DecodeError(place, reason)
