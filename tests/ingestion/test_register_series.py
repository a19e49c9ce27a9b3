"""D19: random series of registers, broken in known ways, against what was really used."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from ingestion.registers import register_steps, snap, spread

HOUR = 3600
KINDS = ("plain", "rollover", "zero", "zeros", "dip", "reset", "exchange")
_SHORTEST, _LONGEST = 20, 44
# Readings at either end that stay, so that what they bound is known.
_ENDS = 4


@dataclass
class Series:
    """used: by hour; told: hour → register, where it was read; special: the hour of what happens.

    vague: hours that registers tell only together with others; unknown: hours of which they tell
    nothing.
    """

    kind: str
    modulus: int
    special: int
    used: list[int]
    told: dict[int, int]
    vague: set[int]
    unknown: set[int]


def _series(noise: random.Random) -> Series:
    kind, modulus = noise.choice(KINDS), 10 ** noise.randrange(5, 13)
    hours = noise.randrange(_SHORTEST, _LONGEST)
    most = noise.choice((1, 9, 90))
    used = [noise.randrange(most + 1) for _ in range(hours)]
    special = noise.randrange(_ENDS + 1, hours - _ENDS - 4)
    first = noise.randrange(modulus // 2, modulus * 9 // 10)
    if kind == "reset":
        # While a lower register stands still nobody can say what it means.
        used[special] = max(used[special], 1)
    if kind == "rollover":
        # The reading at `special` is the first one behind the end.
        used[special - 1] = max(used[special - 1], 1)
        first = modulus - sum(used[:special]) + noise.randrange(used[special - 1])
    blind = range(special, special + {"zero": 1, "zeros": 3, "dip": 1}.get(kind, 0))
    shown, register = [], first
    for hour in range(hours + 1):
        if hour == special and kind == "reset":
            register = 0
        shown.append(register % modulus)
        register += used[hour] if hour < hours else 0
    for hour in blind:
        shown[hour] = shown[hour] - noise.randrange(1, 11) if kind == "dip" else 0
    kept = {special - 1, special, special + 1}
    lost = {
        hour
        for hour in range(_ENDS, hours + 1 - _ENDS)
        if noise.random() < 0.2 and hour not in kept
    }
    told = {hour: shown[hour] for hour in range(hours + 1) if hour not in lost}
    gaps = {
        hour
        for before, after in pairwise(told)
        if after - before > 1
        for hour in range(before, after)
    }
    around = set(range(blind.start - 1, blind.stop)) if blind else set()
    if kind in {"zero", "zeros"}:
        around |= {hour for hour in gaps if special <= hour < special + 5}
    if kind == "dip":
        # Until it has passed what it showed before, nothing counts.
        around |= set(range(special - 1, hours))
    unknown = {special - 1} if kind == "reset" else set()
    return Series(kind, modulus, special, used, told, gaps | around, unknown)


def _derived(series: Series) -> dict[int, tuple[int, bool]]:
    """Hour → what was worked out, and whether it is marked estimated."""
    parts = [series.told]
    if series.kind == "exchange":
        # The old meter is read a second before the new one begins, which counts from 5.
        offset = series.told[series.special] - 5
        old = {hour: value for hour, value in series.told.items() if hour <= series.special}
        new = {h: value - offset for h, value in series.told.items() if h >= series.special}
        parts = [old, new]
    found: dict[int, tuple[int, bool]] = {}
    for part in parts:
        times = np.array(list(part), np.int64) * HOUR
        if len(parts) == 2 and part is parts[0]:
            times[-1] -= 1
        times = snap(times, interval=HOUR, origin=0)
        values = np.array(list(part.values()), np.int64)
        segments = register_steps(times, values, modulus=series.modulus).segments
        made = spread(segments, interval=HOUR, origin=0)
        columns = (made.starts // HOUR, made.amounts, made.estimated)
        for hour, amount, estimated in zip(*(one.tolist() for one in columns), strict=True):
            found[hour] = (amount, estimated)
    return found


def _check(series: Series) -> None:
    found = _derived(series)
    assert min(amount for amount, _ in found.values()) >= 0
    known = [used for hour, used in enumerate(series.used) if hour not in series.unknown]
    assert sum(amount for amount, _ in found.values()) == sum(known)
    for hour, used in enumerate(series.used):
        if hour not in series.vague | series.unknown:
            assert found[hour] == (used, False), hour
    assert not series.unknown & found.keys()


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(3_000, id="short"),
        pytest.param(1_000_000, id="long", marks=pytest.mark.faults),
    ],
)
def test_whatever_breaks_the_sum_is_what_was_used(count: int, record_property: Any) -> None:
    noise, kinds = random.Random(19), Counter[str]()
    for _ in range(count):
        series = _series(noise)
        try:
            _check(series)
        except AssertionError as error:
            error.add_note(repr(series))
            raise
        kinds[series.kind] += 1
    text = ", ".join(f"{kind} {number:,}" for kind, number in sorted(kinds.items()))
    record_property("counts", f"{count:,} series: {text}")
    assert set(kinds) == set(KINDS)
