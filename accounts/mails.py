"""Mails this app sends on its own; those of sign-in come from allauth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from allauth.account import app_settings
from allauth.account.utils import user_pk_to_url_str
from allauth.core import context
from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

if TYPE_CHECKING:
    from accounts.models import Membership, User

__all__ = ["invitation_send", "public_url", "set_password_url"]


def public_url(path: str) -> str:
    """`path` as an address a mail can carry: PUBLIC_URL, else the host of the running request."""
    if settings.PUBLIC_URL:
        return urljoin(settings.PUBLIC_URL, path)
    if context.request is not None:
        return str(context.request.build_absolute_uri(path))
    return urljoin("http://localhost:8000", path)


def set_password_url(user: User) -> str:
    """Link by which the owner of the address sets a password; void once used or grown old."""
    key = app_settings.PASSWORD_RESET_TOKEN_GENERATOR().make_token(user)
    kwargs = {"uidb36": user_pk_to_url_str(user), "key": key}
    return public_url(reverse("account_reset_password_from_key", kwargs=kwargs))


def invitation_send(membership: Membership) -> None:
    """Tell the invited person; whoever never had a password gets the link that sets one."""
    user = membership.user
    if not user.is_active:
        return
    is_new = not user.has_usable_password()
    with translation.override(user.language):
        words: dict[str, Any] = {
            "membership": membership,
            "company": membership.company,
            "role": membership.role.label,
            "url": set_password_url(user) if is_new else public_url(reverse("invitations")),
            "is_new": is_new,
        }
        subject = render_to_string("accounts/mail/invitation_subject.txt", words).strip()
        body = render_to_string("accounts/mail/invitation.txt", words)
    send_mail(" ".join(subject.split()), body, None, [user.email])
