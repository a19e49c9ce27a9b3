"""The tables that make up the audit: every event table, and the activity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from django.apps import apps

from .models import Activity
from .models.events import AuditEvent

if TYPE_CHECKING:
    from django.db import models

__all__ = ["AuditTable", "audit_table", "audit_tables"]


class AuditTable(NamedTuple):
    """label: of the audited model ("meters.meter"); source: the model of the rows themselves."""

    label: str
    source: type[models.Model]
    tracked: type[models.Model]

    @property
    def name(self) -> str:
        """Name in the database."""
        return self.source._meta.db_table

    @property
    def key(self) -> str:
        """Column of the row's number, which only grows."""
        return str(self.source._meta.pk.column)

    @property
    def columns(self) -> list[str]:
        """All columns, in the order of the model."""
        return [str(field.column) for field in self.source._meta.local_concrete_fields]


def audit_tables() -> list[AuditTable]:
    """All of them, by label; a model decorated with `audited` is in it by itself."""
    found = [AuditTable(Activity._meta.label_lower, Activity, Activity)]
    for model in apps.get_models():
        if issubclass(model, AuditEvent):
            tracked = cast("Any", model).pgh_tracked_model
            found.append(AuditTable(tracked._meta.label_lower, model, tracked))
    return sorted(found, key=lambda table: table.label)


def audit_table(label: str) -> AuditTable | None:
    """The one with this label; None for a name nobody audits."""
    return next((table for table in audit_tables() if table.label == label), None)
