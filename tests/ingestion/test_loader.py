"""What one batch does to the archive."""

from __future__ import annotations

import pytest
from ingestion.loader import LoadBatch, load
from tests.ingestion import archive

pytestmark = pytest.mark.django_db

KYIV = "Europe/Kyiv"
H = 3600


def test_a_day_of_hours_becomes_one_block() -> None:
    (channel,) = archive.channels()
    start = archive.day_of("2026-11-20")
    result = load(archive.batch((channel, start + h * H, 60, h) for h in range(24)))
    [(key, (interval, total, values, quality))] = archive.blocks().items()
    assert key[0] == channel and str(key[1]) == "2026-11-20"
    assert (interval, total, values, quality) == (60, sum(range(24)), list(range(24)), None)
    assert (result.stored, result.new_blocks, result.changed_blocks) == (24, 1, 0)


def test_late_values_fill_the_block_without_a_revision() -> None:
    (channel,) = archive.channels()
    start = archive.day_of("2026-11-20")
    for h in (5, 23, 0):
        load(archive.batch([(channel, start + h * H, 60, 100 + h)]))
    [(_, total, values, quality)] = archive.blocks().values()
    assert values == [100, *[None] * 4, 105, *[None] * 17, 123]
    assert total == 328 and quality is None and archive.revisions() == []


def test_a_changed_value_keeps_the_earlier_block() -> None:
    (channel,) = archive.channels()
    start = archive.day_of("2026-11-20")
    load(archive.batch([(channel, start, 60, 1), (channel, start + H, 60, 2)]))
    batch = LoadBatch(
        readings=archive.readings([(channel, start, 60, 7, 0, 0)]),
        frames=archive.frames(1),
        note="why",
        user_id=3,
    )
    result = load(batch)
    assert (result.stored, result.changed_blocks, result.revisions) == (1, 1, 1)
    [(_, _, values, quality, reason, frame)] = archive.revisions()
    assert values[:2] == [1, 2] and quality is None and reason == 1
    assert frame == result.frame_ids[0]
    [(_, total, values, _)] = archive.blocks().values()
    assert total == 9 and values[0] == 7
