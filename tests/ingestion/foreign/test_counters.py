"""Old messages that are sent again, by the counters of their protocols; over real sockets."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ingestion.codecs.telegram import Telegram
from ingestion.decoding import Decoded, EventSaid, Reading
from ingestion.foreign.counters import Slot, counters_judge, counters_judge_waiting
from ingestion.foreign.messages import Message
from ingestion.foreign.recognising import Counted, Verdict
from ingestion.foreign.work import ForeignWork
from ingestion.models import FrameOutcome, ModuleInput, Quarantine, RawFrame, Reason, Transport
from ingestion.pipeline import Known
from ingestion.registry import Companies, Devices, Flag
from ingestion.routing import ModuleChannels, Routes
from ingestion.services.keys import module_key_issue
from tests.ingestion import fleet
from tests.ingestion.archive import dump
from tests.ingestion.codecs.wmbus.frames import KEY, OTHER_KEY, mode_7
from tests.ingestion.fleet import wait_for
from tests.ingestion.foreign import site
from tests.ingestion.foreign.test_collecting import send_udp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.ingestion.fleet import Collect, Collector

REGISTER = "cold_water.volume.register"
_IMEI = "1122334455667788"
# A volume of cold water; 28.50427 m³ in the shipped example of the frames' module.
_VOLUME = bytes.fromhex("0c13")
_RADIO_TYPE = f"""\
type: radio-counted
version: 1
vendor: Kaden
model: water meter
resource: cold_water
identify: {{transport: wmbus}}
decode: {{kind: wmbus}}
readings:
  - register: volume
    reading_type: {REGISTER}
    match: {{quantity: volume}}
tests:
  - name: with its key
    payload: {mode_7(_VOLUME + bytes.fromhex("45230100")).hex()}
    key: {KEY.hex()}
    readings: [{{register: volume, value: 12.345}}]
  - name: without its key
    payload: {mode_7(_VOLUME + bytes.fromhex("45230100")).hex()}
    refused: no key
"""


def _radio(litres: int, counter: int, key: bytes = KEY) -> bytes:
    return mode_7(_VOLUME + bytes.fromhex(f"{litres:08d}")[::-1], key, counter)


def _pulses(counter: int, count: int) -> bytes:
    """Both counters of an Adeunis module that has no clock."""
    head = bytes.fromhex(_IMEI) + b"\x03" + counter.to_bytes(4, "big") + b"\x46\x01"
    return head + count.to_bytes(4, "big") + bytes(4)


def _handled(collector: Collector, messages: int) -> None:
    wait_for(lambda: collector.engine.figures.frames == messages, what="all messages")


@pytest.mark.usefixtures("archive_tables")
def test_a_capture_sent_again_is_counted_and_changes_nothing(collect: Collect) -> None:
    city = fleet.company()
    kind = site.publish(city, site.shipped("adeunis_pulse_4_nbiot"))
    module = site.module(city, kind, _IMEI)
    ModuleInput.objects.create(module=module, port=0, pulse_weight=10)
    point = site.install(module, {REGISTER: 0}, port=0)
    running = collect()
    for number, count in ((1_000, 50), (1_001, 60)):
        send_udp(running, _pulses(number, count))
        wait_for(lambda value=10 * count: _latest(point) == value, what="the reading")
    before = dump()
    send_udp(running, _pulses(1_000, 50))
    row = site.waiting(reason=Reason.REPLAYED)
    assert (row.module, row.count, row.waiting) == (module, 1, 0)
    assert row.detail == "counter 1000 came before"
    running.stop()
    again = collect()
    for old in (_pulses(1_001, 60), _pulses(1_000, 50), _pulses(900, 7)):
        send_udp(again, old)
    _handled(again, 3)
    wait_for(lambda: Quarantine.objects.filter(count=4).exists(), what="the counts")
    assert dump() == before
    send_udp(again, _pulses(1_002, 70))
    wait_for(lambda: _latest(point) == 700, what="the next one")
    # On the module's other port there is no meter.
    stored = RawFrame.objects.filter(outcome=FrameOutcome.PARTLY).order_by("id")
    assert [row.counter for row in stored] == [1_000, 1_001, 1_002]


@pytest.mark.usefixtures("archive_tables")
def test_a_new_key_begins_a_new_window(collect: Collect) -> None:
    city = fleet.company()
    kind = site.publish(city, _RADIO_TYPE)
    running = collect()
    send_udp(running, _radio(100, 5))
    named = site.waiting(reason=Reason.UNKNOWN_DEVICE).device
    module = site.module(city, kind, named.removeprefix("mbus "))
    point = site.install(module, {REGISTER: 0})
    site.waiting(reason=Reason.NO_KEY)
    send_udp(running, _radio(100, 5))
    _handled(running, 2)
    module_key_issue(actor=None, module=module, key=KEY)
    wait_for(lambda: site.registers(point, REGISTER), what="what waited, once")
    wait_for(lambda: Quarantine.objects.filter(waiting=0, reason=Reason.NO_KEY).exists())
    send_udp(running, _radio(100, 5))
    assert site.waiting(reason=Reason.REPLAYED).module == module
    send_udp(running, _radio(120, 6))
    wait_for(lambda: _latest(point) == 120, what="the next one")
    module_key_issue(actor=None, module=module, key=OTHER_KEY)
    wait_for(lambda: running.engine.known is not None and _has_key(running, OTHER_KEY))
    send_udp(running, _radio(130, 0, OTHER_KEY))
    wait_for(lambda: _latest(point) == 130, what="counter 0 of the new key")
    before = dump()
    running.stop()
    again = collect()
    send_udp(again, _radio(130, 0, OTHER_KEY))
    send_udp(again, _radio(120, 6))
    _handled(again, 2)
    wait_for(lambda: again.refused()[str(Reason.REPLAYED)] == 1, what="the refusal")
    assert dump() == before


def _latest(point: Any) -> int | None:
    """Two messages of one second are one reading."""
    found = site.registers(point, REGISTER)
    return found[-1][1] if found else None


def _has_key(collector: Collector, key: bytes) -> bool:
    known = collector.engine.known
    return known is not None and known.devices.key(0, 0) == key


# --- the rule itself -----------------------------------------------------------------------------

_AT = datetime(2026, 3, 1, tzinfo=UTC)


def _known(*, key: bool = False) -> Known:
    devices = Devices.empty(1)
    devices.device[:], devices.module[:] = -1, 1
    devices.flags[:] = Flag.ACTIVE | (Flag.KEY if key else 0)
    nobody = ModuleChannels(
        np.zeros(0, np.int64), np.zeros((0, 5), np.int64), np.zeros((0, 5), np.int16)
    )
    return Known(Companies([]), devices, Routes.empty(), nobody)


def _verdict(counter: int | None, *, sealed: bool, at: datetime | None, event: bool) -> Verdict:
    identity = {"invocation_counter": str(counter)} if sealed and counter is not None else {}
    reading = Reading(
        register="v",
        reading_type=REGISTER,
        tariff=0,
        port=None,
        value=1,
        said=1,
        unit="L",
        at=at,
        quality="valid",
    )
    said = EventSaid(code=1, name="x", severity=1, at=None, detail=0, port=None)
    decoded = Decoded(
        telegram=Telegram(kind="cosem", octets=b"", items=(), identity=identity),
        readings=(reading,),
        series=(),
        events=(said,) if event else (),
        identity=None,
        sequence=None if sealed else counter,
        warnings=(),
    )
    own = at is not None and not event
    return Verdict(None, "", "dlms 1", 0, decoded, own, Counted.by(decoded))


def _work(
    counters: Sequence[int | None],
    *,
    sealed: bool = True,
    at: datetime | None = None,
    event: bool = False,
    texts: Sequence[str] | None = None,
    minutes: int = 2,
) -> ForeignWork:
    payloads = [text.encode() for text in texts or map(str, range(len(counters)))]
    count = len(payloads)
    return ForeignWork(
        payloads,
        [""] * count,
        np.zeros(count, np.int64),
        np.zeros(count, np.uint64),
        np.zeros(count, np.uint8),
        np.full(count, -1, np.int64),
        np.zeros(count, np.uint8),
        new=np.arange(count),
        messages=[
            Message(payload, Transport.UDP, "", place * minutes * 60_000_000)
            for place, payload in enumerate(payloads)
        ],
        verdicts=[_verdict(one, sealed=sealed, at=at, event=event) for one in counters],
    )


def _taken(known: Known, counters: Sequence[int | None], **how: Any) -> list[int]:
    work = _work(counters, **how)
    counters_judge(work, known)
    refused = [frame for frame in range(len(work)) if work.reason_of(frame) is Reason.REPLAYED]
    assert not set(refused) & set(work.new.tolist())
    return list(work.new.tolist())


def test_reordering_is_taken_and_what_is_older_than_the_window_is_not() -> None:
    known = _known(key=True)
    assert _taken(known, [100, 102, 101, 102, 39, 38, 103]) == [0, 1, 2, 4, 6]
    assert (int(known.devices.highest[0, 0]), int(known.devices.highest[0, 2])) == (103, 0)


def test_what_has_times_of_its_own_fills_what_is_missing_however_old() -> None:
    assert _taken(_known(), [500, 100, 500], at=_AT) == [0, 1]
    assert _taken(_known(), [500, 100, 500], at=_AT, event=True) == [0]


def test_a_copy_of_the_network_is_a_repeat_and_no_replay() -> None:
    work = _work([7, 7, 7], texts=["a", "a", "a"], minutes=0)
    assert counters_judge(work, _known()) == {Slot(0, 2)}
    assert (work.new.tolist(), work.repeated.tolist()) == ([0], [1, 2])
    assert not work.reason.any()


def test_counters_without_a_key_may_go_round_and_begin_anew() -> None:
    free: dict[str, Any] = {"sealed": False}
    assert _taken(_known(), [254, 255, 0, 1, 255, 0], **free) == [0, 1, 2, 3, 4, 5]
    assert _taken(_known(), [65_535, 0, 1], **free) == [0, 1, 2]
    assert _taken(_known(), [5_000, 3, 4, 3], **free) == [0, 1, 2, 3]
    assert _taken(_known(), [5_000, 4_000, 4_999, 5_000, 5_001], **free) == [0, 2, 4]
    assert _taken(_known(key=True), [5_000, 3, 4]) == [0]


@pytest.mark.parametrize("counter", [None, -1, 2**32])
def test_no_counter_is_none_to_judge(counter: int | None) -> None:
    known = _known()
    assert _taken(known, [counter, counter], sealed=False) == [0, 1]
    assert not known.devices.highest.any()


def test_what_waited_is_taken_once_though_later_ones_have_come() -> None:
    known = _known(key=True)
    assert _taken(known, [500]) == [0]
    work, memories = _work([100, 100, 500, 300, 500]), dict[int, dict[str, Any]]()
    kept: Any = [SimpleNamespace(counter=one) for one in (-1, -1, -1, 300, 500)]
    assert counters_judge_waiting(work, kept, known, memories) == set()
    assert work.new.tolist() == [0, 3, 4]
    later = _work([100, 501])
    moved = counters_judge_waiting(later, kept[:2], known, memories)
    assert (later.new.tolist(), moved) == ([1], {Slot(0, 0)})
    assert _taken(known, [501, 502]) == [1]
