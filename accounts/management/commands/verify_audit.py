"""`verify_audit`: was the audit altered behind the product's back?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from accounts.services.seals import SealHead
from accounts.services.verification import audit_verify

if TYPE_CHECKING:
    from django.core.management.base import CommandParser


class Command(BaseCommand):
    help = _("Check every sealed audit row; names what was altered, deleted or slipped in.")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--head",
            metavar="NUMBER:MAC",
            help=_("The newest seal as noted in a log, else the one this machine noted."),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        found = 0
        for finding in audit_verify(head=self._head(options["head"])):
            found += 1
            self.stdout.write(str(finding))
        if found:
            raise CommandError(_("The audit does not fit its seals in %d places.") % found)
        self.stdout.write(_("The audit is whole."))

    def _head(self, text: str | None) -> SealHead | None:
        if not text:
            return None
        number, _separator, mac = text.partition(":")
        if not number.isdecimal() or not mac:
            raise CommandError(_("--head is a seal's number, a colon, and its MAC."))
        return SealHead(int(number), mac)
