"""When modules were last heard, and what they said of themselves: one update a second at most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import connection

from ingestion.codecs.universal_messages import BATTERY_PERCENT_UNKNOWN, SIGNAL_UNKNOWN

if TYPE_CHECKING:
    from ingestion.codecs.columns import Batch
    from ingestion.pipeline import Known, Work

__all__ = ["Seen"]

_WRITE = """
UPDATE meters_telemetrymodule m SET
    last_seen_at = greatest(m.last_seen_at, to_timestamp(s.at)),
    battery_percent = coalesce(s.battery, m.battery_percent),
    signal_dbm = coalesce(s.signal, m.signal_dbm)
FROM (SELECT DISTINCT ON (module) * FROM
    unnest(%s::bigint[], %s::float8[], %s::smallint[], %s::smallint[])
    u(module, at, battery, signal) ORDER BY module) s
WHERE m.id = s.module
"""


class Seen:
    """What is not yet written, by module."""

    def __init__(self) -> None:
        self._at: dict[int, float] = {}
        self._battery: dict[int, int] = {}
        self._signal: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._at)

    def note(self, work: Work, batch: Batch, known: Known, at: int) -> None:
        """Modules whose frames were authentic; at: Unix microseconds."""
        modules = known.devices.module[work.row[work.new]]
        self._at.update(dict.fromkeys(modules.tolist(), at / 1_000_000))
        told = batch.statuses
        for place, battery, signal in zip(
            told.frame.tolist(), told.battery_percent.tolist(), told.signal.tolist(), strict=True
        ):
            module = int(modules[place])
            if battery != BATTERY_PERCENT_UNKNOWN:
                self._battery[module] = battery
            if signal != SIGNAL_UNKNOWN:
                self._signal[module] = signal

    def write(self) -> None:
        """In the transaction of the caller; then `written`."""
        modules = sorted(self._at)
        columns: list[Any] = [
            modules,
            [self._at[module] for module in modules],
            [self._battery.get(module) for module in modules],
            [self._signal.get(module) for module in modules],
        ]
        if modules:
            with connection.cursor() as cursor:
                cursor.execute(_WRITE, columns)

    def written(self) -> None:
        self._at.clear()
        self._battery.clear()
        self._signal.clear()
