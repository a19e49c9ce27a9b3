"""Random writes against a plain model in dictionaries: values, qualities, revisions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.loader import load
from meters.models import Quality, RevisionReason
from tests.ingestion import archive

pytestmark = pytest.mark.django_db
ORDER = [
    Quality.MISSING,
    Quality.ESTIMATED,
    Quality.QUESTIONABLE,
    Quality.DERIVED,
    Quality.VALID,
    Quality.EDITED,
]
CHANNELS, SLOTS = 2, 6
# Few different cells and values, so that they meet often; a range of widths.
VALUES = st.sampled_from([0, 1, 2, 40_000, 10**12 - 1, -7])
BYTES = st.builds(
    lambda cls, flags: cls | flags, st.sampled_from(ORDER), st.sampled_from([0, 8, 64])
)
ROWS = st.tuples(st.integers(0, CHANNELS - 1), st.integers(0, 2 * SLOTS - 1), VALUES, BYTES)
BATCHES = st.lists(st.lists(ROWS, min_size=1, max_size=14), min_size=1, max_size=6)


class Model:
    """The archive as it should be, one value after another."""

    def __init__(self) -> None:
        self.cells: dict[tuple[int, int], dict[int, tuple[int, int]]] = {}
        self.revisions: dict[tuple[int, int], list[list[tuple[int, int] | None]]] = {}

    def load(self, rows: list[tuple[int, int, int, int]]) -> None:
        for turn in _turns(rows):
            before = {key: dict(cells) for key, cells in self.cells.items()}
            changed = {
                (channel, slot // SLOTS)
                for channel, slot, value, quality in turn
                if self._put((channel, slot // SLOTS), slot % SLOTS, value, quality)
            }
            for key in changed:
                earlier = [before[key].get(slot) for slot in range(SLOTS)]
                self.revisions.setdefault(key, []).append(earlier)

    def _put(self, key: tuple[int, int], slot: int, value: int, quality: int) -> bool:
        """Whether a stored value gave way."""
        cells = self.cells.setdefault(key, {})
        if slot not in cells:
            cells[slot] = (value, quality)
            return False
        old_value, old_quality = cells[slot]
        old_rank, rank = ORDER.index(old_quality & 7), ORDER.index(quality & 7)
        if rank == old_rank and value == old_value:
            cells[slot] = (value, old_quality | quality)
            return False
        if rank < old_rank:
            return False
        cells[slot] = (value, quality)
        return True


def _turns(rows: list[tuple[int, int, int, int]]) -> list[list[tuple[int, int, int, int]]]:
    """Each with one row a cell at most; repeats of the row before in the same cell left out."""
    per_cell: dict[tuple[int, int], list[tuple[int, int, int, int]]] = {}
    for row in rows:
        if row[3] & 7 == Quality.MISSING:
            continue
        seen = per_cell.setdefault(row[:2], [])
        if not seen or seen[-1] != row:
            seen.append(row)
    depth = max(map(len, per_cell.values()), default=0)
    return [[seen[n] for seen in per_cell.values() if len(seen) > n] for n in range(depth)]


def _batch(ids: list[int], start: int, rows: list[tuple[int, int, int, int]]) -> Any:
    # Slots of four hours, so a day has six.
    return archive.batch(
        (ids[channel], start + slot * 4 * 3600, 240, value, quality)
        for channel, slot, value, quality in rows
    )


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(batches=BATCHES)
def test_random_writes_end_as_the_model_says(batches: list[Any]) -> None:
    archive.clean()
    ids, start, model = archive.channels(count=CHANNELS), archive.day_of("2026-11-02"), Model()
    for rows in batches:
        result = load(_batch(ids, start, rows))
        assert result.stored + result.repeated + result.missing == len(rows)
        model.load(rows)
    expected = {key: cells for key, cells in model.cells.items() if cells}
    found = {
        (ids.index(channel), (day.day - 2)): _cells(values, quality)
        for (channel, day), (_, _, values, quality) in archive.blocks().items()
    }
    assert found == expected
    kept: dict[Any, list[Any]] = {}
    for row in archive.revisions():
        key = (ids.index(row[0]), row[1].day - 2)
        kept.setdefault(key, []).append([_cells(row[2], row[3]).get(n) for n in range(SLOTS)])
    assert kept == model.revisions
    for _, total, values, quality in archive.blocks().values():
        assert total == sum(filter(None, values))
        assert quality is None or set(quality) - {Quality.VALID, Quality.MISSING}
    assert {row[4] for row in archive.revisions()} <= set(RevisionReason.values)


def _cells(values: list[int | None], quality: bytes | None) -> dict[int, tuple[int, int]]:
    qualities = quality if quality is not None else bytes(len(values))
    return {
        slot: (value, qualities[slot]) for slot, value in enumerate(values) if value is not None
    }


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cuts=st.lists(st.integers(0, 72), max_size=4), seed=st.integers())
def test_shuffled_and_repeated_values_leave_the_same_bytes(cuts: list[int], seed: int) -> None:
    """Each slot has one measured value and perhaps an estimate; three times each, any order."""
    ids, start = archive.channels(count=2), archive.day_of("2026-11-02")
    rows = [
        row
        for channel in ids
        for h in range(30)
        for row in (
            (channel, start + h * 3600, 60, h * 1000, 8 if h % 5 == 0 else 0),
            (channel, start + h * 3600, 60, h, Quality.ESTIMATED),
        )[: 1 + h % 2]
    ]
    archive.clean()
    load(archive.batch(rows))
    plain = archive.dump()
    archive.clean()
    shuffled = [rows[n] for n in np.random.default_rng(abs(seed)).permutation(len(rows) * 3) // 3]
    for part in np.split(np.arange(len(shuffled)), sorted({cut * 3 for cut in cuts})):
        load(archive.batch([shuffled[n] for n in part]))
    assert archive.dump() == plain
