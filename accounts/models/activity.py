"""Activity: what people did that changes no business row (sign-in, export, import)."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.grants import Access, ScopedModel

from .companies import Company

__all__ = ["Activity"]


class Activity(ScopedModel):
    """One act of a user in one company; written once, never changed."""

    class Kind(models.TextChoices):
        SIGN_IN = "sign_in", _("signed in")
        SIGN_IN_FAILED = "sign_in_failed", _("sign-in failed")
        SIGN_OUT = "sign_out", _("signed out")
        PASSWORD_CHANGED = "password_changed", _("changed the password")
        SESSIONS_REVOKED = "sessions_revoked", _("ended sessions")
        SECOND_FACTOR = "second_factor", _("changed the second factor")
        EXPORT = "export", _("exported")
        IMPORT = "import", _("imported")
        REFUSED = "refused", _("was refused")

    company = models.ForeignKey(
        Company, verbose_name=_("company"), on_delete=models.PROTECT, null=True, blank=True
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        related_name="+",
    )
    kind = models.CharField(_("act"), max_length=32, choices=Kind)
    detail = models.CharField(_("detail"), max_length=500, blank=True)
    ip = models.GenericIPAddressField(_("address"), null=True)
    at = models.DateTimeField(_("time"), auto_now_add=True)

    access: ClassVar[Access] = Access(view="view_audit", change="manage_platform")

    class Meta(ScopedModel.Meta):
        verbose_name = _("activity")
        verbose_name_plural = _("activities")
        ordering = ("-at",)
        indexes = (models.Index(fields=["company", "-at"], name="accounts_activity_time"),)
        triggers = (
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.at:%Y-%m-%d %H:%M}"
