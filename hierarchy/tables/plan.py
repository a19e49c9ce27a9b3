"""The plan of an import: stages that collect, check and write one kind of thing each."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.formats import localize
from django.utils.translation import gettext as _

from config.lib.statistics import analyze_after_bulk
from config.lib.tables.report import Change, Report

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from django.db.models import Model
    from django.utils.functional import _StrPromise

    from accounts.models import Company
    from config.lib.tables.columns import Table
    from config.lib.tables.lines import Line

__all__ = ["BATCH", "BROKEN", "Entry", "Layout", "Plan", "Stage"]

BATCH = 2_000


class _Broken:
    """Stands for a thing of the file that was already reported: nothing more is said of it."""

    pk = None


BROKEN: Any = _Broken()


@dataclass(frozen=True, slots=True)
class Layout:
    """How the columns of a table fall on stages: stage → field of the stage → column.

    places: kind of place → column, from the top down, where a table spells places out.
    merges: several rows may name the same thing, as long as they say the same of it.
    """

    table: Table
    parts: Mapping[str, Mapping[str, str]]
    places: Mapping[str, str] = field(default_factory=dict)
    merges: bool = False


class Entry:
    """What the rows want of one thing. `instance` is the stored row with the wishes applied, a
    new one not yet saved, or None when something is wrong with it.
    """

    __slots__ = ("columns", "extra", "first", "instance", "line", "merges", "wishes")

    def __init__(self, line: Line, columns: Mapping[str, str], merges: bool) -> None:
        self.line, self.columns, self.merges = line, columns, merges
        self.instance: Any = None
        # What other rows say of the same thing besides; `first` is the entry they were added to.
        self.extra: dict[str, Any] = {}
        self.first: Entry | None = None
        self.wishes: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a field; the default for an empty, wrong or absent cell."""
        column = self.columns.get(name)
        value = None if column is None else self.line.values.get(column)
        return self.extra.get(name, default) if value is None else value

    def fail(self, name: str, message: str) -> None:
        self.instance = None
        self.line.fail(self.columns.get(name, name), message)

    def is_bad(self, *names: str) -> bool:
        if not self.line.is_bad:
            return False
        return any(self.line.is_bad_at(self.columns.get(name, name)) for name in names)

    @property
    def is_sound(self) -> bool:
        """Nothing in its cells was wrong so far."""
        return not self.is_bad(*self.columns)

    def given(self) -> dict[str, Any]:
        """Fields with a value in its own row."""
        values = self.line.values
        return {name: values[key] for name, key in self.columns.items() if key in values}


@dataclass
class Plan:
    """One import into one company."""

    company: Company
    actor: Any
    report: Report = field(default_factory=Report)
    stages: dict[str, Stage] = field(default_factory=dict)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.company.time_zone)


class Stage:
    """One kind of thing. Called in this order: add for each row, load, resolve, write."""

    name: ClassVar[str]
    title: ClassVar[str | _StrPromise]
    model: ClassVar[type[Model]]
    # The fields that name a thing; the first one is told when they are missing.
    identity: ClassVar[tuple[str, ...]]
    # Fields that say nothing without it, in a table of several kinds.
    own: ClassVar[tuple[str, ...]] = ()

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.entries: list[Entry] = []
        self.created: list[Any] = []
        self.changed: dict[int, Any] = {}
        self._firsts: dict[Any, Entry] = {}
        self._changed_fields: set[str] = set()

    def add(self, line: Line, columns: Mapping[str, str], merges: bool) -> Entry | None:
        """Take what the row says of this kind; None when it says nothing, or nothing new."""
        entry = Entry(line, columns, merges)
        if entry.get(self.identity[0]) is None:
            if not entry.is_bad(self.identity[0]) and self._needs_identity(entry):
                text = _("This is missing; other cells of the row describe the %s.")
                entry.fail(self.identity[0], text % self.model._meta.verbose_name)
            return None
        first = self._firsts.setdefault(self.key(entry), entry)
        self.entries.append(entry)
        if first is not entry:
            self._merge(first, entry)
        return entry

    def key(self, entry: Entry) -> Any:
        """Equal for rows that name the same thing."""
        return tuple(entry.get(name) for name in self.identity)

    def _needs_identity(self, entry: Entry) -> bool:
        given = entry.given()
        return any(name in given for name in self.own) if entry.merges else bool(given)

    def _merge(self, first: Entry, entry: Entry) -> None:
        entry.first = first
        if not entry.merges:
            text = _("The same %(kind)s already stands in row %(row)d.")
            names = {"kind": self.model._meta.verbose_name, "row": first.line.number}
            entry.fail(self.identity[0], text % names)
            return
        for name, value in entry.given().items():
            known = first.get(name)
            if known is None:
                first.extra[name] = value
            elif known != value and not entry.is_bad(name):
                text = _("Row %(row)d says “%(value)s” of the same %(kind)s.")
                kind = self.model._meta.verbose_name
                names = {"row": first.line.number, "value": self._shown(known), "kind": kind}
                entry.fail(name, text % names)

    def firsts(self) -> Iterable[Entry]:
        """An entry for each thing, those left out in whose cells something was wrong."""
        return (entry for entry in self.entries if entry.first is None and entry.is_sound)

    def load(self) -> None:
        """Look up what the entries may mean."""

    def resolve(self) -> None:
        """Find or make the instance of every entry; report what is wrong."""
        raise NotImplementedError

    def write(self) -> None:
        """Store `created` and `changed`."""
        self.create_rows()
        self.update_rows()

    def create_rows(self) -> None:
        if self.created:
            self.model._base_manager.bulk_create(self.created, batch_size=BATCH)
            analyze_after_bulk(self.model, len(self.created))

    def update_rows(self) -> None:
        fields = sorted(self._changed_fields)
        rows = list(self.changed.values())
        if not rows or not fields:
            return
        if any(column.name == "updated_at" for column in self.model._meta.fields):
            fields.append("updated_at")
            for row in rows:
                row.updated_at = timezone.now()
        self.model._base_manager.bulk_update(rows, fields, batch_size=BATCH)

    def accept_new(self, entry: Entry, instance: Any) -> None:
        entry.instance = instance
        self.created.append(instance)
        self.plan.report.counts[self.name].new += 1
        if self.plan.report.wants_changes(self._noun):
            fields = [(column, None, entry.get(name)) for name, column in entry.columns.items()]
            told = [field for field in fields if field[2] is not None]
            self._tell(entry, instance, told, is_new=True)

    def accept_known(
        self, entry: Entry, instance: Any, wishes: Mapping[str, Any], beside: Iterable[Any] = ()
    ) -> None:
        """Apply the wishes (field → value) to a stored row, and count what came of it.

        beside: (field, before, after) of what changes in other tables.
        """
        entry.instance = instance
        changes = []
        for name, value in wishes.items():
            before = getattr(instance, name)
            if before != value:
                changes.append((name, before, value))
                setattr(instance, name, value)
        entry.wishes = {name for name, _before, _after in changes}
        if changes:
            self._changed_fields |= entry.wishes
            self.changed[instance.pk] = instance
        self._count(entry, [*changes, *beside])

    def _count(self, entry: Entry, changes: list[tuple[str, Any, Any]]) -> None:
        counts = self.plan.report.counts[self.name]
        if not changes:
            counts.unchanged += 1
            return
        counts.changed += 1
        if self.plan.report.wants_changes(self._noun):
            rows = [
                (entry.columns.get(name, name), before, after) for name, before, after in changes
            ]
            self._tell(entry, entry.instance, rows, is_new=False)

    def _tell(self, entry: Entry, instance: Any, rows: list[Any], *, is_new: bool) -> None:
        fields = tuple(
            (entry.line.heading(column), self._shown(before), self._shown(after))
            for column, before, after in rows
        )
        line = entry.line
        change = Change(line.sheet, line.number, self._noun, str(instance), is_new, fields)
        self.plan.report.add_change(change)

    @cached_property
    def _noun(self) -> str:
        return str(self.model._meta.verbose_name)

    def _shown(self, value: Any) -> str:
        if value is None:
            return ""
        if hasattr(value, "astimezone"):
            value = value.astimezone(self.plan.zone).replace(tzinfo=None)
            return str(value.isoformat(sep=" "))
        return str(localize(value)) if isinstance(value, bool) else str(value)
