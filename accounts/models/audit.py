"""Reading the audit: one view over all event tables, and the seals that prove it untouched."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.apps import apps
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.grants import Access, ScopedModel

from .companies import Company

__all__ = ["AuditEntry", "AuditSeal"]

# No role contains it: the audit is changed by nobody, whatever they may do elsewhere.
_NOBODY = "nobody"


class AuditEntry(ScopedModel):
    """One change of one row, or one act of a user: a line of the view `accounts_audit_entry`.

    The view is built by `accounts.services.audit_view`. Ask it for one company at a time, newest
    first, with a limit: then every table answers from its index.
    """

    id = models.TextField(primary_key=True)
    model = models.TextField(_("kind of thing"))
    event_id = models.BigIntegerField()
    object_id = models.BigIntegerField(_("object"))
    company = models.ForeignKey(
        Company,
        verbose_name=_("company"),
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        related_name="+",
    )
    at = models.DateTimeField(_("time"))
    action = models.TextField(_("action"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        related_name="+",
    )
    ip = models.TextField(_("address"))
    reason = models.TextField(_("reason"))
    url = models.TextField(_("page"))

    access: ClassVar[Access] = Access(view="view_audit", change=_NOBODY)

    class Meta(ScopedModel.Meta):
        managed = False
        db_table = "accounts_audit_entry"
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        ordering = ("-at",)

    def __str__(self) -> str:
        from accounts.audit_reading import action_label

        thing = apps.get_model(self.model)._meta.verbose_name
        return f"{thing} {self.object_id}: {action_label(self.action)}"


class AuditSeal(ScopedModel):
    """Fingerprints of a run of audit rows, chained to the seal before.

    rows: 20 bytes a row: its key as an offset from first_id (4, big endian) and the first 16 bytes
    of its HMAC-SHA256. mac covers all other fields; its key stands outside the database.
    """

    number = models.PositiveBigIntegerField(primary_key=True)
    at = models.DateTimeField(_("time"))
    table = models.CharField(max_length=63)
    first_id = models.BigIntegerField()
    last_id = models.BigIntegerField()
    columns = ArrayField(models.CharField(max_length=63))
    rows = models.BinaryField()
    previous = models.BinaryField(max_length=32)
    mac = models.BinaryField(max_length=32)

    access: ClassVar[Access] = Access(company=None, view="manage_platform", change=_NOBODY)

    class Meta(ScopedModel.Meta):
        verbose_name = _("audit seal")
        verbose_name_plural = _("audit seals")
        ordering = ("number",)
        indexes = (models.Index(fields=["table", "-number"], name="accounts_seal_table"),)
        triggers = (
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
        )

    def __str__(self) -> str:
        return f"{self.number}: {self.table} {self.first_id}–{self.last_id}"
