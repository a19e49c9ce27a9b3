"""Commands that need to know how modules speak: what lies on which port, and which key is next."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from ingestion.codecs.universal_frame import device_id
from ingestion.errors import IngestionError
from ingestion.models import ModuleKey
from ingestion.routing import modules_at, routes_read
from ingestion.services.keys import module_key_retire, module_key_rotate
from meters.models import Command, CommandKind, TelemetryModule, UsagePoint
from meters.services.commands import command_cancel, command_request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestion.routing import Routes

__all__ = ["archive_reading_request", "order_cancel", "order_request"]

# Modules keep 40 days at least; some keep more. One request asks for no more than this.
_PART = 31 * 86_400
_MOST_DAYS = 400


class _Span(NamedTuple):
    """A register of a module, and the Unix seconds between which its intervals are asked for."""

    module: int
    port: int
    register: int
    start: int
    end: int


@transaction.atomic
def order_request(
    *,
    actor: Any,
    module: TelemetryModule,
    kind: str,
    parameters: dict[str, int] | None = None,
    note: str = "",
) -> Command:
    """Any command but reading archives. actor: None for the system itself."""
    _check_speaks(module)
    if kind == CommandKind.NEW_KEY:
        waiting = Command.objects.filter(module=module, kind=kind)
        if any(command.is_open for command in waiting.order_by("-pk")[:20]):
            raise IngestionError(_("A new key waits for this module already."))
        module_key_rotate(actor=actor, module=module)
    return command_request(actor=actor, module=module, kind=kind, parameters=parameters, note=note)


@transaction.atomic
def order_cancel(*, actor: Any, command: Command) -> Command:
    """Take a command back; a key that was to be given is given no more."""
    ended = command_cancel(actor=actor, command=command)
    if ended.kind == CommandKind.NEW_KEY:
        offered = ModuleKey.objects.filter(
            module_id=ended.module_id, state=ModuleKey.State.OFFERED
        ).first()
        if offered is not None:
            module_key_retire(actor=actor, key=offered)
    return ended


@transaction.atomic
def archive_reading_request(
    *,
    actor: Any,
    module: TelemetryModule | None = None,
    usage_point: UsagePoint | None = None,
    first: date,
    last: date,
    note: str = "",
) -> list[Command]:
    """Have the intervals of local days sent again: of everything on a module, or of a usage point.

    One command for each register and month. Either subject, not both.
    """
    subject: Any = module or usage_point
    if subject is None or (module is not None and usage_point is not None):
        raise IngestionError(_("Choose a module or a usage point."))
    start, end = _instants(first, last, subject.company.time_zone)
    keys = [module.pk] if module is not None else modules_at([subject.pk])
    spans = list(_spans(routes_read(keys), usage_point, start, end)) if keys else []
    if not spans:
        text = _("Nothing that sends intervals was installed at %(subject)s in this period.")
        raise IngestionError(text % {"subject": subject})
    modules = TelemetryModule.objects.in_bulk({span.module for span in spans})
    for found in modules.values():
        _check_speaks(found)
    return [
        command_request(
            actor=actor,
            module=modules[span.module],
            usage_point=usage_point,
            kind=CommandKind.READ_ARCHIVE,
            parameters={
                "port": span.port,
                "register": span.register,
                "start": begin,
                "end": min(begin + _PART, span.end),
            },
            note=note,
        )
        for span in spans
        for begin in range(span.start, span.end, _PART)
    ]


def _instants(first: date, last: date, zone: str) -> tuple[int, int]:
    """Unix seconds of the first day's beginning and the last day's end, at most now."""
    if not 0 <= (last - first).days < _MOST_DAYS:
        text = _("Choose at most %(days)d days, the first one first.")
        raise IngestionError(text % {"days": _MOST_DAYS})
    local = ZoneInfo(zone)
    start = datetime.combine(first, time(), local)
    end = min(datetime.combine(last + timedelta(days=1), time(), local), timezone.now())
    if end <= start:
        raise IngestionError(_("This period has not begun yet."))
    return int(start.timestamp()), int(end.timestamp())


def _spans(routes: Routes, usage_point: UsagePoint | None, start: int, end: int) -> Iterator[_Span]:
    """Registers that sent intervals then; a meter that came or went in the period bounds it."""
    chosen = (routes.channel != 0) & (routes.start < end) & (routes.end > start)
    if usage_point is not None:
        chosen &= routes.point == usage_point.pk
    rows = np.flatnonzero(chosen)
    for key in np.unique(routes.key[rows]).tolist():
        mine = rows[routes.key[rows] == key]
        begin, until = int(routes.start[mine].min()), int(routes.end[mine].max())
        module, port, register = key >> 24, key >> 8 & 0xFFFF, key & 0xFF
        yield _Span(module, port, register, max(begin, start), min(until, end))


def _check_speaks(module: TelemetryModule) -> None:
    """Only modules of the universal protocol can be told anything."""
    try:
        device_id(module.address)
    except ValueError as error:
        text = _("%(module)s has no address of the form ABC-0000000001.")
        raise IngestionError(text % {"module": module}) from error
