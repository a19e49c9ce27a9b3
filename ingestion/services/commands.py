"""Commands that need to know how modules speak: what lies on which port, and which key is next."""

from __future__ import annotations

from collections import defaultdict
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
from ingestion.routing import channels_at, modules_at, routes_read
from ingestion.services.keys import module_key_retire, module_key_rotate
from meters.models import Command, CommandKind, TelemetryModule, UsagePoint
from meters.models.commands import OPEN_STATES
from meters.selectors.commands import usage_points_orderable
from meters.services.commands import command_cancel, command_request, commands_request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet

    from ingestion.routing import Routes

__all__ = [
    "archive_reading_request",
    "order_cancel",
    "order_request",
    "registers_reading_request",
]

# Modules keep 40 days at least; some keep more. One request asks for no more than this.
_PART = 31 * 86_400
_MOST_DAYS = 400
# Modules tell times from the beginning of Unix's on.
_FIRST_YEAR = 1971


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
        module = _alone(module)
        if _open(kind).filter(module=module).exists():
            raise IngestionError(_("A new key waits for this module already."))
        module_key_rotate(actor=actor, module=module)
    return command_request(actor=actor, module=module, kind=kind, parameters=parameters, note=note)


@transaction.atomic
def order_cancel(*, actor: Any, command: Command) -> Command:
    """Take a command back; a key that was to be given is given no more."""
    if command.kind != CommandKind.NEW_KEY:
        return command_cancel(actor=actor, command=command)
    # Module, keys, command: in the order in which the first use of a key locks them too.
    module = _alone(command.module)
    keys = ModuleKey.objects.filter(module=module, state=ModuleKey.State.OFFERED)
    offered = list(keys.select_for_update())
    ended = command_cancel(actor=actor, command=command)
    for key in offered:
        module_key_retire(actor=actor, key=key)
    return ended


@transaction.atomic
def registers_reading_request(
    *, actor: Any, usage_point: UsagePoint, note: str = ""
) -> list[Command]:
    """Have the meter in place read now: when its module calls the next time.

    One command for each module that measures there, which is one as a rule.
    """
    points = UsagePoint.objects.all() if actor is None else usage_points_orderable(actor)
    if not points.filter(pk=usage_point.pk).exists():
        raise IngestionError(_("You may not order readings here."))
    fitted = TelemetryModule.objects.filter(
        meters__installations__usage_point=usage_point,
        meters__installations__removed_at=None,
    )
    modules = [_alone(module) for module in fitted.distinct().order_by("pk")]
    if not modules:
        text = _("No meter that sends by itself is in place at %(point)s.")
        raise IngestionError(text % {"point": usage_point})
    for module in modules:
        _check_speaks(module)
    kind = CommandKind.READ_REGISTERS
    waiting = set(_open(kind).filter(module__in=modules).values_list("module", flat=True))
    if waiting.issuperset(module.pk for module in modules):
        text = _("A reading of %(point)s is ordered already; it comes when the module calls.")
        raise IngestionError(text % {"point": usage_point})
    return [
        command_request(actor=actor, module=module, usage_point=usage_point, kind=kind, note=note)
        for module in modules
        if module.pk not in waiting
    ]


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
    asked: dict[int, list[dict[str, int]]] = defaultdict(list)
    for span in spans:
        asked[span.module] += _parts(span)
    made: list[Command] = []
    for key in sorted(asked):
        made += commands_request(
            actor=actor,
            module=modules[key],
            usage_point=usage_point,
            kind=CommandKind.READ_ARCHIVE,
            parameters=asked[key],
            note=note,
        )
    return made


def _parts(span: _Span) -> list[dict[str, int]]:
    """Parameters of one command for each month of it."""
    return [
        {
            "port": span.port,
            "register": span.register,
            "start": begin,
            "end": min(begin + _PART, span.end),
        }
        for begin in range(span.start, span.end, _PART)
    ]


def _instants(first: date, last: date, zone: str) -> tuple[int, int]:
    """Unix seconds of the first day's beginning and the last day's end, at most now."""
    if not 0 <= (last - first).days < _MOST_DAYS:
        text = _("Choose at most %(days)d days, the first one first.")
        raise IngestionError(text % {"days": _MOST_DAYS})
    local, now = ZoneInfo(zone), timezone.now()
    today = now.astimezone(local).date()
    if first > today:
        raise IngestionError(_("This period has not begun yet."))
    if first.year < _FIRST_YEAR:
        text = _("Nothing was collected before %(year)d.")
        raise IngestionError(text % {"year": _FIRST_YEAR})
    start = datetime.combine(first, time(), local)
    end = datetime.combine(min(last, today) + timedelta(days=1), time(), local)
    return int(start.timestamp()), int(min(end, now).timestamp())


def _spans(routes: Routes, usage_point: UsagePoint | None, start: int, end: int) -> Iterator[_Span]:
    """Registers that sent intervals then; a meter that came or went in the period bounds it."""
    chosen = (routes.channel != 0) & (routes.start < end) & (routes.end > start)
    if usage_point is not None:
        chosen &= np.isin(routes.channel, channels_at(usage_point.pk))
    rows = np.flatnonzero(chosen)
    for key in np.unique(routes.key[rows]).tolist():
        mine = rows[routes.key[rows] == key]
        module, port, register = key >> 24, key >> 8 & 0xFFFF, key & 0xFF
        for begin, until in _joined(routes.start[mine].tolist(), routes.end[mine].tolist()):
            yield _Span(module, port, register, max(begin, start), min(until, end))


def _joined(starts: list[int], ends: list[int]) -> list[tuple[int, int]]:
    """Periods that follow on one another as one; in the gaps the port measured something else."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(zip(starts, ends, strict=True)):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def _check_speaks(module: TelemetryModule) -> None:
    """Only modules of the universal protocol can be told anything."""
    try:
        device_id(module.address)
    except ValueError as error:
        text = _("%(module)s has no address of the form ABC-0000000001.")
        raise IngestionError(text % {"module": module}) from error


def _alone(module: TelemetryModule) -> TelemetryModule:
    """The module, kept from others who would order something meanwhile."""
    return TelemetryModule.objects.select_for_update().get(pk=module.pk)


def _open(kind: str) -> QuerySet[Command]:
    return Command.objects.filter(kind=kind, state__in=OPEN_STATES)
