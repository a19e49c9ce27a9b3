"""Reads that more than one page needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings

from .grants import grants_of
from .models import Membership

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from .models import User

__all__ = ["invitations_of", "zone_of"]


def invitations_of(user: User) -> QuerySet[Membership]:
    """Memberships that wait for this user's consent."""
    waiting = Membership.objects.filter(user=user, accepted_at=None)
    return waiting.select_related("company", "role", "node").order_by("created_at")


def zone_of(user: User) -> str:
    """Time zone of the user's companies where they have but one, else the server's."""
    return grants_of(user).zone() or settings.TIME_ZONE
