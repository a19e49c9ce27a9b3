"""`manage.py load_demo`: two companies to look at, with people who can sign in."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from reports.demo.loader import archive_load, demo_load, is_loaded
from reports.demo.people import logins_reset

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from reports.demo.people import Login


class Command(BaseCommand):
    """Does nothing where the demo is loaded already."""

    help = "Load the demo companies City Utilities and Hill Waterworks, with users."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--credentials-file",
            type=Path,
            help="write the logins here, readable by the owner only",
        )
        parser.add_argument(
            "--without-history", action="store_true", help="leave the archive empty"
        )
        parser.add_argument(
            "--reset-passwords", action="store_true", help="give the demo's users new passwords"
        )

    def handle(
        self,
        *args: Any,
        credentials_file: Path | None,
        reset_passwords: bool,
        without_history: bool,
        **options: Any,
    ) -> None:
        if reset_passwords:
            self._reset(credentials_file)
            return
        try:
            loaded = demo_load(keep=lambda logins: self._keep(logins, credentials_file))
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        if loaded:
            self.stdout.write(_("The demo companies are loaded."))
        else:
            self._say_present(credentials_file)
        if not without_history:
            self._archive()

    def _archive(self) -> None:
        begin = time.monotonic()
        if archive_load(say=self.stdout.write):
            seconds = time.monotonic() - begin
            self.stdout.write(_("History and the last frames are loaded: %.1f s.") % seconds)

    def _reset(self, path: Path | None) -> None:
        if not is_loaded():
            raise CommandError(_("The demo is not loaded: run `manage.py load_demo` first."))
        self._keep(logins_reset(), path)

    def _say_present(self, path: Path | None) -> None:
        self.stdout.write(_("The demo companies are there already; nothing was changed."))
        if path is not None and path.exists():
            self.stdout.write(_("Logins: %s") % path)
            return
        self.stdout.write(
            _("Passwords are not stored in plain text. For new ones: %s")
            % "manage.py load_demo --reset-passwords --credentials-file PATH"
        )

    def _keep(self, logins: list[Login], path: Path | None) -> None:
        text = _text(logins)
        if path is not None:
            _write_private(path, text)
            self.stdout.write(_("Logins: %s") % path)
        # Output that goes to a log must not carry passwords when a file has them.
        if path is None or self.stdout.isatty():
            self.stdout.write(text)


def _text(logins: list[Login]) -> str:
    roles = max((len(login.role) for login in logins), default=0)
    emails = max((len(login.email) for login in logins), default=0)
    lines = [f"{row.role:<{roles}}  {row.email:<{emails}}  {row.password}" for row in logins]
    return "\n".join(["Logins of the demo (role, e-mail, password)", *lines, ""])


def _write_private(path: Path, text: str) -> None:
    """The file is there with mode 0600 and all of its text, or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        text = _("The logins can't be written to %(path)s: %(reason)s.")
        raise CommandError(text % {"path": path, "reason": error.strerror}) from error
