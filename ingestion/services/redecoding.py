"""Decoding what was received once more: worked out, looked at, applied with a reason."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from ingestion.errors import IngestionError
from ingestion.loader import LoadBatch, Precedence, Readings, load
from ingestion.models import RedecodedBlock, Redecoding
from ingestion.replay.anew import MOST_FRAMES, Anew, module_anew, point_anew
from ingestion.replay.differences import BlockChange, differences
from ingestion.routing import modules_at
from ingestion.stored_blocks import blocks_stored
from meters.models import TelemetryModule, UsagePoint

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ingestion.stored_blocks import Cells

__all__ = [
    "check_begun",
    "late_changes_propose",
    "redecoded_block",
    "redecoding_apply",
    "redecoding_batch",
    "redecoding_discard",
    "redecoding_make",
    "redecoding_ready",
    "values_stored",
]

logger = logging.getLogger(__name__)

_MOST_DAYS = 100
# What is proposed for changes of long ago: frames are not kept for longer by default.
_LONGEST = 400
_TAKE = """
DELETE FROM ingestion_late_change WHERE id = ANY(ARRAY(
    SELECT id FROM ingestion_late_change ORDER BY id FOR UPDATE SKIP LOCKED LIMIT %s))
RETURNING usage_point_id, since
"""
_State = Redecoding.State


@transaction.atomic
def redecoding_make(
    *,
    actor: Any,
    module: TelemetryModule | None = None,
    usage_point: UsagePoint | None = None,
    first: date,
    last: date,
    note: str,
) -> Redecoding:
    """Work out what would change; nothing of the archive is touched. Either subject, not both.

    first, last: days of receipt of a module's frames, or of a usage point's register readings.
    """
    subject: Any = module or usage_point
    _check(actor, subject, first, last)
    made = Redecoding(
        company_id=subject.company_id,
        module=module,
        usage_point=usage_point,
        first=first,
        last=last,
        note=note,
        requested_by=actor,
    )
    made.full_clean()
    anew = _anew(made)
    found = differences(anew.readings)
    made.frames, made.refused = anew.frames, found.refused
    made.blocks = len(found.blocks)
    made.changed = sum(block.changed for block in found.blocks)
    made.save()
    rows = [redecoded_block(made, block) for block in found.blocks]
    RedecodedBlock.objects.bulk_create(rows, batch_size=500)
    return made


def _check(actor: Any, subject: Any, first: date, last: date) -> None:
    if subject is None:
        raise IngestionError(_("Choose a module or a usage point."))
    if not 0 <= (last - first).days < _MOST_DAYS:
        text = _("Choose at most %(days)d days, the first one first.")
        raise IngestionError(text % {"days": _MOST_DAYS})
    check_begun(first)
    if actor is not None:
        visible = type(subject).objects.visible_to(actor, "change")
        if not visible.filter(pk=subject.pk).exists():
            raise IngestionError(_("You may not change the values of this device."))


def check_begun(first: date) -> None:
    """Raise IngestionError for days on which nothing can have come yet, wherever it is today."""
    if first > timezone.now().date() + timedelta(days=1):
        raise IngestionError(_("This period has not begun yet."))


def _anew(made: Redecoding) -> Anew:
    first = datetime(made.first.year, made.first.month, made.first.day, tzinfo=UTC)
    end = datetime(made.last.year, made.last.month, made.last.day, tzinfo=UTC) + timedelta(days=1)
    if made.module_id is not None:
        found = module_anew(made.module_id, first=first, end=end)
    else:
        assert made.usage_point_id is not None
        found = point_anew(made.usage_point_id, first=first, end=end)
    if not found.complete:
        text = _("There are more than %(limit)d frames in this period. Choose fewer days.")
        raise IngestionError(text % {"limit": MOST_FRAMES})
    return found


def redecoded_block(made: Redecoding, block: BlockChange) -> RedecodedBlock:
    """The row of a day that differs, not saved."""
    return RedecodedBlock(
        redecoding=made,
        channel_id=block.channel,
        day=block.day,
        interval_minutes=block.interval_minutes,
        before=block.before,
        after=block.after,
        quality=block.quality,
        changed=block.changed,
        sum_before=sum(value for value in block.before if value is not None),
        sum_after=sum(value for value in block.after if value is not None),
    )


def redecoding_apply(*, actor: Any, redecoding: Redecoding, note: str) -> Redecoding:
    """Write what was shown, and nothing else; the blocks as they were become revisions.

    Not inside a transaction: the loader makes its own. Raises IngestionError when the archive has
    changed since.
    """
    redecoding = redecoding_ready(actor, redecoding)
    days = list(redecoding.days.all())
    _check_unchanged(days)
    result = load(redecoding_batch(redecoding, days, user_id=getattr(actor, "pk", None), note=note))
    if np.count_nonzero(result.refused):
        raise IngestionError(_("The archive took only a part of it; work it out once more."))
    Redecoding.objects.filter(pk=redecoding.pk).update(
        state=_State.APPLIED, applied_by=actor, applied_at=timezone.now()
    )
    return Redecoding.objects.get(pk=redecoding.pk)


def redecoding_discard(*, actor: Any, redecoding: Redecoding) -> None:
    """Leave the archive as it is."""
    redecoding = redecoding_ready(actor, redecoding)
    Redecoding.objects.filter(pk=redecoding.pk).update(state=_State.DISCARDED)


def redecoding_batch(
    redecoding: Redecoding, days: Sequence[RedecodedBlock], *, user_id: int | None, note: str
) -> LoadBatch:
    """What the loader writes when these days are applied."""
    return LoadBatch(
        readings=_readings(days, ZoneInfo(redecoding.company.time_zone)),
        precedence=Precedence.RECALCULATED,
        user_id=user_id,
        note=f"{redecoding.note}: {note}" if note else redecoding.note,
    )


def redecoding_ready(actor: Any, redecoding: Redecoding) -> Redecoding:
    """The row as stored, when the actor may decide on it and nobody has; raises IngestionError."""
    rows = Redecoding.objects.all()
    if actor is not None:
        rows = Redecoding.objects.visible_to(actor, "change")
    found = rows.select_related("company").filter(pk=redecoding.pk).first()
    if found is None:
        raise IngestionError(_("You may not change the values of this device."))
    if found.state != _State.READY:
        raise IngestionError(_("This was decided already."))
    return found


def _check_unchanged(days: Sequence[RedecodedBlock]) -> None:
    stored = blocks_stored({row.day for row in days}, {row.channel_id for row in days})
    for row in days:
        if values_stored(row, stored) != row.before:
            text = _("%(day)s has changed since it was worked out. Work it out once more.")
            raise IngestionError(text % {"day": row.day})


def values_stored(row: RedecodedBlock, stored: Mapping[Any, Cells]) -> list[int | None]:
    """The day as it stands in `stored` (of `blocks_stored`); all missing where there is none."""
    cells = stored.get((row.channel_id, row.day))
    return [None] * len(row.before) if cells is None else cells.listed()


def _readings(days: Sequence[RedecodedBlock], zone: ZoneInfo) -> Readings:
    """The values of these days that stand in `after`; equal ones are repeats to the loader."""
    parts: list[tuple[int, int, int, int, int]] = []
    for row in days:
        midnight = datetime(row.day.year, row.day.month, row.day.day, tzinfo=zone)
        start, step = int(midnight.timestamp()), row.interval_minutes * 60
        for slot, (value, quality) in enumerate(zip(row.after, bytes(row.quality), strict=True)):
            if value is not None:
                at = start + slot * step
                parts.append((row.channel_id, at, row.interval_minutes, value, quality))
    columns = np.array(parts, np.int64).reshape(-1, 5)
    return Readings(
        channel=columns[:, 0],
        start=columns[:, 1],
        interval_minutes=columns[:, 2].astype(np.int16),
        value=columns[:, 3],
        quality=columns[:, 4].astype(np.uint8),
        frame=np.full(len(columns), -1, np.int32),
    )


@transaction.atomic
def late_changes_propose(*, limit: int = 50) -> list[Redecoding]:
    """Work out what installations changed late would change in the archive, for somebody to apply.

    Takes up to `limit` notes of the trigger; what would change nothing is not proposed.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [limit])
        taken: dict[int, datetime] = {}
        for point, since in cursor.fetchall():
            taken[point] = min(since, taken.get(point, since))
    made: list[Redecoding] = []
    for usage_point in UsagePoint.objects.filter(pk__in=taken):
        made += _propose(usage_point, taken[usage_point.pk])
    return made


def _propose(usage_point: UsagePoint, since: datetime) -> list[Redecoding]:
    """From the frames of its modules, which tell most; from registers where there are none."""
    modules = list(TelemetryModule.objects.filter(pk__in=modules_at([usage_point.pk])))
    try:
        made = [one for module in modules for one in _proposals({"module": module}, since)]
        return made or ([] if modules else _proposals({"usage_point": usage_point}, since))
    except IngestionError as error:
        logger.info("%s is worked out from its registers: %s", usage_point, error)
        return _proposals({"usage_point": usage_point}, since)


@transaction.atomic
def _proposals(subject: dict[str, Any], since: datetime) -> list[Redecoding]:
    """They take the place of those that nobody has looked at yet."""
    Redecoding.objects.filter(**subject, state=_State.READY, requested_by=None).delete()
    with override(None):
        note = _("An installation was entered or changed late")
    today = timezone.now().date()
    first = max(since.date() - timedelta(days=1), today - timedelta(days=_LONGEST))
    made = []
    while first <= today:
        last = min(first + timedelta(days=_MOST_DAYS - 1), today)
        one = redecoding_make(actor=None, **subject, first=first, last=last, note=note)
        if one.changed:
            made.append(one)
        else:
            one.delete()
        first = last + timedelta(days=1)
    return made
