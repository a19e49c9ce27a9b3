"""Values of a time that has not come yet: the device's clock is wrong, and they are marked so.

They are stored where the device says, as far ahead as the archive takes them, never moved: as
questionable, with the flag of a wrong clock, so that whatever is measured at that time replaces
them, and no consumption is worked out from such registers. Beyond that, and before what the
archive keeps, the loader refuses them (`Reason.OUT_OF_TIME`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from meters.models import DeviceFlag, Quality

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ingestion.values import Collected

    Ints = NDArray[np.int64]

__all__ = ["AHEAD_SECONDS", "flag_ahead"]

# Clocks that are set by acknowledgements are seconds off; this is none of those.
AHEAD_SECONDS = 300
# Each quality byte of a value that is told too early.
_DOUBTED = np.arange(256, dtype=np.uint8) | np.uint8(DeviceFlag.CLOCK)
_DOUBTED[(_DOUBTED & 0x07) == Quality.VALID] |= np.uint8(Quality.QUESTIONABLE)


def flag_ahead(collected: Collected, received_at: Ints | int) -> None:
    """received_at: Unix microseconds, of all frames or of each one."""
    for readings in collected.readings:
        readings.quality = _flagged(readings.start, readings.quality, readings.frame, received_at)
    for registers in collected.registers:
        registers.quality = _flagged(registers.at, registers.quality, registers.frame, received_at)
    for parts in collected.parts:
        parts.quality = _flagged(parts.start, parts.quality, parts.frame, received_at)


def _flagged(
    time: Ints,
    quality: NDArray[np.uint8],
    frame: NDArray[np.int32] | Ints,
    received_at: Ints | int,
) -> NDArray[np.uint8]:
    if not len(time):
        return quality
    received = received_at if isinstance(received_at, int) else received_at[frame]
    ahead = time > received // 1_000_000 + AHEAD_SECONDS
    return np.where(ahead, _DOUBTED[quality], quality) if bool(ahead.any()) else quality
