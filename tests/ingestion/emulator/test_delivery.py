"""A fleet against the real service: everything arrives, whatever goes wrong on the way."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ingestion.collection import Collection
from ingestion.emulator.checking import ledger_check
from ingestion.emulator.courier import Courier, Manners, Parcel
from ingestion.emulator.ledger import Entry, Ledger, Told, ledger_read
from ingestion.emulator.links import link_open
from ingestion.emulator.meters import joined, messages
from ingestion.emulator.misbehaviour import Misbehaviour, Mischief
from ingestion.emulator.stock import stock_read
from ingestion.models import Transport
from tests.ingestion import fleet

if TYPE_CHECKING:
    from pathlib import Path

    from ingestion.emulator.stock import Stock
    from tests.ingestion.fleet import Collect, Collector

# Short pauses: what is tested is that tries follow, not how long a module waits.
MANNERS = Manners(back_off=0.1, longest=0.4, tries=6)


def courier(
    running: Collector, stock: Stock, path: Path | None, transport: str = "udp", rules: str = ""
) -> Courier:
    port = running.udp.port if transport == "udp" else running.tcp.port
    return Courier(
        stock.modules,
        link_open(transport, "127.0.0.1", port, stock.modules.label),
        Ledger(path),
        Mischief(Misbehaviour.parse(rules), 7),
        MANNERS,
    )


def days(stock: Stock, count: int) -> list[Parcel]:
    """A profile of 24 values a day for each register, days before today."""
    made = []
    for day in range(count, 0, -1):
        rows = len(stock.meters)
        values = np.arange(24)[None, :] + np.arange(rows)[:, None] * 24 + day
        told = messages(
            stock.meters.row,
            port=stock.meters.port,
            register=stock.meters.register,
            base_time=np.full(rows, fleet.day_start(day)),
            interval=60,
            opening=np.full(rows, 1_000 * (count - day + 1)),
            values=values,
        )
        made += joined(told)
    return made


def modules(count: int, **values: Any) -> list[fleet.Module]:
    owner = fleet.company()
    return [fleet.module(owner, number, **values) for number in range(1, count + 1)]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_everything_told_is_stored(collect: Collect, tmp_path: Path, transport: str) -> None:
    modules(5)
    running, stock = collect(), stock_read()
    sender = courier(running, stock, tmp_path / "ledger", transport)
    sender.post(days(stock, 3))
    assert sender.deliver(seconds=60)
    sender.link.close()
    sender.ledger.close()
    assert sender.score.acknowledged == 15
    found = ledger_check(ledger_read(tmp_path / "ledger"))
    assert (found.acknowledged, found.lost, found.changed, found.more) == (360, 0, 0, 0)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_misbehaviour_loses_nothing(collect: Collect, tmp_path: Path, transport: str) -> None:
    modules(4)
    running, stock = collect(), stock_read()
    rules = "loss=0.2,dup=0.2,reorder=0.2,corrupt=0.1,wrong_key=0.1,unknown=0.1"
    sender = courier(running, stock, tmp_path / "ledger", transport, rules)
    sender.post(days(stock, 12))
    assert sender.deliver(seconds=120)
    sender.link.close()
    sender.ledger.close()
    assert set(sender.mischief.counts) >= {"loss", "dup", "reorder", "unknown", "wrong_key"}
    assert sender.score.repeated > 0
    found = ledger_check(ledger_read(tmp_path / "ledger"))
    assert (found.acknowledged, found.lost, found.changed, found.more) == (4 * 12 * 24, 0, 0, 0)
    refused = running.refused()
    assert refused["unknown_device"] >= sender.mischief.counts["unknown"]
    assert refused["wrong_key"] >= 1
    assert fleet.rows("SELECT count(*) FROM meters_block_revision") == [(0,)]


def test_over_the_broker(archive_tables: None, tmp_path: Path, settings: Any) -> None:
    # Of all tests on the shared broker this is the only one, so no worker takes its sessions.
    settings.MQTT_URL = os.environ["MQTT_URL"]
    modules(4)
    running = Collection(host="127.0.0.1", udp_port=0, tcp_port=-1, mqtt_port=-1)
    running.start()
    try:
        fleet.wait_for(lambda: running.port(Transport.UDP), what="the service")
        stock = stock_read()
        sender = Courier(
            stock.modules,
            link_open("mqtt", "", 0, stock.modules.label),
            Ledger(tmp_path / "ledger"),
            Mischief(Misbehaviour.parse("loss=0.1,dup=0.1"), 7),
            Manners(back_off=0.5, longest=1.0),
        )
        sender.post(days(stock, 3))
        assert sender.deliver(seconds=90)
        sender.link.close()
        sender.ledger.close()
    finally:
        running.stop()
    assert ledger_check(ledger_read(tmp_path / "ledger")) == (4 * 3 * 24, 0, 0, 0)
    assert fleet.rows("SELECT DISTINCT transport FROM ingestion_raw_frame") == [(3,)]


def test_the_checker_notices(collect: Collect, tmp_path: Path) -> None:
    [one] = modules(1)
    running, stock = collect(), stock_read()
    sender = courier(running, stock, tmp_path / "ledger")
    sender.post(days(stock, 1))
    assert sender.deliver(seconds=60)
    sender.link.close()
    sender.ledger.close()
    [entry] = ledger_read(tmp_path / "ledger")
    assert entry.told is not None and entry.device == one.row.address
    other = entry.told._replace(values=(*entry.told.values[:-1], 99_999))
    assert ledger_check([entry._replace(told=other)]).changed == 1
    later = entry.told._replace(base_time=entry.told.base_time + 23 * 3600)
    found = ledger_check([entry._replace(told=later)])
    assert (found.lost, found.changed, found.more) == (23, 1, 23)


def test_a_multiplier_is_checked_too(collect: Collect, tmp_path: Path) -> None:
    modules(1, multiplier=30)
    running, stock = collect(), stock_read()
    sender = courier(running, stock, tmp_path / "ledger")
    sender.post(days(stock, 2))
    assert sender.deliver(seconds=60)
    sender.link.close()
    sender.ledger.close()
    assert ledger_check(ledger_read(tmp_path / "ledger")) == (48, 0, 0, 0)
    [(total,)] = fleet.rows("SELECT sum(total)::int FROM meters_interval_block")
    assert total == 30 * sender.ledger.total


def test_a_fleet_goes_on_where_the_archive_ends(collect: Collect) -> None:
    modules(2)
    running, stock = collect(), stock_read()
    sender = courier(running, stock, None)
    sender.post(days(stock, 2))
    assert sender.deliver(seconds=60)
    sender.link.close()
    again = stock_read()
    assert again.meters.next_start.tolist() == [fleet.day_start(0)] * 2
    used = [sum(range(24)) + 24 * 24 * row + 24 * 1 for row in range(2)]
    assert again.meters.opening.tolist() == [2_000 + amount for amount in used]
    # No counter is used twice, whatever was under way before.
    assert (again.modules.counter > stock.modules.counter).all()
    more = courier(running, again, None)
    more.post(days(again, 3))
    assert more.deliver(seconds=60)
    more.link.close()
    assert running.refused()["replayed"] == 0


def test_the_clock_follows_the_server(collect: Collect) -> None:
    modules(1)
    running, stock = collect(), stock_read()
    stock.modules.clock[0] = 500.0
    sender = courier(running, stock, None)
    sender.post(days(stock, 1))
    assert sender.deliver(seconds=60)
    sender.link.close()
    assert sender.score.clocks_set == 1
    assert abs(float(stock.modules.clock[0])) < 5


def test_a_frame_that_is_not_understood_is_not_told_as_stored(
    collect: Collect, tmp_path: Path
) -> None:
    modules(1)
    running, stock = collect(), stock_read()
    sender = courier(running, stock, tmp_path / "ledger")
    told = Told(1, 0, fleet.day_start(1), 60, None, (1,))
    sender.post([Parcel(0, b"\x0e", (told,))])
    assert sender.deliver(seconds=60)
    sender.link.close()
    sender.ledger.close()
    assert sender.score.not_understood == 1
    assert list(ledger_read(tmp_path / "ledger")) == []


def test_a_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    ledger = Ledger(path)
    told = Told(300, 7, 1_767_225_600, 30, None, (1, None, 3))
    ledger.note("RDO-0000001234", 5, [told])
    ledger.note("RDO-0000001234", 6, [])
    ledger.close()
    with path.open("a") as file:
        file.write("RDO-0000001234\t7\t1\t0\t17672")
    assert list(ledger_read(path)) == [
        Entry("RDO-0000001234", 5, told),
        Entry("RDO-0000001234", 6, None),
    ]
    assert (ledger.frames, ledger.values, ledger.total) == (2, 2, 4)
