"""The binary forms of blocks: what COPY is given comes back as it was."""

from __future__ import annotations

import numpy as np
import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meters.blocks import MISSING, Blocks, copy_rows, read_arrays
from meters.wire import Column, bigints, copy, cursor
from tests.ingestion import archive

WIDTHS = st.sampled_from([2**15 - 1, 2**31 - 1, 2**52 - 1])


@st.composite
def _block(draw: st.DrawFn) -> list[int | None]:
    limit = draw(WIDTHS)
    length = draw(st.sampled_from([1, 3, 24]))
    value = st.integers(-limit - 1, limit)
    return draw(st.lists(st.none() | value, min_size=length, max_size=length))


def _blocks(lists: list[list[int | None]]) -> Blocks:
    count = len(lists)
    flat = [value for values in lists for value in values]
    return Blocks(
        np.arange(count) + 10**9,
        np.full(count, 20_760),
        np.full(count, 60),
        np.array([len(values) for values in lists], np.int64),
        np.array([value or 0 for value in flat], np.int64),
        np.array([MISSING if value is None else 0 for value in flat], np.uint8),
    )


@pytest.mark.django_db
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_block(), min_size=1, max_size=6))
def test_blocks_survive_the_way_there_and_back(lists: list[list[int | None]]) -> None:
    archive.clean()
    with transaction.atomic(), cursor() as run:
        copy(run, "meters_interval_block", copy_rows(_blocks(lists)))
        run.execute(
            'SELECT small, "values", wide FROM meters_interval_block ORDER BY channel_id',
            binary=True,
        )
        result = run.pgresult
        pieces = [
            next(filter(None, (result.get_value(row, column) for column in range(3))))
            for row in range(result.ntuples)
        ]
    lengths, value, present = read_arrays(pieces)
    back = np.split(np.where(present, value, 10**18), np.cumsum(lengths)[:-1])
    assert [[None if v == 10**18 else v for v in row.tolist()] for row in back] == lists
    assert [(block[1], block[2]) for block in archive.blocks().values()] == [
        (sum(filter(None, values)), values) for values in lists
    ]


def test_taking_some_blocks_takes_their_cells() -> None:
    blocks = _blocks([[1, 2, 3], [4], [None, 6, 7]])
    taken = blocks.take(np.array([2, 0]))
    assert taken.value.tolist() == [0, 6, 7, 1, 2, 3]
    assert taken.quality.tolist() == [MISSING, 0, 0, 0, 0, 0]
    assert blocks.any(blocks.quality == MISSING).tolist() == [False, False, True]


def test_nothing_makes_no_rows() -> None:
    assert copy_rows(_blocks([])) == []
    assert [len(column) for column in read_arrays([])] == [0, 0, 0]


@pytest.mark.django_db
def test_array_parameters() -> None:
    with cursor() as run:
        wanted = np.array([1, -(2**63), 2**63 - 1])
        assert run.execute("SELECT %s", (bigints(wanted),)).fetchone() == (wanted.tolist(),)
        assert run.execute("SELECT %s", (bigints(wanted[:0]),)).fetchone() == ([],)
        both = (bigints(wanted), Column(np.array([7]), 1007, 23, ">i4"))
        assert run.execute("SELECT %s, %s", both).fetchone() == (wanted.tolist(), [7])
