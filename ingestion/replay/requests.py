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
    from ingestion.shares import Shares

__all__ = [
    "Request",
    "device_number",
    "devices_wanted",
    "identities_wanted",
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
WHERE failed = '' AND NOT done_by && %s::smallint[]
    AND NOT EXISTS (SELECT FROM ingestion_registry_change)
ORDER BY id LIMIT 1000
"""
_DONE = "UPDATE ingestion_replay_request SET done_by = done_by || %s::smallint[] WHERE id = ANY(%s)"
_DONE_BY_ALL = (
    "DELETE FROM ingestion_replay_request WHERE id = ANY(%s) AND done_by @> %s::smallint[]"
)


class Request(NamedTuple):
    """A row; keys: as `kind` says."""

    id: int
    kind: str
    keys: list[int]


def requests_read(shares: Shares) -> list[Request]:
    """The oldest that can be worked on now, for the devices of these shares."""
    with connection.cursor() as cursor:
        cursor.execute(_READ, [sorted(shares.held)])
        return [Request(*row) for row in cursor.fetchall()]


def requests_done(requests: Iterable[Request], shares: Shares) -> None:
    """All their frames of our devices were tried."""
    ids = [row.id for row in requests]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_DONE, [sorted(shares.held), ids])
        cursor.execute(_DONE_BY_ALL, [ids, list(range(shares.count))])


def requests_give_up(requests: Iterable[Request], error: Exception) -> None:
    """Keep them for whoever looks for the fault, but try no more."""
    with transaction.atomic():
        rows = ReplayRequest.objects.filter(pk__in=[row.id for row in requests])
        rows.update(failed=f"{type(error).__name__}: {error}"[:300])


def devices_wanted(requests: Sequence[Request], known: Known) -> set[bytes] | None:
    """Device ids that the requests are about; None: all of them."""
    found = _numbers(requests, known)
    if found is None:
        return None
    numbers = {number for number in found if number >= 0}
    return None if len(numbers) > _FEW else {number.to_bytes(8, "big") for number in numbers}


def identities_wanted(requests: Sequence[Request], known: Known) -> set[int] | None:
    """Modules of foreign protocols that the requests are about, and negative numbers of identities;
    None: all of them."""
    found = _numbers(requests, known)
    if found is None:
        return None
    asked = {key for request in requests if request.kind == _Kind.DEVICES for key in request.keys}
    return {number for number in asked if number < 0} | {
        -number for number in found - asked if number < 0
    }


def _numbers(requests: Sequence[Request], known: Known) -> set[int] | None:
    """Device numbers as in the registry, and those that a person asked for; None: all."""
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
    return {*known.devices.device[chosen].tolist(), *keys.get(_Kind.DEVICES, ())}


def device_number(device: bytes) -> int:
    """A device id as a request names it."""
    return int.from_bytes(device, "big")


def known_devices(devices: Iterable[bytes], known: Known, shares: Shares) -> list[bytes]:
    """Those of them that the registry knows and that are in our shares, in order."""
    listed = sorted(device for device in devices if len(device) == 8 and device[0] < 0x80)
    numbers = np.array([device_number(one) for one in listed], np.uint64)
    ours = (known.devices.find(numbers) >= 0) & shares.ours(numbers)
    return [device for device, mine in zip(listed, ours.tolist(), strict=True) if mine]
