"""Days of interval channels as the archive holds them now; read only."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from django.db import connection

from meters.blocks import MISSING

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

__all__ = ["Cells", "blocks_stored"]

_STORED = """
SELECT channel_id, day, meters_block_values(small, "values", wide), quality
FROM meters_interval_block WHERE day = ANY(%s) AND channel_id = ANY(%s)
    AND day >= %s AND day <= %s
"""


class Cells(NamedTuple):
    """Slots of a day: values, and their quality bytes; a missing value is 0."""

    value: NDArray[np.int64]
    quality: NDArray[np.uint8]

    def listed(self) -> list[int | None]:
        missing = (self.quality & 0x07) == MISSING
        return [
            None if gone else value
            for value, gone in zip(self.value.tolist(), missing.tolist(), strict=True)
        ]


def blocks_stored(days: set[date], channels: set[int]) -> dict[tuple[int, date], Cells]:
    """(channel, day) → values and qualities as they stand."""
    found: dict[tuple[int, date], Cells] = {}
    if not days:
        return found
    with connection.cursor() as cursor:
        cursor.execute(_STORED, [list(days), list(channels), min(days), max(days)])
        for channel, day, values, quality in cursor.fetchall():
            missing = np.array([value is None for value in values])
            worth = np.where(missing, MISSING, 0).astype(np.uint8)
            if quality is not None:
                worth = np.frombuffer(bytes(quality), np.uint8)
            numbers = np.array([value or 0 for value in values], np.int64)
            found[channel, day] = Cells(numbers, worth)
    return found
