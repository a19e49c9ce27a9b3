"""Messages of the server, one by one; what a module must understand."""

from __future__ import annotations

import struct
from collections.abc import Callable

from .errors import DecodeError
from .reader import Reader
from .universal_fields import (
    WIDE,
    DownKind,
    pack_address,
    pack_extension,
    read_address,
    read_extension,
    refuse_flags,
    wide_needed,
)
from .universal_frame import MAX_COUNTER, Key
from .universal_messages import (
    MAX_INTERVAL,
    Acknowledgement,
    ArchiveRequest,
    Command,
    Configuration,
    DownMessage,
    Extension,
    NewKey,
)

__all__ = ["ENCODERS", "READERS"]

# Flags of a new key: which selector it is for; that it answers a claim.
_FOR_B, _CLAIM = 1, 2
_DAY_MINUTES = 1440
_NO_KEY = bytes(16)


def read_acknowledgement(reader: Reader, flags: int) -> Acknowledgement:
    counter = reader.within(4, 1, MAX_COUNTER, "the acknowledged counter")
    server_time = reader.unsigned(4, "the server time")
    return Acknowledgement(counter, server_time, reader.unsigned(1, "pending requests"), flags)


def encode_acknowledgement(message: Acknowledgement) -> bytes:
    first = message.flags << 4 | DownKind.ACKNOWLEDGEMENT
    return struct.pack(">BIIB", first, message.counter, message.server_time, message.pending)


def read_command(reader: Reader, flags: int) -> Command:
    refuse_flags(reader, flags, 0)
    request = reader.unsigned(2, "the request id")
    opcode = reader.unsigned(1, "the opcode")
    valid_until = reader.unsigned(4, "the end of validity")
    return Command(request, opcode, valid_until, reader.sized("the parameters"))


def encode_command(message: Command) -> bytes:
    fixed = struct.pack(
        ">BHBI", DownKind.COMMAND, message.request, message.opcode, message.valid_until
    )
    return fixed + bytes([len(message.parameters)]) + message.parameters


def read_archive_request(reader: Reader, flags: int) -> ArchiveRequest:
    refuse_flags(reader, flags, WIDE)
    request = reader.unsigned(2, "the request id")
    port, register = read_address(reader, wide=bool(flags & WIDE))
    start = reader.unsigned(4, "the start")
    at = reader.offset
    end = reader.unsigned(4, "the end")
    if end <= start:
        raise DecodeError(at, f"the end {end} is not after the start {start}")
    return ArchiveRequest(request, port, register, start, end)


def encode_archive_request(message: ArchiveRequest) -> bytes:
    wide = wide_needed(message.port, message.register)
    fixed = struct.pack(">BH", WIDE * wide << 4 | DownKind.ARCHIVE_REQUEST, message.request)
    address = pack_address(message.port, message.register, wide=wide)
    return fixed + address + struct.pack(">II", message.start, message.end)


def read_configuration(reader: Reader, flags: int) -> Configuration:
    refuse_flags(reader, flags, 0)
    version = reader.unsigned(2, "the configuration version")
    interval = reader.within(2, 1, MAX_INTERVAL, "the interval")
    report_every = reader.within(2, 1, 7 * _DAY_MINUTES, "the reporting period")
    report_offset = reader.within(2, 0, report_every - 1, "the reporting offset")
    spread = reader.unsigned(2, "the spread")
    window = reader.unsigned(1, "the downlink window")
    tries = reader.within(1, 1, 255, "the number of tries")
    return Configuration(version, interval, report_every, report_offset, spread, window, tries)


def encode_configuration(message: Configuration) -> bytes:
    return struct.pack(
        ">BHHHHHBB",
        DownKind.CONFIGURATION,
        message.version,
        message.interval,
        message.report_every,
        message.report_offset,
        message.spread,
        message.window,
        message.tries,
    )


def read_new_key(reader: Reader, flags: int) -> NewKey:
    refuse_flags(reader, flags, _FOR_B | _CLAIM)
    start = reader.offset
    key = reader.take(16, "the new key")
    if key == _NO_KEY:
        raise DecodeError(start, "the new key is all zero")
    nonce = reader.take(8, "the claim nonce") if flags & _CLAIM else None
    return NewKey(Key.B if flags & _FOR_B else Key.A, key, nonce)


def encode_new_key(message: NewKey) -> bytes:
    flags = _FOR_B * (message.selector == Key.B) | _CLAIM * (message.claim_nonce is not None)
    return bytes([flags << 4 | DownKind.NEW_KEY]) + message.key + (message.claim_nonce or b"")


READERS: dict[int, Callable[[Reader, int], DownMessage]] = {
    DownKind.ACKNOWLEDGEMENT: read_acknowledgement,
    DownKind.COMMAND: read_command,
    DownKind.ARCHIVE_REQUEST: read_archive_request,
    DownKind.CONFIGURATION: read_configuration,
    DownKind.NEW_KEY: read_new_key,
    DownKind.EXTENSION: read_extension,
}
ENCODERS: dict[type, Callable[..., bytes]] = {
    Acknowledgement: encode_acknowledgement,
    Command: encode_command,
    ArchiveRequest: encode_archive_request,
    Configuration: encode_configuration,
    NewKey: encode_new_key,
    Extension: pack_extension,
}
