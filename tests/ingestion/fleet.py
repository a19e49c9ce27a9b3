"""A small fleet: modules with keys and meters in the database, and their side of the protocol."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db import connection

from accounts.models import Company
from hierarchy.services import node_create
from ingestion.codecs.sealing import open_frame, seal
from ingestion.codecs.universal import decode, encode
from ingestion.codecs.universal_frame import Direction, Header, Key, device_id, read_header
from ingestion.codecs.universal_messages import Acknowledgement, IntervalProfile
from ingestion.engine import Engine, EngineState
from ingestion.models import Transport
from ingestion.services.keys import module_key_issue
from ingestion.transports.intake import Intake
from ingestion.transports.tcp import TcpListener
from ingestion.transports.udp import UdpListener
from meters.models import (
    Channel,
    DeviceType,
    DeviceTypeVersion,
    Meter,
    ReadingType,
    RegisterTemplate,
    TelemetryModule,
    UsagePoint,
)
from meters.services.device_types import device_type_version_publish
from meters.services.installations import meter_install
from meters.services.reading_types import reading_types_sync

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

INSTALLED = datetime(2025, 1, 1, tzinfo=UTC)
VOLUME, REGISTER = "cold_water.volume", "cold_water.volume.register"
WATER = (("v", VOLUME, 60), ("r", REGISTER, 1440))


def wait_for(condition: Callable[[], Any], *, what: str = "it", seconds: float = 30.0) -> Any:
    """The first true answer; fails after so long that only a fault explains it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        threading.Event().wait(0.01)
    raise AssertionError(f"{what} did not come within {seconds:g} s")


def company(code: str = "city", zone: str = "Europe/Kyiv", **values: Any) -> Company:
    return Company.objects.get_or_create(
        code=code, defaults={"name": code.title(), "time_zone": zone, **values}
    )[0]


def device_type(
    owner: Company,
    code: str = "drop",
    registers: Sequence[tuple[str, str, int]] = WATER,
    **values: Any,
) -> DeviceType:
    """A published type that tells of (register, reading type, interval)."""
    reading_types_sync()
    made, new = DeviceType.objects.get_or_create(
        company=owner, code=code, defaults={"name": code, "manufacturer": "Maker", "role": "both"}
    )
    if new:
        version = DeviceTypeVersion.objects.create(device_type=made, number=1, **values)
        for name, reading_type, interval in registers:
            RegisterTemplate.objects.create(
                version=version,
                register=name,
                reading_type=ReadingType.objects.get(code=reading_type),
                interval_minutes=interval,
            )
        device_type_version_publish(actor=None, version=version)
    return made


def usage_point(owner: Company, code: str, resource: str = "cold_water") -> UsagePoint:
    place = owner.nodes.filter(system="territory").first() or node_create(
        actor=None, company=owner, system="territory", kind="city", name="Town", code="town"
    )
    return UsagePoint.objects.create(company=owner, code=code, resource=resource, place=place)


@dataclass
class Module:
    """One module as its maker would build it."""

    row: TelemetryModule
    key: bytes
    selector: Key = Key.A
    counter: int = 0
    point: UsagePoint | None = None

    @property
    def device(self) -> bytes:
        return device_id(self.row.address)

    @property
    def cipher(self) -> AESGCM:
        return AESGCM(self.key)

    def channel(self, code: str = VOLUME) -> int:
        return Channel.objects.get(usage_point=self.point, reading_type__code=code).pk

    def frame(self, *messages: Any, counter: int | None = None) -> bytes:
        """The next frame."""
        if counter is None:
            self.counter += 1
            counter = self.counter
        header = Header(Direction.UP, self.selector, self.device, counter)
        return seal(self.cipher, header, encode(messages))

    def answer(self, frame: bytes) -> tuple[Any, ...]:
        """What the server's frame says; checks header and tag."""
        header = read_header(frame)
        assert header.direction is Direction.DOWN and header.device == self.device
        return decode(open_frame(self.cipher, frame), Direction.DOWN)


def module(
    owner: Company,
    number: int,
    *,
    kind: DeviceType | None = None,
    key: bool = True,
    installed: datetime | None = INSTALLED,
    multiplier: Decimal | int = 1,
    port: int = 1,
    digits: int = 8,
    opening: Decimal = Decimal(0),
) -> Module:
    """A module with a meter on its port, installed at a usage point of its own."""
    kind = kind or device_type(owner)
    row = TelemetryModule.objects.create(
        company=owner, serial=f"M{number}", device_type=kind, address=f"RDO-{number:010d}"
    )
    meter = Meter.objects.create(
        company=owner, serial=f"W{number}", device_type=kind, module=row, port=port, digits=digits
    )
    made = Module(row, bytes(16))
    if key:
        made.key = module_key_issue(actor=None, module=row).key
    if installed is not None:
        made.point = usage_point(owner, f"UP{number}")
        meter_install(
            actor=None,
            meter=meter,
            usage_point=made.point,
            at=installed,
            readings={REGISTER: opening},
            multiplier=multiplier,
        )
    return made


def day_start(days_ago: int = 2, zone: str = "Europe/Kyiv") -> int:
    """Local midnight so many days ago, in Unix seconds."""
    today = datetime.now(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    day = (today - timedelta(days=days_ago)).date()
    return int(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).timestamp())


def profile(
    values: Sequence[int | None],
    *,
    start: int | None = None,
    port: int = 1,
    register: int = 0,
    interval: int = 60,
    opening: int | None = 1000,
    quality: int = 0,
) -> IntervalProfile:
    return IntervalProfile(
        port,
        register,
        day_start() if start is None else start,
        interval,
        tuple(values),
        opening,
        quality,
    )


@dataclass
class Collector:
    """Listeners on free ports and an engine, as a worker runs them."""

    intake: Intake = field(default_factory=lambda: Intake(linger=0.005))
    udp: UdpListener = field(init=False)
    tcp: TcpListener = field(init=False)
    engine: Engine = field(init=False)
    shares: int = 1

    def __post_init__(self) -> None:
        self.udp = UdpListener(self.intake, host="127.0.0.1", port=0)
        self.tcp = TcpListener(self.intake, host="127.0.0.1", port=0)
        self.udp.code, self.tcp.code = int(Transport.UDP), int(Transport.TCP)
        self.engine = Engine(self.intake, shares=self.shares)

    def start(self) -> Collector:
        self.udp.start()
        self.tcp.start()
        self.engine.start()
        wait_for(lambda: self.engine.state == EngineState.WORKING, what="the engine")
        return self

    def stop(self) -> None:
        self.udp.stop()
        self.tcp.stop()
        self.engine.stop()
        self.udp.close()
        self.tcp.close()
        assert not self.engine.alive

    def refused(self) -> Counter[str]:
        return Counter({str(key): count for key, count in self.engine.figures.refused.items()})


class Sender:
    """A UDP socket that sends until it is answered."""

    def __init__(self, port: int) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(("127.0.0.1", port))
        self.socket.settimeout(30)

    def ask(self, frame: bytes) -> bytes:
        """Send once and wait for one answer."""
        self.socket.send(frame)
        return self.socket.recv(2048)

    def silent(self) -> bool:
        """Whether nothing has come back."""
        self.socket.setblocking(False)
        try:
            self.socket.recv(2048)
        except BlockingIOError:
            return True
        finally:
            self.socket.settimeout(30)
        return False

    def close(self) -> None:
        self.socket.close()


if TYPE_CHECKING:
    Collect = Callable[[], Collector]
    Send = Callable[[Collector], Sender]


def acknowledged(module: Module, frame: bytes) -> int:
    """Counter that an answer acknowledges."""
    first = module.answer(frame)[0]
    assert isinstance(first, Acknowledgement)
    return first.counter


def rows(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def clean() -> None:
    """Tables that Django does not flush."""
    for table in (
        "meters_interval_block",
        "meters_block_revision",
        "meters_register_reading",
        "meters_register_revision",
        "meters_dirty_day",
        "ingestion_raw_frame",
    ):
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {table}")
