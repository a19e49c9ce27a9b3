"""When modules were last heard, and what they said of themselves: written every few seconds at most,
a piece at a time, so that no batch waits long for what the batches before it left to note.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from ingestion.codecs.universal_messages import BATTERY_PERCENT_UNKNOWN, SIGNAL_UNKNOWN
from meters.wire import Column, bigints, cursor

if TYPE_CHECKING:
    from ingestion.codecs.columns import Batch
    from ingestion.pipeline import Known, Work

__all__ = ["Seen"]

# Modules of a piece; it takes about a tenth of a second.
_PIECE = 20_000
_POSTGRES_EPOCH = 946_684_800_000_000
# Arrays without NULLs are quicker to send: these stand for "not told".
_NO_BATTERY, _NO_SIGNAL = -1, 32_767
_NOTES = f"""
SELECT module, at, nullif(battery, {_NO_BATTERY}) AS battery, nullif(signal, {_NO_SIGNAL}) AS signal
FROM unnest(%s, %s, %s, %s) u(module, at, battery, signal)
"""
# One look-up a module, in the order of the table.
_BEGIN = """
SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)
"""
_UPDATE = f"""
UPDATE meters_modulestate m SET
    last_seen_at = greatest(m.last_seen_at, s.at),
    battery_percent = coalesce(s.battery, m.battery_percent),
    signal_dbm = coalesce(s.signal, m.signal_dbm)
FROM ({_NOTES}) s WHERE m.module_id = s.module
"""
# Of modules heard for the first time; a module may have been deleted meanwhile.
_INSERT = f"""
INSERT INTO meters_modulestate (module_id, last_seen_at, battery_percent, signal_dbm)
SELECT s.* FROM ({_NOTES}) s JOIN meters_telemetrymodule m ON m.id = s.module
ON CONFLICT DO NOTHING
"""


class Seen:
    """What is not yet written, by module."""

    def __init__(self) -> None:
        self._at: dict[int, int] = {}
        self._battery: dict[int, int] = {}
        self._signal: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._at)

    def note(self, work: Work, batch: Batch, known: Known, at: int) -> None:
        """Modules whose frames were authentic; at: Unix microseconds."""
        modules = known.devices.module[work.row[work.new]]
        self._at.update(dict.fromkeys(modules.tolist(), at))
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
        """The next piece, in the transaction of the caller; then `written`."""
        modules = sorted(self._piece())
        if not modules:
            return
        at = [self._at[module] for module in modules]
        columns: list[Any] = [
            bigints(np.array(modules)),
            Column(np.array(at) - _POSTGRES_EPOCH, 1185, 1184, ">i8"),
            _smallints([self._battery.get(module, _NO_BATTERY) for module in modules]),
            _smallints([self._signal.get(module, _NO_SIGNAL) for module in modules]),
        ]
        with cursor() as run:
            run.execute(_BEGIN)
            run.execute(_UPDATE, columns)
            if run.rowcount < len(modules):
                run.execute(_INSERT, columns)

    def written(self) -> None:
        """Forget the piece that `write` wrote."""
        for module in self._piece():
            del self._at[module]
            self._battery.pop(module, None)
            self._signal.pop(module, None)

    def _piece(self) -> list[int]:
        return list(islice(self._at, _PIECE))


def _smallints(values: list[int]) -> Column:
    return Column(np.array(values, np.int16), 1005, 21, ">i2")
