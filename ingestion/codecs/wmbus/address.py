"""Who speaks: manufacturer, identification, version and medium, 8 bytes in one of two orders."""

from __future__ import annotations

from dataclasses import dataclass

from ..mbus.media import manufacturer_code

__all__ = ["Address"]

# Diehl's radio modules, in frames with contents of their own: those of one maker send version and
# type before the identification, those of the other something else in place of version and type.
_VERSION_FIRST = frozenset({"HYD"})
_NO_TYPE = frozenset({"SAP"})
_WATER = 0x07
# Device types that makers number by themselves, and what they are in EN 13757-7.
_MAKERS_MEDIA = {
    "TCH": {
        0x43: 0x04,  # heat
        0x45: 0x04,
        0x62: 0x06,  # warm water
        0x72: 0x16,  # cold water
        0x80: 0x08,  # heat cost allocator
        0xC3: 0x04,
        0xF0: 0x1A,  # smoke detector
    },
}


@dataclass(frozen=True, slots=True)
class Address:
    """`octets` in the order of the link layer: manufacturer (2), identification (4), version, type.

    This order also begins the initial vectors of ciphers.
    """

    octets: bytes

    @classmethod
    def from_link(cls, octets: bytes) -> Address:
        """M and A field as they stand in a frame."""
        return cls(octets)

    @classmethod
    def from_transport(cls, octets: bytes) -> Address:
        """A long transport header: the identification stands first."""
        return cls(octets[4:6] + octets[:4] + octets[6:])

    def of_own_content(self) -> Address:
        """The address of a frame with contents of its maker's own; itself for most makers."""
        octets = self.octets
        if self.manufacturer in _VERSION_FIRST:
            return Address(octets[:2] + octets[4:8] + octets[2:4])
        if self.manufacturer in _NO_TYPE:
            return Address(octets[:7] + bytes([_WATER]))
        return self

    @property
    def manufacturer(self) -> str:
        """Three letters."""
        return manufacturer_code(int.from_bytes(self.octets[:2], "little"))

    @property
    def number(self) -> bytes:
        """The identification as sent."""
        return self.octets[2:6]

    @property
    def identification(self) -> str:
        """Eight digits; letters where a maker does not keep to BCD."""
        return self.number[::-1].hex().upper()

    @property
    def version(self) -> int:
        return self.octets[6]

    @property
    def medium(self) -> int:
        """A device type of EN 13757-7, where the maker's own code is known to mean one."""
        code = self.octets[7]
        return _MAKERS_MEDIA.get(self.manufacturer, {}).get(code, code)
