"""Every reason to keep a frame: one that gets there, and what gets it out again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection

from accounts.models import Company
from ingestion.codecs.sealing import seal
from ingestion.codecs.universal_batch import decode_batch
from ingestion.codecs.universal_frame import Direction, Header
from ingestion.codecs.universal_messages import (
    AckFlag,
    Acknowledgement,
    RegisterSnapshot,
    RegisterValue,
)
from ingestion.models import FrameOutcome, Quarantine, Reason, ReplayRequest
from ingestion.services.keys import module_key_issue
from ingestion.services.replay import replay_request
from meters.models import (
    Channel,
    DeviceTypeVersion,
    Meter,
    ReadingType,
    RegisterTemplate,
    TelemetryModule,
)
from meters.partitions import BLOCKS, partitions_ensure
from meters.services.device_types import device_type_version_publish
from meters.services.installations import meter_install
from tests.ingestion import fleet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.ingestion.fleet import Collect, Module, Send

DAY = [7] * 24


def total() -> int:
    return int(fleet.rows("SELECT coalesce(sum(total), 0)::int FROM meters_interval_block")[0][0])


def outcomes() -> list[tuple[int, str]]:
    return fleet.rows("SELECT outcome, reason FROM ingestion_raw_frame ORDER BY received_at, id")


def waiting(reason: Reason) -> int | None:
    """Frames that wait for this reason; None once the row is resolved."""
    row = Quarantine.objects.filter(reason=reason).first()
    assert row is not None, f"{reason} was never counted"
    return None if row.resolved_at is not None and row.waiting == 0 else row.waiting


def address(one: Module, text: str) -> None:
    TelemetryModule.objects.filter(pk=one.row.pk).update(address=text)


class Case:
    """A module, a frame that is refused, and what mends it."""

    def __init__(self) -> None:
        self.company = fleet.company()
        self.one = fleet.module(self.company, 1)
        self.frame = self.one.frame(fleet.profile(DAY))
        self.mend: Callable[[], Any] = lambda: None
        self.total = sum(DAY)


def unknown_device() -> Case:
    case = Case()
    address(case.one, "RDO-0000000099")
    case.mend = lambda: address(case.one, "RDO-0000000001")
    return case


def blocked() -> Case:
    case = Case()
    rows = TelemetryModule.objects.filter(pk=case.one.row.pk)
    rows.update(status="blocked")
    case.mend = lambda: rows.update(status="active")
    return case


def foreign_source() -> Case:
    case = Case()
    Company.objects.update(allowed_subnets=["10.0.0.0/8"])
    case.mend = lambda: Company.objects.update(allowed_subnets=["10.0.0.0/8", "127.0.0.0/8"])
    return case


def no_key() -> Case:
    case = Case()
    case.one = fleet.module(case.company, 2, key=False)
    case.one.key = bytes(range(16))
    case.frame = case.one.frame(fleet.profile(DAY))
    case.mend = lambda: module_key_issue(actor=None, module=case.one.row, key=case.one.key)
    return case


def wrong_key() -> Case:
    case = Case()
    other = bytes(range(16))
    case.one = replace(case.one, key=other, counter=0)
    case.frame = case.one.frame(fleet.profile(DAY))
    case.mend = lambda: module_key_issue(actor=None, module=case.one.row, key=other)
    return case


def no_meter() -> Case:
    case = Case()
    meters = Meter.objects.filter(module=case.one.row)
    meters.update(port=2)
    case.mend = lambda: meters.update(port=1)
    return case


def no_register() -> Case:
    case = Case()
    case.frame = case.one.frame(fleet.profile(DAY, register=9))

    def publish() -> None:
        version = DeviceTypeVersion.objects.create(
            device_type=case.one.row.device_type,
            number=2,
            definition='[universal.registers.9]\nreading_types = ["cold_water.volume"]\n',
        )
        RegisterTemplate.objects.create(
            version=version,
            register="v",
            reading_type=ReadingType.objects.get(code=fleet.VOLUME),
            interval_minutes=60,
        )
        device_type_version_publish(actor=None, version=version)

    case.mend = publish
    return case


def no_channel() -> Case:
    case = Case()
    channels = Channel.objects.filter(pk=case.one.channel())
    channels.update(is_active=False)
    case.mend = lambda: channels.update(is_active=True)
    return case


def not_installed() -> Case:
    case = Case()
    case.one = fleet.module(case.company, 2, installed=datetime.now(UTC) - timedelta(hours=1))
    case.frame = case.one.frame(fleet.profile(DAY))
    case.one.point = fleet.usage_point(case.company, "before")
    meter = Meter.objects.get(module=case.one.row)

    def install() -> None:
        meter_install(
            actor=None,
            meter=meter,
            usage_point=case.one.point,
            at=fleet.INSTALLED,
            readings={},
        )

    meter.installations.all().delete()
    other = fleet.usage_point(case.company, "now")
    meter_install(
        actor=None,
        meter=meter,
        usage_point=other,
        at=datetime.now(UTC) - timedelta(hours=1),
        readings={},
    )

    def earlier() -> None:
        meter.installations.all().delete()
        install()

    case.mend = earlier
    return case


def off_grid() -> Case:
    case = Case()
    channels = Channel.objects.filter(pk=case.one.channel())
    # Neither divides the other.
    channels.update(interval_minutes=45)
    case.mend = lambda: channels.update(interval_minutes=60)
    return case


MENDED = {
    Reason.UNKNOWN_DEVICE: unknown_device,
    Reason.BLOCKED: blocked,
    Reason.FOREIGN_SOURCE: foreign_source,
    Reason.NO_KEY: no_key,
    Reason.WRONG_KEY: wrong_key,
    Reason.NO_METER: no_meter,
    Reason.NO_REGISTER: no_register,
    Reason.NO_CHANNEL: no_channel,
    Reason.NOT_INSTALLED: not_installed,
    Reason.OFF_GRID: off_grid,
}
# Told by name below, in test_engine_refusals.py, test_clocks.py or foreign/test_breaker.py.
OTHERS = {
    Reason.TOO_SLOW,
    Reason.MALFORMED,
    Reason.REPLAYED,
    Reason.UNDECODABLE,
    Reason.OUT_OF_TIME,
    Reason.NO_CLOCK,
    Reason.NOT_STORABLE,
}


def test_no_reason_is_forgotten() -> None:
    assert set(MENDED) | OTHERS == set(Reason)


@pytest.mark.parametrize("reason", MENDED, ids=str)
def test_mending_the_cause_replays_the_frame(
    reason: Reason, collect: Collect, send: Send, archive_tables: None
) -> None:
    case = MENDED[reason]()
    running = collect()
    sender = send(running)
    # Twice, as a device that is not answered does.
    for _ in range(2):
        sender.socket.send(case.frame)
    fleet.wait_for(lambda: Quarantine.objects.filter(reason=reason), what=reason)
    assert total() == 0
    case.mend()
    fleet.wait_for(lambda: waiting(reason) is None, what="the replay")
    assert total() == case.total
    fleet.wait_for(lambda: not ReplayRequest.objects.exists(), what="the end of the request")
    assert {outcome for outcome, _ in outcomes()} == {FrameOutcome.STORED}
    # The frame is known now: sent again it is a repeat.
    assert fleet.acknowledged(case.one, sender.ask(case.frame)) == case.one.counter
    assert total() == case.total
    running.stop()
    assert fleet.rows("SELECT count(DISTINCT counter) FROM ingestion_raw_frame") == [(1,)]


def test_a_month_the_archive_lacked_is_stored_once_it_is_made(collect: Collect, send: Send) -> None:
    long_ago = datetime(2024, 3, 2, tzinfo=UTC)
    one = fleet.module(fleet.company(zone="UTC"), 1, installed=datetime(2024, 1, 1, tzinfo=UTC))
    running = collect()
    frame = one.frame(fleet.profile(DAY, start=int(long_ago.timestamp()), opening=None))
    assert fleet.acknowledged(one, send(running).ask(frame)) == 1
    fleet.wait_for(lambda: Quarantine.objects.filter(reason=Reason.NOT_STORABLE))
    made = partitions_ensure(BLOCKS, first=long_ago.date(), last=long_ago.date())
    try:
        replay_request(actor=None, rows=Quarantine.objects.all())
        fleet.wait_for(lambda: waiting(Reason.NOT_STORABLE) is None, what="the replay")
        assert total() == sum(DAY)
    finally:
        running.stop()
        with connection.cursor() as cursor:
            for name in made:
                cursor.execute(f'DROP TABLE "{name}"')


@pytest.mark.parametrize("way", ["a person asks", "a type is published"])
def test_what_was_not_understood_is_stored_once_it_is(
    way: str, collect: Collect, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that learned to read the message: an upgrade, or a new version of a type."""
    one = fleet.module(fleet.company(), 1)

    def reads_nothing(plaintexts: Sequence[bytes]) -> Any:
        return decode_batch([b"\x0e\x00\x01" for _ in plaintexts])

    monkeypatch.setattr("ingestion.pipeline.decode_batch", reads_nothing)
    first = collect()
    frame = one.frame(fleet.profile(DAY))
    [told] = one.answer(send(first).ask(frame))
    assert isinstance(told, Acknowledgement) and told.flags == AckFlag.NOT_UNDERSTOOD
    fleet.wait_for(lambda: Quarantine.objects.filter(reason=Reason.UNDECODABLE, waiting=1))
    first.stop()
    monkeypatch.undo()
    second = collect()
    assert fleet.acknowledged(one, send(second).ask(frame)) == 1
    assert total() == 0, "acknowledged again, but nothing asks for it to be read again"
    if way == "a person asks":
        replay_request(actor=None, rows=Quarantine.objects.all())
    else:
        publish_again(one)
    fleet.wait_for(lambda: waiting(Reason.UNDECODABLE) is None, what="the replay")
    second.stop()
    assert total() == sum(DAY)
    assert outcomes() == [(FrameOutcome.STORED, "")]


def publish_again(one: Module) -> None:
    version = DeviceTypeVersion.objects.create(device_type=one.row.device_type, number=2)
    for name, code, minutes in fleet.WATER:
        RegisterTemplate.objects.create(
            version=version,
            register=name,
            reading_type=ReadingType.objects.get(code=code),
            interval_minutes=minutes,
        )
    device_type_version_publish(actor=None, version=version)


def test_what_is_no_data_waits_for_nothing(collect: Collect, send: Send) -> None:
    one = fleet.module(fleet.company(), 1)
    running = collect()
    sender = send(running)
    frames = [one.frame(fleet.profile([1])) for _ in range(80)]
    sender.ask(frames[79])
    sender.socket.send(frames[0])
    sender.socket.send(b"x")
    sender.ask(one.frame(RegisterSnapshot(0, (RegisterValue(1, 0, 5),))))
    header = Header(Direction.UP, one.selector, one.device, 90)
    sender.ask(seal(one.cipher, header, b"\x0e\x00\x01"))
    wanted = {Reason.REPLAYED, Reason.MALFORMED, Reason.NO_CLOCK, Reason.UNDECODABLE}
    fleet.wait_for(lambda: set(Quarantine.objects.values_list("reason", flat=True)) == wanted)
    before = outcomes()
    replay_request(actor=None, rows=Quarantine.objects.all())
    fleet.wait_for(lambda: not ReplayRequest.objects.exists(), what="the replay")
    running.stop()
    assert outcomes() == before
    found = {row.reason: row for row in Quarantine.objects.all()}
    assert {reason: row.waiting for reason, row in found.items()} == {
        Reason.REPLAYED: 0,
        Reason.MALFORMED: 0,
        Reason.NO_CLOCK: 1,
        Reason.UNDECODABLE: 1,
    }
    assert all(row.count == 1 for row in found.values())
