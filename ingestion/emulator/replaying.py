"""Real series through real sockets into the archive, and the comparison afterwards."""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from django.db import connection, transaction

from accounts.models import Company
from hierarchy.models import Node
from hierarchy.services import node_create
from ingestion.codecs.universal_frame import device_id
from ingestion.collection import Collection
from ingestion.emulator.checking import archive_values
from ingestion.emulator.courier import Courier, Manners
from ingestion.emulator.datasets import runs
from ingestion.emulator.fleet import Modules
from ingestion.emulator.ledger import Ledger
from ingestion.emulator.links import UdpLink
from ingestion.emulator.making import Measured, company_ensure, type_ensure
from ingestion.emulator.meters import joined, messages
from ingestion.emulator.misbehaviour import Misbehaviour, Mischief
from ingestion.models import Transport
from ingestion.services.keys import module_key_issue
from ingestion.shares import is_collecting
from meters.models import Channel, Meter, ReadingType, TelemetryModule, UsagePoint
from meters.partitions import BLOCKS, REGISTERS, partitions_ensure
from meters.services.installations import meter_install

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from ingestion.emulator.datasets import Dataset, Kind, Series

    Ints = NDArray[np.int64]

__all__ = ["Compared", "Replay", "compare", "prepare", "send", "service", "values_revised"]

_INSTALLED = datetime(2000, 1, 2, tzinfo=UTC)
_DAY_VALUES = 48
_START_SECONDS = 30.0
_NUMBERS = 9_000_000_000
_REVISED = """
SELECT count(*) FROM meters_block_revision WHERE channel_id = ANY(%s) AND replaced_at >= %s
"""


class Replay(NamedTuple):
    """A series with the module that sends it and the channel it arrives at."""

    series: Series
    module: TelemetryModule
    key: bytes
    channel: int


class Compared(NamedTuple):
    """A line of the table. expected, stored: sums in the file's unit; lost, changed, invented: slots."""

    replay: Replay
    values: int
    expected: Decimal
    stored: Decimal
    lost: int
    changed: int
    invented: int
    gaps: int
    gaps_stored: int

    @property
    def good(self) -> bool:
        equal = self.expected == self.stored and self.gaps == self.gaps_stored
        return equal and not (self.lost or self.changed or self.invented)


@transaction.atomic
def prepare(series: Sequence[Series]) -> list[Replay]:
    """Company, usage point, meter, module and a new key for each; what exists stays."""
    for one in series:
        first, last = (_day(int(edge)) for edge in (one.start.min(), one.start.max()))
        for table in (BLOCKS, REGISTERS):
            partitions_ensure(table, first=first - timedelta(days=1), last=last + timedelta(days=1))
    return [_prepared(one, number) for number, one in enumerate(series)]


def _prepared(series: Series, number: int) -> Replay:
    dataset = series.dataset
    city = dataset.zone.rpartition("/")[2]
    company = company_ensure(
        code=f"dataset-{city}".lower(), name=f"Real data, {city}", zone=dataset.zone
    )
    point = UsagePoint.objects.filter(company=company, code=dataset.code).first()
    if point is None:
        point = _point(company, dataset, number)
    module = TelemetryModule.objects.get(company=company, serial=dataset.code)
    channel = Channel.objects.get(usage_point=point, reading_type__code=dataset.kind.code)
    # A new key begins with a new counter: a replay can be repeated.
    return Replay(series, module, module_key_issue(actor=None, module=module).key, channel.pk)


def _point(company: Company, dataset: Dataset, number: int) -> UsagePoint:
    _reading_type(dataset.kind)
    measured = Measured(
        f"{dataset.kind.resource}-{dataset.interval}",
        f"{dataset.kind.resource} {dataset.interval} min".replace("_", " "),
        dataset.kind.resource,
        ((0, dataset.kind.code, dataset.interval),),
    )
    kind = type_ensure(company=company, measured=measured)
    place = Node.objects.filter(company=company, system="territory").first() or node_create(
        actor=None,
        company=company,
        system="territory",
        kind="city",
        name="Real data",
        code="real-data",
    )
    point = UsagePoint.objects.create(
        company=company,
        code=dataset.code,
        name=dataset.name,
        resource=dataset.kind.resource,
        place=place,
    )
    module = TelemetryModule.objects.create(
        company=company,
        serial=dataset.code,
        device_type=kind,
        address=f"SET-{_NUMBERS + number:010d}",
        place=place,
    )
    meter = Meter.objects.create(
        company=company, serial=dataset.code, device_type=kind, module=module, digits=12
    )
    meter_install(actor=None, meter=meter, usage_point=point, at=_INSTALLED, readings={})
    return point


def _reading_type(kind: Kind) -> ReadingType:
    made, _new = ReadingType.objects.get_or_create(
        code=kind.code,
        defaults={
            "resource": kind.resource,
            "quantity": kind.quantity,
            "accumulation": "delta",
            "unit": kind.unit,
            "exponent": kind.exponent,
            "display_unit": kind.display_unit,
            "direction": "forward",
        },
    )
    return made


@contextmanager
def service(host: str, port: int) -> Iterator[int]:
    """The port of a collection service: one that listens already, or one of our own for this time."""
    if port and is_collecting():
        yield port
        return
    own = Collection(host=host, udp_port=0, tcp_port=0, mqtt_port=-1)
    own.start()
    try:
        yield _port_of(own)
    finally:
        own.stop()


def _port_of(own: Collection) -> int:
    end = time.monotonic() + _START_SECONDS
    while (found := own.port(Transport.UDP)) is None:
        if time.monotonic() > end:
            raise RuntimeError(f"the collection service does not listen: {own.engine.state}")
        time.sleep(0.02)
    return found


def send(replays: Sequence[Replay], *, host: str, port: int, back_off: float = 1.0) -> Courier:
    """All series over UDP, in the order of the files; a courier that still has all of it to do."""
    order = sorted(replays, key=lambda one: device_id(one.module.address))
    device = np.array(
        [int.from_bytes(device_id(one.module.address), "big") for one in order], np.uint64
    )
    courier = Courier(
        Modules.of(device, [one.key for one in order]),
        UdpLink(host, port),
        Ledger(),
        Mischief(Misbehaviour()),
        Manners(back_off=back_off),
    )
    for row, replay in enumerate(order):
        for starts, counts in runs(replay.series, _DAY_VALUES):
            made = messages(
                np.array([row]),
                port=np.array([1]),
                register=np.array([0]),
                base_time=starts[:1],
                interval=replay.series.dataset.interval,
                opening=np.array([0]),
                values=counts[None, :],
            )
            courier.post(joined(made))
    return courier


def compare(replay: Replay) -> Compared:
    """The archive of a series beside its file."""
    wanted, factor = replay.series.slots, replay.series.dataset.kind.factor
    stored = archive_values([replay.channel])
    found = dict(zip((stored.slot & (1 << 34) - 1).tolist(), stored.value.tolist(), strict=True))
    both = wanted.keys() & found.keys()
    span = replay.series.start
    inside = [at for at in found if span.min() <= at <= span.max()]
    slots = int(span.max() - span.min()) // (replay.series.dataset.interval * 60) + 1
    return Compared(
        replay,
        len(wanted),
        Decimal(sum(wanted.values())) / factor,
        Decimal(sum(found.values())) / factor,
        len(wanted) - len(both),
        sum(wanted[at] != found[at] for at in both),
        len(found) - len(both),
        replay.series.gaps,
        slots - len(inside),
    )


def values_revised(replays: Sequence[Replay], since: datetime) -> int:
    """Blocks of these series in which a stored value gave way since an instant."""
    with connection.cursor() as cursor:
        cursor.execute(_REVISED, [[one.channel for one in replays], since])
        return int(cursor.fetchone()[0])


def _day(at: int) -> date:
    return datetime.fromtimestamp(at, UTC).date()
