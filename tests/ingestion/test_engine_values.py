"""What arrives in the archive: units, multipliers, exchanges, registers, diagnostics."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from ingestion.codecs import universal_messages as m
from meters.models import Meter, Quality, TelemetryModule
from meters.services.installations import meter_exchange
from tests.ingestion import fleet

if TYPE_CHECKING:
    from tests.ingestion.fleet import Collect, Module, Send, Sender

H = 3600


def ask(sender: Sender, one: Module, *messages: m.UpMessage) -> None:
    assert fleet.acknowledged(one, sender.ask(one.frame(*messages))) == one.counter


def snapshot(at: int, value: int, quality: int = 0) -> m.RegisterSnapshot:
    return m.RegisterSnapshot(at, (m.RegisterValue(1, 0, value),), quality)


def values(one: Module, code: str = fleet.VOLUME) -> dict[int, tuple[int, int]]:
    """Unix second of the start → value and quality class, of everything stored of a channel."""
    found = {}
    for day, interval, stored, quality in fleet.rows(
        "SELECT extract(epoch FROM day::timestamp AT TIME ZONE 'Europe/Kyiv')::bigint,"
        ' interval_minutes, meters_block_values(small, "values", wide), quality'
        " FROM meters_interval_block WHERE channel_id = %s ORDER BY day",
        one.channel(code),
    ):
        for slot, value in enumerate(stored):
            if value is not None:
                worth = bytes(quality)[slot] & 7 if quality else 0
                found[day + slot * interval * 60] = (value, worth)
    return found


def test_a_multiplier_that_is_no_whole_number_keeps_the_sum(collect: Collect, send: Send) -> None:
    one = fleet.module(fleet.company(), 1, multiplier=Decimal("0.3333"))
    sender = send(collect())
    noise = random.Random(3)
    start, register, total = fleet.day_start(4), 123_456, 0
    for day in range(3):
        used = [noise.randrange(5) for _ in range(24)]
        ask(sender, one, fleet.profile(used, start=start + day * 86_400, opening=register + total))
        total += sum(used)
    factor = Decimal("0.3333")
    expected = int((register + total) * factor) - int(register * factor)
    assert sum(value for value, _ in values(one).values()) == expected


def test_a_definition_sets_number_and_unit(collect: Collect, send: Send) -> None:
    city = fleet.company()
    definition = (
        '[universal.registers.7]\nreading_types = ["cold_water.volume", '
        '"cold_water.volume.register"]\nscale = "10"\n'
    )
    kind = fleet.device_type(city, "tenlitre", definition=definition)
    one = fleet.module(city, 1, kind=kind, multiplier=2)
    ask(send(collect()), one, fleet.profile([1, 2, 3], register=7, opening=50))
    assert [value for value, _ in values(one).values()] == [20, 40, 60]
    # The register is what the meter shows: not multiplied.
    assert fleet.rows("SELECT value FROM meters_register_reading") == [(500,)]


def test_the_devices_quality_reaches_each_value(collect: Collect, send: Send) -> None:
    one = fleet.module(fleet.company(), 1)
    sender = send(collect())
    start = fleet.day_start()
    ask(sender, one, fleet.profile([1, None], start=start, quality=m.Quality.CLOCK_INVALID))
    ask(sender, one, fleet.profile([7], start=start + 2 * H, quality=m.Quality.ESTIMATED))
    assert values(one) == {start: (1, Quality.QUESTIONABLE), start + 2 * H: (7, Quality.ESTIMATED)}


def test_registers_alone_become_intervals_in_whatever_order_they_arrive(
    collect: Collect, send: Send
) -> None:
    city = fleet.company()
    sorted_one, mixed = fleet.module(city, 1), fleet.module(city, 2)
    sender = send(collect())
    start, noise = fleet.day_start(3), random.Random(8)
    shown = [5_000]
    for _ in range(40):
        shown.append(shown[-1] + noise.randrange(9))
    order = list(range(len(shown)))
    for place in order:
        ask(sender, sorted_one, snapshot(start + place * H, shown[place]))
    noise.shuffle(order)
    for place in order:
        ask(sender, mixed, snapshot(start + place * H + noise.randrange(-20, 20), shown[place]))
    expected = {
        start + place * H: (after - before, Quality.DERIVED)
        for place, (before, after) in enumerate(zip(shown, shown[1:], strict=False))
    }
    assert values(sorted_one) == expected
    assert values(mixed) == expected


def test_an_odd_multiplier_counts_from_the_register_itself_behind_a_reset(
    collect: Collect, send: Send
) -> None:
    """In one frame, and each reading by itself: what else is looked at makes no difference."""
    city, factor = fleet.company(), Decimal("0.3719")
    modules = [fleet.module(city, number, multiplier=factor) for number in (1, 2)]
    sender = send(collect())
    start, noise = fleet.day_start(4), random.Random(5)
    shown = [70_001]
    for hour in range(40):
        shown.append(noise.randrange(1, 9) if hour == 12 else shown[-1] + noise.randrange(1, 40))
    told = [snapshot(start + hour * H, value) for hour, value in enumerate(shown)]
    ask(sender, modules[0], *told)
    for one in told:
        ask(sender, modules[1], one)
    worth = [int(value * factor) for value in shown]
    expected = {
        start + hour * H: (worth[hour + 1] - worth[hour], Quality.DERIVED)
        for hour in range(40)
        if hour != 12
    }
    assert [values(one) for one in modules] == [expected, expected]


def test_a_gap_between_registers_is_spread_and_marked(collect: Collect, send: Send) -> None:
    one = fleet.module(fleet.company(), 1)
    sender = send(collect())
    start = fleet.day_start(3)
    for hour, shown in ((0, 100), (1, 110), (5, 151), (6, 152)):
        ask(sender, one, snapshot(start + hour * H, shown))
    found = values(one)
    gap = [found[start + hour * H] for hour in range(1, 5)]
    assert sum(value for value, _ in gap) == 41
    assert {worth for _, worth in gap} == {Quality.ESTIMATED}
    assert found[start] == (10, Quality.DERIVED) and found[start + 5 * H] == (1, Quality.DERIVED)
    # The missing reading comes late: what it bounds is no estimate any more.
    ask(sender, one, snapshot(start + 2 * H, 140))
    assert values(one)[start + H] == (30, Quality.DERIVED)
    assert sum(value for value, _ in values(one).values()) == 52


def test_a_transient_zero_books_nothing(collect: Collect, send: Send) -> None:
    one = fleet.module(fleet.company(), 1)
    sender = send(collect())
    start = fleet.day_start(3)
    for hour, shown in enumerate((900, 910, 0, 930, 940)):
        ask(sender, one, snapshot(start + hour * H, shown))
    found = values(one)
    assert sum(value for value, _ in found.values()) == 40
    assert max(value for value, _ in found.values()) <= 10


@pytest.mark.parametrize("order", [(0, 2, 1), (2, 1, 0), (2, 0, 1), (1, 0, 2), (1, 2, 0)])
def test_zeros_for_longer_than_is_looked_at_keep_the_sum_in_any_order(
    collect: Collect, send: Send, order: tuple[int, ...]
) -> None:
    """A day each: the last readings before the zeros may come after those behind them."""
    one = fleet.module(fleet.company(), 1)
    sender = send(collect())
    start, noise = fleet.day_start(4), random.Random(4)
    shown = [70_000]
    for _ in range(71):
        shown.append(shown[-1] + noise.randrange(1, 90))
    dead = range(22, 52)
    told = [snapshot(start + hour * H, 0 if hour in dead else shown[hour]) for hour in range(72)]
    for day in order:
        ask(sender, one, *told[24 * day : 24 * day + 24])
    found = values(one)
    assert sum(value for value, _ in found.values()) == shown[-1] - shown[0]
    assert min(value for value, _ in found.values()) >= 0


def test_the_device_itself_knows_better_than_a_difference(collect: Collect, send: Send) -> None:
    one = fleet.module(fleet.company(), 1)
    sender = send(collect())
    start = fleet.day_start(3)
    ask(sender, one, fleet.profile([1, 2, 3, 4], start=start, opening=100))
    ask(sender, one, snapshot(start, 100), snapshot(start + 4 * H, 110))
    assert [found for found in values(one).values()] == [(n, Quality.VALID) for n in (1, 2, 3, 4)]


@pytest.mark.parametrize("together", [True, False])
def test_what_was_lost_gets_what_the_device_did_not_tell(
    collect: Collect, send: Send, *, together: bool
) -> None:
    one = fleet.module(fleet.company(), 1)
    sender = send(collect())
    start = fleet.day_start(3)
    told = fleet.profile([1, 2, 30, 4], start=start, opening=100)
    shown = snapshot(start, 100), snapshot(start + 7 * H, 157)
    for messages in [(told, *shown)] if together else [(told,), shown]:
        ask(sender, one, *messages)
    valid = [(value, Quality.VALID) for value in (1, 2, 30, 4)]
    left = [(value, Quality.ESTIMATED) for value in (6, 7, 7)]
    assert list(values(one).values()) == valid + left
    # One of the lost hours comes late, and then another: what is left is divided anew at once.
    ask(sender, one, fleet.profile([5], start=start + 4 * H, opening=137))
    rest = [(5, Quality.VALID), (7, Quality.ESTIMATED), (8, Quality.ESTIMATED)]
    assert list(values(one).values()) == valid + rest
    ask(sender, one, fleet.profile([9], start=start + 5 * H, opening=142))
    rest = [(5, Quality.VALID), (9, Quality.VALID), (6, Quality.DERIVED)]
    assert list(values(one).values()) == valid + rest


def test_a_told_value_that_changes_leaves_another_rest_and_fills_no_gap(
    collect: Collect, send: Send
) -> None:
    one, lone = (fleet.module(fleet.company(f"city {n}"), n) for n in (1, 2))
    sender = send(collect())
    start = fleet.day_start(3)
    for module in (one, lone):
        ask(sender, module, fleet.profile([1, 2], start=start, opening=100))
    ask(sender, one, snapshot(start, 100), snapshot(start + 4 * H, 113))
    # Registers that a profile begins with are no reason to fill what was not sent.
    ask(sender, lone, fleet.profile([1], start=start + 4 * H, opening=113))
    for module in (one, lone):
        ask(sender, module, fleet.profile([6], start=start + H, opening=101))
    told = [(1, Quality.VALID), (6, Quality.VALID)]
    assert list(values(one).values()) == [*told, (3, Quality.ESTIMATED), (3, Quality.ESTIMATED)]
    assert values(lone) == dict(
        zip((start, start + H, start + 4 * H), [*told, (1, Quality.VALID)], strict=True)
    )


def test_doubtful_values_are_told_all_the_same(collect: Collect, send: Send) -> None:
    one = fleet.module(fleet.company(), 1)
    sender = send(collect())
    start = fleet.day_start(3)
    ask(sender, one, snapshot(start, 100), snapshot(start + 4 * H, 120))
    doubt = m.Quality.CLOCK_INVALID
    ask(sender, one, fleet.profile([2], start=start + H, opening=None, quality=doubt))
    ask(sender, one, fleet.profile([9], start=start + 2 * H, opening=None))
    told = [(2, Quality.QUESTIONABLE), (9, Quality.VALID)]
    shares = [(4, Quality.ESTIMATED), (5, Quality.ESTIMATED)]
    assert list(values(one).values()) == [shares[0], *told, shares[1]]


def test_intervals_and_registers_add_up_in_whatever_order_they_arrive(
    collect: Collect, send: Send
) -> None:
    """Some hours are never sent; registers stand at every sixth hour, across midnights."""
    city = fleet.company()
    modules = [fleet.module(city, number) for number in range(1, 5)]
    sender = send(collect())
    start, noise = fleet.day_start(4) + 20 * H, random.Random(12)
    used = [noise.randrange(60) for _ in range(48)]
    shown = [7_000 + sum(used[:hour]) for hour in range(49)]
    messages: list[m.UpMessage] = [
        snapshot(start + hour * H, shown[hour]) for hour in range(0, 49, 6)
    ]
    messages += [
        fleet.profile([used[hour]], start=start + hour * H, opening=shown[hour])
        for hour in range(48)
        if hour % 6 not in (2, 3) and hour % 12 != 5
    ]
    found = []
    for one in modules:
        for message in messages:
            ask(sender, one, message)
        stored = values(one)
        found.append(stored)
        for hour in range(0, 48, 6):
            six = [stored[start + (hour + place) * H] for place in range(6)]
            assert sum(value for value, _ in six) == shown[hour + 6] - shown[hour]
        noise.shuffle(messages)
    # Openings are registers too: those of hours that were sent may stand inside a stretch.
    assert found[1:] == found[:1] * 3


def test_what_a_device_told_beyond_its_registers_takes_nothing_away(
    collect: Collect, send: Send
) -> None:
    one = fleet.module(fleet.company(), 1)
    sender = send(collect())
    start = fleet.day_start(3)
    ask(sender, one, fleet.profile([50, 60], start=start, opening=100))
    ask(sender, one, snapshot(start, 100), snapshot(start + 4 * H, 108))
    found = list(values(one).values())
    assert found[:2] == [(50, Quality.VALID), (60, Quality.VALID)]
    assert found[2:] == [(2, Quality.ESTIMATED)] * 2


def test_an_exchange_entered_late_gives_each_time_its_own_multiplier(
    collect: Collect, send: Send
) -> None:
    city = fleet.company()
    one = fleet.module(city, 1, multiplier=2)
    running = collect()
    sender = send(running)
    start = fleet.day_start(10)
    ask(sender, one, fleet.profile([5] * 24, start=start))
    old = Meter.objects.get(module=one.row)
    new = Meter.objects.create(
        company=city, serial="NEW", device_type=old.device_type, digits=8, port=1
    )
    at = datetime.fromtimestamp(start + 86_400 + 12 * H, UTC)
    meter_exchange(
        actor=None,
        usage_point=one.point,
        at=at,
        closing={fleet.REGISTER: Decimal("2")},
        meter=new,
        opening={fleet.REGISTER: Decimal("0")},
        multiplier=10,
    )
    Meter.objects.filter(pk=old.pk).update(module=None)
    new.module = TelemetryModule.objects.get(pk=one.row.pk)
    new.save()
    fleet.wait_for(lambda: len(running.engine.known.routes) == 2)
    # The day of the exchange, and the one before once more: nothing of it changes.
    ask(sender, one, fleet.profile([1] * 24, start=start + 86_400))
    ask(sender, one, fleet.profile([5] * 24, start=start))
    found = [value for value, _ in values(one).values()]
    assert found == [10] * 24 + [2] * 12 + [10] * 12
    assert fleet.rows("SELECT count(*) FROM meters_block_revision") == [(0,)]


def test_a_status_becomes_values_of_the_module(collect: Collect, send: Send) -> None:
    city = fleet.company()
    kind = fleet.device_type(
        city, "radio", (("b", "device.battery.level", 1440), ("s", "device.signal", 60))
    )
    one = fleet.module(city, 1, kind=kind, installed=None)
    from meters.services.channels import instantiate

    instantiate(modules=[one.row.pk])
    running = collect()
    ask(send(running), one, m.Status(fleet.day_start() + 90, 3_600, 88, -71, 21))
    running.stop()
    stored = fleet.rows(
        "SELECT t.code, b.total FROM meters_interval_block b JOIN meters_channel c"
        " ON c.id = b.channel_id JOIN meters_readingtype t ON t.id = c.reading_type_id ORDER BY 1"
    )
    assert stored == [("device.battery.level", 88), ("device.signal", -71)]
    state = TelemetryModule.objects.get(pk=one.row.pk).state
    assert (state.battery_percent, state.signal_dbm) == (88, -71)
    assert timezone.now() - state.last_seen_at < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("code", "number"),
    [
        ("cold_water.volume.register", 0),
        ("electricity.active.import.register.t2", 2),
        ("electricity.active.export.t4", 9),
        ("electricity.reactive.import.register", 10),
        ("electricity.reactive.import.t1", None),
        ("heat.volume.register", 12),
        ("heat.energy", 0),
        ("heat.temperature.return", 25),
        ("gas.pressure", 23),
        ("device.signal", None),
    ],
)
def test_standard_numbers_are_those_of_the_protocol(code: str, number: int | None) -> None:
    from ingestion.register_numbers import standard_number

    assert standard_number(code) == number
