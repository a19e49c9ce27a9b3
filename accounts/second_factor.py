"""Whether somebody still owes a second factor."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from allauth.mfa.utils import is_mfa_enabled

from .models import Membership

if TYPE_CHECKING:
    from django.http import HttpRequest

__all__ = ["second_factor_forget", "second_factor_missing", "second_factor_settled"]

_SETTLED = "second_factor_settled_at"
# A company that starts to ask for it reaches people who are signed in within this time.
_RECHECK_SECONDS = 60


def second_factor_missing(user: Any) -> bool:
    """True for a member of a company that asks for one who has not set one up."""
    if not user.is_authenticated:
        return False
    asked = Membership.objects.filter(
        user=user, accepted_at__isnull=False, company__second_factor_required=True
    ).exists()
    return asked and not is_mfa_enabled(user)


def second_factor_settled(request: HttpRequest) -> bool:
    """The opposite for the request's user, asked of the database once a minute and session."""
    if not request.user.is_authenticated:
        return True
    now = time.time()
    if now - request.session.get(_SETTLED, 0) < _RECHECK_SECONDS:
        return True
    if second_factor_missing(request.user):
        return False
    request.session[_SETTLED] = now
    return True


def second_factor_forget(request: HttpRequest) -> None:
    """Ask the database again at the next request."""
    request.session.pop(_SETTLED, None)
