"""What devices tell besides values, and what the server saw of those that try to deceive it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from accounts.models import Company
from ingestion.codecs import universal_messages as m
from ingestion.models import Quarantine
from meters.models import DeviceEvent, Meter, Severity
from meters.models.events import EventCode, severity_of
from meters.signals import events_loaded
from tests.ingestion import fleet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.ingestion.fleet import Collect, Send


@pytest.fixture
def told() -> Iterator[list[dict[str, Any]]]:
    """What the signal said."""
    found: list[dict[str, Any]] = []

    def listen(sender: Any, **said: Any) -> None:
        found.append(said)

    events_loaded.connect(listen)
    yield found
    events_loaded.disconnect(listen)


def events() -> list[tuple[int, int | None, int, int]]:
    rows = DeviceEvent.objects.order_by("pk")
    return list(rows.values_list("code", "port", "detail", "count"))


def test_an_event_told_twice_is_one(
    collect: Collect, send: Send, told: list[dict[str, Any]]
) -> None:
    one = fleet.module(fleet.company(), 1)
    running = collect()
    sender = send(running)
    at = fleet.day_start()
    leak, battery = m.Event(at, 1, 32), m.Event(at, m.MODULE_PORT, 64, 2_900)
    sender.ask(one.frame(m.Events((leak, battery))))
    # The acknowledgement was lost, so the module tells it again, with something new behind it.
    sender.ask(one.frame(m.Events((leak, m.Event(at + 60, 1, 33)))))
    running.stop()
    assert events() == [(32, 1, 0, 1), (64, None, 2_900, 1), (33, 1, 0, 1)]
    first = DeviceEvent.objects.get(code=32)
    meter = Meter.objects.get(module=one.row)
    assert (first.module, first.meter, first.company) == (one.row, meter, one.row.company)
    assert first.at == datetime.fromtimestamp(at, UTC) and first.has_clock
    assert first.severity == Severity.CRITICAL
    [(frame,)] = fleet.rows("SELECT id FROM ingestion_raw_frame WHERE counter = 1")
    assert first.frame_id == frame
    assert [len(one["events"]) for one in told] == [2, 1]
    assert told[0]["first_at"] == told[0]["last_at"] == first.received_at


def test_a_device_without_a_clock_is_given_our_time(collect: Collect, send: Send) -> None:
    one = fleet.module(fleet.company(), 1)
    send(collect()).ask(one.frame(m.Events((m.Event(0, 1, 16),))))
    found = fleet.wait_for(DeviceEvent.objects.first)
    assert not found.has_clock and found.at == found.received_at


def test_refused_sources_and_replays_are_one_event_an_hour(
    collect: Collect, send: Send, told: list[dict[str, Any]]
) -> None:
    one = fleet.module(fleet.company(), 1)
    running = collect()
    sender = send(running)
    first = one.frame(fleet.profile([1]))
    sender.ask(one.frame(fleet.profile([1]), counter=100))
    for _ in range(30):
        sender.socket.send(first)
    fleet.wait_for(lambda: running.engine.figures.refused["replayed"] == 30)
    Company.objects.update(allowed_subnets=["10.0.0.0/8"])
    fleet.wait_for(lambda: len(running.engine.known.companies.restricted))
    for _ in range(20):
        sender.socket.send(first)
    fleet.wait_for(lambda: running.engine.figures.refused["foreign_source"] == 20)
    running.stop()
    assert Quarantine.objects.count() == 2
    counts: dict[int, int] = {}
    for row in DeviceEvent.objects.all():
        counts[row.code] = counts.get(row.code, 0) + row.count
    assert counts == {EventCode.REPLAYED: 30, EventCode.FOREIGN_SOURCE: 20}
    # One, unless the clock struck meanwhile.
    assert DeviceEvent.objects.count() <= 4
    assert sum(len(one["events"]) for one in told) == DeviceEvent.objects.count()


def test_codes_are_those_of_the_protocol() -> None:
    own = {code.name: code.value for code in EventCode if code.value < 65_536}
    assert own == {code.name: code.value for code in m.EventCode}
    assert severity_of(0x8001) == Severity.NOTICE
    assert DeviceEvent(code=0x8001).label == "event 32769 of the maker"
