"""Sign-in events of Django and allauth become rows of activity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account import signals as account
from allauth.account.models import EmailAddress
from allauth.mfa import signals as second_factor
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed

from .addresses import client_address

if TYPE_CHECKING:
    from django.http import HttpRequest

    from .models import User

__all__ = ["connect"]


def connect() -> None:
    """Called once, when the app is ready."""
    for signal, receiver in (
        (user_logged_in, _signed_in),
        (user_logged_out, _signed_out),
        (user_login_failed, _sign_in_failed),
        (account.password_set, _password_changed),
        (account.password_changed, _password_changed),
        (account.password_reset, _password_reset),
        (second_factor.authenticator_added, _second_factor_changed),
        (second_factor.authenticator_removed, _second_factor_changed),
        (second_factor.authenticator_reset, _second_factor_changed),
        (second_factor.authentication_failed, _second_factor_failed),
    ):
        signal.connect(receiver, dispatch_uid=f"accounts.{receiver.__name__}")


def _record(kind: str, request: HttpRequest | None, user: User | None, detail: str = "") -> None:
    from .models import Activity
    from .services.activity import activity_record

    ip = client_address(request) if request else None
    activity_record(user=user, kind=Activity.Kind(kind), detail=detail, ip=ip)


def _signed_in(request: HttpRequest, user: User, **kwargs: Any) -> None:
    _record("sign_in", request, user)


def _signed_out(request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    if user is not None:
        _record("sign_out", request, user)


def _sign_in_failed(
    credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any
) -> None:
    """Known address or not, the same statements run, so their time tells nothing.

    What was typed is not kept: people type passwords into the wrong field.
    """
    from .lockout import guessed_address
    from .models import User

    if request is None:
        return
    address = guessed_address(request, credentials)
    _record("sign_in_failed", request, User.objects.filter(email__iexact=address).first())


def _password_changed(request: HttpRequest, user: User, **kwargs: Any) -> None:
    from .services.sessions import sessions_end

    sessions_end(user=user, keep=request.session.session_key)
    _record("password_changed", request, user)


def _password_reset(request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Whoever came by the mailed link owns the address; everybody signed in before is out."""
    EmailAddress.objects.filter(user=user, email__iexact=user.email).update(verified=True)
    _password_changed(request=request, user=user)


def _second_factor_changed(
    request: HttpRequest, user: User, authenticator: Any, **kwargs: Any
) -> None:
    from .second_factor import second_factor_forget

    second_factor_forget(request)
    _record("second_factor", request, user, str(authenticator.get_type_display()))


def _second_factor_failed(request: HttpRequest, user: User, **kwargs: Any) -> None:
    _record("sign_in_failed", request, user, "second factor")
