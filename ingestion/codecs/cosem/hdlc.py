"""HDLC frames of DLMS, format type 3, from a stream that may start, end or be damaged anywhere.

Source: IEC 62056-46 (ISO/IEC 13239), Green Book, data link layer using HDLC:

    7E | format 1010 S LLL LLLLLLLL | destination | source | control | HCS | information | FCS | 7E

S tells that more segments follow; L counts the bytes between the flags; addresses have 1, 2 or 4
bytes, the last with its low bit set; HCS and FCS are CRC-16/X-25, low byte first; a frame without
information has no HCS. With counts in the format nothing is escaped: that is how DLMS uses it. Some
adapters escape all the same (7D, then the byte XOR 20): `transparent` reads those.
"""

from __future__ import annotations

from binascii import crc_hqx
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..errors import DecodeError
from .octets import Octets

__all__ = ["HdlcFrame", "HdlcReader", "frames_of", "messages_of", "x25"]

FLAG = 0x7E
_FLAG = b"\x7e"
_ESCAPE = 0x7D
_FORMAT_TYPE = 0xA0
_SMALLEST = 7
_LARGEST = 0x7FF
_ADDRESS_SIZES = (1, 2, 4)
_HEADER_LAYERS = ("format", "destination", "source", "control", "header check")


# Every byte with its bits in the other order.
_MIRROR = bytes(int(f"{octet:08b}"[::-1], 2) for octet in range(256))


def x25(octets: bytes) -> int:
    """CRC-16/X-25 (polynomial 1021 reflected, start and end inverted).

    The library has the polynomial with the highest bit first; mirrored bytes make it this one.
    """
    high, low = divmod(crc_hqx(octets.translate(_MIRROR), 0xFFFF), 256)
    return (_MIRROR[low] << 8 | _MIRROR[high]) ^ 0xFFFF


@dataclass(frozen=True, slots=True)
class HdlcFrame:
    """What stood between two flags, unescaped. `octets` are without the flags.

    `destination`, `source` and `control` are empty or 0 where the bytes do not hold them.
    """

    octets: Octets
    destination: bytes
    source: bytes
    control: int

    @property
    def declared_length(self) -> int:
        return int.from_bytes(self.octets.data[:2], "big") & _LARGEST

    @property
    def is_expected_length(self) -> bool:
        return self.declared_length == len(self.octets)

    @property
    def is_segment(self) -> bool:
        """More segments of the same message follow."""
        return bool(self.octets.data[0] & 0x08)

    @property
    def header_size(self) -> int:
        """Format, addresses and control."""
        return 3 + len(self.destination) + len(self.source)

    @property
    def has_information(self) -> bool:
        return len(self.octets) > self.header_size + 4

    @property
    def information(self) -> Octets:
        if not self.has_information:
            return self.octets.cut(0, 0)
        return self.octets.cut(self.header_size + 2, len(self.octets) - 2)

    @property
    def given_check(self) -> int:
        return int.from_bytes(self.octets.data[-2:], "little")

    @property
    def computed_check(self) -> int:
        return x25(self.octets.data[:-2])

    @property
    def is_good_header(self) -> bool:
        """Whether the header check sequence is right; a frame without information has none."""
        end = self.header_size
        given = int.from_bytes(self.octets.data[end : end + 2], "little")
        return not self.has_information or x25(self.octets.data[:end]) == given

    @property
    def is_good_check(self) -> bool:
        return self.given_check == self.computed_check

    @property
    def is_good(self) -> bool:
        whole = self.is_good_check and self.is_good_header and self.is_expected_length
        return whole and bool(self.source)

    @property
    def complaint(self) -> DecodeError:
        """Why the frame is not good, in terms of the received message."""
        if not self.source:
            return self._complaint(2, "the addresses of the HDLC frame have no end")
        if not self.is_expected_length:
            reason = f"HDLC frame of {len(self.octets)} bytes says it has {self.declared_length}"
            return self._complaint(0, reason)
        if not self.is_good_header:
            return self._complaint(self.header_size, "the HDLC header check sequence is wrong")
        reason = f"HDLC check: computed {self.computed_check:04x}, given {self.given_check:04x}"
        return self._complaint(len(self.octets) - 2, reason)

    def _complaint(self, offset: int, reason: str) -> DecodeError:
        return DecodeError(self.octets.place(offset), reason)

    def layers(self) -> Iterator[tuple[str, int, int]]:
        """Names and places of what surrounds the information."""
        sizes = (2, len(self.destination), len(self.source), 1, 2 if self.has_information else 0)
        start = 0
        for name, size in zip(_HEADER_LAYERS, sizes, strict=True):
            yield f"HDLC {name}", start, start + size
            start += size
        yield "HDLC frame check", len(self.octets) - 2, len(self.octets)


def _address(octets: bytes, start: int) -> bytes:
    """Bytes up to the first with its low bit set; empty where they are of no allowed size."""
    for size in _ADDRESS_SIZES:
        piece = octets[start : start + size]
        if len(piece) == size and piece[-1] & 1 and not any(byte & 1 for byte in piece[:-1]):
            return piece
    return b""


def _frame(octets: Octets) -> HdlcFrame:
    destination = _address(octets.data, 2)
    source = _address(octets.data, 2 + len(destination)) if destination else b""
    end = 2 + len(destination) + len(source)
    control = octets.data[end] if end < len(octets) else 0
    return HdlcFrame(octets, destination, source, control)


class HdlcReader:
    """Finds frames in chunks of a stream; places count from the first byte ever fed.

    `feed` gives the frames that are whole, good or not; noise between flags is passed over.
    `finish` gives what is left when nothing more will come, a last flag may then be missing.
    """

    def __init__(self, *, transparent: bool = False) -> None:
        self._transparent = transparent
        self._buffer = b""
        self._before = 0
        # The next byte to look at, in the buffer.
        self._at = 0

    def feed(self, chunk: bytes) -> list[HdlcFrame]:
        self._buffer = self._buffer[self._at :] + chunk
        self._before += self._at
        self._at = 0
        return list(self._frames(final=False))

    def finish(self) -> list[HdlcFrame]:
        frames = list(self._frames(final=True))
        self._at = len(self._buffer)
        return frames

    def _frames(self, *, final: bool) -> Iterator[HdlcFrame]:
        step = self._escaped if self._transparent else self._counted
        while self._to_flag():
            size = step(final)
            if size is None:
                return
            frame = self._cut(size) if size else None
            # The flag behind a frame stays: it may open the next.
            self._at += size + 1
            if frame:
                yield frame

    def _to_flag(self) -> bool:
        """Go to a flag that a frame may follow; False when none is there."""
        self._at = self._buffer.find(FLAG, self._at)
        if self._at < 0:
            self._at = len(self._buffer)
            return False
        while self._octets(1, 2) == _FLAG:
            self._at += 1
        return self._left > 1

    @property
    def _left(self) -> int:
        return len(self._buffer) - self._at

    def _octets(self, start: int, end: int) -> bytes:
        return self._buffer[self._at + start : self._at + end]

    def _counted(self, final: bool) -> int | None:
        """Bytes behind the flag up to the next, 0 when no frame starts here, None to wait."""
        head = self._octets(1, 3)
        if head[0] & 0xF0 != _FORMAT_TYPE:
            return 0
        if len(head) < 2:
            return 0 if final else None
        size = int.from_bytes(head, "big") & _LARGEST
        if size < _SMALLEST:
            return 0
        if self._left < size + 2:
            return self._unclosed(size) if final else None
        return size if self._octets(size + 1, size + 2) == _FLAG else 0

    def _unclosed(self, size: int) -> int:
        """At the end of a stream a frame may lack its flag, if it is right in all else."""
        piece = Octets.received(self._octets(1, size + 1))
        return size if len(piece) == size and _frame(piece).is_good else 0

    def _escaped(self, final: bool) -> int | None:
        end = self._buffer.find(FLAG, self._at + 1)
        if end > 0:
            return end - 1 - self._at
        if final:
            return self._left - 1
        return 0 if self._left > 2 * _LARGEST else None

    def _cut(self, size: int) -> HdlcFrame | None:
        """The frame behind the flag; None for one that was aborted or is too short."""
        first = self._before + self._at + 1
        raw = Octets(self._octets(1, size + 1), range(first, first + size))
        octets = _unescaped(raw) if self._transparent else raw
        return _frame(octets) if octets and len(octets) >= _SMALLEST else None


def _unescaped(raw: Octets) -> Octets | None:
    """None for a frame that ends in an escape: its sender gave it up."""
    octets, places, pending = bytearray(), [], 0
    for octet, place in zip(raw.data, raw.places, strict=True):
        if octet == _ESCAPE and not pending:
            pending = 0x20
            continue
        octets.append(octet ^ pending)
        places.append(place)
        pending = 0
    return None if pending else Octets(bytes(octets), places)


def frames_of(octets: bytes, *, transparent: bool = False) -> list[HdlcFrame]:
    """All frames of a capture, good or not."""
    reader = HdlcReader(transparent=transparent)
    return [*reader.feed(octets), *reader.finish()]


def messages_of(frames: Iterable[HdlcFrame]) -> Iterator[Octets]:
    """The information of good frames, segments joined; segments without an end are dropped."""
    parts: list[Octets] = []
    for frame in frames:
        if not frame.is_good or not frame.has_information:
            continue
        parts.append(frame.information)
        if not frame.is_segment:
            yield Octets.joined(parts)
            parts = []
