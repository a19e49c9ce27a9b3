"""Authentication by e-mail and password; authorisation by grants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account.auth_backends import AuthenticationBackend
from django.apps import apps

from .grants import Access, grants_of

if TYPE_CHECKING:
    from .models import User

__all__ = ["CapabilityBackend", "PasswordBackend"]


class PasswordBackend(AuthenticationBackend):  # type: ignore[misc]
    """E-mail and password; takes as long for an unknown address as for a known one."""

    def has_perm(self, user_obj: User, perm: str, obj: Any = None) -> bool:
        return False

    def user_can_authenticate(self, user: User) -> bool:
        return user.is_active


class CapabilityBackend:
    """Answers Django's `has_perm` from the grants, so there is no second set of rules.

    `perm` is a capability ("accounts.view_meters") or a permission in Django's own form
    ("meters.change_meter"), which is looked up in the model's `access`.
    """

    def authenticate(self, request: Any, **credentials: Any) -> None:
        return None

    def has_perm(self, user_obj: User, perm: str, obj: Any = None) -> bool:
        if not user_obj.is_active:
            return False
        app_label, _, codename = perm.partition(".")
        action, _, model_name = codename.partition("_")
        try:
            model = apps.get_model(app_label, model_name)
        except LookupError:
            return grants_of(user_obj).may(codename)
        access: Access | None = getattr(model, "access", None)
        if access is None:
            return grants_of(user_obj).may("manage_platform")
        if obj is not None:
            return model.objects.visible_to(user_obj, action).filter(pk=obj.pk).exists()  # type: ignore[attr-defined,no-any-return]
        return grants_of(user_obj).may(access.capability(action))
