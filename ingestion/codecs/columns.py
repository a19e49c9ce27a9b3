"""Decoded batches as columns: what every codec gives and the loader takes.

`frame` is the place of a row's frame in the batch, `offset` the first byte of its message in the
plaintext. Rows stand in the order (frame, offset). Times are Unix seconds (UTC) as int64.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .errors import DecodeError
from .universal_messages import Message

__all__ = ["NONE", "Batch", "Columns", "Events", "Intervals", "Registers", "Statuses"]

# Stands for "not given" in `opening` and `request`.
NONE = -1


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Columns of one length; row i of each belongs together."""

    frame: NDArray[np.int32]
    offset: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.frame)

    def arrays(self) -> list[NDArray[Any]]:
        return [getattr(self, field.name) for field in fields(self)]

    def take(self, rows: NDArray[Any]) -> Self:
        """The rows of an index or of a mask."""
        return type(self)(*(array[rows] for array in self.arrays()))

    def in_order(self) -> Self:
        """By frame, then by offset; rows of one message keep their order."""
        place = self.frame.astype(np.int64) << 32 | self.offset
        if bool((place[1:] >= place[:-1]).all()):
            return self
        return self.take(np.argsort(place, kind="stable"))

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """At least one part; all with values of one shape."""
        if len(parts) == 1:
            return parts[0]
        together = zip(*(part.arrays() for part in parts), strict=True)
        return cls(*(np.concatenate(arrays) for arrays in together))

    @classmethod
    def of(cls, rows: Iterable[tuple[Any, ...]]) -> Self:
        """From rows of plain numbers, in the order of the fields."""
        listed = list(rows)
        columns = zip(*listed, strict=True) if listed else [()] * len(fields(cls))
        return cls(
            *(
                np.array(column, dtype=_TYPES[field.name])
                for field, column in zip(fields(cls), columns, strict=True)
            )
        )


@dataclass(frozen=True, slots=True, eq=False)
class Intervals(Columns):
    """Interval profiles that have the same number of values.

    `interval` is in minutes. `values` and `missing` are rows × count; a missing value is 0.
    `opening` is the register at `base_time`, `request` the archive request answered, or NONE.
    """

    port: NDArray[np.int32]
    register: NDArray[np.int32]
    base_time: NDArray[np.int64]
    interval: NDArray[np.int32]
    opening: NDArray[np.int64]
    quality: NDArray[np.uint8]
    request: NDArray[np.int32]
    values: NDArray[np.int64]
    missing: NDArray[np.bool_]

    @property
    def count(self) -> int:
        """Values in each row."""
        return int(self.values.shape[1])


@dataclass(frozen=True, slots=True, eq=False)
class Registers(Columns):
    """Register values, one a row; time 0 = the device has no clock."""

    time: NDArray[np.int64]
    port: NDArray[np.int32]
    register: NDArray[np.int32]
    value: NDArray[np.int64]
    quality: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Events(Columns):
    """Device events, one a row."""

    time: NDArray[np.int64]
    port: NDArray[np.int32]
    code: NDArray[np.int32]
    detail: NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Statuses(Columns):
    """Battery in mV and percent, signal in dBm, temperature in °C, with the unknown values."""

    time: NDArray[np.int64]
    battery_mv: NDArray[np.int32]
    battery_percent: NDArray[np.int32]
    signal: NDArray[np.int32]
    temperature: NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """All of a batch. A frame is in `errors` or gave rows and messages, never both.

    `intervals`: one entry a number of values, ascending. `messages`: (frame, message) of the kinds
    that have no columns. `errors`: (frame, error) in the order of frames.
    """

    frames: int
    intervals: tuple[Intervals, ...]
    registers: Registers
    events: Events
    statuses: Statuses
    messages: tuple[tuple[int, Message], ...]
    errors: tuple[tuple[int, DecodeError], ...]


_WIDE_COLUMNS = ("base_time", "time", "opening", "value", "values")
_TYPES: dict[str, type] = {
    **{
        field.name: np.int64 if field.name in _WIDE_COLUMNS else np.int32
        for columns in (Intervals, Registers, Events, Statuses)
        for field in fields(columns)
    },
    "quality": np.uint8,
    "missing": np.bool_,
}
