"""Where a value comes from: block → revisions → the frames that said it.

A block remembers no frame for each of its values; a revision remembers the frame that ended it. So
frames are found by looking: those that the modules of the usage point sent since the interval began
are opened, and kept when they speak of this channel and this time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np

from accounts.models import User
from ingestion.codecs.errors import DecodeError
from ingestion.codecs.universal import decode
from ingestion.codecs.universal_messages import IntervalProfile, RegisterSnapshot
from ingestion.foreign.explaining import Told, told_by
from ingestion.models import RawFrame
from ingestion.routing import Routes, modules_at, route_key, routes_read
from meters.models import BlockRevision, IntervalBlock

from .frames import Keyring
from .series import Slot, day_slots

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from meters.models import Channel

__all__ = ["Lineage", "Said", "Step", "lineage_read"]

# Frames that are opened for one value: more than a module sends in the days it may take to arrive.
_FRAMES = 300
# Register readings this far from the interval may be what it was derived from.
_NEAR = timedelta(hours=26)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The value as it stood until `revision` ended it. changed: whether this value differs."""

    revision: BlockRevision
    before: Slot
    after: Slot
    who: str
    frame: RawFrame | None

    @property
    def changed(self) -> bool:
        return (self.before.value, self.before.quality, self.before.flags) != (
            self.after.value,
            self.after.quality,
            self.after.flags,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a frame says about the channel at that time, in counts of the device's register.

    kind: "profile" (increment or instant, None = the device measured nothing) or "register" (what
    the counter showed at `at`).
    """

    frame: RawFrame
    kind: str
    at: datetime
    count: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """One value with everything that made it. block: None where the day has none."""

    channel: Channel
    slot: Slot
    block: IntervalBlock | None
    slots: list[Slot]
    steps: list[Step]
    said: list[Said]


def lineage_read(user: Any, channel: Channel, day: date, number: int) -> Lineage | None:
    """The story of one slot of a day; None when the day has no such slot."""
    zone = ZoneInfo(channel.company.time_zone)
    key = {"channel": channel, "day": day}
    block = IntervalBlock.objects.visible_to(user).filter(**key).first()
    slots = list(day_slots(day, block, channel.interval_minutes, zone))
    if not 0 <= number < len(slots):
        return None
    slot = slots[number]
    revisions = list(BlockRevision.objects.visible_to(user).filter(**key).order_by("id"))
    return Lineage(
        channel=channel,
        slot=slot,
        block=block,
        slots=slots,
        steps=list(_steps(user, revisions, slot, zone)),
        said=_said(user, channel, slot),
    )


def _steps(user: Any, revisions: list[BlockRevision], slot: Slot, zone: ZoneInfo) -> Iterator[Step]:
    """Newest first."""
    names = {
        person.pk: str(person)
        for person in User.objects.filter(pk__in={row.user_id for row in revisions if row.user_id})
    }
    after = slot
    for revision in reversed(revisions):
        found = list(day_slots(slot.day, revision, revision.interval_minutes, zone))
        before = found[slot.number] if slot.number < len(found) else slot
        yield Step(
            revision=revision,
            before=before,
            after=after,
            who=names.get(revision.user_id or 0, ""),
            frame=_frame_of(user, revision),
        )
        after = before


def _frame_of(user: Any, revision: BlockRevision) -> RawFrame | None:
    """The frame of a revision; it was received just before, or long ago when it was replayed."""
    if revision.frame_id is None:
        return None
    rows = RawFrame.objects.visible_to(user).filter(
        id=revision.frame_id, received_at__lte=revision.replaced_at + timedelta(minutes=5)
    )
    lately = rows.filter(received_at__gte=revision.replaced_at - timedelta(days=2))
    return lately.first() or rows.first()


def _said(user: Any, channel: Channel, slot: Slot) -> list[Said]:
    if channel.usage_point_id is None:
        return []
    modules = modules_at([channel.usage_point_id])
    if not modules:
        return []
    frames = RawFrame.objects.visible_to(user).filter(
        module__in=modules, received_at__gte=slot.start
    )
    routes, keyring = routes_read(modules), Keyring(modules)
    found: list[Said] = []
    foreign: list[RawFrame] = []
    for frame in frames.order_by("received_at", "id")[:_FRAMES]:
        if frame.identity is None:
            found += _of_frame(frame, keyring.open(frame), routes, channel, slot)
        else:
            foreign.append(frame)
    for told in told_by(foreign, modules) if foreign else ():
        found += _of_message(foreign[told.frame], told, routes, channel, slot)
    return found


def _of_message(
    frame: RawFrame, told: Told, routes: Routes, channel: Channel, slot: Slot
) -> Iterator[Said]:
    """What a message of a foreign protocol says, in units of the archive."""
    at = datetime.fromtimestamp(told.at, UTC)
    near = slot.start - _NEAR <= at <= slot.end + _NEAR
    if not (near if told.kind == "register" else at == slot.start):
        return
    row = _route(routes, frame, told.port, told.register, at)
    if row is not None and int(routes.channel[row]) == channel.pk:
        yield Said(frame=frame, kind=told.kind, at=at, count=told.value)


def _of_frame(
    frame: RawFrame, plaintext: bytes | None, routes: Routes, channel: Channel, slot: Slot
) -> Iterator[Said]:
    try:
        messages = decode(plaintext) if plaintext else ()
    except DecodeError:
        return
    for message in messages:
        if isinstance(message, IntervalProfile):
            yield from _of_profile(frame, message, routes, channel, slot)
        elif isinstance(message, RegisterSnapshot):
            yield from _of_snapshot(frame, message, routes, channel, slot)


def _of_profile(
    frame: RawFrame, message: IntervalProfile, routes: Routes, channel: Channel, slot: Slot
) -> Iterator[Said]:
    place, rest = divmod(int(slot.start.timestamp()) - message.base_time, message.interval * 60)
    if rest or not 0 <= place < len(message.values):
        return
    row = _route(routes, frame, message.port, message.register, slot.start)
    if row is not None and int(routes.channel[row]) == channel.pk:
        yield Said(frame=frame, kind="profile", at=slot.start, count=message.values[place])


def _of_snapshot(
    frame: RawFrame, message: RegisterSnapshot, routes: Routes, channel: Channel, slot: Slot
) -> Iterator[Said]:
    at = datetime.fromtimestamp(message.time, UTC)
    if not slot.start - _NEAR <= at <= slot.end + _NEAR:
        return
    for register in message.registers:
        row = _route(routes, frame, register.port, register.register, at)
        if row is not None and int(routes.channel[row]) == channel.pk:
            yield Said(frame=frame, kind="register", at=at, count=register.value)


def _route(routes: Routes, frame: RawFrame, port: int, register: int, at: datetime) -> int | None:
    key = np.array([route_key(frame.module_id or 0, port, register)], np.int64)
    row = int(routes.find(key, np.array([int(at.timestamp())], np.int64))[0])
    return row if row >= 0 else None
