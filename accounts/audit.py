"""Audit: every change of a business table becomes an event row, written by a database trigger.

Triggers also see bulk statements, COPY and raw SQL. Event tables can't be updated or deleted from;
the user, address, request and reason travel in the context (see accounts.middleware).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import pghistory
from django.db import models

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

M = TypeVar("M", bound="type[models.Model]")

__all__ = ["audited"]


def audited(*, exclude: Iterable[str] = ()) -> Callable[[M], M]:
    """Class decorator: keep every insert, update and delete of the model, for ever.

    exclude: fields whose values must never be stored twice (password hashes, derived columns,
    counters that change with every message); a change of only these leaves no event.
    """

    def decorate(model: M) -> M:
        skipped = list(exclude)
        has_company = any(field.name == "company" for field in model._meta.local_fields)
        by_time = ["company", "-pgh_created_at"] if has_company else ["-pgh_created_at"]
        name = f"{model._meta.label_lower.replace('.', '_')}_event_time"[:30]
        tracked: M = pghistory.track(
            pghistory.InsertEvent(),
            pghistory.UpdateEvent(
                condition=pghistory.AnyChange(exclude=skipped, exclude_auto=True)
            ),
            pghistory.DeleteEvent(),
            exclude=skipped,
            append_only=True,
            meta={"indexes": [models.Index(fields=by_time, name=name)]},
        )(model)
        return tracked

    return decorate
