"""What deleting would take along or is stopped by, looked up without reading whole tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import CASCADE, PROTECT
from django.utils.translation import gettext

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["deletion_blockers", "deletion_preview"]

_SHOWN = 5


def deletion_preview(
    objs: list[Any], *, may: Callable[[Any], bool]
) -> tuple[list[str], dict[str, int], set[str], list[str]]:
    """(lines to show, counts, permissions lacking, what protects) as the admin wants them."""
    if not objs:
        return [], {}, set(), []
    model = type(objs[0])
    lacking = {str(model._meta.verbose_name) for obj in objs if not may(obj)}
    protected = [line for obj in objs[:_SHOWN] for line in deletion_blockers(obj)]
    lines = [f"{model._meta.verbose_name}: {obj}" for obj in objs[:100]]
    return lines, {str(model._meta.verbose_name_plural): len(objs)}, lacking, protected


def deletion_blockers(obj: Any) -> list[str]:
    """Plain sentences about rows that keep `obj` from being deleted; at most a few."""
    return [
        gettext("%(kind)s %(name)s refers to %(this)s")
        % {"kind": row._meta.verbose_name, "name": row, "this": obj}
        for row in _blocking_rows(obj)
    ]


def _blocking_rows(obj: Any) -> Iterator[Any]:
    # Hidden ones too: a relation protects its target whether or not it has a name there.
    for relation in obj._meta.get_fields(include_hidden=True):
        on_delete = getattr(relation, "on_delete", None)
        if relation.concrete or on_delete not in {PROTECT, CASCADE}:
            continue
        rows = relation.related_model._base_manager.filter(**{relation.field.name: obj})
        if on_delete is PROTECT:
            yield from rows[:_SHOWN]
        else:
            for row in rows[:_SHOWN]:
                yield from _blocking_rows(row)
