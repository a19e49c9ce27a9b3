"""Commands to telemetry modules: what was asked for, and what became of it."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.audit import audited
from accounts.grants import Access, ScopedModel
from accounts.models import Company
from config.lib.modeling import Timestamped
from config.lib.orm import SameScope

from .modules import TelemetryModule
from .usage_points import UsagePoint

__all__ = [
    "OPEN_STATES",
    "READINGS",
    "TRANSITIONS",
    "Command",
    "CommandKind",
    "CommandState",
    "ResultStatus",
]


class CommandKind(models.TextChoices):
    """What a module can be asked for. Kinds that move valves are not among them yet."""

    READ_ARCHIVE = "read_archive", _("read the archive again")
    READ_REGISTERS = "read_registers", _("read the registers now")
    SEND_STATUS = "send_status", _("tell battery and signal now")
    SET_CLOCK = "set_clock", _("set the clock")
    CONFIGURE = "configure", _("change the reporting schedule")
    NEW_KEY = "new_key", _("take a new key")
    RESTART = "restart", _("restart")


# What changes nothing in a module: for whoever may order readings.
READINGS = (CommandKind.READ_ARCHIVE, CommandKind.READ_REGISTERS)


class CommandState(models.TextChoices):
    """Where a command stands. Queued: collection knows it, and waits for the module's contact."""

    REQUESTED = "requested", _("requested")
    APPROVED = "approved", _("approved")
    QUEUED = "queued", _("queued until the module calls")
    SENT = "sent", _("sent, no answer yet")
    DELIVERED = "delivered", _("received by the module")
    CONFIRMED = "confirmed", _("confirmed")
    FAILED = "failed", _("failed")
    EXPIRED = "expired", _("expired before it was sent")
    UNCONFIRMED = "unconfirmed", _("sent, but never confirmed")
    CANCELLED = "cancelled", _("cancelled")


class ResultStatus(models.IntegerChoices):
    """What the module answered, by the numbers of the universal protocol."""

    DONE = 0, _("done")
    IN_PROGRESS = 1, _("in progress")
    REFUSED = 2, _("refused by the module")
    FAILED = 3, _("failed in the module")
    UNKNOWN_COMMAND = 4, _("the module does not know this command")
    WRONG_PARAMETERS = 5, _("the module does not take these parameters")
    EXPIRED = 6, _("came to the module too late")
    NO_DATA = 7, _("the module has no data of this period")


_State = CommandState
OPEN_STATES = (_State.REQUESTED, _State.APPROVED, _State.QUEUED, _State.SENT, _State.DELIVERED)
# What the module says counts, also of a command that was given up here: it may have left before.
_BY_ITS_ANSWER = (
    _State.QUEUED,
    _State.SENT,
    _State.DELIVERED,
    _State.EXPIRED,
    _State.UNCONFIRMED,
    _State.CANCELLED,
)
# State → the states from which a command may come into it. Nothing else ever happens.
TRANSITIONS: dict[CommandState, tuple[CommandState, ...]] = {
    _State.APPROVED: (_State.REQUESTED,),
    _State.QUEUED: (_State.APPROVED,),
    _State.SENT: (_State.QUEUED,),
    _State.DELIVERED: (_State.QUEUED, _State.SENT),
    _State.CONFIRMED: _BY_ITS_ANSWER,
    _State.FAILED: _BY_ITS_ANSWER,
    _State.EXPIRED: (*OPEN_STATES, _State.UNCONFIRMED),
    _State.UNCONFIRMED: (_State.SENT, _State.DELIVERED),
    _State.CANCELLED: (_State.REQUESTED, _State.APPROVED, _State.QUEUED),
}


@audited(exclude=("attempts", "last_sent_at"))
class Command(ScopedModel, Timestamped):
    """One order to one module; carried out once at most, however often it is sent.

    request: by which the module knows it again, 1 to 65,535, chosen among those that the module can
    no longer remember. parameters: of the kind, see `meters.services.commands`. usage_point: for
    which it was asked, where it was. result: the module's own bytes in hexadecimal, or a sentence.
    """

    class Priority(models.IntegerChoices):
        URGENT = 1, _("urgent")
        NORMAL = 5, _("normal")
        LATER = 9, _("when there is room")

    company = models.ForeignKey(
        Company, verbose_name=_("company"), on_delete=models.PROTECT, related_name="+"
    )
    module = models.ForeignKey(
        TelemetryModule,
        verbose_name=_("telemetry module"),
        on_delete=models.CASCADE,
        related_name="commands",
        db_constraint=False,
    )
    usage_point = models.ForeignKey(
        UsagePoint,
        verbose_name=_("usage point"),
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="commands",
        db_constraint=False,
    )
    kind = models.CharField(_("command"), max_length=20, choices=CommandKind)
    parameters = models.JSONField(_("parameters"), default=dict, blank=True)
    request = models.IntegerField(_("request number"), editable=False)
    priority = models.SmallIntegerField(_("priority"), choices=Priority, default=Priority.NORMAL)
    valid_until = models.DateTimeField(_("valid until"))
    note = models.CharField(_("reason"), max_length=300, blank=True)
    state = models.CharField(
        _("state"), max_length=12, choices=CommandState, default=_State.REQUESTED, editable=False
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("asked for by"),
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
    )
    approved_at = models.DateTimeField(_("approved"), null=True, editable=False)
    queued_at = models.DateTimeField(_("queued"), null=True, editable=False)
    sent_at = models.DateTimeField(_("first sent"), null=True, editable=False)
    last_sent_at = models.DateTimeField(_("last sent"), null=True, editable=False)
    attempts = models.IntegerField(_("times sent"), default=0, editable=False)
    delivered_at = models.DateTimeField(_("received by the module"), null=True, editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True, editable=False)
    result_status = models.SmallIntegerField(
        _("answer"), choices=ResultStatus, null=True, editable=False
    )
    result = models.CharField(_("details"), max_length=600, blank=True, editable=False)

    access: ClassVar[Access] = Access(
        view="view_meters",
        change="manage_meters",
        order="order_readings",
        nodes=("module__place", "usage_point__place", "usage_point__network_node"),
    )

    class Meta(ScopedModel.Meta):
        verbose_name = _("command")
        verbose_name_plural = _("commands")
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(
                fields=["module", "request"],
                condition=Q(state__in=[*OPEN_STATES, _State.UNCONFIRMED]),
                name="meters_command_request_once",
            ),
            models.CheckConstraint(
                condition=Q(request__gte=1, request__lte=65_535), name="meters_command_request"
            ),
            SameScope(field="module", name="meters_command_module_company"),
            SameScope(field="usage_point", name="meters_command_point_company"),
        )
        indexes = (
            models.Index(fields=["company", "-id"], name="meters_command_recent"),
            models.Index(fields=["module", "-id"], name="meters_command_module"),
            models.Index(
                fields=["valid_until"],
                condition=Q(state__in=OPEN_STATES),
                name="meters_command_open",
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.module}"

    @property
    def is_open(self) -> bool:
        """Whether anything can still become of it by itself."""
        return self.state in OPEN_STATES
