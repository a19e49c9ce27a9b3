"""Raw frames that are not stored as data, by device; and the keys that open old ones."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db import connection
from django.utils.translation import override

from config.lib.crypto import CryptoError
from ingestion.codecs.universal_frame import Key
from ingestion.keys import key_open
from ingestion.models import FrameOutcome, Reason

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

__all__ = [
    "KeptFrame",
    "devices_kept",
    "frames_counted",
    "frames_kept",
    "frames_of_modules",
    "messages_kept",
    "old_ciphers",
    "replayed_words",
    "since",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A frame that breaks the protocol or repeats a counter becomes no data, whatever is mended; both
# are told by their lack of a counter.
_TRIABLE = f"outcome <> 0 AND NOT (outcome = {FrameOutcome.REFUSED.value} AND counter IS NULL)"
_DEVICE = "substring(payload FROM 2 FOR 8)"
_COLUMNS = "id, received_at, module_id, counter, transport, source, payload, identity"
# The counts say since when something waits, so that the years before are left out of the plan. They
# are written a second after their frames, hence the day.
_SINCE = """
SELECT min(first_at) - interval '1 day' FROM ingestion_quarantine
WHERE resolved_at IS NULL AND waiting > 0
"""
_DEVICES = f"""
SELECT {_DEVICE}, count(*) FROM ingestion_raw_frame WHERE {_TRIABLE} AND identity IS NULL
"""
_FRAMES = f"""
SELECT {_COLUMNS} FROM ingestion_raw_frame
WHERE {_TRIABLE} AND {_DEVICE} = ANY(%s) AND received_at >= %s AND received_at <= %s
    AND (received_at, id) < (%s, %s) AND identity IS NULL
ORDER BY received_at DESC, id DESC LIMIT %s
"""
# Messages of foreign protocols. Of those that were replayed nothing may be taken later either.
_MESSAGES = f"""
SELECT {_COLUMNS} FROM ingestion_raw_frame
WHERE outcome <> 0 AND NOT starts_with(reason, %s) AND identity = ANY(%s)
    AND received_at >= %s AND received_at <= %s AND (received_at, id) < (%s, %s)
ORDER BY received_at DESC, id DESC LIMIT %s
"""
_OF_MODULE = f"""
SELECT {_COLUMNS} FROM ingestion_raw_frame
WHERE module_id = ANY(%s)
    AND (counter IS NOT NULL OR (identity IS NOT NULL AND NOT starts_with(reason, %s)))
    AND received_at >= %s AND received_at < %s
ORDER BY received_at, id LIMIT %s
"""
# Of frames whether authentic or not: the index knows no more.
_COUNT_OF_MODULE = """
SELECT module_id, count(*) FROM ingestion_raw_frame
WHERE module_id = ANY(%s) AND received_at >= %s AND received_at < %s GROUP BY module_id
"""
_KEYS = """
SELECT module_id, selector, sealed FROM ingestion_modulekey WHERE module_id = ANY(%(modules)s)
UNION ALL
SELECT module_id, %(claim)s, sealed FROM ingestion_claim WHERE module_id = ANY(%(modules)s)
"""


class KeptFrame(NamedTuple):
    """A raw frame; received_at: Unix microseconds; module and counter: −1 where none is known.

    identity: of a message of a foreign protocol, None for frames of the universal one.
    """

    id: int
    received_at: int
    module: int
    counter: int
    transport: int
    source: str
    payload: bytes
    identity: str | None = None

    @property
    def place(self) -> tuple[datetime, int]:
        """Where it stands among all frames."""
        return _EPOCH + timedelta(microseconds=self.received_at), self.id


def replayed_words() -> str:
    """How the reason of a message begins that was replayed."""
    with override(None):
        return str(Reason.REPLAYED.label)


def since() -> datetime | None:
    """Since when frames wait; None while nothing does."""
    with connection.cursor() as cursor:
        cursor.execute(_SINCE)
        found: datetime | None = cursor.fetchone()[0]
    return found


def devices_kept(first: datetime, among: Collection[bytes] | None = None) -> dict[bytes, int]:
    """Device id → frames of it kept since then; only those of `among`, unless it is None."""
    query = f"{_DEVICES} AND received_at >= %s"
    parameters: list[Any] = [first]
    if among is not None:
        query += f" AND {_DEVICE} = ANY(%s)"
        parameters.append(list(among))
    with connection.cursor() as cursor:
        cursor.execute(f"{query} GROUP BY 1", parameters)
        return {bytes(device): count for device, count in cursor.fetchall()}


def frames_kept(
    devices: Sequence[bytes],
    *,
    first: datetime,
    last: datetime,
    before: tuple[datetime, int],
    limit: int,
) -> list[KeptFrame]:
    """Kept frames of these devices that stand before a place, newest first."""
    return _read(_FRAMES, [list(devices), first, last, *before, limit])


def messages_kept(
    identities: Sequence[str],
    *,
    first: datetime,
    last: datetime,
    before: tuple[datetime, int],
    limit: int,
) -> list[KeptFrame]:
    """The same of foreign protocols, by who sent them."""
    return _read(_MESSAGES, [replayed_words(), list(identities), first, last, *before, limit])


def frames_of_modules(
    modules: Sequence[int], *, first: datetime, end: datetime, limit: int
) -> list[KeptFrame]:
    """Authentic frames, and messages, of these modules as they were received, oldest first."""
    return _read(_OF_MODULE, [list(modules), replayed_words(), first, end, limit])


def frames_counted(modules: Sequence[int], *, first: datetime, end: datetime) -> dict[int, int]:
    """Module → at most how many authentic frames of it were received; none: it is left out."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_OF_MODULE, [list(modules), first, end])
        return dict(cursor.fetchall())


def _read(query: str, parameters: list[Any]) -> list[KeptFrame]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return [
            KeptFrame(
                number,
                (at - _EPOCH) // timedelta(microseconds=1),
                -1 if module is None else module,
                -1 if counter is None else counter,
                transport,
                source,
                bytes(payload),
                identity,
            )
            for number, at, module, counter, transport, source, payload, identity in cursor
        ]


def old_ciphers(modules: Collection[int]) -> dict[tuple[int, int], list[AESGCM]]:
    """(module, selector) → ciphers of every key it ever had, retired ones and spent claims too."""
    found: dict[tuple[int, int], list[AESGCM]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_KEYS, {"modules": sorted(modules), "claim": int(Key.CLAIM)})
        for module, selector, sealed in cursor.fetchall():
            try:
                key = key_open(bytes(sealed), module_id=module, selector=selector)
            except CryptoError:
                continue
            found[module, selector].append(AESGCM(key))
    return found
