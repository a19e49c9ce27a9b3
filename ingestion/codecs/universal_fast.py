"""Readers of the fast path: many messages that begin with the same byte, as columns.

Each takes a cursor, that first byte and the messages, adds columns to the cursor, and gives the
frames that have more behind the message. Whatever breaks a rule is given up, never judged here:
the reference path says what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .bits import MAX_WIDTH, READ_AHEAD, packed_size, unpack
from .columns import NONE, Events, Intervals, Registers, Statuses
from .universal_fields import WIDE, UpKind
from .universal_front import Cursor, Front, grouped
from .universal_layouts import (
    EVENT_HEAD,
    STATUS,
    event_layout,
    profile_layout,
    register_head,
    register_layout,
)
from .universal_messages import BATTERY_PERCENT_UNKNOWN, MAX_DIGITS_VALUE, MAX_INTERVAL, MODULE_PORT
from .universal_profile import MISSING, NO_OPENING, OPTIONS, SIGNED
from .universal_up import NARROW_MODULE_PORT, WIDE_VALUES

__all__ = ["FAST_READERS"]


def read_profiles(cursor: Cursor, first: int, front: Front) -> list[Front]:
    layout = profile_layout(first)
    front = cursor.fitting(front, layout.itemsize)
    heads = cursor.records(layout, front.start)
    good = _good_heads(heads, first >> 4)
    if not bool(good.all()):
        front, heads = cursor.keep(front, good), heads[good]
    return [
        _read_equal_counts(cursor, first, front.take(rows), heads[rows], count)
        for count, rows in grouped(heads["count"])
    ]


def _good_heads(heads: NDArray[Any], flags: int) -> NDArray[np.bool_]:
    base_time = heads["base_time"].astype(np.int64)
    interval = heads["step"] >> 5
    good: NDArray[np.bool_] = (base_time > 0) & (base_time % 60 == 0) & (heads["count"] > 0)
    good &= (interval > 0) & (interval <= MAX_INTERVAL)
    if not flags & NO_OPENING:
        good &= _forty_bits(heads) <= MAX_DIGITS_VALUE
    return good


def _forty_bits(records: NDArray[Any]) -> NDArray[np.int64]:
    high: NDArray[np.int64] = records["opening_high"].astype(np.int64)
    high <<= 32
    high |= records["opening_low"]
    return high


def _read_equal_counts(
    cursor: Cursor, first: int, front: Front, heads: NDArray[Any], count: int
) -> Front:
    """Profiles that agree in flags and count; their columns are made once, for all widths."""
    width = (heads["step"] & MAX_WIDTH).astype(np.int64)
    bitmap = packed_size(1, count) if first >> 4 & MISSING else 0
    size = heads.dtype.itemsize + bitmap + (width * count + 7 >> 3)
    fits = front.start + size <= front.end
    if not bool(fits.all()):
        front, heads, width, size = cursor.keep(front, fits), heads[fits], width[fits], size[fits]
    values = np.empty((front.size, count), np.int64)
    missing = np.zeros((front.size, count), np.bool_)
    good = np.ones(front.size, np.bool_)
    body = front.start + heads.dtype.itemsize
    if bitmap:
        bits_set, good = _read_bits(cursor, body, 1, count)
        missing = bits_set.astype(np.bool_)
    for bits, rows in grouped(width):
        values[rows], clear = _read_bits(cursor, body[rows] + bitmap, bits, count)
        good[rows] &= clear
    if bitmap:
        good &= ~(missing & (values != 0)).any(axis=1)
    if not bool(good.all()):
        front, heads, size = cursor.keep(front, good), heads[good], size[good]
        values, missing = values[good], missing[good]
    _add_profiles(cursor, first, front, heads, values, missing)
    return front.after(size)


def _read_bits(
    cursor: Cursor, starts: NDArray[np.int64], width: int, count: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Values packed at these places, and whether the bits behind the last one are 0."""
    size = packed_size(width, count)
    rows = cursor.rows(size + READ_AHEAD, starts)
    spare = size * 8 - width * count
    clear = np.ones(len(rows), np.bool_)
    if spare:
        clear = rows[:, size - 1] & ((1 << spare) - 1) == 0
    return unpack(rows, width, count), clear


def _add_profiles(
    cursor: Cursor,
    first: int,
    front: Front,
    heads: NDArray[Any],
    values: NDArray[np.int64],
    missing: NDArray[np.bool_],
) -> None:
    flags, length = first >> 4, front.size
    options = heads["options"] if flags & OPTIONS else np.zeros(length, np.uint8)
    signed = options & SIGNED != 0
    if bool(signed.any()):
        values = np.where(signed[:, None], values >> 1 ^ -(values & 1), values)
    request = np.full(length, NONE, np.int32)
    if first & 0x0F == UpKind.ARCHIVE:
        request = heads["request"].astype(np.int32)
    opening = np.full(length, NONE, np.int64) if flags & NO_OPENING else _forty_bits(heads)
    part = Intervals(
        *cursor.places(front),
        *_addresses(heads, flags),
        heads["base_time"].astype(np.int64),
        (heads["step"] >> 5).astype(np.int32),
        opening,
        options & np.uint8(0x7F),
        request,
        values,
        missing,
    )
    cursor.parts[part.count].append(part)


def _addresses(records: NDArray[Any], flags: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    if flags & WIDE:
        return records["port"].astype(np.int32), records["register"].astype(np.int32)
    packed = records["address"].astype(np.int32)
    return packed >> 5, packed & 31


def read_registers(cursor: Cursor, first: int, front: Front) -> list[Front]:
    flags = first >> 4
    if flags & ~(WIDE_VALUES | OPTIONS | WIDE):
        cursor.given_up[front.frame] = True
        return []
    head, entry = register_head(flags), register_layout(flags)
    following = []
    for kept, heads, entries in _entries(cursor, front, head, entry):
        value = entries["value"] if flags & WIDE_VALUES else _forty_bits(entries)
        quality = heads["quality"] if flags & OPTIONS else np.zeros(len(heads), np.uint8)
        good = quality <= 0x7F
        if not flags & WIDE_VALUES:
            good &= (value <= MAX_DIGITS_VALUE).all(axis=1)
        kept, count, flat = cursor.keep(kept, good), entries.shape[1], entries[good].ravel()
        frame, offset = cursor.places(kept)
        port, register = _addresses(flat, flags)
        part = Registers(
            frame.repeat(count),
            offset.repeat(count),
            heads["time"][good].astype(np.int64).repeat(count),
            port,
            register,
            value[good].astype(np.int64).ravel(),
            quality[good].repeat(count),
        )
        cursor.parts[Registers].append(part)
        following.append(kept.after(head.itemsize + count * entry.itemsize))
    return following


def read_events(cursor: Cursor, first: int, front: Front) -> list[Front]:
    flags = first >> 4
    if flags & ~WIDE:
        cursor.given_up[front.frame] = True
        return []
    entry = event_layout(flags)
    following = []
    for kept, _, entries in _entries(cursor, front, EVENT_HEAD, entry):
        count, flat = entries.shape[1], entries.ravel()
        port = flat["port"].astype(np.int32)
        if not flags & WIDE:
            port[port == NARROW_MODULE_PORT] = MODULE_PORT
        frame, offset = cursor.places(kept)
        part = Events(
            frame.repeat(count),
            offset.repeat(count),
            flat["time"].astype(np.int64),
            port,
            flat["code"].astype(np.int32),
            flat["detail"].astype(np.int32),
        )
        cursor.parts[Events].append(part)
        following.append(kept.after(EVENT_HEAD.itemsize + count * entry.itemsize))
    return following


def _entries(
    cursor: Cursor, front: Front, head: np.dtype[np.void], entry: np.dtype[np.void]
) -> list[tuple[Front, NDArray[Any], NDArray[Any]]]:
    """Messages of a head with a count and that many entries: by count, entries as a table."""
    front = cursor.fitting(front, head.itemsize)
    counts = cursor.records(head, front.start)["count"]
    front = cursor.keep(front, counts > 0)
    found = []
    for count, rows in grouped(counts[counts > 0]):
        kept = cursor.fitting(front.take(rows), head.itemsize + count * entry.itemsize)
        places = kept.start[:, None] + (head.itemsize + np.arange(count) * entry.itemsize)
        heads = cursor.records(head, kept.start)
        found.append((kept, heads, cursor.records(entry, places)))
    return found


def read_statuses(cursor: Cursor, first: int, front: Front) -> list[Front]:
    if first >> 4:
        cursor.given_up[front.frame] = True
        return []
    front = cursor.fitting(front, STATUS.itemsize)
    records = cursor.records(STATUS, front.start)
    percent = records["battery_percent"]
    good = (percent <= 100) | (percent == BATTERY_PERCENT_UNKNOWN)
    front, records = cursor.keep(front, good), records[good]
    part = Statuses(
        *cursor.places(front),
        records["time"].astype(np.int64),
        records["battery_mv"].astype(np.int32),
        percent[good].astype(np.int32),
        records["signal"].astype(np.int32),
        records["temperature"].astype(np.int32),
    )
    cursor.parts[Statuses].append(part)
    return [front.after(STATUS.itemsize)]


FAST_READERS: dict[int, Callable[[Cursor, int, Front], list[Front]]] = {
    UpKind.PROFILE: read_profiles,
    UpKind.ARCHIVE: read_profiles,
    UpKind.REGISTERS: read_registers,
    UpKind.EVENTS: read_events,
    UpKind.STATUS: read_statuses,
}
