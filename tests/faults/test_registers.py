"""D19: registers that roll over, are reset, show zero, are exchanged, come twice and leave gaps.

What was really used is known; the readings go through sockets, engine and loader into the archive.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from ingestion.codecs.universal import encode
from ingestion.codecs.universal_messages import RegisterSnapshot, RegisterValue
from tests.faults.delivery import Delivery, Item
from tests.faults.lines import UdpLine
from tests.faults.load import HOUR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.load import Device, Load
    from tests.faults.site import Stage

_MODULUS = 10**8
KINDS = ("plain", "rollover", "zero", "zeros", "reset", "exchange")
# So many hours the counter can't be read: more than are looked at around a reading.
_DEAD = 30
_BLIND = ("zero", "zeros")
_BLOCKS = """
SELECT channel_id, extract(epoch FROM day)::bigint, meters_block_values(small, "values", wide)
FROM meters_interval_block
"""


@dataclass
class Series:
    """One device: what was used each hour, what its register showed, and which readings are lost.

    special: the hour at whose beginning it happens. closing: of the meter that is exchanged then.
    """

    device: Device
    hours: int
    kind: str = ""
    special: int = 0
    closing: int = 0
    used: list[int] = field(default_factory=list)
    shown: list[int] = field(default_factory=list)
    told: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        noise = random.Random(self.device.number)
        self.kind = KINDS[self.device.number % len(KINDS)]
        self.special = noise.randrange(20, self.hours - _DEAD - 20)
        self.used = [noise.randrange(1, 90) for _ in range(self.hours)]
        before = sum(self.used[: self.special])
        self.closing = 500_000 + before
        register = _MODULUS - before if self.kind == "rollover" else 500_000
        for hour in range(self.hours + 1):
            if hour == self.special and self.kind in {"reset", "exchange"}:
                register = 0
            self.shown.append(0 if hour in self.dead() else register % _MODULUS)
            register += self.used[hour] if hour < self.hours else 0
        # The first readings and those at the ends stay: they say what the rest is compared with.
        lost = {hour for hour in range(4, self.hours - 3) if noise.random() < 0.08}
        self.told = [hour for hour in range(self.hours + 1) if hour not in lost - {self.special}]

    def dead(self) -> range:
        """Readings that show zero."""
        length = {"zero": 1, "zeros": _DEAD}.get(self.kind, 0)
        return range(self.special, self.special + length)

    def unknown(self) -> range:
        """Hours of which nobody can say what was used: the step over a reset."""
        if self.kind != "reset":
            return range(0)
        return range(max(hour for hour in self.told if hour < self.special), self.special)

    def expected(self) -> tuple[int, dict[int, int]]:
        """The sum of everything, and the hours whose both ends were read."""
        unknown = self.unknown()
        total = sum(used for hour, used in enumerate(self.used) if hour not in unknown)
        exact = {
            hour: self.used[hour]
            for hour, following in pairwise(self.told)
            if following == hour + 1 and hour not in unknown
        }
        # What the old meter counted last, it tells at its removal.
        vague = {self.special - 1, *self.dead()} if self.kind in {"exchange", *_BLIND} else set()
        return total, {hour: used for hour, used in exact.items() if hour not in vague}

    def items(self, load: Load, size: int) -> list[Item]:
        """Frames of `size` readings; behind the first few, a few at a time are out of order."""
        readings = [
            RegisterSnapshot(load.first + hour * HOUR, (RegisterValue(1, 0, self.shown[hour]),))
            for hour in self.told
        ]
        parts = [readings[at : at + size] for at in range(0, len(readings), size)]
        made = [
            Item(self.device, number, self.device.seal(number, encode(part)))
            for number, part in enumerate(parts, 1)
        ]
        noise = random.Random(self.hours)
        for at in range(4, len(made), 4):
            window = made[at : at + 4]
            noise.shuffle(window)
            made[at : at + 4] = window
        return made


def _exchange(stage: Stage, load: Load, series: Series) -> None:
    """Another meter on the same port and usage point since then."""
    at = datetime.fromtimestamp(load.first + series.special * HOUR, UTC)
    module = series.device.module
    [(old, point, company, kind)] = stage.query(
        "SELECT m.id, i.usage_point_id, m.company_id, m.device_type_id FROM meters_meter m"
        " JOIN meters_installation i ON i.meter_id = m.id WHERE m.module_id = %s",
        module,
    )
    [(removed,)] = stage.query(
        "UPDATE meters_installation SET removed_at = %s WHERE meter_id = %s RETURNING id", at, old
    )
    stage.query("UPDATE meters_meter SET module_id = NULL, status = 'removed' WHERE id = %s", old)
    [(new,)] = stage.query(
        "INSERT INTO meters_meter (company_id, serial, device_type_id, module_id, port, digits,"
        " status, created_at, updated_at) VALUES (%s, %s, %s, %s, 1, 8, 'installed', now(), now())"
        " RETURNING id",
        company,
        f"X{module}",
        kind,
        module,
    )
    [(installed,)] = stage.query(
        "INSERT INTO meters_installation (company_id, meter_id, usage_point_id, installed_at,"
        " multiplier, reason, created_at, updated_at)"
        " VALUES (%s, %s, %s, %s, 1, '', now(), now()) RETURNING id",
        company,
        new,
        point,
        at,
    )
    rows = [(removed, 500, series.closing / 1_000), (installed, 0, None)]
    for installation, opening, closing in rows:
        stage.query(
            "INSERT INTO meters_installationreading (company_id, installation_id, reading_type_id,"
            " opening, closing) SELECT %s, %s, id, %s, %s::numeric FROM meters_readingtype"
            " WHERE code = 'cold_water.volume.register'",
            company,
            installation,
            opening,
            closing,
        )


def _interleaved(all_items: list[list[Item]], noise: random.Random) -> Iterator[Item]:
    """A frame of each device in turn, one in ten of them twice."""
    for place in range(max(map(len, all_items))):
        for items in all_items:
            if place < len(items):
                yield items[place]
                if noise.random() < 0.1:
                    yield items[place]


def _archive(stage: Stage, load: Load) -> dict[int, dict[int, int]]:
    """Channel → hour → value."""
    found: dict[int, dict[int, int]] = {}
    for channel, day, values in stage.query(_BLOCKS):
        first = (day - load.first) // HOUR
        held = {first + slot: value for slot, value in enumerate(values) if value is not None}
        found.setdefault(channel, {}).update(held)
    return found


@pytest.mark.parametrize(
    ("devices", "hours", "size"),
    [
        pytest.param(40, 120, 1, id="short"),
        pytest.param(36, 400, 24, id="days"),
        pytest.param(240, 4_200, 24, id="long", marks=pytest.mark.faults),
    ],
)
def test_registers_end_as_what_was_used(
    stage: Stage, counts: Any, devices: int, hours: int, size: int
) -> None:
    load = stage.load(devices)
    every = [Series(device, hours) for device in load.devices]
    for series in every:
        if series.kind == "exchange":
            _exchange(stage, load, series)
    listener = stage.listener()
    listener.wait_open()
    items = [series.items(load, size) for series in every]
    Delivery([UdpLine(listener.udp)], _interleaved(items, random.Random(hours)), in_flight=100).run(
        seconds=60 + devices * hours / 500
    )
    listener.finish()
    archive = _archive(stage, load)
    wrong = {}
    for series in every:
        found = archive[series.device.volume]
        total, exact = series.expected()
        differs = {hour: found.get(hour) for hour in exact if found.get(hour) != exact[hour]}
        if sum(found.values()) != total or differs or min(found.values()) < 0:
            wrong[series.device.number] = (series.kind, sum(found.values()) - total, differs)
    assert not wrong, f"{len(wrong)} of {devices}: {dict(list(wrong.items())[:8])}"
    readings = sum(len(series.told) for series in every)
    counts(series=devices, readings=readings, hours_compared=devices * hours)


def test_readings_more_often_than_the_intervals_add_up(stage: Stage, counts: Any) -> None:
    """Every ten minutes, one after the other: each hour is the sum of its parts."""
    load, device, noise = stage.load(1), stage.devices[0], random.Random(7)
    used = [noise.randrange(20) for _ in range(60)]
    shown = [500_000 + sum(used[:place]) for place in range(len(used) + 1)]
    items = [
        Item(device, place + 1, device.seal(place + 1, encode([_reading(load, place, value)])))
        for place, value in enumerate(shown)
    ]
    listener = stage.listener(INGEST_LINGER="0.001")
    listener.wait_open()
    Delivery([UdpLine(listener.udp)], items, in_flight=1).run()
    listener.finish()
    found = _archive(stage, load)[device.volume]
    assert found == {hour: sum(used[hour * 6 : hour * 6 + 6]) for hour in range(10)}
    counts(readings=len(items), hours=len(found))


def _reading(load: Load, place: int, value: int) -> RegisterSnapshot:
    return RegisterSnapshot(load.first + place * 600, (RegisterValue(1, 0, value),))
