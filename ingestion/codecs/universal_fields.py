"""What messages of several kinds share: kinds, the address of a register, extensions."""

from __future__ import annotations

from enum import IntEnum

from .errors import DecodeError
from .reader import Reader
from .universal_messages import Extension

__all__ = [
    "WIDE",
    "DownKind",
    "UpKind",
    "pack_address",
    "pack_extension",
    "read_address",
    "read_extension",
    "refuse_flags",
    "wide_needed",
]

# Flag of every message with addresses: port u16 and register u8 instead of one byte.
WIDE = 4
_MAX_PORT, _MAX_REGISTER = 7, 31


class UpKind(IntEnum):
    """Low nibble of a message's first byte, module to server."""

    PROFILE = 1
    REGISTERS = 2
    EVENTS = 3
    HELLO = 4
    RESULT = 5
    ARCHIVE = 6
    STATUS = 7
    EXTENSION = 15


class DownKind(IntEnum):
    """Low nibble of a message's first byte, server to module."""

    ACKNOWLEDGEMENT = 1
    COMMAND = 2
    ARCHIVE_REQUEST = 3
    CONFIGURATION = 4
    NEW_KEY = 5
    EXTENSION = 15


def read_address(reader: Reader, *, wide: bool) -> tuple[int, int]:
    """Port and register: three and five bits, or two bytes and one."""
    if wide:
        return reader.unsigned(2, "the port"), reader.unsigned(1, "the register")
    packed = reader.unsigned(1, "port and register")
    return packed >> 5, packed & _MAX_REGISTER


def pack_address(port: int, register: int, *, wide: bool) -> bytes:
    if wide:
        return port.to_bytes(2, "big") + bytes([register])
    return bytes([port << 5 | register])


def wide_needed(port: int, register: int) -> bool:
    """Whether an address does not fit one byte."""
    return port > _MAX_PORT or register > _MAX_REGISTER


def refuse_flags(reader: Reader, flags: int, known: int) -> None:
    """To be called first: the byte just read holds the flags."""
    if flags & ~known:
        raise DecodeError(reader.offset - 1, "a reserved flag of the message is set")


def read_extension(reader: Reader, flags: int) -> Extension:
    refuse_flags(reader, flags, 0)
    return Extension(reader.unsigned(1, "the type"), reader.sized("the extension"))


def pack_extension(message: Extension) -> bytes:
    return bytes([UpKind.EXTENSION, message.type, len(message.data)]) + message.data
