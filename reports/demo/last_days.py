"""The last days of the demo as frames: sealed by the modules, stored as the engine stores them.

So the newest values have what values from the field have: a raw frame each, counters, signs of
life.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from ingestion.emulator.meters import joined
from ingestion.events import BatchEvents
from ingestion.keeping import batch_for_loader
from ingestion.known import known_read
from ingestion.loader import Loader
from ingestion.models import Transport
from ingestion.models.frames import FRAMES
from ingestion.quarantine import Ledger
from ingestion.seen import Seen
from ingestion.settling import Received, prepare
from ingestion.shares import alone
from ingestion.transports.intake import Arrival, Batch
from meters.partitions import partitions_ensure

from .sending import MQTT, SPREAD, TCP, UDP, Voices

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from accounts.models import Company
    from ingestion.emulator.courier import Parcel
    from ingestion.emulator.meters import Message

__all__ = ["LAST_DAYS", "last_days_load"]

LAST_DAYS = 2
_TRANSPORTS = {UDP: Transport.UDP, TCP: Transport.TCP, MQTT: Transport.MQTT}
_HOUR = 3_600
# Reports of an hour come within this time after it; one batch stands for them.
_AFTER = 150


class _Nobody:
    """Where answers would go."""

    def __init__(self, code: int) -> None:
        self.code = code

    def acknowledge(self, arrivals: Sequence[Arrival], answers: Sequence[bytes | None]) -> None:
        return


class _Post:
    """Stores frames of the past, a batch a way and hour."""

    def __init__(self, voices: Voices) -> None:
        self.voices = voices
        self.known = known_read()
        self.loader, self.ledger, self.seen = Loader(), Ledger(), Seen()
        self.stored = 0

    def deliver(self, told: list[Message], at: int) -> None:
        """What modules told, received at an instant (Unix seconds)."""
        parcels = joined(told)
        for way, transport in _TRANSPORTS.items():
            mine = [parcel for parcel in parcels if self.voices.way[parcel.row] == way]
            if mine:
                self._store(
                    Batch(_Nobody(int(transport)), self._arrivals(mine), 0.0), at * 1_000_000
                )

    def _store(self, batch: Batch, at: int) -> None:
        done = prepare(Received(batch, at), self.known)
        work = done.work
        plan = batch_for_loader(
            work, done.collected, self.known, self.ledger, at, batch.transport.code
        )
        events = BatchEvents(done.messages, work, self.known, at)
        plan.batch.beside = events.store
        self.loader.load(plan.batch)
        events.announce()
        self.seen.note(work, done.messages, self.known, at)
        self.stored += len(work.new)

    def _arrivals(self, parcels: list[Parcel]) -> list[Arrival]:
        texts = [parcel.plaintext for parcel in parcels]
        _counters, frames = self.voices.stock.modules.seal([one.row for one in parcels], texts)
        return [Arrival(frame, "127.0.0.1", None) for frame in frames]


def last_days_load(
    companies: Sequence[Company], *, say: Callable[[datetime], None] | None = None
) -> int:
    """Tell everything from the end of the archive until now; how many frames were stored.

    Nothing happens while another process collects: its fleet then catches up by itself. Not inside
    a transaction.
    """
    today = datetime.now(UTC).date()
    partitions_ensure(FRAMES, first=today - timedelta(days=LAST_DAYS + 2), last=today)
    with alone() as nobody:
        voices = Voices(companies)
        if not nobody or not len(voices.stock.meters):
            return 0
        post = _Post(voices)
        first = int(voices.stock.meters.next_start.min()) // _HOUR + 1
        last = int(time.time()) // _HOUR
        for hour in range(first, last):
            # Twice a day at first, every hour of the last day: each report writes its blocks anew.
            if hour % 12 and hour < last - 24:
                continue
            post.deliver(voices.tell(hour * _HOUR), hour * _HOUR + _AFTER)
            if say is not None and hour % 12 == 0:
                say(datetime.fromtimestamp(hour * _HOUR, UTC))
        # Of the hour that ended last, only what has come by now; the fleet sends the rest.
        now = time.time()
        post.deliver(voices.tell(now, spread=SPREAD), int(now))
        while len(post.seen):
            with transaction.atomic():
                post.seen.write()
            post.seen.written()
        return post.stored
