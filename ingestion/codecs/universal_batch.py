"""The fast path: a batch of plaintexts of modules to columns, without a loop over frames.

All plaintexts are laid end to end. In each round the message at the front of every frame is read:
messages with the same first byte (and, for profiles, the same width and count) have their fields
at the same places, so each field of all of them is one array. Frames move on by the length of the
message until they end. A frame that holds a rarer kind, or breaks a rule, is left to the reference
path (`universal`), which gives its messages or its exact error: the two always agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from .columns import Batch, Columns, Events, Registers, Statuses
from .universal_fast import FAST_READERS
from .universal_front import Cursor, Front, grouped
from .universal_rows import Collected

__all__ = ["decode_batch"]

# Messages of one frame that the fast path follows; a frame with more goes to the reference.
_ROUNDS = 12

_AnyColumns = TypeVar("_AnyColumns", bound=Columns)


def decode_batch(plaintexts: Sequence[bytes]) -> Batch:
    """Columns of the plaintexts of one batch. Bad frames are in `errors`; nothing is raised."""
    cursor = Cursor(plaintexts)
    front = cursor.front()
    for _ in range(_ROUNDS):
        if not front.size:
            break
        front = _round(cursor, front)
    cursor.given_up[front.frame] = True
    return _batch(cursor, plaintexts)


def _round(cursor: Cursor, front: Front) -> Front:
    """Read the message at the front of each frame; give the frames that have more."""
    following = [front.take(np.zeros(0, np.int64))]
    for first, rows in grouped(cursor.bytes[front.start]):
        chosen = front.take(rows)
        read = FAST_READERS.get(first & 0x0F)
        if read is None:
            cursor.given_up[chosen.frame] = True
        else:
            following += read(cursor, first, chosen)
    return Front(*(np.concatenate(arrays) for arrays in zip(*following, strict=True)))


def _batch(cursor: Cursor, plaintexts: Sequence[bytes]) -> Batch:
    """The rows of the fast path, and those of the frames it gave up by the reference path."""
    collected = Collected()
    for frame in np.flatnonzero(cursor.given_up).tolist():
        collected.add_frame(frame, plaintexts[frame])
    rest = collected.batch(len(plaintexts))
    slow = {part.count: part for part in rest.intervals}
    counts = sorted({*slow, *(key for key in cursor.parts if isinstance(key, int))})
    intervals = (_merged(cursor, count, slow.get(count)) for count in counts)
    return Batch(
        len(plaintexts),
        tuple(part for part in intervals if len(part)),
        _merged(cursor, Registers, rest.registers),
        _merged(cursor, Events, rest.events),
        _merged(cursor, Statuses, rest.statuses),
        rest.messages,
        rest.errors,
    )


def _merged(cursor: Cursor, key: Any, rest: _AnyColumns | None) -> Any:
    """In order, without what was read of frames that were given up later."""
    parts: list[Any] = []
    if key in cursor.parts:
        fast = type(cursor.parts[key][0]).concatenate(cursor.parts[key])
        given_up = cursor.given_up[fast.frame]
        parts.append(fast.take(~given_up) if bool(given_up.any()) else fast)
    if rest is not None and (len(rest) or not parts):
        parts.append(rest)
    return type(parts[0]).concatenate(parts).in_order()
