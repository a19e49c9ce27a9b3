"""How allauth behaves here: nobody registers, secrets are encrypted, guesses are counted."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.urls import reverse

from config.lib.crypto import decrypt, encrypt

from .addresses import client_address
from .models import Membership

if TYPE_CHECKING:
    from django.http import HttpRequest

__all__ = ["AccountAdapter", "SecondFactorAdapter"]

_PURPOSE = "second factor"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts come by invitation only."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request)

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        if Membership.objects.filter(user_id=request.user.pk or 0, accepted_at=None).exists():
            return reverse("invitations")
        return str(super().get_login_redirect_url(request))

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        # By address and source: otherwise a stranger's guesses would lock the owner out.
        key = super()._get_login_attempts_cache_key(request, **credentials)
        return f"{key}:{client_address(request)}"


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Secrets of authenticators and recovery codes lie encrypted in the database."""

    def encrypt(self, text: str) -> str:
        return base64.b64encode(encrypt(text.encode(), purpose=_PURPOSE)).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return decrypt(base64.b64decode(encrypted_text), purpose=_PURPOSE).decode()
