"""The fast path equals the reference on everything, and neither raises anything of its own."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.codecs import universal_messages as m
from ingestion.codecs.errors import DecodeError
from ingestion.codecs.universal import decode, encode
from ingestion.codecs.universal_batch import decode_batch
from ingestion.codecs.universal_frame import Direction
from ingestion.codecs.universal_rows import decode_one_by_one

from .messages import OF, assert_equal, mutated, plaintexts

NOON = 1_767_268_800


@settings(max_examples=150, deadline=None)
@given(st.lists(plaintexts(), max_size=12))
def test_batch_equals_reference(batch: list[bytes]) -> None:
    assert_equal(decode_batch(batch), decode_one_by_one(batch))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=80), max_size=8))
def test_batch_of_noise_equals_reference(batch: list[bytes]) -> None:
    assert_equal(decode_batch(batch), decode_one_by_one(batch))


def good_plaintexts(direction: Direction) -> list[bytes]:
    """Every kind and flag at least a few times."""
    found: list[bytes] = []

    @settings(max_examples=300, deadline=None, derandomize=True, database=None)
    @given(OF[direction])
    def collect(message: m.Message) -> None:
        found.append(encode([message], direction))

    collect()
    return found


def mutation_run(direction: Direction, count: int, seed: int) -> tuple[int, int]:
    """Good and refused among `count` mutated plaintexts; anything but DecodeError comes out."""
    generator = random.Random(seed)
    samples = [plain for plain in good_plaintexts(direction) if len(plain) < 120]
    good = 0
    for _ in range(count):
        try:
            decode(mutated(generator.choice(samples), generator), direction)
        except DecodeError:
            continue
        good += 1
    return good, count - good


@pytest.mark.parametrize(
    ("direction", "count"), [(Direction.UP, 900_000), (Direction.DOWN, 900_000)]
)
def test_mutations_give_decode_errors_only(direction: Direction, count: int) -> None:
    good, refused = mutation_run(direction, count, seed=1)
    assert good > 6_500
    assert refused > 65_000


def batch_mutation_run(count: int, seed: int, *, size: int = 5_000) -> tuple[int, int]:
    """The same for the fast path, compared with the reference."""
    generator = random.Random(seed)
    samples = [plain for plain in good_plaintexts(Direction.UP) if len(plain) < 300]
    refused = 0
    for _ in range(count // size):
        batch = [mutated(generator.choice(samples), generator) for _ in range(size)]
        decoded = decode_batch(batch)
        assert_equal(decoded, decode_one_by_one(batch))
        refused += len(decoded.errors)
    return count - refused, refused


def test_mutated_batches_equal_reference() -> None:
    good, refused = batch_mutation_run(200_000, seed=2)
    assert good > 3_400
    assert refused > 34_000


@pytest.mark.faults
def test_two_million_mutations() -> None:
    assert sum(batch_mutation_run(1_000_000, seed=3)) == 1_000_000
    for direction in Direction:
        assert sum(mutation_run(direction, 500_000, seed=4)) == 500_000


def test_empty_batch() -> None:
    decoded = decode_batch([])
    assert (decoded.frames, decoded.intervals, decoded.errors) == (0, (), ())
    assert len(decoded.registers) == len(decoded.events) == len(decoded.statuses) == 0


def test_one_bad_frame_costs_no_other_one() -> None:
    good = encode([m.IntervalProfile(0, 0, NOON, 60, (1, 2, 3), 10)])
    batch = [good] * 2_500 + [good[:-1]] + [good] * 2_499
    decoded = decode_batch(batch)
    assert [frame for frame, _ in decoded.errors] == [2_500]
    (intervals,) = decoded.intervals
    assert len(intervals) == 4_999
    assert int(intervals.values.sum()) == 4_999 * 6


def test_bad_message_takes_back_the_good_ones_before_it() -> None:
    """A frame is in the errors or gives rows, never both."""
    good = encode([m.IntervalProfile(0, 0, NOON, 60, (1,), 10), m.Status(NOON)])
    decoded = decode_batch([good + b"\x0c", good])
    assert [frame for frame, _ in decoded.errors] == [0]
    assert decoded.intervals[0].frame.tolist() == [1]
    assert decoded.statuses.frame.tolist() == [1]


def test_rows_keep_the_order_of_frames_and_messages() -> None:
    many = [m.IntervalProfile(0, 0, NOON, 60, (value,), 10) for value in (1, 300, 2, 70_000, 0)]
    batch = [encode(many[:3]), encode(many[3:]), encode(many)]
    (intervals,) = decode_batch(batch).intervals
    assert intervals.frame.tolist() == [0] * 3 + [1] * 2 + [2] * 5
    assert intervals.values[:, 0].tolist() == [1, 300, 2, 70_000, 0, 1, 300, 2, 70_000, 0]
    assert (np.diff(intervals.offset[:3]) > 0).all()


def test_frame_of_many_messages_is_read_whole() -> None:
    plain = encode([m.Status(NOON + number) for number in range(100)])
    decoded = decode_batch([plain, plain])
    assert decoded.statuses.time.tolist() == [NOON + number for number in range(100)] * 2
