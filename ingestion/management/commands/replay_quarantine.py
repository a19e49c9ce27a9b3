"""`manage.py replay_quarantine`: have kept frames tried again by the collection engine."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from ingestion.errors import IngestionError
from ingestion.services.replay import replay_devices, replay_everything

__all__ = ["Command"]


class Command(BaseCommand):
    """Without a device: everything that is kept and known by now."""

    help = "Have the frames kept in quarantine tried again by the collection engine."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("devices", nargs="*", metavar="RDO-0000000001", help="only these")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["devices"]:
            replay_everything()
            self.stdout.write(_("Everything kept is tried again as soon as the engine works."))
            return
        try:
            count = replay_devices(devices=options["devices"])
        except IngestionError as error:
            raise CommandError(str(error)) from error
        text = _("%(count)d devices are tried again as soon as the engine works.")
        self.stdout.write(text % {"count": count})
