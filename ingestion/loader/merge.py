"""Which of two values of one slot stays.

Rows: what is stored; columns: what arrives. "new" replaces what is stored, "old" keeps it.

| stored ↓ arrives → | estimated | questionable | derived | valid | edited |
|---|---|---|---|---|---|
| nothing      | new | new | new | new | new |
| estimated    | later | new | new | new | new |
| questionable | old | later | new | new | new |
| derived      | old | old | later | new | new |
| valid        | old | old | old | later | new |
| edited       | old | old | old | old | later |

"later": of two different values of the same quality the one received later stays. Equal values of
the same quality are a repeat: their device flags are united, and that is no change of the value.
A missing value never replaces anything. Whenever a stored value, or its quality, gives way, the
block as it was is kept as a revision; filling an empty slot makes none. So a device never undoes
what a person edited, and the result does not depend on the order in which values arrive, unless
two values of one quality contradict each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from meters.models import Quality, RevisionReason

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Bytes = NDArray[np.uint8]
    Mask = NDArray[np.bool_]

__all__ = ["RANK", "Merged", "merge"]

# Worth of each quality class, by its number; classes that are not known rank with missing.
RANK = np.zeros(8, np.uint8)
for _rank, _quality in enumerate(
    (
        Quality.MISSING,
        Quality.ESTIMATED,
        Quality.QUESTIONABLE,
        Quality.DERIVED,
        Quality.VALID,
        Quality.EDITED,
    )
):
    RANK[_quality] = _rank


class Merged(NamedTuple):
    """A cell each: value and quality as they stand now; taken: what arrived is stored;
    altered: the byte changed, be it only in its flags; reason: the `RevisionReason` of a stored
    value that gave way, 0 elsewhere."""

    value: Ints
    quality: Bytes
    taken: Mask
    altered: Mask
    reason: Bytes


def merge(value: Ints, quality: Bytes, arriving: Ints, arriving_quality: Bytes) -> Merged:
    """Let values that arrive meet those stored, cell by cell; missing ones are 0 / MISSING."""
    rank, new_rank = RANK[quality & 0x07], RANK[arriving_quality & 0x07]
    better = new_rank > rank
    level = (new_rank == rank) & (rank > 0)
    differs = value != arriving
    taken = better | level & differs
    united = np.where(level & ~differs, quality | arriving_quality, quality)
    new_quality = np.where(taken, arriving_quality, united)
    reason = np.where(better, RevisionReason.BETTER.value, RevisionReason.NEWER.value)
    reason[new_rank == RANK[Quality.EDITED]] = RevisionReason.EDITED.value
    return Merged(
        np.where(taken, arriving, value),
        new_quality,
        taken,
        taken | (new_quality != quality),
        np.where(taken & (rank > 0), reason, 0).astype(np.uint8),
    )
