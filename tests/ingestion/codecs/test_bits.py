"""Packed integers: the fast way equals the plain one at every width and length."""

from __future__ import annotations

import numpy as np
import pytest

from ingestion.codecs.bits import MAX_WIDTH, pack, pack_one, packed_size, unpack, unpack_one


@pytest.mark.parametrize("width", range(MAX_WIDTH + 1))
@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 24, 25, 255])
def test_fast_and_plain_agree(width: int, count: int) -> None:
    values = np.random.default_rng(width * 256 + count).integers(0, 1 << width, (5, count))
    values[0], values[1] = (1 << width) - 1, 0
    packed = pack(values, width)
    assert packed.shape == (5, packed_size(width, count))
    assert [row.tobytes() for row in packed] == [pack_one(row, width) for row in values.tolist()]
    np.testing.assert_array_equal(unpack(packed, width, count), values)
    assert [unpack_one(row.tobytes(), width, count) for row in packed] == values.tolist()


def test_bytes_behind_the_values_are_ignored() -> None:
    packed = pack(np.array([[1, 2, 3]]), 12)
    wide = np.concatenate([packed, np.full((1, 20), 0xFF, np.uint8)], axis=1)
    assert unpack(wide, 12, 3).tolist() == [[1, 2, 3]]
    assert unpack(wide[:, ::1], 12, 3).tolist() == [[1, 2, 3]]
    assert unpack(np.asfortranarray(np.repeat(wide, 3, axis=0)), 12, 3).tolist() == [[1, 2, 3]] * 3


def test_no_rows_and_no_width() -> None:
    assert unpack(np.zeros((0, 10), np.uint8), 7, 3).shape == (0, 3)
    assert unpack(np.zeros((2, 0), np.uint8), 0, 3).tolist() == [[0, 0, 0]] * 2
