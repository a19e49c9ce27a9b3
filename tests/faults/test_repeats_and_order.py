"""D8 and D9: frames three times and in no order leave the bytes that one sorted run leaves."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from ingestion.codecs.universal import encode
from ingestion.codecs.universal_messages import IntervalProfile, RegisterSnapshot, RegisterValue
from tests.faults.delivery import Delivery, Item
from tests.faults.lines import TcpLine, UdpLine
from tests.faults.load import HOUR
from tests.faults.running import ROOT, wait_for

if TYPE_CHECKING:
    from ingestion.codecs.universal_messages import UpMessage
    from tests.faults.load import Device, Load
    from tests.faults.site import Site, Stage

# Frames come at most so many hours late.
_WITHIN = 48
# Of the archive, and of the sums that are made from it.
_TABLES = (
    "meters_interval_block",
    "meters_register_reading",
    "meters_node_block",
    "meters_month_total",
    "meters_node_month",
)
_DUMP = "SELECT count(*), md5(string_agg(md5(t::text), '' ORDER BY t::text)) FROM {table} t"
# Shares of a gap, which registers leave until the missing ones come, may give way to better ones.
_REVISIONS = "SELECT count(*) FROM meters_block_revision WHERE channel_id = ANY(%s)"
_SUM = "SELECT sum(total) FROM meters_month_total WHERE channel_id = %s"


class _Told(NamedTuple):
    """What a device says in an hour; nothing where the frame of that hour is lost for good."""

    messages: list[UpMessage]
    used: int


def _tells_every_hour(device: Device) -> bool:
    """Every third device only tells its register; every third tells both, and loses hours."""
    return device.number % 3 == 1


def _hours(load: Load, device: Device, hours: int) -> list[_Told]:
    noise, shown, told = random.Random(device.number), 10_000 + device.number, []
    for hour in range(hours):
        at, used = load.first + hour * HOUR, noise.randrange(90)
        register = RegisterSnapshot(at, (RegisterValue(1, 0, shown),))
        messages: list[UpMessage] = []
        if device.number % 3 == 0 or (device.number % 3 == 2 and hour % 6 == 0):
            messages.append(register)
        if _tells_every_hour(device):
            messages.append(IntervalProfile(1, 0, at, 60, (used,), shown))
        elif device.number % 3 == 2 and hour % 6 not in (2, 3):
            messages.append(IntervalProfile(1, 0, at, 60, (used,)))
        told.append(_Told(messages, used))
        shown += used
    return told


def _items(device: Device, told: list[_Told]) -> list[Item | None]:
    return [
        Item(device, hour + 1, device.seal(hour + 1, encode(one.messages)))
        if one.messages
        else None
        for hour, one in enumerate(told)
    ]


def _shuffled(in_order: list[list[Item]], times: int) -> list[Item]:
    """Every frame so many times, in no order within two days."""
    noise, found = random.Random(len(in_order)), []
    for first in range(0, len(in_order), _WITHIN):
        some = [item for hour in in_order[first : first + _WITHIN] for item in hour] * times
        noise.shuffle(some)
        found += some
    return found


class _Left(NamedTuple):
    """What a run leaves: rows and digest of each table; figures of the service."""

    tables: dict[str, tuple[int, str]]
    figures: dict[str, Any]


def _run(stage: Stage, items: list[Item]) -> _Left:
    """Deliver over both transports, then sum up nodes and months."""
    listener = stage.listener()
    listener.wait_open()
    delivery = Delivery([UdpLine(listener.udp), TcpLine(listener.tcp)], items)
    delivery.run(seconds=60 + len(items) / 500)
    wait_for(lambda: listener.ask()["frames"] >= delivery.copies, "the last copies")
    figures = listener.ask()
    listener.finish()
    rollup = [sys.executable, "manage.py", "rollup"]
    environment = {**os.environ, "DATABASE_URL": stage.url}
    subprocess.run(rollup, check=True, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    measured = [one.volume for one in stage.devices if _tells_every_hour(one)]
    assert stage.query(_REVISIONS, measured) == [(0,)], "a late or repeated value replaced another"
    return _Left({one: stage.query(_DUMP.format(table=one))[0] for one in _TABLES}, figures)


@pytest.mark.parametrize(
    ("devices", "hours", "copies"),
    [
        pytest.param(24, 60, (1, 3), id="short"),
        pytest.param(240, 48, (1, 3), id="long", marks=pytest.mark.faults),
        pytest.param(240, 4_704, (1,), id="million", marks=pytest.mark.faults),
    ],
)
def test_order_and_repeats_change_nothing(  # long: one story
    site: Site,
    stage: Stage,
    counts: Any,
    tmp_path: Any,
    devices: int,
    hours: int,
    copies: tuple[int, ...],
) -> None:
    """In order; shuffled within two days; and with every frame three times."""
    load = stage.load(devices)
    told = {device: _hours(load, device, hours) for device in load.devices}
    by_device = [_items(device, told[device]) for device in load.devices]
    in_order = [[item for item in hour if item] for hour in zip(*by_device, strict=True)]
    frames = sum(map(len, in_order))
    expected = _run(stage, [item for hour in in_order for item in hour])
    assert expected.figures["stored"] == frames
    # Up to the last register everything counts, behind it what was sent.
    last = (hours - 1) // 6 * 6
    for device in load.devices[2::3]:
        known = (one for hour, one in enumerate(told[device]) if hour < last or one.messages)
        assert stage.query(_SUM, device.volume) == [(sum(one.used for one in known),)]
    repeated = 0
    for times in copies:
        with site.stage(tmp_path) as other:
            found = _run(other, _shuffled(in_order, times))
        repeated = found.figures["repeated"]
        assert found.figures["stored"] == frames
        assert repeated >= frames * (times - 1)
        assert found.tables == expected.tables
    rows = sum(count for count, _digest in expected.tables.values())
    counts(frames=frames, rows=rows, repeated=repeated)
