"""Real interval data as exact integers: which files, which unit, which clock.

Three things are decided here, and told by `replay_dataset`:

- *Unit.* Each reading type is fine enough that no file's value is rounded: electricity 10⁻⁷ kWh
  (some values were single-precision numbers once), gas 10⁻⁴ kWh, water whole litres: the hourly
  mean in 0.01 l/s × 3,600 s is a multiple of 36 litres.
- *Noise.* Hourly sums in the files were made in binary arithmetic: 0.16099999999999998 stands for
  0.161. A value is taken as the decimal of the unit that is the same double-precision number but
  for the last bits; a value farther off is refused.
- *Clock.* The half-hourly files have stamps without offset that neither leave out the hour in March
  nor repeat the one in October: that clock knows no summer time, so it is read as UTC.
"""

from __future__ import annotations

import csv
import gzip
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

__all__ = ["DATASETS", "Dataset", "Kind", "Series", "increments_read", "runs", "series_read"]

# What repeated additions in double precision leave behind in numbers of this size.
_NOISE = Decimal("1e-12")


class Kind(NamedTuple):
    """A reading type for exact values. factor: counts of it for one of the file's unit."""

    code: str
    resource: str
    quantity: str
    unit: str
    exponent: int
    display_unit: str
    factor: Decimal
    file_unit: str


ELECTRICITY = Kind(
    "dataset.electricity.energy",
    "electricity",
    "active_energy",
    "Wh",
    -4,
    "kWh",
    Decimal(10**7),
    "kWh",
)
# The file tells energy, so the type is one of energy, though the resource is gas.
GAS = Kind("dataset.gas.energy", "gas", "active_energy", "Wh", -1, "kWh", Decimal(10**4), "kWh")
WATER = Kind(
    "dataset.cold_water.volume",
    "cold_water",
    "volume",
    "m3",
    -3,
    "m³",
    Decimal(3600),
    "l/s",
)


class Dataset(NamedTuple):
    """A file below the folder of data; zone: of the company it is shown in."""

    code: str
    name: str
    path: str
    kind: Kind
    interval: int
    zone: str


_UK = "electricity_uk_halfhourly/uk-electricity-hdd-only-hourly-sample-{0}.csv.gz"
DATASETS = (
    Dataset("EL-0", "household 0", _UK.format(0), ELECTRICITY, 60, "Europe/London"),
    Dataset("EL-1", "household 1", _UK.format(1), ELECTRICITY, 30, "Europe/London"),
    Dataset("EL-2", "household 2", _UK.format(2), ELECTRICITY, 30, "Europe/London"),
    Dataset(
        "GS-0",
        "household 0",
        "gas_uk_hourly/uk-gas-hdd-only-hourly-sample-0.csv.gz",
        GAS,
        60,
        "Europe/London",
    ),
    Dataset(
        "CW-0", "district main", "water_pipeline_hourly/water-flow.csv", WATER, 60, "Europe/Berlin"
    ),
)


class Series(NamedTuple):
    """The rows of a file in its order, defects and all. start: Unix seconds; counts: exact values;
    total: sum of the file's numbers, each slot once; noise: the largest step to an exact value."""

    dataset: Dataset
    start: Ints
    counts: Ints
    noise: Decimal

    @property
    def slots(self) -> dict[int, int]:
        """Start → count, each slot once."""
        return dict(zip(self.start.tolist(), self.counts.tolist(), strict=True))

    @property
    def repeated(self) -> int:
        """Rows whose slot has come before."""
        return len(self.start) - len(np.unique(self.start))

    @property
    def gaps(self) -> int:
        """Slots between the first and the last that no row tells."""
        step = self.dataset.interval * 60
        span = int(self.start.max() - self.start.min()) // step + 1
        return span - len(np.unique(self.start))


def series_read(folder: Path, dataset: Dataset) -> Series:
    """A file; ValueError names the row that is no number of the unit, or contradicts another."""
    starts, counts, noise = [], [], Decimal(0)
    told: dict[int, int] = {}
    for number, (stamp, text) in enumerate(_rows(folder / dataset.path), 2):
        start, value = _instant(stamp), Decimal(text)
        count, off = _exact(value, dataset.kind.factor)
        if off > _NOISE:
            raise ValueError(f"{dataset.path}, row {number}: {text} is finer than the unit")
        if told.setdefault(start, count) != count:
            raise ValueError(f"{dataset.path}, row {number}: another value for {stamp}")
        starts.append(start)
        counts.append(count)
        noise = max(noise, off)
    return Series(dataset, np.array(starts, np.int64), np.array(counts, np.int64), noise)


def increments_read(path: Path, factor: Decimal) -> list[int]:
    """The second column of a CSV file with a heading, times `factor`, as exact increments.

    ValueError for a row that is then no whole number from 0 on.
    """
    found = []
    for number, (_stamp, text) in enumerate(_rows(path), 2):
        try:
            count = Decimal(text) * factor
        except InvalidOperation as error:
            raise ValueError(f"{path.name}, row {number}: {text!r} is no number") from error
        if count < 0 or count != count.to_integral_value():
            raise ValueError(f"{path.name}, row {number}: {text} × {factor} is no whole number")
        found.append(int(count))
    if not found:
        raise ValueError(f"{path.name} has no readings")
    return found


def _rows(path: Path) -> Iterator[tuple[str, str]]:
    open_file = gzip.open if path.suffix == ".gz" else open
    with open_file(path, "rt", encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        for row in rows:
            if len(row) == 2 and row[1]:
                yield row[0], row[1]


def _instant(stamp: str) -> int:
    at = datetime.fromisoformat(stamp)
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())


def _exact(value: Decimal, factor: Decimal) -> tuple[int, Decimal]:
    """Counts, and how far from them the number of the file lies, in the file's unit."""
    count = int((value * factor).to_integral_value())
    return count, abs(value * factor - count) / factor


def runs(series: Series, most: int) -> Iterable[tuple[Ints, Ints]]:
    """Rows in the file's order as profiles: (starts, counts) that follow each other, `most` at most.

    A gap ends a run, and so does a row that goes back: what the file repeats is sent again.
    """
    step = series.dataset.interval * 60
    breaks = np.flatnonzero(np.diff(series.start) != step) + 1
    for starts, counts in zip(
        np.split(series.start, breaks), np.split(series.counts, breaks), strict=True
    ):
        for at in range(0, len(starts), most):
            yield starts[at : at + most], counts[at : at + most]
