"""A frame while it is read: its bytes, how far they are read, and what was found on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..errors import DecodeError
from ..telegram import Item

if TYPE_CHECKING:
    from .address import Address

__all__ = ["Message"]


@dataclass(slots=True)
class Message:
    """`octets` are without the CRCs of the link layer; plaintext is put in place of ciphertext.

    `sender` is the address of the radio; `meter` that of the meter, where a transport header names
    another one. `counter` is the message counter of an authentication layer, which derives keys.
    """

    octets: bytearray
    end: int
    sender: Address
    meter: Address
    downlink: bool = False
    at: int = 0
    counter: bytes | None = None
    layers: list[Item] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    identity: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def left(self) -> int:
        return self.end - self.at

    @property
    def rest(self) -> bytes:
        return bytes(self.octets[self.at : self.end])

    def take(self, size: int, name: str, formula: str = "") -> bytes:
        """The next bytes of a header, kept as a layer; DecodeError where they are missing."""
        if self.left < size:
            raise DecodeError(self.at, f"{name} needs {size} bytes, {self.left} are left")
        octets = bytes(self.octets[self.at : self.at + size])
        number = int.from_bytes(octets, "little")
        self._layer(name, number if size <= 4 else octets, size, formula)
        return octets

    def byte(self, name: str, formula: str = "") -> int:
        return self.take(1, name, formula)[0]

    def number(self, size: int, name: str, formula: str = "") -> int:
        """A number whose lowest byte comes first."""
        return int.from_bytes(self.take(size, name, formula), "little")

    def opaque(self, name: str, reason: str) -> None:
        """The rest as one item of bytes, for what the standard does not say or a key is missing."""
        rest, start = self.rest, self.at
        self.at = self.end
        item = Item(
            name=name, value=rest, start=start, end=self.end, raw=rest.hex(), formula=reason
        )
        self.items.append(item)

    def unread(self, reason: str) -> None:
        """The rest can't be read: kept as bytes, with the reason where a person and a rule see it."""
        self.identity["unread"] = reason
        self.warnings.append(reason)
        self.opaque("unread", reason)

    def _layer(self, name: str, value: int | bytes, size: int, formula: str) -> None:
        start, self.at = self.at, self.at + size
        raw = bytes(self.octets[start : self.at]).hex()
        self.layers.append(
            Item(name=name, value=value, start=start, end=self.at, raw=raw, formula=formula)
        )
