"""Running an import: sheets to a plan, and the plan to the database, all or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pghistory
from django.conf import settings
from django.db import DatabaseError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from accounts.grants import grants_of
from accounts.models import Activity
from accounts.services.activity import activity_record
from config.lib.collector import collector_paused
from config.lib.locks import lock
from config.lib.tables.columns import normalised
from config.lib.tables.errors import TableFileError
from config.lib.tables.lines import LineSheet

from .nodes import nodes_of
from .plan import Plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from accounts.models import Company
    from config.lib.tables.report import Report
    from config.lib.tables.sheets import Sheet

    from .plan import Layout, Stage

__all__ = ["tables_import"]


def tables_import(
    *,
    actor: Any,
    company: Company,
    sheets: Sequence[Sheet],
    layouts: Sequence[Layout],
    stages: Sequence[type[Stage]],
    file_name: str,
    dry_run: bool,
    ip: str | None = None,
) -> Report:
    """Check the sheets and, unless it is a dry run or something is wrong, write them.

    actor None is the system itself. Several layouts: every sheet is named after one of them.
    The report says what was found; a refusal concerns the file as a whole. Nothing is written
    in part: the transaction holds everything, the audit rows with the name of the file included.
    """
    plan = Plan(company=company, actor=actor)
    try:
        with collector_paused(), transaction.atomic():
            if not dry_run:
                lock(f"tables:import:{company.pk}")
            _check(plan, sheets, layouts, stages)
            if plan.report.clean and not dry_run:
                _write(plan, file_name, ip)
    except TableFileError as error:
        plan.report.refusal = str(error)
    except DatabaseError:
        if dry_run:
            raise
        text = _("Something in the company changed at the same time, so nothing was imported.")
        plan.report.refusal = f"{text} {_('Upload the file again.')}"
    plan.report.sort()
    return plan.report


def _check(
    plan: Plan, sheets: Sequence[Sheet], layouts: Sequence[Layout], stages: Sequence[type[Stage]]
) -> None:
    _check_may(plan, stages)
    for stage in stages:
        plan.stages[stage.name] = stage(plan)
        plan.report.titles[stage.name] = stage.title
    for sheet, layout in _paired(sheets, layouts):
        _collect(plan, sheet, layout)
    if not plan.report.rows:
        raise TableFileError(_("There are headings, but no row below them."))
    for built in plan.stages.values():
        built.load()
        built.resolve()
    if plan.report.clean:
        _check_may_write(plan)


def _check_may(plan: Plan, stages: Sequence[type[Stage]]) -> None:
    if plan.actor is None:
        return
    grants = grants_of(plan.actor)
    needed = {"import_data", *(_access(stage).view for stage in stages)}
    if not all(grants.may(capability, plan.company.pk) for capability in needed):
        raise TableFileError(_("You may not import this into the company."))


def _check_may_write(plan: Plan) -> None:
    """What a file only names needs to be seen; what it changes needs the right to change it."""
    grants = grants_of(plan.actor)
    for name, stage in plan.stages.items():
        written = plan.report.counts[name].written if name in plan.report.counts else 0
        allowed = plan.actor is None or grants.may(_access(type(stage)).change, plan.company.pk)
        if written and not allowed:
            text = _("You may not change this in the company: %s.")
            raise TableFileError(text % stage.title)


def _access(stage: type[Stage]) -> Any:
    return stage.model.access  # type: ignore[attr-defined]


def _paired(sheets: Sequence[Sheet], layouts: Sequence[Layout]) -> list[tuple[Sheet, Layout]]:
    if len(layouts) == 1:
        if len(sheets) > 1:
            names = ", ".join(sheet.name for sheet in sheets[:5])
            text = _("The file has several sheets (%s). Keep one, or import several sheets.")
            raise TableFileError(text % names)
        return [(sheets[0], layouts[0])]
    known = _names(layouts)
    pairs = []
    for sheet in sheets:
        layout = known.get(normalised(sheet.name))
        if layout is None:
            text = _("No table is called “%(name)s”. Sheets are called: %(known)s.")
            names = ", ".join(layout.table.name for layout in layouts)
            raise TableFileError(text % {"name": sheet.name, "known": names})
        pairs.append((sheet, layout))
    if len({layout.table.name for _sheet, layout in pairs}) < len(pairs):
        raise TableFileError(_("Two sheets of the file mean the same table."))
    return pairs


def _names(layouts: Sequence[Layout]) -> dict[str, Layout]:
    known: dict[str, Layout] = {}
    for code, _language in settings.LANGUAGES:
        with override(code):
            known |= {normalised(str(layout.table.title)): layout for layout in layouts}
    return known | {normalised(layout.table.name): layout for layout in layouts}


def _collect(plan: Plan, sheet: Sheet, layout: Layout) -> None:
    plan.report.sheets.append(sheet.name)
    for line in LineSheet(sheet, layout.table, plan.report).lines(plan.zone):
        plan.report.rows += 1
        if layout.places:
            nodes_of(plan).chains.add(line, layout.places)
        for name, columns in layout.parts.items():
            plan.stages[name].add(line, columns, layout.merges)


def _write(plan: Plan, file_name: str, ip: str | None) -> None:
    with pghistory.context(reason=_("Import of %s") % file_name[:200]):
        for stage in plan.stages.values():
            stage.write()
    counts = (
        f"{title}: +{counts.new} ~{counts.changed}" for title, counts in plan.report.summary()
    )
    activity_record(
        user=plan.actor,
        kind=Activity.Kind.IMPORT,
        detail=f"{file_name[:200]} ({', '.join(counts)})",
        ip=ip,
        company=plan.company,
    )
