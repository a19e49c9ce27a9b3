"""Resources of django-import-export over the bulk plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from import_export.resources import Resource
from import_export.results import Error, InvalidRow, Result, RowResult

from config.lib.tables.columns import Table
from config.lib.tables.errors import TableFileError

from .columns import NODES_LAYOUT
from .exporting import Export, Scope, export_nodes, sheets_to_write
from .importing import tables_import
from .nodes import NodeStage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import QuerySet
    from django.utils.functional import _StrPromise

    from accounts.models import Company
    from config.lib.tables.columns import Column
    from config.lib.tables.report import Report
    from config.lib.tables.sheets import Sheet
    from config.lib.tables.writing import SheetToWrite

    from .plan import Layout, Stage

__all__ = ["NodeResource", "TableResource", "TableResult"]


class TableResult(Result):
    """A result whose rows come from a report."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self.report = report
        self.total_rows = report.rows
        if report.refusal:
            self.base_errors.append(Error(TableFileError(report.refusal)))
        for problem in report.problems[: settings.IMPORT_SHOWN_ERRORS]:
            error = ValidationError({problem.column or "row": [problem.message]})
            self.invalid_rows.append(InvalidRow(problem.row, error, (problem.value,)))
        for counts in report.counts.values():
            self.totals[RowResult.IMPORT_TYPE_NEW] += counts.new
            self.totals[RowResult.IMPORT_TYPE_UPDATE] += counts.changed
            self.totals[RowResult.IMPORT_TYPE_SKIP] += counts.unchanged
        self.totals[RowResult.IMPORT_TYPE_INVALID] = len(report.bad_rows)


class TableResource(Resource):
    """Sheets in, sheets out, in one company.

    The library saves row by row: a query or more to find each row, a full_clean with a query for
    each constraint, and one insert. Ten thousand meters with their modules, usage points and
    installations would be some 400,000 queries, once for the dry run and once for the run. Here
    a file is read into columns, everything it names is looked up in a few queries, the rules are
    checked in memory, and what is new is written in bulk. The library keeps the rest: forms,
    formats, the step to confirm, results and pages.
    """

    label: ClassVar[str | _StrPromise]
    layouts: ClassVar[Sequence[Layout]]
    stages: ClassVar[Sequence[type[Stage]]]
    exports: ClassVar[Sequence[Export]]
    # Whether an export takes the rows of the list it is called from, or all of the company.
    of_list: ClassVar[bool] = True

    def __init__(
        self, *, company: Company | None = None, actor: Any = None, ip: str | None = None
    ) -> None:
        super().__init__()
        self.company, self.actor, self.ip = company, actor, ip

    @classmethod
    def get_display_name(cls) -> str:
        return str(cls.label)

    @classmethod
    def tables(cls) -> list[Table]:
        return [layout.table for layout in cls.layouts]

    def import_data(  # type: ignore[override]
        self, dataset: list[Sheet], dry_run: bool = False, file_name: str = "", **_options: Any
    ) -> TableResult:
        """Check the sheets and, unless dry_run, write them; all or nothing."""
        assert self.company is not None
        report = tables_import(
            actor=self.actor,
            company=self.company,
            sheets=dataset,
            layouts=self.layouts,
            stages=self.stages,
            file_name=file_name or "",
            dry_run=dry_run,
            ip=self.ip,
        )
        return TableResult(report)

    def sheets(self, queryset: QuerySet[Any], *, in_words: bool) -> list[SheetToWrite]:
        """Sheets of an export; their rows are read while they are written."""
        assert self.company is not None
        zone = ZoneInfo(self.company.time_zone)
        scope = Scope(user=self.actor, company=self.company, zone=zone, rows=queryset)
        return sheets_to_write(self.exports, scope, in_words=in_words)

    @classmethod
    def template_columns(cls, table: Table) -> list[Column]:
        """Of an empty sheet to fill in: the columns of single registers would drown the others."""
        return [column for column in table.columns if ":" not in column.name]

    def get_user_visible_fields(self) -> list[Any]:
        return []


class NodeResource(TableResource):
    label = _("Nodes")
    layouts = (NODES_LAYOUT,)
    stages = (NodeStage,)
    exports = (export_nodes,)
