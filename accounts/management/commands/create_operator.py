"""`create_operator --email …`: somebody who runs the platform."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from accounts.errors import AccountsError
from accounts.services.operators import operator_create, password_generate

if TYPE_CHECKING:
    from django.core.management.base import CommandParser


class Command(BaseCommand):
    help = _("Create a platform operator; prints a generated password once.")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--name", default="")
        parser.add_argument(
            "--password-stdin", action="store_true", help=_("Read the password from the input.")
        )

    def handle(self, *args: Any, **options: Any) -> None:
        given = sys.stdin.readline().rstrip("\n") if options["password_stdin"] else None
        password = given if given is not None else password_generate()
        try:
            operator_create(email=options["email"], password=password, full_name=options["name"])
        except AccountsError as error:
            raise CommandError(str(error)) from error
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(_("Platform operator %s created.") % options["email"])
        if given is None:
            self.stdout.write(_("Password (shown only now): %s") % password)
