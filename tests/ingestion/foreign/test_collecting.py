"""Foreign messages over real sockets: into quarantine first, into the archive once entered."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from ingestion.foreign.explaining import explained, told_by
from ingestion.models import FrameOutcome, ModuleInput, Quarantine, RawFrame, Reason
from ingestion.services.keys import module_key_issue
from ingestion.services.redecoding import redecoding_make
from meters.models import TelemetryModule
from tests.ingestion import fleet
from tests.ingestion.archive import dump
from tests.ingestion.fleet import wait_for
from tests.ingestion.foreign import site

if TYPE_CHECKING:
    from tests.ingestion.fleet import Collect, Collector

pytestmark = pytest.mark.usefixtures("archive_tables")

# rscada/libmbus, test/test-frames/ACW_Itron-BM-plus-m.hex: cold water, 11490378.
ITRON = bytes.fromhex(
    "683c3c680808727803491177040e160a0000000c7878034911041331d40000426c0000441300000000046d0b0bcd"
    "130227000009fd0e0209fd0f060f00017513d316"
)
WATER_TYPE = """\
type: mbus-water
version: 1
vendor: Itron
model: BM +m
resource: cold_water
identify:
  transport: [mbus, wmbus]
  detect: [{manufacturer: ACW}]
decode: {kind: mbus}
readings:
  - register: volume
    reading_type: cold_water.volume.register
    match: {quantity: volume, storage: 0}
tests:
  - name: as libmbus has it
    source: rscada/libmbus test/test-frames/ACW_Itron-BM-plus-m.hex
    payload: 683c3c680808727803491177040e160a0000000c7878034911041331d40000426c0000441300000000046d0b0bcd130227000009fd0e0209fd0f060f00017513d316
    identity: ACW-11490378
    readings: [{register: volume, value: 54.321}]
  - name: a spoilt sum
    payload: 683c3c680808727803491177040e160a0000000c7878034911041331d40000426c0000441300000000046d0b0bcd130227000009fd0e0209fd0f060f00017513d416
    refused: checksum
"""
REGISTER = "cold_water.volume.register"
# Made by hand: 48.3172 m³ of meter 51048627, OMS mode 5.
RADIO = bytes.fromhex(
    "3e4430592786045101077a2c00300575b82255eb4b3a65fabe3d45016b88c8677b237eb20918a885b28075f9cdb33c"
    "347c20b2851313dc52cb1ab1a464a230"
)
RADIO_KEY = bytes(range(0x10, 0x20))
RADIO_TYPE = f"""\
type: radio-water
version: 1
vendor: Kaden
model: water meter
resource: cold_water
identify: {{transport: wmbus}}
decode: {{kind: wmbus}}
readings:
  - register: volume
    reading_type: cold_water.volume.register
    match: {{quantity: volume, storage: 0, tariff: 0, subunit: 0, function: instantaneous}}
tests:
  - name: with its key
    payload: {RADIO.hex()}
    key: {RADIO_KEY.hex()}
    readings: [{{register: volume, value: 48.3172}}]
  - name: without its key
    payload: {RADIO.hex()}
    refused: no key
"""
COUNTED = (285, 289, 292, 294, 295)


def send_udp(collector: Collector, payload: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(payload, ("127.0.0.1", collector.udp.port))


def send_tcp(collector: Collector, payload: bytes) -> None:
    with socket.create_connection(("127.0.0.1", collector.tcp.port)) as sender:
        sender.sendall(len(payload).to_bytes(2, "big") + payload)
        wait_for(lambda: collector.tcp.received, what="the frame")


def test_mbus_over_tcp_waits_for_its_type_then_for_its_module(collect: Collect) -> None:
    city = fleet.company()
    running = collect()
    send_tcp(running, ITRON)
    row = site.waiting(reason=Reason.UNKNOWN_DEVICE)
    assert (row.device, row.count, row.waiting) == ("?", 1, 1)
    assert "no published device type recognises it; it looks like mbus" in row.detail
    kind = site.publish(city, WATER_TYPE)
    row = site.waiting(reason=Reason.UNKNOWN_DEVICE, device="mbus ACW-11490378")
    assert row.detail == "mbus-water, mbus ACW-11490378"
    point = site.install(site.module(city, kind, "11490378"), {REGISTER: 0})
    [(at, value)] = wait_for(lambda: site.registers(point, REGISTER), what="the reading")
    assert value == 54_321
    frame = RawFrame.objects.get()
    assert (frame.outcome, frame.identity) == (FrameOutcome.STORED, "mbus ACW-11490378")
    assert int(at.timestamp()) == int(frame.received_at.timestamp())
    assert wait_for(lambda: not Quarantine.objects.filter(resolved_at=None).exists())


def sw3l(imei: str, at: datetime, pulses: int, *logged: tuple[datetime, int]) -> bytes:
    """A frame after the maker's description: 450 pulses a litre, the log from the newest on."""
    head = f"{imei:0>16}0460041234567890 0064 0CE4 15 01 00 00 01 01C2"
    times = b"".join(
        count.to_bytes(4, "big") + int(when.timestamp()).to_bytes(4, "big")
        for when, count in ((at, pulses), *logged)
    )
    return bytes.fromhex(head) + times


def test_radio_telegram_over_udp_waits_for_its_module_and_its_key(collect: Collect) -> None:
    city = fleet.company()
    kind = site.publish(city, RADIO_TYPE)
    running = collect()
    send_udp(running, RADIO)
    named = site.waiting(reason=Reason.UNKNOWN_DEVICE).device
    assert named.endswith("-51048627")
    module = site.module(city, kind, named.removeprefix("mbus "))
    point = site.install(module, {REGISTER: 0})
    row = site.waiting(reason=Reason.NO_KEY)
    assert (row.module, row.device) == (module, named)
    module_key_issue(actor=None, module=module, key=bytes(range(16)))
    row = site.waiting(reason=Reason.WRONG_KEY)
    assert "2F 2F" in row.detail
    module_key_issue(actor=None, module=module, key=RADIO_KEY)
    [(_at, value)] = wait_for(lambda: site.registers(point, REGISTER), what="the reading")
    assert value == 48_317
    wait_for(lambda: not Quarantine.objects.filter(resolved_at=None).exists())
    assert site.outcomes() == [(FrameOutcome.STORED, named, module.pk)]


def test_nbiot_over_udp_fills_registers_and_intervals_and_repeats_change_nothing(
    collect: Collect,
) -> None:
    city = fleet.company()
    running = collect()
    top = site.hours_ago(3).replace(minute=0, second=0)
    hours = [top - timedelta(hours=back) for back in range(4)]
    frame = sw3l(
        "866203010123456",
        hours[0],
        900_000,
        *zip(hours[1:], (855_000, 810_000, 765_000), strict=True),
    )
    send_udp(running, frame)
    row = site.waiting(reason=Reason.UNKNOWN_DEVICE)
    assert (row.device, row.network) == ("?", "127.0.0.0/24")
    kind = site.publish(city, site.shipped("dragino_sw3l_nb"))
    row = site.waiting(reason=Reason.UNKNOWN_DEVICE, device="imei 0866203010123456")
    assert row.detail == "dragino-sw3l-nb, imei 0866203010123456"
    module = site.module(city, kind, "866203010123456")
    point = site.install(module, {REGISTER: 0})
    found = wait_for(lambda: site.registers(point, REGISTER), what="the readings")
    assert found == [(at.astimezone(UTC), 1_700 + 100 * n) for n, at in enumerate(hours[::-1])]
    assert site.intervals(point, "cold_water.volume")[-3:] == [100, 100, 100]
    wait_for(lambda: not Quarantine.objects.filter(resolved_at=None).exists())
    stored = RawFrame.objects.get()
    assert "imei: 0866203010123456" in explained(stored)
    told = sorted((one.at, one.value) for one in told_by([stored], [module.pk]))
    assert told == [(int(at.timestamp()), value) for at, value in found]
    before = dump()
    send_udp(running, frame)
    wait_for(lambda: RawFrame.objects.count() == 2, what="the repeat")
    late = sw3l("866203010123456", hours[2], 810_000)
    send_udp(running, late)
    wait_for(lambda: RawFrame.objects.count() == 3, what="the late one")
    assert dump() == before


def test_pulses_wait_until_it_is_known_what_they_are_worth(collect: Collect) -> None:
    city = fleet.company()
    kind = site.publish(city, site.shipped("adeunis_pulse_4_nbiot"))
    module = site.module(city, kind, "1122334455667788")
    point = site.install(module, {REGISTER: 0}, port=0)
    running = collect()
    at = site.hours_ago(2)
    since_2013 = int(at.timestamp()) - int(datetime(2013, 1, 1, tzinfo=UTC).timestamp())
    # TheThingsNetwork/lorawan-devices, vendor/adeunis/pulse-nb-iot-codec, of another time.
    frame = bytes.fromhex("112233445566778803000000265a67000001270001000200030004")
    send_udp(running, frame + since_2013.to_bytes(4, "big"))
    row = site.waiting(reason=Reason.UNDECODABLE)
    assert (row.module, "what a pulse is worth" in row.detail) == (module, True)
    ModuleInput.objects.create(module=module, port=0, pulse_weight=10, sampling_period=3_600)
    found = wait_for(lambda: site.registers(point, REGISTER), what="the readings")
    counted = [(at - timedelta(hours=4 - n), 10 * count) for n, count in enumerate(COUNTED)]
    assert found == [(when.astimezone(UTC), litres) for when, litres in counted]
    wait_for(lambda: not Quarantine.objects.filter(resolved_at=None).exists())


def test_what_no_company_may_hear_of_is_refused_with_the_reason(collect: Collect) -> None:
    away = fleet.company("away", allowed_subnets=["10.0.0.0/8"])
    kind = site.publish(away, WATER_TYPE)
    module = site.module(away, kind, "ACW11490378")
    running = collect()
    send_udp(running, ITRON)
    assert site.waiting(reason=Reason.FOREIGN_SOURCE).module == module
    TelemetryModule.objects.filter(pk=module.pk).update(status="blocked")
    assert site.waiting(reason=Reason.BLOCKED).module == module


def test_a_message_that_breaks_its_protocol_costs_no_other_one(collect: Collect) -> None:
    city = fleet.company()
    kind = site.publish(city, site.shipped("dragino_sw3l_nb"))
    point = site.install(site.module(city, kind, "866203010123456"), {REGISTER: 0})
    ours = fleet.module(city, 1)
    running = collect()
    at = site.hours_ago(2)
    good = sw3l("866203010123456", at, 450_000)
    for payload in (good[:-1], bytes(2_000), b"{" * 900, ours.frame(fleet.profile([1] * 24)), good):
        send_udp(running, payload)
    assert wait_for(lambda: site.registers(point, REGISTER)) == [(at.astimezone(UTC), 1_000)]
    figures = running.engine.figures
    wait_for(lambda: figures.frames == 5, what="all five")
    assert figures.stored == 2
    running.stop()
    assert figures.stumbled == 0


def test_a_new_version_of_the_type_is_a_difference_to_look_at(collect: Collect) -> None:
    city = fleet.company()
    kind = site.publish(city, site.shipped("dragino_sw3l_nb"))
    module = site.module(city, kind, "866203010123456")
    point = site.install(module, {REGISTER: 0})
    running = collect()
    top = site.hours_ago(3).replace(minute=0, second=0)
    send_udp(running, sw3l("866203010123456", top, 900_000, (top - timedelta(hours=1), 855_000)))
    wait_for(lambda: site.intervals(point, "cold_water.volume")[-1:] == [100], what="the interval")
    running.stop()
    text = site.shipped("dragino_sw3l_nb").replace("unit: L,", "unit: L, mul: 2,")
    site.publish(
        city, text.replace("0.096", "0.192").replace("0.088", "0.177").replace("0.085", "0.170")
    )
    today = datetime.now(UTC).date()
    made = redecoding_make(
        actor=None, module=module, first=today - timedelta(days=1), last=today, note="doubled"
    )
    assert (made.frames, made.blocks > 0) == (1, True)
