"""When modules were last heard is written in pieces, and what they told before stays."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from django.db import transaction

from ingestion import seen as seen_module
from ingestion.codecs import universal_messages as m
from ingestion.seen import Seen
from meters.models import Meter, ModuleState, TelemetryModule
from tests.ingestion import fleet

if TYPE_CHECKING:
    from tests.ingestion.fleet import Collect, Send

pytestmark = pytest.mark.django_db

EARLY, LATE = (int(datetime(2026, 3, day, tzinfo=UTC).timestamp()) * 1_000_000 for day in (1, 2))


class _Columns:
    """The part of a work, of a batch and of what is known that notes are taken of."""

    def __init__(self, modules: list[int], told: dict[int, tuple[int, int]]) -> None:
        count = len(modules)
        self.row = self.new = np.arange(count)
        self.devices = self
        self.module = np.array(modules)
        self.statuses = self
        self.frame = np.array(list(told), np.int64)
        self.battery_percent = np.array([battery for battery, _ in told.values()], np.int64)
        self.signal = np.array([signal for _, signal in told.values()], np.int64)


def _noted(seen: Seen, modules: list[int], at: int, **told: Any) -> None:
    columns: Any = _Columns(modules, told.get("told", {}))
    seen.note(columns, columns, columns, at)


def _written(seen: Seen) -> int:
    """Everything; in how many pieces."""
    pieces = 0
    while len(seen):
        with transaction.atomic():
            seen.write()
        seen.written()
        pieces += 1
    return pieces


def _states() -> dict[int, tuple[int, int | None, int | None]]:
    return {
        row.module_id: (
            int(row.last_seen_at.timestamp()) * 1_000_000,
            row.battery_percent,
            row.signal_dbm,
        )
        for row in ModuleState.objects.all()
    }


def test_pieces_write_everything_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen_module, "_PIECE", 3)
    company = fleet.company()
    modules = [fleet.module(company, number).row.pk for number in range(1, 9)]
    seen = Seen()
    _noted(seen, modules, EARLY, told={0: (88, -71), 1: (255, -90)})
    assert _written(seen) == 3
    assert _states() == {
        module: (EARLY, *{0: (88, -71), 1: (None, -90)}.get(place, (None, None)))
        for place, module in enumerate(modules)
    }
    # What was told once stays until it is told anew; an older time moves nothing back.
    _noted(seen, modules[:2], LATE, told={1: (40, 127)})
    _written(seen)
    _noted(seen, modules[:1], EARLY)
    _written(seen)
    states = _states()
    assert states[modules[0]] == (LATE, 88, -71)
    assert states[modules[1]] == (LATE, 40, -90)


def test_a_module_that_is_gone_costs_the_others_nothing() -> None:
    company = fleet.company()
    kept, gone = (fleet.module(company, number).row.pk for number in (1, 2))
    seen = Seen()
    _noted(seen, [kept, gone], EARLY)
    Meter.objects.filter(module=gone).update(module=None)
    TelemetryModule.objects.filter(pk=gone).delete()
    _written(seen)
    assert list(_states()) == [kept]
    _noted(seen, [kept, gone], LATE)
    _written(seen)
    assert _states() == {kept: (LATE, None, None)}


def test_a_piece_that_was_not_written_is_written_later() -> None:
    module = fleet.module(fleet.company(), 1).row.pk
    seen = Seen()
    _noted(seen, [module], EARLY)
    with pytest.raises(RuntimeError), transaction.atomic():
        seen.write()
        raise RuntimeError
    assert _states() == {} and len(seen) == 1
    assert _written(seen) == 1
    assert list(_states()) == [module]


def test_windows_are_written_in_pieces_and_found_again(
    collect: Collect, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingestion.replay_windows._PIECE", 2)
    company = fleet.company()
    modules = [fleet.module(company, number) for number in range(1, 6)]
    running = collect()
    sender = send(running)
    frames = [one.frame(m.Status(fleet.day_start(1), 1, 90, -70, 20)) for one in modules]
    for one, frame in zip(modules, frames, strict=True):
        assert fleet.acknowledged(one, sender.ask(frame)) == one.counter
    running.stop()
    [(windows,)] = fleet.rows("SELECT count(*) FROM ingestion_replay_window WHERE module_id <> 0")
    assert windows == len(modules)
    # Only the windows can tell that these frames were here.
    fleet.rows("DELETE FROM ingestion_raw_frame RETURNING id")
    running = collect()
    sender = send(running)
    for one, frame in zip(modules, frames, strict=True):
        assert fleet.acknowledged(one, sender.ask(frame)) == one.counter
    fleet.wait_for(lambda: running.engine.figures.repeated == len(modules))
    assert running.engine.figures.stored == 0
