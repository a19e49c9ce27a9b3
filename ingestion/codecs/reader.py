"""Reading fields one after the other, with an exact place for every complaint."""

from __future__ import annotations

from .errors import DecodeError

__all__ = ["Reader"]


class Reader:
    """A position in bytes. Every method raises DecodeError where the bytes end too early."""

    __slots__ = ("data", "offset")

    def __init__(self, data: bytes, offset: int = 0) -> None:
        self.data = data
        self.offset = offset

    @property
    def left(self) -> int:
        return len(self.data) - self.offset

    def take(self, size: int, what: str) -> bytes:
        """The next bytes."""
        if self.left < size:
            raise DecodeError(self.offset, f"{what} needs {size} bytes, {self.left} are left")
        start, self.offset = self.offset, self.offset + size
        return self.data[start : self.offset]

    def unsigned(self, size: int, what: str) -> int:
        """A number of `size` bytes, highest byte first."""
        return int.from_bytes(self.take(size, what), "big")

    def signed(self, size: int, what: str) -> int:
        """The same in two's complement."""
        return int.from_bytes(self.take(size, what), "big", signed=True)

    def within(self, size: int, low: int, high: int, what: str) -> int:
        """A number that must lie between two bounds."""
        start = self.offset
        value = self.unsigned(size, what)
        if not low <= value <= high:
            raise DecodeError(start, f"{what} is {value}, not within {low}..{high}")
        return value

    def sized(self, what: str) -> bytes:
        """Bytes behind their own length byte."""
        return self.take(self.unsigned(1, f"the length of {what}"), what)
