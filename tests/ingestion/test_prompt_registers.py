"""Registers read on time: all channels at once say what one after the other says."""

from __future__ import annotations

import random
from fractions import Fraction
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ingestion import derivation
from ingestion.loader import Readings
from ingestion.prompt_registers import Known, Prompt, prompt_told
from ingestion.routing import MULTIPLIER, OPEN_END, ModuleChannels, Routes
from ingestion.values import Context
from meters.models import Quality

if TYPE_CHECKING:
    from collections.abc import Iterable

HOUR = 3600
ZONES = {1: "UTC", 2: "Europe/Kyiv", 3: "America/St_Johns", 4: "Asia/Kathmandu"}
# 28 March 2027, when Kyiv leaves out an hour.
NOON = 1_806_235_200
_CASES = 600
COLUMNS = ("channel", "start", "interval_minutes", "value", "quality", "frame", "derived")


def _routes(rows: Iterable[dict[str, int]]) -> Routes:
    """Rows by key and start; what is left out is that of a plain meter."""
    usual = {
        "start": 0,
        "end": OPEN_END,
        "interval": 60,
        "instant": 0,
        "digits": 8,
        "company": 1,
        "multiplier": MULTIPLIER,
        "scale": 0,
    }
    whole = sorted((usual | row for row in rows), key=lambda row: (row["key"], row["start"]))
    empty = Routes.empty()
    names = ("key", "channel", "register", *usual)
    columns: dict[str, Any] = {
        name: np.array([row[name] for row in whole], getattr(empty, name).dtype) for name in names
    }
    return Routes(**columns, scales=(Fraction(1), Fraction(1000), Fraction(1, 4)))


def _context(routes: Routes) -> Context:
    modules = ModuleChannels(*(np.zeros(0, np.int64) for _ in range(3)))
    return Context(routes, modules, np.zeros(0, np.int64), np.zeros(0, np.int32), ZONES)


def _known(noise: random.Random, step: int, first: int) -> Known:
    """Mostly readings on time, now and then something else."""
    count, value, values = noise.randrange(1, 14), noise.randrange(0, 50), {}
    for number in range(count):
        at = first + number * step
        odd = noise.random() if noise.random() < 0.02 else 1.0
        if odd < 0.3:
            continue
        if odd < 0.6:
            at += noise.choice((-200, -7, 9, 700))
        elif odd < 0.8:
            value = max(0, value - noise.randrange(200))
        elif odd < 1:
            value += 10**8
        values[at] = value
        value += noise.choice((0, 1, 3, 70))
    edge = first + step * noise.randrange(count)
    since = noise.choice((-inf, float(edge), float(edge - 1)))
    until = noise.choice((inf, float(edge + step), float(edge + 3 * step + 1)))
    shuffled = list(values.items())
    noise.shuffle(shuffled)
    return Known(dict(shuffled), since, until)


def _case(seed: int) -> tuple[dict[int, Known], dict[int, int], Context]:
    noise = random.Random(seed)
    rows, known = [], {}
    for number in range(1, 30):
        minutes = noise.choice((15, 60, 60, 60, 60, 1440))
        row = {"key": number << 8, "channel": number, "register": 1000 + number}
        row |= {"interval": minutes, "company": noise.choice(tuple(ZONES))}
        row |= {"scale": noise.choice((0, 0, 1, 2)), "digits": noise.choice((2, 5, 8, 8, 12))}
        if noise.random() < 0.15:
            row["multiplier"] = noise.choice((5_000, 3_333, 400_000))
        first = NOON + noise.choice((0, 0, -36 * HOUR, 1_000 * HOUR, 5))
        edge = first + noise.randrange(12) * minutes * 60 + noise.choice((0, 1))
        if (chance := noise.random()) < 0.15:
            rows.append(row | {"end": edge})
            row |= {"start": edge, "channel": number * (chance < 0.12)}
        elif chance < 0.3:
            row["end"] = edge
        elif chance < 0.35:
            row["channel"] = 0
        rows.append(row)
        known[1000 + number] = _known(noise, minutes * 60, first)
    routes = _routes(rows)
    last = {int(register): at for at, register in enumerate(routes.register.tolist())}
    return known, last, _context(routes)


def _rows(readings: Readings | None) -> list[tuple[Any, ...]]:
    if readings is None:
        return []
    return list(zip(*(getattr(readings, name).tolist() for name in COLUMNS), strict=True))


def test_all_at_once_says_what_one_by_one_says(monkeypatch: pytest.MonkeyPatch) -> None:
    prompt = others = rows = 0
    for seed in range(_CASES):
        known, channels, context = _case(seed)
        frames = {key: key % 7 for key in known if key % 5}
        fast = derivation._of_channels(known, channels, context, frames)
        done = prompt_told(known, channels, context, frames).channels
        with monkeypatch.context() as patch:
            patch.setattr(derivation, "prompt_told", lambda *_: Prompt(Readings(), frozenset()))
            slow = derivation._of_channels(known, channels, context, frames)
        found, wanted = (_rows(told and told.readings) for told in (fast, slow))
        assert found == wanted, seed
        assert (fast.divided if fast else []) == (slow.divided if slow else [])
        prompt, others, rows = (
            prompt + len(done),
            others + len(known) - len(done),
            rows + len(found),
        )
    # Both ways are taken often enough to be compared.
    assert min(prompt, others) > _CASES * 5
    assert rows > _CASES * 50


def test_differences_of_readings_on_time() -> None:
    routes = _routes([{"key": 256, "channel": 7, "register": 70}])
    known = {70: Known({NOON + HOUR: 12, NOON: 10, NOON + 2 * HOUR: 12}, -inf, inf)}
    told = prompt_told(known, {70: 0}, _context(routes), {70: 3})
    assert told.channels == {70}
    derived = int(Quality.DERIVED)
    assert _rows(told.readings) == [
        (7, NOON, 60, 2, derived, 3, True),
        (7, NOON + HOUR, 60, 0, derived, 3, True),
    ]


@pytest.mark.parametrize(
    ("values", "row"),
    [
        ({NOON: 10}, {}),
        ({NOON: 10, NOON + 2 * HOUR: 12}, {}),
        ({NOON: 10, NOON + HOUR: 9}, {}),
        ({NOON + 5: 10, NOON + HOUR + 5: 12}, {}),
        ({NOON: 10, NOON + HOUR: 12}, {"multiplier": 20_000}),
        ({NOON: 10, NOON + HOUR: 12}, {"start": NOON + 1}),
        ({NOON: 10, NOON + HOUR: 12}, {"end": NOON + HOUR}),
        ({NOON: 10, NOON + HOUR: 12}, {"end": NOON + HOUR + 1}),
        ({NOON: 10, NOON + HOUR: 100}, {"digits": 2}),
        ({NOON: 10, NOON + HOUR: 12}, {"channel": 0}),
    ],
    ids=["one", "gap", "drop", "off", "factor", "before", "after", "closing", "digits", "nowhere"],
)
def test_what_is_left_to_a_closer_look(values: dict[int, int], row: dict[str, int]) -> None:
    routes = _routes([{"key": 256, "channel": 7, "register": 70} | row])
    told = prompt_told({70: Known(values, -inf, inf)}, {70: 0}, _context(routes), {})
    assert told.channels == frozenset()
    assert len(told.readings) == 0
