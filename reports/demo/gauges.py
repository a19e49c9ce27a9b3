"""What meters show beside what they count: flow, pressure, temperature, voltage, hour by hour."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from django.db import connection

from ingestion.register_numbers import standard_number

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from .town import Town

    Ints = NDArray[np.int64]

__all__ = ["Gauges", "gauges_read"]

_CHANNELS = """
SELECT c.usage_point_id, c.id, t.code FROM meters_channel c
JOIN meters_readingtype t ON t.id = c.reading_type_id
WHERE c.usage_point_id = ANY(%s) AND t.accumulation = 'instantaneous' AND c.interval_minutes = 60
ORDER BY c.id
"""
# Middle and how far from it, in units of the archive (0.1 V, mbar, 0.01 °C).
_RANGES = {
    "electricity.voltage.l1": (2_310, 45),
    "cold_water.pressure": (4_200, 350),
    "gas.pressure": (25, 3),
    "gas.temperature": (1_150, 320),
    "hot_water.temperature": (5_600, 260),
    "heat.temperature.flow": (7_600, 420),
    "heat.temperature.return": (5_100, 260),
}
# What follows from the hour's amount: it × numerator ÷ denominator.
_OF_AMOUNT = {
    "cold_water.flow": (1, 1),
    "hot_water.flow": (1, 1),
    "gas.flow": (1, 1),
    "heat.power": (1, 1),
    # Water cooled by 20 K gives up 23 Wh a litre.
    "heat.flow": (1, 23),
}


class _Gauge(NamedTuple):
    row: int
    channel: int
    code: str
    number: int


class Gauges:
    """Gauges of a town's meters with hourly counters; `row` is that of the town."""

    def __init__(self, town: Town, found: list[_Gauge]) -> None:
        self.town = town
        self.row = np.array([one.row for one in found], np.int64)
        self.channel = np.array([one.channel for one in found], np.int64)
        self.number = [one.number for one in found]
        self.code = [one.code for one in found]

    def __len__(self) -> int:
        return len(self.row)

    def values(self, day: date) -> Ints:
        """Gauges × hours of a local day, the same however often it is asked."""
        return _values(self, day)


@lru_cache(maxsize=8)
def _values(gauges: Gauges, day: date) -> Ints:
    town, codes = gauges.town, np.array(gauges.code)
    chance = np.random.default_rng([town.seed, day.toordinal(), 7])
    made = town.increments(day)[gauges.row]
    drawn = chance.triangular(-1.0, 0.0, 1.0, made.shape)
    for code, (middle, spread) in _RANGES.items():
        chosen = codes == code
        made[chosen] = middle + np.rint(drawn[chosen] * spread).astype(np.int64)
    for code, (up, down) in _OF_AMOUNT.items():
        chosen = codes == code
        made[chosen] = made[chosen] * up // down
    made.flags.writeable = False
    return made


def gauges_read(town: Town) -> Gauges:
    """Those that the demo has numbers for; meters with half-hours have none."""
    row_of = {
        point: row for row, point in enumerate(town.point.tolist()) if town.interval[row] == 60
    }
    with connection.cursor() as cursor:
        cursor.execute(_CHANNELS, [list(row_of)])
        rows = cursor.fetchall()
    found = []
    for point, channel, code in rows:
        number = standard_number(code)
        if number is not None and (code in _RANGES or code in _OF_AMOUNT):
            found.append(_Gauge(row_of[point], channel, code, number))
    return Gauges(town, found)
