"""`manage.py bench_admin`: how long the lists of the administration take with many meters."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from bench.stopwatch import Measured

# Milliseconds at the database, median, that no question of any reader may exceed.
MUST, AIM = 300, 100


class Command(BaseCommand):
    """Builds its rows in an empty database and leaves them there: give it a temporary one."""

    help = "Measure lists, searches and autocompletes of the administration with many meters."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--meters", type=int, default=1_000_000, help="how many to build")
        parser.add_argument("--runs", type=int, default=5, help="measured runs of each question")
        parser.add_argument("--only", default="", help="questions whose name contains this")
        parser.add_argument("--reader", default="", help="readers whose name contains this")
        parser.add_argument("--json", type=Path, default=settings.BASE_DIR / "bench/admin.json")
        parser.add_argument("--built", action="store_true", help="the rows are there already")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["built"]:
            self._build(options["meters"])
        measured = self._measure(options["runs"], options["only"], options["reader"])
        worst = _worst_first(measured)
        self._print(worst)
        if not (options["only"] or options["reader"]):
            options["json"].write_text(json.dumps(_results(worst), indent=1) + "\n")
            self.stdout.write(f"written to {options['json']}")
        slow = sum(row.database > MUST for row in worst)
        if slow:
            raise CommandError(f"{slow} questions take more than {MUST} ms at the database")

    def _build(self, meters: int) -> None:
        from bench.readers import readers_create
        from bench.town import towns_build

        call_command("migrate", verbosity=0)
        with connection.cursor() as cursor:
            cursor.execute("SELECT EXISTS (SELECT 1 FROM accounts_company)")
            if cursor.fetchone() != (False,):
                raise CommandError("This database is in use. Run `make bench-admin`.")
        begun = time.monotonic()
        towns_build(meters)
        readers_create()
        self.stdout.write(f"{meters:,} meters built in {time.monotonic() - begun:.0f} s")

    def _measure(self, runs: int, only: str, reader_name: str) -> list[Measured]:
        from bench.questions import questions_of
        from bench.readers import readers_find
        from bench.stopwatch import Stopwatch

        found: list[Measured] = []
        for reader in readers_find():
            if reader_name not in reader.name:
                continue
            stopwatch = Stopwatch(reader.name, reader.user, runs=runs)
            questions = [question for question in questions_of(reader) if only in question.name]
            found += filter(None, map(stopwatch.ask, questions))
        return found

    def _print(self, rows: list[Measured]) -> None:
        head = ("median", "max", "request", "rows")
        self.stdout.write("".join(f"{word:>9}" for word in head) + "  question (slowest reader)")
        for row in rows:
            numbers = (row.database, row.database_max, row.request)
            cells = "".join(f"{number:9.1f}" for number in numbers)
            self.stdout.write(f"{cells}{row.rows:9d}  {row.question} ({row.reader})")


def _worst_first(measured: list[Measured]) -> list[Measured]:
    """For each question the reader for whom it takes longest, slowest question first."""
    slowest: dict[str, Measured] = {}
    for row in measured:
        known = slowest.get(row.question)
        if known is None or known.database < row.database:
            slowest[row.question] = row
    return sorted(slowest.values(), key=lambda row: -row.database)


def _results(rows: list[Measured]) -> list[dict[str, Any]]:
    return [
        {
            "name": row.question,
            "value": round(row.database, 1),
            "unit": "ms",
            "must": MUST,
            "aim": AIM,
            "better": "lower",
        }
        for row in rows
    ]
