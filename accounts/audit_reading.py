"""Audit entries in words: who, which thing, and what differs from before.

Names of people are told only to those who may know them: members of the company, now or earlier,
and users the reader sees anyway.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import models
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from .audit_tables import audit_table
from .models import Activity, User

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .models import AuditEntry

__all__ = ["Difference", "action_choices", "action_label", "describe", "differences"]

# Fields that say nothing to a reader.
_SILENT = {"id", "created_at", "updated_at", "lft", "rght", "tree_id", "level"}
_NAMING = ("name", "serial", "code", "email")
_MOST = 500


def action_choices() -> list[tuple[str, str]]:
    """Every action an entry can have, with its words."""
    return [
        ("insert", _("created")),
        ("update", _("changed")),
        ("delete", _("deleted")),
        *[(str(value), str(label)) for value, label in Activity.Kind.choices],
    ]


class Difference(NamedTuple):
    """One field: its name and its value before and after, in words; "" where there was no row."""

    field: str
    before: str
    after: str


def action_label(action: str) -> str:
    """ "insert" as a person reads it."""
    return dict(action_choices()).get(action, action)


def describe(entries: Sequence[AuditEntry], *, reader: User) -> None:
    """Give each entry `who`, `thing` (kind) and `label` (which one); a few queries a page."""
    people = _people(entries, reader)
    labels = _labels(entries, people)
    for entry in entries:
        table = audit_table(entry.model)
        line: Any = entry
        line.who = _who(entry.user_id, people)
        line.thing = str(table.tracked._meta.verbose_name) if table else entry.model
        line.label = labels.get((entry.model, entry.object_id), "")
        if entry.user_id and entry.user_id not in people:
            line.ip = ""


def differences(entry: AuditEntry, *, reader: User) -> list[Difference]:
    """What the entry changed, field by field, against the event before it of the same object."""
    table = audit_table(entry.model)
    if table is None or table.source is Activity:
        return []
    events = table.source._default_manager
    event: Any = events.get(pk=entry.event_id)
    earlier = events.filter(pgh_obj_id=entry.object_id, pk__lt=entry.event_id)
    before = None if entry.action == "insert" else earlier.order_by("-pk").first()
    after = event
    if entry.action == "delete":
        before, after = event, None
    found = []
    for field in table.source._meta.local_concrete_fields:
        if field.name.startswith("pgh_") or field.name in _SILENT:
            continue
        old, new = (getattr(row, field.attname, None) for row in (before, after))
        if old != new:
            words = [_value(field, value, entry, reader) for value in (old, new)]
            found.append(Difference(str(field.verbose_name), *words))
    return found


def _value(field: Any, value: Any, entry: AuditEntry, reader: User) -> str:
    if value is None:
        return ""
    if field.choices:
        return str(dict(field.flatchoices).get(value, value))
    if field.is_relation:
        return _related(field.related_model, value, entry, reader)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return str(formats.date_format(timezone.localtime(value), "DATETIME_FORMAT"))
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)[:_MOST]


def _related(model: Any, pk: int, entry: AuditEntry, reader: User) -> str:
    if model is User:
        return _who(pk, _known([pk], {entry.company_id}, reader))
    row = model._base_manager.filter(pk=pk).first()
    return str(row) if row else _("deleted, number %d") % pk


def _who(user_id: int | None, people: dict[int, str]) -> str:
    if user_id is None:
        return _("the system")
    return people.get(user_id, _("somebody outside the company"))


def _people(entries: Iterable[AuditEntry], reader: User) -> dict[int, str]:
    wanted = {entry.user_id for entry in entries if entry.user_id}
    wanted |= {entry.object_id for entry in entries if entry.model == User._meta.label_lower}
    return _known(wanted, {entry.company_id for entry in entries}, reader)


def _known(wanted: Iterable[int], companies: set[int | None], reader: User) -> dict[int, str]:
    """Names of those among the wanted whom the reader may know."""
    from .models import Membership

    wanted = set(wanted)
    events: Any = audit_table(Membership._meta.label_lower)
    once_members = events.source._default_manager.filter(
        company_id__in=[pk for pk in companies if pk], user_id__in=wanted, accepted_at__isnull=False
    ).values_list("user_id", flat=True)
    seen = User.objects.visible_to(reader).filter(pk__in=wanted).values_list("pk", flat=True)
    allowed = set(once_members) | set(seen) | ({reader.pk} & wanted)
    return {user.pk: str(user) for user in User.objects.filter(pk__in=allowed)}


def _labels(entries: Iterable[AuditEntry], people: dict[int, str]) -> dict[tuple[str, int], str]:
    wanted: dict[str, set[int]] = defaultdict(set)
    for entry in entries:
        wanted[entry.model].add(entry.object_id)
    found: dict[tuple[str, int], str] = {}
    for label, keys in wanted.items():
        table = audit_table(label)
        if table is None or table.source is Activity:
            continue
        if table.tracked is User:
            found |= {(label, key): _who(key, people) for key in keys}
            continue
        for row in _with_parents(table.tracked).filter(pk__in=keys):
            found[label, row.pk] = str(row)
        gone = {key for key in keys if (label, key) not in found}
        found |= {(label, pk): text for pk, text in _of_last_events(table.source, gone).items()}
    return found


def _with_parents(model: type[models.Model]) -> Any:
    parents = [field.name for field in model._meta.local_fields if field.many_to_one]
    return model._base_manager.select_related(*parents)


def _of_last_events(source: Any, keys: set[int]) -> dict[int, str]:
    """What the last event calls each thing: for those that are gone."""
    names = {field.name for field in source._meta.local_concrete_fields}
    naming = next((name for name in _NAMING if name in names), None)
    if naming is None or not keys:
        return {}
    rows = source._default_manager.filter(pgh_obj_id__in=keys).order_by("pgh_obj_id", "-pgh_id")
    return dict(rows.distinct("pgh_obj_id").values_list("pgh_obj_id", naming))
