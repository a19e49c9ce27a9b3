"""Bytes that remember where in the received message they stood.

Frames are cut away, segments joined and ciphertexts opened before the data can be read; every
item must still name its bytes as they were received.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ..errors import DecodeError

__all__ = ["Octets"]


@dataclass(frozen=True, slots=True)
class Octets:
    """`places[i]` is where `data[i]` stood in the received message; both are of one length."""

    data: bytes
    places: Sequence[int]

    @classmethod
    def received(cls, data: bytes) -> Octets:
        return cls(data, range(len(data)))

    @classmethod
    def joined(cls, parts: Sequence[Octets]) -> Octets:
        if len(parts) == 1:
            return parts[0]
        places = [place for part in parts for place in part.places]
        return cls(b"".join(part.data for part in parts), places)

    def __len__(self) -> int:
        return len(self.data)

    def cut(self, start: int, end: int | None = None) -> Octets:
        return Octets(self.data[start:end], self.places[start:end])

    def opened(self, plain: bytes) -> Octets:
        """The same bytes deciphered: authenticated counter mode keeps their number."""
        return Octets(plain, self.places)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where the bytes from `start` to before `end` stood; check bytes between are included."""
        if start >= end:
            place = self.place(start)
            return place, place
        return self.places[start], self.places[end - 1] + 1

    def place(self, offset: int) -> int:
        """Where one byte stood, or would have stood behind the last."""
        if offset < len(self.places):
            return self.places[offset]
        return self.places[-1] + 1 if len(self.places) else 0

    @contextmanager
    def placed(self) -> Iterator[None]:
        """Complaints raised within count in these bytes; they leave in received ones."""
        try:
            yield
        except DecodeError as error:
            raise DecodeError(self.place(error.offset), error.reason) from None
