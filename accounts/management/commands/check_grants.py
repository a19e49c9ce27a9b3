"""`check_grants [--fix]`: do guardian's rows say what the memberships say?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from accounts.services.grants import grants_compare, grants_sync

if TYPE_CHECKING:
    from django.core.management.base import CommandParser


class Command(BaseCommand):
    help = _("Compare the object grants with the memberships they are derived from.")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--fix", action="store_true", help=_("Correct what differs."))

    def handle(self, *args: Any, **options: Any) -> None:
        found = grants_sync() if options["fix"] else grants_compare()
        for word, rows in ((_("missing"), found.missing), (_("surplus"), found.surplus)):
            for row in sorted(rows):
                self.stdout.write(f"{word}: {row}")
        summary = _("%(missing)d missing, %(surplus)d surplus") % {
            "missing": len(found.missing),
            "surplus": len(found.surplus),
        }
        self.stdout.write(summary)
        if not options["fix"] and (found.missing or found.surplus):
            raise CommandError(_("The grants differ from the memberships. Run it with --fix."))
