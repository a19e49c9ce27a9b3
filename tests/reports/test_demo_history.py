"""The demo's archive: one story in blocks, registers, balances and frames."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from accounts.models import Company
from ingestion.models import ModuleKey
from meters.models import (
    BlockRevision,
    InstallationReading,
    IntervalBlock,
    Quality,
    RegisterReading,
    TelemetryModule,
)
from reports.demo.history import _outages, halves, history_load
from reports.demo.last_days import last_days_load
from reports.demo.live import Live
from reports.demo.loader import CITY, HILL, demo_load
from reports.demo.sending import story_day
from reports.demo.town import Town, town_read
from tests.ingestion import fleet

if TYPE_CHECKING:
    from collections.abc import Iterator

TODAY = date(2026, 6, 15)


@pytest.fixture
def city(db: None) -> Company:
    """Loading takes seconds, so each test asks much of one load."""
    demo_load(keep=lambda logins: None, today=TODAY)
    return Company.objects.get(code=CITY)


def test_a_town_tells_one_story(city: Company) -> None:
    town = town_read(city, today=TODAY)
    used = sum(town.increments(TODAY - timedelta(days=day)).sum(axis=1) for day in range(60, 80))
    used = used * town.multiplier
    _inlets_measure_their_consumers(town, used)
    _sources_supply_everything(town, used)
    _leak_shows_at_night_and_a_stuck_meter_stands_still(town)
    other = town_read(city, today=TODAY)
    assert (town.increments(TODAY) == other.increments(TODAY)).all()
    assert town.increments(date(2026, 3, 29)).shape[1] == 23
    assert town.increments(date(2025, 10, 26)).shape[1] == 25
    _every_active_module_has_a_key()


def _inlets_measure_their_consumers(town: Town, used: Any) -> None:
    inlets = np.flatnonzero(town.role == 1)
    assert len(inlets) == 20
    for inlet in inlets.tolist():
        behind = used[town.inlet == inlet].sum()
        if behind:
            assert 0.02 < 1 - behind / used[inlet] < 0.12, town.kind[inlet]


def _sources_supply_everything(town: Town, used: Any) -> None:
    for source in np.flatnonzero(town.role == 2).tolist():
        fed = (town.source == source) & ((town.role == 1) | (town.inlet < 0))
        # The source of electricity counts in steps of 13 kWh.
        assert used[source] > used[fed].sum() * 0.99
        assert used[source] < used[fed].sum() * 1.06 + 1


def _leak_shows_at_night_and_a_stuck_meter_stands_still(town: Town) -> None:
    before = town.increments(TODAY - timedelta(days=60))
    after = town.increments(TODAY - timedelta(days=5))
    assert after[town.leaking, 1:5].min() > before[town.leaking, 1:5].max()
    assert before[town.stuck].sum() > 0
    assert after[town.stuck].sum() == 0


def _every_active_module_has_a_key() -> None:
    active = TelemetryModule.objects.filter(status="active")
    assert ModuleKey.objects.filter(state="active").count() == active.count()
    assert not active.exclude(address__regex=r"^RD[WGCM]-[0-9]{10}$").exists()


def test_halves_add_up() -> None:
    values = np.array([[5, 0, 8]])
    assert halves(values).tolist() == [[2, 3, 0, 0, 4, 4]]


def test_history_hangs_together(city: Company) -> None:
    town = town_read(city, today=TODAY)
    stored = history_load(city, today=TODAY, until=TODAY - timedelta(days=2), days=72)
    blocks = IntervalBlock.objects.filter(channel__company=city)
    days = {TODAY - timedelta(days=day) for day in range(3, 73)}
    assert set(blocks.values_list("day", flat=True)) == days
    assert not BlockRevision.objects.exists()
    values = sum(sum(value is not None for value in block.readings) for block in blocks.iterator())
    assert stored == values
    _registers_tell_the_blocks(town)
    _exchanged_meters_closed_at_what_they_had_counted()
    _qualities_are_those_of_an_archive(town, blocks)


def _registers_tell_the_blocks(town: Town) -> None:
    """Two readings a day apart differ by the blocks between them, where nothing rolled over."""
    day = TODAY - timedelta(days=7)
    begin, end = town.begins(day), town.begins(day + timedelta(days=1))
    readings = {
        (row.channel_id, int(row.at.timestamp())): row.value
        for row in RegisterReading.objects.filter(channel__in=town.register.tolist())
    }
    totals = dict(IntervalBlock.objects.filter(day=day).values_list("channel", "total"))
    compared = 0
    for row in range(len(town)):
        register = int(town.register[row])
        if (register, begin) in readings and (register, end) in readings:
            grown = readings[register, end] - readings[register, begin]
            if grown >= 0:
                assert grown * town.multiplier[row] == totals[int(town.channel[row])]
                compared += 1
    assert compared > 950


def _exchanged_meters_closed_at_what_they_had_counted() -> None:
    readings = InstallationReading.objects.filter(installation__removed_at__isnull=False)
    assert readings.count() >= 12
    for row in readings.select_related("installation", "reading_type"):
        assert row.closing is not None and row.closing > row.opening
        code = row.reading_type.code
        if not code.endswith((".volume.register", "active.import.register", "energy.register")):
            continue
        before = (
            RegisterReading.objects.filter(
                channel__usage_point=row.installation.usage_point,
                channel__reading_type=row.reading_type,
                at__lte=row.installation.removed_at,
            )
            .order_by("-at")
            .first()
        )
        if before is not None and before.kind == 1:
            assert 0 <= int(row.closing * 1_000) - before.value < 60_000


def _qualities_are_those_of_an_archive(town: Town, blocks: Any) -> None:
    outages = _outages(town)
    kinds = Counter(one.estimated for one in outages)
    assert min(kinds[True], kinds[False]) >= 5
    assert max(one.end for one in outages) < town.begins(TODAY - timedelta(days=4))
    recent = blocks.filter(day__gt=TODAY - timedelta(days=62), day__lt=TODAY - timedelta(days=50))
    qualities = Counter(quality & 7 for block in recent.iterator() for quality in block.qualities)
    assert qualities[Quality.MISSING] > 500
    assert qualities[Quality.ESTIMATED] > 500
    assert qualities[Quality.VALID] > 20 * qualities[Quality.MISSING]


@pytest.fixture
def hill(transactional_db: None) -> Iterator[Company]:
    """Committed, with an archive of its own until the day before its story ends."""
    fleet.clean()
    demo_load(keep=lambda logins: None)
    made = Company.objects.get(code=HILL)
    day = story_day(made)
    history_load(made, today=day, until=day - timedelta(days=1), days=3)
    yield made
    fleet.clean()


def test_frames_of_the_last_days_and_the_fleet_that_goes_on(hill: Company, settings: Any) -> None:
    settings.MQTT_URL = ""
    assert last_days_load([hill]) >= 60
    odd = "SELECT count(*) FROM ingestion_raw_frame WHERE outcome <> 0 OR module_id IS NULL"
    assert fleet.rows(odd) == [(0,)]
    running = fleet.Collector().start()
    ports = {"udp": running.udp.port, "tcp": running.tcp.port}
    live = Live([hill], host="127.0.0.1", ports=ports, spread=0.0)
    try:
        # The last hour once more, as if nobody had told it.
        live.voices.stock.meters.next_start[:] -= 3_600
        fleet.wait_for(lambda: _turned(live), what="the fleet's frames")
    finally:
        live.close()
        running.stop()
    # Told twice with the same numbers: nothing gave way.
    assert not BlockRevision.objects.exists()
    assert set(running.refused()) <= {"unknown_device", "wrong_key", "malformed"}


def _turned(live: Live) -> bool:
    live.turn()
    told = sum(courier.score.acknowledged for courier in live.couriers.values())
    return told >= 60 and not any(courier.busy for courier in live.couriers.values())
