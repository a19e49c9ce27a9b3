"""What has to be tried again: rows left by triggers and by people, taken by the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from django.db import connection, transaction

from ingestion.models import ReplayRequest
from ingestion.routing import modules_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ingestion.pipeline import Known

__all__ = [
    "Request",
    "device_number",
    "devices_wanted",
    "known_devices",
    "requests_done",
    "requests_give_up",
    "requests_read",
]

_Kind = ReplayRequest.Kind
# More devices than this are not looked up one by one: all frames kept are gone through instead.
_FEW = 2_000
# A request made by a change is only seen once the engine has taken the note of that change, which
# was written with it, and so has read what changed.
_READ = """
SELECT id, kind, keys FROM ingestion_replay_request
WHERE failed = '' AND NOT EXISTS (SELECT FROM ingestion_registry_change)
ORDER BY id LIMIT 1000
"""


class Request(NamedTuple):
    """A row; keys: as `kind` says."""

    id: int
    kind: str
    keys: list[int]


def requests_read() -> list[Request]:
    """The oldest that can be worked on now."""
    with connection.cursor() as cursor:
        cursor.execute(_READ)
        return [Request(*row) for row in cursor.fetchall()]


def requests_done(requests: Iterable[Request]) -> None:
    """All their frames were tried."""
    ReplayRequest.objects.filter(pk__in=[row.id for row in requests]).delete()


def requests_give_up(requests: Iterable[Request], error: Exception) -> None:
    """Keep them for whoever looks for the fault, but try no more."""
    with transaction.atomic():
        rows = ReplayRequest.objects.filter(pk__in=[row.id for row in requests])
        rows.update(failed=f"{type(error).__name__}: {error}"[:300])


def devices_wanted(requests: Sequence[Request], known: Known) -> set[bytes] | None:
    """Device ids that the requests are about; None: all of them."""
    keys: dict[str, set[int]] = {}
    for request in requests:
        keys.setdefault(request.kind, set()).update(request.keys)
    if _Kind.EVERYTHING in keys or _Kind.TYPES in keys:
        return None
    modules = keys.get(_Kind.MODULES, set())
    modules |= set(modules_at(sorted(keys.get(_Kind.POINTS, ()))))
    row = known.devices.by_module(np.array(sorted(modules), np.int64))
    chosen = np.isin(known.devices.company, sorted(keys.get(_Kind.COMPANIES, ())))
    chosen[row[row >= 0]] = True
    numbers = {*known.devices.device[chosen].tolist(), *keys.get(_Kind.DEVICES, ())}
    return None if len(numbers) > _FEW else {number.to_bytes(8, "big") for number in numbers}


def device_number(device: bytes) -> int:
    """A device id as a request names it."""
    return int.from_bytes(device, "big")


def known_devices(devices: Iterable[bytes], known: Known) -> list[bytes]:
    """Those of them that the registry knows, in order."""
    listed = sorted(device for device in devices if len(device) == 8 and device[0] < 0x80)
    row = known.devices.find(np.array([device_number(one) for one in listed], np.uint64))
    return [device for device, found in zip(listed, row.tolist(), strict=True) if found >= 0]
