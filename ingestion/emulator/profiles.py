"""Load profiles: what households and businesses use, by season, kind of day and hour.

Made up for the emulator from how people live; no measured curve stands behind the numbers. Amounts
are exact integers of the smallest unit (Wh, litre); their mean is what the year's amount asks for.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

__all__ = ["SHAPES", "Calendar", "Shape", "amounts", "calendar"]

_HOURS_A_YEAR = 8_766
_SATURDAY = 5


class Shape(NamedTuple):
    """yearly: smallest units in a year, from and to; weekday, weekend: the hours of a day; months:
    January to December; spread: how even the hours are (1 = bursts, 20 = nearly the mean)."""

    yearly: tuple[int, int]
    weekday: tuple[int, ...]
    weekend: tuple[int, ...]
    months: tuple[int, ...]
    spread: float


_EVEN_YEAR = (100,) * 12
SHAPES: dict[str, Shape] = {
    "electricity.household": Shape(
        (1_100_000, 3_200_000),
        (5, 4, 4, 4, 4, 5, 8, 11, 10, 8, 7, 7, 8, 8, 8, 8, 10, 13, 17, 19, 19, 16, 12, 8),
        (7, 5, 4, 4, 4, 4, 5, 7, 10, 13, 13, 13, 13, 12, 11, 11, 12, 14, 17, 18, 18, 16, 12, 9),
        (122, 116, 106, 96, 88, 84, 84, 86, 92, 102, 110, 120),
        2.5,
    ),
    "electricity.business": Shape(
        (18_000_000, 60_000_000),
        (3, 3, 3, 3, 3, 4, 7, 12, 17, 19, 20, 20, 18, 19, 19, 18, 16, 13, 9, 6, 5, 4, 3, 3),
        (3, 3, 3, 3, 3, 3, 3, 4, 5, 6, 6, 6, 6, 5, 5, 5, 4, 4, 4, 4, 3, 3, 3, 3),
        (112, 110, 104, 96, 94, 98, 96, 92, 98, 98, 100, 106),
        9.0,
    ),
    "cold_water": Shape(
        (28_000, 96_000),
        (4, 4, 1, 1, 4, 12, 36, 48, 36, 24, 20, 20, 24, 20, 16, 16, 24, 36, 44, 48, 44, 32, 20, 8),
        (8, 4, 4, 1, 1, 4, 12, 28, 44, 48, 44, 36, 32, 28, 24, 24, 28, 32, 40, 44, 40, 32, 20, 12),
        (92, 94, 96, 98, 102, 110, 114, 110, 100, 96, 94, 92),
        0.45,
    ),
    "hot_water": Shape(
        (18_000, 60_000),
        (4, 1, 1, 1, 4, 16, 40, 44, 28, 16, 12, 12, 16, 12, 12, 12, 20, 32, 44, 52, 52, 36, 20, 8),
        (4, 4, 1, 1, 1, 4, 12, 28, 44, 44, 36, 28, 24, 20, 16, 16, 24, 32, 44, 48, 48, 36, 20, 8),
        (116, 114, 108, 102, 94, 84, 78, 80, 92, 104, 110, 116),
        0.45,
    ),
    "gas": Shape(
        (90_000, 240_000),
        (2, 2, 2, 2, 3, 6, 11, 12, 9, 7, 7, 8, 9, 7, 6, 6, 8, 11, 14, 13, 11, 8, 5, 3),
        (3, 2, 2, 2, 2, 4, 7, 10, 12, 11, 10, 10, 11, 9, 8, 8, 9, 11, 13, 12, 10, 8, 5, 4),
        (160, 152, 128, 98, 74, 62, 58, 60, 72, 96, 114, 126),
        1.2,
    ),
    "heat": Shape(
        (3_000_000, 7_500_000),
        (9, 9, 9, 10, 11, 13, 14, 13, 11, 10, 9, 9, 9, 9, 9, 10, 11, 12, 12, 12, 11, 10, 9, 9),
        (9, 9, 9, 9, 10, 11, 13, 13, 12, 11, 10, 10, 9, 9, 10, 10, 11, 12, 12, 12, 11, 10, 9, 9),
        (255, 232, 180, 80, 0, 0, 0, 0, 0, 65, 160, 228),
        14.0,
    ),
}


class Calendar(NamedTuple):
    """Of each interval: local hour, whether the day is free, place in the year in months (0 to 12)."""

    hour: Ints
    weekend: NDArray[np.bool_]
    month: Floats


def calendar(starts: Ints, zone: str) -> Calendar:
    """starts: Unix seconds."""
    where = ZoneInfo(zone)
    local = [datetime.fromtimestamp(start, UTC).astimezone(where) for start in starts.tolist()]
    return Calendar(
        np.array([one.hour for one in local], np.int64),
        np.array([one.weekday() >= _SATURDAY for one in local], np.bool_),
        np.array([one.month - 1 + (one.day - 1) / 31 for one in local], np.float64),
    )


@lru_cache(maxsize=32)
def _curves(shape: Shape) -> tuple[Floats, Floats]:
    """Two days of hours, and the months, each with a mean of 1 over a year."""
    days = np.array([shape.weekday, shape.weekend], np.float64)
    days /= (5 * days[0].mean() + 2 * days[1].mean()) / 7
    months = np.array(shape.months, np.float64)
    return days, months / months.mean()


def expected(shape: Shape, when: Calendar) -> Floats:
    """The mean of each interval, as a multiple of the mean of the year."""
    days, months = _curves(shape)
    # A month's number holds in its middle; between the middles lies a straight line.
    place = when.month - 0.5
    low = np.floor(place).astype(np.int64)
    part = place - low
    season = months[low % 12] * (1 - part) + months[(low + 1) % 12] * part
    return np.asarray(days[when.weekend.astype(np.int64), when.hour] * season)


def amounts(
    shape: Shape, yearly: Floats, when: Calendar, interval: int, chance: np.random.Generator
) -> Ints:
    """What meters (rows) use in intervals (columns) of so many minutes.

    Every number is drawn on its own, so one interval more or less changes none of the others of the
    same row; what is drawn is rounded up or down by chance, so that the mean stays.
    """
    mean = yearly[:, None] / _HOURS_A_YEAR * interval / 60 * expected(shape, when)[None, :]
    drawn = mean * chance.gamma(shape.spread, 1 / shape.spread, mean.shape)
    return np.floor(drawn + chance.random(mean.shape)).astype(np.int64)
