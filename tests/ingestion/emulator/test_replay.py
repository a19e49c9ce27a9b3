"""Real data through sockets: sums to the last digit, gaps, duplicates, the change of the clock."""

from __future__ import annotations

import gzip
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from ingestion.emulator.datasets import DATASETS, runs, series_read
from tests.ingestion import fleet

if TYPE_CHECKING:
    from pathlib import Path

SHARED = settings.BASE_DIR.parent / "shared" / "data"
HOUSEHOLD = next(one for one in DATASETS if one.code == "EL-1")
MAIN = next(one for one in DATASETS if one.code == "CW-0")
needs_data = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the folder of real data is not beside the project"
)


def write(folder: Path, path: str, lines: list[str]) -> None:
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join(["start,value", *lines, ""])
    if target.suffix == ".gz":
        target.write_bytes(gzip.compress(text.encode()))
    else:
        target.write_text(text)


def half_hours(*rows: tuple[str, str]) -> list[str]:
    return [f"2013-03-31 {time}:00,{value}" for time, value in rows]


def run(folder: Path) -> str:
    output = StringIO()
    call_command("replay_dataset", folder, port=0, stdout=output)
    return output.getvalue()


def test_gaps_and_repeated_rows_are_sent_as_they_are(archive_tables: None, tmp_path: Path) -> None:
    rows = half_hours(
        ("00:00", "0.1"), ("00:30", "1.4529999"), ("00:30", "1.4529999"), ("02:00", "0.0")
    )
    write(tmp_path, HOUSEHOLD.path, rows)
    output = run(tmp_path)
    assert output.split().count("1.5529999") == 2
    assert fleet.rows(
        'SELECT meters_block_values(small, "values", wide) FROM meters_interval_block'
    ) == [
        # 31 March is in summer time from one o'clock on, so the third slot stands for 01:00 UTC.
        ([1_000_000, 14_529_999, None, None, 0, *[None] * 41],)
    ]
    assert fleet.rows("SELECT count(*) FROM meters_block_revision") == [(0,)]


def test_a_second_replay_changes_nothing(archive_tables: None, tmp_path: Path) -> None:
    write(tmp_path, HOUSEHOLD.path, half_hours(("00:00", "0.1"), ("00:30", "0.2")))
    run(tmp_path)
    before = fleet.rows("SELECT b::text FROM meters_interval_block b")
    assert "Every sum is equal" in run(tmp_path)
    assert fleet.rows("SELECT b::text FROM meters_interval_block b") == before


def test_a_difference_ends_with_an_error(archive_tables: None, tmp_path: Path) -> None:
    write(tmp_path, HOUSEHOLD.path, half_hours(("00:00", "0.1"), ("00:30", "0.2")))
    run(tmp_path)
    write(tmp_path, HOUSEHOLD.path, half_hours(("00:00", "0.1")))
    with pytest.raises(CommandError, match="The archive differs: EL-1"):
        run(tmp_path)


def test_a_value_finer_than_the_unit_is_refused(tmp_path: Path) -> None:
    write(tmp_path, HOUSEHOLD.path, half_hours(("00:00", "0.10000005")))
    with pytest.raises(ValueError, match="row 2: 0.10000005 is finer"):
        series_read(tmp_path, HOUSEHOLD)


def test_contradicting_rows_are_refused(tmp_path: Path) -> None:
    write(tmp_path, HOUSEHOLD.path, half_hours(("00:00", "0.1"), ("00:00", "0.2")))
    with pytest.raises(ValueError, match="row 3: another value"):
        series_read(tmp_path, HOUSEHOLD)


def test_a_folder_without_data_is_told(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no known data"):
        run(tmp_path)


@needs_data
def test_the_files_are_read_to_the_last_digit() -> None:
    sums = {one.code: series_read(SHARED, one) for one in DATASETS}
    for code, series in sums.items():
        assert series.noise < Decimal("1e-12"), code
    lines = gzip.decompress((SHARED / HOUSEHOLD.path).read_bytes()).decode().splitlines()[1:]
    raw = sum({line.split(",")[0]: Decimal(line.split(",")[1]) for line in lines}.values())
    household = sums["EL-1"]
    assert Decimal(sum(household.slots.values())) / 10**7 == raw
    assert (household.repeated, household.gaps) == (15, 4 + 48)
    assert len(sums["CW-0"].start) == 1_268


@needs_data
def test_runs_hold_every_row_once() -> None:
    series = series_read(SHARED, HOUSEHOLD)
    parts = list(runs(series, 48))
    assert sum(len(starts) for starts, _counts in parts) == len(series.start)
    assert all((np.diff(starts) == 1_800).all() for starts, _counts in parts)


@needs_data
def test_water_across_the_change_of_the_clock(archive_tables: None, tmp_path: Path) -> None:
    """A day of 23 hours, and the known gaps; the long series are for the command itself."""
    (tmp_path / MAIN.path).parent.mkdir()
    (tmp_path / MAIN.path).write_bytes((SHARED / MAIN.path).read_bytes())
    output = run(tmp_path)
    assert "Every sum is equal" in output
    blocks: dict[date, list[Any]] = dict(
        fleet.rows(
            'SELECT day, meters_block_values(small, "values", wide) FROM meters_interval_block'
        )
    )
    short = blocks[date(2022, 3, 27)]
    assert (len(short), short.count(None)) == (23, 0)
    assert short[2] == 10_153 * 36
    gap = blocks[date(2022, 4, 24)]
    assert gap[:3].count(None) == 0 and gap[3:].count(None) == 21
    begin = datetime(2022, 3, 26, 23, tzinfo=UTC)
    assert fleet.rows("SELECT min(received_at) > %s FROM ingestion_raw_frame", begin) == [(True,)]
