"""`manage.py mqtt_logins give|rotate|revoke|export|publish`: what modules log in with over MQTT."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from ingestion.codecs.universal_frame import device_id, device_label
from ingestion.errors import IngestionError
from ingestion.mqtt_brokers import FORMATS
from ingestion.services.mqtt_logins import (
    mqtt_login_give,
    mqtt_login_revoke,
    mqtt_login_rotate,
    mqtt_logins_live,
    mqtt_logins_publish,
)
from meters.models import TelemetryModule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.core.management.base import CommandParser


class Command(BaseCommand):
    """Passwords go to the output or to a file of mode 0600, never to a log."""

    help = _("Give, change and take away MQTT logins of modules; write them for a broker.")

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        for name in ("give", "rotate", "revoke"):
            action = actions.add_parser(name)
            action.add_argument("device", nargs="+", help=_("Device ids as printed."))
            action.add_argument("--company", default="", help=_("Code of the company."))
        export = actions.add_parser("export")
        export.add_argument("--format", choices=sorted(FORMATS), required=True)
        export.add_argument("--output", type=Path, help=_("File to write; mode 0600."))
        actions.add_parser("publish")

    def handle(self, *args: Any, **options: Any) -> None:
        action = options["action"]
        if action == "export":
            self._export(options["format"], options["output"])
        elif action == "publish":
            self._publish()
        else:
            for module in _modules(options["device"], options["company"]):
                self._change(action, module)

    def _change(self, action: str, module: TelemetryModule) -> None:
        try:
            if action == "revoke":
                mqtt_login_revoke(actor=None, module=module)
                self.stdout.write(_("%s may no longer connect.") % module.address)
                return
            change = mqtt_login_give if action == "give" else mqtt_login_rotate
            login = change(actor=None, module=module)
        except IngestionError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{login.label}\t{login.password}")

    def _export(self, name: str, output: Path | None) -> None:
        lines = FORMATS[name](mqtt_logins_live())
        if output is None:
            self.stdout.writelines(f"{line}\n" for line in lines)
            return
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            os.fchmod(file.fileno(), 0o600)
            file.writelines(f"{line}\n" for line in lines)

    def _publish(self) -> None:
        if not mqtt_logins_publish():
            raise CommandError(
                _("The embedded broker does not run here: export the logins for your broker.")
            )
        self.stdout.write(_("The embedded broker has the logins."))


def _modules(devices: list[str], company: str) -> Iterator[TelemetryModule]:
    for text in devices:
        try:
            label = device_label(device_id(text))
        except ValueError as error:
            raise CommandError(str(error)) from error
        rows = TelemetryModule.objects.filter(address__iexact=label)
        found = list(rows.filter(company__code=company) if company else rows)
        if len(found) != 1:
            raise CommandError(
                _("%(count)s modules have the device id %(device)s; name the --company.")
                % {"count": len(found), "device": label}
            )
        yield found[0]
