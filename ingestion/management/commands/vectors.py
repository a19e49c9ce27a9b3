"""`manage.py vectors`: published telegrams against the decoders. Needs no running service."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from ingestion.vectors.formats import compare_file
from ingestion.vectors.outcomes import DIFFERENT, EQUAL, REFUSED, Outcome

__all__ = ["Command"]

_VERDICTS = (EQUAL, DIFFERENT, REFUSED)


class Command(BaseCommand):
    """One line a file, or with --json one object and nothing else on standard output."""

    help = "Compare published telegrams with what the decoders give for them."
    requires_system_checks: list[str] = []  # noqa: RUF012  declared so by the base class

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE.json")
        parser.add_argument("--verbose", action="store_true", help="every vector, and what differs")
        parser.add_argument("--json", action="store_true", help="one object, for one file")

    def handle(self, *args: Any, **options: Any) -> None:
        files: list[Path] = options["files"]
        if options["json"] and len(files) > 1:
            raise CommandError(_("With --json one file at a time."))
        for path in files:
            outcomes = _outcomes(path)
            if options["json"]:
                self.stdout.write(json.dumps(_report(path, outcomes), ensure_ascii=False))
            else:
                self.write(path, outcomes, verbose=options["verbose"])

    def write(self, path: Path, outcomes: Sequence[Outcome], *, verbose: bool) -> None:
        counts = Counter(outcome.verdict for outcome in outcomes)
        line = _("%(file)s: total %(total)d, equal %(equal)d, different %(different)d, "
                 "refused %(refused)d")  # fmt: skip
        numbers = {verdict: counts[verdict] for verdict in _VERDICTS}
        self.stdout.write(line % {"file": path, "total": len(outcomes), **numbers})
        for outcome in outcomes if verbose else ():
            detail = f": {outcome.detail}" if outcome.detail else ""
            self.stdout.write(f"  {outcome.verdict:<9} {outcome.name}{detail}")


def _outcomes(path: Path) -> list[Outcome]:
    try:
        return list(compare_file(path))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CommandError(_("%(file)s can't be compared: %(reason)s") % {
            "file": path, "reason": error
        }) from error  # fmt: skip


def _report(path: Path, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    counts = Counter(outcome.verdict for outcome in outcomes)
    return {
        "file": str(path),
        "total": len(outcomes),
        **{verdict: counts[verdict] for verdict in _VERDICTS},
        "items": [
            {"name": one.name, "verdict": one.verdict, "detail": one.detail} for one in outcomes
        ],
    }
