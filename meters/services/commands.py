"""Commands to modules: asked for, moved from state to state, given up.

Who asks has the right to decide, so what is asked for is approved at once. Only `commands_move`
changes a state, and only as `TRANSITIONS` allows: whoever comes too late changes nothing.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from meters.errors import MetersError
from meters.models import Command, CommandKind, CommandState, TelemetryModule, UsagePoint
from meters.models.commands import OPEN_STATES, TRANSITIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.models import QuerySet

__all__ = ["MOST_OPEN", "command_cancel", "command_request", "commands_expire", "commands_move"]

_State, _Kind = CommandState, CommandKind
# Commands of a module that may wait at once.
MOST_OPEN = 200
# A module remembers its last 16; so many back no number is used again.
_NOT_AGAIN = 1_000
_NUMBERS = 65_535
_SWEPT = 5_000
_LATEST = 2**32 - 1


class _Bounds(NamedTuple):
    """The least and the most that a parameter may be."""

    least: int
    most: int


# Parameters of each kind: all of them, whole numbers. Times in Unix seconds, `spread` and `window`
# in seconds, the rest of a schedule in minutes (docs/protocol.md).
_PARAMETERS: dict[str, dict[str, _Bounds]] = {
    _Kind.READ_ARCHIVE: {
        "port": _Bounds(0, 65_535),
        "register": _Bounds(0, 255),
        "start": _Bounds(0, _LATEST),
        "end": _Bounds(1, _LATEST),
    },
    _Kind.CONFIGURE: {
        "interval": _Bounds(1, 1_440),
        "report_every": _Bounds(1, 10_080),
        "report_offset": _Bounds(0, 10_079),
        "spread": _Bounds(0, 65_535),
        "window": _Bounds(0, 255),
        "tries": _Bounds(1, 255),
    },
}
_VALID_FOR: dict[str, timedelta] = {
    _Kind.READ_ARCHIVE: timedelta(days=14),
    _Kind.CONFIGURE: timedelta(days=30),
    _Kind.NEW_KEY: timedelta(days=30),
}
_VALID_ELSE = timedelta(days=7)
_LONGEST = timedelta(days=366)
# When a state was come to; those that end a command share one column.
_TIMES = {
    _State.APPROVED: "approved_at",
    _State.QUEUED: "queued_at",
    _State.SENT: "sent_at",
    _State.DELIVERED: "delivered_at",
}


@transaction.atomic
def command_request(
    *,
    actor: Any,
    module: TelemetryModule,
    kind: str,
    parameters: Mapping[str, int] | None = None,
    usage_point: UsagePoint | None = None,
    valid_until: datetime | None = None,
    priority: int = Command.Priority.NORMAL,
    note: str = "",
) -> Command:
    """Ask a module for something; it is sent when the module calls, again and again until answered.

    actor: None for the system itself. valid_until: after it the module must not carry it out.
    """
    module = _locked(actor, module, usage_point)
    now = timezone.now()
    made = Command(
        company_id=module.company_id,
        module=module,
        usage_point=usage_point,
        kind=kind,
        parameters=_checked(kind, dict(parameters or {})),
        request=_free_number(module),
        priority=priority,
        valid_until=valid_until or now + _VALID_FOR.get(kind, _VALID_ELSE),
        note=note,
        requested_by=actor,
    )
    _check_validity(made.valid_until, now)
    if kind == _Kind.CONFIGURE:
        made.parameters["version"] = _next_version(module)
    made.full_clean()
    made.save()
    commands_move(commands=Command.objects.filter(pk=made.pk), to=_State.APPROVED, at=now)
    return Command.objects.get(pk=made.pk)


@transaction.atomic
def command_cancel(*, actor: Any, command: Command) -> Command:
    """Take a command back. One that has left can't be: it is only sent no more."""
    rows = Command.objects.filter(pk=command.pk)
    if actor is not None and not rows.visible_to(actor, "change").exists():
        raise MetersError(_("You may not give commands to this module."))
    if not commands_move(commands=rows, to=_State.CANCELLED) and not commands_move(
        commands=rows, to=_State.UNCONFIRMED
    ):
        raise MetersError(_("This command has ended already."))
    return Command.objects.get(pk=command.pk)


@transaction.atomic
def commands_move(
    *, commands: QuerySet[Command], to: CommandState, at: datetime | None = None, **values: Any
) -> int:
    """Bring commands into a state, those that may come to it; how many did.

    values: other columns that change with it.
    """
    at = at or timezone.now()
    rows = commands.filter(state__in=TRANSITIONS[to]).order_by("pk")
    keys = list(rows.select_for_update(of=("self",)).values_list("pk", flat=True))
    times = {_TIMES.get(to, "ended_at"): at, "updated_at": at}
    return Command.objects.filter(pk__in=keys).update(state=to, **times, **values)


def commands_expire(*, at: datetime | None = None) -> int:
    """End commands whose time is over: those that never left, and those that nobody confirmed."""
    at = at or timezone.now()
    late = Command.objects.filter(valid_until__lt=at, state__in=OPEN_STATES)
    ended = 0
    for to, states in (
        (_State.UNCONFIRMED, TRANSITIONS[_State.UNCONFIRMED]),
        (_State.EXPIRED, (_State.REQUESTED, _State.APPROVED, _State.QUEUED)),
    ):
        keys = late.filter(state__in=states).order_by("pk").values_list("pk", flat=True)[:_SWEPT]
        rows = Command.objects.filter(pk__in=list(keys), state__in=states)
        ended += commands_move(commands=rows, to=to, at=at)
    return ended


def _locked(actor: Any, module: TelemetryModule, usage_point: UsagePoint | None) -> TelemetryModule:
    if actor is not None and not _may(actor, module, usage_point):
        raise MetersError(_("You may not give commands to this module."))
    found = TelemetryModule.objects.select_for_update().get(pk=module.pk)
    if found.status != TelemetryModule.Status.ACTIVE:
        raise MetersError(_("The module %(module)s is not active.") % {"module": found})
    if Command.objects.filter(module=found, state__in=OPEN_STATES).count() >= MOST_OPEN:
        text = _("%(count)d commands wait for the module %(module)s already.")
        raise MetersError(text % {"count": MOST_OPEN, "module": found})
    return found


def _may(actor: Any, module: TelemetryModule, usage_point: UsagePoint | None) -> bool:
    """The module itself, or a usage point it measures, is in the actor's hands."""
    modules = TelemetryModule.objects.visible_to(actor, "change")
    if modules.filter(pk=module.pk).exists():
        return True
    if usage_point is None:
        return False
    points = UsagePoint.objects.visible_to(actor, "change")
    return points.filter(pk=usage_point.pk, installations__meter__module=module).exists()


def _checked(kind: str, parameters: dict[str, int]) -> dict[str, int]:
    bounds = _PARAMETERS.get(kind, {})
    if set(parameters) != set(bounds):
        raise MetersError(_("This command takes other parameters."))
    for name, (least, most) in bounds.items():
        value = parameters[name]
        if not isinstance(value, int) or not least <= value <= most:
            text = _("%(name)s is not a whole number from %(least)d to %(most)d.")
            raise MetersError(text % {"name": name, "least": least, "most": most})
    if kind == _Kind.READ_ARCHIVE and parameters["end"] <= parameters["start"]:
        raise MetersError(_("The period ends before it begins."))
    if kind == _Kind.CONFIGURE and parameters["report_offset"] >= parameters["report_every"]:
        raise MetersError(_("The first report would come after the period."))
    return parameters


def _check_validity(valid_until: datetime, now: datetime) -> None:
    if not now < valid_until <= now + _LONGEST:
        raise MetersError(_("A command is valid from now on, for a year at most."))


def _free_number(module: TelemetryModule) -> int:
    """Drawn, not counted: after the database was put back from a backup, the numbers of what the
    module still remembers are unknown, and would be the next ones."""
    latest = Command.objects.filter(module=module).order_by("-pk")
    taken = set(latest.values_list("request", flat=True)[:_NOT_AGAIN])
    while (number := secrets.randbelow(_NUMBERS) + 1) in taken:
        pass
    return number


def _next_version(module: TelemetryModule) -> int:
    rows = Command.objects.filter(module=module, kind=_Kind.CONFIGURE).order_by("-pk")
    last = rows.values_list("parameters__version", flat=True).first()
    return (last or 0) % _NUMBERS + 1
