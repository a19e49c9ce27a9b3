"""Counting what is refused, and deciding which of it is kept, so that a flood costs little.

Every frame is counted: by reason and device where the device is known, by reason and network of
origin (/24, /48) where it is not. How many frames are kept is bounded per network and altogether;
what would be kept but is not was never acknowledged either, so a real device sends it again.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import connection

from ingestion.events import events_announce, refusals_store
from ingestion.models import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["NEVER_DATA", "REPLAYABLE", "Kept", "Ledger", "Place", "Tokens", "network_of"]

# What can become data once the device, its key or its type is entered.
REPLAYABLE = frozenset(
    {
        Reason.UNKNOWN_DEVICE,
        Reason.NO_KEY,
        Reason.WRONG_KEY,
        Reason.BLOCKED,
        Reason.FOREIGN_SOURCE,
        Reason.UNDECODABLE,
        Reason.TOO_SLOW,
        Reason.NO_METER,
        Reason.NO_REGISTER,
        Reason.NO_CHANNEL,
        Reason.NOT_INSTALLED,
        Reason.OFF_GRID,
    }
)
# What is no data and never will be; kept only to be looked at.
NEVER_DATA = frozenset({Reason.MALFORMED, Reason.REPLAYED})
# Unknown devices listed by name for each network in so much time; the rest is counted together.
_NAMED = 200
_NAMED_SECONDS = 3_600.0
_PLACES = 50_000


@lru_cache(maxsize=50_000)
def network_of(source: str) -> str:
    """The network of an address as people count origins: /24 of IPv4, /48 of IPv6."""
    try:
        address = ipaddress.ip_address(source.partition("%")[0])
    except ValueError:
        return ""
    prefix = 24 if address.version == 4 else 48
    return str(ipaddress.ip_network((address, prefix), strict=False))


@dataclass(slots=True)
class Tokens:
    """So many at once, so many a second afterwards."""

    burst: float
    rate: float
    left: float = field(init=False)
    at: float = 0.0

    def __post_init__(self) -> None:
        self.left = self.burst

    def peek(self, now: float) -> float:
        """How many there are."""
        return min(self.burst, self.left + max(0.0, now - self.at) * self.rate)

    def take(self, wanted: int, now: float) -> int:
        """How many of `wanted` there are; they are gone then."""
        self.left = self.peek(now)
        self.at = now
        given = min(wanted, int(self.left))
        self.left -= given
        return given


class Place(NamedTuple):
    """What is counted together. module: 0 where it is unknown; then device or network tell."""

    reason: Reason
    module: int = 0
    company: int = 0
    device: str = ""
    network: str = ""


class Kept(NamedTuple):
    """A raw frame: its id and when it was received, in microseconds."""

    id: int
    received_at: int


@dataclass(slots=True)
class _Count:
    count: int = 0
    kept: int = 0
    first_at: int = 0
    last_at: int = 0
    detail: str = ""
    frame: Kept | None = None


class Ledger:
    """Counts that are not yet written. One engine thread uses it."""

    def __init__(self) -> None:
        self._counts: dict[Place, _Count] = {}
        self._events: list[int] = []
        self._named: dict[str, set[str]] = {}
        self._named_since = time.monotonic()
        self._everything = Tokens(burst=5_000, rate=500)
        self._networks: dict[tuple[str, bool], Tokens] = {}

    def __len__(self) -> int:
        return len(self._counts)

    def place(self, reason: Reason, device: str, network: str) -> Place:
        """Where a frame of an unknown device is counted."""
        named = self._named.setdefault(network, set())
        if device and device not in named and len(named) < _NAMED:
            named.add(device)
        return Place(reason, device=device if device in named else "", network=network)

    def room(self, wanted: int, *, reason: Reason, network: str, now: float) -> int:
        """How many frames of a network may be kept now; fewer of those that never become data."""
        key = (network, reason in REPLAYABLE)
        tokens = self._networks.get(key)
        if tokens is None:
            if len(self._networks) >= _PLACES:
                self._networks.clear()
            burst, rate = (2_000, 100) if key[1] else (20, 0.2)
            tokens = self._networks[key] = Tokens(burst, rate)
        return self._everything.take(tokens.take(wanted, now), now)

    def add(
        self, place: Place, count: int, at: int, *, detail: str = "", kept: Sequence[Kept] = ()
    ) -> None:
        """Count frames; at: Unix microseconds."""
        row = self._counts.setdefault(place, _Count(first_at=at))
        row.count += count
        row.kept += len(kept)
        row.last_at = at
        row.detail = detail or row.detail
        row.frame = kept[-1] if kept else row.frame

    def totals(self) -> Iterator[tuple[Reason, int]]:
        """Reason and count of everything not yet written."""
        return ((place.reason, row.count) for place, row in self._counts.items())

    def write(self) -> None:
        """Add the counts to the table; in the transaction of the caller. Then `written`."""
        if not self._counts:
            return
        rows = [_row(place, count) for place, count in self._counts.items()]
        counts = {place: (row.count, row.last_at) for place, row in self._counts.items()}
        self._events = refusals_store(counts)
        with connection.cursor() as cursor:
            cursor.executemany(_WRITE, rows)

    def written(self) -> None:
        """The transaction of `write` has committed."""
        events_announce(self._events)
        self._events = []
        self._counts.clear()
        if time.monotonic() - self._named_since > _NAMED_SECONDS or len(self._named) > _PLACES:
            self._named.clear()
            self._named_since = time.monotonic()


_WRITE = """
INSERT INTO ingestion_quarantine AS q (reason, module_id, company_id, device, network, detail,
    count, kept, waiting, first_at, last_at, last_frame, last_frame_at)
VALUES (%s, (SELECT id FROM meters_telemetrymodule WHERE id = %s),
    (SELECT id FROM accounts_company WHERE id = %s), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (reason, module_id, device, network) DO UPDATE SET
    count = q.count + excluded.count, kept = q.kept + excluded.kept,
    waiting = q.waiting + excluded.waiting,
    last_at = greatest(q.last_at, excluded.last_at),
    detail = coalesce(nullif(excluded.detail, ''), q.detail),
    last_frame = coalesce(excluded.last_frame, q.last_frame),
    last_frame_at = coalesce(excluded.last_frame_at, q.last_frame_at),
    resolved_at = NULL
"""


def _row(place: Place, count: _Count) -> tuple[Any, ...]:
    frame = count.frame
    return (
        place.reason,
        place.module or None,
        place.company or None,
        place.device,
        place.network,
        count.detail[:300],
        count.count,
        count.kept,
        0 if place.reason in NEVER_DATA else count.kept,
        _time(count.first_at),
        _time(count.last_at),
        frame.id if frame else None,
        _time(frame.received_at) if frame else None,
    )


def _time(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / 1_000_000, UTC)
