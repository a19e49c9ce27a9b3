"""Which engine works for which devices, when several collect.

Device ids fall into a fixed number of shares (INGEST_SHARES). An engine works for the shares whose
advisory locks it holds, on the connection that it stores with: so every replay window has one
keeper, and whoever loses the connection loses its shares. Engines count each other by a lock that
all of them share; each takes its part of the shares and gives back what is above it.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from django.db import connection

from ingestion.codecs.universal_frame import MIN_FRAME_BYTES, VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

__all__ = ["Shares", "alone", "is_collecting", "shares_of", "shares_of_frames"]

# Advisory locks: the number of a share is the seed of the hash.
_SHARE, _ENGINES = "ingestion engine", "ingestion engines"
_TRY = "SELECT pg_try_advisory_lock(hashtextextended(%s, %s))"
_TRY_SHARED = "SELECT pg_try_advisory_lock_shared(hashtextextended(%s, %s))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtextextended(%s, %s))"
_COUNT = """
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND mode = 'ShareLock'
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND (classid::bigint << 32 | objid::bigint) = hashtextextended(%s, 0)
"""
# Fibonacci hashing (Knuth, TAOCP 6.4): ids that follow one another fall into all shares.
_MULTIPLIER = np.uint64(2_654_435_761)
_LOW = np.uint64(0xFFFF_FFFF)
# The device id is in bytes 1 to 8 of a frame; its lower half differs between modules of one maker.
_FROM, _TO = 5, 9


def shares_of(device: NDArray[np.uint64], count: int) -> NDArray[np.int64]:
    """Share of each device id, from 0 to count - 1."""
    hashed = (device & _LOW) * _MULTIPLIER & _LOW
    return (hashed >> np.uint64(16)).astype(np.int64) % count


def shares_of_frames(payloads: Sequence[bytes], count: int) -> NDArray[np.int64]:
    """Share of each frame, by the device id in its header; −1 for what has no header of ours.

    Messages of other protocols have no replay window: whoever gets one works on it.
    """
    foreign = [place for place, payload in enumerate(payloads) if not _has_header(payload)]
    low = b"".join([payload[_FROM:_TO].ljust(_TO - _FROM, b"\0") for payload in payloads])
    found = shares_of(np.frombuffer(low, ">u4").astype(np.uint64), count)
    found[foreign] = -1
    return found


def _has_header(payload: bytes) -> bool:
    return len(payload) >= MIN_FRAME_BYTES and payload[0] >> 5 == VERSION


class Shares:
    """The shares that one engine holds, of `count`."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.held: frozenset[int] = frozenset()
        self._registered: Any = None

    @property
    def all_held(self) -> bool:
        return len(self.held) == self.count

    def ours(self, device: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Which of these device ids are in the shares that are held."""
        if self.all_held:
            return np.ones(len(device), np.bool_)
        return np.isin(shares_of(device, self.count), sorted(self.held))

    @property
    def first(self) -> int:
        """The lowest share held; names the engine where each has one row."""
        return min(self.held, default=0)

    def balance(self) -> bool:
        """Take free shares up to our part, give back what is above it; whether any were taken.

        On Django's connection; nothing may be under way.
        """
        with connection.cursor() as cursor:
            if not self._register(cursor):
                return False
            cursor.execute(_COUNT, [_ENGINES])
            fair = -(-self.count // max(1, int(cursor.fetchone()[0])))
            for share in sorted(self.held, reverse=True)[: max(0, len(self.held) - fair)]:
                cursor.execute(_UNLOCK, [_SHARE, share])
                self.held -= {share}
            before = self.held
            for share in range(self.count):
                if len(self.held) < fair and share not in self.held and _try(cursor, share):
                    self.held |= {share}
        return self.held != before

    def _register(self, cursor: Any) -> bool:
        """Be counted; False while somebody wants no engine to work."""
        if self._registered is connection.connection:
            return True
        self.held = frozenset()
        cursor.execute(_TRY_SHARED, [_ENGINES, 0])
        if not cursor.fetchone()[0]:
            return False
        self._registered = connection.connection
        return True

    def is_lost(self) -> bool:
        """Whether the connection that held the locks is not Django's any more."""
        return self._registered is not connection.connection


def _try(cursor: Any, share: int) -> bool:
    cursor.execute(_TRY, [_SHARE, share])
    return bool(cursor.fetchone()[0])


@contextmanager
def alone() -> Iterator[bool]:
    """No engine works meanwhile, so the caller keeps the replay windows; False: some engine does."""
    with connection.cursor() as cursor:
        cursor.execute(_TRY, [_ENGINES, 0])
        [ours] = cursor.fetchone()
    try:
        yield bool(ours)
    finally:
        if ours:
            with connection.cursor() as cursor:
                cursor.execute(_UNLOCK, [_ENGINES, 0])


def is_collecting() -> bool:
    """Whether some engine works or stands by; the cache may be away or old, the lock is not."""
    with alone() as nobody:
        return not nobody
