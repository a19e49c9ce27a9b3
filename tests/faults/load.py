"""What the senders say: everything follows from device and counter, so a checker can say it too.

Frame n of a device holds four hourly values from hour 4 n on, and the register before them. One in
fifty is authentic but breaks the protocol: the server must keep it, and say that it did.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ingestion.codecs.sealing import seal
from ingestion.codecs.universal import encode
from ingestion.codecs.universal_frame import Direction, Header, Key
from ingestion.codecs.universal_messages import IntervalProfile

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["HOUR", "VALUES", "Device", "Load", "amount", "is_bad", "register"]

VALUES = 4
HOUR = 3600
_DAY = 86_400
_LARGEST = 997
# Kind 14 of messages does not exist.
_BROKEN = b"\x0e\x00\x01"


def amount(device: Any, counter: Any, place: Any) -> Any:
    """Value number `place` of a frame; takes numbers and arrays."""
    return (device * 7_919 + counter * 104_729 + place * 1_299_709) % _LARGEST


def register(device: Any, counter: Any) -> Any:
    """The register at the beginning of a frame."""
    return counter * 10_000 + device


def is_bad(counter: Any) -> Any:
    """Whether the frame with that counter breaks the protocol."""
    return counter % 50 == 7


@dataclass(frozen=True, slots=True)
class Device:
    """A device of the fleet. number: its place in the fleet; volume, register: its channels."""

    number: int
    device: str
    key: str
    module: int
    volume: int
    register: int

    @property
    def cipher(self) -> AESGCM:
        return AESGCM(bytes.fromhex(self.key))

    def seal(self, counter: int, plaintext: bytes) -> bytes:
        """A frame of this device."""
        header = Header(Direction.UP, Key.A, bytes.fromhex(self.device), counter)
        return seal(self.cipher, header, plaintext)


@dataclass(frozen=True, slots=True)
class Load:
    """Devices and the hour (Unix seconds) at which their first frame begins."""

    devices: list[Device]
    first: int

    @classmethod
    def of(cls, devices: list[Device], *, days: int = 400) -> Load:
        """Begins so many days ago, at midnight."""
        return cls(devices, int(time.time()) // _DAY * _DAY - days * _DAY)

    @property
    def frames(self) -> int:
        """Frames that each device has until two days ago."""
        return (int(time.time()) - 2 * _DAY - self.first) // (VALUES * HOUR) - 1

    def start(self, counter: Any) -> Any:
        """When the first value of a frame begins."""
        return self.first + counter * VALUES * HOUR

    def plaintext(self, device: Device, counter: int) -> bytes:
        if is_bad(counter):
            return _BROKEN
        values = tuple(amount(device.number, counter, place) for place in range(VALUES))
        message = IntervalProfile(
            1, 0, self.start(counter), 60, values, register(device.number, counter)
        )
        return encode([message])

    def frame(self, device: Device, counter: int) -> bytes:
        """The frame with that counter, sealed."""
        return device.seal(counter, self.plaintext(device, counter))

    def write(self, path: Path) -> None:
        path.write_text(
            json.dumps({"first": self.first, "devices": list(map(asdict, self.devices))})
        )

    @classmethod
    def read(cls, path: Path) -> Load:
        content = json.loads(path.read_text())
        return cls([Device(**row) for row in content["devices"]], content["first"])
