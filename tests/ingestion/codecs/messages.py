"""Hypothesis strategies for messages, mutated plaintexts, and the comparison of batches."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import strategies as st

from ingestion.codecs import universal_messages as m
from ingestion.codecs.universal import encode
from ingestion.codecs.universal_frame import MAX_COUNTER, Direction, Key

if TYPE_CHECKING:
    import random

    from ingestion.codecs.columns import Batch, Columns

U8, U16, U32 = st.integers(0, 255), st.integers(0, 0xFFFF), st.integers(0, 0xFFFF_FFFF)
I8, I32 = st.integers(-128, 127), st.integers(-(2**31), 2**31 - 1)
MINUTES = st.integers(1, 0xFFFF_FFFF // 60).map(lambda minute: minute * 60)
PORTS = st.integers(0, 7) | U16
REGISTERS = st.integers(0, 31) | U8
TWELVE_DIGITS = st.integers(0, m.MAX_DIGITS_VALUE)
QUALITIES = st.sampled_from([0, 0, 1, 5, 127])


@st.composite
def profiles(draw: st.DrawFn, *, largest: int = 255) -> m.IntervalProfile:
    bits = draw(st.integers(0, 31))
    low = -(1 << bits >> 1) if draw(st.booleans()) else 0
    value = st.integers(low, max(0, (1 << bits) - 1 + low))
    if draw(st.booleans()):
        value = value | st.none()
    return m.IntervalProfile(
        draw(PORTS),
        draw(REGISTERS),
        draw(MINUTES),
        draw(st.integers(1, m.MAX_INTERVAL)),
        tuple(draw(st.lists(value, min_size=1, max_size=largest))),
        draw(st.none() | TWELVE_DIGITS),
        draw(QUALITIES),
        draw(st.none() | U16),
    )


def snapshots() -> st.SearchStrategy[m.RegisterSnapshot]:
    values = TWELVE_DIGITS | st.integers(-(2**63), 2**63 - 1)
    rows = st.lists(st.builds(m.RegisterValue, PORTS, REGISTERS, values), min_size=1, max_size=20)
    return st.builds(m.RegisterSnapshot, U32, rows.map(tuple), QUALITIES)


def events() -> st.SearchStrategy[m.Events]:
    ports = st.sampled_from([0, 3, 254, 255, 256, 65534, 65535])
    rows = st.lists(st.builds(m.Event, U32, ports, U16, I32), min_size=1, max_size=20)
    return st.builds(m.Events, rows.map(tuple))


def hellos() -> st.SearchStrategy[m.Hello]:
    nonce = st.none() | st.binary(min_size=8, max_size=8)
    return st.builds(
        m.Hello, U32, U32, st.tuples(U8, U8, U8), U16, I8, U16, U16, st.booleans(), nonce
    )


def statuses() -> st.SearchStrategy[m.Status]:
    return st.builds(m.Status, U32, U16, st.integers(0, 100) | st.just(255), I8, I8)


RESULTS = st.builds(m.CommandResult, U16, U8, U32, st.binary(max_size=255))
EXTENSIONS = st.builds(m.Extension, U8, st.binary(max_size=255))
UP = st.one_of(profiles(), snapshots(), events(), hellos(), RESULTS, statuses(), EXTENSIONS)
FAST = st.one_of(profiles(largest=30), profiles(largest=30), snapshots(), events(), statuses())


@st.composite
def _configurations(draw: st.DrawFn) -> m.Configuration:
    every = draw(st.integers(1, 10080))
    offset = draw(st.integers(0, every - 1))
    interval = draw(st.integers(1, m.MAX_INTERVAL))
    tries = draw(st.integers(1, 255))
    return m.Configuration(draw(U16), interval, every, offset, draw(U16), draw(U8), tries)


@st.composite
def _archive_requests(draw: st.DrawFn) -> m.ArchiveRequest:
    start = draw(st.integers(0, 0xFFFF_FFFE))
    end = draw(st.integers(start + 1, 0xFFFF_FFFF))
    return m.ArchiveRequest(draw(U16), draw(PORTS), draw(REGISTERS), start, end)


_KEYS = st.binary(min_size=16, max_size=16).filter(any)
DOWN = st.one_of(
    st.builds(m.Acknowledgement, st.integers(1, MAX_COUNTER), U32, U8, st.integers(0, 15)),
    st.builds(m.Command, U16, U8, U32, st.binary(max_size=255)),
    _archive_requests(),
    _configurations(),
    st.builds(
        m.NewKey,
        st.sampled_from([Key.A, Key.B]),
        _KEYS,
        st.none() | st.binary(min_size=8, max_size=8),
    ),
    EXTENSIONS,
)
OF = {Direction.UP: UP, Direction.DOWN: DOWN}


@st.composite
def plaintexts(draw: st.DrawFn) -> bytes:
    """Of the kinds with columns mostly; good, cut, or with a byte changed."""
    messages = draw(st.lists(FAST | UP, min_size=1, max_size=4))
    try:
        plain = encode(messages)
    except ValueError:  # too many bytes together
        plain = encode(messages[:1])
    fault = draw(st.sampled_from(["", "", "", "cut", "change", "more"]))
    if fault == "cut":
        return plain[: draw(st.integers(0, len(plain)))]
    if fault == "change":
        place = draw(st.integers(0, min(len(plain), 40) - 1))
        return plain[:place] + bytes([draw(U8)]) + plain[place + 1 :]
    return plain + draw(st.binary(max_size=20)) if fault == "more" else plain


def mutated(plain: bytes, random: random.Random) -> bytes:
    """One of the ways in which bytes go wrong."""
    changed = bytearray(plain)
    match random.randrange(6):
        case 0:
            del changed[random.randrange(len(changed) + 1) :]
        case 1:
            changed[random.randrange(len(changed))] = random.randrange(256)
        case 2:
            changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
        case 3:
            changed += random.randbytes(random.randrange(1, 30))
        case 4:
            changed[0] = random.randrange(256)
            changed[random.randrange(len(changed))] = random.randrange(256)
        case _:
            changed = bytearray(random.randbytes(random.randrange(1, 60)))
    return bytes(changed)


def assert_equal(left: Batch, right: Batch) -> None:
    """Every column, type, message and error."""
    assert left.frames == right.frames
    assert [part.count for part in left.intervals] == [part.count for part in right.intervals]
    for one, other in zip(_tables(left), _tables(right), strict=True):
        _assert_same_columns(one, other)
    assert left.messages == right.messages
    assert [(frame, error.args) for frame, error in left.errors] == [
        (frame, error.args) for frame, error in right.errors
    ]


def _tables(batch: Batch) -> list[Columns]:
    return [*batch.intervals, batch.registers, batch.events, batch.statuses]


def _assert_same_columns(one: Columns, other: Columns) -> None:
    assert type(one) is type(other)
    for field, left, right in zip(fields(one), one.arrays(), other.arrays(), strict=True):
        assert left.dtype == right.dtype, field.name
        np.testing.assert_array_equal(left, right, field.name)
