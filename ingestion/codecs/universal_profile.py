"""Interval profiles, one by one: the reference for the fast path, exact in its errors.

Layout: kind and flags, [request id u16], address, base time u32, interval (11 bits) and width
(5 bits), count u8, [options u8], [opening register 40 bits], [missing bitmap], increments of
`width` bits each, highest bit first. Everything up to the bitmap has a place that only the flags
decide.
"""

from __future__ import annotations

import struct

from .bits import MAX_WIDTH, pack_one, packed_size, unpack_one
from .errors import DecodeError
from .reader import Reader
from .universal_fields import WIDE, UpKind, pack_address, read_address, wide_needed
from .universal_messages import MAX_DIGITS_VALUE, MAX_INTERVAL, IntervalProfile

__all__ = [
    "MISSING",
    "NO_OPENING",
    "OPTIONS",
    "SIGNED",
    "encode_profile",
    "read_archive",
    "read_profile",
]

# Flags of the message, beside WIDE.
MISSING, OPTIONS, NO_OPENING = 1, 2, 8
# Highest bit of the options byte: increments are zigzag-coded (0, −1, 1, −2, …).
SIGNED = 0x80


def read_profile(reader: Reader, flags: int) -> IntervalProfile:
    return _read_profile(reader, flags, None)


def read_archive(reader: Reader, flags: int) -> IntervalProfile:
    return _read_profile(reader, flags, reader.unsigned(2, "the request id"))


def _read_profile(reader: Reader, flags: int, request: int | None) -> IntervalProfile:
    port, register = read_address(reader, wide=bool(flags & WIDE))
    base_time = _read_base_time(reader)
    interval, width = _read_step(reader)
    count = reader.within(1, 1, 255, "the count of values")
    options = reader.unsigned(1, "the options byte") if flags & OPTIONS else 0
    opening = None
    if not flags & NO_OPENING:
        opening = reader.within(5, 0, MAX_DIGITS_VALUE, "the opening register")
    missing = _read_bits(reader, 1, count, "the missing bitmap") if flags & MISSING else None
    values = _read_increments(reader, width, count, missing)
    if options & SIGNED:
        values = [None if value is None else _from_zigzag(value) for value in values]
    quality = options & ~SIGNED
    return IntervalProfile(
        port, register, base_time, interval, tuple(values), opening, quality, request
    )


def _read_base_time(reader: Reader) -> int:
    start = reader.offset
    base_time = reader.unsigned(4, "the base time")
    if not base_time:
        raise DecodeError(start, "the base time is 0; a profile needs a clock that was set")
    if base_time % 60:
        raise DecodeError(start, f"the base time {base_time} is not a whole minute")
    return base_time


def _read_step(reader: Reader) -> tuple[int, int]:
    start = reader.offset
    step = reader.unsigned(2, "interval and width")
    if not 1 <= step >> 5 <= MAX_INTERVAL:
        raise DecodeError(start, f"the interval is {step >> 5} minutes, not 1..{MAX_INTERVAL}")
    return step >> 5, step & MAX_WIDTH


def _read_bits(reader: Reader, width: int, count: int, what: str) -> list[int]:
    packed = reader.take(packed_size(width, count), what)
    spare = len(packed) * 8 - width * count
    if spare and packed[-1] & ((1 << spare) - 1):
        raise DecodeError(reader.offset - 1, f"the spare bits behind {what} are not 0")
    return unpack_one(packed, width, count)


def _read_increments(
    reader: Reader, width: int, count: int, missing: list[int] | None
) -> list[int | None]:
    start = reader.offset
    values: list[int | None] = [*_read_bits(reader, width, count, "the increments")]
    for place, gap in enumerate(missing or ()):
        if not gap:
            continue
        if values[place]:
            at = start + (place * width >> 3)
            raise DecodeError(at, f"value {place} is missing, but its bits are not 0")
        values[place] = None
    return values


def _from_zigzag(value: int) -> int:
    return value >> 1 ^ -(value & 1)


def _to_zigzag(value: int) -> int:
    return value * 2 if value >= 0 else -value * 2 - 1


def encode_profile(message: IntervalProfile) -> bytes:
    """Packed to the largest increment; signed only when an increment is negative."""
    present = [value for value in message.values if value is not None]
    signed = any(value < 0 for value in present)
    options = message.quality | (SIGNED if signed else 0)
    wide = wide_needed(message.port, message.register)
    gaps = len(present) < len(message.values)
    flags = MISSING * gaps | OPTIONS * bool(options) | WIDE * wide
    if message.opening is None:
        flags |= NO_OPENING
    raw = [0 if v is None else _to_zigzag(v) if signed else v for v in message.values]
    width = max(raw, default=0).bit_length()
    if width > MAX_WIDTH:
        raise ValueError(f"an increment needs {width} bits, a profile holds up to {MAX_WIDTH}")
    kind = UpKind.PROFILE if message.request is None else UpKind.ARCHIVE
    parts = [
        bytes([flags << 4 | kind]),
        b"" if message.request is None else message.request.to_bytes(2, "big"),
        pack_address(message.port, message.register, wide=wide),
        struct.pack(">IHB", message.base_time, message.interval << 5 | width, len(raw)),
        bytes([options]) if options else b"",
        b"" if message.opening is None else message.opening.to_bytes(5, "big"),
        pack_one([value is None for value in message.values], 1) if gaps else b"",
        pack_one(raw, width),
    ]
    return b"".join(parts)
