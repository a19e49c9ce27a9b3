"""Interval blocks as NumPy columns, and their form on the wire. Pure: arrays in, bytes out.

A block is one local day of one channel. Blocks of different lengths stand behind one another in
flat arrays of cells, so that every step works on all of them at once. PostgreSQL's binary forms
(rows of COPY, arrays) are built and read without touching a value in Python.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Bytes = NDArray[np.uint8]
    Mask = NDArray[np.bool_]

__all__ = [
    "MISSING",
    "POSTGRES_EPOCH",
    "Blocks",
    "Extra",
    "cells_of",
    "copy_rows",
    "distinct",
    "read_arrays",
    "read_joined",
    "starts_of",
]

# meters.models.Quality.MISSING: the quality byte of a cell without a value.
MISSING = 1
# Days from 1970-01-01 to 2000-01-01, where PostgreSQL counts dates from.
POSTGRES_EPOCH = 10_957


class _Array(NamedTuple):
    """An integer array of PostgreSQL: its column here, type of elements, range."""

    column: str
    oid: int
    element: str
    size: int


_ARRAYS = (
    _Array("small", 21, ">i2", 2),
    _Array("values", 23, ">i4", 4),
    _Array("wide", 20, ">i8", 8),
)
# Before the elements: dimensions, whether there are NULLs, type of elements, length, lower bound.
_ARRAY_HEADER = 20


@dataclass(slots=True)
class Blocks:
    """Blocks in columns; block k owns `slots[k]` cells of `value` and `quality`.

    day: days since 1970-01-01; a missing cell has the value 0 and the quality MISSING.
    """

    channel: Ints
    day: Ints
    interval: Ints
    slots: Ints
    value: Ints
    quality: Bytes

    def __len__(self) -> int:
        return len(self.channel)

    @classmethod
    def empty(cls, *, channel: Ints, day: Ints, interval: Ints, slots: Ints) -> Blocks:
        """Blocks without a value."""
        cells = int(slots.sum())
        return cls(
            channel, day, interval, slots, np.zeros(cells, np.int64), np.full(cells, MISSING, "u1")
        )

    @property
    def starts(self) -> Ints:
        """First cell of each block."""
        return starts_of(self.slots)

    @property
    def present(self) -> Mask:
        """Cells that have a value."""
        return cast("Mask", (self.quality & 0x07) != MISSING)

    def take(self, rows: NDArray[Any]) -> Blocks:
        """Some blocks, by index or mask, with their cells."""
        if rows.dtype == np.bool_ and bool(rows.all()):
            return self
        slots = self.slots[rows]
        cells = cells_of(self.starts[rows], slots)
        return Blocks(
            self.channel[rows],
            self.day[rows],
            self.interval[rows],
            slots,
            self.value[cells],
            self.quality[cells],
        )

    def any(self, cells: Mask) -> Mask:
        """Blocks that have one of these cells."""
        if not len(self):
            return np.zeros(0, np.bool_)
        return np.logical_or.reduceat(cells, self.starts)


class Extra(NamedTuple):
    """A further column of fixed width behind those of a block."""

    element: str
    values: NDArray[Any]


def starts_of(lengths: Ints) -> Ints:
    starts = np.zeros(len(lengths), np.int64)
    np.cumsum(lengths[:-1], out=starts[1:])
    return starts


def distinct(ascending: NDArray[Any]) -> NDArray[Any]:
    """Each value of a sorted array once; several times faster than np.unique, which hashes."""
    new = np.ones(len(ascending), np.bool_)
    np.not_equal(ascending[1:], ascending[:-1], out=new[1:])
    return ascending[new]


def cells_of(starts: Ints, lengths: Ints) -> Ints:
    """Indices starts[k] … starts[k] + lengths[k] − 1, all behind one another."""
    return np.repeat(starts - starts_of(lengths), lengths) + np.arange(int(lengths.sum()))


# Building rows of COPY ---------------------------------------------------------------------------


def copy_rows(blocks: Blocks, extras: Mapping[str, Extra] | None = None) -> list[bytes]:
    """Rows of `COPY … (FORMAT BINARY)`, without its header and trailer.

    Columns: channel_id, total, day, interval_minutes, small, values, wide, quality, then `extras`.
    Blocks of one shape are built together, in the order they stand.
    """
    if not len(blocks):
        return []
    shape = _shapes(blocks)
    pieces = []
    for key in distinct(np.sort(shape)):
        chosen = shape == key
        part = blocks.take(chosen)
        columns = {
            name: Extra(extra.element, extra.values[chosen])
            for name, extra in (extras or {}).items()
        }
        width, has_quality, has_missing = int(key) >> 2 & 3, bool(key & 2), bool(key & 1)
        pieces.append(_rows(part, _ARRAYS[width], has_quality, has_missing, columns))
    return pieces


def _shapes(blocks: Blocks) -> Ints:
    """Blocks with the same number can be built together."""
    starts = blocks.starts
    low = np.minimum.reduceat(blocks.value, starts)
    high = np.maximum.reduceat(blocks.value, starts)
    width = np.zeros(len(blocks), np.int64)
    for limit in (np.iinfo(np.int16), np.iinfo(np.int32)):
        width += (low < limit.min) | (high > limit.max)
    missing = blocks.any(blocks.quality == MISSING)
    marked = blocks.any(blocks.quality > MISSING)
    return blocks.slots << 4 | width << 2 | marked.astype(np.int64) << 1 | missing


def _rows(
    blocks: Blocks,
    array: _Array,
    has_quality: bool,
    has_missing: bool,
    extras: Mapping[str, Extra],
) -> bytes:
    slots = int(blocks.slots[0])
    template = _template(
        array, slots, has_quality, tuple((name, extra.element) for name, extra in extras.items())
    )
    rows = np.empty(len(blocks), template.dtype)
    rows[:] = template
    value = blocks.value.reshape(-1, slots)
    quality = blocks.quality.reshape(-1, slots)
    rows["channel"] = blocks.channel
    rows["total"] = value.sum(axis=1)
    rows["day"] = blocks.day - POSTGRES_EPOCH
    rows["interval"] = blocks.interval
    rows["cells"]["value"] = value
    if has_quality:
        rows["quality"] = quality
    for name, extra in extras.items():
        rows[name] = extra.values
    if has_missing:
        return _without_missing(rows, array, quality != MISSING)
    return rows.tobytes()


def _without_missing(rows: NDArray[Any], array: _Array, present: Mask) -> bytes:
    """Mark missing elements as NULL, which have a length but no bytes."""
    rows["nulls"] = 1
    rows["array_length"] = (
        _ARRAY_HEADER + 4 * present.shape[1] + array.size * present.sum(axis=1, dtype=np.int64)
    )
    lengths = rows["cells"]["length"]
    lengths[~present] = -1
    kept = np.ones((len(rows), rows.dtype.itemsize), np.bool_)
    start = rows.dtype.fields["cells"][1]  # type: ignore[index]
    cell = 4 + array.size
    end = start + cell * present.shape[1]
    cells = kept[:, start:end].reshape(len(rows), -1, cell)
    cells[:, :, 4:] = present[:, :, None]
    kept[:, start:end] = cells.reshape(len(rows), -1)
    return rows.view(np.uint8).reshape(len(rows), -1)[kept].tobytes()


@lru_cache(maxsize=256)
def _template(
    array: _Array, slots: int, has_quality: bool, extras: tuple[tuple[str, str], ...]
) -> NDArray[Any]:
    """One row with everything that is the same in all rows of its shape."""
    cell = np.dtype([("length", ">i4"), ("value", array.element)])
    before = _ARRAYS.index(array)
    fields: list[Any] = [("columns", ">i2")]
    for name, element in _FIXED:
        fields += [(f"{name}_length", ">i4"), (name, element)]
    fields += [(f"null_{row.column}", ">i4") for row in _ARRAYS[:before]]
    fields += [(name, ">i4") for name in _ARRAY_FIELDS] + [("cells", cell, (slots,))]
    fields += [(f"null_{row.column}", ">i4") for row in _ARRAYS[before + 1 :]]
    fields += [("quality_length", ">i4")]
    fields += [("quality", "u1", (slots,))] if has_quality else []
    for name, element in extras:
        fields += [(f"{name}_length", ">i4"), (name, element)]
    row = np.zeros((), np.dtype(fields))
    row["columns"] = 8 + len(extras)
    for name, element in (*_FIXED, *extras):
        row[f"{name}_length"] = np.dtype(element).itemsize
    for other in _ARRAYS:
        if other is not array:
            row[f"null_{other.column}"] = -1
    row["array_length"] = _ARRAY_HEADER + slots * (4 + array.size)
    row["dimensions"], row["lower"] = 1, 1
    row["oid"], row["slots"] = array.oid, slots
    row["cells"]["length"] = array.size
    row["quality_length"] = slots if has_quality else -1
    return row


_FIXED = (("channel", ">i8"), ("total", ">i8"), ("day", ">i4"), ("interval", ">i2"))
_ARRAY_FIELDS = ("array_length", "dimensions", "nulls", "oid", "slots", "lower")


# Reading arrays ----------------------------------------------------------------------------------


def read_arrays(pieces: Sequence[bytes]) -> tuple[Ints, Ints, Mask]:
    """Integer arrays in PostgreSQL's binary form → lengths, values and presence, flat."""
    return read_joined(b"".join(pieces), np.fromiter(map(len, pieces), np.int64, len(pieces)))


def read_joined(joined: bytes, sizes: Ints) -> tuple[Ints, Ints, Mask]:
    """The same from arrays behind one another, of these sizes in bytes."""
    starts = starts_of(sizes)
    # Room behind the end, so that the widest element can be read at every place.
    buffer = joined + bytes(8)
    word = _everywhere(buffer, ">i4")
    has_nulls = word[starts + 4] != 0
    oid, lengths = word[starts + 8], word[starts + 12].astype(np.int64)
    value = np.zeros(int(lengths.sum()), np.int64)
    present = np.ones(len(value), np.bool_)
    cell_starts = starts_of(lengths)
    for array in _ARRAYS:
        rows = np.flatnonzero((oid == array.oid) & ~has_nulls)
        if len(rows):
            cells = cells_of(cell_starts[rows], lengths[rows])
            step = np.full(len(rows), 4 + array.size)
            places = _places(starts[rows] + _ARRAY_HEADER + 4, lengths[rows], step)
            value[cells] = _everywhere(buffer, array.element)[places]
        rows = np.flatnonzero((oid == array.oid) & has_nulls)
        if len(rows):
            _walk(buffer, array, starts[rows], cell_starts[rows], lengths[rows], value, present)
    return lengths, value, present


def _places(starts: Ints, lengths: Ints, step: Ints) -> Ints:
    within = np.arange(int(lengths.sum())) - np.repeat(starts_of(lengths), lengths)
    return np.repeat(starts, lengths) + within * np.repeat(step, lengths)


def _walk(  # the places of elements behind a NULL depend on every NULL before them
    buffer: bytes,
    array: _Array,
    starts: Ints,
    cells: Ints,
    lengths: Ints,
    value: Ints,
    present: Mask,
) -> None:
    word, element = _everywhere(buffer, ">i4"), _everywhere(buffer, array.element)
    place = starts + _ARRAY_HEADER
    for slot in range(int(lengths.max())):
        alive = lengths > slot
        if not bool(alive.all()):
            place, cells, lengths = place[alive], cells[alive], lengths[alive]
        here = word[place] >= 0
        value[cells + slot] = np.where(here, element[place + 4], 0)
        present[cells + slot] = here
        place = place + np.where(here, 4 + array.size, 4)


def _everywhere(buffer: bytes, element: str) -> NDArray[Any]:
    """View of `buffer` with an element beginning at every byte."""
    size = np.dtype(element).itemsize
    return np.ndarray((len(buffer) - size + 1,), element, buffer, strides=(1,))
