"""How collection fares: published every few seconds to the cache, read by pages and checks."""

from __future__ import annotations

import logging
import time
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError

from ingestion.engine import EngineState
from ingestion.models import Transport

if TYPE_CHECKING:
    from ingestion.collection import Collection

__all__ = ["Meter", "health_publish", "health_read"]

logger = logging.getLogger(__name__)

_KEY = "ingestion.health.{share}"
_SUMS = (
    "frames",
    "stored",
    "repeated",
    "values",
    "frames_per_second",
    "values_per_second",
    "held",
)
# Older than this it tells nothing any more.
_SECONDS = 15


class Meter:
    """Turns counts into rates between two readings."""

    def __init__(self) -> None:
        self._at = time.monotonic()
        self._frames = 0
        self._values = 0

    def read(self, collection: Collection) -> dict[str, Any]:
        """A plain dictionary; rates since the last call."""
        engine, intake = collection.engine, collection.intake
        figures, now = engine.figures, time.monotonic()
        passed = max(now - self._at, 1e-3)
        known = engine.known
        health = {
            "share": engine.shares.first,
            "at": datetime.now(UTC).isoformat(),
            "state": engine.state,
            "frames": figures.frames,
            "stored": figures.stored,
            "repeated": figures.repeated,
            "values": figures.values,
            "frames_per_second": round((figures.frames - self._frames) / passed, 1),
            "values_per_second": round((figures.values - self._values) / passed, 1),
            "delay_seconds": round(figures.delay, 3),
            "held": intake.limit - intake.room(),
            "refused": {str(reason): count for reason, count in dict(figures.refused).items()},
            "devices": 0 if known is None else len(known.devices),
            "listeners": _listeners(collection),
        }
        self._at, self._frames, self._values = now, figures.frames, figures.values
        return health


def _listeners(collection: Collection) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for transport, listener in list(collection.listeners.items()):
        row = {"host": collection.host, "port": listener.port, "received": listener.received}
        if transport is Transport.UDP:
            row["dropped"] = listener.note_drops()
        if transport in (Transport.TCP, Transport.MQTT):
            row |= {"connections": listener.connections, "refused": dict(listener.refused)}
        found[transport.name.lower()] = row
    broker = collection.broker
    if broker is not None:
        found["broker"] = {
            "host": broker.address.host,
            "port": broker.address.port,
            "received": broker.received,
            "shards": len(broker.sessions),
            "subscribed": broker.subscribed,
            "trouble": broker.trouble,
            "refused": dict(broker.refused),
        }
    return found


def health_publish(health: dict[str, Any]) -> None:
    """Collection does not depend on the cache: what can't be told is not told."""
    try:
        cache.set(_KEY.format(share=health["share"]), health, _SECONDS)
    except RedisError as error:
        logger.debug("the health of collection could not be published: %s", error)


def health_read() -> dict[str, Any] | None:
    """What the working engines told last, together; None when no worker collects."""
    keys = [_KEY.format(share=share) for share in range(settings.INGEST_SHARES)]
    found = list(cache.get_many(keys).values())
    return _together(found) if found else None


def _together(engines: list[dict[str, Any]]) -> dict[str, Any]:
    """Counts add up; of the rest the worst, and everybody's listeners."""
    health = dict(engines[0])
    for other in engines[1:]:
        for name in _SUMS:
            health[name] += other[name]
        health["refused"] = dict(Counter(health["refused"]) + Counter(other["refused"]))
        health["delay_seconds"] = max(health["delay_seconds"], other["delay_seconds"])
        health["listeners"] = other["listeners"] | health["listeners"]
        if other["state"] != EngineState.WORKING:
            health["state"] = other["state"]
    health["engines"] = len(engines)
    return health
