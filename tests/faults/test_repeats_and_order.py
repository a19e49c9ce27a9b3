"""D8 and D9: frames three times and in no order leave the bytes that one sorted run leaves."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from ingestion.codecs.universal import encode
from ingestion.codecs.universal_messages import IntervalProfile, RegisterSnapshot, RegisterValue
from tests.faults.delivery import Delivery, Item
from tests.faults.lines import TcpLine, UdpLine
from tests.faults.load import HOUR
from tests.faults.running import wait_for

if TYPE_CHECKING:
    from tests.faults.load import Device, Load
    from tests.faults.site import Site, Stage

HOURS = 48
_DUMP = """
SELECT b::text FROM meters_interval_block b
UNION ALL SELECT r::text FROM meters_register_reading r ORDER BY 1
"""


# Shares of a gap, which registers leave until the missing ones come, may give way to better ones.
_REVISIONS = "SELECT count(*) FROM meters_block_revision WHERE channel_id = ANY(%s)"


def _tells_increments(device: Device) -> bool:
    """Every third device only tells its register."""
    return bool(device.number % 3)


def _frames(load: Load, device: Device) -> list[Item]:
    """Two days of a device: hours of increments, or, of some devices, the register only."""
    noise, shown, items = random.Random(device.number), 10_000 + device.number, []
    for hour in range(HOURS):
        at, used = load.first + hour * HOUR, noise.randrange(90)
        if _tells_increments(device):
            plain = encode([IntervalProfile(1, 0, at, 60, (used,), shown)])
        else:
            plain = encode([RegisterSnapshot(at, (RegisterValue(1, 0, shown),))])
        items.append(Item(device, hour + 1, device.seal(hour + 1, plain)))
        shown += used
    return items


def _run(stage: Stage, items: list[Item]) -> tuple[list[Any], dict[str, Any]]:
    """Deliver over both transports; the archive as text, and the figures of the service."""
    listener = stage.listener()
    listener.wait_open()
    delivery = Delivery([UdpLine(listener.udp), TcpLine(listener.tcp)], items)
    delivery.run()
    wait_for(lambda: listener.ask()["frames"] >= delivery.copies, "the last copies")
    figures = listener.ask()
    listener.finish()
    measured = [item.device.volume for item in items if _tells_increments(item.device)]
    assert stage.query(_REVISIONS, measured) == [(0,)], "a late or repeated value replaced another"
    return stage.query(_DUMP), figures


@pytest.mark.parametrize(
    "devices",
    [pytest.param(24, id="short"), pytest.param(240, id="long", marks=pytest.mark.faults)],
)
def test_order_and_repeats_change_nothing(
    site: Site, stage: Stage, counts: Any, tmp_path: Any, devices: int
) -> None:
    """In order; shuffled within two days; shuffled with every frame three times."""
    load = stage.load(devices)
    by_device = [_frames(load, device) for device in load.devices]
    in_order = [item for hour in zip(*by_device, strict=True) for item in hour]
    expected, figures = _run(stage, in_order)
    assert figures["stored"] == len(in_order)
    for times in (1, 3):
        shuffled = in_order * times
        random.Random(devices).shuffle(shuffled)
        with site.stage(tmp_path) as other:
            found, figures = _run(other, shuffled)
        assert figures["stored"] == len(in_order)
        assert figures["repeated"] >= len(shuffled) - len(in_order)
        assert found == expected
    counts(frames=len(in_order), rows=len(expected), repeated=figures["repeated"])
