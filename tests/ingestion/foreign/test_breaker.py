"""A device type that takes too long is set aside: others are collected, its own messages wait."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from ingestion.decoding import CompiledType, Identity
from ingestion.foreign.breaker import Breaker
from ingestion.models import Quarantine, Reason
from ingestion.services.replay import replay_request
from tests.ingestion import fleet
from tests.ingestion.fleet import wait_for
from tests.ingestion.foreign import site

if TYPE_CHECKING:
    from ingestion.codecs.telegram import Telegram
    from ingestion.decoding import Arrival, Decoded
    from ingestion.settling import Figures
    from tests.ingestion.fleet import Collect

REGISTER = "cold_water.volume.register"
_SLOW = """\
type: mallory
version: 1
vendor: Mallory
model: Slow
resource: cold_water
identify: {transport: udp, device: $imei, scheme: imei}
decode:
  kind: binary
  fields:
    - {name: mark, type: u8, const: 0x4D}
    - {name: imei, type: bcd, length: 8}
    - {name: sent_at, type: u32, time: unix}
    - {name: volume, type: u32, unit: L}
clock: $sent_at
readings:
  - {register: volume, reading_type: cold_water.volume.register, value: $volume}
tests:
  - {name: good, payload: 4d 0866203010123456 6553f100 00000001, readings: [{register: volume, value: 0.001}]}
  - {name: bad, payload: '4d', refused: bytes}
"""
_IMEI = "866203010123456"


@dataclass
class _Cost:
    """Processor time as the messages of one type spend it."""

    seconds: float
    spent: float = 0.0
    decoded: int = 0


@pytest.fixture
def cost(monkeypatch: pytest.MonkeyPatch) -> _Cost:
    """Each message of the slow type costs as much as its test says, all others nothing."""
    made, meaning = _Cost(0.0), CompiledType.meaning

    def dear(self: CompiledType, telegram: Telegram, context: Arrival) -> Decoded:
        if self.definition.type == "mallory":
            made.spent += made.seconds
            made.decoded += 1
        return meaning(self, telegram, context)

    monkeypatch.setattr(CompiledType, "meaning", dear)
    return made


def _message(number: int) -> bytes:
    at = int(site.hours_ago(30 - number).timestamp())
    return (
        b"\x4d" + bytes.fromhex(f"{_IMEI:0>16}") + at.to_bytes(4, "big") + bytes([0, 0, 9, number])
    )


def test_others_are_answered_while_a_slow_type_is_set_aside(collect: Collect, cost: _Cost) -> None:
    mallory, city = fleet.company("mallory"), fleet.company()
    kind = site.publish(mallory, _SLOW)
    module = site.module(mallory, kind, _IMEI)
    point = site.install(module, {REGISTER: 0})
    ours = fleet.module(city, 1)
    running = collect()
    known = running.engine.known
    assert known is not None
    known.foreign.breaker.clock = lambda: cost.spent
    cost.seconds, cost.decoded = 3.0, 0
    hostile = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    hostile.connect(("127.0.0.1", running.udp.port))
    sender = fleet.Sender(running.udp.port)
    for number in range(12):
        hostile.send(_message(number))
        answer = sender.ask(ours.frame(fleet.profile([number] * 24)))
        assert ours.answer(answer)
    sender.close()
    wait_for(lambda: running.engine.figures.frames == 24, what="all of them")
    # One batch in which anybody waited for it, however many messages came.
    assert cost.decoded == 1
    row = site.waiting(reason=Reason.TOO_SLOW)
    assert (row.module, row.company) == (module, mallory)
    wait_for(lambda: Quarantine.objects.filter(pk=row.pk, waiting=11), what="the other eleven")
    assert "takes too long: 3.0 s for one message" in row.detail

    # By the button: it is tried once more, and is still too slow.
    rows = Quarantine.objects.filter(pk=row.pk)
    assert replay_request(actor=None, rows=rows) == 1
    wait_for(lambda: cost.decoded == 2, what="the replay")
    wait_for(lambda: Quarantine.objects.filter(pk=row.pk, waiting=10), what="the other ten")

    # Published anew and mended: everything that waited is stored.
    cost.seconds = 0.0
    site.publish(mallory, _SLOW.replace("model: Slow", "model: Quick"))
    wait_for(lambda: len(site.registers(point, REGISTER)) == 12, what="the readings")
    wait_for(lambda: not Quarantine.objects.filter(resolved_at=None).exists())
    hostile.send(_message(20))
    wait_for(lambda: len(site.registers(point, REGISTER)) == 13, what="what comes afterwards")
    hostile.close()


_CLUMSY = """\
type: clumsy
version: 1
vendor: Mallory
model: Clumsy
resource: cold_water
identify: {transport: udp, device: $imei, scheme: imei}
decode:
  kind: binary
  fields:
    - {name: mark, type: u8, const: 0x4E}
    - {name: imei, type: bcd, length: 8}
    - {name: l, type: repeat, until: end, max: 4096, fields: [{name: a, type: u8}]}
readings:
RULES
tests:
  - {name: good, payload: 4e 0866203010123456 05, expect: {imei: 866203010123456}}
  - {name: bad, payload: '4e', refused: bytes}
"""
_RULE = "  - {register: volume, reading_type: cold_water.volume.register, unit: L, each: $l, "


def _has(figures: Figures, frames: int) -> bool:
    return figures.frames == frames


def test_a_message_worse_than_the_tests_of_its_type_costs_others_one_batch(
    collect: Collect,
) -> None:
    mallory, city = fleet.company("mallory"), fleet.company()
    rule = _RULE + "formula: '" + " + ".join(["$.a / 7.3 ** 31"] * 19) + "'}\n"
    kind = site.publish(mallory, _CLUMSY.replace("RULES\n", rule * 30))
    module = site.module(mallory, kind, _IMEI)
    ours = fleet.module(city, 1)
    running = collect()
    sender, hostile = fleet.Sender(running.udp.port), fleet.Sender(running.udp.port)
    figures = running.engine.figures
    for number in range(3):
        before = figures.batches
        hostile.socket.send(b"\x4e" + bytes.fromhex(f"{_IMEI:0>16}") + bytes([5]) * 4_000)
        answer = sender.ask(ours.frame(fleet.profile([number] * 24)))
        assert ours.answer(answer)
        wait_for(partial(_has, figures, 2 * number + 2), what="both")
        # That of the hostile message, if it was not ours, and ours.
        assert figures.batches - before <= 2
    sender.close()
    hostile.close()
    row = site.waiting(reason=Reason.UNDECODABLE)
    assert (row.module, "too much work" in row.detail) == (module, True)


def _type(**values: Any) -> Any:
    return SimpleNamespace(**{"version": 1, "company": 7, "kind": "binary", **values})


def _breaker(now: list[float]) -> Breaker:
    return Breaker(active=True, now=lambda: now[0])


def test_many_slow_messages_add_up_and_quick_ones_never_do() -> None:
    now = [0.0]
    breaker, one = _breaker(now), _type()
    for _ in range(100_000):
        breaker.note(one, 7, 0.04)
    assert not breaker.why_aside(one, 7)
    for _ in range(9):
        breaker.note(one, 7, 0.5)
    assert not breaker.why_aside(one, 7)
    for _ in range(2):
        breaker.note(one, 7, 0.5)
    assert "takes too long" in breaker.why_aside(one, 7)
    breaker.release(one)
    assert not breaker.why_aside(one, 7)


def test_a_fifth_of_the_time_is_free() -> None:
    now = [0.0]
    breaker, one = _breaker(now), _type()
    for second in range(0, 3_600, 5):
        now[0] = float(second)
        breaker.note(one, 7, 0.9)
    assert not breaker.why_aside(one, 7)


def test_a_shipped_type_is_set_aside_for_the_company_whose_module_speaks() -> None:
    breaker, shipped = _breaker([0.0]), _type(company=None)
    breaker.note(shipped, 7, 2.0)
    breaker.note(shipped, 0, 2.0)
    assert breaker.why_aside(shipped, 7)
    assert not breaker.why_aside(shipped, 8)
    assert not breaker.why_aside(shipped, 0)


def test_messages_read_together_are_judged_by_what_each_takes() -> None:
    breaker, one = _breaker([0.0]), _type()
    breaker.note(one, 0, 40.0, messages=1_000)
    assert not breaker.why_aside(one, 0)
    breaker.note(one, 0, 4.0, messages=2)
    assert breaker.why_aside(one, 0)


def test_who_spoke_from_a_source_is_only_told_of_the_version_that_knew() -> None:
    breaker, identity = _breaker([0.0]), Identity(scheme="imei", value="1")
    breaker.heard(_type(), "10.0.0.1", identity)
    breaker.heard(_type(company=None), "10.0.0.2", identity)
    assert breaker.speaker(_type(), "10.0.0.1") == identity
    assert breaker.speaker(_type(version=2), "10.0.0.1") is None
    assert breaker.speaker(_type(company=None), "10.0.0.2") is None


def test_files_of_a_year_may_take_longer() -> None:
    breaker, files = _breaker([0.0]), _type(kind="nem")
    breaker.note(files, 7, 5.0)
    assert not breaker.why_aside(files, 7)
    breaker.note(files, 7, 20.0)
    assert breaker.why_aside(files, 7)


def test_nothing_is_set_aside_where_nobody_waits() -> None:
    breaker = Breaker(clock=iter([]).__next__)
    assert breaker.timed(_type(), 7, lambda: 5) == 5
    breaker.note(_type(), 7, 100.0)
    assert not breaker.why_aside(_type(), 7)
