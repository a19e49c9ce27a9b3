"""Register readings → what was used between them. Pure: arrays in, arrays out.

A counter only grows; when a reading is lower than the one before, something happened that has to
be told apart, and none of it may book the whole register as consumption. With b the last good
reading, v the lower one, M the modulus (10^digits) and w the readings after v, the first rule
that fits decides:

| rule | condition | what is booked |
|---|---|---|
| rollover | b ≥ 0.95 M and v ≤ 0.05 M | v + M − b |
| transient zero | a later reading jumps back to b or above, v = 0 | v is ignored; what was used is spread |
| transient | a later reading jumps back to b or above, v > 0 | the same |
| pending | no later reading is above v | nothing yet: decided when one comes |
| backward | b − v ≤ 0.5 % of b, or ≤ 10 | 0 until the register passes b again |
| reset | anything else | nothing for the step; the register goes on from v |

To "jump back" is to pass b in one step of more than half of what was lost; a register that was
reset passes b too, some day, but in small steps.

A meter exchange is no drop: it is entered as two installations, each read on its own.
"""

from __future__ import annotations

from enum import IntEnum
from itertools import repeat
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Intervals", "Segment", "Step", "Steps", "register_steps", "snap", "spread"]

_NEAR_END = 0.95
_NEAR_START = 0.05
_BACKWARD_SHARE = 0.005
_BACKWARD_LEAST = 10


class Step(IntEnum):
    """What a reading means beside the last good one."""

    NORMAL = 0
    ROLLOVER = 1
    RESET = 2
    TRANSIENT_ZERO = 3
    TRANSIENT = 4
    BACKWARD = 5
    PENDING = 6


class Segment(NamedTuple):
    """Consumption between two good readings: [start, end) in Unix seconds, amount in register units.

    known is False when nothing can be said of the time (a reset): its intervals stay missing.
    opening: the reading that it counts from; behind a rollover opening + amount exceeds the modulus.
    """

    start: int
    end: int
    amount: int
    known: bool = True
    opening: int = 0


class Steps(NamedTuple):
    """kinds: one `Step` a reading (the first is NORMAL); segments: what was used, in time order."""

    kinds: NDArray[np.uint8]
    segments: list[Segment]


def register_steps(times: NDArray[np.int64], values: NDArray[np.int64], *, modulus: int) -> Steps:
    """Classify readings of one meter, oldest first, and book what was used between good ones.

    times: Unix seconds, strictly growing; values: 0 ≤ value < modulus, in register units.
    Raises ValueError when they are not.
    """
    _check(times, values, modulus)
    kinds = np.zeros(len(values), np.uint8)
    if bool((np.diff(values) >= 0).all()):
        edges, used = times.tolist(), np.diff(values).tolist()
        rows = zip(edges, edges[1:], used, repeat(True), values.tolist(), strict=False)
        return Steps(kinds, [Segment(*row) for row in rows])
    return _with_drops(times.tolist(), values.tolist(), kinds, modulus)


def _with_drops(
    times: list[int], values: list[int], kinds: NDArray[np.uint8], modulus: int
) -> Steps:
    segments: list[Segment] = []
    good, since = 0, times[0]
    for index in range(1, len(values)):
        kind = _kind(values, good, index, modulus)
        kinds[index] = kind
        if kind in {Step.TRANSIENT_ZERO, Step.TRANSIENT, Step.PENDING}:
            continue
        used = values[index] - values[good]
        if kind is Step.ROLLOVER:
            used += modulus
        if kind in {Step.BACKWARD, Step.RESET}:
            used = 0
        known = kind is not Step.RESET
        segments.append(Segment(since, times[index], used, known, values[good]))
        since = times[index]
        if kind is not Step.BACKWARD:
            # After a backward step the higher reading stays the one to be passed.
            good = index
    return Steps(kinds, segments)


def _check(times: NDArray[np.int64], values: NDArray[np.int64], modulus: int) -> None:
    if len(times) != len(values) or (np.diff(times) <= 0).any():
        raise ValueError("times must grow strictly and match the values")
    if len(values) and (int(values.min()) < 0 or int(values.max()) >= modulus):
        raise ValueError("a register reading lies outside its digits")


def _kind(values: list[int], good: int, index: int, modulus: int) -> Step:
    base, value = values[good], values[index]
    if value >= base:
        return Step.NORMAL
    if base >= _NEAR_END * modulus and value <= _NEAR_START * modulus:
        return Step.ROLLOVER
    if _jumps_back(values, index, base):
        return Step.TRANSIENT if value else Step.TRANSIENT_ZERO
    if max(values[index:]) == value:
        return Step.PENDING
    if base - value <= max(_BACKWARD_LEAST, _BACKWARD_SHARE * base):
        return Step.BACKWARD
    return Step.RESET


def _jumps_back(values: list[int], index: int, base: int) -> bool:
    lost = base - values[index]
    for before, after in zip(values[index:], values[index + 1 :], strict=False):
        if after >= base:
            return 2 * (after - before) > lost
    return False


def snap(times: NDArray[np.int64], *, interval: int, origin: int) -> NDArray[np.int64]:
    """Move readings that missed the grid by at most a sixtieth of the interval onto it.

    Clocks of meters are seconds off; a reading of 10:00:07 is the one of 10:00. Two readings that
    would meet stay where they are.
    """
    nearest = origin + np.round((times - origin) / interval).astype(np.int64) * interval
    moved = np.where(np.abs(times - nearest) * 60 <= interval, nearest, times)
    return moved if (np.diff(moved) > 0).all() else times


class Intervals(NamedTuple):
    """Interval values: starts (Unix seconds), amounts, and whether each had to be spread."""

    starts: NDArray[np.int64]
    amounts: NDArray[np.int64]
    estimated: NDArray[np.bool_]


def spread(
    segments: list[Segment], *, interval: int, origin: int, closed: bool = False
) -> Intervals:
    """Divide segments (in time order) into intervals of `interval` seconds on the grid of `origin`.

    An interval whose both ends are instants of readings is measured. One inside a longer gap, or
    across a reading, gets its share by time and is marked estimated; the shares of a segment add up
    to its amount. An interval of which nothing is known is left out, and so is the last, unfinished
    one: it comes when a reading closes it. Not so where the meter ended with the last reading
    (`closed`): what it counted until then is all of its own.
    """
    if not segments:
        empty = np.zeros(0, np.int64)
        return Intervals(empty, empty, np.zeros(0, np.bool_))
    amounts: dict[int, int] = {}
    estimated: dict[int, bool] = {}
    finished = segments[-1].end
    for segment in segments:
        if segment.known:
            _share(segment, interval, origin, amounts, estimated)
        else:
            estimated |= dict.fromkeys(_cells(segment, interval, origin), True)
    starts = sorted(start for start in amounts if closed or start + interval <= finished)
    return Intervals(
        np.array(starts, np.int64),
        np.array([amounts[start] for start in starts], np.int64),
        np.array([estimated[start] for start in starts], np.bool_),
    )


def _cells(segment: Segment, interval: int, origin: int) -> range:
    first = segment.start - (segment.start - origin) % interval
    return range(first, segment.end, interval)


def _share(
    segment: Segment,
    interval: int,
    origin: int,
    amounts: dict[int, int],
    estimated: dict[int, bool],
) -> None:
    length = segment.end - segment.start
    given = 0
    for start in _cells(segment, interval, origin):
        end = min(start + interval, segment.end)
        # Cumulated and rounded down, so that the shares add up to the amount to the last unit.
        due = segment.amount * (end - segment.start) // length
        amounts[start] = amounts.get(start, 0) + due - given
        given = due
        # Whole only if neither end of the interval lies inside the segment.
        inside = segment.start < start or start + interval < segment.end
        begins_late = segment.start > start and start not in estimated
        estimated[start] = estimated.get(start, False) or inside or begins_late
