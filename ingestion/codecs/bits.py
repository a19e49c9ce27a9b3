"""Unsigned integers of 0 to 31 bits, packed back to back with the highest bit first.

`unpack` and `pack` work on whole batches (one row a frame). Reading each value out of the 32- or
64-bit word it lies in was the fastest of six ways measured: 0.05 µs for 24 values of 7 bits,
against 0.5 µs by `numpy.unpackbits`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["MAX_WIDTH", "READ_AHEAD", "pack", "pack_one", "packed_size", "unpack", "unpack_one"]

MAX_WIDTH = 31
# Rows that are wider than their values by this much are read in place, without a padded copy.
READ_AHEAD = 8
# A value of up to 25 bits lies within 32 bits wherever in a byte it starts.
_WIDEST_IN_32 = 25


def packed_size(width: int, count: int) -> int:
    """Bytes that `count` values of `width` bits take."""
    return (width * count + 7) >> 3


def unpack(rows: NDArray[np.uint8], width: int, count: int) -> NDArray[np.int64]:
    """Values (rows × count) of C-contiguous rows; what stands behind them in a row is ignored."""
    length = len(rows)
    if not width or not count or not length:
        return np.zeros((length, count), np.int64)
    rows = _with_read_ahead(rows, packed_size(width, count) + READ_AHEAD)
    size, word = (4, ">u4") if width <= _WIDEST_IN_32 else (8, ">u8")
    native = np.dtype(word).newbyteorder("=")
    # Words at every byte of a row: they overlap and are not aligned, so they are indexed once.
    words = np.ndarray((length, rows.shape[1] - size + 1), word, rows, 0, (rows.shape[1], 1))
    starts = np.arange(count) * width
    values = words[:, starts >> 3].astype(native)
    values >>= (size * 8 - width - (starts & 7)).astype(native)
    values &= native.type((1 << width) - 1)
    return values.astype(np.int64)


def _with_read_ahead(rows: NDArray[np.uint8], needed: int) -> NDArray[np.uint8]:
    if rows.shape[1] >= needed and rows.flags.c_contiguous:
        return rows
    padded = np.zeros((len(rows), needed), np.uint8)
    padded[:, : rows.shape[1]] = rows[:, :needed]
    return padded


def pack(values: NDArray[np.int64], width: int) -> NDArray[np.uint8]:
    """Rows of bytes for rows of values, each below 2^width; spare bits at the end are 0."""
    length, count = values.shape
    if not width or not count or not length:
        return np.zeros((length, packed_size(width, count)), np.uint8)
    word = ">u1" if width <= 8 else ">u2" if width <= 16 else ">u4"
    wide = np.ascontiguousarray(values.astype(word)).view(np.uint8)
    bits = np.unpackbits(wide, axis=1).reshape(length, count, -1)[:, :, -width:]
    return np.packbits(bits.reshape(length, count * width), axis=1)


def unpack_one(packed: bytes, width: int, count: int) -> list[int]:
    """The plain way, for one row: what the fast one is checked against."""
    whole, bits, mask = int.from_bytes(packed, "big"), len(packed) * 8, (1 << width) - 1
    return [whole >> (bits - width * (place + 1)) & mask for place in range(count)]


def pack_one(values: Sequence[int], width: int) -> bytes:
    """The plain way to pack one row."""
    whole = 0
    for value in values:
        whole = whole << width | value
    size = packed_size(width, len(values))
    return (whole << (size * 8 - width * len(values))).to_bytes(size, "big")
