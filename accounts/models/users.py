"""Users: people and programs that sign in. What they may do hangs on their memberships."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts.audit import audited
from accounts.grants import Access, ScopedQuerySet, grants_of
from config.lib.modeling import name_field

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

__all__ = ["User"]


class UserQuerySet(ScopedQuerySet["User"]):
    """Users hang on companies through memberships, so the door looks there."""

    def visible_to(self, user: Any, action: str = "view") -> Self:
        from .roles import Membership

        if User.access.capability(action) in grants_of(user).platform:
            return self
        # Whoever has not accepted yet is nobody's to see: an invitation reveals no name.
        members = Membership.objects.visible_to(user, action).filter(
            company__isnull=False, accepted_at__isnull=False
        )
        return self.filter(pk__in=members.values("user"))


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    """Finds users by e-mail whatever its case."""

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username)  # type: ignore[no-any-return]

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """A new user; without a password nobody can sign in until one is set by mail."""
        user: User = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


@audited(exclude=("password", "last_login"))
class User(AbstractBaseUser):
    """Somebody who signs in with an e-mail address.

    There is no superuser switch: whoever runs the platform has a membership with a platform role.
    """

    email = models.EmailField(
        _("e-mail address"),
        error_messages={"unique": _("Somebody already uses this e-mail address.")},
    )
    full_name = name_field(verbose_name=_("full name"), blank=True)
    language = models.CharField(
        _("language"), max_length=8, choices=settings.LANGUAGES, default="en"
    )
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("Without this nobody can sign in as this user.")
    )
    date_joined = models.DateTimeField(_("joined"), auto_now_add=True)

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    access: ClassVar[Access] = Access(
        company="memberships__company", view="view_users", change="manage_users"
    )
    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        ordering = ("email",)
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(
                Lower("email"),
                name="accounts_user_email_unique",
                violation_error_message=_("Somebody already uses this e-mail address."),
            ),
        )

    def __str__(self) -> str:
        return self.full_name or self.email

    # What the admin site and guardian ask of a user; every answer comes from the grants.
    is_superuser = False

    @property
    def is_staff(self) -> bool:
        """Whether the administration lets this user in at all."""
        return grants_of(self).may("use_admin")

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        from django.contrib.auth import get_backends

        return self.is_active and any(
            backend.has_perm(self, perm, obj)  # type: ignore[attr-defined]
            for backend in get_backends()
            if hasattr(backend, "has_perm")
        )

    def has_perms(self, perm_list: Iterable[str], obj: Any = None) -> bool:
        return all(self.has_perm(perm, obj) for perm in perm_list)

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_staff

    def get_all_permissions(self, obj: Any = None) -> set[str]:
        """Codenames the user holds anywhere (obj is not looked at)."""
        grants = grants_of(self)
        return set(grants.platform) | set(grants.companies) | set(grants.nodes)
