"""Formats of compact frames (EN 13757-3, annex on compact frames): headers that were sent before.

A compact frame carries the data of its records alone, and two checksums: the CRC-16 over all DIF,
DIFE, VIF and VIFE of the full frame, which names its format, and the CRC-16 over the full frame's
records. `Formats` remembers the headers of full frames.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import lru_cache
from typing import TYPE_CHECKING

from ..errors import DecodeError
from .checksum import crc16
from .known_formats import known_formats

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Formats"]

# A frame is no longer than this, so its headers are not either.
_MOST_BYTES = 255
_MOST_FORMATS = 4096


@lru_cache(maxsize=_MOST_FORMATS)
def _signature(headers: bytes) -> int:
    """Meters send the same headers over and over."""
    return crc16(headers)


class Formats:
    """What was learnt from full frames: signature → headers, back to back.

    The ones used longest ago are forgotten first; those built in never are.
    """

    def __init__(self, limit: int = _MOST_FORMATS) -> None:
        self._limit = limit
        self._known: OrderedDict[int, bytes] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        return iter(self._known.items())

    def learn(self, headers: bytes) -> None:
        if not 0 < len(headers) <= _MOST_BYTES:
            return
        signature = _signature(headers)
        self._known[signature] = headers
        self._known.move_to_end(signature)
        while len(self._known) > self._limit:
            self._known.popitem(last=False)

    def find(self, signature: int) -> tuple[bytes, ...]:
        """The formats that may be meant: the checksum of the full frame tells which is."""
        built_in = known_formats().get(signature, ())
        if signature not in self._known:
            return built_in
        self._known.move_to_end(signature)
        return (self._known[signature], *built_in)

    def to_bytes(self) -> bytes:
        """For keeping: each format behind a byte that tells its length."""
        return b"".join(bytes([len(headers)]) + headers for headers in self._known.values())

    @classmethod
    def from_bytes(cls, octets: bytes, limit: int = _MOST_FORMATS) -> Formats:
        """What `to_bytes` gave; DecodeError on anything else."""
        made, at = cls(limit), 0
        while at < len(octets):
            start, at = at + 1, at + 1 + octets[at]
            if at == start or at > len(octets):
                raise DecodeError(start - 1, "a kept format does not end")
            made.learn(octets[start:at])
        return made
