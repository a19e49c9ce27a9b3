"""The last days of the demo as frames: sealed by the modules, stored by the engine.

So the newest values have what values from the field have: a raw frame each, counters, signs of life.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from django.db import connection, transaction

from ingestion.emulator.meters import joined
from ingestion.engine import Engine
from ingestion.models import Transport
from ingestion.models.frames import FRAMES
from ingestion.transports.intake import Arrival, Batch, Intake
from meters.partitions import partitions_ensure

from .sending import MQTT, TCP, UDP, Voices

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from accounts.models import Company
    from ingestion.emulator.courier import Parcel

__all__ = ["LAST_DAYS", "last_days_load"]

LAST_DAYS = 2
_TRANSPORTS = {UDP: Transport.UDP, TCP: Transport.TCP, MQTT: Transport.MQTT}
_HOUR = 3_600
# Reports of an hour come within this time after it; one batch stands for them.
_AFTER = 150


class _Sink:
    """A way that frames came by; nobody waits for the answers."""

    def acknowledge(self, arrivals: Sequence[Arrival], answers: Sequence[bytes | None]) -> None:
        return


def last_days_load(
    companies: Sequence[Company], *, say: Callable[[datetime], None] | None = None
) -> int:
    """Tell everything from the end of the archive until now; how many frames were stored.

    Nothing happens while another process collects: its fleet then catches up by itself.
    """
    voices = Voices(companies)
    today = datetime.now(UTC).date()
    partitions_ensure(FRAMES, first=today - timedelta(days=LAST_DAYS + 2), last=today)
    sinks = {way: _Sink() for way in _TRANSPORTS}
    codes = {id(sinks[way]): int(transport) for way, transport in _TRANSPORTS.items()}
    engine = Engine(Intake(), codes=codes)
    try:
        if not engine.take_up() or not len(voices.stock.meters):
            return 0
        first = int(voices.stock.meters.next_start.min()) // _HOUR + 1
        for hour in range(first, int(time.time() - _AFTER) // _HOUR + 1):
            _hour(engine, voices, sinks, hour * _HOUR)
            if say is not None and hour % 12 == 0:
                say(datetime.fromtimestamp(hour * _HOUR, UTC))
        with transaction.atomic():
            engine.seen.write()
        return engine.figures.stored
    finally:
        # With the connection the engine's lock goes.
        connection.close()


def _hour(engine: Engine, voices: Voices, sinks: dict[int, _Sink], at: int) -> None:
    parcels = joined(voices.tell(at))
    for way, sink in sinks.items():
        mine = [parcel for parcel in parcels if voices.way[parcel.row] == way]
        if mine:
            batch = Batch(sink, _arrivals(voices, mine), 0.0)
            engine.store(batch, (at + _AFTER) * 1_000_000)


def _arrivals(voices: Voices, parcels: list[Parcel]) -> list[Arrival]:
    rows = [parcel.row for parcel in parcels]
    _counters, frames = voices.stock.modules.seal(rows, [parcel.plaintext for parcel in parcels])
    return [Arrival(frame, "127.0.0.1", None) for frame in frames]
