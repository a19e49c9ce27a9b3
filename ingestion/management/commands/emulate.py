"""`manage.py emulate`: a fleet of modules that sends over real sockets."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from accounts.models import Company
from ingestion.emulator.checking import ledger_check
from ingestion.emulator.courier import Manners
from ingestion.emulator.datasets import increments_read
from ingestion.emulator.ledger import ledger_read
from ingestion.emulator.links import TRANSPORTS
from ingestion.emulator.making import fleet_make
from ingestion.emulator.misbehaviour import Misbehaviour
from ingestion.emulator.running import Fleet, Plan, fleet_build

if TYPE_CHECKING:
    from argparse import ArgumentParser

_LINE_SECONDS = 2.0


class Command(BaseCommand):
    """The fleet is that of the database; each register goes on where the archive ends."""

    help = "Emulate telemetry modules that speak the universal protocol over UDP, TCP or MQTT."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--devices", type=int, default=0, help="at most so many (0: all)")
        parser.add_argument("--make", type=int, default=0, help="make so many water modules first")
        parser.add_argument("--company", help="code of the company whose modules speak")
        parser.add_argument("--transport", choices=TRANSPORTS, default="udp")
        parser.add_argument("--host", default=settings.INGEST_HOST)
        parser.add_argument("--port", type=int, default=None)
        parser.add_argument("--rate", type=float, default=0, help="frames a second (0: no limit)")
        parser.add_argument(
            "--days", type=int, default=1, help="days back, where nothing is stored"
        )
        parser.add_argument("--values", type=int, default=24, help="values of a profile at most")
        parser.add_argument(
            "--misbehave", default="", help="loss=0.1,dup=0.05,… (docs/emulator.md)"
        )
        parser.add_argument("--csv", type=Path, help="replay readings (time,value), over and over")
        parser.add_argument("--factor", type=Decimal, default=1, help="counts for one of the file")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--back-off", type=float, default=4.0, help="seconds, doubled each try")
        parser.add_argument(
            "--live", action="store_true", help="go on with each interval that ends"
        )
        parser.add_argument("--seconds", type=float, default=600.0, help="give up after so long")
        parser.add_argument("--ledger", type=Path, help="write what was acknowledged to this file")
        parser.add_argument("--check", action="store_true", help="compare the ledger afterwards")

    def handle(self, *args: Any, **options: Any) -> None:
        fleet = self._fleet(options)
        self.stdout.write(
            _("%(devices)d modules, %(registers)d registers, over %(transport)s")
            % {
                "devices": len(fleet.modules),
                "registers": len(fleet.meters),
                "transport": options["transport"],
            }
        )
        begin = time.monotonic()
        try:
            done = self._run(fleet, options)
        except KeyboardInterrupt:
            done = True
        finally:
            fleet.close()
        self._summary(fleet, time.monotonic() - begin)
        if not done:
            raise CommandError(_("Some frames were not acknowledged in time."))
        if options["check"]:
            self._check(options["ledger"])

    def _fleet(self, options: dict[str, Any]) -> Fleet:
        if options["check"] and options["ledger"] is None:
            raise CommandError(_("--check needs --ledger."))
        companies = self._companies(options)
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        try:
            plan = Plan(
                transport=options["transport"],
                host=options["host"],
                port=options["port"],
                companies=companies,
                devices=options["devices"],
                start=int((today - timedelta(days=options["days"])).timestamp()),
                most=options["values"],
                rate=options["rate"],
                seed=options["seed"],
                misbehaviour=Misbehaviour.parse(options["misbehave"]),
                manners=Manners(back_off=options["back_off"]),
                ledger=options["ledger"],
                series=self._series(options),
            )
        except (ValueError, OSError) as error:
            raise CommandError(str(error)) from error
        fleet = fleet_build(plan)
        if not len(fleet.meters):
            fleet.close()
            raise CommandError(_("No active module with a key and a meter: try --make 100."))
        return fleet

    def _series(self, options: dict[str, Any]) -> list[int]:
        path: Path | None = options["csv"]
        return [] if path is None else increments_read(path, Decimal(options["factor"]))

    def _companies(self, options: dict[str, Any]) -> list[int]:
        if options["make"]:
            return [fleet_make(options["make"]).pk]
        if not options["company"]:
            return []
        company = Company.objects.filter(code=options["company"]).first()
        if company is None:
            raise CommandError(_("There is no company with the code %s.") % options["company"])
        return [company.pk]

    def _run(self, fleet: Fleet, options: dict[str, Any]) -> bool:
        end = time.monotonic() + options["seconds"]
        told_at = time.monotonic()
        while options["live"] or time.monotonic() < end:
            if fleet.turn() and not options["live"]:
                return True
            if time.monotonic() - told_at > _LINE_SECONDS:
                told_at = time.monotonic()
                self._progress(fleet)
        return False

    def _progress(self, fleet: Fleet) -> None:
        score = fleet.courier.score
        text = _("%(acknowledged)d acknowledged, %(waiting)d waiting, %(repeated)d sent again")
        values = {"acknowledged": score.acknowledged, "repeated": score.repeated}
        self.stdout.write(text % {**values, "waiting": fleet.courier.waiting})

    def _summary(self, fleet: Fleet, seconds: float) -> None:
        score, ledger = fleet.courier.score, fleet.courier.ledger
        rows = [
            (_("frames acknowledged"), score.acknowledged),
            (_("values in them"), ledger.values),
            (_("datagrams or frames sent"), score.sent),
            (_("of them sent again"), score.repeated),
            (_("stored but not understood"), score.not_understood),
            (_("given up for the next report"), score.given_up),
            (_("clocks set"), score.clocks_set),
            (_("requests carried out"), fleet.responder.carried_out),
            (_("still waiting"), fleet.courier.waiting),
            (_("values a second"), round(ledger.values / max(seconds, 1e-3))),
        ]
        rows += [(_("misbehaved: %s") % name, n) for name, n in sorted(fleet.mischief.items())]
        width = max(len(name) for name, _number in rows)
        for name, number in rows:
            self.stdout.write(f"{name:<{width}}  {number:>12}")

    def _check(self, path: Path) -> None:
        found = ledger_check(ledger_read(path))
        self.stdout.write(
            _("acknowledged %(acknowledged)d, lost %(lost)d, changed %(changed)d, beyond %(more)d")
            % found._asdict()
        )
        if not found.good:
            raise CommandError(_("The archive differs from what was acknowledged."))
