"""`manage.py check_tree [--fix]`: are all trees numbered as their parents say?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from hierarchy.models import Node
from hierarchy.numbering import tree_faults, tree_rebuild

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    """Checks every forest; exit code 1 when something is wrong and not mended."""

    help = "Check the numbers and full names of all trees; --fix computes them anew."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--fix", action="store_true", help="mend what is wrong")

    def handle(self, *args: Any, fix: bool, **options: Any) -> None:
        wrong = 0
        forests = Node.objects.order_by().values_list("company_id", "system").distinct()
        for company_id, system in list(forests):
            faults = tree_faults(company_id=company_id, system=system)
            wrong += len(faults)
            for fault in faults[:10]:
                self.stdout.write(f"{system}: {fault.path} (node {fault.node_id})")
            if fix and faults:
                mended = tree_rebuild(company_id=company_id, system=system)
                self.stdout.write(
                    _("%(system)s: %(count)d nodes mended") % {"system": system, "count": mended}
                )
        if wrong and not fix:
            raise CommandError(_("Trees are damaged. Run again with --fix."))
        if not wrong:
            self.stdout.write(_("All trees are sound."))
