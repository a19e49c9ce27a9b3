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

The table is `Precedence.LATER`, that of values as they come. A frame that was kept and is tried
again (`Precedence.STORED`) loses to what the device sent since: where the device's own value of the
same quality is stored, it stays. Values calculated again (`Precedence.RECALCULATED`) replace
whatever differs and is not edited, but a calculated value never what a device sent. The same holds,
under any precedence, for values derived from registers: they are worked out from all readings
around them, so an estimated one may take the place of a derived one that was worked out from fewer.

"later": of two different values of the same quality the one received later stays. Equal values of
the same quality are a repeat: their device flags are united, and that is no change of the value.
A missing value never replaces anything. Whenever a stored value, or its quality, gives way, the
block as it was is kept as a revision; filling an empty slot makes none. So a device never undoes
what a person edited, and the result does not depend on the order in which values arrive, unless
two values of one quality contradict each other.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from meters.models import Quality, RevisionReason

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Bytes = NDArray[np.uint8]
    Mask = NDArray[np.bool_]

__all__ = ["RANK", "Merged", "Precedence", "merge"]

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


# Classes that the server works out; the others come from a device or a person.
_CALCULATED = np.zeros(8, np.bool_)
_CALCULATED[[Quality.ESTIMATED, Quality.DERIVED]] = True


class Precedence(Enum):
    """Which rule decides between a stored value and one that arrives; see the top of this file."""

    LATER = "later"
    STORED = "stored"
    RECALCULATED = "recalculated"


class Merged(NamedTuple):
    """A cell each: value and quality as they stand now; taken: what arrived is stored;
    altered: the byte changed, be it only in its flags; reason: the `RevisionReason` of a stored
    value that gave way, 0 elsewhere; told: what a device or a person told took the place of an
    estimate, or of another value that was told, so that what is left of its stretch is another."""

    value: Ints
    quality: Bytes
    taken: Mask
    altered: Mask
    reason: Bytes
    told: Mask


def merge(
    value: Ints,
    quality: Bytes,
    arriving: Ints,
    arriving_quality: Bytes,
    precedence: Precedence = Precedence.LATER,
    *,
    derived: Mask | None = None,
) -> Merged:
    """Let values that arrive meet those stored, cell by cell; missing ones are 0 / MISSING.

    derived: which of those that arrive were derived from registers.
    """
    rank, new_rank = RANK[quality & 0x07], RANK[arriving_quality & 0x07]
    better = new_rank > rank
    level = (new_rank == rank) & (rank > 0)
    differs = value != arriving
    taken = better | level & differs
    if precedence is Precedence.STORED:
        taken &= ~level | _CALCULATED[arriving_quality & 0x07]
    elif precedence is Precedence.RECALCULATED:
        taken = _recalculated(quality, arriving_quality, differs)
    again = np.zeros(len(taken), np.bool_)
    if derived is not None and bool(derived.any()):
        anew = _recalculated(quality, arriving_quality, differs) & _CALCULATED[quality & 0x07]
        again = derived & anew & ~taken
        taken = taken | again
    united = np.where(level & ~differs, quality | arriving_quality, quality)
    new_quality = np.where(taken, arriving_quality, united)
    reason = np.where(better, RevisionReason.BETTER.value, RevisionReason.NEWER.value)
    reason[new_rank == RANK[Quality.EDITED]] = RevisionReason.EDITED.value
    if precedence is Precedence.RECALCULATED:
        again[:] = True
    reason[again] = RevisionReason.RECALCULATED.value
    gave_way = taken & (rank > 0)
    return Merged(
        np.where(taken, arriving, value),
        new_quality,
        taken,
        taken | (new_quality != quality),
        np.where(gave_way, reason, 0).astype(np.uint8),
        _told(gave_way, quality, arriving_quality, differs, derived),
    )


def _told(
    gave_way: Mask, quality: Bytes, arriving: Bytes, differs: Mask, derived: Mask | None
) -> Mask:
    if not bool(gave_way.any()):
        return gave_way
    old, new = quality & 0x07, arriving & 0x07
    found = (
        gave_way & ~_CALCULATED[new] & ((old == Quality.ESTIMATED) | ~_CALCULATED[old] & differs)
    )
    return np.asarray(found if derived is None else found & ~derived)


def _recalculated(quality: Bytes, arriving: Bytes, differs: Mask) -> Mask:
    old, new = quality & 0x07, arriving & 0x07
    changed = (differs | (old != new)) & (RANK[new] > 0)
    intruding = _CALCULATED[new] & ~_CALCULATED[old] & (RANK[old] > 0)
    return np.asarray(changed & (old != Quality.EDITED) & ~intruding)
