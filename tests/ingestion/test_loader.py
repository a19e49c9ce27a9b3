"""What one batch does to the archive, and what it refuses."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from django.db import connection
from django.utils import timezone

from ingestion.loader import LoadBatch, Loader, Refusal, load
from ingestion.models import FrameOutcome, RawFrame
from meters.models import DeviceFlag, Quality, RevisionReason
from meters.rollups.dirty import dirty_take
from meters.signals import readings_loaded
from tests.ingestion import archive

pytestmark = pytest.mark.django_db
H = 3600


@pytest.fixture
def start() -> int:
    """Midnight in Kyiv of a day without a clock change, a few days ago."""
    return archive.day_of(str(timezone.now().date() - timedelta(days=3)))


@pytest.fixture
def channel() -> int:
    return archive.channels()[0]


def _values() -> list[int | None]:
    [(_, _, values, _)] = archive.blocks().values()
    return values


def test_a_day_of_hours_becomes_one_block(channel: int, start: int) -> None:
    result = load(archive.batch((channel, start + h * H, 60, h) for h in range(24)))
    [(key, (interval, total, values, quality))] = archive.blocks().items()
    assert key == (channel, timezone.now().date() - timedelta(days=3))
    assert (interval, total, values, quality) == (60, sum(range(24)), list(range(24)), None)
    assert (result.stored, result.new_blocks, result.changed_blocks) == (24, 1, 0)


def test_late_values_fill_the_block_without_a_revision(channel: int, start: int) -> None:
    for h in (5, 23, 0):
        load(archive.batch([(channel, start + h * H, 60, 100 + h)]))
    [(_, total, values, quality)] = archive.blocks().values()
    assert values == [100, *[None] * 4, 105, *[None] * 17, 123]
    assert total == 328 and quality is None and archive.revisions() == []


def test_a_changed_value_keeps_the_earlier_block(channel: int, start: int) -> None:
    load(archive.batch([(channel, start, 60, 1), (channel, start + H, 60, 2)]))
    batch = LoadBatch(
        readings=archive.readings([(channel, start, 60, 7, 0, 1)]),
        frames=archive.frames(2),
        note="meter was read wrongly",
        user_id=3,
    )
    result = load(batch)
    assert (result.stored, result.changed_blocks, result.revisions) == (1, 1, 1)
    [(_, _, values, quality, reason, frame)] = archive.revisions()
    assert values[:3] == [1, 2, None] and quality is None and reason == RevisionReason.NEWER
    assert frame == result.frame_ids[1]
    [(_, total, values, _)] = archive.blocks().values()
    assert total == 9 and values[:2] == [7, 2]
    with connection.cursor() as cursor:
        cursor.execute("SELECT user_id, note FROM meters_block_revision")
        assert cursor.fetchall() == [(3, "meter was read wrongly")]


def test_a_batch_twice_changes_nothing(channel: int, start: int) -> None:
    batch = archive.batch((channel, start + h * H, 60, h, h % 4 * 8) for h in range(30))
    load(batch)
    before = archive.dump()
    again = load(batch)
    assert archive.dump() == before and archive.revisions() == []
    assert (again.stored, again.repeated, len(again.channels)) == (0, 30, 0)


def test_contradictions_within_a_batch_are_taken_in_turn(channel: int, start: int) -> None:
    result = load(archive.batch((channel, start, 60, value) for value in (4, 4, 5, 4, 4, 6)))
    assert _values()[0] == 6
    assert [row[2][0] for row in archive.revisions()] == [4, 5, 4]
    assert (result.stored, result.repeated) == (4, 2)


@pytest.mark.parametrize(
    ("value", "column"),
    [
        (32_767, "small"),
        (-32_768, "small"),
        (32_768, "values"),
        (2**31 - 1, "values"),
        (-(2**31) - 1, "wide"),
        (999_999_999_999, "wide"),
    ],
)
def test_the_narrowest_array_holds_the_values(
    channel: int, start: int, value: int, column: str
) -> None:
    load(archive.batch([(channel, start, 60, value), (channel, start + 23 * H, 60, 1)]))
    assert (_values()[0], _values()[23]) == (value, 1)
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT "{column}" IS NOT NULL, num_nonnulls(small, "values", wide)'
            " FROM meters_interval_block"
        )
        assert cursor.fetchall() == [(True, 1)]


def test_a_block_widens_and_narrows_again(channel: int, start: int) -> None:
    for value in (5, 10**12 - 1, 6):
        load(archive.batch([(channel, start, 60, value)]))
    assert _values()[0] == 6
    assert [row[2][0] for row in archive.revisions()] == [5, 10**12 - 1]
    other = archive.channels()[0]
    load(archive.batch([(other, start, 60, 6)]))
    with connection.cursor() as cursor:
        cursor.execute('SELECT DISTINCT small, "values", wide FROM meters_interval_block')
        assert len(cursor.fetchall()) == 1


@pytest.mark.parametrize(("interval", "slots"), [(1, 1440), (15, 96), (30, 48), (1440, 1)])
def test_intervals_from_a_minute_to_a_day(channel: int, interval: int, slots: int) -> None:
    start = archive.day_of("2026-11-10")
    rows = [(channel, start + i * interval * 60, interval, i) for i in range(slots)]
    load(archive.batch(rows[slots // 2 :]))
    load(archive.batch(rows[: slots // 2 + 1]))
    assert _values() == list(range(slots))


def test_quality_bytes_are_kept_where_there_is_something_to_say(channel: int, start: int) -> None:
    flags = DeviceFlag.TAMPER | DeviceFlag.RECOVERED
    load(
        archive.batch(
            [
                (channel, start, 60, 5, Quality.ESTIMATED),
                (channel, start + H, 60, 6, Quality.VALID | flags),
                (channel, start + 2 * H, 60, 0, Quality.MISSING),
            ]
        )
    )
    [(_, total, values, quality)] = archive.blocks().values()
    assert values[:3] == [5, 6, None] and total == 11
    assert quality == bytes([Quality.ESTIMATED, flags] + [Quality.MISSING] * 22)


def test_missing_values_make_no_block(channel: int, start: int) -> None:
    result = load(archive.batch([(channel, start, 60, 9, Quality.MISSING)]))
    assert archive.blocks() == {} and (result.missing, result.stored) == (1, 0)
    assert not result.refused.any() and result.first_day is None


def _far(days: int) -> int:
    return archive.day_of(str(timezone.now().date() + timedelta(days=days)))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (lambda c: (c + 10**6, _far(-1), 60, 1), Refusal.UNKNOWN_CHANNEL),
        (lambda c: (c, _far(-1), 0, 1), Refusal.BAD_INTERVAL),
        (lambda c: (c, _far(-1), -60, 1), Refusal.BAD_INTERVAL),
        (lambda c: (c, _far(-1), 7, 1), Refusal.BAD_INTERVAL),
        (lambda c: (c, _far(-1), 2880, 1), Refusal.BAD_INTERVAL),
        (lambda c: (c, _far(-1) + 60, 60, 1), Refusal.OFF_GRID),
        (lambda c: (c, _far(-1) + H, 1440, 1), Refusal.OFF_GRID),
        (lambda c: (c, _far(4), 60, 1), Refusal.IN_FUTURE),
        (lambda c: (c, _far(3650), 60, 1), Refusal.IN_FUTURE),
        (lambda c: (c, 2**62, 60, 1), Refusal.IN_FUTURE),
        (lambda c: (c, _far(-26 * 366), 60, 1), Refusal.TOO_OLD),
        (lambda c: (c, 0, 60, 1), Refusal.TOO_OLD),
        (lambda c: (c, -(2**62), 60, 1), Refusal.TOO_OLD),
        (lambda c: (c, _far(-8000), 60, 1), Refusal.NO_PARTITION),
        (lambda c: (c, _far(-1), 60, 2**52), Refusal.TOO_LARGE),
        (lambda c: (c, _far(-1), 60, -(2**63)), Refusal.TOO_LARGE),
        (lambda c: (c, _far(-1), 60, 1, 6), Refusal.UNKNOWN_QUALITY),
        (lambda c: (c, _far(-1), 60, 1, 7), Refusal.UNKNOWN_QUALITY),
    ],
)
def test_a_poison_row_is_refused_and_the_others_are_stored(
    channel: int, start: int, row: object, reason: Refusal
) -> None:
    good = [(channel, start + h * H, 60, h, 0, h) for h in range(24)]
    poison = row(channel)  # type: ignore[operator]
    bad = (*poison, *(0, 12)[len(poison) - 4 :]) if len(poison) == 4 else (*poison, 12)
    batch = LoadBatch(
        readings=archive.readings([*good[:13], bad, *good[13:]]), frames=archive.frames(25)
    )
    result = load(batch)
    assert _values() == list(range(24))
    assert np.flatnonzero(result.refused).tolist() == [13] and result.refused[13] == reason
    outcomes = RawFrame.objects.order_by("id").values_list("outcome", "reason")
    assert [row[0] for row in outcomes] == [
        FrameOutcome.PARTLY if n == 12 else FrameOutcome.STORED for n in range(25)
    ]
    assert outcomes[12][1] == result.frame_reasons(batch)[12] and outcomes[12][1]
    assert {row[1] for row in outcomes} == {"", outcomes[12][1]}


def test_the_day_keeps_the_interval_it_began_with(channel: int, start: int) -> None:
    result = load(
        archive.batch(
            [(channel, start, 60, 1), (channel, start + H, 30, 2), (channel, start + H, 60, 3)]
        )
    )
    assert result.refused.tolist() == [0, Refusal.OTHER_INTERVAL, 0]
    again = load(archive.batch([(channel, start, 15, 8), (channel, start + 2 * H, 60, 4)]))
    assert again.refused.tolist() == [Refusal.OTHER_INTERVAL, 0]
    assert _values()[:4] == [1, 3, 4, None]


def test_what_only_the_database_refuses_is_isolated(start: int) -> None:
    ids = archive.channels(count=40)
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE meters_interval_block ADD CONSTRAINT probe CHECK (total <> 666)"
        )
    rows = [(c, start, 60, 666 if n in (7, 31) else n, 0, n) for n, c in enumerate(ids)]
    batch = LoadBatch(
        readings=archive.readings(rows),
        registers=archive.registers([(ids[7], start, 1, 0, 1, 7), (ids[8], start, 2, 0, 1, 8)]),
        frames=archive.frames(40),
    )
    result = load(batch)
    assert sorted(key[0] for key in archive.blocks()) == sorted(set(ids) - {ids[7], ids[31]})
    assert np.flatnonzero(result.refused).tolist() == [7, 31]
    assert result.refused_registers.tolist() == [Refusal.DATABASE, 0]
    assert result.stored == 38 and result.registers_stored == 1
    refused = RawFrame.objects.filter(outcome=FrameOutcome.REFUSED)
    assert refused.count() == 2 and all("probe" in frame.reason for frame in refused)
    assert RawFrame.objects.count() == 40


def test_raw_frames_keep_what_was_received(channel: int, start: int) -> None:
    frames = archive.frames(3, source="\x00\udcff source")
    frames.module = np.array([-1, 5, 6])
    frames.counter = np.array([9, -1, 2**40])
    frames.payload = [b"", bytes(range(256)), b"\x00" * 5000]
    result = load(LoadBatch(frames=frames))
    rows = list(RawFrame.objects.order_by("id"))
    assert [row.id for row in rows] == result.frame_ids.tolist()
    assert [bytes(row.payload) for row in rows] == list(frames.payload)
    assert [row.module_id for row in rows] == [None, 5, 6]
    assert [row.counter for row in rows] == [9, None, 2**40]
    assert rows[0].source == "\ufffd? source"
    assert rows[0].received_at.timestamp() * 1e6 == pytest.approx(frames.received_at[0], abs=1)
    assert load(LoadBatch(frames=archive.frames(1))).frame_ids[0] > result.frame_ids[-1]


def test_a_raw_frame_can_not_be_changed() -> None:
    load(LoadBatch(frames=archive.frames(1)))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ingestion_raw_frame SET outcome = 3, reason = 'decided later'")
        with pytest.raises(Exception, match="stays as it was received"):
            cursor.execute("UPDATE ingestion_raw_frame SET payload = ''")


def test_changed_blocks_are_marked_dirty_once(start: int) -> None:
    one, other = sorted(archive.channels(count=2))
    rows = [(c, start + h * H, 60, h) for c in (other, one) for h in range(26)]
    load(archive.batch(rows))
    first = timezone.now().date() - timedelta(days=3)
    assert [tuple(row) for row in dirty_take()] == [
        (first, [one, other]),
        (first + timedelta(days=1), [one, other]),
    ]
    load(archive.batch([*rows, (one, start + 26 * H, 60, 1)]))
    assert [tuple(row) for row in dirty_take()] == [(first + timedelta(days=1), [one])]
    assert dirty_take() == []


def test_the_signal_tells_channels_and_period_after_the_batch(start: int) -> None:
    ids = sorted(archive.channels(count=2))
    heard: list[dict[str, object]] = []

    def listen(**signal: object) -> None:
        heard.append(signal)

    def fail(**_signal: object) -> None:
        raise ValueError("a receiver's own trouble")

    readings_loaded.connect(fail)
    readings_loaded.connect(listen)
    try:
        load(archive.batch((c, start + 23 * H + h * H, 60, h) for c in ids for h in range(2)))
        load(archive.batch([(ids[0], start + 23 * H, 60, 0)]))
    finally:
        readings_loaded.disconnect(listen)
        readings_loaded.disconnect(fail)
    [signal] = heard
    assert signal["channels"].tolist() == ids  # type: ignore[attr-defined]
    first = timezone.now().date() - timedelta(days=3)
    assert (signal["first_day"], signal["last_day"]) == (first, first + timedelta(days=1))


def test_register_readings(channel: int, start: int) -> None:
    def put(*rows: tuple[int, ...]) -> int:
        return load(LoadBatch(registers=archive.registers(rows))).registers_stored

    def stored() -> list[tuple[int, int, int]]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT value, quality, kind FROM meters_register_reading ORDER BY at")
            return cursor.fetchall()

    assert put((channel, start + H, 20), (channel, start, 10, Quality.ESTIMATED, 3)) == 2
    assert stored() == [(10, 3, 3), (20, 0, 1)]
    assert put((channel, start, 11), (channel, start, 11), (channel, start + H, 19, 3)) == 1
    assert stored() == [(11, 0, 1), (20, 0, 1)]
    assert put((channel, start + H, 20, DeviceFlag.CLOCK, 2)) == 0
    assert stored() == [(11, 0, 1), (20, DeviceFlag.CLOCK, 1)]
    assert put((channel, start + H, 999_999_999_999), (channel, start + H, 21)) == 2
    with connection.cursor() as cursor:
        cursor.execute("SELECT value, quality, reason FROM meters_register_revision ORDER BY id")
        assert cursor.fetchall() == [
            (10, 3, RevisionReason.BETTER),
            (20, DeviceFlag.CLOCK, RevisionReason.NEWER),
            (999_999_999_999, 0, RevisionReason.NEWER),
        ]


def test_bad_register_readings_are_refused(channel: int, start: int) -> None:
    rows = [
        (channel, start, 2**60),
        (channel, start, 1, Quality.MISSING),
        (channel + 10**6, start, 1),
        (channel, _far(30), 1),
        (channel, start, 1),
    ]
    result = load(LoadBatch(registers=archive.registers(rows)))
    assert result.refused_registers.tolist() == [
        Refusal.TOO_LARGE,
        Refusal.UNKNOWN_QUALITY,
        Refusal.UNKNOWN_CHANNEL,
        Refusal.IN_FUTURE,
        0,
    ]
    assert result.registers_stored == 1


def test_long_history_of_one_channel(channel: int) -> None:
    hours = 24 * 300
    start = archive.day_of(str(timezone.now().date() - timedelta(days=310)))
    rows = [(channel, start + h * H, 60, h) for h in range(hours)]
    load(archive.batch(rows[hours // 3 :]))
    load(archive.batch(rows[: hours // 2]))
    found = [v for key in sorted(archive.blocks()) for v in archive.blocks()[key][2]]
    assert [v for v in found if v is not None] == list(range(hours))


def test_an_empty_batch_does_nothing() -> None:
    result = load(LoadBatch())
    assert result.stored == 0 and archive.blocks() == {}


def test_a_new_channel_and_a_new_zone_are_noticed(start: int) -> None:
    loader = Loader()
    kyiv = archive.channels()[0]
    assert loader.load(archive.batch([(kyiv, start, 60, 1)])).stored == 1
    day = timezone.now().date() - timedelta(days=3)
    dublin = archive.channels("Europe/Dublin")[0]
    midnight = archive.day_of(str(day), "Europe/Dublin")
    assert loader.load(archive.batch([(dublin, midnight, 60, 1)])).stored == 1
    assert {key: block[2][0] for key, block in archive.blocks().items()} == {
        (kyiv, day): 1,
        (dublin, day): 1,
    }
    assert isinstance(day, date)


def test_a_day_too_new_for_statistics_costs_no_more(start: int) -> None:
    """The planner expects no block of such a day, and must not read what is staged for each one."""
    channels, day = archive.channels(count=900), 86_400
    scans: list[tuple[int, int]] = []
    for first in range(start - 25 * day, start, day):
        load(archive.batch((one, first + 6 * H, 60, 1) for one in channels))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE meters_interval_block")
    load(archive.batch((one, start + h * H, 60, 1) for one in channels for h in range(2)))
    late = archive.batch((one, start + h * H, 60, 7) for one in channels for h in (1, 2))

    def count(_ids: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT seq_scan, seq_tup_read FROM pg_stat_xact_user_tables"
                " WHERE relname = 'readout_block_stage'"
            )
            scans.append(cursor.fetchone())

    late.beside = count
    result = load(late)
    assert (result.changed_blocks, result.revisions) == (900, 900)
    [(times, rows)] = scans
    assert times <= 3 and rows <= 3 * 900
    assert sum(values[2] == [1, 7, 7] + [None] * 21 for values in archive.blocks().values()) == 900
