"""`manage.py mqtt_logins give|rotate|revoke|export|publish`: what modules log in with over MQTT."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils.translation import gettext as _

from ingestion.codecs.universal_frame import device_id, device_label
from ingestion.errors import IngestionError
from ingestion.mqtt_brokers import FORMATS
from ingestion.services.mqtt_logins import (
    Login,
    mqtt_login_give,
    mqtt_login_revoke,
    mqtt_login_rotate,
    mqtt_logins_live,
    mqtt_logins_publish,
)
from meters.models import TelemetryModule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from django.core.management.base import CommandParser
    from django.db.models import QuerySet


_DEVICE_ID = r"^ *[a-z]{3}-[0-9]{1,13} *$"


class Command(BaseCommand):
    """Passwords go to the output or to a file of mode 0600, never to a log."""

    help = _("Give, change and take away MQTT logins of modules; write them for a broker.")

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        for name in ("give", "rotate", "revoke"):
            action = actions.add_parser(name)
            action.add_argument(
                "device", nargs="*", help=_("Device ids as printed, or network addresses.")
            )
            action.add_argument("--company", default="", help=_("Code of the company."))
            action.add_argument("--all", action="store_true", help=_("All modules of the company."))
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
            self._change(action, _modules(options))

    def _change(self, action: str, modules: Iterable[TelemetryModule]) -> None:
        try:
            # In one transaction, so that a broker is told once.
            with transaction.atomic():
                lines = [_CHANGES[action](module) for module in modules]
        except IngestionError as error:
            raise CommandError(str(error)) from error
        self.stdout.writelines(f"{line}\n" for line in lines)

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


def _give(module: TelemetryModule) -> str:
    return _line(mqtt_login_give(actor=None, module=module))


def _rotate(module: TelemetryModule) -> str:
    return _line(mqtt_login_rotate(actor=None, module=module))


def _line(login: Login) -> str:
    """User name, password, and the topics where they don't follow from the user name."""
    return "\t".join([login.label, login.password, *login.topics])


def _revoke(module: TelemetryModule) -> str:
    mqtt_login_revoke(actor=None, module=module)
    return _("%s may no longer connect.") % module.address


_CHANGES: dict[str, Callable[[TelemetryModule], str]] = {
    "give": _give,
    "revoke": _revoke,
    "rotate": _rotate,
}


def _modules(options: dict[str, Any]) -> Iterable[TelemetryModule]:
    rows = TelemetryModule.objects.all()
    if options["company"]:
        rows = rows.filter(company__code=options["company"])
    if not options["all"]:
        return [_module(rows, text) for text in options["device"]]
    if not options["company"] or options["device"]:
        raise CommandError(_("--all needs a --company, and no device ids."))
    # Modules that speak other protocols have other addresses.
    return rows.filter(address__iregex=_DEVICE_ID).order_by("pk").iterator(1_000)


def _module(rows: QuerySet[TelemetryModule], text: str) -> TelemetryModule:
    """By the device id, or else by the network address as it was entered."""
    try:
        found = list(rows.filter(address__iexact=device_label(device_id(text))))
        refused = ""
    except ValueError as error:
        found, refused = [], str(error)
    found = found or list(rows.filter(address=text))
    if not found and refused:
        raise CommandError(refused)
    if len(found) != 1:
        raise CommandError(
            _("%(count)s modules have the device id %(device)s; name the --company.")
            % {"count": len(found), "device": text}
        )
    return found[0]
