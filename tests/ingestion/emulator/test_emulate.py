"""The command as a person uses it, and what it is made of."""

from __future__ import annotations

from decimal import Decimal
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from ingestion.codecs.universal import decode
from ingestion.codecs.universal_messages import IntervalProfile
from ingestion.emulator.datasets import increments_read
from ingestion.emulator.fleet import Modules
from ingestion.emulator.ledger import ledger_read
from ingestion.emulator.meters import Meters, joined
from ingestion.emulator.misbehaviour import Misbehaviour, Mischief
from ingestion.emulator.profiles import SHAPES, amounts, calendar
from tests.ingestion import fleet

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ingestion.fleet import Collect, Collector


def emulate(running: Collector | None, **options: Any) -> str:
    output = StringIO()
    port = 9 if running is None else running.udp.port
    call_command("emulate", host="127.0.0.1", port=port, stdout=output, **options)
    return output.getvalue()


def figure(output: str, name: str) -> int:
    [line] = [line for line in output.splitlines() if line.startswith(f"{name}  ")]
    return int(line.split()[-1])


def test_a_fleet_is_made_sends_and_goes_on(collect: Collect, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="try --make"):
        emulate(None)
    running = collect()
    path = tmp_path / "ledger"
    # The modules are entered while the service runs: it learns of them within a second.
    output = emulate(running, make=12, days=2, check=True, ledger=path, back_off=0.1)
    assert figure(output, "frames acknowledged") >= 24
    assert "lost 0, changed 0, beyond 0" in output
    before = fleet.rows("SELECT count(*) FROM meters_interval_block")[0][0]
    again = emulate(running, back_off=0.1)
    # An hour may have ended meanwhile; nothing is told twice.
    assert figure(again, "frames acknowledged") in (0, 12)
    assert fleet.rows("SELECT count(*) FROM meters_interval_block")[0][0] >= before
    assert fleet.rows("SELECT count(*) FROM meters_block_revision") == [(0,)]
    assert running.refused()["replayed"] == 0


def test_misbehaviour_and_a_file(collect: Collect, tmp_path: Path) -> None:
    running = collect()
    readings = tmp_path / "readings.csv"
    readings.write_text("start,value\na,0.001\nb,0.002\nc,0.003\n")
    output = emulate(
        running,
        make=6,
        days=4,
        values=6,
        csv=readings,
        factor="1000",
        misbehave="loss=0.1,dup=0.1,drift=60,reset=0.2,exchange=0.2",
        ledger=tmp_path / "ledger",
        check=True,
        back_off=0.1,
    )
    assert "lost 0, changed 0" in output
    for name in ("loss", "dup", "reset", "exchange"):
        assert figure(output, f"misbehaved: {name}") > 0
    assert figure(output, "clocks set") > 0
    values = {
        value
        for entry in ledger_read(tmp_path / "ledger")
        if entry.told is not None
        for value in entry.told.values
    }
    assert values == {1, 2, 3}
    # A register that begins anew books nothing by itself.
    [(largest,)] = fleet.rows("SELECT max(total) FROM meters_interval_block")
    assert largest <= 3 * 25


@pytest.mark.parametrize(
    ("text", "reason"),
    [("los=0.1", "'los' is none of"), ("loss=2", "not a share"), ("loss=x", "could not convert")],
)
def test_a_wrong_option_is_told(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Misbehaviour.parse(text)


def test_options_are_read() -> None:
    rules = Misbehaviour.parse("loss=0.1, drift=40")
    assert (rules.loss, rules.drift, rules.dup) == (0.1, 40.0, 0.0)


@pytest.mark.parametrize("text", ["0.0005", "-1", "much"])
def test_readings_that_are_no_counts_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "readings.csv"
    path.write_text(f"start,value\na,1\nb,{text}\n")
    with pytest.raises(ValueError, match="row 3"):
        increments_read(path, Decimal(1000))


def test_the_same_seed_does_the_same() -> None:
    frames = [bytes([number]) * 60 for number in range(50)]
    rules = Misbehaviour(loss=0.2, dup=0.2, reorder=0.2, corrupt=0.2, unknown=0.1)
    first, second = (Mischief(rules, 3) for _ in range(2))
    sent = [first.outgoing(0, frame) for frame in frames]
    assert sent == [second.outgoing(0, frame) for frame in frames]
    assert first.counts == second.counts and len(first.counts) == 5


def test_counters_are_never_used_twice() -> None:
    modules = Modules.of(
        np.array([0x524444_0000000001, 0x524444_0000000002], np.uint64),
        [bytes(range(16)), bytes(range(1, 17))],
        highest=np.array([0, 700]),
    )
    first, _frames = modules.seal([1, 0, 1], [b"\x01"] * 3)
    second, _frames = modules.seal([0, 1], [b"\x01"] * 2)
    assert first.tolist() == [957, 1, 958]
    assert second.tolist() == [2, 959]


def test_registers_roll_over_and_go_on() -> None:
    ones = np.ones(1, np.int64)
    meters = Meters.of(
        np.zeros(1, np.int64),
        port=ones * 40,
        register=ones * 0,
        interval=ones * 60,
        opening=ones * 998,
        next_start=ones * 3_600_000,
        modulus=ones * 1_000,
    )
    now = ones * (3_600_000 + 3 * 3_600 + 5)
    [parcel] = joined(meters.tell(now, lambda lines, starts, interval: np.full((1, 3), 2)))
    assert decode(parcel.plaintext) == (
        IntervalProfile(40, 0, 3_600_000, 60, (2, 2, 2), opening=998),
    )
    assert (int(meters.opening[0]), int(meters.next_start[0])) == (4, 3_600_000 + 3 * 3_600)
    assert meters.tell(now, lambda lines, starts, interval: np.full((1, 3), 2)) == []


@pytest.mark.parametrize("kind", sorted(SHAPES))
def test_a_year_of_a_load_profile_adds_up(kind: str) -> None:
    starts = np.arange(1_767_225_600, 1_767_225_600 + 365 * 86_400, 3_600)
    yearly = np.linspace(*SHAPES[kind].yearly, 60)
    chance = np.random.default_rng(5)
    made = amounts(SHAPES[kind], yearly, calendar(starts, "Europe/Kyiv"), 60, chance)
    assert made.dtype == np.int64 and int(made.min()) >= 0
    assert made.sum() == pytest.approx(yearly.sum() * 365 / 365.25, rel=0.02)
