"""Values worked out anew: a module's frames decoded again, a usage point's registers read again."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from django.db import connection

from ingestion.derivation import derive
from ingestion.foreign.replaying import decoded_anew
from ingestion.known import known_of
from ingestion.loader import Readings, Registers
from ingestion.routing import channels_at, modules_at
from ingestion.values import Context

from .judging import opened_again
from .kept import frames_of_modules
from .storing import resolved

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ingestion.pipeline import Known

__all__ = ["MOST_FRAMES", "Anew", "module_anew", "modules_anew", "point_anew"]

# A month of a module that sends four times an hour, and as much again.
MOST_FRAMES = 6_000
_MOST_REGISTERS = 100_000
_REGISTERS = """
SELECT channel_id, extract(epoch FROM at)::bigint, value, quality, kind
FROM meters_register_reading WHERE channel_id = ANY(%s) AND at >= %s AND at < %s
ORDER BY at LIMIT %s
"""


class Anew(NamedTuple):
    """Readings in the order of receipt; frames: how many were decoded; complete: none left out."""

    readings: Readings
    frames: int
    complete: bool


def module_anew(module: int, *, first: datetime, end: datetime) -> Anew:
    """The authentic frames received from a module, decoded as its types are now."""
    return modules_anew([module], first=first, end=end)


def modules_anew(
    modules: Sequence[int], *, first: datetime, end: datetime, limit: int = MOST_FRAMES
) -> Anew:
    """The same of several modules, whose frames together are at most `limit`."""
    found = frames_of_modules(modules, first=first, end=end, limit=limit + 1)
    frames = [frame for frame in found if frame.identity is None]
    messages = [frame for frame in found if frame.identity is not None]
    known = known_of(modules)
    work = opened_again(frames, known)
    collected, _messages = resolved(frames, work, known)
    count = len(work.new)
    if messages:
        foreign, decoded = decoded_anew(messages, known)
        collected.readings += foreign.readings
        count += decoded
    readings, _registers = collected.together()
    return Anew(readings, count, len(found) <= limit)


def point_anew(point: int, *, first: datetime, end: datetime) -> Anew:
    """Intervals of a usage point from its register readings, as its installations are now."""
    known = known_of(modules_at([point]))
    routes = known.routes
    ours = np.isin(routes.register, channels_at(point))
    rows = np.flatnonzero(ours & (routes.register > 0) & (routes.channel > 0))
    channels = {int(routes.register[row]): row for row in rows.tolist()}
    registers = _registers(list(channels), first, end)
    made = derive(registers, channels, _context(known)) if len(registers) else None
    return Anew(made or Readings(), 0, len(registers) < _MOST_REGISTERS)


def _context(known: Known) -> Context:
    nobody = np.zeros(0, np.int64)
    zones = known.companies.zones
    return Context(known.routes, known.modules, nobody, nobody.astype(np.int32), zones)


def _registers(channels: list[int], first: datetime, end: datetime) -> Registers:
    with connection.cursor() as cursor:
        cursor.execute(_REGISTERS, [channels, first, end, _MOST_REGISTERS])
        rows = np.array(cursor.fetchall(), np.int64).reshape(-1, 5)
    return Registers(
        channel=rows[:, 0],
        at=rows[:, 1],
        value=rows[:, 2],
        quality=rows[:, 3].astype(np.uint8),
        kind=rows[:, 4].astype(np.uint8),
        frame=np.full(len(rows), -1, np.int32),
    )
