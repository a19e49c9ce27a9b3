"""Rows that a user may export, as tables that an import takes back unchanged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.translation import ngettext

from accounts.grants import grants_of
from config.lib.tables.errors import TableFileError
from config.lib.tables.writing import SheetToWrite, rendered

from .columns import NODES_LAYOUT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from django.db.models import QuerySet

    from accounts.models import Company
    from config.lib.tables.columns import Column

    from .plan import Layout

__all__ = ["CHUNK", "Export", "Scope", "export_nodes", "exportable", "named", "sheets_to_write"]

CHUNK = 2_000


@dataclass(frozen=True, slots=True)
class Scope:
    """What is exported, and for whom. rows: of the page's own model, as its list shows them."""

    user: Any
    company: Company
    zone: ZoneInfo
    rows: QuerySet[Any]

    def all_of(self, model: Any) -> QuerySet[Any]:
        """Every row of another model that may be exported."""
        found: QuerySet[Any] = exportable(model, self.user).filter(company=self.company)
        return found


@dataclass(frozen=True, slots=True)
class Export:
    """columns: of the sheet, given its scope; rows: lists of values in their order."""

    layout: Layout
    columns: Callable[[Scope], Sequence[Column]]
    rows: Callable[[Scope, Sequence[Column]], Iterator[list[Any]]]


def exportable(model: Any, user: Any) -> QuerySet[Any]:
    """Rows of `model` that the user sees and may take out."""
    access = replace(model.access, view="export_data", shared=False)
    condition = grants_of(user).condition(access, "view")
    rows = model.objects.visible_to(user)
    return rows.none() if condition is None else rows.filter(condition)  # type: ignore[no-any-return]


def sheets_to_write(
    exports: Sequence[Export], scope: Scope, *, in_words: bool
) -> list[SheetToWrite]:
    """Sheets whose rows are read while they are written."""
    sheets = []
    for export in exports:
        columns = list(export.columns(scope))
        headings = [str(column.heading) if in_words else column.name for column in columns]
        rows = rendered(columns, bounded(export.rows(scope, columns)), in_words=in_words)
        sheets.append(SheetToWrite(export.layout.table.name, columns, headings, rows))
    return sheets


def bounded(rows: Iterator[list[Any]]) -> Iterator[list[Any]]:
    """The rows, or TableFileError once they are too many."""
    for number, row in enumerate(rows, start=1):
        if number > settings.EXPORT_MAX_ROWS:
            refuse_rows()
        yield row


def refuse_rows() -> None:
    limit = settings.EXPORT_MAX_ROWS
    text = ngettext(
        "More than %d row would be exported. Narrow the list down with its filters.",
        "More than %d rows would be exported. Narrow the list down with its filters.",
        limit,
    )
    raise TableFileError(text % limit)


def named(code: str | None, path: str | None) -> str:
    """How a table names a node: by its code, else by its full name."""
    return code or path or ""


def _node_rows(scope: Scope, columns: Sequence[Column]) -> Iterator[list[Any]]:
    rows = scope.rows.order_by("system", "tree_id", "lft").values_list(
        "system", "kind", "name", "code", "parent__code", "parent__path", "latitude", "longitude"
    )
    for system, kind, name, code, parent_code, parent_path, *where in rows.iterator(CHUNK):
        yield [system, kind, name, code, named(parent_code, parent_path), *where]


export_nodes = Export(NODES_LAYOUT, lambda _scope: NODES_LAYOUT.table.columns, _node_rows)
