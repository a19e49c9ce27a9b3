"""Decoding once more what all modules of a device type, or of a company, have sent.

It is asked for and decided on like that of one module, but gone through by a worker: a step takes a
few modules, or a few days to apply, in one transaction that also notes how far it came. So a worker
may be killed at any moment, memory is bounded by a step, and the page shows how far it is.
"""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.grants import grants_of
from ingestion.errors import IngestionError
from ingestion.loader import ArchiveUnavailable, Loader
from ingestion.loader.merge import RANK
from ingestion.models import RedecodedBlock, Redecoding
from ingestion.replay.anew import MOST_FRAMES, modules_anew
from ingestion.replay.differences import differences
from ingestion.replay.kept import frames_counted
from ingestion.services.redecoding import (
    check_begun,
    redecoded_block,
    redecoding_batch,
    redecoding_ready,
    values_stored,
)
from ingestion.stored_blocks import blocks_stored
from meters.models import DeviceType, Meter, TelemetryModule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.db.models import QuerySet
    from numpy.typing import NDArray

    from accounts.models import Company
    from ingestion.replay.differences import BlockChange

__all__ = [
    "MOST_DAYS",
    "redecodings_work",
    "wide_redecoding_apply",
    "wide_redecoding_discard",
    "wide_redecoding_make",
]

logger = logging.getLogger(__name__)

MOST_DAYS = 400
# Of one module: one that sends every quarter of an hour in all of these days, and as much again.
_MOST_OF_MODULE = 80_000
# Days that differ are kept until somebody has decided: 0.6 kB each.
_MOST_BLOCKS = 1_000_000
# A step: so many modules are looked at, so many days are applied, so many rows are thrown away.
_MODULES, _DAYS, _ROWS = 200, 500, 20_000
_DONE = -1
_LOCK = "ingestion second decodings"
_UNAVAILABLE = (ArchiveUnavailable, OperationalError, InterfaceError)
_State = Redecoding.State
_Failure = Redecoding.Failure


@transaction.atomic
def wide_redecoding_make(
    *,
    actor: Any,
    company: Company | None,
    device_type: DeviceType | None = None,
    first: date,
    last: date,
    note: str,
) -> Redecoding:
    """Ask for it; a worker goes through the modules of the type in the company, or all of it.

    first, last: days of receipt. Nothing of the archive is touched before it is applied.
    """
    if company is None:
        raise IngestionError({"company": [_("Choose the company.")]})
    if not 0 <= (last - first).days < MOST_DAYS:
        text = _("Choose at most %(days)d days, the first one first.")
        raise IngestionError(text % {"days": MOST_DAYS})
    check_begun(first)
    _check_actor(actor, company, device_type)
    made = Redecoding(
        company=company,
        device_type=device_type,
        everything=device_type is None,
        first=first,
        last=last,
        note=note,
        state=_State.WORKING,
        requested_by=actor,
    )
    made.full_clean()
    made.modules = _modules_of(made).count()
    if not made.modules:
        raise IngestionError(_("There are no modules whose frames could be decoded again."))
    made.save()
    return made


def _check_actor(actor: Any, company: Company, device_type: DeviceType | None) -> None:
    if device_type is not None and device_type.company_id not in {None, company.pk}:
        raise IngestionError({"device_type": [_("This belongs to another company.")]})
    if actor is None:
        return
    capability = Redecoding.access.capability("change")
    if not grants_of(actor).may(capability, company.pk):
        raise IngestionError(_("This needs the right to change the meters of the whole company."))


def _modules_of(made: Redecoding) -> QuerySet[TelemetryModule]:
    rows = TelemetryModule.objects.filter(company=made.company_id)
    if made.device_type_id is None:
        return rows
    meters = Meter.objects.filter(company=made.company_id, device_type=made.device_type_id)
    carrying = meters.filter(module__isnull=False).values("module")
    return rows.filter(Q(device_type=made.device_type_id) | Q(pk__in=carrying))


def wide_redecoding_apply(*, actor: Any, redecoding: Redecoding, note: str) -> Redecoding:
    """Have a worker write what was shown; days that changed meanwhile are left out and counted."""
    redecoding = redecoding_ready(actor, redecoding)
    _turn(
        redecoding,
        _State.READY,
        state=_State.APPLYING,
        cursor=0,
        remark=note,
        applied_by=actor,
    )
    return Redecoding.objects.get(pk=redecoding.pk)


def wide_redecoding_discard(*, actor: Any, redecoding: Redecoding) -> None:
    """Leave the archive as it is; also while it is being worked out."""
    rows = Redecoding.objects.all()
    if actor is not None:
        rows = Redecoding.objects.visible_to(actor, "change")
    found = rows.filter(pk=redecoding.pk, state__in=(_State.WORKING, _State.READY))
    if not found.update(state=_State.DISCARDED, cursor=0, updated_at=timezone.now()):
        raise IngestionError(_("This was decided already."))


def _turn(made: Redecoding, before: str, **values: Any) -> None:
    """Change the row if it still is in the state it was; raises IngestionError."""
    rows = Redecoding.objects.filter(pk=made.pk, state=before)
    if not rows.update(**values, updated_at=timezone.now()):
        raise IngestionError(_("This was decided already."))


# What the worker does.


def redecodings_work(*, seconds: float = 25.0, most: int | None = None) -> int:
    """Do steps of whatever is not finished, at most so many or so long; returns how many.

    One worker at a time; where another is at it, nothing is done. Not inside a transaction.
    """
    done, until = 0, time.monotonic() + seconds
    with _alone() as mine:
        while mine and done != most and time.monotonic() < until:
            made = _next()
            if made is None:
                break
            _step(made)
            done += 1
    return done


@contextmanager
def _alone() -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [_LOCK])
        mine = bool(cursor.fetchone()[0])
    try:
        yield mine
    finally:
        # With a lost connection the lock is gone as well.
        if mine and connection.connection is not None and not connection.connection.closed:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [_LOCK])


def _next() -> Redecoding | None:
    """The one that was left alone longest."""
    wide = Redecoding.objects.filter(Q(everything=True) | Q(device_type__isnull=False))
    unfinished = wide.filter(state__in=_STEPS).exclude(cursor=_DONE)
    return unfinished.select_related("company").order_by("updated_at", "pk").first()


def _step(made: Redecoding) -> None:
    try:
        _STEPS[_State(made.state)](made)
    except _UNAVAILABLE:
        raise
    except (DatabaseError, ArithmeticError, LookupError, TypeError, ValueError):
        # A fault of ours must not come again at every step.
        logger.exception("the second decoding of %s is given up", made)
        _give_up(made, _Failure.FAULT)


def _give_up(made: Redecoding, why: Redecoding.Failure) -> None:
    rows = Redecoding.objects.filter(pk=made.pk)
    # What was applied stays; what was only worked out is thrown away.
    cursor = _DONE if made.state == _State.APPLYING else 0
    rows.update(state=_State.FAILED, failure=why, cursor=cursor, updated_at=timezone.now())


class _Share(NamedTuple):
    """Modules of a step: those to go through, how many were looked at, how many have too much."""

    modules: list[int]
    looked_at: int
    skipped: int
    last: int


@transaction.atomic
def _work_out(made: Redecoding) -> None:
    rows = Redecoding.objects.select_for_update().filter(pk=made.pk, state=_State.WORKING)
    if not rows.exists():
        return
    first, end = _bounds(made)
    share = _share(made, first, end)
    if not share.looked_at:
        rows.update(state=_State.READY, updated_at=timezone.now())
        return
    anew = modules_anew(share.modules, first=first, end=end, limit=_MOST_OF_MODULE)
    found = differences(anew.readings)
    blocks, changed = _keep(made, found.blocks)
    rows.update(
        cursor=share.last,
        modules_done=F("modules_done") + share.looked_at,
        skipped=F("skipped") + share.skipped,
        frames=F("frames") + anew.frames,
        refused=F("refused") + found.refused,
        blocks=F("blocks") + blocks,
        changed=F("changed") + changed,
        updated_at=timezone.now(),
    )
    if made.blocks + blocks > _MOST_BLOCKS:
        _give_up(made, _Failure.TOO_MANY)


def _bounds(made: Redecoding) -> tuple[datetime, datetime]:
    first = datetime(made.first.year, made.first.month, made.first.day, tzinfo=UTC)
    last = datetime(made.last.year, made.last.month, made.last.day, tzinfo=UTC)
    return first, last + timedelta(days=1)


def _share(made: Redecoding, first: datetime, end: datetime) -> _Share:
    """As many modules as have the frames of a step together, one at least."""
    rows = _modules_of(made).filter(pk__gt=made.cursor).order_by("pk")
    keys = list(rows.values_list("pk", flat=True)[:_MODULES])
    counts = frames_counted(keys, first=first, end=end)
    chosen: list[int] = []
    looked_at = skipped = total = 0
    for key in keys:
        count = counts.get(key, 0)
        if chosen and total + count > MOST_FRAMES:
            break
        looked_at += 1
        if count > _MOST_OF_MODULE:
            skipped += 1
        elif count:
            chosen.append(key)
            total += count
    return _Share(chosen, looked_at, skipped, keys[looked_at - 1] if looked_at else made.cursor)


def _keep(made: Redecoding, blocks: Sequence[BlockChange]) -> tuple[int, int]:
    """Store the days that differ; returns how many are new, and how many more values differ."""
    known = {
        (row.channel_id, row.day): row
        for row in made.days.filter(
            channel__in={block.channel for block in blocks}, day__in={block.day for block in blocks}
        )
    }
    fresh = [block for block in blocks if (block.channel, block.day) not in known]
    rows = [redecoded_block(made, block) for block in fresh]
    RedecodedBlock.objects.bulk_create(rows, batch_size=500)
    changed = sum(row.changed for row in rows)
    for block in blocks:
        if row := known.get((block.channel, block.day)):
            changed += _unite(row, block)
    return len(rows), changed


def _unite(row: RedecodedBlock, block: BlockChange) -> int:
    """Another module, of a meter that was exchanged, tells of the same day: the better value counts."""
    before, after, quality = row.changed, list(row.after), bytearray(row.quality)
    for slot, (value, worth) in enumerate(zip(block.after, block.quality, strict=True)):
        untouched = after[slot] == row.before[slot]
        if value != block.before[slot] and (untouched or _rank(worth) > _rank(quality[slot])):
            after[slot], quality[slot] = value, worth
    row.after, row.quality = after, bytes(quality)
    row.sum_after = sum(value for value in after if value is not None)
    row.changed = sum(old != new for old, new in zip(row.before, after, strict=True))
    row.save(update_fields=["after", "quality", "sum_after", "changed"])
    return row.changed - before


def _rank(quality: int) -> int:
    return int(RANK[quality & 0x07])


def _apply(made: Redecoding) -> None:
    """The next days. They and the note of how far it came are one transaction, the loader's."""
    days = list(made.days.filter(pk__gt=made.cursor).order_by("pk")[:_DAYS])
    if not days:
        _turn(made, _State.APPLYING, state=_State.APPLIED, cursor=_DONE, applied_at=timezone.now())
        return
    stored = blocks_stored({row.day for row in days}, {row.channel_id for row in days})
    same = [row for row in days if values_stored(row, stored) == row.before]
    left = {row.pk for row in days} - {row.pk for row in same}

    def note(_ids: NDArray[np.int64]) -> None:
        RedecodedBlock.objects.filter(pk__in=left).update(left_out=True)
        _turn(
            made,
            _State.APPLYING,
            cursor=days[-1].pk,
            days_done=F("days_done") + len(same),
            left_out=F("left_out") + len(left),
        )

    batch = redecoding_batch(made, same, user_id=made.applied_by_id, note=made.remark)
    batch.beside = note
    Loader().load(batch)


@transaction.atomic
def _throw_away(made: Redecoding) -> None:
    """What was worked out and nobody wants."""
    keys = list(made.days.order_by("pk").values_list("pk", flat=True)[:_ROWS])
    if keys:
        RedecodedBlock.objects.filter(pk__in=keys).delete()
    cursor = keys[-1] if len(keys) == _ROWS else _DONE
    Redecoding.objects.filter(pk=made.pk).update(cursor=cursor, updated_at=timezone.now())


_STEPS = {
    _State.WORKING: _work_out,
    _State.APPLYING: _apply,
    _State.DISCARDED: _throw_away,
    _State.FAILED: _throw_away,
}
