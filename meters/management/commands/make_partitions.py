"""`manage.py make_partitions`: prepare the archive for coming months or for old history."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from meters.partitions import TABLES, partitions_ensure, upkeep

__all__ = ["Command"]


class Command(BaseCommand):
    """Without an option: the same as the daily task."""

    help = "Make the partitions of the archive that are missing, drop expired ones."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--from",
            dest="first",
            type=date.fromisoformat,
            metavar="YYYY-MM-DD",
            help="also prepare the archive for history from this day on",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        made = upkeep()
        if options["first"]:
            for table in TABLES:
                if table.days_back > 31:
                    made += partitions_ensure(
                        table, first=options["first"], last=timezone.now().date()
                    )
        self.stdout.write(_("%(count)d partitions made") % {"count": len(made)})
