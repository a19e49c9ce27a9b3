"""Commands to modules: asked for, moved from state to state, given up.

Who asks has the right to decide, so what is asked for is approved at once. Readings may be ordered
by more people than commands that change something. Only `commands_move`
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
from meters.models.commands import OPEN_STATES, READINGS, TRANSITIONS
from meters.selectors.commands import commands_revocable, modules_orderable, usage_points_orderable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.db.models import QuerySet

__all__ = [
    "MOST_OPEN",
    "command_cancel",
    "command_request",
    "commands_expire",
    "commands_move",
    "commands_request",
]

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
    return commands_request(
        actor=actor,
        module=module,
        kind=kind,
        parameters=[parameters or {}],
        usage_point=usage_point,
        valid_until=valid_until,
        priority=priority,
        note=note,
    )[0]


@transaction.atomic
def commands_request(
    *,
    actor: Any,
    module: TelemetryModule,
    kind: str,
    parameters: Sequence[Mapping[str, int]],
    usage_point: UsagePoint | None = None,
    valid_until: datetime | None = None,
    priority: int = Command.Priority.NORMAL,
    note: str = "",
) -> list[Command]:
    """One kind of command several times over, for each of these parameters; all of them or none."""
    if actor is not None:
        _check_may(actor, kind, module, usage_point)
    module = _locked(module, len(parameters))
    now = timezone.now()
    until = valid_until or now + _VALID_FOR.get(kind, _VALID_ELSE)
    _check_validity(until, now)
    made = [
        Command(
            company_id=module.company_id,
            module=module,
            usage_point=usage_point,
            kind=kind,
            parameters=_completed(module, kind, _checked(kind, dict(given))),
            request=number,
            priority=priority,
            valid_until=until,
            note=note,
            requested_by=actor,
        )
        for given, number in zip(parameters, _free_numbers(module, len(parameters)), strict=True)
    ]
    # The others differ from it in what is checked already.
    made[0].full_clean()
    keys = [command.pk for command in Command.objects.bulk_create(made)]
    rows = Command.objects.filter(pk__in=keys)
    commands_move(commands=rows, to=_State.APPROVED, at=now)
    return list(rows.order_by("pk"))


@transaction.atomic
def command_cancel(*, actor: Any, command: Command) -> Command:
    """Take a command back. One that has left can't be: it is only sent no more."""
    rows = Command.objects.filter(pk=command.pk)
    if actor is not None and not commands_revocable(actor).filter(pk=command.pk).exists():
        raise MetersError(_("You may not take this command back."))
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


def _check_may(
    actor: Any, kind: str, module: TelemetryModule, usage_point: UsagePoint | None
) -> None:
    if TelemetryModule.objects.visible_to(actor, "change").filter(pk=module.pk).exists():
        return
    if kind not in READINGS:
        raise MetersError(_("You may not give commands to this module."))
    if modules_orderable(actor).filter(pk=module.pk).exists():
        return
    if usage_point is None or not _measures(actor, kind, module, usage_point):
        raise MetersError(_("You may not order readings here."))


def _measures(actor: Any, kind: str, module: TelemetryModule, usage_point: UsagePoint) -> bool:
    """The usage point is in the actor's hands, and the module measures it, or did when an archive
    is asked for."""
    measured: dict[str, Any] = {"pk": usage_point.pk, "installations__meter__module": module}
    if kind != _Kind.READ_ARCHIVE:
        measured["installations__removed_at"] = None
    return usage_points_orderable(actor).filter(**measured).exists()


def _locked(module: TelemetryModule, more: int) -> TelemetryModule:
    found = TelemetryModule.objects.select_for_update().get(pk=module.pk)
    if found.status != TelemetryModule.Status.ACTIVE:
        raise MetersError(_("The module %(module)s is not active.") % {"module": found})
    waiting = Command.objects.filter(module=found, state__in=OPEN_STATES).count()
    if waiting + more > MOST_OPEN:
        text = _(
            "At most %(count)d commands wait for the module %(module)s at once."
            " Take some back, or ask for less."
        )
        raise MetersError(text % {"count": MOST_OPEN, "module": found})
    return found


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


def _completed(module: TelemetryModule, kind: str, parameters: dict[str, int]) -> dict[str, int]:
    """With what a module is told besides what was asked for."""
    if kind == _Kind.CONFIGURE:
        parameters["version"] = _next_version(module)
    return parameters


def _free_numbers(module: TelemetryModule, count: int) -> list[int]:
    """Drawn, not counted: after the database was put back from a backup, the numbers of what the
    module still remembers are unknown, and would be the next ones."""
    mine = Command.objects.filter(module=module).order_by("-pk")
    answerable = mine.filter(state__in=[*OPEN_STATES, _State.UNCONFIRMED])
    taken = set(mine.values_list("request", flat=True)[:_NOT_AGAIN])
    taken |= set(answerable.values_list("request", flat=True))
    numbers: list[int] = []
    while len(numbers) < count:
        number = secrets.randbelow(_NUMBERS) + 1
        if number not in taken:
            taken.add(number)
            numbers.append(number)
    return numbers


def _next_version(module: TelemetryModule) -> int:
    rows = Command.objects.filter(module=module, kind=_Kind.CONFIGURE).order_by("-pk")
    last = rows.values_list("parameters__version", flat=True).first()
    return (last or 0) % _NUMBERS + 1
