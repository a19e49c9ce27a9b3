"""Each cell of the table of `ingestion.loader.merge`."""

from __future__ import annotations

import numpy as np
import pytest

from ingestion.loader.merge import RANK, Merged, merge
from meters.models import DeviceFlag, Quality, RevisionReason

ORDER = [
    Quality.MISSING,
    Quality.ESTIMATED,
    Quality.QUESTIONABLE,
    Quality.DERIVED,
    Quality.VALID,
    Quality.EDITED,
]
NEWER, BETTER, EDITED = RevisionReason.NEWER, RevisionReason.BETTER, RevisionReason.EDITED
# stored, arrives, whether a different value replaces it, and the reason of the revision.
TABLE = [
    (stored, arrives, ORDER.index(arrives) >= ORDER.index(stored) and arrives != Quality.MISSING)
    for stored in ORDER
    for arrives in ORDER
]


def _merged(
    value: int, quality: int, arriving: int, arriving_quality: int, *, derived: bool = False
) -> Merged:
    return merge(
        np.array([value]),
        np.array([quality], np.uint8),
        np.array([arriving]),
        np.array([arriving_quality], np.uint8),
        derived=np.array([derived]),
    )


def _one(value: int, quality: int, arriving: int, arriving_quality: int) -> tuple[int, ...]:
    """Without what it means for other intervals."""
    return tuple(
        int(column[0]) for column in _merged(value, quality, arriving, arriving_quality)[:5]
    )


def _reason(stored: int, arrives: int) -> int:
    if stored == Quality.MISSING:
        return 0
    if arrives == Quality.EDITED:
        return EDITED
    return NEWER if stored == arrives else BETTER


def test_the_table_is_whole() -> None:
    assert len(TABLE) == 36 and sum(replaces for *_, replaces in TABLE) == 5 + 15
    assert RANK[6] == RANK[7] == RANK[Quality.MISSING] == 0


@pytest.mark.parametrize(("stored", "arrives", "replaces"), TABLE)
def test_different_values(stored: int, arrives: int, replaces: bool) -> None:
    old = 0 if stored == Quality.MISSING else 5
    new = 0 if arrives == Quality.MISSING else 6
    expected = (
        (new, arrives, 1, 1, _reason(stored, arrives)) if replaces else (old, stored, 0, 0, 0)
    )
    assert _one(old, stored, new, arrives) == expected


@pytest.mark.parametrize("stored", ORDER[1:])
@pytest.mark.parametrize("arrives", ORDER[1:])
def test_equal_values(stored: int, arrives: int) -> None:
    better = ORDER.index(arrives) > ORDER.index(stored)
    reason = _reason(stored, arrives) if better else 0
    quality = arrives if better else stored
    assert _one(5, stored, 5, arrives) == (5, quality, better, better, reason)


@pytest.mark.parametrize("stored", ORDER)
@pytest.mark.parametrize("arrives", ORDER)
@pytest.mark.parametrize("derived", [False, True])
def test_the_rest_is_another_after_an_estimate_or_a_told_value_gave_way(
    stored: int, arrives: int, derived: bool
) -> None:
    calculated = (Quality.ESTIMATED, Quality.DERIVED)
    asked = ORDER.index(arrives) >= ORDER.index(stored) and arrives not in calculated
    expected = asked and not derived and stored not in (Quality.MISSING, Quality.DERIVED)
    assert bool(_merged(5, stored, 6, arrives, derived=derived).told[0]) == expected
    # The same value told better is the rest's affair only where it was an estimate.
    same = expected and stored == Quality.ESTIMATED
    assert bool(_merged(5, stored, 5, arrives, derived=derived).told[0]) == same


def test_flags_of_repeats_are_united_without_a_revision() -> None:
    clock, tamper = DeviceFlag.CLOCK, DeviceFlag.TAMPER
    assert _one(5, clock, 5, tamper) == (5, clock | tamper, 0, 1, 0)
    assert _one(5, clock | tamper, 5, clock) == (5, clock | tamper, 0, 0, 0)


def test_flags_of_a_value_that_loses_are_dropped() -> None:
    assert _one(5, Quality.VALID, 5, Quality.ESTIMATED | DeviceFlag.TAMPER) == (5, 0, 0, 0, 0)


def test_a_true_zero_is_no_missing_value() -> None:
    assert _one(0, Quality.MISSING, 0, Quality.VALID) == (0, Quality.VALID, 1, 1, 0)
