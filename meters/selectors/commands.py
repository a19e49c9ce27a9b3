"""Whose readings somebody may order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from accounts.grants import grants_of
from meters.models import Command, TelemetryModule, UsagePoint
from meters.models.commands import READINGS

if TYPE_CHECKING:
    from accounts.grants import ScopedQuerySet

__all__ = ["commands_revocable", "may_order", "modules_orderable", "usage_points_orderable"]


def may_order(user: Any) -> bool:
    """Whether there can be anything at all that `user` may have read."""
    grants = grants_of(user)
    return any(grants.may(Command.access.capability(action)) for action in ("change", "order"))


def usage_points_orderable(user: Any) -> ScopedQuerySet[UsagePoint]:
    """Usage points that `user` may have read: who manages them may, too."""
    rows = UsagePoint.objects
    return rows.visible_to(user, "change") | rows.visible_to(user, "order")


def modules_orderable(user: Any) -> ScopedQuerySet[TelemetryModule]:
    """Modules all of whose meters `user` may have read."""
    rows = TelemetryModule.objects
    return rows.visible_to(user, "change") | rows.visible_to(user, "order")


def commands_revocable(user: Any) -> ScopedQuerySet[Command]:
    """Commands that `user` may take back: those that `user` could have given."""
    managed = Command.objects.visible_to(user, "change")
    return managed | Command.objects.visible_to(user, "order").filter(kind__in=READINGS)
