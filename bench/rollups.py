"""Roll-ups: a day of channels to all nodes, a month by node, and whether cost stays linear.

`python -m bench.rollups --channels N` within `python -m config.embedded exec --temporary --`, on a
database that nobody else uses; `figures()` returns the rows for bench/results.json. Medians of
several days.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import django
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SIZES", "figures"]

Row = dict[str, Any]
MAIN = 100_000
SIZES = (10_000, 100_000, 1_000_000)
_MARK = 5_000  # channels of a batch


def figures(sizes: Sequence[int] = SIZES) -> list[Row]:
    """The two figures of 100,000 channels, or of the size nearest to it, and the linearity."""
    from bench.metered_town import MeteredTown

    measured = {size: _Measured(MeteredTown.build(size)) for size in sizes}
    main = min(sizes, key=lambda size: abs(size - MAIN))
    one = measured[main]
    lower: Row = {"better": "lower"}
    rows: list[Row] = [
        {"name": f"roll-up of one day of {main:,} channels to all nodes", "value": one.day}
        | {"unit": "s", "must": 30, "aim": 5}
        | lower,
        {"name": f"month of {main:,} channels by node", "value": one.month}
        | {"unit": "s", "must": 1, "aim": 0.2}
        | lower,
    ]
    cost = {size: 1e6 * found.day / size for size, found in measured.items()}
    rows += [
        {"name": f"roll-up, {size:,} channels", "value": value, "unit": "µs a channel"}
        | {"must": None, "aim": None}
        | lower
        for size, value in cost.items()
    ]
    if max(cost) != main:
        ratio = cost[max(cost)] / cost[main]
        rows.append(
            {"name": f"roll-up, {max(cost):,} channels ÷ {main:,} channels, a channel"}
            | {"value": ratio, "unit": "", "must": 2, "aim": 1.3}
            | lower
        )
    rows.append(
        {"name": f"roll-up after 500 late values among {main:,} channels", "value": one.late}
        | {"unit": "s", "must": None, "aim": 1}
        | lower
    )
    return rows


class _Measured:
    """Seconds of one town; day: new sums, late: few changes, month: all nodes read."""

    def __init__(self, town: Any) -> None:
        from meters.rollups.months import months_catch_up

        rounds = 3 if len(town.channels) <= MAIN else 1
        first = date.today().replace(day=1) - timedelta(days=28)  # noqa: DTZ011
        days = [first + timedelta(days=number) for number in range(rounds)]
        self.town = town
        self.day = statistics.median(self._roll(day, town.channels) for day in days)
        random = np.random.default_rng(5)
        late = [random.choice(town.channels, min(500, len(town.channels)), False) for _ in days]
        self.late = statistics.median(
            self._again(day, np.sort(some)) for day, some in zip(days, late, strict=True)
        )
        months_catch_up()
        self.month = statistics.median(self._month(first.replace(day=1)) for _ in range(5))

    def _roll(self, day: date, channels: Any) -> float:
        self.town.load(day)
        return self._again(day, channels)

    def _again(self, day: date, channels: Any) -> float:
        from django.db import connection

        from meters.rollups.running import roll_up

        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO meters_dirty_day (day, channels) VALUES (%s, %s)",
                [
                    (day, channels[start : start + _MARK].tolist())
                    for start in range(0, len(channels), _MARK)
                ],
            )
        began = time.perf_counter()
        done = roll_up(now=datetime(day.year, day.month, day.day, 12, tzinfo=UTC))
        assert done is not None and done.days == 1 and not done.more
        return time.perf_counter() - began

    def _month(self, month: date) -> float:
        from meters.selectors.nodes import node_months

        began = time.perf_counter()
        found = node_months(user=None, company=self.town.company, month=month)
        assert len(found.node) > len(self.town.channels) / 2
        return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--channels", nargs="*", type=int, default=SIZES)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    for row in figures(options.channels):
        sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
