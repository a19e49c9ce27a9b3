"""Messages of a module but profiles, one by one: the reference for the fast path."""

from __future__ import annotations

import struct
from collections.abc import Callable

from .errors import DecodeError
from .reader import Reader
from .universal_fields import (
    WIDE,
    UpKind,
    pack_address,
    pack_extension,
    read_address,
    read_extension,
    refuse_flags,
    wide_needed,
)
from .universal_messages import (
    BATTERY_PERCENT_UNKNOWN,
    MAX_DIGITS_VALUE,
    MODULE_PORT,
    CommandResult,
    Event,
    Events,
    Extension,
    Hello,
    IntervalProfile,
    RegisterSnapshot,
    RegisterValue,
    Status,
    UpMessage,
)
from .universal_profile import encode_profile, read_archive, read_profile

__all__ = ["ENCODERS", "NARROW_MODULE_PORT", "READERS", "WIDE_VALUES"]

# Flags of register snapshots (beside WIDE) and of hellos.
WIDE_VALUES, OPTIONS = 1, 2
CLAIM, RESTARTED = 1, 2
# The module itself, in an event whose port has one byte.
NARROW_MODULE_PORT = 0xFF

_STATUS = struct.Struct(">IHBbb")


def read_registers(reader: Reader, flags: int) -> RegisterSnapshot:
    refuse_flags(reader, flags, WIDE_VALUES | OPTIONS | WIDE)
    time = reader.unsigned(4, "the time")
    count = reader.within(1, 1, 255, "the count of registers")
    quality = reader.within(1, 0, 0x7F, "the quality byte") if flags & OPTIONS else 0
    registers = tuple(_read_register(reader, flags) for _ in range(count))
    return RegisterSnapshot(time, registers, quality)


def _read_register(reader: Reader, flags: int) -> RegisterValue:
    port, register = read_address(reader, wide=bool(flags & WIDE))
    if flags & WIDE_VALUES:
        return RegisterValue(port, register, reader.signed(8, "a register"))
    return RegisterValue(port, register, reader.within(5, 0, MAX_DIGITS_VALUE, "a register"))


def encode_registers(message: RegisterSnapshot) -> bytes:
    wide = any(wide_needed(row.port, row.register) for row in message.registers)
    large = any(not 0 <= row.value <= MAX_DIGITS_VALUE for row in message.registers)
    flags = WIDE_VALUES * large | OPTIONS * bool(message.quality) | WIDE * wide
    parts = [
        struct.pack(">BIB", flags << 4 | UpKind.REGISTERS, message.time, len(message.registers)),
        bytes([message.quality]) if message.quality else b"",
    ]
    for row in message.registers:
        parts.append(pack_address(row.port, row.register, wide=wide))
        parts.append(row.value.to_bytes(8 if large else 5, "big", signed=large))
    return b"".join(parts)


def read_events(reader: Reader, flags: int) -> Events:
    refuse_flags(reader, flags, WIDE)
    count = reader.within(1, 1, 255, "the count of events")
    return Events(tuple(_read_event(reader, flags) for _ in range(count)))


def _read_event(reader: Reader, flags: int) -> Event:
    time = reader.unsigned(4, "the time of an event")
    port = reader.unsigned(2 if flags & WIDE else 1, "the port of an event")
    if port == NARROW_MODULE_PORT and not flags & WIDE:
        port = MODULE_PORT
    code = reader.unsigned(2, "the code of an event")
    return Event(time, port, code, reader.signed(4, "the detail of an event"))


def encode_events(message: Events) -> bytes:
    wide = any(NARROW_MODULE_PORT <= row.port < MODULE_PORT for row in message.events)
    first = WIDE * wide << 4 | UpKind.EVENTS
    parts = [bytes([first, len(message.events)])]
    row_format = struct.Struct(">IHHi" if wide else ">IBHi")
    for row in message.events:
        port = NARROW_MODULE_PORT if row.port == MODULE_PORT and not wide else row.port
        parts.append(row_format.pack(row.time, port, row.code, row.detail))
    return b"".join(parts)


def read_hello(reader: Reader, flags: int) -> Hello:
    refuse_flags(reader, flags, CLAIM | RESTARTED)
    clock = reader.unsigned(4, "the module's clock")
    uptime = reader.unsigned(4, "the uptime")
    major, minor, patch = reader.take(3, "the firmware version")
    battery = reader.unsigned(2, "the battery voltage")
    signal = reader.signed(1, "the signal")
    capabilities = reader.unsigned(2, "the capabilities")
    configuration = reader.unsigned(2, "the configuration version")
    nonce = reader.take(8, "the claim nonce") if flags & CLAIM else None
    return Hello(
        clock,
        uptime,
        (major, minor, patch),
        battery,
        signal,
        capabilities,
        configuration,
        bool(flags & RESTARTED),
        nonce,
    )


def encode_hello(message: Hello) -> bytes:
    nonce = message.claim_nonce
    flags = CLAIM * (nonce is not None) | RESTARTED * message.restarted
    fixed = struct.pack(
        ">BII3BHbHH",
        flags << 4 | UpKind.HELLO,
        message.clock,
        message.uptime,
        *message.firmware,
        message.battery_mv,
        message.signal,
        message.capabilities,
        message.configuration,
    )
    return fixed + (nonce or b"")


def read_result(reader: Reader, flags: int) -> CommandResult:
    refuse_flags(reader, flags, 0)
    request = reader.unsigned(2, "the request id")
    status = reader.unsigned(1, "the status")
    time = reader.unsigned(4, "the time")
    return CommandResult(request, status, time, reader.sized("the payload"))


def encode_result(message: CommandResult) -> bytes:
    fixed = struct.pack(">BHBI", UpKind.RESULT, message.request, message.status, message.time)
    return fixed + bytes([len(message.payload)]) + message.payload


def read_status(reader: Reader, flags: int) -> Status:
    refuse_flags(reader, flags, 0)
    start = reader.offset
    status = Status(*_STATUS.unpack(reader.take(_STATUS.size, "the status")))
    if 100 < status.battery_percent < BATTERY_PERCENT_UNKNOWN:
        raise DecodeError(start + 6, f"the battery is at {status.battery_percent} %")
    return status


def encode_status(message: Status) -> bytes:
    return bytes([UpKind.STATUS]) + _STATUS.pack(
        message.time,
        message.battery_mv,
        message.battery_percent,
        message.signal,
        message.temperature,
    )


READERS: dict[int, Callable[[Reader, int], UpMessage]] = {
    UpKind.PROFILE: read_profile,
    UpKind.REGISTERS: read_registers,
    UpKind.EVENTS: read_events,
    UpKind.HELLO: read_hello,
    UpKind.RESULT: read_result,
    UpKind.ARCHIVE: read_archive,
    UpKind.STATUS: read_status,
    UpKind.EXTENSION: read_extension,
}
ENCODERS: dict[type, Callable[..., bytes]] = {
    IntervalProfile: encode_profile,
    RegisterSnapshot: encode_registers,
    Events: encode_events,
    Hello: encode_hello,
    CommandResult: encode_result,
    Status: encode_status,
    Extension: pack_extension,
}
