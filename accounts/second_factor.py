"""Whether somebody still owes a second factor."""

from __future__ import annotations

from typing import Any

from allauth.mfa.utils import is_mfa_enabled

from .models import Membership

__all__ = ["second_factor_missing"]


def second_factor_missing(user: Any) -> bool:
    """True for a member of a company that asks for one who has not set one up."""
    if not user.is_authenticated:
        return False
    asked = Membership.objects.filter(
        user=user, accepted_at__isnull=False, company__second_factor_required=True
    ).exists()
    return asked and not is_mfa_enabled(user)
