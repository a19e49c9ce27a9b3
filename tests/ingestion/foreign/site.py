"""A utility with foreign devices: types from definitions, modules, meters, and what they sent."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from ingestion.models import Quarantine, RawFrame
from meters import __file__ as meters_file
from meters.definition import read_definition
from meters.models import (
    Channel,
    DeviceType,
    DeviceTypeVersion,
    Meter,
    RegisterReading,
    TelemetryModule,
)
from meters.services.device_types import device_type_version_publish
from meters.services.installations import meter_install
from meters.services.reading_types import reading_types_sync
from tests.ingestion import fleet
from tests.ingestion.archive import blocks

if TYPE_CHECKING:
    from accounts.models import Company
    from meters.models import UsagePoint

VECTORS = Path(__file__).resolve().parents[4] / "shared" / "vectors"
_SHIPPED = Path(meters_file).parent / "devicetypes"
_OTHERS = Path(__file__).parents[1] / "decoding" / "types"


def vectors(name: str) -> Any:
    """The vectors of a source; skips where they are absent."""
    path = VECTORS / name
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    return json.loads(path.read_text(encoding="utf-8"))


def shipped(name: str) -> str:
    return (_SHIPPED / f"{name}.yaml").read_text(encoding="utf-8")


def publish(owner: Company, text: str) -> DeviceType:
    """A type, or its next version; publishing runs its tests and makes its registers."""
    reading_types_sync()
    definition = read_definition(text, name="type")
    made, _new = DeviceType.objects.get_or_create(
        company=owner,
        code=definition.type,
        defaults={
            "name": definition.model,
            "manufacturer": definition.vendor,
            "role": "both",
            "resource": definition.resource[0],
        },
    )
    version = DeviceTypeVersion.objects.create(
        device_type=made, number=made.versions.count() + 1, definition=text
    )
    device_type_version_publish(actor=None, version=version)
    return made


def module(owner: Company, kind: DeviceType, address: str, **values: Any) -> TelemetryModule:
    return TelemetryModule.objects.create(
        company=owner, serial=f"S{address}"[:60], device_type=kind, address=address, **values
    )


def install(row: TelemetryModule, opening: dict[str, int], port: int = 1) -> UsagePoint:
    """A meter of the module's own type, at a usage point of its own."""
    resource = row.device_type.resource
    meter = Meter.objects.create(
        company=row.company,
        serial=f"{row.serial}/{port}",
        device_type=row.device_type,
        module=row,
        port=port,
    )
    point = fleet.usage_point(row.company, f"UP{meter.pk}", resource)
    meter_install(actor=None, meter=meter, usage_point=point, at=fleet.INSTALLED, readings=opening)
    return point


def registers(point: UsagePoint, code: str) -> list[tuple[datetime, int]]:
    """(at, value) of a register channel, in units of the archive, without the opening."""
    channel = Channel.objects.get(usage_point=point, reading_type__code=code)
    rows = RegisterReading.objects.filter(channel_id=channel.pk).order_by("at")
    return [(row.at, row.value) for row in rows if row.at != fleet.INSTALLED]


def intervals(point: UsagePoint, code: str) -> list[int]:
    """The interval values of a channel that are not missing, oldest first."""
    channel = Channel.objects.get(usage_point=point, reading_type__code=code)
    found = blocks()
    return [
        value
        for key in sorted(found, key=lambda key: key[1])
        if key[0] == channel.pk
        for value in found[key][2]
        if value is not None
    ]


def outcomes() -> list[tuple[int, str | None, int | None]]:
    """(outcome, identity, module) of every raw frame."""
    rows = RawFrame.objects.order_by("id")
    return [(row.outcome, row.identity, row.module_id) for row in rows]


def waiting(**wanted: Any) -> Quarantine:
    """The row of the quarantine, once the engine has written it."""
    found = fleet.wait_for(
        lambda: list(Quarantine.objects.filter(resolved_at__isnull=True, **wanted)),
        what=f"quarantine of {wanted}",
    )
    assert len(found) == 1
    row: Quarantine = found[0]
    return row


def hours_ago(hours: int, zone: str = "Europe/Kyiv") -> datetime:
    """A whole second so long ago, on the wall clock of the zone."""
    return datetime.fromtimestamp(int(time.time()) - 3_600 * hours, UTC).astimezone(ZoneInfo(zone))
