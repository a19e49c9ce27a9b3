"""D18: clocks of meters that are years off, stand at their beginning, or drift."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ingestion.codecs.universal import encode
from ingestion.codecs.universal_messages import IntervalProfile, RegisterSnapshot, RegisterValue
from tests.faults.delivery import Delivery, Item
from tests.faults.lines import UdpLine

if TYPE_CHECKING:
    from tests.faults.running import Listener
    from tests.faults.site import Stage

    Served = tuple[Stage, Listener]

DAY = 86_400
YEAR = 365 * DAY
# Seconds that the clocks are off; what lies within the archive's months is stored where it says.
OFF = [
    *(years * YEAR for years in range(-10, 11)),
    *(days * DAY for days in (-400, -90, -31, -30, -1, 0, 2, 3, 31, 400)),
]
_STORED_DAYS = range(-420, 3)
_FRAMES = """
SELECT f.module_id, f.counter, extract(epoch FROM f.received_at)::float8, f.outcome, f.reason
FROM ingestion_raw_frame f WHERE f.module_id = ANY(%s) ORDER BY 1, 2
"""
_DAYS = """
SELECT channel_id, extract(epoch FROM day)::bigint, total FROM meters_interval_block
WHERE channel_id = ANY(%s)
"""
_READ = """
SELECT extract(epoch FROM at)::bigint FROM meters_register_reading WHERE channel_id = %s ORDER BY 1
"""
_BOOKED = "SELECT sum(total)::int FROM meters_interval_block WHERE channel_id = %s"
_PARTITIONS = "SELECT inhrelid::regclass::text FROM pg_inherits ORDER BY 1"


def test_clocks_that_are_wrong_move_nothing(served: Served, counts: Any) -> None:
    stage, listener = served
    today = int(time.time()) // DAY * DAY
    devices = stage.devices[1 : len(OFF) + 2]
    days = [max(DAY, today + off) for off in OFF] + [DAY]
    items = [
        Item(device, 1, device.seal(1, encode([IntervalProfile(1, 0, day, 60, (2,) * 24, 100)])))
        for device, day in zip(devices, days, strict=True)
    ]
    partitions, began = stage.query(_PARTITIONS), time.time()
    Delivery([UdpLine(listener.udp)], items).run()
    ended = time.time()
    assert stage.query(_PARTITIONS) == partitions, "a device made a partition"
    frames = stage.query(_FRAMES, [device.module for device in devices])
    assert len(frames) == len(items)
    assert all(began - 1 <= received <= ended for _, _, received, _, _ in frames)
    inside = {
        (device.volume, day, 48)
        for device, day in zip(devices, days, strict=True)
        if (day - today) // DAY in _STORED_DAYS
    }
    stored = stage.query(_DAYS, [device.volume for device in devices])
    assert set(stored) == inside, "a day was moved, lost or made up"
    flagged = [reason for _, _, _, outcome, reason in frames if outcome != 0]
    assert all(flagged) and len(flagged) == len(items) - len(inside)
    counts(clocks=len(items), stored_where_they_say=len(inside), kept_with_a_reason=len(flagged))


def test_a_clock_that_drifts_stays_on_the_grid(served: Served, counts: Any) -> None:
    """Half a minute more every hour: readings are never moved, their hours come from what is near."""
    stage, listener = served
    device = stage.devices[0]
    start = int(time.time()) // DAY * DAY - 9 * DAY
    times = [start + hour * 3_600 + hour * 30 for hour in range(120)]
    items = [
        Item(
            device,
            number,
            device.seal(number, encode([RegisterSnapshot(at, (RegisterValue(1, 0, 7 * number),))])),
        )
        for number, at in enumerate(times, 1)
    ]
    Delivery([UdpLine(listener.udp)], items, in_flight=1).run()
    assert [at for (at,) in stage.query(_READ, device.register)] == times
    [(booked,)] = stage.query(_BOOKED, device.volume)
    # The hour that is not over, and the share of the reading before it, are still to come.
    assert 0 <= 7 * (len(times) - 1) - booked <= 2 * 7
    counts(readings=len(times), used=7 * (len(times) - 1), booked=booked)
