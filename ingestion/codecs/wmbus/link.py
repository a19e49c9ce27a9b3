"""The data link layer of EN 13757-4: how a frame lies in its bytes, with checksums or without.

Format A (modes S, T, C)    L C M M A A A A A A CRC CRC | 16 bytes CRC CRC | … | up to 16 CRC CRC
                            L counts neither itself nor any CRC
Format B (mode C)           L C M M A A A A A A 116 bytes at most CRC CRC | 126 at most CRC CRC
                            L counts all but itself
Without checksums           L C M M A A A A A A …: what most receivers hand over

Which of them it is, nothing says: lengths and checksums that fit do. Receivers also leave odd ends:
the checksum of the last block alone, a byte of signal strength, a length that still counts
checksums which are gone. `layouts` therefore gives every reading that fits, the surest first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import DecodeError
from ..telegram import Item
from .checksum import crc16

__all__ = ["HEADER_BYTES", "MAX_BYTES", "Layout", "layouts"]

# L, C, M (2), A (6)
HEADER_BYTES = 10
# 256 bytes of format A with 17 checksums, and what receivers append.
MAX_BYTES = 300
_BLOCK_A = 16
# Format B: the first checksum covers the header and up to 116 bytes behind it.
_FIRST_B = 126
_LAST_B = 126
_MOST_APPENDED = 4


@dataclass(frozen=True, slots=True)
class Layout:
    """`pieces` are the spans of the bytes as received that make up the frame without checksums."""

    name: str
    pieces: tuple[tuple[int, int], ...]
    checksums: tuple[tuple[int, int], ...] = ()
    warning: str = ""

    def content(self, octets: bytes) -> bytearray:
        return bytearray(b"".join(octets[start:end] for start, end in self.pieces))

    def places(self) -> list[int]:
        """For each byte of the content, where it was received."""
        return [place for start, end in self.pieces for place in range(start, end)]

    def layers(self, octets: bytes) -> Iterator[Item]:
        """The checksums and what receivers appended, in places as received."""
        for start, end in self.checksums:
            raw = octets[start:end]
            value = int.from_bytes(raw, "big")
            yield Item(name="link.crc", value=value, start=start, end=end, raw=raw.hex())
        last = max(end for _, end in self.pieces + self.checksums)
        if last < len(octets):
            rest = octets[last:]
            yield Item(
                name="link.appended", value=rest, start=last, end=len(octets), raw=rest.hex()
            )


def layouts(octets: bytes) -> list[Layout]:
    """All readings that fit, the surest first; DecodeError where none does."""
    if len(octets) < HEADER_BYTES + 1:
        raise DecodeError(len(octets), "a wireless M-Bus frame has at least 11 bytes")
    if len(octets) > MAX_BYTES:
        raise DecodeError(MAX_BYTES, f"longer than {MAX_BYTES} bytes")
    if octets[0] < HEADER_BYTES:
        raise DecodeError(0, f"the length {octets[0]} leaves no room for address and content")
    # Two checksums or more do not fit by chance; the single one of a format B frame may.
    found = list(_format_a(octets)) or [*_format_b(octets), *_bare(octets)]
    if not found:
        raise DecodeError(0, _misfit(octets))
    return found


def _misfit(octets: bytes) -> str:
    if len(octets) == _length_a(octets[0]):
        return "the checksums of format A do not match"
    return f"the length announces {octets[0] + 1} bytes, {len(octets)} are there"


def _length_a(length: int) -> int:
    blocks = -(-(length + 1 - HEADER_BYTES) // _BLOCK_A)
    return length + 1 + 2 * (1 + blocks)


def _format_a(octets: bytes) -> Iterator[Layout]:
    size = _length_a(octets[0])
    if not size <= len(octets) <= size + _MOST_APPENDED:
        return
    sizes = [HEADER_BYTES, *[_BLOCK_A] * (size // _BLOCK_A)]
    layout = _blocks("format A", octets, sizes, size)
    if layout:
        yield layout


def _format_b(octets: bytes) -> Iterator[Layout]:
    size = octets[0] + 1
    if not size <= len(octets) <= size + _MOST_APPENDED or size < HEADER_BYTES + 3:
        return
    layout = _blocks("format B", octets, [_FIRST_B, _LAST_B], size)
    if layout:
        yield layout


def _blocks(name: str, octets: bytes, sizes: list[int], end: int) -> Layout | None:
    """Blocks of these sizes at most, each with its checksum; None where one does not match."""
    pieces: list[tuple[int, int]] = []
    checksums: list[tuple[int, int]] = []
    at = 0
    for most in sizes:
        stop = min(at + most, end - 2)
        if at >= end:
            break
        if stop <= at or crc16(octets[at:stop]) != int.from_bytes(octets[stop : stop + 2], "big"):
            return None
        pieces.append((at, stop))
        checksums.append((stop, stop + 2))
        at = stop + 2
    return Layout(name, tuple(pieces), tuple(checksums)) if at == end else None


def _bare(octets: bytes) -> Iterator[Layout]:
    """Frames whose checksums the receiver has taken off."""
    size, received = octets[0] + 1, len(octets)
    if size == received:
        yield Layout("without CRC", ((0, size),))
    kept = received - 2
    last = HEADER_BYTES + (kept - HEADER_BYTES - 1) // _BLOCK_A * _BLOCK_A
    has_room = size <= received <= size + _MOST_APPENDED and kept > HEADER_BYTES
    if has_room and crc16(octets[last:kept]) == int.from_bytes(octets[kept:], "big"):
        warning = "the receiver left the checksum of the last block"
        yield Layout("without CRC", ((0, kept),), ((kept, received),), warning)
    if size < received <= size + _MOST_APPENDED:
        warning = f"{received - size} bytes stand behind the frame"
        yield Layout("without CRC", ((0, size),), (), warning)
    if received < size and size - received in {2, 4}:
        warning = "the length counts checksums that are not there"
        yield Layout("without CRC", ((0, received),), (), warning)
