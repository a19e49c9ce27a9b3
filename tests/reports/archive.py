"""Rows of the archive for tests of pages, written plainly."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db import connection

from ingestion.codecs.sealing import seal
from ingestion.codecs.universal import encode
from ingestion.codecs.universal_frame import Direction, Header, Key, device_id
from ingestion.models import RawFrame
from ingestion.services.keys import module_key_issue
from meters.models import Channel, IntervalBlock, NodeBlock, TelemetryModule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestion.codecs.universal_messages import UpMessage
    from tests.people import Tenant

# Far enough back that nothing is awaited any more.
DAY = (datetime.now(UTC) - timedelta(days=20)).date()
LABEL = "RDO-0000004711"
KEY = bytes(range(16))


def channel_of(tenant: Tenant, code: str = "cold_water.volume") -> Channel:
    return Channel.objects.get(usage_point=tenant.usage_point, reading_type__code=code)


def block(
    channel: Channel,
    day: date,
    values: Sequence[int | None],
    *,
    quality: bytes | None = None,
    interval: int = 60,
) -> IntervalBlock:
    return IntervalBlock.objects.create(
        channel=channel,
        day=day,
        interval_minutes=interval,
        total=sum(value or 0 for value in values),
        values=list(values),
        quality=quality,
    )


def node_block(node: Any, day: date, hours: Sequence[int | None], **values: Any) -> NodeBlock:
    """A day of a node; reading_type and flow by keyword."""
    known = sum(hour is not None for hour in hours)
    fields = {
        "flow": "consumption",
        "total": sum(hour or 0 for hour in hours),
        "channels": 1,
        "reporting": 1,
        "expected": len(hours),
        "received": known,
        "estimated": 0,
    }
    return NodeBlock.objects.create(node=node, day=day, hours=list(hours), **fields | values)


def keyed(tenant: Tenant) -> TelemetryModule:
    """The tenant's module with an address of the universal protocol and a key."""
    module: TelemetryModule = tenant.module
    module.address = LABEL
    module.save()
    module_key_issue(actor=None, module=module, key=KEY)
    return module


def frame(
    module: TelemetryModule, number: int, *messages: UpMessage, key: bytes = KEY, **values: Any
) -> RawFrame:
    """A raw frame of the module that says these things."""
    header = Header(Direction.UP, Key.A, device_id(LABEL), number)
    fields = {
        "received_at": datetime.now(UTC) - timedelta(minutes=5),
        "transport": 1,
        "outcome": 0,
        "counter": number,
        "source": "192.0.2.7",
        "payload": seal(AESGCM(key), header, encode(messages)),
    }
    return RawFrame.objects.create(id=900_000 + number, module=module, **fields | values)


def clean() -> None:
    """Empty the tables that Django does not know how to flush."""
    tables = (
        "meters_interval_block",
        "meters_block_revision",
        "meters_register_reading",
        "meters_node_block",
        "ingestion_raw_frame",
    )
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"DELETE FROM {table}")
