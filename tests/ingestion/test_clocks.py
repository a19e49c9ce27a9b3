"""Clocks of meters that are wrong: what is too far away is named, what is ahead is marked."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from ingestion.clocks import AHEAD_SECONDS, flag_ahead
from ingestion.loader import Readings, Registers
from ingestion.models import FrameOutcome, Quarantine, Reason
from ingestion.services.replay import replay_request
from ingestion.values import Collected
from meters.models import DeviceFlag, Quality, RevisionReason
from tests.ingestion import fleet
from tests.ingestion.test_engine_values import H, ask, snapshot, values

if TYPE_CHECKING:
    from tests.ingestion.fleet import Collect, Send

DAY = 86_400
AGES_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def this_hour() -> int:
    return int(time.time()) // H * H


def test_only_what_lies_ahead_is_doubted() -> None:
    now = 1_700_000_000
    starts = np.array([now - H, now + AHEAD_SECONDS, now + AHEAD_SECONDS + 1, now + H, now + H])
    told = np.array([0, 0, 0, Quality.ESTIMATED, DeviceFlag.TAMPER], np.uint8)
    frame = np.array([0, 0, 0, 0, 1], np.int32)
    readings = Readings(start=starts, quality=told, frame=frame)
    registers = Registers(at=starts, quality=told.copy(), frame=frame)
    # The second frame was received when its value was due.
    received = np.array([now, now + H], np.int64) * 1_000_000
    flag_ahead(Collected([readings], [registers]), received)
    doubted = Quality.QUESTIONABLE | DeviceFlag.CLOCK
    expected = [0, 0, doubted, Quality.ESTIMATED | DeviceFlag.CLOCK, DeviceFlag.TAMPER]
    assert readings.quality.tolist() == registers.quality.tolist() == expected


def test_hours_to_come_are_stored_where_they_say_and_give_way(collect: Collect, send: Send) -> None:
    one = fleet.module(fleet.company(), 1)
    running = collect()
    sender = send(running)
    hour = this_hour()
    ask(sender, one, fleet.profile([1] * 30, start=hour - 2 * H))
    found = values(one)
    assert len(found) == 30
    for start, (value, worth) in found.items():
        ahead = start > time.time() + AHEAD_SECONDS
        assert (value, worth) == (1, Quality.QUESTIONABLE if ahead else Quality.VALID), start - hour
    # A register of tomorrow is kept, and no consumption is made of it.
    ask(sender, one, snapshot(hour + DAY, 900_000))
    assert fleet.rows("SELECT quality FROM meters_register_reading WHERE value = 900000") == [
        (Quality.QUESTIONABLE | DeviceFlag.CLOCK,)
    ]
    assert len(values(one)) == 30
    # The clock is right again: what is measured then is no longer ahead. Every hour is marked,
    # as the day of the hour that is measured may have none ahead (late in the evening).
    fleet.rows(
        "UPDATE meters_interval_block"
        " SET quality = decode(repeat('0a', cardinality(small)), 'hex') RETURNING 1"
    )
    ask(sender, one, fleet.profile([7], start=hour - H, opening=1001))
    running.stop()
    assert values(one)[hour - H] == (7, Quality.VALID)
    reasons = fleet.rows("SELECT DISTINCT reason FROM meters_block_revision")
    assert reasons == [(RevisionReason.BETTER,)] and not Quarantine.objects.exists()


def test_times_outside_the_archive_are_kept_with_that_reason(collect: Collect, send: Send) -> None:
    one = fleet.module(fleet.company(), 1, installed=AGES_AGO)
    running = collect()
    sender = send(running)
    today = int(time.time()) // DAY * DAY
    partitions = fleet.rows("SELECT count(*) FROM pg_inherits")
    for start in (DAY, today - 30 * 365 * DAY, today + 31 * DAY, today + 10 * 365 * DAY):
        ask(sender, one, fleet.profile([2] * 24, start=start, opening=None))
    fleet.wait_for(lambda: sum(row.count for row in Quarantine.objects.all()) == 4)
    assert [(row.reason, row.count) for row in Quarantine.objects.all()] == [
        (Reason.OUT_OF_TIME, 4)
    ]
    assert fleet.rows("SELECT count(*) FROM pg_inherits") == partitions
    assert values(one) == {}
    outcomes = fleet.rows("SELECT outcome, reason FROM ingestion_raw_frame ORDER BY id")
    assert [outcome for outcome, _ in outcomes] == [FrameOutcome.REFUSED] * 4
    assert all("older than the archive" in reason for _, reason in outcomes[:2])
    assert all("in the future" in reason for _, reason in outcomes[2:])
    # Tried again, they are outside all the same, and still counted as that.
    replay_request(actor=None, rows=Quarantine.objects.all())
    fleet.wait_for(lambda: not fleet.rows("SELECT 1 FROM ingestion_replay_request"))
    running.stop()
    [row] = Quarantine.objects.all()
    assert (row.reason, row.count, row.waiting) == (Reason.OUT_OF_TIME, 4, 4)
