"""What an import found: every wrong cell, what would change, and how much of it."""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from django.conf import settings
from django.utils.translation import gettext as _

from .neutral import neutralised

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

__all__ = ["Change", "Counts", "Problem", "Report"]


class Problem(NamedTuple):
    """One cell that can't be used; without a column the row as a whole."""

    sheet: str
    row: int
    column: str
    value: str
    message: str


class Change(NamedTuple):
    """One thing of one row, and what would become of it; `before` is empty for a new one."""

    sheet: str
    row: int
    kind: str
    name: str
    is_new: bool
    fields: tuple[tuple[str, str, str], ...]


@dataclass(slots=True)
class Counts:
    """Things of one kind."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0

    @property
    def written(self) -> int:
        return self.new + self.changed


@dataclass(slots=True)
class Report:
    """Filled while a file is gone through. Nothing is written unless it is `clean`."""

    refusal: str = ""
    problems: list[Problem] = field(default_factory=list)
    problem_count: int = 0
    changes: list[Change] = field(default_factory=list)
    counts: dict[str, Counts] = field(default_factory=lambda: defaultdict(Counts))
    titles: dict[str, str | _StrPromise] = field(default_factory=dict)
    # Names of the sheets as they stand in the file.
    sheets: list[str] = field(default_factory=list)
    rows: int = 0
    bad_rows: set[tuple[str, int]] = field(default_factory=set)
    _shown: Counter[str] = field(default_factory=Counter)

    @property
    def clean(self) -> bool:
        return not self.refusal and not self.problem_count

    def add_problem(self, problem: Problem) -> None:
        self.problem_count += 1
        self.bad_rows.add((problem.sheet, problem.row))
        if len(self.problems) < settings.IMPORT_KEPT_ERRORS:
            self.problems.append(problem)

    def add_change(self, change: Change) -> None:
        """Only the first ones of each kind are kept, to be looked at; all are counted."""
        if self.wants_changes(change.kind):
            self.changes.append(change)
            self._shown[change.kind] += 1

    def wants_changes(self, kind: str) -> bool:
        return self._shown[kind] < settings.IMPORT_SHOWN_CHANGES

    def sort(self) -> None:
        """Problems in the order of the file."""
        order = {name: index for index, name in enumerate(self.sheets)}
        self.problems.sort(key=lambda problem: (order[problem.sheet], problem.row))

    def summary(self) -> list[tuple[str, Counts]]:
        """Counts by the name of the kind, in the order the kinds are gone through."""
        return [(str(self.titles.get(key, key)), counts) for key, counts in self.counts.items()]

    def problems_csv(self) -> bytes:
        """The problems as a table to open beside the file."""
        target = io.StringIO()
        writer = csv.writer(target)
        writer.writerow([_("Sheet"), _("Row"), _("Column"), _("Value"), _("What is wrong")])
        for problem in self.problems:
            writer.writerow(
                [neutralised(part) if isinstance(part, str) else part for part in problem]
            )
        return target.getvalue().encode("utf-8-sig")
