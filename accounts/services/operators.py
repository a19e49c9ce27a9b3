"""Operators of the platform; the first one comes from the command line."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from django.contrib.auth.password_validation import validate_password
from django.db import transaction

from accounts.models import Role, User

from .memberships import membership_grant
from .users import user_create

if TYPE_CHECKING:
    from accounts.models import Membership

__all__ = ["operator_create", "password_generate"]


def password_generate() -> str:
    """A password nobody guesses: 120 random bits."""
    return secrets.token_urlsafe(20)


@transaction.atomic
def operator_create(*, email: str, password: str, full_name: str = "") -> Membership:
    """A new user who runs the platform. Raises NotPossible, ValidationError (weak password)."""
    validate_password(password, User(email=email, full_name=full_name))
    user = user_create(email=email, full_name=full_name, password=password)
    role = Role.objects.get(company=None, code="platform_operator")
    return membership_grant(actor=None, user=user, company=None, role=role, accepted=True)
