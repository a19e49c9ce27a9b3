"""`manage.py rollup`: sum nodes and months from the archive."""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Company
from meters.rollups.months import months_catch_up
from meters.rollups.running import RolledUp, days_roll_up, roll_up_all

__all__ = ["Command"]


class Command(BaseCommand):
    """Without an option: what is dirty, as the task does every few seconds."""

    help = "Bring the sums of nodes and months up to date, or make them from the archive anew."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--all", action="store_true", help="every day that has data")
        for name, dest in (("--from", "first"), ("--to", "last")):
            parser.add_argument(
                name, dest=dest, type=date.fromisoformat, metavar="YYYY-MM-DD", help="local day"
            )
        parser.add_argument("--company", metavar="CODE", help="this company only")

    def handle(self, *args: Any, **options: Any) -> None:
        done = self._again(options) if _is_again(options) else roll_up_all()
        months = months_catch_up()
        self.stdout.write(
            _("%(days)d days and %(months)d months summed, %(nodes)d sums of nodes changed")
            % {"days": done.days, "months": months, "nodes": done.nodes}
        )

    def _again(self, options: dict[str, Any]) -> RolledUp:
        companies = Company.objects.order_by("pk")
        if options["company"]:
            companies = companies.filter(code=options["company"])
            if not companies:
                raise CommandError(_("There is no company “%s”.") % options["company"])
        # Days are local ones: to today where the company is, which UTC may not have reached.
        today = {company.pk: _today(company) for company in companies}
        latest = options["last"] or max(today.values(), default=timezone.now().date())
        first = options["first"] or _first_day() or latest
        if first > latest:
            raise CommandError(_("The period ends before it begins."))
        done = RolledUp()
        for company in companies:
            last = options["last"] or today[company.pk]
            part = days_roll_up(company_id=company.pk, first=first, last=last)
            done = RolledUp(done.days + part.days, done.nodes + part.nodes)
        return done


def _is_again(options: dict[str, Any]) -> bool:
    return bool(options["all"] or options["first"] or options["last"])


def _today(company: Company) -> date:
    return timezone.localdate(timezone=ZoneInfo(company.time_zone))


def _first_day() -> date | None:
    """Of the archive; None when it is empty."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(day) FROM meters_interval_block")
        day: date | None = cursor.fetchone()[0]
    return day
